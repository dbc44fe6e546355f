//! Clocks that jump and stand still, windows and horizons that are crossed.

use wechatpay_proto::payout::{Asked, Settings};
use wechatpay_simulation::{Moment, Odds, Plan, Treatment};

use super::world::{DAY, HOUR, MINUTE, SECOND, alerted, asked, run, run_with_any_crash, sends, times, words};

const AHEAD: i64 = 24 * 3600;

fn jump(at: std::time::Duration, ahead: i64) -> (std::time::Duration, Moment) {
    (at, Moment::Calendar { worker: 0, ahead })
}

#[test]
fn f17_nothing_is_sent_while_the_calendar_is_a_day_behind() {
    for until in [9 * MINUTE, 2 * HOUR] {
        let moments = vec![jump(5 * SECOND, -AHEAD), jump(until, 0)];
        let plan = Plan { moments, heals: 3 * HOUR, ..sends([Treatment::request_lost()]) };
        let report = run_with_any_crash(&plan);
        assert_eq!(asked(&report, 3), "SQS");
        let query = times(&report, Asked::Query)[0];
        // What has lasted for ten minutes is the calendar.
        let least = until.min(10 * MINUTE);
        assert!(query >= least, "asked at {query:?} by a clock that had gone back");
        assert!(report.counts.clock_errors > 0);
        assert_eq!((report.counts.sends, words(&report)), (2, vec!["received"]));
    }
}

#[test]
fn f17_a_calendar_that_jumps_a_day_ahead_shortens_no_wait() {
    let moments = vec![jump(5 * SECOND, AHEAD)];
    let plan = Plan { moments, heals: 3 * HOUR, ..sends([Treatment::answer_lost()]) };
    let report = run_with_any_crash(&plan);
    let query = times(&report, Asked::Query)[0];
    assert!(query >= 11 * SECOND, "the answer was waited for until 10 s, and then a second: {query:?}");
    assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]));
}

#[test]
fn f17_a_day_ahead_closes_the_window_and_nothing_is_sent_any_more() {
    let settings = Settings { horizon: 3 * DAY, ..Settings::default() };
    let moments = vec![jump(5 * SECOND, AHEAD)];
    let plan = Plan { moments, settings, heals: HOUR, ..sends([Treatment::request_lost()]) };
    let report = run_with_any_crash(&plan);
    assert_eq!((report.counts.sends, words(&report)), (1, vec!["needs_human"]));
    assert!(alerted(&report, "WindowClosed") && alerted(&report, "GaveUp"), "{:?}", report.alerts);
}

#[test]
fn f17_a_sleep_of_two_hours() {
    for stops in [true, false] {
        for at in [SECOND / 100, 5 * SECOND, 10 * SECOND + SECOND / 2, 2 * MINUTE] {
            let moments = vec![(at, Moment::Suspend { worker: 0, span: 2 * HOUR, stops })];
            for script in [Treatment::request_lost(), Treatment::answer_lost(), Treatment::well()] {
                let plan = Plan { moments: moments.clone(), heals: DAY, ..sends([script]) };
                assert_eq!(words(&run_with_any_crash(&plan)), ["received"]);
            }
        }
    }
}

#[test]
fn f17_after_the_window_only_queries_and_after_the_horizon_a_person() {
    let odds = Odds { request_lost: 1000, ..Odds::default() };
    let report = run(&Plan { odds, heals: 25 * HOUR, ..Plan::quiet() });
    let sends = times(&report, Asked::Send);
    assert!(sends.iter().all(|at| *at <= DAY), "{sends:?}");
    assert_eq!(words(&report), ["needs_human"]);
    assert!(alerted(&report, "WindowClosed") && alerted(&report, "GaveUp"), "{:?}", report.alerts);
    let last = report.sent.last().unwrap().at;
    assert!((29 * DAY..31 * DAY).contains(&last), "{last:?}");
    let queries = times(&report, Asked::Query);
    let longest = queries.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest <= 2 * HOUR, "{longest:?} without a query");
}

#[test]
fn f17_what_comes_within_the_window_is_sent() {
    let odds = Odds { request_lost: 1000, ..Odds::default() };
    let report = run(&Plan { odds, heals: 20 * HOUR, ..Plan::quiet() });
    assert_eq!(words(&report), ["received"]);
}

/// Far ahead, and a day behind: further than any window, and than the horizon.
const GLITCHES: [i64; 3] = [31 * AHEAD, 365 * AHEAD, -AHEAD];

/// A calendar that is wrong at `at` for `span`, and then right again.
fn glitch(at: std::time::Duration, ahead: i64, span: std::time::Duration) -> (std::time::Duration, Moment) {
    (at, Moment::Glitch { worker: 0, ahead, span })
}

fn survives_glitches(park: Option<std::time::Duration>) {
    let settings = Settings { park, ..Settings::default() };
    for ahead in GLITCHES {
        for span in [std::time::Duration::ZERO, SECOND, 9 * MINUTE] {
            for at in [std::time::Duration::ZERO, SECOND / 100, 5 * SECOND, 2 * MINUTE, 90 * MINUTE] {
                for script in [Treatment::request_lost(), Treatment::answer_lost(), Treatment::well()] {
                    let (settings, moments) = (settings.clone(), vec![glitch(at, ahead, span)]);
                    let plan = Plan { settings, moments, heals: DAY, ..sends([script]) };
                    let report = run_with_any_crash(&plan);
                    assert_eq!(words(&report), ["received"], "{ahead} s ahead at {at:?} for {span:?}");
                    let last = report.sent.last().unwrap().at;
                    assert!(last < 3 * DAY, "{ahead} s ahead at {at:?} for {span:?}: led on at {last:?}");
                }
            }
        }
    }
}

#[test]
fn f17_a_calendar_that_jumps_and_comes_back_ends_nothing() {
    survives_glitches(None);
}

#[test]
fn f17_a_calendar_that_jumps_and_comes_back_hides_nothing_in_the_store() {
    survives_glitches(Some(MINUTE));
}
