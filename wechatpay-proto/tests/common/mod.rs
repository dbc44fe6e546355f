//! What several test files share: one merchant, one packet, one endpoint with signed answers, one naive signer.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use bytes::Bytes;
use md5::Digest as _;
use wechatpay_proto::endpoint::Endpoint;
use wechatpay_proto::reply::Reply as _;
use wechatpay_proto::rule::Rule::{Text, Token};
use wechatpay_proto::v2::mmpaymkttransfers::{GetHbInfo, SendRedPack, SendRedPackOptions};
use wechatpay_proto::wire::XmlErrorKind;
use wechatpay_proto::{ApiKey, Fen, Merchant, Nonce, Pending, ReplyError, SignType, endpoint};

/// The sample key of the official pages.
pub(crate) const KEY: &str = "exposed_your_key_here_have_risks";

/// A direct merchant; HMAC-SHA256 wherever the endpoint leaves the choice.
pub(crate) static MERCHANT: LazyLock<Merchant> =
    LazyLock::new(|| Merchant::direct("10000098", ApiKey::new(KEY).unwrap()).unwrap());

/// The official example.
pub(crate) static PACKET: SendRedPack<'static> = SendRedPack {
    mch_billno: "10000098201411111234567890",
    wxappid: "wx8888888888888888",
    send_name: "天虹百货",
    re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
    total_amount: Fen(1_000),
    wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
    client_ip: Ipv4Addr::new(192, 168, 0, 1),
    act_name: "猜灯谜抢红包活动",
    remark: "猜越多得越多，快来抢！",
    options: SendRedPackOptions {
        sub_mch_id: None,
        msgappid: None,
        consume_mch_id: None,
        scene_id: None,
        risk_info: None,
    },
};

pub(crate) static QUERY: GetHbInfo<'static> =
    GetHbInfo { mch_billno: PACKET.mch_billno, appid: PACKET.wxappid };

/// A success that fits [`PACKET`].
pub(crate) const SENT: [(&str, &str); 8] = [
    ("return_code", "SUCCESS"),
    ("result_code", "SUCCESS"),
    ("mch_billno", "10000098201411111234567890"),
    ("mch_id", "10000098"),
    ("wxappid", "wx8888888888888888"),
    ("re_openid", "oxTWIuGaIt6gTKsQRLau2M0yL16E"),
    ("total_amount", "1000"),
    ("send_listid", "1000041701201411113000000000001"),
];

endpoint! {
    /// An endpoint with signed answers, as an outsider would write it.
    pub(crate) struct OrderQuery<'a> => OrderQueryReply<'b>;
    POST "/pay/orderquery", certificate: false, sign: Merchant, trust: Signed;

    envelope { mch_id: mch_id; nonce_str: nonce; sign_type: sign_type; }
    required {
        /// 应用ID.
        appid: &'a str => Token { max: 32 };
        /// 商户订单号.
        out_trade_no: &'a str => Token { max: 32 };
    }
    options OrderQueryOptions<'a> {
        /// 附加数据.
        attach: &'a str => Optional, Text { max: 127 };
    }
    reply {
        /// 应用ID.
        appid: Cow<'b, str>;
        /// 商户号.
        mch_id: Cow<'b, str>;
        /// 商户订单号.
        out_trade_no: Cow<'b, str>;
        /// 订单金额.
        total_fee: Fen;
        /// 现金支付金额.
        cash_fee: Fen;
        /// 附加数据.
        attach: Cow<'b, str>;
    }
    echo { appid, mch_id, out_trade_no }
    promise { appid, mch_id, out_trade_no, total_fee }
}

pub(crate) static ORDER: OrderQuery<'static> = OrderQuery {
    appid: "wxd930ea5d5a258f4f",
    out_trade_no: "1217752501201407033233368018",
    options: OrderQueryOptions { attach: None },
};

/// A success that fits [`ORDER`], not signed yet.
pub(crate) const PAID: [(&str, &str); 7] = [
    ("return_code", "SUCCESS"),
    ("result_code", "SUCCESS"),
    ("appid", "wxd930ea5d5a258f4f"),
    ("mch_id", "10000098"),
    ("out_trade_no", "1217752501201407033233368018"),
    ("total_fee", "100"),
    ("attach", "支付测试 <&>"),
];

pub(crate) fn md5_merchant() -> Merchant {
    MERCHANT.clone().with_sign_type(SignType::Md5)
}

pub(crate) fn answer(body: impl AsRef<[u8]>) -> http::Response<Bytes> {
    http::Response::new(Bytes::copy_from_slice(body.as_ref()))
}

pub(crate) fn pending<'r, E: Endpoint>(merchant: &'r Merchant, request: &'r E) -> Pending<'r, E> {
    let nonce = Nonce::from_text("5K8264ILTKCH16CQ2502SI8ZNMTM67VS").unwrap();
    merchant.sign(request, nonce).unwrap().into_parts().1
}

/// The answer to `request`, read from `body`.
pub(crate) fn accept<E: Endpoint>(
    request: &E,
    body: impl AsRef<[u8]>,
) -> Result<E::Reply<'static>, ReplyError> {
    pending(&MERCHANT, request).accept(&answer(body)).map(|reply| reply.into_owned())
}

/// Why `body` is no document of the dialect, whichever endpoint asks.
pub(crate) fn refusal(body: impl AsRef<[u8]>) -> XmlErrorKind {
    let body = body.as_ref();
    let kind = |refused: ReplyError| match refused {
        ReplyError::Xml(error) => error.kind,
        other => panic!("{other}: {:?}", String::from_utf8_lossy(body)),
    };
    let [sent, queried, signed] = [
        accept(&PACKET, body).err().map(kind),
        accept(&QUERY, body).err().map(kind),
        accept(&ORDER, body).err().map(kind),
    ];
    assert_eq!((sent, queried), (signed, signed));
    signed.unwrap_or_else(|| panic!("not refused: {:?}", String::from_utf8_lossy(body)))
}

/// A document with every value escaped, written without the library.
pub(crate) fn document<N: AsRef<str>, V: AsRef<str>>(fields: &[(N, V)]) -> String {
    let escape = |value: &str| value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let element = |(name, value): &(N, V)| {
        format!("<{0}>{1}</{0}>", name.as_ref(), escape(value.as_ref()).replace('\r', "&#13;"))
    };
    format!("<xml>{}</xml>", fields.iter().map(element).collect::<String>())
}

/// The text to sign up to the key, the slow and obvious way.
pub(crate) fn naive_text<N: AsRef<str>, V: AsRef<str>>(fields: &[(N, V)]) -> String {
    let sorted: BTreeMap<_, _> = fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    let signed = sorted.into_iter().filter(|(name, value)| *name != "sign" && !value.is_empty());
    signed.map(|(name, value)| format!("{name}={value}&")).collect::<String>() + "key="
}

/// The sign over `fields`, the slow and obvious way; HMAC spelt out after RFC 2104.
pub(crate) fn naive_sign<N: AsRef<str>, V: AsRef<str>>(sign_type: SignType, fields: &[(N, V)]) -> String {
    let text = naive_text(fields) + KEY;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    match sign_type {
        SignType::Md5 => hex(&md5::Md5::digest(text)),
        SignType::HmacSha256 => {
            let pad = |with: u8| -> Vec<u8> {
                (0..64).map(|at| KEY.as_bytes().get(at).copied().unwrap_or(0) ^ with).collect()
            };
            let inner = sha2::Sha256::digest([pad(0x36), text.into_bytes()].concat());
            hex(&sha2::Sha256::digest([pad(0x5C), inner.to_vec()].concat()))
        }
    }
}

/// `fields` and their sign, as a document.
pub(crate) fn signed(sign_type: SignType, fields: &[(&str, &str)]) -> String {
    let sign = naive_sign(sign_type, fields);
    document(&[fields, &[("sign", &sign)]].concat())
}

/// `fields` with `name` set to `value`, in its place or at the end.
pub(crate) fn with<'f>(
    fields: &[(&'f str, &'f str)],
    name: &'f str,
    value: &'f str,
) -> Vec<(&'f str, &'f str)> {
    let mut fields = fields.to_vec();
    match fields.iter_mut().find(|(own, _)| *own == name) {
        Some(field) => field.1 = value,
        None => fields.push((name, value)),
    }
    fields
}

/// `fields` without `name`.
pub(crate) fn without<'f>(fields: &[(&'f str, &'f str)], name: &str) -> Vec<(&'f str, &'f str)> {
    fields.iter().copied().filter(|(own, _)| *own != name).collect()
}
