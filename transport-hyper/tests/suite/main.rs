//! The transport against servers on this machine.

mod cancellation;
mod conformance;
mod connections;
mod failover;
mod proxy;
mod shutdown;
mod world;
