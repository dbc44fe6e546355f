//! The rules of the mini-program, group and work-weixin packets, broken once and kept at their limits.
#![allow(deprecated, reason = "what is out of use is tested too")]

mod common;

use common::*;
use wechatpay_proto::endpoint::Outgoing as _;
use wechatpay_proto::rule::Violation;
use wechatpay_proto::v2::mmpaymkttransfers::{
    QueryWorkWxRedPack, Scene, SendGroupRedPack, SendGroupRedPackOptions, SendMiniProgramHb,
    SendMiniProgramHbOptions, SendWorkWxRedPack, SendWorkWxRedPackOptions,
};
use wechatpay_proto::{AgentSecret, ApiKey, Fen, Merchant, Nonce, RequestError, RiskInfo};

/// What a text field may hold: the words of the error, and characters that this kind refuses.
type Kind = (&'static str, &'static [char]);
const PEOPLE: Kind =
    ("text without C0 controls such as line breaks", &['\r', '\n', '\0', '\u{1b}', '\u{FEFF}']);
const ECHOED: Kind = ("text without & and = and C0 controls", &['&', '=', '\r', '\n', '\0', '\u{FEFF}']);
const TOKEN: Kind = ("[0-9A-Za-z_-]", &[' ', '&', '=', '.', '号', '\r', '\0']);
const NUMBER: Kind = ("[0-9A-Za-z]", &['-', '_', ' ', '&', '号', '\r', '\0']);
const ENCODED: Kind =
    ("[0-9A-Za-z-_.~*+!'()] and % with two hex digits", &['&', '=', ' ', '号', '\r', '\0', '%']);

/// A text field: its endpoint, its name, its most bytes, its kind, whether it must be there, and what becomes of a request
/// with this value in it.
type Row = (&'static str, &'static str, usize, Kind, bool, fn(&'static str) -> Result<String, RequestError>);

macro_rules! rows {
    ($($Endpoint:ident $base:ident { $($field:ident $max:literal $kind:ident;)* $(+ $Options:ident {
        $($option:ident $most:literal $sort:ident;)*
    })? })*) => {
        [$(
            $((stringify!($Endpoint), stringify!($field), $max, $kind, true, |value| {
                sign(&MERCHANT, &$Endpoint { $field: value, ..$base.clone() })
            }),)*
            $($((stringify!($Endpoint), stringify!($option), $most, $sort, false, |value| {
                let options = $Options { $option: Some(value), ..$base.options.clone() };
                sign(&MERCHANT, &$Endpoint { options, ..$base.clone() })
            }),)*)?
        )*]
    };
}

static TEXTS: &[Row] = &rows! {
    SendMiniProgramHb MINI {
        mch_billno 28 NUMBER;
        wxappid 32 TOKEN;
        send_name 32 PEOPLE;
        re_openid 32 TOKEN;
        wishing 128 PEOPLE;
        act_name 32 PEOPLE;
        remark 256 PEOPLE;
    }
    SendGroupRedPack GROUP {
        mch_billno 28 NUMBER;
        wxappid 32 TOKEN;
        send_name 32 PEOPLE;
        re_openid 32 TOKEN;
        wishing 128 PEOPLE;
        act_name 32 PEOPLE;
        remark 256 PEOPLE;
        + SendGroupRedPackOptions { risk_info 128 ENCODED; }
    }
    SendWorkWxRedPack WORK {
        mch_billno 28 NUMBER;
        wxappid 32 TOKEN;
        re_openid 32 TOKEN;
        wishing 128 ECHOED;
        act_name 32 ECHOED;
        remark 256 ECHOED;
        + SendWorkWxRedPackOptions { sender_name 128 ECHOED; sender_header_media_id 128 TOKEN; }
    }
    QueryWorkWxRedPack WORK_QUERY {
        mch_billno 28 NUMBER;
        appid 32 TOKEN;
    }
};

fn error_of(row: &Row, value: &'static str) -> RequestError {
    let (endpoint, name, .., change) = row;
    let error = change(value).expect_err(endpoint);
    assert_eq!(error.field(), *name, "{endpoint}");
    error
}

#[test]
fn every_text_has_its_length_in_bytes() {
    for row in TEXTS {
        let (endpoint, name, max, ..) = *row;
        let most = leak("x".repeat(max));
        let text = row.5(most).unwrap_or_else(|error| panic!("{endpoint}: {error}"));
        assert!(text.contains(&format!("{name}={most}&")), "{endpoint}");
        let text = format!("{name} has {} bytes of UTF-8, at most {max} are allowed", max + 1);
        assert_eq!(error_of(row, leak("x".repeat(max + 1))).to_string(), text, "{endpoint}");
    }
}

#[test]
fn every_text_has_its_characters() {
    for row in TEXTS {
        let (allowed, refused) = row.3;
        for bad in refused {
            let error = error_of(row, leak(format!("ab{bad}")));
            assert_eq!(error.violation(), &Violation::Characters { allowed, at: 2 }, "{bad:?}: {error}");
        }
        if [PEOPLE, ECHOED].contains(&row.3) {
            for good in ["红包 ]]> <x>", "a\u{2028}\u{85}", "😀"] {
                assert!(row.5(good).unwrap().contains(good), "{} {}", row.0, row.1);
            }
            assert_eq!(error_of(row, "\u{3000} ").violation(), &Violation::Blank);
        }
    }
}

#[test]
fn a_required_text_must_be_there_and_an_empty_option_is_absent() {
    for row in TEXTS.iter().filter(|row| row.1 != "sender_name") {
        match row.5("") {
            Ok(text) => assert!(!row.4 && !text.contains(row.1), "{}: {text}", row.0),
            Err(error) => assert_eq!(error.to_string(), format!("{} is required", row.1)),
        }
        assert_eq!(row.5("").is_err(), row.4, "{} {}", row.0, row.1);
    }
}

#[test]
fn text_at_its_limit_is_told_for_every_packet() {
    let long = leak("x".repeat(32));
    let mini = SendMiniProgramHb { send_name: long, act_name: long, ..MINI.clone() };
    assert_eq!(mini.at_limit(), ["send_name", "act_name"]);
    let group = SendGroupRedPack { send_name: long, ..GROUP.clone() };
    assert_eq!(group.at_limit(), ["send_name"]);
    let options = SendWorkWxRedPackOptions { sender_name: Some(leak("x".repeat(128))), ..Default::default() };
    let work = SendWorkWxRedPack { act_name: long, wxappid: long, options, ..WORK.clone() };
    assert_eq!(work.at_limit(), ["act_name", "sender_name"], "identifiers have no such doubt");
    assert_eq!((MINI.at_limit(), GROUP.at_limit(), WORK.at_limit()), (vec![], vec![], vec![]));
}

const WHEN: &str = "when a packet has less than 100 or more than 20000 fen";

fn needs_a_scene(error: &RequestError) {
    assert_eq!((error.field(), error.violation()), ("scene_id", &Violation::RequiredWhen { when: WHEN }));
    assert_eq!(error.to_string(), format!("scene_id is required {WHEN}"));
}

#[test]
fn one_packet_needs_a_scene_outside_100_to_20000() {
    let mini = |fen, scene_id| {
        let options = SendMiniProgramHbOptions { scene_id };
        sign(&MERCHANT, &SendMiniProgramHb { total_amount: Fen(fen), options, ..MINI.clone() })
    };
    let work = |fen, scene_id| {
        let options = SendWorkWxRedPackOptions { scene_id, ..WORK.options.clone() };
        sign(&MERCHANT, &SendWorkWxRedPack { total_amount: Fen(fen), options, ..WORK.clone() })
    };
    for outside in [1, 99, 20_001, u32::MAX] {
        needs_a_scene(&mini(outside, None).unwrap_err());
        needs_a_scene(&work(outside, None).unwrap_err());
        assert!(mini(outside, Some(Scene::Product3)).unwrap().contains("scene_id=PRODUCT_3&"));
        assert!(work(outside, Some(Scene::Product3)).unwrap().contains("scene_id=PRODUCT_3&"));
    }
    for inside in [100, 20_000] {
        assert!(!mini(inside, None).unwrap().contains("scene_id"));
        assert!(!work(inside, None).unwrap().contains("scene_id"));
    }
    for nothing in [mini(0, Some(Scene::Product1)), work(0, Some(Scene::Product1))] {
        assert_eq!(nothing.unwrap_err().to_string(), "total_amount is 0, must be 1 to 4294967295");
    }
}

#[test]
fn a_group_needs_a_scene_by_its_average() {
    let group = |fen, total_num, scene_id| {
        let options = SendGroupRedPackOptions { scene_id, ..Default::default() };
        sign(&MERCHANT, &SendGroupRedPack { total_amount: Fen(fen), total_num, options, ..GROUP.clone() })
    };
    for heads in [3, 7, 20] {
        for outside in [heads, heads * 100 - 1, heads * 20_000 + 1, u32::MAX] {
            needs_a_scene(&group(outside, heads, None).unwrap_err());
            assert!(group(outside, heads, Some(Scene::Product2)).unwrap().contains("scene_id=PRODUCT_2&"));
        }
        for inside in [heads * 100, heads * 20_000] {
            assert!(!group(inside, heads, None).unwrap().contains("scene_id"));
        }
    }
}

#[test]
fn a_group_has_3_to_20_heads_and_a_fen_for_each() {
    let group = |fen, total_num| SendGroupRedPack {
        total_amount: Fen(fen),
        total_num,
        options: SendGroupRedPackOptions { scene_id: Some(Scene::Product1), ..Default::default() },
        ..GROUP.clone()
    };
    for bad in [0, 1, 2, 21, u32::MAX] {
        let violation = Violation::OutOfRange { min: 3, max: 20, value: bad.into() };
        refused(&group(1_000, bad), "total_num", violation, &format!("total_num is {bad}, must be 3 to 20"));
    }
    for good in [3, 20] {
        assert!(sign(&MERCHANT, &group(good, good)).unwrap().contains(&format!("total_num={good}&")));
    }
    let max = u64::from(u32::MAX);
    let violation = Violation::OutOfRange { min: 20, max, value: 19 };
    refused(&group(19, 20), "total_amount", violation, "total_amount is 19, must be 20 to 4294967295");
    let violation = Violation::OutOfRange { min: 3, max, value: 2 };
    refused(&group(2, 3), "total_amount", violation, "total_amount is 2, must be 3 to 4294967295");
}

#[test]
fn what_is_for_service_providers_is_for_the_group_too() {
    let group = |options| SendGroupRedPack { options, ..GROUP.clone() };
    for (field, options) in [
        ("sub_mch_id", SendGroupRedPackOptions { sub_mch_id: Some("1"), ..Default::default() }),
        ("msgappid", SendGroupRedPackOptions { msgappid: Some("1"), ..Default::default() }),
        ("consume_mch_id", SendGroupRedPackOptions { consume_mch_id: Some("1"), ..Default::default() }),
    ] {
        let text = format!("{field} is for service providers only (Merchant::service_provider)");
        refused(&group(options), field, Violation::ServiceProviderOnly, &text);
    }
    let both =
        SendGroupRedPackOptions { sub_mch_id: Some("1"), msgappid: Some("wx_1"), ..Default::default() };
    let text = sign(&provider(), &group(both.clone())).unwrap();
    assert!(text.contains("&msgappid=wx_1&") && text.contains("&sub_mch_id=1&"), "{text}");
    for (field, options) in [
        ("sub_mch_id", SendGroupRedPackOptions { sub_mch_id: None, ..both.clone() }),
        ("msgappid", SendGroupRedPackOptions { msgappid: Some(""), ..both }),
    ] {
        let error = sign(&provider(), &group(options)).unwrap_err();
        assert_eq!(error.to_string(), format!("{field} is required from a service provider"));
    }
    // the others have no such rows: a provider sends what a direct merchant sends
    assert_eq!(sign(&provider(), &MINI), sign(&MERCHANT, &MINI));
    assert_eq!(sign(&provider(), &WORK), sign(&MERCHANT, &WORK));
}

#[test]
fn a_work_weixin_packet_has_one_sender() {
    let sent_by = |agentid, sender_name| SendWorkWxRedPack {
        options: SendWorkWxRedPackOptions { agentid, sender_name, ..Default::default() },
        ..WORK.clone()
    };
    assert!(sign(&MERCHANT, &sent_by(Some(0), None)).unwrap().contains("agentid=0&"), "zero is a number");
    assert!(sign(&MERCHANT, &sent_by(None, Some("甲"))).unwrap().contains("sender_name=甲&"));
    let violation = Violation::Excluded { by: "agentid" };
    let text = "sender_name must not be given together with agentid";
    refused(&sent_by(Some(1), Some("甲")), "sender_name", violation, text);
    let when = "where agentid is not given";
    let text = "sender_name is required where agentid is not given";
    refused(&sent_by(None, None), "sender_name", Violation::RequiredWhen { when }, text);
}

#[test]
fn a_work_weixin_packet_needs_the_secret_of_the_application() {
    let without = Merchant::direct("10000098", ApiKey::new(KEY).unwrap()).unwrap();
    let error = without.sign(&WORK, Nonce::from_bytes([0; 16])).unwrap_err();
    assert_eq!((error.field(), error.violation()), ("workwx_sign", &Violation::NoAgentSecret));
    let text = "workwx_sign needs the secret of the work-weixin application (Merchant::with_agent_secret)";
    assert_eq!(error.to_string(), text);
    // asking does without
    assert!(without.sign(&WORK_QUERY, Nonce::from_bytes([0; 16])).is_ok());
}

#[test]
fn a_secret_is_1_to_128_visible_bytes() {
    let longest = "s".repeat(128);
    for good in ["s", SECRET, "a_-b+/=~!", &longest] {
        assert!(AgentSecret::new(good).is_ok(), "{good}");
    }
    let longer = "s".repeat(129);
    for (bad, violation) in [
        ("", Violation::Missing),
        (&*longer, Violation::TooLong { max: 128, len: 129 }),
        ("ab ", Violation::Stray { what: "white space", at: 2 }),
        ("\n", Violation::Stray { what: "white space", at: 0 }),
        ("密", Violation::Characters { allowed: "visible ASCII", at: 0 }),
    ] {
        assert_eq!(AgentSecret::new(bad).unwrap_err(), RequestError::new("secret", violation));
    }
}

#[test]
fn risk_info_is_encoded_once_and_as_a_whole() {
    let info = RiskInfo::default().posttime(1).mobile("86-13800000000").deviceid("AA:BB 设备");
    let encoded = info.encode().unwrap();
    let options = SendGroupRedPackOptions { risk_info: Some(&encoded), ..Default::default() };
    let text = sign(&MERCHANT, &SendGroupRedPack { options, ..GROUP.clone() }).unwrap();
    let expected =
        "&risk_info=posttime%3D1%26mobile%3D86-13800000000%26deviceid%3DAA%3ABB%20%E8%AE%BE%E5%A4%87&";
    assert!(text.contains(expected), "{text}");
    assert_eq!(RiskInfo::decode(&encoded), Ok(info));
    for (mobile, at) in [("+86-1", 0), ("86_1", 2), ("86 1", 2)] {
        let error = RiskInfo::default().mobile(mobile).encode().unwrap_err();
        let violation = Violation::Characters { allowed: "[0-9-]", at };
        assert_eq!(error, RequestError::new("risk_info.mobile", violation));
    }
}

#[test]
fn nothing_is_sent_that_only_another_packet_has() {
    let names = |text: Result<String, RequestError>| -> Vec<String> {
        let pairs = text.unwrap();
        pairs.split('&').map(|pair| pair.split('=').next().unwrap().to_owned()).collect()
    };
    // client_ip on a group packet was answered with SIGN_ERROR, total_num on a work-weixin one too
    let unwanted = |text, names_of: &[&str]| {
        let sent = names(text);
        assert!(names_of.iter().all(|name| !sent.iter().any(|own| own == name)), "{sent:?}");
    };
    unwanted(sign(&MERCHANT, &GROUP), &["client_ip", "sign_type", "amt_list", "notify_way"]);
    unwanted(sign(&MERCHANT, &MINI), &["client_ip", "sign_type", "sub_mch_id", "risk_info"]);
    unwanted(sign(&MERCHANT, &WORK), &["client_ip", "sign_type", "total_num", "send_name"]);
    unwanted(sign(&MERCHANT, &WORK_QUERY), &["bill_type", "sign_type", "wxappid", "workwx_sign"]);
}
