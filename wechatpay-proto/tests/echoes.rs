//! What comes back must be what was sent, byte for byte: an echo that differs in case only is another order's.

mod common;

use std::sync::Arc;

use common::*;
use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::payout::{Asked, Evidence, Intent, Next, Now, Payout, Policy, State};
use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::{Call, Fen, Merchant, Nonce, ReplyError, SignType};

/// The same text with the case of its letters turned; `None` where it has no letter.
fn turned(text: &str) -> Option<&'static str> {
    let turn = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let turned: String = text.chars().map(turn).collect();
    (turned != text).then(|| leak(turned))
}

/// Fields of [`SENT`] with letters in every text, and what else a success of any kind needs.
const LETTERS: [(&str, &str); 10] = [
    ("return_code", "SUCCESS"),
    ("result_code", "SUCCESS"),
    ("mch_billno", "Abc1"),
    ("mch_id", "MchId1"),
    ("wxappid", "wxAb"),
    ("re_openid", "oXyZ"),
    ("total_amount", "1000"),
    ("total_num", "3"),
    ("status", "SENT"),
    ("package", PACKAGE),
];

fn merchant() -> Merchant {
    let key = wechatpay_proto::ApiKey::new(KEY).unwrap();
    let secret = wechatpay_proto::AgentSecret::new(SECRET).unwrap();
    Merchant::direct("MchId1", key).unwrap().with_agent_secret(secret)
}

/// Every echo of `request` that has letters, turned, is refused; how many there were.
fn held<E: Outgoing>(request: &E, sign_type: Option<SignType>) -> usize {
    let merchant = merchant();
    let body = |fields: &[(&str, &str)]| match sign_type {
        Some(sign_type) => signed(sign_type, fields),
        None => document(fields),
    };
    let ask = |fields: &[(&str, &str)]| {
        let response = answer(body(fields));
        pending(&merchant, request).accept(&response).map(|_| ()).map_err(|error| (error.to_string(), error))
    };
    assert_eq!(ask(&LETTERS), Ok(()), "{}", request.spec().path);
    let spec = request.spec();
    let lettered = spec.echoes.iter().filter_map(|echo| {
        let value = LETTERS.iter().find(|(name, _)| name == echo)?.1;
        Some((*echo, turned(value)?))
    });
    lettered
        .inspect(|(echo, other)| {
            let (_, refused) = ask(&with(&LETTERS, echo, other)).unwrap_err();
            assert_eq!(refused, ReplyError::Correlation { field: echo }, "{}", spec.path);
        })
        .count()
}

#[test]
fn a_typed_answer_that_differs_in_case_is_another_orders() {
    use wechatpay_proto::v2::mmpaymkttransfers::{
        GetHbInfo, QueryWorkWxRedPack, SendMiniProgramHb, SendRedPack, SendWorkWxRedPack,
    };
    let [mch_billno, wxappid, re_openid] = ["Abc1", "wxAb", "oXyZ"];
    assert_eq!(held(&SendRedPack { mch_billno, wxappid, re_openid, ..PACKET.clone() }, None), 4);
    assert_eq!(held(&SendMiniProgramHb { mch_billno, wxappid, re_openid, ..MINI.clone() }, None), 4);
    #[allow(deprecated, reason = "what is out of use is tested too")]
    let group = wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack {
        mch_billno,
        wxappid,
        re_openid,
        ..GROUP.clone()
    };
    assert_eq!(held(&group, None), 4);
    assert_eq!(held(&SendWorkWxRedPack { mch_billno, wxappid, re_openid, ..WORK.clone() }, Some(Md5)), 4);
    assert_eq!(held(&GetHbInfo { mch_billno, appid: wxappid }, None), 2);
    assert_eq!(held(&QueryWorkWxRedPack { mch_billno, appid: wxappid }, Some(Md5)), 2);
}

#[test]
fn an_answer_to_a_call_that_differs_in_case_is_another_orders() {
    let typed = Call::new("mmpaymkttransfers/sendredpack")
        .fields([("mch_billno", "Abc1"), ("wxappid", "wxAb"), ("re_openid", "oXyZ")])
        .field("total_amount", Fen(1_000))
        .field("total_num", 1);
    let merchant = merchant();
    for field in ["mch_billno", "mch_id", "wxappid", "re_openid"] {
        let value = LETTERS.iter().find(|(name, _)| *name == field).unwrap().1;
        let fields = without(&with(&LETTERS, field, turned(value).unwrap()), "total_num");
        let response = answer(document(&fields));
        let refused = pending(&merchant, &typed).accept(&response).unwrap_err();
        assert_eq!(refused, ReplyError::Correlation { field });
    }
    // and on every path, whatever it signs
    let names = wechatpay_proto::call::ECHOES.iter().copied();
    let mut held = 0;
    for name in names.filter(|name| !["mch_id", "mchid", "combine_mch_id"].contains(name)) {
        let call = Call::new("pay/x").sign_type(HmacSha256).field(name, "oUpF8uMuAJO");
        let body = |value| {
            signed(HmacSha256, &[("return_code", "SUCCESS"), ("result_code", "SUCCESS"), (name, value)])
        };
        assert!(accept(&call, body("oUpF8uMuAJO")).unwrap().head.is_success(), "{name}");
        for other in ["OuPf8UmUajo", "oUpF8uMuAJO ", "oUpF8uMuAJ"] {
            assert_eq!(accept(&call, body(other)).unwrap_err(), ReplyError::Correlation { field: name });
        }
        held += 1;
    }
    assert!(held > 30, "{held}");
}

/// Where a payout stands whose only sending was answered with `fields`, and what was told.
fn led(fields: &[(&str, &str)]) -> (State, bool) {
    let (policy, now, merchant) = (Policy::default(), Now::default(), merchant());
    let packet = wechatpay_proto::v2::mmpaymkttransfers::SendRedPack {
        mch_billno: "Abc1",
        wxappid: "wxAb",
        re_openid: "oXyZ",
        ..PACKET.clone()
    };
    let intent = Arc::new(Intent::new("row 1", &merchant, &packet).unwrap());
    let payout = Payout::new(Arc::clone(&intent), &policy, now).saved();
    let Ok(Next::Send(attempt)) = payout.next(now) else { panic!("nothing to send") };
    let (_, flight) =
        attempt.saved().sign(now, &merchant, &BaseUrl::default(), Nonce::from_bytes([7; 16])).unwrap();
    let evidence = Evidence::read(&intent, Asked::Send, &merchant, &answer(document(fields)));
    let told = format!("{evidence:?}").contains("Mismatch");
    (flight.learn(now, evidence).snapshot().state(), told)
}

#[test]
fn a_payouts_answer_that_differs_in_case_is_another_orders() {
    let fields = without(&LETTERS, "total_num");
    assert_eq!(led(&fields), (State::Accepted, false));
    for field in ["mch_billno", "mch_id", "wxappid", "re_openid"] {
        let value = LETTERS.iter().find(|(name, _)| *name == field).unwrap().1;
        let (state, told) = led(&with(&fields, field, turned(value).unwrap()));
        assert!(matches!(state, State::Unknown { attempts: 1, .. }) && told, "{field}: {state:?}");
    }
}
