//! What is known is a set: neither the order in which answers come nor how often they come changes it.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use wechatpay_proto::payout::{Asked, Evidence, Intent, Kind, State};
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;

use crate::common::*;
use crate::world::*;

/// Every kind of answer, read once. Their names tell success, failure, a refusal for good, nothing and FATAL_ERROR apart.
static ANSWERS: LazyLock<Vec<(char, Evidence)>> = LazyLock::new(|| {
    let kind = Kind::RedPack;
    let intent = intent(kind);
    let read = |what, asked, response: &Response| (what, Evidence::read(&intent, asked, &MERCHANT, response));
    let mut answers = vec![
        read('+', Asked::Send, &sent(kind)),
        read('s', Asked::Send, &refusing(kind, "SEND_FAILED")),
        read('-', Asked::Query, &found(kind, "FAILED")),
        read('?', Asked::Query, &not_found(kind)),
        read('?', Asked::Query, &found(kind, "SENDING")),
        read('?', Asked::Query, &found(kind, "ZZZ")),
        read('?', Asked::Query, &http_502()),
        read('?', Asked::Send, &http_502()),
        read('f', Asked::Send, &refusing(kind, "FATAL_ERROR")),
        read('?', Asked::Send, &refusing(kind, "PARAM_ERROR")),
        read('?', Asked::Send, &refusing(kind, "NOTENOUGH")),
        read('?', Asked::Send, &refusing(kind, "SYSTEMERROR")),
        read('!', Asked::Query, &reply(kind, &found_fields("FAILED", &[("refund_amount", "1")]))),
    ];
    for status in ["SENT", "RFUND_ING", "RECEIVED", "REFUND"] {
        answers.push(read('+', Asked::Query, &found(kind, status)));
    }
    answers
});

fn rank(state: State) -> u8 {
    match state {
        State::Intent => 0,
        State::Unknown { .. } => 1,
        State::Accepted => 2,
        State::Refunding => 3,
        State::NeedsHuman(_) => 4,
        State::Received | State::Refunded { .. } | State::Failed => 5,
        State::Conflict => 6,
        other => panic!("{other:?}"),
    }
}

/// Hears them one after the other; no step takes anything back.
fn hear(world: &mut World, answers: &[usize]) -> State {
    for at in answers {
        let (before, (_, evidence)) = (world.state(), &ANSWERS[*at]);
        let unsaved = world.payout().hear(world.now, evidence.clone());
        world.save(unsaved);
        let after = world.state();
        assert!(rank(after) >= rank(before), "{before:?} became {after:?}");
        assert!(before != State::Conflict || after == State::Conflict);
    }
    world.state()
}

fn unknown() -> World {
    let mut world = World::sending(Kind::RedPack);
    world.fault(wechatpay_proto::transport::Delivery::MaybeSent);
    world
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn order_and_number_of_answers_make_no_difference(
        (first, second) in prop::collection::vec(0..ANSWERS.len(), 0..9).prop_flat_map(|answers| {
            let again = answers.clone();
            let doubled = prop::sample::subsequence(again, 0..=answers.len())
                .prop_map({ let answers = answers.clone(); move |more| [answers.clone(), more].concat() })
                .prop_shuffle();
            (Just(answers), doubled)
        })
    ) {
        for world in [unknown as fn() -> World, || World::new(Kind::RedPack)] {
            let (mut one, mut other) = (world(), world());
            prop_assert_eq!(hear(&mut one, &first), hear(&mut other, &second));
            let has = |what: char| first.iter().any(|at| ANSWERS[*at].0 == what);
            let failure = has('-') || has('s');
            let conflict = has('!') || (has('+') && failure) || (has('f') && (has('+') || failure));
            // a packet that one can claim is not claimed and given back
            let both = first.iter().any(|at| *at == ANSWERS.len() - 2) && first.contains(&(ANSWERS.len() - 1));
            prop_assert_eq!(one.state() == State::Conflict, conflict || both);
            prop_assert_eq!(one.state() == State::Failed, has('-') && !conflict && !both);
            prop_assert_eq!(rank(one.state()) < 2, !has('+') && !has('-') && !conflict);
        }
    }
}

/// The same answer twice is one fact: a duplicate takes nothing back.
#[test]
fn a_fact_that_is_told_twice_stays() {
    let kind = Kind::RedPack;
    for (refusal, later) in [("SEND_FAILED", "SENT"), ("FATAL_ERROR", "SENT")] {
        let mut world = World::sending(kind);
        let refusal = refusing(kind, refusal);
        world.answer(&refusal);
        world.hear(Asked::Send, &refusal);
        assert_eq!(world.hear(Asked::Query, &found(kind, later)), State::Conflict, "{refusal:?}");
    }
    // a success that names a fault; nothing is a proof of failure after it
    let other = reply(kind, &with(&SENT, "err_code", "SEND_FAILED"));
    let mut world = World::sending(kind);
    world.answer(&other);
    world.hear(Asked::Send, &other);
    assert_eq!(world.state(), State::Unknown { attempts: 1, tainted: true });
    assert_eq!(world.hear(Asked::Query, &found(kind, "FAILED")), State::Conflict);
}

/// The number of the payment is the same in the answer to the sending and in what a query finds.
#[test]
fn a_payment_that_is_named_twice_is_one() {
    let kind = Kind::RedPack;
    let mut world = World::sending(kind);
    world.answer(&sent(kind));
    let number = SENT.iter().find(|(name, _)| *name == "send_listid").unwrap().1;
    let state = world.hear(Asked::Query, &reply(kind, &found_fields("RECEIVED", &[("detail_id", number)])));
    assert_eq!(state, State::Received);
    told(&world, &[]);
}

#[test]
fn a_group_packet_may_be_claimed_and_given_back_in_part() {
    let mut world = World::querying(Kind::Group);
    assert_eq!(world.answer(&found(Kind::Group, "RECEIVED")), State::Received);
    let part = reply(Kind::Group, &found_fields("REFUND", &[("refund_amount", "400")]));
    let state = world.hear(Asked::Query, &part);
    assert_eq!(state, State::Refunded { amount: Some(wechatpay_proto::Fen(400)) });
    // of other kinds that is a contradiction
    let mut world = World::querying(Kind::RedPack);
    world.answer(&found(Kind::RedPack, "RECEIVED"));
    assert_eq!(world.hear(Asked::Query, &found(Kind::RedPack, "REFUND")), State::Conflict);
    told(&world, &["evidence of success and of failure"]);
    // and told once
    world.hear(Asked::Query, &found(Kind::RedPack, "FAILED"));
    told(&world, &[]);
}

#[test]
fn evidence_about_another_order_is_not_taken_in() {
    let request = SendRedPack { mch_billno: "OTHER1", ..PACKET.clone() };
    let other = Arc::new(Intent::new("row 2", &MERCHANT, &request).unwrap());
    let success = reply(Kind::RedPack, &with(&SENT, "mch_billno", "OTHER1"));
    let evidence = Evidence::read(&other, Asked::Send, &MERCHANT, &success);
    let mut world = unknown();
    let before = world.disk.clone();
    let unsaved = world.payout().hear(world.now, evidence.clone());
    world.save(unsaved);
    told(&world, &["mch_billno of the answer"]);
    assert_eq!(world.disk, before);
    // nor by one who waits for an answer; and it does not ask again at once
    assert_eq!(world.turn(), Turn::Query);
    let unsaved = world.flight().learn(world.now, evidence.clone());
    world.save(unsaved);
    told(&world, &["mch_billno of the answer"]);
    assert_eq!((world.state(), world.disk.send_listid()), (UNKNOWN, None));
    assert_eq!(world.turn(), Turn::Query);
    assert!(world.waited >= 5 * SECOND, "{:?}", world.waited);
    world.answer(&not_found(Kind::RedPack));
    assert_eq!(world.turn(), Turn::Send);
    let unsaved = world.flight().learn(world.now, evidence);
    world.save(unsaved);
    assert_eq!(world.state(), State::Unknown { attempts: 2, tainted: true });
}

/// An old NOT_FOUND, kept and told again, is no answer to a sending that came after it; nor does it confirm anything.
#[test]
fn an_answer_to_the_other_request_is_heard_and_no_more() {
    let kind = Kind::RedPack;
    let intent = intent(kind);
    let missing = Evidence::read(&intent, Asked::Query, &MERCHANT, &not_found(kind));
    let mut world = World::sending(kind);
    let unsaved = world.flight().learn(world.now, missing);
    world.save(unsaved);
    assert_eq!((world.state(), world.disk.reason()), (UNKNOWN, Some("unreadable")));
    assert_eq!(world.turn(), Turn::Query, "it may have arrived");
    // a refusal of the sending does not answer the query
    let refused = Evidence::read(&intent, Asked::Send, &MERCHANT, &refusing(kind, "CA_ERROR"));
    let unsaved = world.flight().learn(world.now, refused);
    world.save(unsaved);
    told(&world, &["CA_ERROR"]);
    assert_eq!((world.state(), world.turn()), (UNKNOWN, Turn::Query));
    // what is certain counts all the same
    let success = Evidence::read(&intent, Asked::Send, &MERCHANT, &sent(kind));
    let unsaved = world.flight().learn(world.now, success);
    world.save(unsaved);
    assert_eq!(world.state(), State::Accepted);
}

#[test]
fn the_same_number_with_another_amount_is_another_order() {
    let request = SendRedPack { total_amount: wechatpay_proto::Fen(1_100), ..PACKET.clone() };
    let other = Arc::new(Intent::new("row 1", &MERCHANT, &request).unwrap());
    let success = reply(Kind::RedPack, &with(&SENT, "total_amount", "1100"));
    let mut world = unknown();
    let evidence = Evidence::read(&other, Asked::Send, &MERCHANT, &success);
    let unsaved = world.payout().hear(world.now, evidence);
    world.save(unsaved);
    assert_eq!(world.state(), UNKNOWN);
    told(&world, &["mch_billno of the answer"]);
}

#[test]
fn the_most_that_is_told_to_have_come_back_stays() {
    let back = |fen: &'static str| reply(Kind::Group, &found_fields("REFUND", &[("refund_amount", fen)]));
    let answers = [found(Kind::Group, "REFUND"), back("300"), back("400")];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut world = World::querying(Kind::Group);
        world.answer(&answers[order[0]]);
        world.hear(Asked::Query, &answers[order[1]]);
        let state = world.hear(Asked::Query, &answers[order[2]]);
        assert_eq!(state, State::Refunded { amount: Some(wechatpay_proto::Fen(400)) }, "{order:?}");
    }
}
