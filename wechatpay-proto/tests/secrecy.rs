//! A marked key, marked contents and the sign that was calculated stand in nothing that the crate shows of itself.

mod common;

use std::fmt::{Debug, Display};

use bytes::Bytes;
use common::*;
use wechatpay_proto::jsapi::{AppPayment, RequestPayment, SendBizRedPacket};
use wechatpay_proto::reply::Reply as _;
use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::v2::mmpaymkttransfers::{
    SendMiniProgramHb, SendRedPack, SendRedPackOptions, SendWorkWxRedPack, SendWorkWxRedPackOptions,
};
use wechatpay_proto::wire::{self, List, Value, Writer};
use wechatpay_proto::{
    AgentSecret, ApiKey, Call, Client, Error, Fen, Merchant, Nonce, Outcome, ReplyError, RequestError,
    RiskInfo, SignType,
};

const CANARY_KEY: &str = "canary-key-canary-key-canary-key";
const CANARY_SECRET: &str = "canary-secret-of-the-application-canary-sec";
const CANARY: &str = "CANARY";

/// What somebody would find in the log.
#[derive(Default)]
struct Log(Vec<String>);

impl Log {
    fn debug(&mut self, value: &impl Debug) {
        self.0.extend([format!("{value:?}"), format!("{value:#?}")]);
    }

    fn error(&mut self, error: &(impl Debug + Display)) {
        self.debug(error);
        self.0.push(error.to_string());
    }

    fn holds_none_of(&self, secrets: &[&str]) {
        assert!(!self.0.is_empty());
        for line in &self.0 {
            let lower = line.to_lowercase();
            for secret in secrets {
                assert!(!lower.contains(&secret.to_lowercase()), "{secret:?} in {line:?}");
            }
        }
    }
}

fn merchant() -> Merchant {
    let merchant = Merchant::direct("10000098", ApiKey::new(CANARY_KEY).unwrap()).unwrap();
    merchant.with_agent_secret(AgentSecret::new(CANARY_SECRET).unwrap())
}

/// A packet whose every text is marked.
fn marked() -> SendRedPack<'static> {
    SendRedPack {
        mch_billno: "CANARY1",
        wxappid: "CANARY2",
        send_name: "CANARY3",
        re_openid: "CANARY4",
        wishing: "CANARY5",
        act_name: "CANARY6",
        remark: "CANARY7",
        options: SendRedPackOptions { risk_info: Some("CANARY8"), ..Default::default() },
        ..PACKET.clone()
    }
}

/// The right sign, in pieces that a careless message could hold.
fn signs(text_up_to_key: &str) -> Vec<String> {
    let sign = naive_digest(SignType::Md5, format!("{text_up_to_key}{CANARY_KEY}"));
    vec![sign[..8].to_owned(), sign[24..].to_owned(), sign]
}

#[test]
fn who_calls_and_what_waits_show_no_secret() {
    let (merchant, packet) = (merchant(), marked());
    let mut log = Log::default();
    let (key, secret) = (ApiKey::new(CANARY_KEY).unwrap(), AgentSecret::new(CANARY_SECRET).unwrap());
    assert_eq!(format!("{key:?} {secret:?}"), "ApiKey(..) AgentSecret(..)");
    log.debug(&key);
    log.debug(&secret);
    log.debug(&merchant);
    log.debug(&Client::new(merchant.clone(), "a transport", (|| [7; 16]) as fn() -> [u8; 16]));
    log.debug(&BaseUrl::default());
    let signed = merchant.sign(&packet, Nonce::from_bytes([7; 16])).unwrap();
    let signs = signs(&signed.string_to_sign());
    assert!(signed.xml().contains(&signs[2]), "the marker for the sign is the sign");
    log.debug(&signed);
    log.debug(&signed.into_parts().1);
    let secrets: Vec<_> =
        signs.iter().map(String::as_str).chain([CANARY_KEY, "canary-key", "canary-secret", CANARY]).collect();
    log.holds_none_of(&secrets);
}

#[test]
fn a_request_that_is_signed_twice_shows_neither_sign() {
    let (merchant, mut log) = (merchant(), Log::default());
    let packet = SendWorkWxRedPack {
        mch_billno: "CANARY1",
        wishing: "CANARY2",
        act_name: "CANARY3",
        remark: "CANARY4",
        options: SendWorkWxRedPackOptions { sender_name: Some("CANARY5"), ..Default::default() },
        ..WORK.clone()
    };
    let signed = merchant.sign(&packet, Nonce::from_bytes([7; 16])).unwrap();
    let text = signed.string_to_sign();
    let inner = text.split("workwx_sign=").nth(1).unwrap().split('&').next().unwrap();
    let mut signs = signs(&text);
    assert!(inner.len() == 32 && signed.xml().contains(inner) && signed.xml().contains(&signs[2]));
    assert!(!text.contains("canary-") && !signed.xml().contains("canary-"), "no secret leaves");
    signs.extend([inner[..8].to_owned(), inner[24..].to_owned()]);
    log.debug(&signed);
    log.debug(&signed.into_parts().1);
    for broken in [
        SendWorkWxRedPack { remark: "CANARY&", ..packet.clone() },
        SendWorkWxRedPack { options: Default::default(), ..packet.clone() },
    ] {
        log.error(&merchant.sign(&broken, Nonce::from_bytes([7; 16])).unwrap_err());
    }
    for secret in ["", "canary-secret ", "canary-secret\n", "canary-secret-号", &"canary-secret".repeat(10)]
    {
        log.error(&AgentSecret::new(secret).unwrap_err());
    }
    let secrets: Vec<_> = signs.iter().map(String::as_str).chain(["canary"]).collect();
    log.holds_none_of(&secrets);
}

#[test]
fn a_call_shows_its_names_and_no_value() {
    let (merchant, mut log) = (merchant(), Log::default());
    assert_eq!(format!("{:?}", Call::new("https://evil.example/?token=CANARY")), "Call(? [])");
    let call = Call::new("pay/orderquery").field("out_trade_no", "CANARY1").field("attach", "CANARY2");
    assert_eq!(format!("{call:?}"), r#"Call(/pay/orderquery ["out_trade_no", "attach"])"#);
    log.debug(&call);
    log.debug(&merchant.sign(&call, Nonce::from_bytes([7; 16])).unwrap());
    // of a page, the whole request is in the URL, and the sign with it
    let page = Call::new("papay/entrustweb").field("notify_url", "https://CANARY.example/");
    let signed = merchant.sign(&page, Nonce::from_bytes([7; 16])).unwrap();
    let signs = signs(&signed.string_to_sign());
    assert!(signed.uri().to_string().contains(&signs[2]) && signed.uri().to_string().contains(CANARY));
    log.debug(&signed);
    log.debug(&signed.into_parts().1);

    let long = CANARY.repeat(20_000);
    for broken in [
        // name and value mixed up
        Call::new("pay/x").field("CANARY 天虹百货", "send_name"),
        Call::new("pay/x").field("good", "1").field("CANARY-1", "mch_billno"),
        Call::new("pay/x").fields([("a", CANARY), ("a", CANARY)]),
        Call::new("pay/x").field("key", "CANARY"),
        Call::new("pay/x").field("a", "CANARY\0"),
        Call::new("pay/x?sign=CANARY"),
        Call::new("papay/entrustweb").field("notify_url", &long),
    ] {
        let error = merchant.sign(&broken, Nonce::from_bytes([7; 16])).unwrap_err();
        log.error(&error);
        log.error(&Error::<std::io::Error>::from(error));
    }

    let response = answer(document(&[("return_code", "SUCCESS"), ("openid", CANARY)]));
    let open = Call::new("pay/x").trust(wechatpay_proto::endpoint::Trust::TransportOnly);
    let reply = pending(&merchant, &open).accept(&response).unwrap();
    assert_eq!(reply.fields.get("openid"), Some(CANARY));
    log.debug(&reply);
    let secrets: Vec<_> = signs.iter().map(String::as_str).chain(["canary"]).collect();
    log.holds_none_of(&secrets);
}

#[test]
fn what_the_front_end_gets_is_not_shown() {
    let (merchant, mut log) = (merchant(), Log::default());
    let nonce = || Nonce::from_text("CANARY9").unwrap();
    let mini = SendMiniProgramHb { wxappid: "CANARY2", ..MINI.clone() };
    let sent = document(&with(&with(&SENT, "wxappid", "CANARY2"), "package", "sendid=CANARY"));
    let response = answer(sent);
    let reply = pending(&merchant, &mini).accept(&response).unwrap();
    log.debug(&SendBizRedPacket::new(&merchant, &reply, 1, nonce()).unwrap());
    log.debug(&RequestPayment::new(&merchant, "CANARY2", "CANARY3", 1, nonce()).unwrap());
    log.debug(&AppPayment::new(&merchant, "CANARY2", "CANARY3", "CANARY4", 1, nonce()).unwrap());
    log.error(&RequestPayment::new(&merchant, "CANARY 2", "CANARY3", 1, nonce()).unwrap_err());
    log.error(&AppPayment::new(&merchant, "CANARY2", "CANARY&3", "4", 1, nonce()).unwrap_err());
    log.error(&RiskInfo::default().mobile("+CANARY").encode().unwrap_err());
    log.error(&RiskInfo::default().deviceid("CANARY&").encode().unwrap_err());
    log.error(&RiskInfo::decode("CANARY CANARY").unwrap_err());
    log.error(&RiskInfo::decode("CANARY%3D1").unwrap_err());
    log.holds_none_of(&["canary"]);
}

#[test]
fn a_refused_request_shows_no_value() {
    let mut log = Log::default();
    let merchant = merchant();
    let mut refuse = |packet: SendRedPack<'_>| {
        let error: RequestError = merchant.sign(&packet, Nonce::from_bytes([7; 16])).unwrap_err();
        log.error(&error);
        log.error(&Error::<std::io::Error>::from(error));
    };
    let long = CANARY.repeat(50);
    let options = |change: fn(&mut SendRedPackOptions<'static>)| {
        let mut packet = marked();
        change(&mut packet.options);
        packet
    };
    refuse(SendRedPack { mch_billno: "CANARY-", ..marked() });
    refuse(SendRedPack { wxappid: "CANARY ", ..marked() });
    refuse(SendRedPack { re_openid: &long, ..marked() });
    refuse(SendRedPack { send_name: "CANARY\0", ..marked() });
    refuse(SendRedPack { wishing: &long, ..marked() });
    refuse(SendRedPack { act_name: "CANARY\n", ..marked() });
    refuse(SendRedPack { remark: &long, ..marked() });
    refuse(SendRedPack { remark: "", ..marked() });
    refuse(SendRedPack { remark: "  ", ..marked() });
    refuse(SendRedPack { total_amount: Fen(0), ..marked() });
    refuse(SendRedPack { total_amount: Fen(1), ..marked() });
    refuse(options(|options| options.risk_info = Some("CANARY CANARY")));
    refuse(options(|options| options.sub_mch_id = Some(CANARY)));
    refuse(options(|options| options.msgappid = Some(CANARY)));
    refuse(options(|options| options.consume_mch_id = Some(CANARY)));
    for key in [&CANARY_KEY[1..], "canary-key-canary-key-canary-ke\n", "canary-key-canary-key-canary-key-"] {
        log.error(&ApiKey::new(key).unwrap_err());
    }
    log.error(&Nonce::from_text("CANARY-").unwrap_err());
    log.error(&Merchant::direct("CANARY-", ApiKey::new(CANARY_KEY).unwrap()).unwrap_err());
    log.holds_none_of(&[CANARY, "canary-key"]);
}

#[test]
fn a_refused_answer_shows_nothing_of_itself() {
    let (merchant, packet) = (merchant(), marked());
    let sent = [
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("mch_billno", packet.mch_billno),
        ("mch_id", "10000098"),
        ("wxappid", packet.wxappid),
        ("re_openid", packet.re_openid),
        ("total_amount", "1000"),
        ("send_listid", "CANARY9"),
    ];
    let good = document(&sent);
    let signs = signs(&naive_text(&sent));
    let (body, whole) =
        (|name, value| document(&with(&sent, name, value)), |s: &str| good.replace("<mch_id>", s));
    let mut log = Log::default();
    let mut refused = 0;
    for (body, status) in [
        (good.clone(), 502),
        (String::from("CANARY"), 200),
        (good.replace("</xml>", ""), 200),
        (format!("{good}CANARY"), 200),
        (whole("<!-- CANARY --><mch_id>"), 200),
        (whole("<!DOCTYPE CANARY><mch_id>"), 200),
        (whole("<?CANARY CANARY?><mch_id>"), 200),
        (whole("<mch_id CANARY=\"CANARY\">"), 200),
        (whole("<CANARY.CANARY>"), 200),
        (whole("<CANARY><CANARY/></CANARY><mch_id>"), 200),
        (whole("<mch_id>&CANARY;"), 200),
        (whole("<mch_id>\0CANARY"), 200),
        (whole("CANARY<mch_id>"), 200),
        (whole("<CANARY/><CANARY/><mch_id>"), 200),
        (whole("<mch_id>CANARY]]>"), 200),
        (whole("<mch_id></CANARY>"), 200),
        (whole(&format!("<mch_id>{}", CANARY.repeat(3_000))), 200),
        (whole(&format!("<mch_id>{}", CANARY.repeat(12_000))), 200),
        (body("sign", "CANARY"), 200),
        (body("sign", &"0".repeat(32)), 200),
        (body("sign", &"0".repeat(64)), 200),
        (body("mch_billno", "CANARY0"), 200),
        (body("re_openid", ""), 200),
        (body("total_num", "CANARY"), 200),
        (document(&[("return_code", ""), ("return_msg", CANARY)]), 200),
        (document(&with(&with(&sent, "key", CANARY), "sign", &signs[2])), 200),
    ] {
        let mut response = answer(&body);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        let error: ReplyError = pending(&merchant, &packet).accept(&response).expect_err(&body);
        log.error(&error);
        if let ReplyError::Xml(error) = &error {
            log.error(error);
            log.error(&error.kind);
        }
        log.debug(&error.outcome());
        log.error(&Error::<std::io::Error>::Reply(error));
        refused += 1;
    }
    assert_eq!(refused, 26);
    let secrets: Vec<_> = signs.iter().map(String::as_str).chain(["canary", "0000000000"]).collect();
    log.holds_none_of(&secrets);
}

#[test]
fn a_document_that_was_read_shows_names_only() {
    let list = [List { container: "hblist", item: "hbinfo" }];
    let body = "<xml><a>CANARY</a><hblist><hbinfo><openid>CANARY</openid></hbinfo></hblist></xml>";
    let unverified = wire::parse(body.as_bytes(), &list).unwrap();
    let mut log = Log::default();
    log.debug(&unverified);
    let fields = unverified.unsigned_by_design(SignType::Md5, &ApiKey::new(CANARY_KEY).unwrap()).unwrap();
    log.debug(&fields);
    log.debug(&fields.list("hblist")[0]);
    log.holds_none_of(&[CANARY, "canary-key"]);
    assert_eq!(format!("{fields:?}"), r#"["a", "hblist"]"#);
    assert_eq!(format!("{:?}", fields.list("hblist")[0]), r#"["openid"]"#);
}

#[test]
fn a_failed_call_shows_the_side_and_not_the_request() {
    let transport =
        |_: http::Request<Bytes>| Err::<http::Response<Bytes>, _>(std::io::Error::other("broken pipe"));
    let client = Client::new(merchant(), transport, || [7; 16]);
    let error = client.send_blocking(&marked()).unwrap_err();
    let mut log = Log::default();
    log.error(&error);
    log.holds_none_of(&[CANARY, "canary-key"]);
    assert_eq!(error.to_string(), "transport failed");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "broken pipe");
}

#[test]
fn text_from_outside_is_shown_without_its_controls() {
    // CSI, a reversed reading direction, DEL and a line break; ESC never gets past the reader
    let evil = "\u{9b}31m\u{202e}\u{7f}\n";
    let mut log = Log::default();
    let fields =
        ["return_msg", "result_code", "err_code", "err_code_des", "reason", "send_time", "hb_type", "zzz"];
    let sent = with(&SENT, "status", evil);
    let fields = fields.iter().fold(sent, |fields, name| with(&fields, name, evil));
    let reply = accept(&QUERY, document(&fields)).unwrap();
    log.debug(&reply);
    log.error(&reply.head.err_code.clone().unwrap());
    log.error(&reply.head.result_code.clone().unwrap());
    log.error(&reply.status.clone().unwrap());
    log.error(&reply.hb_type.clone().unwrap());
    log.debug(&reply.outcome());
    let undocumented = accept(&QUERY, document(&with(&SENT, "status", evil))).unwrap();
    assert!(matches!(undocumented.outcome(), Outcome::Unknown(_)));
    log.debug(&undocumented.outcome());
    for line in &log.0 {
        assert!(line.contains("\\u{9b}31m") && line.contains("\\u{202e}"), "{line}");
        let (csi, rtl, del) = ('\u{9b}', '\u{202e}', '\u{7f}');
        assert!(!line.contains([csi, rtl, del]), "{line:?}");
    }
    let mut xml = Writer::new();
    reply.write(&mut xml);
    xml.element("a", &Value::Text(evil));
    assert!(xml.finish().contains(evil), "on the wire it is what it is");
}
