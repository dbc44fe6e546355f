//! Asynchronous transport for `wechatpay-proto`, on hyper 1, tokio and rustls (ring), with mutual TLS.
//!
//! **One call is one request on the wire.** Nothing is sent again, no redirect is followed, no answer is
//! decompressed; a 302 or a 500 comes back as it is. Settings come from the caller alone: nothing is read from the
//! environment.
//!
//! ```no_run
//! use std::time::{Duration, SystemTime};
//!
//! use wechatpay_proto::failover::Failover;
//! use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
//! use wechatpay_proto::{ApiKey, Client, Fen, Merchant, Outcome};
//! use wechatpay_transport_hyper::{HyperTransport, Identity, Settings, Timeouts, os_random};
//!
//! # async fn pay() -> Result<(), Box<dyn std::error::Error>> {
//! // The files of the merchant platform. What is wrong with them is said here, not at the first payment.
//! let identity = Identity::from_pem_files("apiclient_cert.pem", "apiclient_key.pem")?;
//! let settings = Settings::new()
//!     .identity(identity)
//!     .timeouts(Timeouts { total: Duration::from_secs(20), ..Timeouts::default() })
//!     .failover(Failover::default()); // later calls use api2 while api cannot be reached
//! let transport = HyperTransport::new(settings)?;
//!
//! let merchant = Merchant::direct("1900000109", ApiKey::new(std::env::var("WECHATPAY_KEY")?)?)?;
//! let client = Client::new(merchant, transport.clone(), os_random);
//!
//! // The number and all the rest belong on disk before the first byte leaves.
//! let sent = client
//!     .send(&SendRedPack {
//!         mch_billno: "10000098201411111234567890",
//!         wxappid: "wx8888888888888888",
//!         send_name: "天虹百货",
//!         re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
//!         total_amount: Fen(1_000),
//!         wishing: "祝您元宵节快乐！",
//!         client_ip: [192, 168, 0, 1].into(),
//!         act_name: "猜灯谜抢红包活动",
//!         remark: "快来抢！",
//!         options: SendRedPackOptions::default(),
//!     })
//!     .await;
//! let outcome = match &sent {
//!     Ok(reply) => reply.outcome(),
//!     Err(error) => error.outcome(), // always Unknown; its reason says whether anything was sent
//! };
//! match outcome {
//!     Outcome::Accepted => println!("taken"),
//!     Outcome::Failed => println!("not paid"),
//!     Outcome::Unknown(reason) => println!("query, or send the SAME number again: {reason:?}"),
//! }
//!
//! // Now and then, where the health of the service is reported:
//! if let Some(days) = transport.identity().and_then(|identity| identity.renewal_due(SystemTime::now())) {
//!     eprintln!("the merchant certificate ends in {days} days");
//! }
//! // At the end: lets the calls under way finish.
//! transport.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # What is guaranteed
//!
//! * `https` everywhere, plain `http` only to a loopback address, for a mock on the same machine.
//! * TLS 1.2 and 1.3. The server's certificate is always verified; there is no switch. Revocation is not checked,
//!   unless the operating system does it (`Roots::Platform`).
//! * HTTP/1.1 only.
//! * Connections that presented the merchant's certificate and connections that did not are never mixed.
//! * Every step has a time limit and so has the whole call: [`Timeouts`].
//! * A body above the limit ([`Settings::body_limit`]) is an error, and so are response headers above 64 KiB or more than
//!   100 of them.
//! * An error says by [`Fault::delivery`](wechatpay_proto::transport::Fault::delivery) whether it is proved that not a
//!   byte of the request was handed to the operating system.
//! * Nothing is spawned. The work is done by the call itself: dropping its future ends its connection, and a
//!   connection that is kept for the next call is never one that was in the middle of anything. The outcome of a call
//!   that was dropped is unknown.
//! * A connection serves the next call only if the peer has been silent since the last one: the operating system is asked
//!   whether it closed the connection or sent anything on it, and no part of a TLS record waits. If it was not, another
//!   is opened, and nothing was sent on the old one. So a second answer that has arrived is never taken for the answer to
//!   the next request. (One that is still on its way when that request is written cannot be told from its answer, in
//!   HTTP/1.1; the core compares the order that an answer names.)
//! * As many calls at a time as [`Settings::idle_connections`] open no more connections to one host than there are calls,
//!   as long as the server keeps the connections open.
//! * `Host`, `Content-Length`, `Transfer-Encoding` and `Expect` of a request are replaced: its URL says where it goes, and its
//!   body how long it is.
//!
//! Names are resolved by the operating system, on a thread of tokio's. A call whose time is up does not wait for that
//! thread; the thread ends when the operating system is done.
//!
//! A connection is kept for at most 15 seconds. One that nobody uses again is closed at the next call, by
//! [`shutdown`](HyperTransport::shutdown), or with the transport. An answer without a body ends its connection, because
//! whether there is really none cannot be seen.
//!
//! The end of a response that has neither a length nor chunks, over plain `http`, is the end of the connection: a
//! truncated body can look whole there, and the reader of the XML has to notice. Over TLS it needs a closing message.
//!
//! # Runtime
//!
//! A tokio runtime with time and I/O enabled (without them tokio panics), of one thread or of many; outside of any runtime
//! a call is an error. A transport may be used on several runtimes; each has connections of its own.
//!
//! # Features
//!
//! All are off by default: `p12`, `platform-verifier` and `tracing`, as in `wechatpay-transport`.

mod connect;
mod exchange;
mod gate;
mod limits;
mod pool;
mod socket;
mod worker;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::time::timeout;
use wechatpay_proto::transport::Transport;
use wechatpay_transport::{Prepared, has_one_end};

#[cfg(feature = "p12")]
pub use wechatpay_transport::P12Error;
pub use wechatpay_transport::{
    BODY_LIMIT, BuildError, Cause, CustomRoots, Identity, IdentityError, PemError, Roots, RootsError,
    Settings, Step, Timeouts, TransportError, os_random,
};

use connect::{Target, connect};
use exchange::{exchange, start};
use gate::Gate;
use limits::Limits;
use pool::{Connection, Pool};

/// The transport. Cloning is cheap, and clones share their idle connections.
#[derive(Clone)]
pub struct HyperTransport(Arc<Shared>);

struct Shared {
    prepared: Prepared,
    pool: Pool,
    gate: Gate,
}

impl HyperTransport {
    /// Checks the settings. Opens no connection and needs no runtime yet.
    pub fn new(settings: Settings) -> Result<Self, BuildError> {
        let prepared = settings.prepare()?;
        let pool = Pool::new(prepared.idle_connections(), prepared.idle_time());
        Ok(Self(Arc::new(Shared { prepared, pool, gate: Gate::default() })))
    }

    /// The merchant's certificate, for example to ask it for [`Identity::renewal_due`].
    pub fn identity(&self) -> Option<&Identity> {
        self.0.prepared.identity()
    }

    /// Takes no more calls, here and in all clones: later ones fail with [`TransportError::ShutDown`], and nothing is
    /// sent. Waits until the calls under way have ended, [`Timeouts::total`] at most, in which all of them end that
    /// somebody polls. Then closes the idle connections, with a closing message where they belong to this runtime.
    pub async fn shutdown(&self) {
        let Shared { prepared, pool, gate } = &*self.0;
        gate.close();
        if Handle::try_current().is_ok() {
            let _ = timeout(prepared.timeouts().total, gate.empty()).await;
            pool.close(prepared.timeouts().tls).await;
        }
        pool.clear();
    }
}

impl Transport for HyperTransport {
    type Error = TransportError;

    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, TransportError>> + Send {
        self.0.send(request)
    }
}

impl Shared {
    async fn send(&self, mut request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let call = self.prepared.begin(&mut request)?;
        let outcome = self.carry(Target::new(request.uri(), call.lane()), request).await;
        call.end(outcome)
    }

    async fn carry(
        &self,
        target: Target,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let _pass = self.gate.enter()?;
        if Handle::try_current().is_err() {
            return Err(TransportError::Connect(Cause::new("not called within a tokio runtime")));
        }
        let limits = Limits::begin(self.prepared.timeouts());
        let mut connection = self.connection(&target, &limits).await?;
        let response = exchange(&mut connection, request, self.prepared.body_limit(), &limits).await?;
        // Of an answer without a body, whether there is really none cannot be known here.
        if has_one_end(response.headers()) && !response.body().is_empty() {
            self.pool.keep(target, connection).await;
        }
        Ok(response)
    }

    async fn connection(&self, target: &Target, limits: &Limits) -> Result<Connection, TransportError> {
        if let Some(connection) = self.pool.take(target).await {
            return Ok(connection);
        }
        let (stream, socket) = connect(&self.prepared, target, limits).await?;
        start(stream, socket).await
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HyperTransport").field(&self.0.prepared).finish()
    }
}
