//! A sign by hand, to lay beside one's own.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use wechatpay_proto::{ApiKey, Call as UntypedCall, Merchant, Nonce, RequestError, SignType};

use super::{Admin, Answer, Asked, Body, Call, Kind, Refused, Reply, may, must};

pub(super) const CALLS: &[Call] = &[Call {
    method: Method::POST,
    path: "/sign",
    summary: "Signs fields as a client should, with a merchant's key or one that is given; keeps nothing. The key is \
              left out of string_to_sign.",
    query: &[],
    body: Body::Required(
        &[
            must("path", Kind::Text, "the endpoint"),
            must("fields", Kind::Map(&Kind::Text), "the fields; nonce_str is made up where it is left out"),
            must("mch_id", Kind::Text, "the merchant; it need not be there where the key is given"),
            may("key", Kind::Text, "an API key, in place of the merchant's; never a real one").or_null(),
            may("sign_type", Kind::OneOf(&["MD5", "HMAC-SHA256"]), "how; MD5 where it is left out").or_null(),
        ],
        r#"{"path":"/mmpaymkttransfers/gethbinfo","mch_id":"10000098","fields":{"mch_billno":"1","appid":"wx8888888888888888","bill_type":"MCHT","nonce_str":"5K8264ILTKCH16CQ2502SI8ZNMTM67VS"}}"#,
    ),
    status: StatusCode::OK,
    answer: Answer::Json(&[
        must("string_to_sign", Kind::Text, "what was signed, without the key"),
        must("sign", Kind::Text, "in upper-case hex"),
        must("xml", Kind::Text, "the whole document"),
    ]),
    run: sign,
}];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToSign {
    path: String,
    fields: BTreeMap<String, String>,
    mch_id: String,
    /// The merchant's own where it is left out.
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    sign_type: Option<String>,
}

fn sign(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let ToSign { path, mut fields, mch_id, key, sign_type } = asked.read()?;
    let refuse = |error: RequestError| Refused::bad(error.to_string());
    let merchant = match key {
        Some(key) => ApiKey::new(key).and_then(|key| Merchant::direct(&mch_id, key)).map_err(refuse)?,
        None => credentials(admin, &mch_id)?,
    };
    // The call puts these in itself.
    fields.remove("mch_id");
    let nonce = fields.remove("nonce_str");
    let nonce = nonce.map_or(Ok(Nonce::from_bytes(*b"not worth a fen!")), |nonce| Nonce::from_text(&nonce));
    let mut call = UntypedCall::new(&path).fields(fields.iter().map(|(name, value)| (name, value.as_str())));
    if let Some(name) = sign_type {
        let known = [SignType::Md5, SignType::HmacSha256].into_iter().find(|known| known.as_str() == name);
        call =
            call.sign_type(known.ok_or_else(|| Refused::bad("sign_type is MD5 or HMAC-SHA256".to_owned()))?);
    }
    let signed = merchant.sign(&call, nonce.map_err(refuse)?).map_err(refuse)?;
    let xml = signed.xml();
    let sign =
        xml.split_once("<sign><![CDATA[").and_then(|(_, rest)| rest.split_once("]]>")).map(|(sign, _)| sign);
    Ok(Reply::Json(json!({"string_to_sign": signed.string_to_sign(), "sign": sign, "xml": xml})))
}

fn credentials(admin: &Admin, mch_id: &str) -> Result<Merchant, Refused> {
    let merchants = admin.mock.merchants();
    let found = merchants.iter().find(|merchant| merchant.mch_id() == mch_id);
    found.map(|merchant| merchant.credentials()).ok_or_else(|| Refused::unknown("merchant", mch_id))
}
