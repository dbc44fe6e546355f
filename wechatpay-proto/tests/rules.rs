//! Every rule of the ordinary red packet and its query, broken once and kept at its limit.

mod common;

use common::*;
use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::rule::Violation;
use wechatpay_proto::v2::mmpaymkttransfers::{GetHbInfo, Scene, SendRedPack, SendRedPackOptions};
use wechatpay_proto::{ApiKey, Fen, Merchant, Mode, Nonce};

type Change = fn(&'static str) -> SendRedPack<'static>;

/// The text fields of a packet: name, most bytes, whether it is text for people, and how to change it.
const TEXTS: [(&str, usize, bool, Change); 8] = [
    ("mch_billno", 28, false, |mch_billno| SendRedPack { mch_billno, ..PACKET.clone() }),
    ("wxappid", 32, false, |wxappid| SendRedPack { wxappid, ..PACKET.clone() }),
    ("send_name", 32, true, |send_name| SendRedPack { send_name, ..PACKET.clone() }),
    ("re_openid", 32, false, |re_openid| SendRedPack { re_openid, ..PACKET.clone() }),
    ("wishing", 128, true, |wishing| SendRedPack { wishing, ..PACKET.clone() }),
    ("act_name", 32, true, |act_name| SendRedPack { act_name, ..PACKET.clone() }),
    ("remark", 256, true, |remark| SendRedPack { remark, ..PACKET.clone() }),
    ("risk_info", 128, false, |risk| SendRedPack {
        options: SendRedPackOptions { risk_info: Some(risk), ..Default::default() },
        ..PACKET.clone()
    }),
];

#[test]
fn a_required_text_must_be_there() {
    for (name, _, _, change) in TEXTS.into_iter().filter(|(name, ..)| *name != "risk_info") {
        refused(&change(""), name, Violation::Missing, &format!("{name} is required"));
    }
    let absent = TEXTS[7].3("");
    assert!(!sign(&MERCHANT, &absent).unwrap().contains("risk_info"), "an empty option is absent");
}

#[test]
fn a_text_has_at_most_so_many_bytes() {
    for (name, max, _, change) in TEXTS {
        let most = leak("x".repeat(max));
        assert!(sign(&MERCHANT, &change(most)).unwrap().contains(&format!("{name}={most}&")));
        let over = change(leak("x".repeat(max + 1)));
        let text = format!("{name} has {} bytes of UTF-8, at most {max} are allowed", max + 1);
        refused(&over, name, Violation::TooLong { max, len: max + 1 }, &text);
    }
    // 汉字 have three bytes each: ten fit in send_name, eleven do not
    let name = |count| SendRedPack { send_name: leak("红".repeat(count)), ..PACKET.clone() };
    assert!(sign(&MERCHANT, &name(10)).is_ok());
    let text = "send_name has 33 bytes of UTF-8, at most 32 are allowed";
    refused(&name(11), "send_name", Violation::TooLong { max: 32, len: 33 }, text);
}

#[test]
fn text_for_people_that_is_just_at_its_limit_is_told() {
    assert_eq!(PACKET.at_limit(), [""; 0]);
    for (name, max, for_people, change) in TEXTS {
        let expected = if for_people { vec![name] } else { vec![] };
        assert_eq!(change(leak("x".repeat(max))).at_limit(), expected);
        assert_eq!(change(leak("x".repeat(max - 1))).at_limit(), [""; 0]);
    }
    let both = SendRedPack { remark: leak("红".repeat(85) + "!"), ..TEXTS[2].3(leak("x".repeat(32))) };
    assert_eq!(both.at_limit(), ["send_name", "remark"]);
    assert!(sign(&MERCHANT, &both).is_ok());
    assert_eq!(QUERY.at_limit(), [""; 0]);
}

#[test]
fn a_text_holds_its_characters_only() {
    let printable = "text without C0 controls such as line breaks";
    for (field, value, allowed, at) in [
        ("mch_billno", "OD-1", "[0-9A-Za-z]", 2),
        ("mch_billno", "号", "[0-9A-Za-z]", 0),
        ("wxappid", "wx 1", "[0-9A-Za-z_-]", 2),
        ("re_openid", "ox&a=b", "[0-9A-Za-z_-]", 2),
        ("send_name", "a\nb", printable, 1),
        ("wishing", "红\u{7}", printable, 3),
        ("act_name", "\tx", printable, 0),
        ("remark", "x\r", printable, 1),
        ("risk_info", "a b", "[0-9A-Za-z-_.~*+!'()] and % with two hex digits", 1),
        ("risk_info", "é", "[0-9A-Za-z-_.~*+!'()] and % with two hex digits", 0),
    ] {
        let change = TEXTS.iter().find(|(name, ..)| *name == field).unwrap().3;
        let text = format!("{field} has a character that is not allowed at byte {at}; allowed: {allowed}");
        refused(&change(value), field, Violation::Characters { allowed, at }, &text);
    }
    for (field, value) in
        [("mch_billno", "OD2017a9"), ("wxappid", "wx_-9"), ("re_openid", "o-_Z"), ("risk_info", "a%3D%26b")]
    {
        let change = TEXTS.iter().find(|(name, ..)| *name == field).unwrap().3;
        assert!(sign(&MERCHANT, &change(value)).is_ok(), "{field}");
    }
}

#[test]
fn text_for_people_is_not_blank() {
    for (name, _, _, change) in TEXTS.into_iter().filter(|(_, _, for_people, _)| *for_people) {
        for blank in [" ", "\u{3000}", "\u{a0}\u{2028} "] {
            refused(&change(blank), name, Violation::Blank, &format!("{name} is blank"));
        }
        assert!(sign(&MERCHANT, &change(" x ")).is_ok());
    }
}

#[test]
fn an_amount_needs_a_scene_outside_100_to_20000() {
    let amount = |fen, scene_id| SendRedPack {
        total_amount: Fen(fen),
        options: SendRedPackOptions { scene_id, ..Default::default() },
        ..PACKET.clone()
    };
    let when = "when a packet has less than 100 or more than 20000 fen";
    for outside in [1, 99, 20_001, u32::MAX] {
        let text = format!("scene_id is required {when}");
        refused(&amount(outside, None), "scene_id", Violation::RequiredWhen { when }, &text);
        assert!(
            sign(&MERCHANT, &amount(outside, Some(Scene::Product2))).unwrap().contains("scene_id=PRODUCT_2&")
        );
    }
    for inside in [100, 101, 19_999, 20_000] {
        assert!(!sign(&MERCHANT, &amount(inside, None)).unwrap().contains("scene_id"));
        assert!(sign(&MERCHANT, &amount(inside, Some(Scene::Product8))).is_ok());
    }
    let violation = Violation::OutOfRange { min: 1, max: u32::MAX.into(), value: 0 };
    for scene in [None, Some(Scene::Product1)] {
        let text = "total_amount is 0, must be 1 to 4294967295";
        refused(&amount(0, scene), "total_amount", violation.clone(), text);
    }
}

#[test]
fn a_direct_merchant_sends_nothing_of_a_service_provider() {
    for (field, options) in [
        ("sub_mch_id", SendRedPackOptions { sub_mch_id: Some("1"), ..Default::default() }),
        ("msgappid", SendRedPackOptions { msgappid: Some("1"), ..Default::default() }),
        ("consume_mch_id", SendRedPackOptions { consume_mch_id: Some("1"), ..Default::default() }),
    ] {
        let packet = SendRedPack { options, ..PACKET.clone() };
        let text = format!("{field} is for service providers only (Merchant::service_provider)");
        refused(&packet, field, Violation::ServiceProviderOnly, &text);
    }
}

#[test]
fn a_service_provider_says_for_whom_it_acts() {
    let provider = provider();
    assert_eq!(provider.mode(), Mode::ServiceProvider);
    let both =
        SendRedPackOptions { sub_mch_id: Some("10000090"), msgappid: Some("wx_-1"), ..Default::default() };
    let packet = |options| SendRedPack { options, ..PACKET.clone() };
    let signed = sign(&provider, &packet(both.clone())).unwrap();
    assert!(signed.contains("&msgappid=wx_-1&") && signed.contains("&sub_mch_id=10000090&"), "{signed}");
    let with_payer = SendRedPackOptions { consume_mch_id: Some("10000097"), ..both.clone() };
    assert!(sign(&provider, &packet(with_payer)).unwrap().contains("consume_mch_id=10000097&"));

    let long = leak("1".repeat(33));
    for (field, violation, options) in [
        (
            "sub_mch_id",
            Violation::ServiceProviderMust,
            SendRedPackOptions { sub_mch_id: None, ..both.clone() },
        ),
        ("msgappid", Violation::ServiceProviderMust, SendRedPackOptions { msgappid: None, ..both.clone() }),
        (
            "msgappid",
            Violation::ServiceProviderMust,
            SendRedPackOptions { msgappid: Some(""), ..both.clone() },
        ),
        (
            "sub_mch_id",
            Violation::TooLong { max: 32, len: 33 },
            SendRedPackOptions { sub_mch_id: Some(long), ..both.clone() },
        ),
        (
            "consume_mch_id",
            Violation::Characters { allowed: "[0-9A-Za-z]", at: 1 },
            SendRedPackOptions { consume_mch_id: Some("1-"), ..both.clone() },
        ),
        (
            "msgappid",
            Violation::Characters { allowed: "[0-9A-Za-z_-]", at: 0 },
            SendRedPackOptions { msgappid: Some(" "), ..both },
        ),
    ] {
        let error = sign(&provider, &packet(options)).unwrap_err();
        assert_eq!((error.field(), error.violation()), (field, &violation));
    }
    // Of several rules that are broken, the one is told whose row is signed first.
    let error = sign(&provider, &PACKET).unwrap_err();
    assert_eq!(error.to_string(), "msgappid is required from a service provider");
}

#[test]
fn a_query_has_two_rules_for_either_mode() {
    let number = |mch_billno| GetHbInfo { mch_billno, ..QUERY.clone() };
    let appid = |appid| GetHbInfo { appid, ..QUERY.clone() };
    refused(&number(""), "mch_billno", Violation::Missing, "mch_billno is required");
    refused(&appid(""), "appid", Violation::Missing, "appid is required");
    let long = leak("1".repeat(33));
    let text = "mch_billno has 29 bytes of UTF-8, at most 28 are allowed";
    refused(&number(&long[4..]), "mch_billno", Violation::TooLong { max: 28, len: 29 }, text);
    let text = "appid has 33 bytes of UTF-8, at most 32 are allowed";
    refused(&appid(long), "appid", Violation::TooLong { max: 32, len: 33 }, text);
    let text = "mch_billno has a character that is not allowed at byte 0; allowed: [0-9A-Za-z]";
    refused(&number("_"), "mch_billno", Violation::Characters { allowed: "[0-9A-Za-z]", at: 0 }, text);
    let text = "appid has a character that is not allowed at byte 1; allowed: [0-9A-Za-z_-]";
    refused(&appid("a."), "appid", Violation::Characters { allowed: "[0-9A-Za-z_-]", at: 1 }, text);
    for merchant in [&MERCHANT, &provider()] {
        let signed = sign(merchant, &GetHbInfo { mch_billno: &long[5..], appid: &long[1..] }).unwrap();
        assert!(signed.contains("&bill_type=MCHT&mch_billno=1111"), "{signed}");
        assert!(!signed.contains("sign_type") && !signed.contains("sub_mch_id"), "{signed}");
    }
}

#[test]
fn what_the_service_would_choke_on_is_never_sent() {
    let options = SendRedPackOptions {
        sub_mch_id: Some("1"),
        msgappid: Some("1"),
        consume_mch_id: Some("1"),
        scene_id: Some(Scene::Product1),
        risk_info: Some("x"),
    };
    let everything = sign(&provider(), &SendRedPack { options, ..PACKET.clone() }).unwrap();
    let names: Vec<_> = everything.split('&').map(|pair| pair.split('=').next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "act_name",
            "client_ip",
            "consume_mch_id",
            "mch_billno",
            "mch_id",
            "msgappid",
            "nonce_str",
            "re_openid",
            "remark",
            "risk_info",
            "scene_id",
            "send_name",
            "sub_mch_id",
            "total_amount",
            "total_num",
            "wishing",
            "wxappid",
            "key",
        ]
    );
}

#[test]
fn a_nonce_and_a_merchant_number_have_rules_too() {
    let key = || ApiKey::new(KEY).unwrap();
    let long = "1".repeat(33);
    for (bad, violation) in [
        ("", Violation::Missing),
        (&*long, Violation::TooLong { max: 32, len: 33 }),
        ("1 2", Violation::Characters { allowed: "[0-9A-Za-z]", at: 1 }),
        ("１", Violation::Characters { allowed: "[0-9A-Za-z]", at: 0 }),
    ] {
        let error = Nonce::from_text(bad).unwrap_err();
        assert_eq!((error.field(), error.violation()), ("nonce_str", &violation));
        for error in
            [Merchant::direct(bad, key()), Merchant::service_provider(bad, key())].map(Result::unwrap_err)
        {
            assert_eq!((error.field(), error.violation()), ("mch_id", &violation));
        }
    }
    assert_eq!(Nonce::from_text(&long[1..]).unwrap().as_str(), &long[1..]);
    assert_eq!(Merchant::direct(&long[1..], key()).unwrap().mch_id(), &long[1..]);
}
