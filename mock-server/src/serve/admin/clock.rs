//! The clock: what it shows, what will happen by itself, and how to get there.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Answer, Asked, Body, Call, Field, Kind, Refused, Reply, may, must};
use crate::control::{Scheduled, Upcoming};
use crate::engine::{Event, Fired};
use crate::packet::OrderKey;
use crate::span;
use crate::state::ClockState;

/// The most scheduled things in one answer.
const MOST: usize = 1000;
const ENTITY: &[Field] = &[
    must("mch_id", Kind::Text, "of this merchant"),
    must("mch_billno", Kind::Text, "the number of the order"),
];
const HAPPENING: &[Field] = &[
    must("at", Kind::Text, "when, in RFC 3339"),
    must("kind", Kind::OneOf(&["red_packet", "late_request"]), "what moves"),
    must("entity", Kind::Object(ENTITY), "which"),
    must("effect", Kind::Any, "the status that a packet gets, or what became of a request"),
];
const ANSWER: &[Field] = &[
    must("now", Kind::Text, "what the clock shows, in RFC 3339"),
    must("mode", Kind::Text, "real, frozen or scaled:<speed>"),
    must(
        "scheduled",
        Kind::List(&Kind::Object(HAPPENING)),
        "what will happen by itself, in order; 1000 at most",
    ),
    must("scheduled_total", Kind::Number, "how much that is in all"),
    must("fired", Kind::List(&Kind::Object(HAPPENING)), "what happened by this call, in order"),
];
const CLOCK: &[Field] = &[
    must("mode", Kind::Text, "real, frozen or scaled:<speed>"),
    may("now", Kind::Text, "what it shows, in RFC 3339; a frozen clock needs it").or_null(),
];
const ADVANCE: &[Field] = &[must("by", Kind::Text, "such as 500ms, 2s, 15m, 24h or 30d")];

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/clock",
        summary: "What the clock shows, how it goes, and what will happen by itself, in order.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(ANSWER),
        run: |admin, _| Ok(show(admin, &[])),
    },
    Call {
        method: Method::PUT,
        path: "/clock",
        summary: "Sets the clock: mode is real, frozen or scaled:<speed>, now what it shows. What is due by then happens. \
                  Time may go back by this alone.",
        query: &[],
        body: Body::Required(CLOCK, r#"{"mode":"frozen","now":"2026-01-01T09:00:00+08:00"}"#),
        status: StatusCode::OK,
        answer: Answer::Json(ANSWER),
        run: set,
    },
    Call {
        method: Method::POST,
        path: "/clock/advance",
        summary: "Moves the clock on. What is due happens in order, each at its own time.",
        query: &[],
        body: Body::Required(ADVANCE, r#"{"by":"24h"}"#),
        status: StatusCode::OK,
        answer: Answer::Json(ANSWER),
        run: advance,
    },
    Call {
        method: Method::POST,
        path: "/clock/advance-to-next",
        summary: "Moves the clock to the next thing that happens by itself.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(ANSWER),
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
