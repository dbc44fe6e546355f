//! A suite for transports: those of this project, and those that you write yourself, on any HTTP stack and any
//! runtime.
//!
//! A transport that loses money does not look like it: it follows a redirect, sends again on a connection that died,
//! or claims that nothing was sent when something was. This suite looks for that. In your `Cargo.toml`:
//!
//! ```toml
//! [dev-dependencies]
//! wechatpay-mock-server = { version = "0.1", features = ["conformance"] }
//! ```
//!
//! [`payments`] pays with any transport that leads to a [`Mock`], also without a socket. [`wire`] is for
//! transports that open sockets: each of its cases starts a server of its own on a loopback port, which misbehaves in
//! one way, and looks at two things: **what the call came to** (this answer, or an error with the right
//! [`Delivery`](wechatpay_proto::transport::Delivery)) and **how many requests and connections the server saw**.
//!
//! ```no_run
//! # use std::error::Error;
//! # use bytes::Bytes;
//! use wechatpay_mock_server::conformance::{self, Setup};
//! use wechatpay_proto::transport::BlockingTransport;
//!
//! # struct MyTransport;
//! # impl MyTransport {
//! #     fn new(_: &str, _: Option<(&str, &str)>) -> Self { Self }
//! #     fn limits(self, _: conformance::Limits) -> Self { self }
//! #     fn body_limit(self, _: usize) -> Self { self }
//! #     fn resolve(self, _: &[(String, std::net::SocketAddr)]) -> Self { self }
//! # }
//! # impl BlockingTransport for MyTransport {
//! #     type Error = std::io::Error;
//! #     fn send_blocking(&self, _: http::Request<Bytes>) -> std::io::Result<http::Response<Bytes>> {
//! #         Ok(http::Response::new(Bytes::new()))
//! #     }
//! # }
//! // In a test of yours:
//! let report = conformance::wire(|setup: &Setup| {
//!     let identity = setup.identity.as_ref().map(|own| (&*own.certificate_pem, &*own.key_pem));
//!     MyTransport::new(&setup.ca_pem, identity)
//!         .limits(setup.limits)
//!         .body_limit(setup.body_limit)
//!         .resolve(&setup.addresses)
//! });
//! println!("{report}");
//! ```
//!
//! [`Setup::identity`] is `None` in some cases, and some servers speak TLS 1.2 alone and others TLS 1.3 alone: the
//! transport must speak both.
//!
//! # An asynchronous transport
//!
//! becomes a blocking one in a closure, since closures are transports. The closure owns the runtime, which so lives as
//! long as the transport. It should turn on while no call is made, as a connection that dies meanwhile is noticed by
//! somebody only then: so give it threads of its own. And enable its timers and sockets:
//!
//! ```no_run
//! # use wechatpay_mock_server::{InProcess, Mock};
//! # fn my_transport(_: &Setup) -> InProcess {
//! #     Mock::builder().build().merchant().create().unwrap().transport()
//! # }
//! use bytes::Bytes;
//! use tokio::runtime::Builder;
//! use wechatpay_mock_server::conformance::{self, Setup};
//! use wechatpay_proto::transport::{BlockingTransport, Transport};
//!
//! fn blocking<T: Transport>(transport: T) -> impl BlockingTransport {
//!     let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
//!     move |request: http::Request<Bytes>| runtime.block_on(transport.send(request))
//! }
//!
//! let report = conformance::wire(|setup: &Setup| blocking(my_transport(setup)));
//! println!("{report}");
//! ```
//!
//! [`payments`] takes such a closure, too.
//!
//! # What is not decided by the clock
//!
//! No case asks how long something took. Where a limit is to be reached, it is set to a fraction of a second or a
//! little more, and all others are too long to be reached; a call that has not returned after 30 seconds failed,
//! whereupon its server is ended. A call that still does not return then cannot be ended from outside: after another
//! 30 seconds the process is aborted, with the case's name and all that failed before it on standard error.
//!
//! So a run of [`wire`] takes some 15 to 30 seconds, most of which it waits for limits to be reached. Each case that
//! hangs adds 30 seconds, and each in which the client does not leave, or does not send what it should, up to 10.
//!
//! # What is not looked at
//!
//! Proxies and the variables that name them, names that are not found, the limit `connect` by itself, revocation, how
//! many packets a request takes, what is logged, how much memory is used, and futures that are dropped in flight.

mod answers;
mod authority;
mod case;
mod connection;
mod ends;
mod framing;
mod handshake;
mod identity;
mod payments;
mod report;
mod requests;
mod run;
mod script;
mod server;
mod setup;
mod wire;

use wechatpay_proto::transport::{BaseUrl, BlockingTransport};

pub use report::Report;
pub use setup::{ClientIdentity, Limits, Setup};
pub use wire::Wire;

use crate::merchant::MockMerchant;
use crate::mock::Mock;

/// Pays with a transport that leads to `mock`, and panics with everything that failed.
///
/// `merchant` is one of the mock's, without a service provider, and with the default rules; it gets the money that is
/// needed. Nobody else may call the mock meanwhile: requests are counted, and its clock is moved on. `base` is where
/// the transport finds the mock; over plain `http`, where no certificate can be shown, only a refusal and a page are
/// looked at, and the [`Report`] says what was skipped.
///
/// # Panics
///
/// Where a case fails.
#[track_caller]
pub fn payments<T>(mock: &Mock, merchant: &MockMerchant, base: &BaseUrl, transport: &T) -> Report
where
    T: BlockingTransport + Sync,
{
    payments::Bench::new(mock, merchant, base, transport).run()
}

/// Runs all cases for transports that open sockets, each with a transport of its own that `build` makes as its
/// [`Setup`] says, and panics with everything that failed. [`Wire`] runs a part of them.
///
/// # Panics
///
/// Where a case fails, and where this machine does not let the suite listen on a loopback port.
#[track_caller]
pub fn wire<T: BlockingTransport>(build: impl Fn(&Setup) -> T) -> Report {
    Wire::new().run(build)
}
