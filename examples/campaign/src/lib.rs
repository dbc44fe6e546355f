//! A program that pays a list of red packets: each once, each to its end, across crashes, restarts and workers.
//!
//! The core's [`Campaign`](wechatpay_proto::payout::Campaign) decides; this crate brings what the core does not have: a
//! store, clocks, transports, and a command line. `README.md` says how to use it.

mod audit;
mod book;
pub mod cli;
mod clock;
mod failure;
mod intake;
mod report;
mod run;
mod spelling;
pub mod store;
mod watch;
