//! Faults: armed, looked at, changed, taken away.

use serde_json::{Value, json};
use wechatpay_mock_server::Mock;

use super::{done, get, refused};
use crate::common::{Form, MCH_ID, call, shop};

fn error(code: &str) -> Value {
    json!({"when": {"path": "sendredpack"}, "then": {"fault": "err_code", "code": code}, "commit": "not_applied"})
}

#[test]
fn a_fault_is_armed_strikes_is_changed_and_goes() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let mut rule = error("SYSTEMERROR");
    rule["when"]["times"] = json!(1);
    let armed = done(&server, "POST /faults", rule.clone());
    assert_eq!((&armed["id"], &armed["hits"], &armed["remaining"]), (&json!(1), &json!(0), &json!(1)));
    assert_eq!(armed["rule"], rule);
    let send = |billno: &str| call(&merchant, &Form::send(&merchant, billno)).code().to_owned();
    assert_eq!([send("1"), send("2")], ["SYSTEMERROR", "SUCCESS"]);
    let struck = get(&server, "/faults/1");
    assert_eq!(
        (&struck["hits"], &struck["matches"], &struck["remaining"]),
        (&json!(1), &json!(2), &json!(0))
    );

    let more = done(&server, "PATCH /faults/1", json!({"times": 3}));
    assert_eq!((&more["rule"]["when"]["times"], &more["remaining"]), (&json!(3), &json!(2)));
    assert_eq!(send("3"), "SYSTEMERROR");
    assert_eq!(done(&server, "PATCH /faults/1", json!({"enabled": false}))["enabled"], false);
    assert_eq!(send("4"), "SUCCESS");
    done(&server, "PATCH /faults/1", json!({"enabled": true, "ttl": "10m"}));
    done(&server, "POST /clock/advance", json!({"by": "10m"}));
    assert_eq!(get(&server, "/faults/1")["expired"], true);
    assert_eq!(send("5"), "SUCCESS");
    assert_eq!(done(&server, "DELETE /faults/1", Value::Null), json!({"id": 1}));
    for call in ["GET /faults/1", "DELETE /faults/1", "GET /faults/x", "DELETE /faults/-1"] {
        refused(&server, call, Value::Null, 404, "not_found");
    }
    refused(&server, "PATCH /faults/1", json!({}), 404, "not_found");
}

#[test]
fn the_newest_is_first_and_all_go_or_one_merchants() {
    let (mock, _) = shop();
    mock.merchant().mch_id("1900000001").create().unwrap();
    let server = mock.serve().unwrap();
    for mch_id in [None, Some(MCH_ID), Some("1900000001"), Some(MCH_ID)] {
        let mut rule = error("SYSTEMERROR");
        if let Some(mch_id) = mch_id {
            rule["when"]["mch_id"] = json!(mch_id);
        }
        done(&server, "POST /faults", rule);
    }
    let ids = || {
        let faults = get(&server, "/faults")["faults"].take();
        faults.as_array().unwrap().iter().map(|fault| fault["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids(), [4, 3, 2, 1]);
    assert_eq!(
        done(&server, &format!("DELETE /faults?mch_id={MCH_ID}"), Value::Null),
        json!({"disarmed": 2})
    );
    assert_eq!(ids(), [3, 1]);
    refused(&server, "DELETE /faults?mch_id=1", Value::Null, 404, "not_found");
    assert_eq!(done(&server, "DELETE /faults", Value::Null), json!({"disarmed": 2}));
    assert_eq!(ids(), [0; 0]);
}

#[test]
fn every_example_of_the_catalogue_can_be_armed() {
    let server = Mock::builder().build().serve().unwrap();
    let catalogue = get(&server, "/faults/catalogue");
    for entry in catalogue["faults"].as_array().unwrap() {
        let examples = entry["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{entry}");
        for example in examples {
            assert_eq!(done(&server, "POST /faults", example.clone())["rule"], *example);
            assert_eq!(example["then"]["fault"], entry["name"]);
            done(&server, "DELETE /faults", Value::Null);
        }
    }
}

#[test]
fn a_rule_that_cannot_be_is_refused_with_how_to_mend_it() {
    let server = Mock::builder().build().serve().unwrap();
    let reply_lost = json!({"fault": "reply_lost"});
    for (rule, said) in [
        (json!({"then": {"fault": "err_code", "code": "SYSTEMERROR"}}), "commit"),
        (json!({"then": reply_lost, "commit": "not_applied"}), "commit"),
        (json!({"then": {"fault": "reply_losst"}}), "reply_lost"),
        (json!({"then": {"fault": "reply_lost", "status": 500}}), "unknown field `status`"),
        (json!({"then": {"fault": "reply_lost"}, "ttl": "soon"}), "15m"),
        (json!({"then": reply_lost, "when": {"probability": 2}}), "probability"),
        (json!({"then": reply_lost, "when": {"fields": {"remark": "("}}}), "remark"),
        (json!({"then": reply_lost, "when": {"nth": 0}}), "nth"),
        (json!({"then": reply_lost, "when": {"nth": 1, "every": 2}}), "every"),
        (json!({"then": reply_lost, "when": {"route": "x"}}), "this call takes path, mch_id"),
        (json!({"then": "reply_lost"}), "then is an object"),
        (json!({"when": {}}), "then is missing"),
    ] {
        let error = refused(&server, "POST /faults", rule, 400, "bad_request");
        assert!(error.contains(said), "{said}: {error}");
    }
    assert_eq!(get(&server, "/faults"), json!({"faults": []}));
}
