//! After the verdict: what was taken is followed, a package is fetched, a failure is confirmed.

use std::time::Duration;

use wechatpay_proto::payout::{Alert, End, GaveUp, Goal, Kind, Next, State};
use wechatpay_proto::transport::Delivery;

use crate::common::PACKAGE;
use crate::schedule::{KIND, about, lead};
use crate::world::*;

#[test]
fn the_goal_says_when_it_is_done() {
    let accepted = || policy(|settings| settings.goal = Goal::Accepted);
    for kind in Kind::ALL {
        let mut world = World::with(kind, accepted());
        world.turn();
        world.answer(&sent(kind));
        assert_eq!((world.turn(), world.waited), (Turn::Done(End::Accepted), Duration::ZERO), "{kind:?}");
    }
    let mut world = World::with(KIND, accepted());
    world.turn();
    world.fault(Delivery::MaybeSent);
    world.turn();
    world.answer(&found(KIND, "RFUND_ING"));
    assert_eq!(world.turn(), Turn::Done(End::Accepted));
    // to be settled, it is followed
    let mut world = World::sending(KIND);
    world.answer(&sent(KIND));
    for hours in [1, 6, 18, 2, 2] {
        assert_eq!(world.turn(), Turn::Query);
        about(world.waited, hours * HOUR);
        world.answer(&found(KIND, "SENT"));
    }
    world.turn();
    world.answer(&found(KIND, "RECEIVED"));
    assert_eq!(world.turn(), Turn::Done(End::Received));
    assert_eq!(world.sends.len(), 1);
}

#[test]
fn what_was_accepted_is_never_sent_again_and_asked_sooner_after_a_silence() {
    let mut world = World::sending(KIND);
    world.answer(&sent(KIND));
    world.turn();
    for response in [not_found(KIND), http_502(), found(KIND, "SENDING"), refusing(KIND, "SYSTEMERROR")] {
        assert_eq!(world.answer(&response), State::Accepted);
        assert_eq!(world.turn(), Turn::Query);
        assert!(world.waited <= 12 * MINUTE, "{:?}", world.waited);
    }
    assert_eq!(world.sends.len(), 1);
}

#[test]
fn a_mini_program_packet_is_sent_again_until_its_package_is_there() {
    let kind = Kind::MiniProgram;
    for goal in [Goal::Settled, Goal::Accepted] {
        let mut world = World::with(kind, policy(|settings| settings.goal = goal));
        world.turn();
        world.fault(Delivery::MaybeSent);
        world.turn();
        assert_eq!(world.answer(&found(kind, "SENT")), State::Accepted);
        for _ in 0..4 {
            assert_eq!(world.turn(), Turn::Send);
            assert!(world.waited >= SECOND);
            assert_eq!(world.answer(&http_502()), State::Accepted);
        }
        assert_eq!(world.turn(), Turn::Send);
        world.answer(&sent(kind));
        assert_eq!(world.disk.package(), Some(PACKAGE));
        let next = if goal == Goal::Accepted { Turn::Done(End::Accepted) } else { Turn::Query };
        assert_eq!(world.turn(), next);
        // a packet on its way back needs none
        let mut world = World::with(kind, policy(|settings| settings.goal = goal));
        world.turn();
        world.fault(Delivery::MaybeSent);
        world.turn();
        world.answer(&found(kind, "RFUND_ING"));
        assert_eq!(world.turn(), next);
    }
}

#[test]
fn the_window_closes_on_a_package_as_well() {
    let kind = Kind::MiniProgram;
    for goal in [Goal::Settled, Goal::Accepted] {
        let mut world = World::with(kind, policy(|settings| settings.goal = goal));
        world.turn();
        world.fault(Delivery::MaybeSent);
        world.turn();
        world.answer(&found(kind, "SENT"));
        let mut closed = 0;
        let last = loop {
            assert!(world.sends.len() < 200, "it never closes");
            let turn = world.turn();
            closed += world.alerts.iter().filter(|alert| **alert == Alert::WindowClosed).count();
            if turn != Turn::Send {
                break turn;
            }
            world.fault(Delivery::MaybeSent);
            closed += world.alerts.iter().filter(|alert| **alert == Alert::WindowClosed).count();
        };
        let sent = *world.sends.last().unwrap() - world.sends[0];
        assert!(sent < DAY && sent > 22 * HOUR, "{sent:?}");
        assert_eq!(closed, 1, "that it is given up is told, once");
        if goal == Goal::Settled {
            assert_eq!(last, Turn::Query);
            world.answer(&found(kind, "SENT"));
            assert_eq!(world.turn(), Turn::Query);
            assert!(world.alerts.is_empty());
        } else {
            // what is on disk knows that it is done, whatever time it is there
            assert_eq!(last, Turn::Done(End::Accepted));
            world.restart(world.now);
            let Ok(Next::Done(done)) = world.payout().next(world.now) else { panic!() };
            assert_eq!(done.snapshot(), world.disk);
        }
    }
    // after a defect there is nothing to wait for
    let mut world = World::with(kind, policy(|settings| settings.goal = Goal::Accepted));
    world.turn();
    world.answer(&refusing(kind, "PARAM_ERROR"));
    world.turn();
    world.answer(&found(kind, "SENT"));
    assert_eq!(world.turn(), Turn::Done(End::Accepted));
}

#[test]
fn send_failed_is_confirmed_by_a_query() {
    for (response, end) in [
        (not_found(KIND), End::Failed),
        (found(KIND, "FAILED"), End::Failed),
        (found(KIND, "SENT"), End::Conflict),
    ] {
        let mut world = World::sending(KIND);
        assert_eq!(world.answer(&refusing(KIND, "SEND_FAILED")), State::Failed);
        for silence in [http_502(), found(KIND, "SENDING"), refusing(KIND, "SYSTEMERROR")] {
            assert_eq!(world.turn(), Turn::Query);
            assert!(world.waited >= SECOND);
            assert_eq!(world.answer(&silence), State::Failed);
        }
        assert_eq!(world.turn(), Turn::Query);
        world.fault(Delivery::MaybeSent);
        assert_eq!(world.turn(), Turn::Query);
        world.answer(&response);
        assert_eq!(world.turn(), Turn::Done(end));
        assert_eq!(world.sends.len(), 1);
    }
    // what no query confirms is a person's to decide, and visible
    let mut world = World::sending(KIND);
    world.answer(&refusing(KIND, "SEND_FAILED"));
    let (end, alerts) = lead(&mut world, &http_502(), &found(KIND, "SENDING"), 72 * MINUTE);
    assert_eq!(end, End::NeedsHuman { why: GaveUp::Horizon, accepted: false });
    assert_eq!(alerts, [Alert::GaveUp]);
    // a NOT_FOUND from before it confirms nothing
    let mut world = World::querying(KIND);
    world.answer(&not_found(KIND));
    world.turn();
    world.answer(&refusing(KIND, "SEND_FAILED"));
    assert_eq!(world.turn(), Turn::Query);
}

/// Where an attempt may still be on its way to a service that does not know the number, it would be paid when it arrives.
#[test]
fn not_found_confirms_no_failure_while_an_attempt_may_be_on_its_way() {
    let mut world = World::querying(KIND);
    world.answer(&not_found(KIND));
    assert_eq!(world.turn(), Turn::Send);
    assert_eq!(world.answer(&refusing(KIND, "SEND_FAILED")), State::Failed);
    let last = *world.sends.last().unwrap();
    let end = loop {
        match world.turn() {
            Turn::Query => world.answer(&not_found(KIND)),
            Turn::Done(end) => break end,
            Turn::Send => panic!("it is dead"),
        };
    };
    let waited = world.now.steady - last;
    assert!(end == End::Failed && waited >= 20 * MINUTE && waited < 45 * MINUTE, "{end:?} {waited:?}");
    // a query that finds it failed needs no such time
    let mut world = World::querying(KIND);
    world.answer(&not_found(KIND));
    world.turn();
    world.answer(&refusing(KIND, "SEND_FAILED"));
    world.turn();
    world.answer(&found(KIND, "FAILED"));
    assert_eq!((world.turn(), world.waited), (Turn::Done(End::Failed), Duration::ZERO));
}

/// As where an old copy of the disk was brought back.
#[test]
fn what_was_accepted_without_an_attempt_on_record_has_a_horizon_too() {
    use wechatpay_proto::payout::Asked;
    for (response, longest, accepted) in
        [(sent(KIND), 22 * HOUR, true), (refusing(KIND, "SEND_FAILED"), 72 * MINUTE, false)]
    {
        let mut world = World::new(KIND);
        world.hear(Asked::Send, &response);
        let (end, alerts) = lead(&mut world, &http_502(), &found(KIND, "SENDING"), longest);
        assert_eq!(end, End::NeedsHuman { why: GaveUp::Horizon, accepted });
        assert_eq!((world.sends.len(), alerts), (0, vec![Alert::GaveUp]));
        world.restart(world.now);
        assert_eq!(world.turn(), Turn::Done(end));
    }
}
