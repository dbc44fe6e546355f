//! Waiting for requests: real time, but for what is there already.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};
use wechatpay_mock_server::{JournalLimits, Mock};

use super::{ask, get, refused};
use crate::common::{Form, MCH_ID, call, shop};

#[test]
fn what_is_there_is_answered_at_once() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    assert_eq!(get(&server, "/requests/wait?count=0")["requests"], json!([]));
    for billno in ["1", "2"] {
        call(&merchant, &Form::send(&merchant, billno)).assert_success();
    }
    for (query, found) in
        [("", 2), ("?count=2", 2), ("?count=1&path=sendredpack&mch_billno=1&timeout_ms=0", 1)]
    {
        assert_eq!(
            get(&server, &format!("/requests/wait{query}"))["requests"].as_array().unwrap().len(),
            found
        );
    }
}

#[test]
fn what_arrives_during_the_wait_ends_it() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            start.wait();
            ask(&server, &format!("GET /requests/wait?count=3&mch_id={MCH_ID}&timeout_ms=30000"), Value::Null)
        });
        start.wait();
        for billno in ["1", "2", "3"] {
            call(&merchant, &Form::send(&merchant, billno)).assert_success();
        }
        let (status, page) = waiting.join().unwrap();
        assert_eq!((status, page["requests"].as_array().unwrap().len()), (200, 3));
    });
}

#[test]
fn what_did_arrive_is_told_when_time_is_up() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    for timeout in [0, 1] {
        let (status, answer) =
            ask(&server, &format!("GET /requests/wait?count=2&timeout_ms={timeout}"), Value::Null);
        let error = &answer["error"];
        assert_eq!((status, &error["code"]), (408, &json!("timeout")));
        assert_eq!(error["arrived"]["requests"][0]["mch_billno"], "1");
        assert_eq!(
            (error["arrived"]["requests"].as_array().unwrap().len(), &error["arrived"]["total"]),
            (1, &json!(1))
        );
    }
}

#[test]
fn what_can_never_be_is_refused() {
    let mock = Mock::builder().journal(JournalLimits::new(10, 1 << 20).unwrap()).build();
    let server = mock.serve().unwrap();
    for (query, said) in [
        ("count=11", "which is 10"),
        ("count=x", "count is a number"),
        ("count=-1", "count is a number"),
        ("timeout_ms=60001", "60000 at most"),
        ("timeout_ms=1s", "60000 at most"),
        ("limit=1", "limit"),
    ] {
        let error = refused(&server, &format!("GET /requests/wait?{query}"), Value::Null, 400, "bad_request");
        assert!(error.contains(said), "{error}");
    }
}
