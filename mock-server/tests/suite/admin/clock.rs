//! The clock: set, moved, and what happens by it.

use serde_json::{Value, json};
use wechatpay_mock_server::Mock;

use super::{ask, done, get, refused};
use crate::common::{Form, MCH_ID, call, shop};

#[test]
fn what_is_due_happens_in_order_each_at_its_own_time() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    for billno in ["1", "2"] {
        call(&merchant, &Form::send(&merchant, billno)).assert_success();
        done(&server, "POST /clock/advance", json!({"by": "1h"}));
    }
    let event = |at: &str, billno: &str, effect: &str| json!({"at": at, "kind": "red_packet", "entity": {"mch_id": MCH_ID, "mch_billno": billno}, "effect": effect});
    let clock = get(&server, "/clock");
    assert_eq!((&clock["now"], &clock["mode"]), (&json!("2026-01-01T11:00:00+08:00"), &json!("frozen")));
    let expected = json!([
        event("2026-01-02T09:00:00+08:00", "1", "RFUND_ING"),
        event("2026-01-02T10:00:00+08:00", "2", "RFUND_ING"),
    ]);
    assert_eq!((&clock["scheduled"], &clock["scheduled_total"]), (&expected, &json!(2)));
    assert_eq!(clock["fired"], json!([]));

    let next = done(&server, "POST /clock/advance-to-next", Value::Null);
    assert_eq!(next["now"], "2026-01-02T09:00:00+08:00");
    assert_eq!(next["fired"], json!([event("2026-01-02T09:00:00+08:00", "1", "RFUND_ING")]));
    let all = done(&server, "POST /clock/advance", json!({"by": "2h"}));
    let expected = json!([
        event("2026-01-02T09:15:00+08:00", "1", "REFUND"),
        event("2026-01-02T10:00:00+08:00", "2", "RFUND_ING"),
        event("2026-01-02T10:15:00+08:00", "2", "REFUND"),
    ]);
    assert_eq!((&all["fired"], &all["scheduled"]), (&expected, &json!([])));
    let none = done(&server, "POST /clock/advance-to-next", Value::Null);
    assert_eq!((&none["now"], &none["fired"]), (&json!("2026-01-02T11:00:00+08:00"), &json!([])));
    assert_eq!(merchant.balance_fen(), 1_000_000);
}

#[test]
fn the_clock_is_set_on_and_back() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    let set = |body: Value| done(&server, "PUT /clock", body);
    let later = set(json!({"mode": "frozen", "now": "2026-01-01T17:00:00Z"}));
    assert_eq!((&later["now"], &later["fired"]), (&json!("2026-01-02T01:00:00+08:00"), &json!([])));
    let due = set(json!({"mode": "frozen", "now": "2026-01-03T00:00:00+08:00"}));
    assert_eq!(due["fired"].as_array().unwrap().len(), 2);
    let back = set(json!({"mode": "frozen", "now": "2025-01-01T00:00:00+08:00"}));
    assert_eq!((&back["now"], &back["fired"]), (&json!("2025-01-01T00:00:00+08:00"), &json!([])));
    assert_eq!(set(json!({"mode": "scaled:60"}))["mode"], "scaled:60");
    assert_eq!(set(json!({"mode": "real"}))["mode"], "real");
    let before = done(&server, "PUT /clock", json!({"mode": "frozen", "now": "2026-01-01T09:00:00+08:00"}));
    for (body, said) in [
        (json!({"mode": "frozen"}), "needs a time"),
        (json!({"mode": "slow"}), "slow"),
        (json!({"mode": "scaled:-1"}), "scaled"),
        (json!({"mode": "frozen", "now": "noon"}), "noon"),
        (json!({"now": "2026-01-01T09:00:00+08:00"}), "mode is missing"),
    ] {
        let error = refused(&server, "PUT /clock", body, 400, "bad_request");
        assert!(error.contains(said), "{error}");
    }
    for by in ["", "1", "-1h", "1 h", "1w", "999999999999d"] {
        let error = refused(&server, "POST /clock/advance", json!({"by": by}), 400, "bad_request");
        assert!(error.contains("24h") || error.contains("100 years"), "{error}");
    }
    assert_eq!(get(&server, "/clock")["now"], before["now"]);
}

#[test]
fn time_is_everybodys() {
    let server = Mock::builder().build().serve().unwrap();
    for call in ["PUT /clock", "POST /clock/advance"] {
        let body = json!({"mode": "real", "by": "1s", "mch_id": MCH_ID});
        let (status, answer) = ask(&server, call, body);
        assert_eq!(status, 400, "{answer}");
    }
}
