//! What the transports for `wechatpay-proto` have in common, whoever carries the bytes: who we are ([`Identity`]), whom we
//! believe ([`Roots`]), how long things may take ([`Timeouts`]), what can go wrong ([`TransportError`]), and which host
//! comes next.
//!
//! `wechatpay-transport-ureq` (blocking) and `wechatpay-transport-hyper` (asynchronous) are built on it and show all of
//! it again. A transport for another runtime can be built on it too: [`Settings::prepare`] gives a [`Prepared`], whose
//! [`begin`](Prepared::begin) judges each request and whose TLS settings are ready for rustls.
//!
//! # Features
//!
//! All are off by default.
//!
//! * `p12`: the identity from `apiclient_cert.p12`, `Identity::from_p12_file`.
//! * `platform-verifier`: `Roots::Platform`, what the operating system trusts.
//! * `tracing`: one event for each call, DEBUG for an answer and WARN without one: method, host, path, status, sizes,
//!   time, and the request id. No query, no header, no body, and nothing of a key.

mod alert;
mod call;
mod clock;
mod error;
mod identity;
mod prepared;
mod proxy;
mod random;
mod records;
mod roots;
mod settings;
mod timeouts;
mod tls;
mod trace;

pub use call::{Call, has_one_end};
pub use error::{BuildError, Cause, Step, TransportError};
#[cfg(feature = "p12")]
pub use identity::P12Error;
pub use identity::{Identity, IdentityError, PemError};
pub use prepared::{Lane, Prepared};
pub use proxy::Proxy;
pub use random::os_random;
pub use records::Records;
pub use roots::{CustomRoots, Roots, RootsError};
pub use settings::Settings;
pub use timeouts::Timeouts;

/// The longest response body that is read where nothing else was set, in bytes: 64 KiB, which is what the core reads.
/// XML answers have a few hundred.
pub const BODY_LIMIT: usize = wechatpay_proto::wire::MAX_BODY;

/// The longest head of a response, in bytes: 64 KiB. A longer one is an error.
pub const HEAD_LIMIT: usize = 64 * 1024;

/// A host as it stands in a URL, as it is asked for by name: without the brackets of an IPv6 address.
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}
