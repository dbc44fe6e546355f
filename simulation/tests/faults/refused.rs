//! Orders that are refused for good and not kept, and requests that arrive after that.

use std::time::Duration;

use wechatpay_proto::payout::{Asked, Settings};
use wechatpay_simulation::{Back, Carried, Plan, Shape, Taken, Treatment, Want};

use super::world::{DAY, HOUR, MINUTE, SECOND, alerted, asked, run, run_with_any_crash, sends, times, words};

const SOON: Back = Back::After(Duration::from_millis(30));

/// The request arrives so much later, when nobody waits for it any more.
fn late(after: Duration) -> Treatment {
    Treatment { copies: vec![Carried { after, ..Carried::WELL }], ..Treatment::well() }
}

/// SEND_FAILED, and the service goes on not knowing the order.
fn not_kept() -> Treatment {
    Treatment::carried(Taken::NotKept, SOON)
}

/// The business pays again under a new number as soon as it may.
fn pays_again(script: impl IntoIterator<Item = Treatment>) -> Plan {
    let want = Want { renumbers: 2, ..Plan::quiet().wants.remove(0) };
    Plan { wants: vec![want], ..sends(script) }
}

#[test]
fn not_found_after_send_failed_frees_no_number_while_an_attempt_is_open() {
    for processing_wait in [20 * MINUTE, SECOND] {
        for after in [3 * MINUTE, 67 * MINUTE, 7 * HOUR, 40 * HOUR] {
            let settings = Settings { processing_wait, ..Settings::default() };
            let plan = Plan { settings, ..pays_again([late(after), not_kept()]) };
            let report = run_with_any_crash(&plan);
            assert_eq!(asked(&report, 4), "SQSQ");
            assert_eq!((report.counts.sends, report.counts.numbers), (2, 1), "late by {after:?}");
            assert_eq!(words(&report), ["conflict"], "refused for good, and paid: a person must look");
        }
    }
}

#[test]
fn with_an_attempt_open_for_ever_a_person_decides_at_the_horizon() {
    let settings = Settings { horizon: 3 * DAY, ..Settings::default() };
    let plan = Plan { settings, ..pays_again([Treatment::request_lost(), not_kept()]) };
    let report = run_with_any_crash(&plan);
    assert_eq!((report.counts.sends, words(&report)), (2, vec!["needs_human"]));
    assert!(alerted(&report, "GaveUp"), "{:?}", report.alerts);
    assert!(report.sent.last().unwrap().at >= 3 * DAY - 2 * HOUR, "queried to the end");
}

#[test]
fn with_none_open_the_failure_is_confirmed_after_an_hour_at_least() {
    for failure_wait in [HOUR, DAY] {
        let settings = Settings { failure_wait, ..Settings::default() };
        let report = run_with_any_crash(&Plan { settings, ..pays_again([not_kept()]) });
        assert_eq!(words(&report), ["failed", "received"]);
        let sends = times(&report, Asked::Send);
        assert_eq!(sends.len(), 2);
        assert!(sends[1] - sends[0] >= failure_wait, "{sends:?}");
    }
}

#[test]
fn a_copy_of_what_was_refused_comes_before_the_failure_is_confirmed() {
    let refused = Carried { taken: Taken::NotKept, ..Carried::WELL };
    for after in [10 * SECOND, 58 * MINUTE] {
        let again = Carried { after, ..Carried::WELL };
        let twice = Treatment { copies: vec![refused, again], ..Treatment::well() };
        // Two hours after the first attempt: what counts is the last one.
        let busy = Treatment::refused(Shape::Named("NOTENOUGH"));
        let settings = Settings { failure_wait: HOUR, refusal_wait: 2 * HOUR, ..Settings::default() };
        let report = run_with_any_crash(&Plan { settings, ..pays_again([busy, twice]) });
        assert_eq!((report.counts.numbers, words(&report)), (1, vec!["conflict"]), "copied after {after:?}");
    }
}

#[test]
fn an_answer_that_cannot_be_matched_leaves_the_attempt_open() {
    let wants = [0, 5].map(|at| Want {
        clicks: vec![(at * SECOND, 0)],
        renumbers: 1,
        ..Plan::quiet().wants.remove(0)
    });
    // The second payment hears the answer to the first.
    let crossed = Treatment { made_up: Some((SECOND, Shape::OtherOrder)), ..late(67 * MINUTE) };
    let script = vec![Treatment::well(), crossed, not_kept()];
    let report = run_with_any_crash(&Plan { wants: wants.to_vec(), ..sends(script) });
    assert_eq!((report.counts.numbers, words(&report)), (2, vec!["received", "conflict"]));
    assert!(alerted(&report, "Mismatch"), "{:?}", report.alerts);
}

#[test]
fn an_answer_about_a_number_that_differs_in_case_is_about_another_order() {
    let want = |at| Want { clicks: vec![(at, 0)], claimed: Some(SECOND), ..Plan::quiet().wants.remove(0) };
    let settings = Settings { follow: vec![MINUTE], ..Settings::default() };
    let plan = Plan {
        wants: vec![want(Duration::ZERO), want(HOUR)],
        settings,
        // The first query finds the first payment received; the second hears that once more.
        queries: vec![Treatment::well(), Treatment::answered(Shape::OtherOrder)],
        ..sends([Treatment::well(), Treatment::request_lost()])
    };
    let report = run_with_any_crash(&plan);
    let numbers: Vec<_> = report.ends.iter().map(|(number, _)| number.to_lowercase()).collect();
    assert_eq!(numbers[0], numbers[1], "they differ in case only");
    assert_eq!((report.counts.sends, words(&report)), (3, vec!["received", "received"]));
    assert!(alerted(&report, "Mismatch"), "{:?}", report.alerts);
}

#[test]
fn a_refusal_that_names_the_order_settles_nothing() {
    for code in [
        "NOTENOUGH",
        "NO_AUTH",
        "SENDNUM_LIMIT",
        "SENDAMOUNT_LIMIT",
        "FREQ_LIMIT",
        "SYSTEMERROR",
        "PROCESSING",
    ] {
        let report = run_with_any_crash(&sends([Treatment::refused(Shape::Named(code))]));
        assert_eq!((report.counts.numbers, words(&report)), (1, vec!["received"]), "{code}");
    }
}

#[test]
fn a_payment_that_a_refusal_names_is_not_the_payment() {
    for code in ["NOTENOUGH", "NO_AUTH", "SENDNUM_LIMIT", "FREQ_LIMIT", "SYSTEMERROR", "PROCESSING"] {
        let report = run_with_any_crash(&sends([Treatment::refused(Shape::Listed(code))]));
        assert_eq!((report.counts.numbers, words(&report)), (1, vec!["received"]), "{code}");
        assert!(!alerted(&report, "Mismatch"), "{code}: {:?}", report.alerts);
    }
    let queries = vec![Treatment::refused(Shape::Listed("SYSTEMERROR"))];
    let report = run_with_any_crash(&Plan { queries, ..sends([Treatment::answer_lost()]) });
    assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]));
}

#[test]
fn a_true_refusal_may_name_any_payment_too() {
    let plan = Plan { balance: 50, ..sends([Treatment::answered(Shape::TrueButListed)]) };
    let report = run(&plan);
    assert_eq!((report.counts.numbers, words(&report)), (1, vec!["failed"]));
    assert!(!alerted(&report, "Mismatch") && !alerted(&report, "Conflict"), "{:?}", report.alerts);
}
