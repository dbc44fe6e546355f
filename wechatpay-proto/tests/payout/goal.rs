//! After the verdict: what was taken is followed, a package is fetched, a failure is confirmed.

use std::time::Duration;

use wechatpay_proto::payout::{Alert, End, GaveUp, Goal, Kind, Next, Now, Policy, Settings, State};
use wechatpay_proto::transport::{BaseUrl, Delivery};

use crate::common::*;
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
    for (response, end) in [(found(KIND, "FAILED"), End::Failed), (found(KIND, "SENT"), End::Conflict)] {
        let mut world = World::sending(KIND);
        assert_eq!(world.answer(&refusing(KIND, "SEND_FAILED")), REFUSED);
        for silence in [http_502(), found(KIND, "SENDING"), not_found(KIND), refusing(KIND, "SYSTEMERROR")] {
            assert_eq!(world.turn(), Turn::Query);
            assert!(world.waited >= SECOND);
            assert_eq!(world.answer(&silence), REFUSED);
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

/// Queries an order until it is done, or for so many times.
fn query(world: &mut World, times: usize, response: &Response) -> Option<End> {
    for _ in 0..times {
        match world.turn() {
            Turn::Query => world.answer(response),
            Turn::Done(end) => return Some(end),
            Turn::Send => panic!("it is dead"),
        };
    }
    None
}

/// Refused for good, and not kept: a day after the last attempt, by both clocks, that is sure. No policy asks for less than
/// an hour.
#[test]
fn not_found_confirms_send_failed_where_no_attempt_is_open() {
    for wait in [HOUR, DAY, 3 * DAY] {
        let mut world = World::with(KIND, policy(|settings| settings.failure_wait = wait));
        world.turn();
        // refusals leave nothing open; it is the last attempt that counts
        world.answer(&refusing(KIND, "CA_ERROR"));
        world.pass(23 * HOUR);
        world.turn();
        world.answer(&refusing(KIND, "SEND_FAILED"));
        let last = world.now.steady;
        assert_eq!(query(&mut world, 200, &not_found(KIND)), Some(End::Failed), "{wait:?}");
        let waited = world.now.steady - last;
        assert!(waited >= wait && waited < wait + 2 * 72 * MINUTE, "{wait:?} {waited:?}");
        assert_eq!(world.sends.len(), 2);
        assert_eq!(world.state(), State::Failed);
        assert!(world.disk.to_string().contains(" confirmed=1 "), "{}", world.disk);
    }
    for wait in [HOUR - Duration::from_millis(1), Duration::ZERO, 30 * DAY + SECOND] {
        let settings = Settings { failure_wait: wait, ..Settings::default() };
        assert_eq!(Policy::new(settings).unwrap_err().setting(), "failure_wait");
    }
}

/// The first request is late by 67 minutes, the second is refused, and nothing is found: whatever the policy, and however
/// long it is queried, the number is not free. When the first request arrives at last, it is seen.
#[test]
fn not_found_frees_no_number_while_an_attempt_is_open() {
    let hasty = policy(|settings| {
        (settings.processing_wait, settings.failure_wait) = (SECOND, HOUR);
        settings.backoff = vec![SECOND, HOUR];
    });
    for policy in [Policy::default(), hasty] {
        let open = || {
            let mut world = World::with(KIND, policy.clone());
            assert_eq!(world.turn(), Turn::Send);
            world.fault(Delivery::MaybeSent);
            assert_eq!(world.turn(), Turn::Query);
            world.answer(&not_found(KIND));
            assert_eq!(world.turn(), Turn::Send);
            world.answer(&refusing(KIND, "SEND_FAILED"));
            assert_eq!(world.state(), State::Unknown { attempts: 2, tainted: true });
            world
        };
        let mut world = open();
        while world.now.steady - world.sends[0] < 67 * MINUTE {
            assert_eq!(query(&mut world, 1, &not_found(KIND)), None);
        }
        assert_eq!(query(&mut world, 2, &found(KIND, "RECEIVED")), Some(End::Conflict), "a person must look");
        // nor does it ever become free
        let (end, _) = lead(&mut open(), &http_502(), &not_found(KIND), 72 * MINUTE);
        assert_eq!(end, End::NeedsHuman { why: GaveUp::Horizon, accepted: false });
        // a query that finds it failed needs no time at all
        let mut world = open();
        world.turn();
        world.answer(&found(KIND, "FAILED"));
        assert_eq!((world.turn(), world.waited), (Turn::Done(End::Failed), Duration::ZERO));
    }
}

/// Every way in which an attempt may be left open, and then a refusal for good of the next one.
#[test]
fn an_answer_that_is_not_about_this_attempt_leaves_it_open() {
    let other_case = with(&SENT, "re_openid", "OXTWIUGAIT6GTKSQRLAU2M0YL16E");
    for first in [
        reply(KIND, &other_case),
        reply(KIND, &with(&SENT, "mch_billno", "OTHER1")),
        http_502(),
        refusing(KIND, "SYSTEMERROR"),
        refusing(KIND, "PROCESSING"),
        refusing(KIND, "ZZZ"),
        answer("<xml></xml>"),
    ] {
        let mut world = World::sending(KIND);
        world.answer(&first);
        assert_eq!(world.state(), UNKNOWN, "{first:?}");
        while world.turn() == Turn::Query {
            world.answer(&not_found(KIND));
        }
        world.answer(&refusing(KIND, "SEND_FAILED"));
        assert_eq!(query(&mut world, 100, &not_found(KIND)), None, "{first:?}");
    }
}

/// The calendar says that a day has gone by, the steady clock does not; or a query was asked too early and answered late.
#[test]
fn neither_clock_alone_confirms_a_failure() {
    let refused = || {
        let mut world = World::sending(KIND);
        world.answer(&refusing(KIND, "SEND_FAILED"));
        world
    };
    // a restart two days later: no steady clock has watched it
    let mut world = refused();
    world.restart(Now { steady: SECOND, calendar: world.now.calendar + 2 * DAY });
    assert_eq!(query(&mut world, 20, &not_found(KIND)), None);
    assert!(query(&mut world, 100, &not_found(KIND)) == Some(End::Failed), "a day later");
    // a calendar that stands still; that the first attempt is a day old means nothing
    let mut world = World::with(KIND, policy(|settings| settings.failure_wait = HOUR));
    world.turn();
    world.answer(&refusing(KIND, "CA_ERROR"));
    world.pass(23 * HOUR);
    assert_eq!(world.turn(), Turn::Send);
    world.answer(&refusing(KIND, "SEND_FAILED"));
    for _ in 0..120 {
        match world.payout().next(world.now).unwrap() {
            Next::Wait { payout, until } => {
                world.now.steady = until;
                world.put(payout);
            }
            Next::Query(query) => {
                let signed = query.sign(world.now, &MERCHANT, &BaseUrl::default(), nonce());
                let answered = signed.unwrap().1.answer(world.now, &MERCHANT, &not_found(KIND));
                world.save(answered);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(world.now.steady > START.steady + 2 * DAY);
    assert_eq!(world.state(), State::Unknown { attempts: 2, tainted: false });
    // asked before the time, answered after it
    let mut world = refused();
    world.turn();
    world.pass(3 * DAY);
    world.answer(&not_found(KIND));
    assert_eq!(world.state(), REFUSED);
    world.turn();
    world.answer(&not_found(KIND));
    assert_eq!(world.state(), State::Failed);
    // heard, and not waited for
    let mut world = refused();
    world.turn();
    world.pass(3 * DAY);
    world.answer(&http_502());
    world.hear(wechatpay_proto::payout::Asked::Query, &not_found(KIND));
    assert_eq!(world.state(), REFUSED);
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
    // nobody knows when the last attempt was, or whether one is open
    let mut world = World::new(KIND);
    world.hear(Asked::Send, &refusing(KIND, "SEND_FAILED"));
    let (end, _) = lead(&mut world, &http_502(), &not_found(KIND), 72 * MINUTE);
    assert_eq!(end, End::NeedsHuman { why: GaveUp::Horizon, accepted: false });
}
