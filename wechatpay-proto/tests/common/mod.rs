//! What several test files share: one merchant, one packet of each kind, one endpoint with signed answers, one naive signer,
//! and how properties are tried.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use bytes::Bytes;
use md5::Digest as _;
use proptest::test_runner::{Config, RngSeed};
use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::reply::Reply as _;
use wechatpay_proto::rule::Rule::{Text, Token};
use wechatpay_proto::rule::Violation;
#[allow(deprecated, reason = "what is out of use is tested too")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, SendGroupRedPackOptions, SendMiniProgramHb, SendMiniProgramHbOptions,
    SendRedPack, SendRedPackOptions, SendWorkWxRedPack, SendWorkWxRedPackOptions,
};
use wechatpay_proto::wire::XmlErrorKind;
use wechatpay_proto::{
    AgentSecret, ApiKey, Fen, Merchant, Nonce, Pending, ReplyError, RequestError, SignType, endpoint,
};

/// The sample key of the official pages.
pub(crate) const KEY: &str = "exposed_your_key_here_have_risks";

/// The sample secret of the sign page of work-weixin.
pub(crate) const SECRET: &str = "192006250b4c09247ec02edce69f6a2d";

/// A direct merchant; HMAC-SHA256 wherever the endpoint leaves the choice.
pub(crate) static MERCHANT: LazyLock<Merchant> = LazyLock::new(|| {
    let merchant = Merchant::direct("10000098", ApiKey::new(KEY).unwrap()).unwrap();
    merchant.with_agent_secret(AgentSecret::new(SECRET).unwrap())
});

/// The same merchant as a service provider.
pub(crate) fn provider() -> Merchant {
    let provider = Merchant::service_provider("10000098", ApiKey::new(KEY).unwrap()).unwrap();
    provider.with_agent_secret(AgentSecret::new(SECRET).unwrap())
}

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

pub(crate) static MINI: SendMiniProgramHb<'static> = SendMiniProgramHb {
    mch_billno: PACKET.mch_billno,
    wxappid: PACKET.wxappid,
    send_name: PACKET.send_name,
    re_openid: PACKET.re_openid,
    total_amount: PACKET.total_amount,
    wishing: PACKET.wishing,
    act_name: PACKET.act_name,
    remark: PACKET.remark,
    options: SendMiniProgramHbOptions { scene_id: None },
};

#[allow(deprecated, reason = "what is out of use is tested too")]
pub(crate) static GROUP: SendGroupRedPack<'static> = SendGroupRedPack {
    mch_billno: PACKET.mch_billno,
    wxappid: PACKET.wxappid,
    send_name: PACKET.send_name,
    re_openid: PACKET.re_openid,
    total_amount: PACKET.total_amount,
    total_num: 3,
    wishing: PACKET.wishing,
    act_name: PACKET.act_name,
    remark: PACKET.remark,
    options: SendGroupRedPackOptions {
        sub_mch_id: None,
        msgappid: None,
        consume_mch_id: None,
        scene_id: None,
        risk_info: None,
    },
};

pub(crate) static WORK: SendWorkWxRedPack<'static> = SendWorkWxRedPack {
    mch_billno: PACKET.mch_billno,
    wxappid: PACKET.wxappid,
    re_openid: PACKET.re_openid,
    total_amount: PACKET.total_amount,
    wishing: PACKET.wishing,
    act_name: PACKET.act_name,
    remark: PACKET.remark,
    options: SendWorkWxRedPackOptions {
        agentid: None,
        sender_name: Some("XX活动"),
        sender_header_media_id: None,
        scene_id: None,
    },
};

pub(crate) static WORK_QUERY: QueryWorkWxRedPack<'static> =
    QueryWorkWxRedPack { mch_billno: PACKET.mch_billno, appid: PACKET.wxappid };

/// The package of the official page of mini-program packets.
pub(crate) const PACKAGE: &str = "sendid=242e8abd163d300019b2cae74ba8e8c06e3f0e51ab84d16b3c80decd22a5b672&ver=8&sign=\
    4110d649a5aef52dd6b95654ddf91ca7d5411ac159ace4e1a766b7d3967a1c3dfe1d256811445a4abda2d9cfa4a9b377a829258bd00d90313c6c346f2349fe5d\
    &mchid=11475856&appid=wxd27ebc41b85ce36d";

/// A success that fits [`PACKET`], and with a `package` [`MINI`], and signed [`WORK`].
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

/// How properties are tried. The seed is fixed: a failure here fails everywhere, and nothing is stored.
pub(crate) fn config(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(0x5745_4348_4154),
        failure_persistence: None,
        ..Config::default()
    }
}

pub(crate) fn md5_merchant() -> Merchant {
    MERCHANT.clone().with_sign_type(SignType::Md5)
}

pub(crate) fn answer(body: impl AsRef<[u8]>) -> http::Response<Bytes> {
    http::Response::new(Bytes::copy_from_slice(body.as_ref()))
}

pub(crate) fn pending<'r, E: Outgoing>(merchant: &'r Merchant, request: &'r E) -> Pending<'r, E> {
    let nonce = Nonce::from_text("5K8264ILTKCH16CQ2502SI8ZNMTM67VS").unwrap();
    merchant.sign(request, nonce).unwrap().into_parts().1
}

/// The answer to `request`, read from `body`.
pub(crate) fn accept<E: Outgoing>(
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
    let [sent, queried, signed, half_signed] = [
        accept(&PACKET, body).err().map(kind),
        accept(&QUERY, body).err().map(kind),
        accept(&ORDER, body).err().map(kind),
        accept(&WORK, body).err().map(kind),
    ];
    assert_eq!((sent, queried, half_signed), (signed, signed, signed));
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
    naive_digest(sign_type, naive_text(fields) + KEY)
}

/// The digest of `text`, which holds the key already; HMAC is keyed with [`KEY`] once more.
pub(crate) fn naive_digest(sign_type: SignType, text: String) -> String {
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

/// The text that is signed, or why nothing is.
pub(crate) fn sign<E: Outgoing>(merchant: &Merchant, request: &E) -> Result<String, RequestError> {
    merchant.sign(request, Nonce::from_bytes([0; 16])).map(|signed| signed.string_to_sign())
}

/// The request is refused for this, and says so in these words.
pub(crate) fn refused<E: Outgoing>(request: &E, field: &str, violation: Violation, text: &str) {
    let error = sign(&MERCHANT, request).unwrap_err();
    assert_eq!((error.field(), error.violation()), (field, &violation));
    assert_eq!(error.to_string(), text);
}

pub(crate) fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
