//! What a typed answer is held to, and what it shows.

use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "serde")]
use std::sync::Arc;

use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::endpoint::Form;
#[cfg(feature = "serde")]
use wechatpay_proto::payout::{Intent, Now, Payout, Policy};
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;
use wechatpay_proto::wire::{self, List, XmlErrorKind as Kind};
#[cfg(feature = "serde")]
use wechatpay_proto::{AgentSecret, RequestError};
use wechatpay_proto::{ApiKey, ErrorCode, Fen, Merchant, Nonce, Outcome, Reason, ReplyError};

use crate::common::*;
use crate::xml;

#[test]
fn x09_no_proper_prefix_of_an_answer_is_an_answer() {
    let list = "<hblist><hbinfo><openid>a</openid><amount>1</amount></hbinfo></hblist></xml>";
    let query = document(&with(&SENT, "status", "RECEIVED")).replace("</xml>", list);
    let cut = |whole: &str, check: &dyn Fn(&[u8]) -> bool| {
        assert!(check(whole.as_bytes()), "{whole}");
        for end in 0..whole.len() {
            assert!(!check(&whole.as_bytes()[..end]), "accepted when cut at {end}: {whole}");
        }
    };
    cut(&document(&SENT), &|body| accept(&PACKET, body).is_ok());
    cut(&signed(Md5, &SENT), &|body| accept(&PACKET, body).is_ok());
    cut(&signed(HmacSha256, &PAID), &|body| accept(&ORDER, body).is_ok());
    cut(&query, &|body| accept(&QUERY, body).is_ok());
    assert_eq!(refusal("<xml><a>1"), Kind::Truncated);
    assert_eq!(refusal("<xml><a>1</a>"), Kind::Truncated);
}

#[test]
fn x11_a_communication_failure_is_nothing_else() {
    let fail = with(&with(&PAID, "return_code", "FAIL"), "return_msg", "签名失败");
    let reply = accept(&ORDER, document(&with(&fail, "err_code", "SYSTEMERROR"))).unwrap();
    assert_eq!(reply.head.return_msg.as_deref(), Some("签名失败"));
    // its code is told, and is no verdict
    assert_eq!((reply.head.result_code.as_ref(), reply.head.err_code), (None, Some(ErrorCode::SystemError)));
    assert_eq!((reply.total_fee, reply.appid.as_ref(), reply.extra.len()), (None, None, 0));
    assert!(!accept(&ORDER, document(&fail)).unwrap().head.is_success());
    // with a sign it is checked like any other
    let forged = document(&with(&fail, "sign", &"0".repeat(64)));
    assert_eq!(accept(&ORDER, forged).unwrap_err(), ReplyError::SignMismatch);

    // unsigned kinds may give a reason, and still no verdict
    for code in ["SEND_FAILED", "SYSTEMERROR", "268458547"] {
        for result in ["SUCCESS", "FAIL"] {
            let fail = with(&with(&SENT, "return_code", "FAIL"), "result_code", result);
            let reply = accept(&PACKET, document(&with(&fail, "err_code", code))).unwrap();
            assert_eq!(reply.outcome(), Outcome::Unknown(Reason::Code(ErrorCode::new(code))));
        }
    }
}

#[test]
fn x18_an_answer_about_another_order_settles_nothing() {
    let failed = [("result_code", "FAIL"), ("err_code", "SEND_FAILED")];
    let failed = failed.iter().fold(SENT.to_vec(), |fields, (name, value)| with(&fields, name, value));
    for field in ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"] {
        for other in ["1001", "OD1", " ", "1000 ", "01000", "1000.0"] {
            for fields in [&SENT[..], &failed] {
                let refused = accept(&PACKET, document(&with(fields, field, other))).unwrap_err();
                assert_eq!(refused, ReplyError::Correlation { field });
                assert_eq!(refused.outcome(), Outcome::Unknown(Reason::Unreadable));
            }
        }
        for silent in [without(&SENT, field), with(&SENT, field, "")] {
            let refused = accept(&PACKET, document(&silent)).unwrap_err();
            assert_eq!(refused, ReplyError::Missing { field });
            assert!(refused.outcome().is_unknown());
        }
    }
    assert!(accept(&PACKET, document(&SENT)).unwrap().outcome().is_accepted());
    assert!(accept(&PACKET, document(&failed)).unwrap().outcome().is_failed());
    for anonymous in [without(&failed, "mch_billno"), with(&failed, "mch_billno", "")] {
        let reply = accept(&PACKET, document(&anonymous)).unwrap();
        assert_eq!(reply.outcome(), Outcome::Unknown(Reason::Code(ErrorCode::SendFailed)));
    }
    for field in ["mch_billno", "mch_id"] {
        let other = document(&with(&with(&SENT, "status", "FAILED"), field, "1"));
        assert_eq!(accept(&QUERY, other).unwrap_err(), ReplyError::Correlation { field });
    }
}

#[test]
fn x18_the_other_packets_are_held_to_their_order_too() {
    let taken = with(&SENT, "package", PACKAGE);
    assert!(accept(&MINI, document(&taken)).unwrap().outcome().is_accepted());
    assert!(accept(&GROUP, document(&SENT)).unwrap().outcome().is_accepted(), "total_num may be missing");
    for field in ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"] {
        let missing = ReplyError::Missing { field };
        assert_eq!(accept(&MINI, document(&without(&taken, field))).unwrap_err(), missing);
        assert_eq!(accept(&GROUP, document(&without(&SENT, field))).unwrap_err(), missing);
        let other = ReplyError::Correlation { field };
        assert_eq!(accept(&MINI, document(&with(&taken, field, "1"))).unwrap_err(), other);
        assert_eq!(accept(&GROUP, document(&with(&SENT, field, "1"))).unwrap_err(), other);
    }
    // without its package nobody can claim the packet
    assert_eq!(accept(&MINI, document(&SENT)).unwrap_err(), ReplyError::Missing { field: "package" });
    // a group of another size is another order
    assert!(accept(&GROUP, document(&with(&SENT, "total_num", "3"))).is_ok());
    let larger = accept(&GROUP, document(&with(&SENT, "total_num", "4"))).unwrap_err();
    assert_eq!(larger, ReplyError::Correlation { field: "total_num" });
}

#[test]
fn x19_an_amount_is_a_plain_integer() {
    let found = with(&SENT, "status", "SENT");
    for bad in [
        "-1",
        "+1",
        " 1",
        "1 ",
        "01",
        "00",
        "1.0",
        "1e3",
        "0x10",
        "１",
        "18446744073709551617",
        "4294967296",
        "99999999999",
        "1,000",
        "1_000",
        "\n1",
        "٣",
    ] {
        let refused = accept(&QUERY, document(&with(&found, "total_amount", bad))).unwrap_err();
        assert!(matches!(refused, ReplyError::Malformed { field: "total_amount", .. }), "{bad:?}: {refused}");
        assert!(refused.outcome().is_unknown());
        let refused = accept(&ORDER, signed(HmacSha256, &with(&PAID, "total_fee", bad))).unwrap_err();
        assert!(matches!(refused, ReplyError::Malformed { field: "total_fee", .. }), "{bad:?}: {refused}");
    }
    let empty = accept(&ORDER, signed(HmacSha256, &with(&PAID, "total_fee", ""))).unwrap_err();
    assert_eq!(empty, ReplyError::Missing { field: "total_fee" });
    for (good, fen) in [("0", 0), ("1", 1), ("4294967295", u32::MAX)] {
        let reply = accept(&QUERY, document(&with(&found, "total_amount", good))).unwrap();
        assert_eq!(reply.total_amount, Some(Fen(fen)));
    }
}

#[test]
fn x38_what_is_no_xml_root_settles_nothing() {
    for other in [
        "",
        " \r\n\t",
        "\u{feff}",
        "ok",
        "SUCCESS",
        "<XML></XML>",
        "<Xml/>",
        "<return_code>SUCCESS</return_code>",
        "a < b",
    ] {
        assert_eq!(refusal(other), Kind::NotXmlRoot, "{other:?}");
        let outcome = accept(&PACKET, other).unwrap_err().outcome();
        assert_eq!(outcome, Outcome::Unknown(Reason::Unreadable));
    }
    for (found, other) in [
        (Form::Json, "{\"return_code\":\"SUCCESS\"}"),
        (Form::Html, "<html>502</html>"),
        (
            Form::Html,
            "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body bgcolor=\"white\">\r\n<center>",
        ),
    ] {
        let refused = accept(&PACKET, other).unwrap_err();
        assert_eq!(refused, ReplyError::OtherForm { found, expected: Form::Xml }, "{other:?}");
        assert_eq!(refused.outcome(), Outcome::Unknown(Reason::Unreadable));
    }
    for status in [100, 204, 302, 400, 404, 500, 502] {
        let mut response = answer(document(&SENT));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        let refused = pending(&MERCHANT, &PACKET).accept(&response).unwrap_err();
        assert_eq!(refused, ReplyError::HttpStatus(status), "whatever the body says");
        assert!(refused.outcome().is_unknown());
    }
    let empty = accept(&PACKET, "<xml/>").unwrap_err();
    assert_eq!(empty, ReplyError::Missing { field: "return_code" });
}

#[test]
fn x43_what_is_shown_of_untrusted_text_is_escaped() {
    // ESC itself is no character of XML; its one-byte sister CSI is
    assert_eq!(refusal(xml("<return_msg>\u{1b}[31m</return_msg>")), Kind::Character);
    assert_eq!(refusal(xml("<return_msg>&#27;[31m</return_msg>")), Kind::Character);
    let evil = "\u{9b}31m\u{202e}\u{7f}\n";
    let fields = ["return_msg", "err_code", "err_code_des", "result_code", "send_listid", "send_time", "zzz"];
    let fields = fields.iter().fold(SENT.to_vec(), |fields, name| with(&fields, name, evil));
    let reply = accept(&PACKET, document(&fields)).unwrap();
    let code = reply.head.err_code.clone().unwrap();
    let result = reply.head.result_code.clone().unwrap();
    let outcome = reply.outcome();
    for shown in [
        format!("{reply:?}"),
        format!("{code} {code:?}"),
        format!("{result} {result:?}"),
        format!("{outcome:?}"),
    ] {
        assert!(shown.contains("31m"), "{shown}");
        for raw in ['\u{9b}', '\u{202e}', '\u{7f}', '\n'] {
            assert!(!shown.contains(raw), "{raw:?} in {shown:?}");
        }
    }
}

#[test]
fn x09_no_proper_prefix_is_read_whatever_the_document_says() {
    let list = "<hblist><hbinfo><openid>a</openid></hbinfo><hbinfo/></hblist></xml>";
    let received = document(&with(&SENT, "status", "RECEIVED")).replace("</xml>", list);
    let complaint = document(&[("return_code", "FAIL"), ("return_msg", "签名失败")]);
    let package = document(&with(&SENT, "package", PACKAGE));
    let declared = format!("\u{feff}<?xml version=\"1.0\"?>\n{}", document(&SENT));
    for whole in [received, complaint, package, declared, signed(Md5, &SENT), signed(HmacSha256, &PAID)] {
        let lists = [List { container: "hblist", item: "hbinfo" }];
        assert!(wire::parse(whole.as_bytes(), &lists).is_ok(), "{whole}");
        for end in 0..whole.len() {
            let part = &whole.as_bytes()[..end];
            assert!(wire::parse(part, &lists).is_err(), "accepted when cut at {end}: {whole}");
            assert!(
                accept(&QUERY, part).is_err()
                    && accept(&MINI, part).is_err()
                    && accept(&ORDER, part).is_err()
            );
        }
    }
}

#[test]
fn x43_what_a_panic_says_holds_no_secret() {
    const CANARY_KEY: &str = "canary-key-canary-key-canary-key";
    let merchant = Merchant::direct("10000098", ApiKey::new(CANARY_KEY).unwrap()).unwrap();
    let nonce = || Nonce::from_bytes([7; 16]);
    let packet = SendRedPack { wishing: "CANARY1", remark: "CANARY2", ..PACKET.clone() };
    let broken = SendRedPack { remark: "CANARY4\u{1b}[31m", ..packet.clone() };
    let short = ApiKey::new(&CANARY_KEY[1..]);
    let local = merchant.sign(&broken, nonce()).map(|_| ());
    let signed = merchant.sign(&packet, nonce()).unwrap();
    let sign = signed.xml().split_once("<sign><![CDATA[").unwrap().1[..32].to_lowercase();
    let shown_signed = format!("{signed:?}");
    let (_, pending) = signed.into_parts();
    let evil = with(&SENT, "return_msg", "\u{9b}31mCANARY3\u{202e}");
    let response = answer(document(&with(&evil, "sign", &"0".repeat(32))));
    let remote = pending.accept(&response).map(|_| ());
    let texts = [
        panic_text(|| panic!("{merchant:?} {shown_signed} {pending:?}")),
        panic_text(|| drop(short.unwrap())),
        panic_text(|| local.clone().unwrap()),
        panic_text(|| local.expect("a request")),
        panic_text(|| remote.clone().unwrap()),
        panic_text(|| remote.clone().expect("an answer")),
        panic_text(|| assert_eq!(remote, Ok(()))),
    ];
    for text in texts {
        let lower = text.to_lowercase();
        for secret in ["canary", &sign, "0000000000"] {
            assert!(!lower.contains(secret), "{secret} in {text}");
        }
        assert!(text.len() > 5 && text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }
}

/// Nothing that holds or speaks of a secret can be serialised, so none ends up in a file by a derive.
#[cfg(feature = "serde")]
#[test]
fn x43_what_holds_a_secret_has_no_serialisation() {
    // The inherent constant exists only for types that serialise, and hides the trait's.
    struct Probe<T>(std::marker::PhantomData<T>);
    trait Fallback {
        const SERIALISES: bool = false;
    }
    impl<T> Fallback for Probe<T> {}
    impl<T: serde::Serialize> Probe<T> {
        const SERIALISES: bool = true;
    }
    const { assert!(Probe::<String>::SERIALISES) };
    const { assert!(!Probe::<ApiKey>::SERIALISES && !Probe::<AgentSecret>::SERIALISES) };
    const { assert!(!Probe::<Merchant>::SERIALISES && !Probe::<SendRedPack<'_>>::SERIALISES) };
    const { assert!(!Probe::<ReplyError>::SERIALISES && !Probe::<RequestError>::SERIALISES) };
    // and what does serialise, an intent and a snapshot, has none of it
    let intent = Arc::new(Intent::new("row 1", &MERCHANT, &PACKET).unwrap());
    let snapshot = Payout::new(Arc::clone(&intent), &Policy::default(), Now::default()).snapshot();
    for json in [serde_json::to_string(&*intent).unwrap(), serde_json::to_string(&snapshot).unwrap()] {
        assert!(json.contains(PACKET.mch_billno) && !json.contains(KEY) && !json.contains(SECRET), "{json}");
    }
}

/// What the panic of `work` says.
fn panic_text(work: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).unwrap_err();
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap().to_owned()
}
