//! The journal: listed, looked at, sent again, forgotten; and expectations of it.

use serde_json::{Value, json};

use super::{ask, done, get, raw, refused};
use crate::common::{Form, MCH_ID, SEND, call, shop};

fn seqs(page: &Value) -> Vec<u64> {
    page["requests"].as_array().unwrap().iter().map(|record| record["seq"].as_u64().unwrap()).collect()
}

#[test]
fn what_arrived_is_listed_as_it_is_asked_for_and_forgotten() {
    let (mock, one) = shop();
    let other = mock.merchant().mch_id("1900000001").create().unwrap();
    let server = mock.serve().unwrap();
    call(&one, &Form::send(&one, "1")).assert_success();
    call(&one, &Form::send(&one, "2").keyed("wrong")).assert_sign_error();
    call(&other, &Form::send(&other, "3")).assert_success();
    call(&one, &Form::query(&one, "1")).assert_success();
    call(&one, &Form::query(&one, "9"));
    done(
        &server,
        "POST /faults",
        json!({"when": {"path": "sendredpack"},
        "then": {"fault": "applied_then_error"}}),
    );
    call(&other, &Form::send(&other, "4"));
    let all = get(&server, "/requests");
    assert_eq!((seqs(&all), &all["dropped"], &all["total"]), (vec![6, 5, 4, 3, 2, 1], &json!(0), &json!(6)));
    for (query, expected) in [
        ("mch_id=10000098", &[5, 4, 2, 1][..]),
        ("mch_id=1", &[]),
        ("mch_billno=1", &[4, 1]),
        ("path=gethbinfo", &[5, 4]),
        ("path=/mmpaymkttransfers/sendredpack", &[6, 3, 2, 1]),
        ("verdict=sign", &[2]),
        ("verdict=business", &[5]),
        ("verdict=fault", &[6]),
        ("commit=not_applied&path=sendredpack", &[2]),
        ("fault=1", &[6]),
        ("fault=applied_then_error", &[6]),
        ("since_seq=4", &[6, 5]),
        ("limit=2", &[6, 5]),
        ("mch_id=10000098&limit=1&path=sendredpack", &[2]),
    ] {
        assert_eq!(seqs(&get(&server, &format!("/requests?{query}"))), expected, "{query}");
    }
    for query in ["limit=0", "limit=x", "since_seq=-1", "verdict=OK", "commit=maybe", "mch_id="] {
        refused(&server, &format!("GET /requests?{query}"), Value::Null, 400, "bad_request");
    }
    assert_eq!(done(&server, "DELETE /requests?verdict=sign", Value::Null), json!({"removed": 1}));
    assert_eq!(
        done(&server, &format!("DELETE /requests?mch_id={MCH_ID}"), Value::Null),
        json!({"removed": 3})
    );
    assert_eq!(seqs(&get(&server, "/requests")), [6, 3]);
    assert_eq!(done(&server, "DELETE /requests", Value::Null), json!({"removed": 2}));
    assert_eq!(get(&server, "/requests")["total"], 6);
}

#[test]
fn a_request_is_shown_whole() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let form = Form::send(&merchant, "1");
    call(&merchant, &form).assert_success();
    let record = get(&server, "/requests/req_000001");
    assert_eq!((&record["mch_id"], &record["verdict"]), (&json!(MCH_ID), &json!("ok")));
    assert_eq!(record["fields"].as_array().unwrap().len(), form.fields().len());
    let both = raw(&server, "GET /requests/req_000001/raw", "");
    let both = String::from_utf8(both.body).unwrap();
    assert!(both.contains(&form.xml()) && both.contains("send_listid") && both.contains(SEND), "{both}");
    let curl = raw(&server, "GET /requests/req_000001/curl", "");
    let curl = String::from_utf8(curl.body).unwrap();
    assert!(curl.contains(&format!("{}{SEND}", server.https_url())), "{curl}");
    for file in ["ca.pem", "apiclient_cert.pem", "apiclient_key.pem"] {
        assert!(curl.contains(file), "{curl}");
    }
    for id in ["req_000002", "1", "req_", "..", "req_000001x"] {
        for rest in ["", "/raw", "/curl"] {
            refused(&server, &format!("GET /requests/{id}{rest}"), Value::Null, 404, "not_found");
        }
    }
}

#[test]
fn a_request_of_nobody_has_a_command_line_without_a_certificate() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    call(&merchant, &Form::send(&merchant, "1").with("mch_id", "../1"));
    let curl = String::from_utf8(raw(&server, "GET /requests/req_000001/curl", "").body).unwrap();
    assert!(curl.contains("ca.pem") && !curl.contains("apiclient"), "{curl}");
}

#[test]
fn an_expectation_holds_or_the_nearest_misses_are_told() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    for billno in ["1", "2"] {
        call(&merchant, &Form::send(&merchant, billno)).assert_success();
    }
    let one = json!({"path": "sendredpack", "fields": {"mch_billno": "1"}});
    for (matching, count, matched) in [
        (&one, json!({"exactly": 1}), 1),
        (&json!({}), json!({"exactly": 2}), 2),
        (&json!({"path": SEND, "mch_id": MCH_ID}), json!({"at_least": 1, "at_most": 2}), 2),
        (&json!({"path": "gethbinfo"}), json!({"at_most": 0}), 0),
    ] {
        let answer = done(&server, "POST /verify", json!({"match": matching, "count": count}));
        assert_eq!(answer, json!({"matched": matched}));
    }
    let matching = json!({"path": "sendredpack", "fields": {"mch_billno": "1", "total_amount": "999"}});
    let (status, answer) = ask(&server, "POST /verify", json!({"match": matching, "count": {"exactly": 1}}));
    let error = &answer["error"];
    assert_eq!((status, &error["code"], &error["matched"]), (422, &json!("mismatch"), &json!(0)));
    let nearest = json!({"request": "req_000001",
        "differences": [{"field": "total_amount", "expected": "999", "got": "1000"}]});
    assert_eq!((&error["near"][0], error["near"].as_array().unwrap().len()), (&nearest, 2));
    for count in [json!({}), json!({"exactly": 1, "at_least": 1}), json!({"at_least": 2, "at_most": 1})] {
        refused(&server, "POST /verify", json!({"match": {}, "count": count}), 400, "bad_request");
    }
}
