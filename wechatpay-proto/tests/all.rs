//! The tests of this folder in one binary, so that a mutant is linked once: `cargo test` leaves it out. `hostile` and
//! `payout` are binaries of their own.
#![allow(clippy::duplicate_mod, reason = "each file brings what it shares")]

#[path = "call.rs"]
mod call;
#[path = "call_forms.rs"]
mod call_forms;
#[path = "call_orders.rs"]
mod call_orders;
#[path = "call_replies.rs"]
mod call_replies;
#[path = "codes.rs"]
mod codes;
#[path = "contradictions.rs"]
mod contradictions;
#[path = "doors.rs"]
mod doors;
#[path = "echoes.rs"]
mod echoes;
#[path = "edges.rs"]
mod edges;
#[path = "facts.rs"]
mod facts;
#[path = "failover.rs"]
mod failover;
#[path = "jsapi.rs"]
mod jsapi;
#[path = "other_rules.rs"]
mod other_rules;
#[path = "properties.rs"]
mod properties;
#[path = "regressions.rs"]
mod regressions;
#[path = "rules.rs"]
mod rules;
#[path = "secrecy.rs"]
mod secrecy;
#[path = "sound.rs"]
mod sound;
#[path = "tables.rs"]
mod tables;
#[path = "trust.rs"]
mod trust;
#[path = "types.rs"]
mod types;
#[path = "vectors.rs"]
mod vectors;
