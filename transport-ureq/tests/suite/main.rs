//! The transport against servers on this machine. Every server counts what it got: one request, or none.

mod authority;
mod conformance;
mod connections;
mod environment;
mod limits;
mod plain;
mod reuse;
mod server;
mod shutdown;
mod tls;

use wechatpay_transport_ureq::{Settings, Timeouts, UreqTransport};

/// A transport with these settings.
fn with(settings: Settings) -> UreqTransport {
    UreqTransport::new(settings).unwrap()
}

/// Time limits that no test reaches, but for those that it changes.
fn timeouts(change: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let long = std::time::Duration::from_secs(600);
    let mut timeouts =
        Timeouts { connect: long, tls: long, write: long, response: long, body: long, total: long };
    change(&mut timeouts);
    timeouts
}
