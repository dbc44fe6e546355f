//! Blocking transport for `wechatpay-proto`, on ureq 3 and rustls (ring), with mutual TLS.
//!
//! **One call is one request on the wire.** Nothing is sent again, no redirect is followed, no answer is
//! decompressed; a 302 or a 500 comes back as it is. Settings come from the caller alone: proxy variables of the
//! environment are ignored.
//!
//! ```no_run
//! use std::time::SystemTime;
//!
//! use wechatpay_proto::transport::{BaseUrl, BlockingTransport, ClientCertificate};
//! use wechatpay_transport_ureq::{Identity, UreqTransport};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let identity =
//!     Identity::from_pem(&std::fs::read("apiclient_cert.pem")?, &std::fs::read("apiclient_key.pem")?)?;
//! if identity.days_left(SystemTime::now()) < 30 {
//!     eprintln!("renew the merchant certificate of {:?}", identity.common_name());
//! }
//! let transport = UreqTransport::builder().identity(identity).build()?;
//!
//! // Requests usually come from the core, signed and marked.
//! let request = http::Request::post(BaseUrl::default().join("/mmpaymkttransfers/sendredpack")?)
//!     .extension(ClientCertificate)
//!     .body("<xml>…</xml>".into())?;
//! match transport.send_blocking(request) {
//!     Ok(response) => println!("{} with {} bytes", response.status(), response.body().len()),
//!     Err(error) if error.is_not_sent() => println!("nothing was sent: {error}"),
//!     Err(error) => println!("the outcome is unknown: {error}"),
//! }
//! # Ok(()) }
//! ```
//!
//! # What is guaranteed
//!
//! * `https` everywhere, plain `http` only to a loopback address, for a mock on the same machine.
//! * TLS 1.2 and 1.3. The server's certificate is always verified; there is no switch. Revocation is not checked.
//! * Connections that presented the merchant's certificate and connections that did not are never mixed.
//! * Every step has a time limit and so has the whole call: [`Timeouts`].
//! * A body above [`BODY_LIMIT`] bytes is an error, and so are response headers above 64 KiB.
//! * Nothing here logs. ureq itself writes method, URL and headers, never a body, to the `log` facade at debug
//!   level.
//!
//! A connection is kept for the next request for at most 15 seconds; [`Builder::fresh_connections`] turns that off.
//! The end of a response that has neither a length nor chunks, over plain `http`, is the end of the connection: a
//! truncated body can look whole there, and the reader of the XML has to notice.

mod connect;
mod error;
mod tls;

use std::fmt;
use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use ureq::Agent;
use ureq::config::AutoHeaderValue;
use ureq::tls::{ClientCert, RootCerts, TlsConfig};
use wechatpay_proto::transport::{BlockingTransport, ClientCertificate, check_target};

pub use error::{BuildError, Cause, TransportError};
pub use tls::{CustomRoots, Identity, IdentityError, Roots, RootsError};

/// The longest response body that is read, in bytes: 64 KiB. XML answers have a few hundred.
pub const BODY_LIMIT: usize = wechatpay_proto::wire::MAX_BODY;

const USER_AGENT: &str = concat!("wechatpay-transport-ureq/", env!("CARGO_PKG_VERSION"));
const HEADER_LIMIT: usize = 64 * 1024;

/// The transport. Cloning is cheap, and clones share their idle connections.
#[derive(Clone)]
pub struct UreqTransport {
    identity: Option<Identity>,
    /// `https` with the merchant's certificate.
    merchant: Option<Agent>,
    /// `https` without. A pool of its own, so that no request travels on a connection with another identity.
    anonymous: Agent,
    /// Plain `http` to this machine: the only agent that may, and never through a proxy.
    loopback: Agent,
}

impl UreqTransport {
    /// Starts with no identity, [`Roots::WebPki`], the default [`Timeouts`] and no proxy.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The merchant's certificate, for example to ask it for [`Identity::days_left`].
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Judges the target before anything is opened, and picks the connections that fit.
    fn agent_for(&self, request: &http::request::Parts) -> Result<&Agent, TransportError> {
        check_target(&request.uri)?;
        if request.uri.scheme() == Some(&Scheme::HTTP) {
            return Ok(&self.loopback); // there is no handshake that could present a certificate
        }
        match request.extensions.get::<ClientCertificate>() {
            Some(ClientCertificate) => self.merchant.as_ref().ok_or(TransportError::NoIdentity),
            None => Ok(&self.anonymous),
        }
    }
}

impl BlockingTransport for UreqTransport {
    type Error = TransportError;

    fn send_blocking(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let (mut parts, body) = request.into_parts();
        let agent = self.agent_for(&parts)?;
        // ureq looks for settings of its own among the extensions; only the agent's count here.
        parts.extensions.clear();
        let response = agent.run(http::Request::from_parts(parts, body.as_ref()))?;
        let (parts, body) = response.into_parts();
        Ok(http::Response::from_parts(parts, read_body(body)?))
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// Time limits. The steps follow one another, and `total` bounds them all together, so that a peer that sends one
/// byte at a time gains nothing. None of them may be zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For name resolution; and again for TCP, the proxy and the TLS handshake together. 6 seconds.
    pub connect: Duration,
    /// For writing the headers, for writing the body, and for waiting until the response headers are complete,
    /// each. 8 seconds.
    pub response: Duration,
    /// For reading the response body. 8 seconds.
    pub body: Duration,
    /// For the whole call, from name resolution to the last byte. 15 seconds.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(6),
            response: Duration::from_secs(8),
            body: Duration::from_secs(8),
            total: Duration::from_secs(15),
        }
    }
}

/// Collects the settings of a [`UreqTransport`].
#[derive(Clone, Default)]
#[must_use]
pub struct Builder {
    identity: Option<Identity>,
    roots: Roots,
    timeouts: Timeouts,
    proxy: Option<String>,
    fresh_connections: bool,
}

impl Builder {
    /// The merchant's certificate and key, for requests marked [`ClientCertificate`].
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Which certificate authorities to believe.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// How long each step, and all of them, may take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Tunnels `https` through the proxy at `http://[user:password@]host[:port]`, with CONNECT. The proxy sees the
    /// host name of the target and nothing of the request. Plain `http` to a loopback address stays direct.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Opens a connection for each request (`true`), or keeps up to three idle ones per host (`false`, the default).
    ///
    /// A kept connection saves a TLS handshake. It can also die just under a request, whose outcome is then unknown;
    /// a fresh one makes that less likely.
    pub fn fresh_connections(mut self, fresh: bool) -> Self {
        self.fresh_connections = fresh;
        self
    }

    /// Checks the settings. Opens no connection.
    pub fn build(self) -> Result<UreqTransport, BuildError> {
        let Timeouts { connect, response, body, total } = self.timeouts;
        if [connect, response, body, total].iter().any(Duration::is_zero) {
            return Err(BuildError::ZeroTimeout);
        }
        let proxy = self.proxy.as_deref().map(http_proxy).transpose()?;
        let roots = self.roots.to_ureq();
        let merchant = self.identity.as_ref().map(|identity| {
            self.agent(Some(tls_config(roots.clone(), Some(identity.certificate().clone()))), proxy.clone())
        });
        let anonymous = self.agent(Some(tls_config(roots, None)), proxy);
        let loopback = self.agent(None, None);
        Ok(UreqTransport { merchant, anonymous, loopback, identity: self.identity })
    }

    /// An agent for `https` with these TLS settings, or for plain `http` where there are none.
    fn agent(&self, tls: Option<TlsConfig>, proxy: Option<ureq::Proxy>) -> Agent {
        let config = Agent::config_builder()
            .https_only(tls.is_some())
            .tls_config(tls.unwrap_or_else(|| tls_config(RootCerts::WebPki, None)))
            .proxy(proxy) // otherwise ureq asks the environment
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(USER_AGENT)
            .accept(AutoHeaderValue::None)
            .accept_encoding(AutoHeaderValue::None)
            .max_response_header_size(HEADER_LIMIT)
            .timeout_global(Some(self.timeouts.total))
            .timeout_resolve(Some(self.timeouts.connect))
            .timeout_connect(Some(self.timeouts.connect))
            .timeout_send_request(Some(self.timeouts.response))
            .timeout_send_body(Some(self.timeouts.response))
            .timeout_recv_response(Some(self.timeouts.response))
            .timeout_recv_body(Some(self.timeouts.body));
        let config = match self.fresh_connections {
            true => config.max_idle_connections(0).max_idle_connections_per_host(0),
            false => config,
        };
        connect::agent(config.build())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("identity", &self.identity)
            .field("roots", &self.roots)
            .field("timeouts", &self.timeouts)
            .field("proxy", &self.proxy.as_ref().map(|_| "…")) // its URL may carry a password
            .field("fresh_connections", &self.fresh_connections)
            .finish()
    }
}

/// 16 random bytes from the operating system, as many as a nonce needs: a source of nonces for `Client`.
///
/// The error says that the system has no randomness to give. It is not to be papered over with anything weaker.
pub fn os_random() -> std::io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn tls_config(roots: RootCerts, certificate: Option<ClientCert>) -> TlsConfig {
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(tls::provider())
        .root_certs(roots)
        .client_cert(certificate)
        .build()
}

/// ureq would take SOCKS here and panic at the first request, and would show the merchant's certificate to a proxy
/// that is reached by `https`.
fn http_proxy(url: &str) -> Result<ureq::Proxy, BuildError> {
    let proxy = ureq::Proxy::new(url).map_err(|_| BuildError::Proxy)?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http => Ok(proxy),
        _ => Err(BuildError::Proxy),
    }
}

/// Reads to the end or to the limit. The limit counts what arrives in memory, not what a header promises.
fn read_body(body: ureq::Body) -> Result<Bytes, TransportError> {
    let mut bytes = Vec::new();
    let limit = BODY_LIMIT as u64 + 1;
    body.into_reader().take(limit).read_to_end(&mut bytes).map_err(ureq::Error::from)?;
    if bytes.len() > BODY_LIMIT {
        return Err(TransportError::BodyTooLarge);
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<UreqTransport>();
        check::<Builder>();
        check::<Identity>();
        check::<Roots>();
        check::<TransportError>();
        fn clones<T: Clone>() {}
        clones::<UreqTransport>();
    }

    #[test]
    fn the_builder_refuses_what_cannot_work() {
        let zero = Timeouts { body: Duration::ZERO, ..Timeouts::default() };
        let error = UreqTransport::builder().timeouts(zero).build().unwrap_err();
        assert!(matches!(error, BuildError::ZeroTimeout));
        for proxy in ["", "socks5://127.0.0.1:1", "https://127.0.0.1:1", "ftp://x", "http://"] {
            let error = UreqTransport::builder().proxy(proxy).build().unwrap_err();
            assert!(matches!(error, BuildError::Proxy), "{proxy}");
        }
        assert!(UreqTransport::builder().proxy("http://user:pass@127.0.0.1:1").build().is_ok());
    }

    #[test]
    fn the_password_of_a_proxy_stays_inside() {
        let builder = UreqTransport::builder().proxy("http://user:canary@127.0.0.1:1");
        assert!(!format!("{builder:?}").contains("canary"));
        assert!(!format!("{:?}", builder.build().unwrap()).contains("canary"));
    }

    #[test]
    fn randomness_differs() {
        assert_ne!(os_random().unwrap(), os_random().unwrap());
    }
}
