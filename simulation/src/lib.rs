//! Worlds in virtual time: the real campaign, with real signing and real XML, against the real engine of the mock, over a
//! network that loses, delays, doubles and falsifies, on disks that fail, in processes that die, by clocks that jump.
//!
//! One seed is one world, and replays to the byte. After every event the invariants are asserted ([`Invariant`]); when all
//! is well again every payment must come to an end, and that end must be the ledger's.
//!
//! What is asserted of sendings, precisely: a process never has two requests of one number under way, and never sends more
//! in a second than it may; no number is sent that has not as many attempts on disk; and two sendings of one number by
//! workers that had its lease when they sent are a second apart. A worker whose lease ended while it stood between its
//! write and its send cannot know of others: such a *stray* sending is counted, and may come within the second. It carries
//! the same number and the same parameters, so it cannot pay twice.
//!
//! A service that lies in good form is no part of these worlds: no client could survive it.

mod answer;
mod books;
mod chance;
mod conduct;
mod disk;
mod fault;
mod network;
mod plan;
mod report;
mod run;
mod service;
mod told;
mod world;

pub use answer::Shape;
pub use chance::Chance;
pub use conduct::{Conduct, Heard, Right, Verdict};
pub use fault::{Fault, Faults};
pub use network::{Back, Carried, Odds, Taken, Treatment};
pub use plan::{Moment, Plan, Want};
pub use report::{Counts, Ends, Invariant, Report, Sent, Violation};
pub use run::{Total, seeds_for, world, worlds};
pub use world::{PlanError, World};
