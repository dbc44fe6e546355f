//! The transport against servers on this machine. Every server counts what it got: one request, or none.

mod authority;
mod environment;
mod identity;
mod plain;
mod server;
mod tls;
