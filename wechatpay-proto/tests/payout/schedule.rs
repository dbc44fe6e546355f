//! What comes next, and when.

use std::time::Duration;

use wechatpay_proto::payout::{Alert, End, GaveUp, Kind, Next, Payout, State};
use wechatpay_proto::transport::Delivery;
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;

use crate::common::*;
use crate::world::*;

pub(crate) const KIND: Kind = Kind::RedPack;

#[track_caller]
pub(crate) fn about(waited: Duration, wait: Duration) {
    assert!(waited >= wait && waited <= wait * 6 / 5, "{waited:?} and not {wait:?}");
}

#[test]
fn the_waits_grow_to_an_hour() {
    // never sent again, so that only the waits are seen
    let mut world = World::with(KIND, policy(|settings| settings.resend_window = Duration::ZERO));
    assert_eq!((world.turn(), world.waited), (Turn::Send, Duration::ZERO));
    for wait in [1, 5, 30, 120, 600, 1200, 3600, 3600, 3600] {
        world.fault(Delivery::MaybeSent);
        assert_eq!(world.turn(), Turn::Query);
        about(world.waited, Duration::from_secs(wait));
    }
}

#[test]
fn an_order_that_stays_open_is_sent_again_after_20_minutes() {
    let mut world = World::sending(KIND);
    for wait in [1, 5, 30, 120, 600, 1200] {
        world.fault(Delivery::MaybeSent);
        assert_eq!(world.turn(), Turn::Query);
        about(world.waited, Duration::from_secs(wait));
    }
    world.answer(&found(KIND, "SENDING"));
    assert_eq!((world.turn(), world.waited), (Turn::Send, Duration::ZERO));
    world.fault(Delivery::MaybeSent);
    assert_eq!(world.turn(), Turn::Query);
    about(world.waited, HOUR);
}

#[test]
fn the_jitter_is_up_to_a_fifth_and_never_random() {
    let waits = |jitter: u32| -> Vec<Duration> {
        (0..300)
            .map(|at| {
                let number = format!("A{at}");
                let request = SendRedPack { mch_billno: &number, ..PACKET.clone() };
                let intent = wechatpay_proto::payout::Intent::new("row", &MERCHANT, &request).unwrap();
                let policy = policy(|settings| settings.jitter = jitter);
                let payout = Payout::new(intent, &policy, START).saved();
                let Ok(Next::Send(unsaved)) = payout.next(START) else { panic!() };
                let base = wechatpay_proto::transport::BaseUrl::default();
                let flight = unsaved.saved().sign(START, &MERCHANT, &base, nonce()).unwrap().1;
                let payout = flight.fault(START, Delivery::MaybeSent).saved();
                payout.until() - START.steady
            })
            .collect()
    };
    assert!(waits(0).iter().all(|wait| *wait == SECOND));
    for (jitter, most) in [(20, 1_200), (100, 2_000), (1, 1_010)] {
        let found = waits(jitter);
        let most = Duration::from_millis(most);
        assert!(found.iter().all(|wait| (SECOND..=most).contains(wait)), "{jitter}");
        let spread = *found.iter().max().unwrap() - *found.iter().min().unwrap();
        assert!(spread >= (most - SECOND) * 9 / 10, "{jitter}: they use the room, {spread:?}");
        assert_eq!(found, waits(jitter), "number and step pick it, nothing else");
    }
}

#[test]
fn processing_is_left_alone_for_20_minutes_and_then_sent_again() {
    let mut world = World::sending(KIND);
    world.answer(&refusing(KIND, "PROCESSING"));
    for _ in 0..3 {
        assert_eq!(world.turn(), Turn::Query);
        about(world.waited, 20 * MINUTE);
        world.answer(&found(KIND, "SENDING"));
        assert_eq!((world.turn(), world.waited), (Turn::Send, Duration::ZERO));
        world.answer(&refusing(KIND, "PROCESSING"));
    }
    // sent lately: only queried, at any answer
    let mut world = World::querying(KIND);
    for _ in 0..4 {
        world.answer(&found(KIND, "SENDING"));
        assert_eq!(world.turn(), Turn::Query);
    }
}

#[test]
fn a_refusal_for_balance_or_a_limit_waits_long_and_asks_first() {
    for code in ["NOTENOUGH", "SENDNUM_LIMIT", "SENDAMOUNT_LIMIT", "RCVDAMOUNT_LIMIT", "DAY_OVER_LIMITED"] {
        let mut world = World::with(KIND, policy(|settings| settings.refusal_wait = 3 * HOUR));
        world.turn();
        world.answer(&refusing(KIND, code));
        assert_eq!(world.turn(), Turn::Query, "{code}: it may have left an order behind");
        about(world.waited, 3 * HOUR);
        world.answer(&not_found(KIND));
        assert_eq!((world.turn(), world.waited), (Turn::Send, Duration::ZERO));
    }
}

#[test]
fn what_is_not_found_is_sent_again_but_not_within_the_gap() {
    let mut world = World::querying(KIND);
    assert!(world.waited >= SECOND);
    world.answer(&not_found(KIND));
    assert_eq!((world.turn(), world.waited), (Turn::Send, Duration::ZERO));
    let mut world = World::with(KIND, policy(|settings| settings.resend_gap = 40 * SECOND));
    world.turn();
    world.fault(Delivery::MaybeSent);
    // the record of an attempt plans a query after the gap; an answer plans anew
    assert_eq!(world.turn(), Turn::Query);
    about(world.waited, SECOND);
    world.answer(&not_found(KIND));
    assert_eq!(world.turn(), Turn::Send);
    assert_eq!(world.sends[1] - world.sends[0], 40 * SECOND);
}

#[test]
fn what_was_not_sent_is_sent_again_without_a_query() {
    let mut world = World::sending(KIND);
    for wait in [1, 5, 30, 120, 600, 1200, 3600, 3600] {
        world.fault(Delivery::NotSent);
        assert_eq!(world.turn(), Turn::Send);
        about(world.waited, Duration::from_secs(wait));
    }
    assert_eq!(world.queries, 0);
    assert_eq!(world.state(), State::Unknown { attempts: 9, tainted: true });
}

/// Leads it to its end with the same two answers again and again.
pub(crate) fn lead(
    world: &mut World,
    to_send: &Response,
    to_query: &Response,
    longest: Duration,
) -> (End, Vec<Alert>) {
    let mut alerts = Vec::new();
    for _ in 0..10_000 {
        let turn = world.turn();
        alerts.append(&mut world.alerts);
        assert!(world.waited <= longest, "{:?}", world.waited);
        match turn {
            Turn::Send => world.answer(to_send),
            Turn::Query => world.answer(to_query),
            Turn::Done(end) => return (end, alerts),
        };
        alerts.append(&mut world.alerts);
    }
    panic!("it never ends");
}

#[test]
fn window_and_horizon_are_kept_and_told_once() {
    for (to_send, to_query) in [
        (refusing(KIND, "PROCESSING"), found(KIND, "SENDING")),
        (refusing(KIND, "SYSTEMERROR"), not_found(KIND)),
        (refusing(KIND, "NOTENOUGH"), not_found(KIND)),
    ] {
        let mut world = World::with(KIND, policy(|settings| settings.horizon = 7 * DAY));
        let (end, alerts) = lead(&mut world, &to_send, &to_query, 72 * MINUTE);
        assert_eq!(end, End::NeedsHuman { why: GaveUp::Horizon, accepted: false });
        let count = |alert: &Alert| alerts.iter().filter(|other| *other == alert).count();
        assert_eq!((count(&Alert::WindowClosed), count(&Alert::GaveUp)), (1, 1));
        assert_eq!(alerts.last(), Some(&Alert::GaveUp));
        let (first, last) = (world.sends[0], *world.sends.last().unwrap());
        assert!(last - first < DAY && last - first > 22 * HOUR, "{:?}", last - first);
        assert!(world.sends.windows(2).all(|two| two[1] - two[0] >= SECOND));
        let age = world.now.steady - first;
        assert!(age >= 7 * DAY && age <= 7 * DAY + 72 * MINUTE, "{age:?}");
        // and it stays so
        world.restart(world.now);
        assert_eq!(world.turn(), Turn::Done(end));
    }
}

#[test]
fn the_default_horizon_is_thirty_days() {
    let mut world = World::sending(KIND);
    world.answer(&sent(KIND));
    let (end, alerts) = lead(&mut world, &http_502(), &found(KIND, "SENT"), 18 * HOUR * 6 / 5);
    assert_eq!(
        (end, alerts),
        (End::NeedsHuman { why: GaveUp::Horizon, accepted: true }, vec![Alert::GaveUp])
    );
    assert!(world.now.steady - world.sends[0] >= 30 * DAY);
    assert_eq!(world.sends.len(), 1);
    // a late answer still counts
    assert_eq!(world.hear(wechatpay_proto::payout::Asked::Query, &found(KIND, "RECEIVED")), State::Received);
}

#[test]
fn a_window_of_nothing_never_sends_twice() {
    let mut world = World::with(KIND, policy(|settings| settings.resend_window = Duration::ZERO));
    world.turn();
    world.answer(&refusing(KIND, "SYSTEMERROR"));
    told(&world, &["the window for resending is over"]);
    for _ in 0..5 {
        assert_eq!(world.turn(), Turn::Query);
        told(&world, &[]);
        world.answer(&not_found(KIND));
    }
    assert_eq!(world.sends.len(), 1);
}

#[test]
fn the_window_closes_even_if_no_answer_comes() {
    let mut world = World::sending(KIND);
    world.fault(Delivery::MaybeSent);
    world.pass(DAY);
    assert_eq!(world.turn(), Turn::Query);
    told(&world, &["the window for resending is over"]);
    world.answer(&not_found(KIND));
    told(&world, &[]);
    assert_eq!(world.turn(), Turn::Query);
    // just before its end it is open
    let mut world = World::sending(KIND);
    world.fault(Delivery::MaybeSent);
    world.pass(DAY - Duration::from_millis(1));
    assert_eq!(world.turn(), Turn::Query);
    world.answer(&not_found(KIND));
    assert_eq!(world.turn(), Turn::Send);
}

#[test]
fn a_defect_of_the_order_ends_the_sending() {
    for code in ["FATAL_ERROR", "PARAM_ERROR", "ILLEGAL_APPID", "MONEY_LIMIT", "OPENID_ERROR"] {
        let mut world = World::sending(KIND);
        world.answer(&refusing(KIND, code));
        told(&world, &["sending stops"]);
        let (end, alerts) = lead(&mut world, &http_502(), &not_found(KIND), 72 * MINUTE);
        assert_eq!(
            (world.sends.len(), end),
            (1, End::NeedsHuman { why: GaveUp::Defect, accepted: false }),
            "{code}"
        );
        assert_eq!(alerts.iter().filter(|alert| **alert == Alert::GaveUp).count(), 1);
        let watched = world.now.steady - world.sends[0];
        assert!(watched >= DAY && watched <= DAY + 72 * MINUTE, "{watched:?}");
        // one that queries find is no order to give up
        let mut world = World::with(KIND, policy(|settings| settings.horizon = 3 * DAY));
        world.turn();
        world.answer(&refusing(KIND, code));
        let (end, _) = lead(&mut world, &http_502(), &found(KIND, "SENDING"), 72 * MINUTE);
        assert_eq!((world.sends.len(), end), (1, End::NeedsHuman { why: GaveUp::Horizon, accepted: false }));
        let mut world = World::sending(KIND);
        world.answer(&refusing(KIND, code));
        // what is found under a number that stands for another order need not be this one
        let end = if code == "FATAL_ERROR" { End::Conflict } else { End::Failed };
        assert_eq!(lead(&mut world, &http_502(), &found(KIND, "FAILED"), HOUR).0, end);
    }
}

#[test]
fn a_defect_may_be_given_up_at_once_but_not_without_a_query() {
    let mut world = World::with(KIND, policy(|settings| settings.defect_watch = Duration::ZERO));
    world.turn();
    assert_eq!(world.answer(&refusing(KIND, "PARAM_ERROR")), REFUSED);
    assert_eq!(world.turn(), Turn::Query);
    assert_eq!(world.answer(&http_502()), REFUSED);
    assert_eq!(world.turn(), Turn::Query);
    assert_eq!(world.answer(&not_found(KIND)), State::NeedsHuman(GaveUp::Defect));
    told(&world, &["given up"]);
}

#[test]
fn a_defect_in_the_answer_to_a_query_is_no_defect_of_the_order() {
    let mut world = World::querying(KIND);
    world.answer(&refusing(KIND, "PARAM_ERROR"));
    assert_eq!(world.turn(), Turn::Query);
    world.answer(&refusing(KIND, "FATAL_ERROR"));
    assert_eq!(world.turn(), Turn::Query);
    world.answer(&not_found(KIND));
    assert_eq!(world.turn(), Turn::Send);
}

/// As where an old copy of the disk was brought back.
#[test]
fn a_defect_without_an_attempt_on_record_is_given_up_too() {
    use wechatpay_proto::payout::Asked;
    for code in ["FATAL_ERROR", "PARAM_ERROR"] {
        let mut world = World::new(KIND);
        assert_eq!(world.hear(Asked::Send, &refusing(KIND, code)), State::Intent);
        let (end, _) = lead(&mut world, &http_502(), &not_found(KIND), 72 * MINUTE);
        assert_eq!(end, End::NeedsHuman { why: GaveUp::Defect, accepted: false }, "{code}");
        let mut world = World::new(KIND);
        world.hear(Asked::Send, &refusing(KIND, code));
        let (end, _) = lead(&mut world, &http_502(), &http_502(), 72 * MINUTE);
        assert_eq!(end, End::NeedsHuman { why: GaveUp::Horizon, accepted: false }, "{code}");
        assert!(world.sends.is_empty());
    }
}

#[test]
fn a_late_answer_that_changes_the_state_plans_anew() {
    use wechatpay_proto::payout::Asked;
    let waiting = || {
        let mut world = World::querying(KIND);
        world.answer(&not_found(KIND));
        world
    };
    let mut world = waiting();
    world.hear(Asked::Send, &sent(KIND));
    assert_eq!(world.turn(), Turn::Query);
    about(world.waited, HOUR);
    let mut world = waiting();
    world.hear(Asked::Send, &refusing(KIND, "SEND_FAILED"));
    assert_eq!(world.turn(), Turn::Query);
    about(world.waited, SECOND);
    // one that changes nothing leaves the plan as it is
    let mut world = waiting();
    world.hear(Asked::Query, &found(KIND, "SENDING"));
    assert_eq!((world.turn(), world.waited), (Turn::Send, Duration::ZERO));
    // but for a defect, after which nothing is sent
    let mut world = waiting();
    world.hear(Asked::Send, &refusing(KIND, "FATAL_ERROR"));
    assert_eq!(world.turn(), Turn::Query);
}

/// The official 20 minutes count from the last sending, not from the first.
#[test]
fn an_order_that_is_being_sent_is_left_alone_for_20_minutes_after_each_sending() {
    let policy = policy(|settings| (settings.backoff, settings.jitter) = (vec![MINUTE], 0));
    let mut world = World::with(KIND, policy);
    world.turn();
    world.fault(Delivery::MaybeSent);
    for sends in 1..5 {
        let last = *world.sends.last().unwrap();
        while world.turn() == Turn::Query {
            world.answer(&found(KIND, "SENDING"));
        }
        assert_eq!(world.sends.len(), sends + 1);
        assert_eq!(world.now.steady - last, 20 * MINUTE);
        world.fault(Delivery::MaybeSent);
    }
}
