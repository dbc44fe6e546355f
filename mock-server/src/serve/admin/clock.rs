//! The clock: what it shows, what will happen by itself, and how to get there.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Asked, Body, Call, Refused, Reply};
use crate::control::{Scheduled, Upcoming};
use crate::engine::{Event, Fired};
use crate::packet::OrderKey;
use crate::span;
use crate::state::ClockState;

/// The most scheduled things in one answer.
const MOST: usize = 1000;
const ANSWERS: &[&str] = &["now", "mode", "scheduled", "scheduled_total", "fired"];

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/clock",
        summary: "What the clock shows, how it goes, and what will happen by itself, in order.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: ANSWERS,
        run: |admin, _| Ok(show(admin, &[])),
    },
    Call {
        method: Method::PUT,
        path: "/clock",
        summary: "Sets the clock: mode is real, frozen or scaled:<speed>, now what it shows. What is due by then happens. \
                  Time may go back by this alone.",
        query: &[],
        body: Body::Required(r#"{"mode":"frozen","now":"2026-01-01T09:00:00+08:00"}"#),
        status: StatusCode::OK,
        answers: ANSWERS,
        run: set,
    },
    Call {
        method: Method::POST,
        path: "/clock/advance",
        summary: "Moves the clock on. What is due happens in order, each at its own time.",
        query: &[],
        body: Body::Required(r#"{"by":"24h"}"#),
        status: StatusCode::OK,
        answers: ANSWERS,
        run: advance,
    },
    Call {
        method: Method::POST,
        path: "/clock/advance-to-next",
        summary: "Moves the clock to the next thing that happens by itself.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: ANSWERS,
        run: |admin, _| Ok(show(admin, &admin.mock.advance_to_next())),
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(with = "span")]
    by: Duration,
}

fn set(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let state: ClockState = asked.read()?;
    let clock = state.clock().map_err(|error| Refused::bad(error.to_string()))?;
    let fired = admin.mock.set_clock(clock);
    Ok(show(admin, &fired))
}

fn advance(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let Advance { by } = asked.read()?;
    let fired = admin.mock.advance(by);
    Ok(show(admin, &fired))
}

fn show(admin: &Admin, fired: &[Fired]) -> Reply {
    let scheduled = admin.mock.scheduled();
    Reply::Json(json!({
        "now": admin.mock.now(),
        "mode": admin.mock.clock_mode(),
        "scheduled": scheduled.iter().take(MOST).map(upcoming).collect::<Vec<_>>(),
        "scheduled_total": scheduled.len(),
        "fired": fired.iter().map(happened).collect::<Vec<_>>(),
    }))
}

fn upcoming(next: &Scheduled) -> Value {
    let (kind, effect) = match next.what {
        Upcoming::Moves(status) => ("red_packet", json!(status)),
        Upcoming::Arrives => ("late_request", Value::Null),
    };
    json!({"at": next.at, "kind": kind, "entity": entity(&next.key), "effect": effect})
}

fn happened(fired: &Fired) -> Value {
    let (kind, effect) = match fired.event {
        Event::Moved(status) => ("red_packet", json!(status)),
        Event::Arrived { id, applied } => ("late_request", json!({"id": id, "applied": applied})),
    };
    json!({"at": fired.at, "kind": kind, "entity": entity(&fired.key), "effect": effect})
}

fn entity(key: &OrderKey) -> Value {
    json!({"mch_id": key.mch_id, "mch_billno": key.mch_billno})
}
