//! The order of steps. What the compiler enforces is shown by examples at the machine itself; here is the rest.

use std::sync::Arc;

use wechatpay_proto::payout::{Done, End, Failed, Intent, Kind, Next, Payout, UnsentError};
use wechatpay_proto::transport::{BaseUrl, Delivery};
use wechatpay_proto::{ApiKey, Merchant};

use crate::common::*;
use crate::world::*;

const KIND: Kind = Kind::RedPack;

fn done(world: &mut World) -> Done {
    let now = world.now;
    match world.payout().next(now) {
        Ok(Next::Done(done)) => done,
        other => panic!("{other:?}"),
    }
}

fn failed(kind: Kind) -> Failed {
    let mut world = World::querying(kind);
    world.answer(&found(kind, "FAILED"));
    done(&mut world).into_failed().unwrap()
}

#[test]
fn an_attempt_that_ran_out_is_not_sent() {
    let mut world = World::with(KIND, policy(|settings| settings.attempt_life = 5 * SECOND));
    let Ok(Next::Send(unsaved)) = world.payout().next(world.now) else { panic!() };
    let attempt = unsaved.saved();
    world.pass(5 * SECOND + std::time::Duration::from_nanos(1));
    let unsent = attempt.sign(world.now, &MERCHANT, &BaseUrl::default(), nonce()).unwrap_err();
    assert_eq!(unsent.error(), &UnsentError::Expired);
    let unsaved = unsent.into_payout();
    assert!(unsaved.alerts().is_empty());
    assert_eq!(unsaved.state(), REFUSED);
    world.save(unsaved);
    assert_eq!(world.turn(), Turn::Send);
}

#[test]
fn an_attempt_that_ran_out_leaves_what_was_open_open() {
    let mut world = World::querying(KIND);
    world.answer(&not_found(KIND));
    let Ok(Next::Send(unsaved)) = world.payout().next(world.now) else { panic!() };
    world.pass(MINUTE);
    let unsent = unsaved.saved().sign(world.now, &MERCHANT, &BaseUrl::default(), nonce()).unwrap_err();
    world.save(unsent.into_payout());
    assert_eq!(world.state(), wechatpay_proto::payout::State::Unknown { attempts: 2, tainted: true });
    assert_eq!(world.turn(), Turn::Query);
}

#[test]
fn another_merchant_signs_nothing_of_it() {
    let other = Merchant::direct("10000099", ApiKey::new(KEY).unwrap()).unwrap();
    let mut world = World::new(KIND);
    let Ok(Next::Send(unsaved)) = world.payout().next(world.now) else { panic!() };
    let unsent = unsaved.saved().sign(world.now, &other, &BaseUrl::default(), nonce()).unwrap_err();
    assert_eq!(unsent.error(), &UnsentError::OtherMerchant);
    assert_eq!(unsent.to_string(), "the intent is another merchant's");
    world.save(unsent.into_payout());
    assert_eq!(world.state(), REFUSED);
    assert_eq!(world.turn(), Turn::Send);
    world.fault(Delivery::MaybeSent);
    world.pass(MINUTE);
    let Ok(Next::Query(query)) = world.payout().next(world.now) else { panic!() };
    assert_eq!(query.intent(), &world.intent);
    let unsent = query.sign(world.now, &other, &BaseUrl::default(), nonce()).unwrap_err();
    assert_eq!(unsent.error(), &UnsentError::OtherMerchant);
    world.save(unsent.into_payout());
    assert_eq!(world.state(), wechatpay_proto::payout::State::Unknown { attempts: 2, tainted: true });
}

#[test]
fn every_request_of_a_number_carries_the_same_parameters() {
    for kind in Kind::ALL {
        let mut world = World::new(kind);
        let mut bodies = Vec::new();
        for at in 0..3_u8 {
            world.pass(HOUR);
            let payout = world.payout();
            let bytes = wechatpay_proto::Nonce::from_bytes([at; 16]);
            let base = BaseUrl::default();
            let flight = match payout.next(world.now).unwrap() {
                Next::Send(unsaved) => {
                    let (request, flight) = unsaved.saved().sign(world.now, &MERCHANT, &base, bytes).unwrap();
                    let body = String::from_utf8(request.into_body().to_vec()).unwrap();
                    let hidden = |body: String, name: &str| {
                        let (before, after) = body.split_once(&format!("<{name}>")).unwrap();
                        let (_, after) = after.split_once(&format!("</{name}>")).unwrap();
                        format!("{before}{after}")
                    };
                    let mut body = hidden(hidden(body, "nonce_str"), "sign");
                    if kind == Kind::WorkWx {
                        // it has no nonce in it, but is worth a look
                        assert!(body.contains("<workwx_sign>"));
                        body = hidden(body, "workwx_sign");
                    }
                    bodies.push(body);
                    flight
                }
                other => panic!("{other:?}"),
            };
            let unsaved = flight.fault(world.now, Delivery::NotSent);
            world.save(unsaved);
            world.restart(world.now);
        }
        assert!(bodies[0].contains(PACKET.mch_billno) && bodies[0].contains(PACKET.re_openid));
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{kind:?}");
    }
}

#[test]
fn only_a_proof_of_failure_makes_a_new_number() {
    for kind in Kind::ALL {
        let failed = failed(kind);
        let old = Arc::clone(failed.intent());
        let new = failed.renumber("NEW1").unwrap();
        assert_eq!((new.mch_billno(), new.generation(), old.generation()), ("NEW1", 1, 0));
        assert_eq!(
            (new.business_id(), new.mch_id(), new.kind()),
            (old.business_id(), old.mch_id(), old.kind())
        );
        let rest = |intent: &Intent| -> Vec<(String, String)> {
            let fields = intent.fields().iter().filter(|(name, _)| *name != "mch_billno");
            fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        assert_eq!(rest(&new), rest(&old));
        assert_eq!((new.amount(), new.re_openid()), (old.amount(), old.re_openid()));
        assert_ne!(new.fingerprint(), old.fingerprint());
        // and it can be led like any other
        let payout = Payout::new(new, &wechatpay_proto::payout::Policy::default(), START).saved();
        assert!(matches!(payout.next(START), Ok(Next::Send(_))));
    }
}

#[test]
fn a_number_of_a_failed_payout_is_not_used_again() {
    let error = failed(KIND).renumber(PACKET.mch_billno).unwrap_err();
    assert!(error.to_string().contains("another number"), "{error}");
    let mut proof = error.into_failed();
    for number in ["", "a b", "号", &"1".repeat(29)] {
        let error = proof.renumber(number).unwrap_err();
        assert_eq!(error.error().field(), "mch_billno");
        proof = error.into_failed();
    }
    // and the proof is as good as it was
    assert_eq!(proof.renumber("NEW1").unwrap().generation(), 1);
}

#[test]
fn no_other_end_makes_a_new_number() {
    let conflict = reply(KIND, &found_fields("FAILED", &[("refund_amount", "5")]));
    let accepted = policy(|settings| settings.goal = wechatpay_proto::payout::Goal::Accepted);
    let human = policy(|settings| settings.horizon = HOUR);
    let is_end = |end: End, which: &str| format!("{end:?}").starts_with(which);
    for (policy, response, which) in [
        (policy(|_| {}), found(KIND, "RECEIVED"), "Received"),
        (policy(|_| {}), found(KIND, "REFUND"), "Refunded"),
        (policy(|_| {}), conflict, "Conflict"),
        (accepted, found(KIND, "SENT"), "Accepted"),
        (human, not_found(KIND), "NeedsHuman"),
    ] {
        let mut world = World::with(KIND, policy);
        world.turn();
        world.fault(Delivery::MaybeSent);
        world.turn();
        world.answer(&response);
        if which == "NeedsHuman" {
            world.pass(HOUR);
            let Ok(Next::Record(unsaved)) = world.payout().next(world.now) else { panic!() };
            assert!(unsaved.is_done());
            world.save(unsaved);
        }
        let done = done(&mut world);
        assert!(is_end(done.end(), which), "{:?}", done.end());
        assert_eq!(done.intent(), &world.intent);
        let done = done.into_failed().unwrap_err();
        world.put(done.into_payout());
    }
    // nor is it there while SEND_FAILED is not confirmed
    let mut world = World::sending(KIND);
    world.answer(&refusing(KIND, "SEND_FAILED"));
    assert!(matches!(world.payout().next(world.now), Ok(Next::Wait { .. })));
}
