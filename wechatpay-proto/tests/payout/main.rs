//! The machine that leads a payout to its end, and the campaign of many: never twice, never lost.

#[path = "../common/mod.rs"]
mod common;

mod campaign;
mod clocks;
mod crowd;
mod exhaustive;
mod extremes;
mod goal;
mod intents;
mod merge;
mod order;
mod policy;
mod rate;
mod reading;
mod records;
mod schedule;
mod secrets;
mod trouble;
mod world;
