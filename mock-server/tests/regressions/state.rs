//! Worlds as JSON: what a file may say, and what it may not.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_mock_server::{
    Arrival, Clock, Fault, FaultRule, MerchantMode, MerchantSpec, Mock, Rules, State, Status, Time,
};

use crate::common::{Form, MCH_ID, call, shop};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn changed(state: &State, change: impl FnOnce(&mut Value)) -> Result<State, String> {
    let mut json = serde_json::from_str(&state.to_json()).unwrap();
    change(&mut json);
    State::from_json(json.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// Nobody's number is given twice, and none is too large to go on from.
#[test]
fn numbers_of_requests_in_a_state_leave_room_for_more() {
    let (mock, merchant) = shop();
    mock.arm(FaultRule::new(Fault::late_arrival(SECOND)).times(1)).unwrap();
    let send = |billno: &str| Form::send(&merchant, billno).request();
    let arrival = Arrival::with(crate::common::in_force(MCH_ID));
    mock.handle(&send("1"), &arrival);
    let state = mock.state();
    let early = changed(&state, |json| json["requests"] = json!(0)).unwrap();
    let fresh = Mock::builder().build();
    fresh.restore(early).unwrap();
    assert_eq!(fresh.handle(&send("2"), &arrival).id.0, 2);
    for (place, value) in [("/requests", json!(u64::MAX)), ("/late/0/id", json!(format!("req_{}", u64::MAX)))]
    {
        let last = changed(&state, |json| *json.pointer_mut(place).unwrap() = value).unwrap();
        assert!(mock.restore(last).unwrap_err().to_string().contains("too large"), "{place}");
    }
    let twice = changed(&state, |json| {
        let late = json["late"][0].clone();
        json["late"].as_array_mut().unwrap().push(late);
    });
    assert!(
        mock.restore(twice.unwrap()).unwrap_err().to_string().contains("late[1]: req_000001 is there twice")
    );
}

/// What a file says must be able to have come about.
#[test]
fn a_packet_that_could_never_have_been_is_refused() {
    let (mock, merchant) = shop();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    let good = mock.state();
    let at = json!(mock.now());
    let entry = |status: &str| json!({"at": at, "status": status});
    let sent = |next: &str| json!([entry("SENDING"), entry("SENT"), entry(next)]);
    let claim = json!({"openid": "o", "at": at});
    for (name, value, told) in [
        ("mch_id", json!("1"), "mch_id: 1 is no merchant of this world"),
        ("payer", json!("2"), "payer: 2 is no merchant of this world"),
        ("history", sent("SENT"), "history: SENT cannot follow SENT"),
        ("history", sent("FAILED"), "history: FAILED cannot follow SENT"),
        ("history", json!([entry("SENDING"), entry("REFUND")]), "history: REFUND cannot follow SENDING"),
        ("history", sent("RECEIVED"), "shares: a packet that is RECEIVED has no share left"),
        (
            "shares",
            json!([{"amount": 1000, "claim": claim}]),
            "shares: of a packet that is SENT a share is left",
        ),
        (
            "shares",
            json!([{"amount": 1}, {"amount": 999}]),
            "shares: only a packet for a group has more than one",
        ),
        (
            "hold",
            json!({"until": "never", "fails": false, "processing": false}),
            "hold: only a packet that is SENDING",
        ),
    ] {
        let state = changed(&good, |json| json["red_packets"][0][name] = value).unwrap();
        let message = mock.restore(state).unwrap_err().to_string();
        assert!(message.starts_with("red_packets[0]: ") && message.contains(told), "{message}");
        assert_eq!(mock.state(), good);
    }
    // An order that was never paid has nothing to be claimed, and one that is over does not move.
    for (status, name, value, told) in [
        (
            "SENDING",
            "shares",
            json!([{"amount": 1000, "claim": claim}]),
            "nobody has a share of a packet that is SENDING",
        ),
        ("FAILED", "due", at.clone(), "due: a packet that is FAILED moves no more"),
        ("FAILED", "taken", at.clone(), "taken: of a packet that is FAILED all came back"),
        (
            "SENDING",
            "taken",
            at.clone(),
            "taken: of a packet that is SENDING nothing is taken unless it is held",
        ),
    ] {
        let state = changed(&good, |json| {
            json["red_packets"][0]["history"] = if status == "SENDING" {
                json!([entry("SENDING")])
            } else {
                json!([entry("SENDING"), entry(status)])
            };
            json["red_packets"][0]["due"] = Value::Null;
            json["red_packets"][0][name] = value;
        });
        let message = mock.restore(state.unwrap()).unwrap_err().to_string();
        assert!(message.contains(told), "{message}");
    }
}

/// A packet in a file that was written by hand comes back by itself like any other.
#[test]
fn a_packet_without_a_due_time_moves_by_the_rules() {
    let (mock, merchant) = shop();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    let due = mock.next_due();
    let state =
        changed(&mock.state(), |json| drop(json["red_packets"][0].as_object_mut().unwrap().remove("due")));
    mock.restore(state.unwrap()).unwrap();
    assert_eq!(mock.next_due(), due);
    mock.advance(2 * DAY);
    assert_eq!(merchant.red_packet("1").unwrap().status, Status::Refund);
}

/// A world can be put back that was told to be so.
#[test]
fn every_world_can_be_put_back() {
    // A service provider under another, whose own sub-merchant has the lower number.
    let mock = Mock::builder().rules(Rules { claim_window: Duration::MAX, ..Rules::default() }).build();
    for (mch_id, mode, under) in [
        ("3", MerchantMode::Partner, None),
        ("2", MerchantMode::Partner, Some("3")),
        ("1", MerchantMode::Merchant, Some("2")),
    ] {
        let mut spec = MerchantSpec::default();
        spec.mch_id = Some(mch_id.to_owned());
        spec.mode = mode;
        spec.under = under.map(str::to_owned);
        mock.add_merchant(spec).unwrap();
    }
    mock.restore(mock.state()).unwrap();
    // The ends of time, and years that need a sign.
    for time in ["9999-12-30T22:00:00Z", "-009999-01-02T04:00:00+00:00", "0001-01-01T00:00:00.5Z"] {
        let time = Time::parse(time).unwrap();
        mock.set_clock(Clock::Frozen(time));
        mock.advance(100 * 366 * DAY);
        let now = mock.now();
        assert_eq!(Time::parse(&now.to_string()), Ok(now));
        mock.restore(State::from_json(mock.state().to_json().as_bytes()).unwrap()).unwrap();
        assert_eq!(mock.now(), now);
    }
}

/// A file may say that a rule struck more often than a number can hold.
#[test]
fn counts_of_a_rule_in_a_state_do_not_run_over() {
    let (mock, merchant) = shop();
    mock.arm(Fault::latency(Duration::ZERO).into()).unwrap();
    call(&merchant, &Form::query(&merchant, "1"));
    let state = changed(&mock.state(), |json| {
        let counts = &mut json["faults"]["armed"][0]["counts"];
        counts["1"] = json!({"matches": u64::MAX, "hits": u64::MAX});
    });
    mock.restore(state.unwrap()).unwrap();
    assert_eq!((mock.faults()[0].matches, mock.faults()[0].hits), (u64::MAX, u64::MAX));
}
