//! Blocking transport for `wechatpay-proto`, on ureq 3 and rustls (ring), with mutual TLS.
//!
//! **One call is one request on the wire.** Nothing is sent again, no redirect is followed, no answer is
//! decompressed; a 302 or a 500 comes back as it is. Settings come from the caller alone: proxy variables of the
//! environment are ignored.
//!
//! ```no_run
//! use std::time::{Duration, SystemTime};
//!
//! use wechatpay_proto::failover::Failover;
//! use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
//! use wechatpay_proto::{ApiKey, Client, Fen, Merchant, Outcome};
//! use wechatpay_transport_ureq::{Identity, Settings, Timeouts, UreqTransport, os_random};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The two files of the merchant platform, and the key of APIv2.
//! let identity = Identity::from_pem_files("apiclient_cert.pem", "apiclient_key.pem")?;
//! let merchant = Merchant::direct("1900000109", ApiKey::new(std::env::var("WECHATPAY_KEY")?)?)?;
//!
//! let settings = Settings::new()
//!     .identity(identity)
//!     .timeouts(Timeouts { total: Duration::from_secs(10), ..Timeouts::default() })
//!     .failover(Failover::default()); // to api2.mch.weixin.qq.com, between calls only
//! let transport = UreqTransport::new(settings)?;
//! let client = Client::new(merchant, transport.clone(), os_random);
//!
//! // Before the first byte leaves, the packet and its mch_billno belong on disk.
//! let packet = SendRedPack {
//!     mch_billno: "1900000109202611210000000001",
//!     wxappid: "wx8888888888888888",
//!     send_name: "天虹百货",
//!     re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
//!     total_amount: Fen(1_000), // 10.00 yuan
//!     wishing: "祝您元宵节快乐！",
//!     client_ip: [192, 168, 0, 1].into(),
//!     act_name: "猜灯谜抢红包活动",
//!     remark: "快来抢！",
//!     options: SendRedPackOptions::default(),
//! };
//! let sent = client.send_blocking(&packet);
//! let outcome = match &sent {
//!     Ok(reply) => reply.outcome(),
//!     Err(error) => error.outcome(),
//! };
//! match outcome {
//!     Outcome::Accepted => println!("WeChat Pay took it"),
//!     Outcome::Failed => println!("not paid: query once to be sure"),
//!     Outcome::Unknown(reason) => println!("query, or send again with the SAME mch_billno: {reason:?}"),
//! }
//!
//! // Now and then, for example where the health of the service is reported:
//! if let Some(days) = transport.identity().and_then(|identity| identity.renewal_due(SystemTime::now())) {
//!     eprintln!("the merchant certificate ends in {days} days");
//! }
//!
//! // At the end: calls in flight finish, later ones get `TransportError::ShutDown`.
//! transport.shutdown();
//! # Ok(()) }
//! ```
//!
//! # What is guaranteed
//!
//! * `https` everywhere, plain `http` only to a loopback address, for a mock on the same machine. HTTP/1.1 only.
//! * TLS 1.2 and 1.3. The server's certificate is always verified; there is no switch. Revocation is not checked.
//! * Connections that presented the merchant's certificate and connections that did not are never mixed.
//! * Every step has a time limit and so has the whole call: [`Timeouts`]. [`TransportError::Timeout`] names the step.
//! * [`Delivery::NotSent`](wechatpay_proto::transport::Delivery) is claimed only where the operating system took no
//!   byte of the request, as seen at the socket. A time limit that ends while the request is written, and everything
//!   after it, is `MaybeSent`.
//! * A body above the limit of the settings is an error, and so are response headers above 64 KiB.
//! * Over TLS a response whose end is the end of the connection needs TLS's goodbye (`close_notify`). Over plain
//!   `http` there is none: a truncated body without length can look whole there, and the reader of the XML notices.
//! * A connection serves the next call only if the peer has been silent since the last one: no byte waits in ureq, in
//!   rustls or in the socket, not even the beginning of a TLS record. So a second answer that has arrived is never
//!   taken for the answer to the next request. (One that is still on its way when that request is written cannot be
//!   told from its answer, in HTTP/1.1; the core compares the order that an answer names.)
//! * Threads that each make one call after the other, all with the merchant's certificate or all without, open no more
//!   connections to one host than there are threads, as long as those are at most as many as
//!   [`idle_connections`](Settings::idle_connections) and the server keeps the connections open.
//! * Names are resolved only for a new connection, by the operating system, on a thread that is left behind if it takes
//!   longer than its limit.
//! * `Host`, `Content-Length`, `Transfer-Encoding` and `Expect` of a request are replaced: its URL says where it goes, and its
//!   body how long it is.
//!
//! This crate builds ureq without features. Another crate in the same program can switch them on for all: with ureq's
//! `gzip` or `brotli` an answer that says it is compressed would be unpacked (the limit counts what comes out), with
//! `cookies` a cookie would be kept. `cargo tree -e features -i ureq` shows it.
//!
//! # Connections
//!
//! A connection is kept for at most 15 seconds. It is closed when a later call passes by, or with
//! [`UreqTransport::shutdown`], or with the last clone of the transport; no thread watches it meanwhile. An answer without
//! a body ends its connection, because whether there is really none cannot be seen.
//!
//! # Logging
//!
//! This crate logs nothing by itself; with the feature `tracing` there is one event for each call. ureq writes to the
//! `log` facade, and cannot be told not to:
//!
//! * at level debug: the method, scheme, host and port, the status, and of the headers `Host`, `User-Agent`,
//!   `Content-Type`, `Content-Length`, `Date`, `Server` and the like, the others only counted; no path, no body;
//! * **at level trace: path and query, the whole head of the request with every header, and the whole response, head and
//!   body, byte by byte** (target `ureq_proto`). Only the body of the request is never written.
//!
//! Answers name people and amounts. In production keep `log` above trace for the targets `ureq` and `ureq_proto`, or for
//! all: by the filter of the logger, or for good by the feature `release_max_level_debug` of the crate `log`.
//!
//! # Features
//!
//! All are off by default.
//!
//! * `p12`: the identity from `apiclient_cert.p12`.
//! * `platform-verifier`: `Roots::Platform`, what the operating system trusts.
//! * `tracing`: one event for each call; no bodies, no keys.

mod agent;
mod connect;
mod connection;
mod gate;
mod progress;
mod resolve;
mod socket;
mod tls;
mod tunnel;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use wechatpay_proto::transport::BlockingTransport;
use wechatpay_transport::{Lane, Prepared};

use crate::agent::Agents;
use crate::gate::Gate;
use crate::progress::Watch;

#[cfg(feature = "p12")]
pub use wechatpay_transport::P12Error;
pub use wechatpay_transport::{
    BODY_LIMIT, BuildError, Cause, CustomRoots, Identity, IdentityError, PemError, Roots, RootsError,
    Settings, Step, Timeouts, TransportError, os_random,
};

/// The transport. Cloning is cheap, and clones share their idle connections.
#[derive(Clone)]
pub struct UreqTransport(Arc<Inner>);

struct Inner {
    prepared: Arc<Prepared>,
    agents: Agents,
    gate: Gate,
}

impl UreqTransport {
    /// Checks the settings and sets up TLS. Opens no connection.
    pub fn new(settings: Settings) -> Result<Self, BuildError> {
        let prepared = Arc::new(settings.prepare()?);
        let agents = Agents::new(&prepared);
        Ok(Self(Arc::new(Inner { prepared, agents, gate: Gate::default() })))
    }

    /// The merchant's certificate, for example to ask it for [`Identity::renewal_due`].
    pub fn identity(&self) -> Option<&Identity> {
        self.0.prepared.identity()
    }

    /// Ends this transport and all its clones. Calls that begin from now on get [`TransportError::ShutDown`]; those in
    /// flight go on, and this waits for them, which takes at most [`Timeouts::total`]. Then the idle connections are
    /// closed. Not to be called from inside a call, for example by a logger: it would wait for itself.
    pub fn shutdown(&self) {
        self.0.gate.close();
        self.0.agents.close();
    }
}

impl BlockingTransport for UreqTransport {
    type Error = TransportError;

    fn send_blocking(
        &self,
        mut request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let call = self.0.prepared.begin(&mut request)?;
        let outcome = self.0.exchange(call.lane(), request);
        call.end(outcome)
    }
}

impl Inner {
    fn exchange(
        &self,
        lane: Lane,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let _pass = self.gate.enter()?;
        let _watch = Watch::begin(self.prepared.timeouts());
        let limit = self.prepared.body_limit();
        let response = agent::exchange(self.agents.of(lane), request, limit).map_err(progress::failure)?;
        if response.body().len() > limit {
            return Err(TransportError::BodyTooLarge { limit });
        }
        Ok(response)
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UreqTransport").field(&self.0.prepared).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_cross_threads() {
        fn check<T: Clone + Send + Sync + 'static>() {}
        check::<UreqTransport>();
    }
}
