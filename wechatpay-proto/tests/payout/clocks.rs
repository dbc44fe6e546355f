//! Clocks that jump: nothing is sent on a clock that went back, and no wait grows.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use wechatpay_proto::payout::{
    Asked, Attempt, ClockError, Evidence, Kind, Next, Now, Payout, State, Unsaved, UnsentError,
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

/// The record of a process that has lived for ten minutes: by then it believes its calendar.
fn ten_minutes_later(world: &mut World) -> String {
    world.now = moved(world.now, 600, 600);
    world.turn();
    world.answer(&refusing(KIND, "SYSTEMERROR"));
    world.disk.to_string()
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
        world.pass(3 * SECOND);
        let seen = world.now.calendar - 3 * SECOND;
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

/// Ten minutes, by the steady clock, must a jump last before it is believed.
#[test]
fn a_jump_ahead_stops_it_until_it_is_over() {
    let mut world = World::querying(KIND);
    world.answer(&not_found(KIND));
    let disk = world.disk.clone();
    for (days, steady) in [(31, 1), (365, 2), (1, 300), (1, 598)] {
        let now = moved(world.now, steady, days * 86_400);
        let by = Duration::from_secs(days.unsigned_abs() * 86_400 - steady.unsigned_abs());
        assert_eq!(blocked(&mut world, now), ClockError::Jump { by });
    }
    // the smallest
    let now = moved(world.now, 599, 599 + 61);
    assert_eq!(blocked(&mut world, now), ClockError::Jump { by: 61 * SECOND });
    assert_eq!(
        blocked(&mut world, now).to_string(),
        "the calendar is 61s ahead of what the steady clock says"
    );
    // nothing is left of any of them
    world.now = moved(world.now, 600, 600 + 60);
    assert_eq!(world.turn(), Turn::Send);
    let line = world.disk.to_string();
    assert!(!line.contains(" claim=") && !line.contains(" time_lost="), "{line}");
    assert!(line.contains(&format!(" seen={} ", world.now.calendar.as_millis())), "{line}");
    assert_eq!(world.disk.attempts(), disk.attempts() + 1);
}

/// 31 days or a year for a tick: over an answer, over a restart, over both. It ends as it would have.
#[test]
fn a_calendar_that_jumps_and_comes_back_neither_ends_nor_blocks_a_payout() {
    for wrong in [31 * 86_400, 365 * 86_400, 86_400] {
        for restart in [false, true] {
            for back in [false, true] {
                let mut world = World::sending(KIND);
                world.fault(Delivery::MaybeSent);
                let right = world.now;
                world.now = moved(right, 1, wrong);
                if restart {
                    world.restart(world.now);
                } else {
                    blocked(&mut world, moved(right, 1, wrong));
                }
                if restart {
                    // it was away for long, or the calendar is wrong: nobody knows yet, so that nothing is sent and nothing ends
                    assert_eq!(world.turn(), Turn::Query);
                    world.answer(&not_found(KIND));
                    assert!(
                        matches!(world.turn(), Turn::Query),
                        "the larger of both times closes the window"
                    );
                    world.fault(Delivery::MaybeSent);
                }
                world.now =
                    Now { calendar: right.calendar + 40 * SECOND, steady: world.now.steady + 39 * SECOND };
                if back {
                    world.restart(Now { steady: SECOND, ..world.now });
                }
                // as before: it is queried, sent again, and paid
                let mut turns = 0;
                while world.turn() == Turn::Query {
                    world.answer(&not_found(KIND));
                    turns += 1;
                    assert!(turns < 10, "{wrong} {restart} {back} {}", world.disk);
                }
                assert_eq!(world.sends.len(), 2, "{wrong} {restart} {back}");
                assert_eq!(world.answer(&sent(KIND)), State::Accepted);
                let line = world.disk.to_string();
                assert!(!line.contains(" claim=") && !line.contains(" window_closed="), "{line}");
            }
        }
    }
}

#[test]
fn a_jump_that_lasts_is_believed() {
    let mut world = World::sending(KIND);
    world.fault(Delivery::MaybeSent);
    let slept = moved(world.now, 1, 86_400);
    blocked(&mut world, slept);
    // another jump begins anew
    blocked(&mut world, moved(slept, 599, 599));
    blocked(&mut world, moved(slept, 601, 601 + 7_200));
    blocked(&mut world, moved(slept, 601 + 599, 601 + 599 + 7_200));
    world.now = moved(slept, 601 + 600, 601 + 600 + 7_200);
    assert_eq!(world.turn(), Turn::Query);
    world.answer(&not_found(KIND));
    assert_eq!(world.turn(), Turn::Query, "a day is over, so that nothing is sent any more");
    assert!(world.disk.to_string().contains(" window_closed=1 "));
    assert_eq!(world.sends.len(), 1);
    // the attempt is as old as it was, and not younger
    let first = world.disk.to_string();
    assert!(first.contains(&format!(" first={} ", START.calendar.as_millis())), "{first}");
}

/// Who restarts often, and lives shortly, has no steady clock to tell: but each process bears out the one before.
#[test]
fn processes_that_live_shortly_bear_each_other_out() {
    let mut world = World::sending(KIND);
    let mut last = None;
    for day in 1..40 {
        let calendar = START.calendar + day * DAY;
        world.restart(Now { steady: SECOND, calendar });
        last = Some(world.turn());
        if last == Some(Turn::Query) {
            world.answer(&http_502());
            continue;
        }
        assert_eq!(
            last,
            Some(Turn::Done(wechatpay_proto::payout::End::NeedsHuman {
                why: wechatpay_proto::payout::GaveUp::Horizon,
                accepted: false,
            })),
            "{day}"
        );
        assert_eq!(day, 31, "30 days, and one more to be sure");
        break;
    }
    assert!(matches!(last, Some(Turn::Done(_))), "{last:?}");
    assert_eq!(world.sends.len(), 1);
}

/// An attempt of a process that does not believe its calendar yet is not older than it is.
#[test]
fn what_is_sent_after_a_long_absence_is_as_young_as_it_is() {
    let mut world = World::new(KIND);
    world.restart(Now { steady: SECOND, calendar: START.calendar + 40 * DAY });
    assert_eq!(world.turn(), Turn::Send);
    world.fault(Delivery::MaybeSent);
    assert_eq!(world.turn(), Turn::Query);
    world.answer(&not_found(KIND));
    assert_eq!(world.turn(), Turn::Send, "its window has just begun");
    world.fault(Delivery::MaybeSent);
    while world.now.calendar < START.calendar + 40 * DAY + 22 * HOUR {
        match world.turn() {
            Turn::Send => world.fault(Delivery::MaybeSent),
            _ => world.answer(&refusing(KIND, "SYSTEMERROR")),
        };
    }
    let line = world.disk.to_string();
    assert!(!line.contains(" claim=") && !line.contains(" window_closed="), "{line}");
    assert!(line.contains(&format!(" first={} ", (START.calendar + 40 * DAY).as_millis() + 1)), "{line}");
}

/// The first process after an absence reads a wrong calendar, which comes back; so does a later one. The two differ by a
/// year, and bear out nothing but the right time between them.
#[test]
fn two_wrong_readings_do_not_bear_each_other_out() {
    let mut world = World::sending(KIND);
    world.answer(&sent(KIND));
    world.restart(Now { steady: SECOND, calendar: START.calendar + 31 * DAY });
    assert_eq!(world.turn(), Turn::Query);
    world.now.calendar = START.calendar + 5 * HOUR;
    world.answer(&refusing(KIND, "SYSTEMERROR"));
    world.restart(Now { steady: SECOND, calendar: START.calendar + 365 * DAY });
    assert_eq!(world.turn(), Turn::Query, "5 hours have gone by, as far as anybody knows");
    world.answer(&refusing(KIND, "SYSTEMERROR"));
    // one process reads a year, another one a month, and the first one a year again
    let confused = || {
        let mut world = World::sending(KIND);
        world.answer(&sent(KIND));
        for days in [365, 31, 365] {
            world.restart(Now { steady: SECOND, calendar: START.calendar + days * DAY });
            assert_eq!(world.turn(), Turn::Query, "{days}");
            world.answer(&refusing(KIND, "SYSTEMERROR"));
        }
        assert!(world.disk.to_string().contains(" claim_refuted="));
        world.restart(Now { steady: SECOND, calendar: START.calendar + 6 * HOUR });
        assert_eq!(world.turn(), Turn::Query);
        world.answer(&refusing(KIND, "SYSTEMERROR"));
        world
    };
    // that is settled by a process that lives for ten minutes
    let mut world = confused();
    let line = ten_minutes_later(&mut world);
    assert!(!line.contains(" claim"), "{line}");
    assert!(line.contains(&format!(" seen={} ", world.now.calendar.as_millis())), "{line}");
    // or by one that comes a day later
    let mut world = confused();
    world.restart(Now { steady: SECOND, calendar: START.calendar + 30 * HOUR });
    world.turn();
    world.answer(&refusing(KIND, "SYSTEMERROR"));
    let line = world.disk.to_string();
    assert!(
        line.contains(&format!(" claim_since={}", (START.calendar + 6 * HOUR).as_millis() / 10_000)),
        "{line}"
    );
    assert!(!line.contains(" claim_refuted="), "{line}");
}

/// What a reading refutes bears out nothing for a day of its own; a clock that goes behind the record makes all claims void.
#[test]
fn a_claim_ends_where_it_is_refuted() {
    let begun = || {
        let mut world = World::sending(KIND);
        world.answer(&sent(KIND));
        world
    };
    for (late, borne_out) in [(0, false), (86_399, false), (86_400, true)] {
        let mut world = begun();
        for calendar in [31 * DAY, 2 * DAY, 31 * DAY + late * SECOND] {
            world.restart(Now { steady: SECOND, calendar: START.calendar + calendar });
            world.turn();
            world.answer(&refusing(KIND, "SYSTEMERROR"));
        }
        assert_eq!(!world.disk.to_string().contains(" claim_refuted="), borne_out, "{late}");
    }
    let mut world = begun();
    world.restart(Now { steady: SECOND, calendar: START.calendar + DAY });
    world.turn();
    world.answer(&refusing(KIND, "SYSTEMERROR"));
    assert!(world.disk.to_string().contains(" claim="));
    world.restart(Now { steady: SECOND, calendar: START.calendar - DAY });
    world.hear(Asked::Query, &refusing(KIND, "SYSTEMERROR"));
    assert!(!world.disk.to_string().contains(" claim="));
}

/// What was sent before the absence is as old as the calendar says: no time of it is unseen.
#[test]
fn what_was_sent_before_an_absence_keeps_its_time() {
    let mut world = World::sending(KIND);
    world.answer(&sent(KIND));
    for hours in [12, 20] {
        world.restart(Now { steady: SECOND, calendar: START.calendar + hours * HOUR });
        world.turn();
        world.answer(&refusing(KIND, "SYSTEMERROR"));
    }
    let line = ten_minutes_later(&mut world);
    assert!(!line.contains(" claim=") && !line.contains(" unseen="), "{line}");
    assert!(line.contains(&format!(" first={} ", START.calendar.as_millis())), "{line}");
}

/// A calendar that runs a little fast or slow, or that stands still for a while, has not jumped.
#[test]
fn small_differences_between_the_clocks_do_not_add_up() {
    let mut world = World::sending(KIND);
    world.answer(&sent(KIND));
    let mut ready = |by: &[(i64, i64)]| {
        for (steady, calendar) in by {
            world.now = moved(world.now, *steady, *calendar);
            world.hear(Asked::Query, &refusing(KIND, "SYSTEMERROR"));
            let line = world.disk.to_string();
            assert!(!line.contains(" claim="), "{by:?}: {line}");
        }
    };
    // 10 s an hour, for 20 hours
    ready(&[(3_600, 3_610); 20]);
    // it stands still for ten minutes, and catches up
    ready(&[(600, 0), (0, 600)]);
    // it goes back by 50 s, and comes back with 15 s more
    ready(&[(1, -50), (1, 65)]);
}

/// What was sent while the calendar was not believed yet is sent again within the window only, also by a process that
/// comes before the calendar is borne out, and after ten minutes believes it.
#[test]
fn a_window_that_began_on_a_claimed_time_closes() {
    let policy = policy(|settings| settings.resend_window = 12 * HOUR);
    let sent_after_an_absence = |calendar: Duration| {
        let mut world = World::with(KIND, policy.clone());
        world.restart(Now { steady: SECOND, calendar });
        assert_eq!(world.turn(), Turn::Send);
        world.fault(Delivery::MaybeSent);
        world
    };
    let back = START.calendar + 40 * DAY;
    for (hours, again) in [(11, Turn::Send), (12, Turn::Query), (23, Turn::Query)] {
        let mut world = sent_after_an_absence(back);
        world.restart(Now { steady: SECOND, calendar: back + hours * HOUR });
        assert_eq!(world.turn(), Turn::Query);
        world.answer(&not_found(KIND));
        assert_eq!(world.turn(), again, "{hours} h");
        if again == Turn::Query {
            // by then the calendar is believed
            world.now = moved(world.now, 600, 600);
            world.answer(&not_found(KIND));
            assert_eq!(world.turn(), Turn::Query, "{hours} h");
        }
    }
    // that the calendar is believed in the end makes the sending no younger: what lay between is kept, over a restart too
    for (again, minutes) in [(Turn::Send, 0), (Turn::Query, 51)] {
        let mut world = sent_after_an_absence(back);
        world.restart(Now { steady: SECOND, calendar: back + 11 * HOUR });
        world.turn();
        world.answer(&refusing(KIND, "SYSTEMERROR"));
        let line = ten_minutes_later(&mut world);
        assert!(!line.contains(" claim=") && line.contains(" unseen="), "{line}");
        world.restart(moved(world.now, 30, 30));
        world.now = moved(world.now, minutes * 60, minutes * 60);
        world.turn();
        world.answer(&not_found(KIND));
        assert_eq!(world.turn(), again, "{minutes} minutes later");
    }
    // what was claimed then proves wrong: nobody knows for how long it was left alone
    let mut world = sent_after_an_absence(back);
    world.restart(Now { steady: SECOND, calendar: START.calendar + 30 * HOUR });
    assert_eq!(world.turn(), Turn::Query);
    world.answer(&not_found(KIND));
    assert_eq!(world.turn(), Turn::Query, "it may be a day old");
}

/// A clock that was set ahead for hours, believed, and then set right.
#[test]
fn a_calendar_that_is_set_back_is_believed_after_a_while() {
    let begun_ahead = || {
        let mut world = World::sending(KIND);
        world.fault(Delivery::MaybeSent);
        world
    };
    // in one process: the steady clock has told the time all along
    let mut world = begun_ahead();
    let back = moved(world.now, 2, -31 * 86_400);
    assert!(matches!(blocked(&mut world, back), ClockError::Calendar { .. }));
    assert!(matches!(blocked(&mut world, moved(back, 599, 599)), ClockError::Calendar { .. }));
    world.now = moved(back, 600, 600);
    assert_eq!(world.turn(), Turn::Query);
    world.answer(&not_found(KIND));
    assert_eq!(world.turn(), Turn::Send, "no day has gone by");
    // over a restart nobody knows for how long it was left alone: it is not sent again
    let mut world = begun_ahead();
    world.restart(moved(world.now, 2, -31 * 86_400));
    let now = moved(world.now, 1, 1);
    assert!(matches!(blocked(&mut world, now), ClockError::Calendar { .. }));
    world.now = moved(world.now, 600, 600);
    assert_eq!(world.turn(), Turn::Query);
    assert!(world.alerts.iter().any(|alert| alert.to_string().contains("only queries go on")));
    for _ in 0..20 {
        world.answer(&not_found(KIND));
        assert_eq!(world.turn(), Turn::Query);
    }
    world.restart(world.now);
    assert_eq!(world.turn(), Turn::Query, "nor by the next process");
    assert_eq!(world.answer(&found(KIND, "RECEIVED")), State::Received);
    // a payout that was never sent may be
    let mut world = World::new(KIND);
    world.restart(moved(world.now, 2, -31 * 86_400));
    let now = moved(world.now, 1, 1);
    blocked(&mut world, now);
    world.now = moved(world.now, 600, 600);
    assert_eq!(world.turn(), Turn::Send);
}

#[test]
fn waits_go_by_the_steady_clock_alone() {
    let mut world = World::sending(KIND);
    world.answer(&refusing(KIND, "PROCESSING"));
    let until = {
        let payout = world.payout();
        let until = payout.until();
        world.put(payout);
        until
    };
    assert!(until - world.now.steady >= 20 * MINUTE);
    // a calendar two hours ahead, until it is believed
    let ahead = moved(world.now, 1, 7_200);
    blocked(&mut world, ahead);
    let later = moved(ahead, 600, 600);
    let Ok(Next::Wait { payout, until: same }) = world.payout().next(later) else { panic!() };
    assert_eq!(until, same);
    let by = until - later.steady;
    let then = Now { steady: until, calendar: later.calendar + by };
    assert!(matches!(payout.next(then), Ok(Next::Query(_))));
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
        (-60, wait),
        // planned by a calendar that was wrong, the one then or the one now
        (-61, Duration::ZERO),
        (-86_400, Duration::ZERO),
        (-86_400 * 400, Duration::ZERO),
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

proptest! {
    #![proptest_config(config(60))]

    /// One glitch of the calendar, restarts wherever they fall, and a service that never answers: by the true time no request
    /// goes out after the window, nothing ends before the horizon, and all of it ends soon after.
    #[test]
    fn a_glitch_changes_no_end_wherever_processes_begin(
        glitch in (60_u64..200_000, 1_u64..590, prop::sample::select(vec![-3_600_i64, 120, 86_400, 31 * 86_400, 365 * 86_400])),
        mut restarts in prop::collection::vec(1_u64..400_000, 0..6),
        in_glitch in any::<bool>(),
    ) {
        let (begin, lasts, far) = glitch;
        if in_glitch {
            restarts.push(begin + lasts / 2);
        }
        restarts.sort_unstable();
        let policy = policy(|settings| {
            (settings.resend_window, settings.horizon) = (6 * HOUR, 48 * HOUR);
            settings.backoff = vec![SECOND, MINUTE, 20 * MINUTE];
        });
        let mut world = World::with(KIND, policy);
        // the calendar shows what is true, but for a while
        let shown = |passed: u64| {
            let off = if (begin..begin + lasts).contains(&passed) { far } else { 0 };
            moved(START, 0, off).calendar + Duration::from_secs(passed)
        };
        let (mut passed, mut began, mut first, mut blocked_since) = (0_u64, 0_u64, None, None);
        loop {
            prop_assert!(passed < 60 * 3_600, "it never ends: {}", world.disk);
            if restarts.first().is_some_and(|at| *at <= passed) {
                restarts.remove(0);
                began = passed;
                world.restart(Now { steady: Duration::ZERO, calendar: shown(passed) });
            }
            let now = Now { steady: Duration::from_secs(passed - began) + START.steady, calendar: shown(passed) };
            world.now = now;
            if passed % 7 == 0 {
                world.hear(wechatpay_proto::payout::Asked::Send, &http_502());
            }
            let step = match world.payout().next(now) {
                Err(blocked) => {
                    world.put(blocked.into_payout());
                    let since = *blocked_since.get_or_insert(passed);
                    prop_assert!(passed - since < 600 + lasts, "blocked at {}", passed);
                    passed += 30;
                    continue;
                }
                Ok(next) => next,
            };
            blocked_since = None;
            match step {
                Next::Wait { payout, until } => {
                    world.put(payout);
                    passed += (until - now.steady).as_secs().clamp(1, 1_200);
                }
                Next::Record(unsaved) => world.save(unsaved),
                Next::Send(unsaved) => {
                    let begun = *first.get_or_insert(passed);
                    prop_assert!(passed - begun <= 6 * 3_600, "sent at {} for {}", passed, begun);
                    world.disk = unsaved.snapshot();
                    let signed = unsaved.saved().sign(now, &MERCHANT, &BaseUrl::default(), nonce());
                    world.save(signed.unwrap().1.fault(now, Delivery::MaybeSent));
                }
                Next::Query(query) => {
                    let signed = query.sign(now, &MERCHANT, &BaseUrl::default(), nonce());
                    world.save(signed.unwrap().1.answer(now, &MERCHANT, &not_found(KIND)));
                }
                Next::Done(done) => {
                    let given_up = matches!(done.end(), wechatpay_proto::payout::End::NeedsHuman { .. });
                    prop_assert!(given_up, "{:?}", done.end());
                    prop_assert!(passed >= 48 * 3_600, "given up at {}", passed);
                    break;
                }
            }
        }
    }
}
