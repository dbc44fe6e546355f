//! The transport against servers on this machine.

mod cancellation;
mod conformance;
mod connections;
mod environment;
mod failover;
mod proxy;
mod shutdown;
#[cfg(feature = "tracing")]
mod tracing;
mod world;
