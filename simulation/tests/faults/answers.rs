//! Answers that settle nothing, whatever they look like.

use std::time::Duration;

use wechatpay_proto::payout::Asked;
use wechatpay_simulation::{Back, Plan, Shape, Taken, Treatment, Want};

use super::world::{
    DAY, HOUR, MINUTE, alerted, asked, run_with_any_crash, run_with_every_crash, sends, times, words,
};

const SOON: Back = Back::After(Duration::from_millis(30));

#[test]
fn f04_systemerror_before_the_commit_is_sent_again() {
    let report = run_with_every_crash(&sends([Treatment::refused(Shape::SystemError)]));
    assert_eq!(asked(&report, 3), "SQS");
    assert_eq!((report.counts.numbers, words(&report)), (1, vec!["received"]));
}

#[test]
fn f04_systemerror_after_the_commit_is_found() {
    let report = run_with_every_crash(&sends([Treatment::answered(Shape::SystemError)]));
    assert_eq!(asked(&report, 2), "SQ");
    assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]));
}

#[test]
fn f04_a_query_that_says_systemerror_says_nothing() {
    let error = Treatment::answered(Shape::SystemError);
    let plan = Plan { queries: vec![error.clone(), error.clone()], ..sends([error]) };
    let report = run_with_every_crash(&plan);
    assert_eq!(asked(&report, 4), "SQQQ");
    assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]));
}

#[test]
fn f05_processing_then_sent() {
    let plan = sends([Treatment::carried(Taken::PaidLater(30 * MINUTE), SOON)]);
    let report = run_with_every_crash(&plan);
    assert_eq!(asked(&report, 3), "SQS", "still SENDING after 20 minutes: the same again");
    let queries = times(&report, Asked::Query);
    assert!(queries[0] >= 20 * MINUTE, "the first query comes at {:?}", queries[0]);
    assert_eq!((report.counts.numbers, words(&report)), (1, vec!["received"]));
}

#[test]
fn f05_processing_then_failed_next_day() {
    let plan = sends([Treatment::carried(Taken::FailsLater(23 * HOUR), SOON)]);
    let report = run_with_every_crash(&plan);
    assert_eq!((report.counts.numbers, words(&report)), (1, vec!["failed"]));
    assert_eq!(report.sent.last().map(|sent| sent.asked), Some(Asked::Query), "no verdict without a query");
    assert!(times(&report, Asked::Query).last() >= Some(&(23 * HOUR)));
}

#[test]
fn f05_failed_next_day_frees_a_new_number_for_the_business() {
    let want = Want { renumbers: 1, ..Plan::quiet().wants.remove(0) };
    let slow = Treatment::carried(Taken::FailsLater(2 * HOUR), SOON);
    let report = run_with_every_crash(&Plan { wants: vec![want], ..sends([slow]) });
    assert_eq!((report.counts.numbers, words(&report)), (2, vec!["failed", "received"]));
}

#[test]
fn f05_sending_for_a_day_and_then_failed_without_a_reason() {
    let plan = sends([Treatment::carried(Taken::Stuck(10_000), SOON)]);
    let report = run_with_every_crash(&plan);
    assert_eq!((report.counts.numbers, words(&report)), (1, vec!["failed"]));
    assert!(times(&report, Asked::Query).last() >= Some(&DAY));
}

#[test]
fn f08_unknown_codes_keep_the_number() {
    for (shape, alert) in [
        (Shape::Unlisted, "UnknownCode"),
        (Shape::Numeric, "UnknownCode"),
        (Shape::ReturnFail, "NoVerdict"),
        (Shape::NoVerdict, "NoVerdict"),
    ] {
        let applied = run_with_every_crash(&sends([Treatment::answered(shape)]));
        assert_eq!((applied.counts.sends, words(&applied)), (1, vec!["received"]), "{shape:?}");
        let not_applied = run_with_every_crash(&sends([Treatment::refused(shape)]));
        assert_eq!((not_applied.counts.sends, words(&not_applied)), (2, vec!["received"]), "{shape:?}");
        for report in [applied, not_applied] {
            assert_eq!(report.alerts, [alert], "{shape:?}");
            assert_eq!(report.counts.numbers, 1);
        }
    }
}

#[test]
fn f09_unparsable_answers_keep_the_number_and_stay_out_of_the_log() {
    for shape in [Shape::Html, Shape::Cut, Shape::Empty, Shape::Json, Shape::OtherRoot] {
        let report = run_with_every_crash(&sends([Treatment::answered(shape)]));
        assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]), "{shape:?}");
        assert_eq!(report.alerts, ["Unreadable"], "{shape:?}");
        let line = report.trace.iter().find(|line| line.contains("unreadable answer")).unwrap();
        assert!(line.contains("bytes (SHA-256 begins "), "{line}");
        assert!(
            !line.contains("Gateway") && !line.contains("return_code") && !line.contains("message"),
            "{line}"
        );
    }
}

#[test]
fn f10_fatal_error_on_a_resend_stops_the_sending_for_good() {
    let fatal = Treatment::refused(Shape::Refusal("FATAL_ERROR"));
    let plan = sends([Treatment::request_lost(), fatal]);
    let report = run_with_any_crash(&plan);
    assert_eq!(asked(&report, 4), "SQSQ");
    assert_eq!(report.counts.sends, 2, "no third");
    assert!(alerted(&report, "OrderDefect") && alerted(&report, "GaveUp"), "{:?}", report.alerts);
    assert_eq!((report.counts.numbers, words(&report)), (1, vec!["needs_human"]));
}

#[test]
fn f10_what_is_found_after_fatal_error_is_for_a_person() {
    let fatal = Treatment::refused(Shape::Refusal("FATAL_ERROR"));
    let hidden = Treatment::answered(Shape::Refusal("NOT_FOUND"));
    let report =
        run_with_any_crash(&Plan { queries: vec![hidden], ..sends([Treatment::answer_lost(), fatal]) });
    assert_eq!(asked(&report, 4), "SQSQ");
    assert_eq!((report.counts.sends, words(&report)), (2, vec!["conflict"]), "it need not be this order");
    assert_eq!(report.alerts, ["OrderDefect", "Conflict"]);
}
