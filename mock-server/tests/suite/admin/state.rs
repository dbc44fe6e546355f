//! The world as a whole: its seed, its rules; reset, taken out, put back.

use serde_json::{Value, json};
use wechatpay_mock_server::{Mock, MockMerchant, Rules, Scope, Server};

use super::{ask, done, get, refused};
use crate::common::{Answer, Form, MCH_ID, OPENID, call, call_from, in_force, shop};

#[test]
fn the_seed_is_set_for_what_comes() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    assert_eq!(done(&server, "PUT /seed", json!({"seed": u64::MAX})), json!({"seed": u64::MAX}));
    assert_eq!(get(&server, "/health")["seed"], u64::MAX);
    let key = |server: &Server| done(server, "POST /merchants", json!({"mch_id": "1"}))["key"].clone();
    let other = Mock::builder().seed(u64::MAX).build().serve().unwrap();
    assert_eq!(key(&server), key(&other));
}

fn value(rules: &Value, name: &str) -> String {
    let mut switches = rules["rules"].as_array().unwrap().iter();
    switches.find(|switch| switch["name"] == name).unwrap()["value"].as_str().unwrap().to_owned()
}

#[test]
fn switches_are_set_for_all_or_for_one_whole_or_not_at_all() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let set = |body: Value| done(&server, "PATCH /rules", body);
    let own = format!("/rules?mch_id={MCH_ID}");
    assert_eq!(value(&set(json!({"mch_id": MCH_ID, "rules": {"settle": "manual"}})), "settle"), "manual");
    assert_eq!(
        (value(&get(&server, "/rules"), "settle"), value(&get(&server, &own), "settle")),
        ("at-once".into(), "manual".into())
    );
    set(json!({"rules": {"settle": "after:2s", "claim-window": "1h"}}));
    assert_eq!(
        (value(&get(&server, "/rules"), "settle"), value(&get(&server, &own), "settle")),
        ("after:2s".into(), "manual".into())
    );
    assert_eq!(value(&get(&server, &own), "claim-window"), "1h");
    for (body, said) in [
        (json!({"rules": {"claim-window": "2h", "settle": "never"}}), "settle"),
        (json!({"rules": {"claim-window": "2h", "colour": "red"}}), "colour"),
        (json!({"rules": {"settle": 1}}), "rules.settle is a string"),
    ] {
        let error = refused(&server, "PATCH /rules", body, 400, "bad_request");
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(value(&get(&server, "/rules"), "claim-window"), "1h");
    refused(&server, "GET /rules?mch_id=1", Value::Null, 404, "not_found");
    refused(&server, "PATCH /rules", json!({"mch_id": "1", "rules": {}}), 404, "not_found");
    let every = get(&server, "/rules")["rules"].as_array().unwrap().len();
    assert!(every > 20, "{every}");
}

/// What there is of each scope: packets, requests, faults, and the time, of two merchants.
fn busy() -> (Server, MockMerchant, MockMerchant) {
    let (mock, one) = shop();
    let other = mock.merchant().mch_id("1900000001").create().unwrap();
    let server = mock.serve().unwrap();
    for merchant in [&one, &other] {
        call(merchant, &Form::send(merchant, "1")).assert_success();
        let when = json!({"mch_id": merchant.mch_id(), "path": "gethbinfo"});
        done(&server, "POST /faults", json!({"when": when, "then": {"fault": "reply_lost"}}));
    }
    done(&server, "POST /clock/advance", json!({"by": "1h"}));
    (server, one, other)
}

/// Packets, requests and faults of a merchant.
fn counts(server: &Server, mch_id: &str) -> [usize; 3] {
    let count = |list: &Value| list.as_array().unwrap().len();
    let faults = get(server, "/faults")["faults"].take();
    let own = faults.as_array().unwrap().iter().filter(|fault| fault["rule"]["when"]["mch_id"] == *mch_id);
    [
        count(&get(server, &format!("/redpackets?mch_id={mch_id}"))["redpackets"]),
        count(&get(server, &format!("/requests?mch_id={mch_id}"))["requests"]),
        own.count(),
    ]
}

#[test]
fn a_reset_takes_back_what_it_names_and_of_whom() {
    let started = "2026-01-01T09:00:00+08:00";
    for (body, one, other, back) in [
        (json!({}), [0, 0, 0], [0, 0, 0], false),
        (json!({"scope": ["state"]}), [0, 1, 1], [0, 1, 1], false),
        (json!({"scope": ["requests"]}), [1, 0, 1], [1, 0, 1], false),
        (json!({"scope": ["faults"]}), [1, 1, 0], [1, 1, 0], false),
        (json!({"scope": ["clock"]}), [1, 1, 1], [1, 1, 1], true),
        (json!({"scope": []}), [1, 1, 1], [1, 1, 1], false),
        (json!({"scope": ["state", "requests", "faults", "clock"]}), [0, 0, 0], [0, 0, 0], true),
        (json!({"mch_id": MCH_ID}), [0, 0, 0], [1, 1, 1], false),
        (json!({"mch_id": MCH_ID, "scope": ["state"]}), [0, 1, 1], [1, 1, 1], false),
        (json!({"mch_id": MCH_ID, "scope": ["requests"]}), [1, 0, 1], [1, 1, 1], false),
        (json!({"mch_id": MCH_ID, "scope": ["faults", "faults"]}), [1, 1, 0], [1, 1, 1], false),
    ] {
        let (server, merchant, _) = busy();
        done(&server, "POST /reset", body.clone());
        assert_eq!((counts(&server, MCH_ID), counts(&server, "1900000001")), (one, other), "{body}");
        assert_eq!(get(&server, "/clock")["now"] == started, back, "{body}");
        assert_eq!(merchant.balance_fen() == 1_000_000, one[0] == 0, "{body}");
    }
}

#[test]
fn a_reset_says_what_stays_armed_and_what_stays_changed() {
    let (mock, merchant) = shop();
    let other = mock.merchant().mch_id("1900000001").rule("settle", "manual").create().unwrap();
    let server = mock.serve().unwrap();
    let arm = |when: Value| {
        done(&server, "POST /faults", json!({"when": when, "then": {"fault": "reply_lost"}}))["id"].clone()
    };
    let (everybodys, own, others) = (
        arm(json!({"path": "gethbinfo"})),
        arm(json!({"mch_id": MCH_ID})),
        arm(json!({"mch_id": "1900000001"})),
    );
    let set = |mch_id: Value, rules: Value| {
        done(&server, "PATCH /rules", json!({"mch_id": mch_id, "rules": rules}));
    };
    set(Value::Null, json!({"claim-window": "1h"}));
    set(json!(MCH_ID), json!({"resend_gap": "none"}));
    set(json!("1900000001"), json!({"settle": "at-once", "amount": "1..5"}));
    let change = |name: &str, mch_id: Value, value: &str, began: Value| json!({"name": name, "mch_id": mch_id, "value": value, "began": began});
    let world = change("claim-window", Value::Null, "1h", json!("1d"));
    let mine = change("resend-gap", json!(MCH_ID), "none", Value::Null);
    let theirs = [
        change("amount", json!("1900000001"), "1..5", Value::Null),
        change("settle", json!("1900000001"), "at-once", json!("manual")),
    ];
    let reset = |body: Value| {
        let answer = done(&server, "POST /reset", body);
        let armed = answer["stays_armed"].as_array().unwrap().iter().map(|fault| fault["id"].clone());
        (armed.collect::<Vec<_>>(), answer["stays_changed"].clone())
    };
    let named = |scope: &str| json!({"mch_id": MCH_ID, "scope": [scope]});
    assert_eq!(reset(named("state")), (vec![own, everybodys.clone()], json!([world, mine])));
    // A fault that names no merchant is everybody's: it stays, and is told.
    assert_eq!(reset(json!({"mch_id": MCH_ID})), (vec![everybodys.clone()], json!([world, mine])));
    assert_eq!(reset(named("rules")), (vec![everybodys.clone()], json!([world])));
    assert!(mock.own_rules(MCH_ID).is_empty());
    let all = json!([world, theirs[0], theirs[1]]);
    assert_eq!(reset(json!({"scope": ["requests"]})), (vec![others, everybodys], all.clone()));
    assert_eq!(reset(json!({})), (vec![], all));
    assert_eq!(reset(json!({"scope": ["rules"]})), (vec![], json!([])));
    assert_eq!(mock.rules(None), Rules::default());
    // What a merchant was made with is its beginning.
    let own = mock.own_rules(other.mch_id());
    assert_eq!(own.into_iter().collect::<Vec<_>>(), [("settle".to_owned(), "manual".to_owned())]);
    assert_eq!(merchant.balance_fen(), 1_000_000);
}

/// A world that is written and read back knows what its merchants began with.
#[test]
fn what_a_reset_goes_back_to_is_part_of_the_state() {
    let (mock, _) = shop();
    let merchant = mock.merchant().mch_id("1").rule("settle", "manual").create().unwrap();
    mock.set_rule(Some("1"), "settle", "at-once").unwrap();
    let elsewhere = Mock::builder().build();
    elsewhere.restore(mock.state()).unwrap();
    assert_eq!(elsewhere.state(), mock.state());
    for mock in [&mock, &elsewhere] {
        mock.reset(&[Scope::Rules].into(), Some("1"));
        assert_eq!(mock.own_rules("1")["settle"], "manual");
        assert_eq!(mock.merchant_spec("1").unwrap().opening_rules, None);
    }
    assert_eq!(merchant.mch_id(), "1");
    let wrong = json!({"mch_id": "2", "opening_rules": {"settle": "never"}});
    let server = mock.serve().unwrap();
    assert!(refused(&server, "POST /merchants", wrong, 400, "bad_request").contains("settle"));
}

#[test]
fn a_reset_that_cannot_be_changes_nothing() {
    let (server, ..) = busy();
    let before = get(&server, "/state");
    for (body, status, code, said) in [
        (json!({"mch_id": "1"}), 404, "not_found", "no merchant 1"),
        (json!({"mch_id": MCH_ID, "scope": ["state", "clock"]}), 400, "bad_request", "everybody's"),
        (
            json!({"scope": ["all"]}),
            400,
            "bad_request",
            "scope[0] is one of state, requests, faults, rules, clock",
        ),
        (json!({"scope": "state"}), 400, "bad_request", "scope is an array"),
    ] {
        let error = refused(&server, "POST /reset", body, status, code);
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(get(&server, "/state"), before);
}

/// Some requests of a merchant, answered; by its number, so that any world with one can be asked.
fn story(mock: &Mock) -> Vec<Answer> {
    let merchant = mock.merchants().into_iter().find(|merchant| merchant.mch_id() == MCH_ID).unwrap();
    let mut answers = Vec::new();
    for form in ["1", "2", "3", "4"].into_iter().flat_map(|billno| {
        [Form::send(&merchant, billno), Form::query(&merchant, billno), Form::mini_program(&merchant, billno)]
    }) {
        mock.advance(std::time::Duration::from_secs(7 * 3600));
        let outcome = mock.handle(&form.request(), &wechatpay_mock_server::Arrival::with(in_force(MCH_ID)));
        answers.extend(outcome.seen().ok().map(Answer::new));
    }
    answers
}

#[test]
fn a_world_goes_on_elsewhere_to_the_byte() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    done(&server, "PATCH /rules", json!({"rules": {"settle": "after:8h"}}));
    done(&server, &format!("PUT /users/{OPENID}"), json!({"flags": ["daily_cap:3"]}));
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    for rule in [
        json!({"when": {"path": "gethbinfo", "probability": 0.5}, "then": {"fault": "reply_sign", "how": "unexpected"}, "commit": "applied"}),
        json!({"when": {"nth": 5}, "then": {"fault": "late_arrival", "after": "1h"}}),
    ] {
        let (status, answer) = ask(&server, "POST /faults", rule);
        assert_eq!(status, 201, "{answer}");
    }
    assert!(call_from(&mock, &Form::query(&merchant, "1"), in_force(MCH_ID), None).status == 200);

    let state = get(&server, "/state");
    let elsewhere = Mock::builder().seed(1).build();
    let other = elsewhere.serve().unwrap();
    let counts = done(&other, "PUT /state", state.clone());
    assert_eq!(counts, json!({"merchants": 1, "red_packets": 1}));
    assert_eq!(get(&other, "/state"), state);
    let answers = story(&mock);
    assert!(answers.len() >= 10 && answers.iter().any(|answer| answer.get("send_listid").is_some()));
    assert_eq!(story(&elsewhere), answers);
    assert_eq!(get(&other, "/state"), get(&server, "/state"));
}

#[test]
fn a_state_that_cannot_be_is_refused_with_its_part() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let before = get(&server, "/state");
    for (body, said) in [
        (json!({}), "version is missing"),
        (json!({"version": 2, "news": 1}), "version is 1"),
        (json!({"version": 1, "news": 1}), "\"news\" is not known"),
        (json!({"version": 1, "merchants": [{"mch_id": "1"}, {"mch_id": "1"}]}), "merchants[1]"),
        (json!({"version": 1, "merchants": [{"name": "x"}]}), "\"name\" is not known in merchants[0]"),
        (json!({"version": 1, "rules": {"settle": "never"}}), "rules.settle"),
        (json!({"version": 1, "clock": {"mode": "frozen"}}), "clock"),
        (json!({"version": 1, "users": [{"openid": "o", "flags": ["tired"]}]}), "tired"),
        (json!({"version": 1, "red_packets": [{"mch_id": "1"}]}), "missing field"),
        (json!({"version": 1, "arm": [{"then": {"fault": "none"}}]}), "reply_lost"),
    ] {
        let error = refused(&server, "PUT /state", body, 400, "bad_request");
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(get(&server, "/state"), before);
    }
}

#[test]
fn a_world_that_is_put_in_place_has_its_kits_at_once() {
    let mock = Mock::builder().build();
    let server = mock.serve().unwrap();
    done(
        &server,
        "PUT /state",
        json!({"version": 1, "merchants": [{"mch_id": MCH_ID}],
        "arm": [{"then": {"fault": "reply_lost"}}]}),
    );
    assert!(server.kit().dir().join(MCH_ID).join("apiclient_cert.p12").exists());
    assert_eq!(get(&server, "/health")["faults_armed"], 1);
}

#[test]
fn snapshots_are_kept_by_name_and_restored_as_often_as_wanted() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let names = || get(&server, "/snapshots")["snapshots"].take();
    assert_eq!(names(), json!([]));
    refused(&server, "POST /snapshots/before/restore", Value::Null, 404, "not_found");
    refused(&server, "POST /snapshots", json!({"name": ""}), 400, "bad_request");
    let kept = done(&server, "POST /snapshots", json!({"name": "vor 天"}));
    assert_eq!(kept, json!({"name": "vor 天", "now": "2026-01-01T09:00:00+08:00"}));
    let before = get(&server, "/state");
    for _ in 0..2 {
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
        done(&server, "POST /clock/advance", json!({"by": "1h"}));
        let counts = done(&server, "POST /snapshots/vor%20%E5%A4%A9/restore", Value::Null);
        assert_eq!(counts, json!({"merchants": 1, "red_packets": 0}));
        let mut now = get(&server, "/state");
        // Requests are numbered on: the journal stays.
        now["requests"] = before["requests"].clone();
        assert_eq!(now, before);
    }
    assert_eq!(get(&server, "/requests")["total"], 2);
    done(&server, "POST /snapshots", json!({"name": "a"}));
    done(&server, "POST /snapshots", json!({"name": "a"}));
    assert_eq!(names(), json!(["a", "vor 天"]));
    for number in 2..100 {
        done(&server, "POST /snapshots", json!({"name": number.to_string()}));
    }
    refused(&server, "POST /snapshots", json!({"name": "more"}), 409, "too_many");
    done(&server, "POST /snapshots", json!({"name": "a"}));
}
