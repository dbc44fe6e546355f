//! The journal: what arrived and became of it, found, checked, waited for, heard of, and written down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use serde_json::json;
use wechatpay_mock_server::{
    Arrival, Certificate, CommitKind, CurlFiles, Expectation, Filter, JournalLimits, Mock, MockMerchant,
    Record, RequestId, Verdict,
};

use crate::common::{Form, MCH_ID, call, call_from, in_force, post, shop};

/// One order that is sent, one that is not signed, and a query.
fn traffic(merchant: &MockMerchant) {
    call(merchant, &Form::send(merchant, "1")).assert_success();
    call(merchant, &Form::send(merchant, "2").unsigned("sign", "0".repeat(32))).assert_sign_error();
    call(merchant, &Form::query(merchant, "1"));
}

fn json_of(record: &Record) -> serde_json::Value {
    serde_json::from_str(&record.to_json_line()).unwrap()
}

#[test]
fn a_request_is_found_with_what_became_of_it() {
    let (mock, merchant) = shop();
    traffic(&merchant);
    let query = mock.journal().path("gethbinfo").one().unwrap();
    assert_eq!(
        (query.id, query.verdict, query.mch_billno.as_deref()),
        (RequestId(3), Verdict::Ok, Some("1"))
    );
    let sent = mock.journal().path("sendredpack").merchant(MCH_ID).order("1").one().unwrap();
    assert_eq!(sent.body, Form::send(&merchant, "1").xml());
    let refused = mock.journal().verdict(Verdict::Sign).one().unwrap();
    assert_eq!(mock.journal().commit(CommitKind::NotApplied).count(), 1);
    assert_eq!(refused.id, RequestId(2));
    let ids = |records: Vec<_>| {
        records.iter().map(|record: &std::sync::Arc<Record>| record.id.0).collect::<Vec<_>>()
    };
    assert_eq!(ids(mock.journal().all()), [3, 2, 1]);
    assert_eq!(ids(mock.journal().since_seq(1).path("sendredpack").all()), [2]);
    assert_eq!(mock.journal().last().unwrap().id, RequestId(3));
    assert_eq!(mock.journal().get(RequestId(1)).unwrap().id, RequestId(1));
    assert!(mock.journal().get(RequestId(4)).is_none());

    let error = mock.journal().path("sendredpack").one().unwrap_err().to_string();
    assert!(error.contains("2 did\n  req_000002 matched\n  req_000001 matched"), "{error}");
    let error = mock.journal().path("sendredpack").order("3").one().unwrap_err().to_string();
    assert!(error.contains("req_000002 did not: mch_billno is \"2\", not \"3\""), "{error}");
}

#[test]
fn a_record_is_written_as_json_with_what_was_judged() {
    let (mock, merchant) = shop();
    traffic(&merchant);
    let forged = json_of(&mock.journal().get(RequestId(2)).unwrap());
    assert_eq!(forged["sign"], json!({"verdict": "mismatch", "received": "0".repeat(32), "diagnosis": []}));
    assert_eq!(forged["commit"], "not_applied");
    assert_eq!(forged["outcome"]["err_code"], "SIGN_ERROR");
    assert_eq!((&forged["via"], &forged["verdict"]), (&json!("in_process"), &json!("sign")));
    let names: Vec<_> = forged["fields"].as_array().unwrap().iter().map(|field| field[0].clone()).collect();
    assert!(names.contains(&json!("act_name")) && names.contains(&json!("sign")), "{names:?}");
    assert_eq!(json_of(&mock.journal().get(RequestId(3)).unwrap())["sign"]["verdict"], "ok");

    // An answer that nests is read as well.
    merchant.claim("1").unwrap();
    let answer = call(&merchant, &Form::query(&merchant, "1"));
    assert!(answer.body.contains("<hblist>"), "{}", answer.body);
    assert_eq!(json_of(&mock.journal().last().unwrap())["outcome"]["err_code"], "SUCCESS");

    for (certificate, word) in [(Certificate::None, "none"), (in_force("10000099"), "other_merchant")] {
        call_from(&mock, &Form::send(&merchant, "3"), certificate, None);
        let last = json_of(&mock.journal().last().unwrap());
        assert_eq!((&last["peer_cert"]["verdict"], &last["verdict"]), (&json!(word), &json!("cert")));
    }
    mock.handle(&post("/nothing", "x"), &Arrival::default());
    let last = json_of(&mock.journal().last().unwrap());
    assert_eq!((&last["verdict"], &last["outcome"]["status"]), (&json!("path"), &json!(404)));
    // The key is in none of it.
    let all: String = mock.journal().all().iter().map(|record| record.to_json_line()).collect();
    assert!(!all.contains(merchant.key()));
}

#[test]
fn a_record_can_be_read_and_sent_again() {
    let (mock, merchant) = shop();
    traffic(&merchant);
    let record = mock.journal().last().unwrap();
    let raw = String::from_utf8(record.to_raw()).unwrap();
    let form = Form::query(&merchant, "1").xml();
    assert!(raw.starts_with("POST /mmpaymkttransfers/gethbinfo HTTP/1.1\n"), "{raw}");
    assert!(raw.contains(&format!("\n\n{form}\n\n<- HTTP/1.1 200 OK\n")), "{raw}");
    assert!(raw.contains("x-mock-request-id: req_000003\n"), "{raw}");
    let curl = record.to_curl("http://127.0.0.1:4711", &CurlFiles::default());
    assert!(curl.contains("http://127.0.0.1:4711/mmpaymkttransfers/gethbinfo"), "{curl}");
    assert!(curl.contains(&form), "{curl}");
}

#[test]
fn expectations_are_verified() {
    let (mock, merchant) = shop();
    traffic(&merchant);
    let verify = |expectation| mock.verify(&serde_json::from_value::<Expectation>(expectation).unwrap());
    let sent = |billno: &str, count| {
        json!({"match": {"path": "sendredpack", "mch_id": MCH_ID, "fields": {"mch_billno": billno}},
            "count": {"exactly": count}})
    };
    assert_eq!(verify(sent("1", 1)), Ok(1));
    let mismatch = verify(sent("3", 1)).unwrap_err();
    assert_eq!((mismatch.matched, mismatch.near.len()), (0, 3));
    assert_eq!(mismatch.near[0].id, RequestId(2));
    assert_eq!(mismatch.near[0].differences[0].got.as_deref(), Some("2"));
    assert_eq!(verify(json!({"count": {"at_least": 3}})), Ok(3));
}

#[test]
fn a_guard_counts_from_when_it_was_made_and_checks_itself() {
    let (mock, merchant) = shop();
    call(&merchant, &Form::query(&merchant, "1"));
    {
        let polls = mock.expect("gethbinfo").times(1..=2).merchant(MCH_ID).named("polls");
        assert_eq!(polls.check().unwrap_err().matched, 0);
        call(&merchant, &Form::query(&merchant, "1"));
        assert_eq!(polls.check(), Ok(1));
    }
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _polls = mock.expect("gethbinfo").field("mch_billno", "2").named("polls of the second");
        call(&merchant, &Form::query(&merchant, "1"));
    }));
    let text = panic.unwrap_err().downcast::<String>().unwrap();
    let expected = "polls of the second: at least 1 request should have matched, 0 did\n  \
        req_000003 did not: mch_billno is \"1\", not \"2\"";
    assert_eq!(*text, expected);
    // A panic of the test itself is not hidden by another.
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _polls = mock.expect("gethbinfo").times(2);
        panic!("of the test");
    }));
    assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "of the test");
}

#[test]
fn a_journal_forgets_the_oldest_and_what_it_is_told_to() {
    let limits = JournalLimits::new(2, 1024 * 1024).unwrap();
    let mock = Mock::builder().journal(limits).build();
    let merchants = ["10000098", "10000099"].map(|mch_id| mock.merchant().mch_id(mch_id).create().unwrap());
    let follower = mock.follow();
    for merchant in merchants.iter().cycle().take(3) {
        call(merchant, &Form::query(merchant, "1"));
    }
    let counts = mock.journal().counts();
    assert_eq!((counts.kept, counts.total, counts.dropped), (2, 3, 1));
    assert!(counts.bytes > 1_000 && counts.bytes < limits.bytes(), "{}", counts.bytes);
    let unmet = mock.journal().order("2").one().unwrap_err();
    assert!(unmet.to_string().ends_with("\n  not in the journal any more: 1"), "{unmet}");
    assert_eq!(mock.expect("gethbinfo").times(..=0).check(), Ok(0));
    let later = mock.journal().since_seq(3).order("2").one().unwrap_err();
    assert_eq!((later.dropped, later.near.len()), (0, 0));
    assert_eq!(mock.journal().merchant("10000098").clear(), 1);
    assert_eq!(mock.journal().all()[0].mch_id.as_deref(), Some("10000099"));
    let heard = follower.take();
    assert_eq!((heard.records.len(), heard.missed), (2, 1));
    let filter = Filter::from_pairs([("mch_id", "10000099"), ("limit", "1")]).unwrap();
    assert_eq!(mock.journal().filter(filter).count(), 1);
    assert_eq!((mock.journal().clear(), mock.requests()), (1, 3));
}

#[test]
fn a_test_waits_for_requests_of_another_thread() {
    let (mock, merchant) = shop();
    let polls = Filter::default().path("gethbinfo");
    let came = thread::scope(|scope| {
        scope.spawn(|| (0..3).for_each(|_| drop(call(&merchant, &Form::query(&merchant, "1")))));
        mock.wait_for(3, &polls, Duration::from_secs(60))
    });
    assert_eq!(came.unwrap().len(), 3);
    let waited = mock.wait_for(4, &polls, Duration::ZERO).unwrap_err();
    assert_eq!((waited.wanted, waited.came.len()), (4, 3));
}
