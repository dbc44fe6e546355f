//! Clocks that jump: nothing is sent on a clock that went back, and no wait grows.

use std::sync::Arc;
use std::time::Duration;

use wechatpay_proto::payout::{
    Attempt, ClockError, Evidence, Kind, Next, Now, Payout, State, Unsaved, UnsentError,
};
use wechatpay_proto::transport::{BaseUrl, Delivery};

use crate::common::*;
use crate::world::*;

const KIND: Kind = Kind::RedPack;

/// `now` with one clock moved, by whole seconds.
fn moved(now: Now, steady: i64, calendar: i64) -> Now {
    let by = |time: Duration, seconds: i64| {
        let far = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 { time - far } else { time + far }
    };
    Now { steady: by(now.steady, steady), calendar: by(now.calendar, calendar) }
}

#[track_caller]
fn blocked(world: &mut World, now: Now) -> ClockError {
    let blocked = world.payout().next(now).unwrap_err();
    let error = blocked.error();
    assert_eq!(blocked.to_string(), error.to_string());
    world.put(blocked.into_payout());
    error
}

/// An attempt on record, at `now`.
fn recorded(world: &mut World) -> Unsaved<Attempt> {
    let Ok(Next::Send(unsaved)) = world.payout().next(world.now) else { panic!() };
    unsaved
}

#[test]
fn a_steady_clock_that_goes_back_stops_it() {
    let mut world = World::sending(KIND);
    world.fault(Delivery::MaybeSent);
    let now = moved(world.now, -1, 3600);
    assert_eq!(blocked(&mut world, now), ClockError::Steady { by: SECOND });
    assert_eq!(blocked(&mut world, now), ClockError::Steady { by: SECOND }, "and it was not changed by that");
    assert_eq!(world.turn(), Turn::Query);
}

#[test]
fn a_calendar_that_goes_back_beyond_the_tolerance_stops_it() {
    for tolerance in [0, 60, 3600] {
        let policy = policy(|settings| settings.clock_tolerance = Duration::from_secs(tolerance as u64));
        let mut world = World::with(KIND, policy);
        world.turn();
        world.fault(Delivery::MaybeSent);
        let now = moved(world.now, 3, -tolerance - 1);
        let by = Duration::from_secs(tolerance as u64 + 1);
        assert_eq!(blocked(&mut world, now), ClockError::Calendar { by });
        // within it, it goes on; time on record does not go back
        let seen = world.now.calendar;
        world.now = moved(world.now, 0, -tolerance);
        assert_eq!(world.turn(), Turn::Query);
        world.answer(&http_502());
        let line = world.disk.to_string();
        assert!(
            line.contains(&format!(" seen={} ", seen.as_millis().max(world.now.calendar.as_millis()))),
            "{line}"
        );
    }
}

#[test]
fn answers_are_taken_in_whatever_the_clocks_say() {
    for (steady, calendar) in [(-40, 0), (0, -86_400), (-40, -86_400), (0, 86_400)] {
        let mut world = World::sending(KIND);
        world.now = moved(world.now, steady, calendar);
        assert_eq!(world.answer(&sent(KIND)), State::Accepted);
        let mut world = World::sending(KIND);
        world.fault(Delivery::MaybeSent);
        let evidence = Evidence::read(
            &world.intent,
            wechatpay_proto::payout::Asked::Query,
            &MERCHANT,
            &found(KIND, "FAILED"),
        );
        let unsaved = world.payout().hear(moved(world.now, steady, calendar), evidence);
        assert_eq!(unsaved.state(), State::Failed);
        drop(unsaved);
    }
}

#[test]
fn no_attempt_is_signed_on_a_clock_that_went_back() {
    for (steady, calendar) in [(-1, 0), (0, -61)] {
        let mut world = World::new(KIND);
        let unsaved = recorded(&mut world);
        let now = moved(world.now, steady, calendar);
        let unsent = unsaved.saved().sign(now, &MERCHANT, &BaseUrl::default(), nonce()).unwrap_err();
        assert!(matches!(unsent.error(), UnsentError::Clock(_)), "{unsent}");
        let unsaved = unsent.into_payout();
        assert_eq!(unsaved.state(), REFUSED, "nothing was sent");
        world.save(unsaved);
        assert_eq!(world.turn(), Turn::Send);
    }
}

#[test]
fn a_sleep_voids_an_attempt() {
    // as where the steady clock stands still in suspend, or where it does not
    for (steady, calendar) in [(0, 31), (0, 2 * 86_400), (31, 31), (31, 0)] {
        let mut world = World::new(KIND);
        let unsaved = recorded(&mut world);
        world.now = moved(world.now, steady, calendar);
        let unsent = unsaved.saved().sign(world.now, &MERCHANT, &BaseUrl::default(), nonce()).unwrap_err();
        assert_eq!(unsent.error(), &UnsentError::Expired);
        world.save(unsent.into_payout());
        assert_eq!(world.state(), REFUSED);
    }
    for (steady, calendar) in [(0, 30), (30, 30), (30, 0), (30, -60)] {
        let mut world = World::new(KIND);
        let unsaved = recorded(&mut world);
        let now = moved(world.now, steady, calendar);
        assert!(unsaved.saved().sign(now, &MERCHANT, &BaseUrl::default(), nonce()).is_ok());
    }
}

#[test]
fn a_calendar_a_day_ahead_closes_the_window() {
    let mut world = World::sending(KIND);
    world.fault(Delivery::MaybeSent);
    world.now = moved(world.now, 0, 86_400);
    assert_eq!(world.turn(), Turn::Query);
    assert_eq!(world.waited, Duration::ZERO.max(world.waited));
    world.answer(&not_found(KIND));
    assert_eq!(world.turn(), Turn::Query, "and nothing opens it again");
    assert_eq!(world.sends.len(), 1);
}

#[test]
fn waits_go_by_the_steady_clock_alone() {
    let mut world = World::sending(KIND);
    world.answer(&refusing(KIND, "PROCESSING"));
    let Ok(Next::Wait { payout, until }) = world.payout().next(moved(world.now, 0, 7_200)) else { panic!() };
    assert!(until - world.now.steady >= 20 * MINUTE);
    let Ok(Next::Wait { payout, until: later }) = payout.next(moved(world.now, 600, 7_140)) else { panic!() };
    assert_eq!(until, later);
    assert!(matches!(payout.next(Now { steady: until, ..moved(world.now, 0, 7_200) }), Ok(Next::Query(_))));
}

#[test]
fn no_wait_grows_over_a_restart() {
    let mut world = World::sending(KIND);
    world.answer(&refusing(KIND, "PROCESSING"));
    let wait = {
        let payout = world.payout();
        let until = payout.until();
        world.put(payout);
        until - world.now.steady
    };
    for (calendar, left) in [
        (0, wait),
        (600, wait - 600 * SECOND),
        (3_600, Duration::ZERO),
        (86_400 * 400, Duration::ZERO),
        (-30, wait),
        (-86_400, wait),
        (-86_400 * 400, wait),
    ] {
        let now = Now { steady: Duration::from_secs(5), calendar: moved(world.now, 0, calendar).calendar };
        let payout = Payout::restore(Arc::clone(&world.intent), &world.policy, &world.disk, now).unwrap();
        assert_eq!(payout.until() - now.steady, left, "{calendar}");
        let next = payout.next(now);
        assert_eq!(next.is_err(), calendar < -60, "{calendar}");
    }
}

#[test]
fn nothing_is_sent_again_within_a_second_of_a_restart() {
    let mut world = World::querying(KIND);
    world.answer(&not_found(KIND));
    for calendar in [0, -60, 1, 3_600] {
        let now = Now { steady: Duration::ZERO, calendar: moved(world.now, 0, calendar).calendar };
        world.restart(now);
        assert_eq!(world.turn(), Turn::Send);
        assert_eq!(world.waited, SECOND, "whoever was here before may have sent a moment ago");
        let again = world.flight();
        drop(again);
        world = World::querying(KIND);
        world.answer(&not_found(KIND));
    }
    // nothing was sent before: no reason to wait
    let mut world = World::new(KIND);
    world.restart(START);
    assert_eq!((world.turn(), world.waited), (Turn::Send, Duration::ZERO));
    // the record of an attempt that nobody knows the fate of: query first, not before the gap
    world.restart(moved(world.now, 0, 0));
    assert_eq!(world.state(), UNKNOWN);
    assert_eq!((world.turn(), world.waited), (Turn::Query, SECOND));
}
