//! The border of the core: bytes out, bytes in.
//!
//! A transport carries one request to the peer and brings one response back. It decides nothing about money:
//! **one call is one request on the wire.** It must not retry, redirect, decompress or log bodies, nor go to another
//! host within a call; it must bound time and memory, verify the server's certificate, and report every fault as an
//! error. The core reads whatever comes back, also a status that is not 200.
//!
//! Whether a transport does all that, the suite `wechatpay_mock_server::conformance` can tell.
//!
//! Both traits are implemented for closures, so a test, or an HTTP stack that is not known here, needs no type:
//!
//! ```
//! use bytes::Bytes;
//! use wechatpay_proto::transport::BlockingTransport;
//!
//! let transport = |request: http::Request<Bytes>| -> Result<http::Response<Bytes>, std::io::Error> {
//!     assert_eq!(request.method(), http::Method::POST);
//!     Ok(http::Response::new(Bytes::from_static(b"<xml></xml>")))
//! };
//! let answer = transport.send_blocking(http::Request::post("https://localhost/").body(Bytes::new()).unwrap());
//! assert_eq!(answer.unwrap().body().as_ref(), b"<xml></xml>");
//! ```

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bytes::Bytes;

use crate::endpoint::Host;

/// An asynchronous transport. The future is `Send`; dropping it in flight leaves the outcome unknown.
pub trait Transport {
    /// What went wrong between the two ends.
    type Error: Fault;

    /// Sends `request` once and returns the response, whatever its status.
    ///
    /// Where the request carries the extension [`ClientCertificate`], the merchant's certificate must be
    /// presented.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, Self::Error>> + Send;
}

/// A blocking transport.
pub trait BlockingTransport {
    /// What went wrong between the two ends.
    type Error: Fault;

    /// Sends `request` once and returns the response, whatever its status.
    ///
    /// Where the request carries the extension [`ClientCertificate`], the merchant's certificate must be
    /// presented.
    fn send_blocking(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Self::Error>;
}

/// Whether a call that failed can have reached the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Proved: not a byte of the request was written. A hint for how long to wait; attempts made before this one are
    /// as open as they were.
    NotSent,
    /// Not proved, so it may have arrived and been carried out.
    MaybeSent,
}

/// The error of a transport. One line makes any error type fit, and claims nothing:
///
/// ```
/// # #[derive(Debug)] struct MyError;
/// # impl std::fmt::Display for MyError {
/// #     fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) }
/// # }
/// # impl std::error::Error for MyError {}
/// use wechatpay_proto::transport::{Delivery, Fault};
///
/// impl Fault for MyError {}
/// assert_eq!(MyError.delivery(), Delivery::MaybeSent);
/// ```
pub trait Fault: Error + Send + Sync + 'static {
    /// [`Delivery::MaybeSent`], unless the transport can prove that not a byte of the request was written.
    fn delivery(&self) -> Delivery {
        Delivery::MaybeSent
    }
}

/// An I/O error by itself proves nothing.
impl Fault for std::io::Error {}

impl Fault for Infallible {}

/// The mark, among the extensions of a request, of an endpoint that wants the merchant's client certificate
/// (`apiclient_cert`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientCertificate;

impl<F, R, E> Transport for F
where
    F: Fn(http::Request<Bytes>) -> R,
    R: Future<Output = Result<http::Response<Bytes>, E>> + Send,
    E: Fault,
{
    type Error = E;

    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, E>> + Send {
        self(request)
    }
}

impl<F, E> BlockingTransport for F
where
    F: Fn(http::Request<Bytes>) -> Result<http::Response<Bytes>, E>,
    E: Fault,
{
    type Error = E;

    fn send_blocking(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, E> {
        self(request)
    }
}

impl<T: Transport> Transport for Arc<T> {
    type Error = T::Error;

    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, T::Error>> + Send {
        T::send(self, request)
    }
}

impl<T: BlockingTransport> BlockingTransport for Arc<T> {
    type Error = T::Error;

    fn send_blocking(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, T::Error> {
        T::send_blocking(self, request)
    }
}

/// Why a URL may not carry a payment: `http` to a host that is not this machine, or no usable host at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Plain `http` is for a mock on a loopback address; anything else is `https`.
    #[error("plain http is allowed to a loopback address only, not to {host}")]
    Insecure {
        /// The host that was asked for.
        host: String,
    },
    /// Neither `http` nor `https`.
    #[error("the scheme must be https (or http to a loopback address)")]
    Scheme,
    /// The URL names no host, or carries a user name.
    #[error("the URL must name a host and nothing else before the path")]
    Host,
    /// The port is no number from 0 to 65535.
    #[error("the port must be a number from 0 to 65535")]
    Port,
    /// A base URL carries a path, a query or a fragment.
    #[error("a base URL ends after its host and port")]
    Path,
    /// Not a URL.
    #[error("not a URL")]
    Syntax,
}

/// Checks that a request may go to `target`: `https`, or `http` to a loopback address. Every transport asks this
/// before it opens a connection.
pub fn check_target(target: &http::Uri) -> Result<(), TargetError> {
    let authority = target.authority().ok_or(TargetError::Host)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(TargetError::Host);
    }
    // `host:`, `host:x` and `host:99999` would quietly become the default port.
    let behind_host = authority.as_str().get(authority.host().len()..).unwrap_or_default();
    if !behind_host.is_empty() && authority.port_u16().is_none() {
        return Err(TargetError::Port);
    }
    match target.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_loopback(authority.host()) => Ok(()),
        Some("http") => Err(TargetError::Insecure { host: authority.host().to_owned() }),
        _ => Err(TargetError::Scheme),
    }
}

/// Whether `host`, as it stands in a URL, is this machine: `localhost`, or a loopback address.
pub fn is_loopback(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(bare) => bare.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
        None if host.eq_ignore_ascii_case("localhost") => true,
        None => host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// Where requests go: scheme, host and port, nothing behind them.
///
/// The default is `https://api.mch.weixin.qq.com`. Its backup `https://api2.mch.weixin.qq.com` serves the same
/// orders, so failing over keeps the `mch_billno`.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: http::uri::Scheme,
    authority: http::uri::Authority,
}

impl BaseUrl {
    /// The primary host of production.
    pub const PRODUCTION: &'static str = "https://api.mch.weixin.qq.com";
    /// The backup host of production, with the same orders.
    pub const BACKUP: &'static str = "https://api2.mch.weixin.qq.com";

    /// [`BACKUP`](Self::BACKUP).
    pub fn backup() -> Self {
        let authority = http::uri::Authority::from_static("api2.mch.weixin.qq.com");
        Self { scheme: http::uri::Scheme::HTTPS, authority }
    }

    /// Whether requests to `target` go to this scheme, host and port.
    pub fn covers(&self, target: &http::Uri) -> bool {
        let port = |given: Option<u16>| {
            given.unwrap_or(if self.scheme == http::uri::Scheme::HTTP { 80 } else { 443 })
        };
        target.scheme() == Some(&self.scheme)
            && target.authority().is_some_and(|authority| {
                authority.host().eq_ignore_ascii_case(self.authority.host())
                    && port(authority.port_u16()) == port(self.authority.port_u16())
            })
    }

    /// Reads `https://host[:port]`, or `http://` with a loopback host; a single `/` may follow.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let parts = url.parse::<http::Uri>().map_err(|_| TargetError::Syntax)?;
        check_target(&parts)?;
        let parts = parts.into_parts();
        if parts.path_and_query.is_some_and(|path| path.as_str() != "/") || url.contains('#') {
            return Err(TargetError::Path);
        }
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority)) => Ok(Self { scheme, authority }),
            _ => Err(TargetError::Host),
        }
    }

    /// The base for an endpoint that `host` serves: another one of the service's own hosts, or this very base where it
    /// is none of them.
    pub(crate) fn of(&self, host: Host) -> Cow<'_, Self> {
        let own = ["api.mch.weixin.qq.com", "api2.mch.weixin.qq.com"];
        let name = match host {
            Host::Fraud => "fraud.mch.weixin.qq.com",
            Host::PayApp => "payapp.weixin.qq.com",
            Host::PayAppMch => "payapp.mch.weixin.qq.com",
            Host::Api => return Cow::Borrowed(self),
        };
        let usual_port = matches!(self.authority.port_u16(), None | Some(443));
        if !usual_port || !own.iter().any(|own| self.authority.host().eq_ignore_ascii_case(own)) {
            return Cow::Borrowed(self);
        }
        let authority = http::uri::Authority::from_static(name);
        Cow::Owned(Self { scheme: self.scheme.clone(), authority })
    }

    /// This base with `path` behind it. `path` starts with `/`.
    pub fn join(&self, path: &str) -> Result<http::Uri, TargetError> {
        self.with(path.parse().map_err(|_| TargetError::Syntax)?)
    }

    pub(crate) fn with(&self, path: http::uri::PathAndQuery) -> Result<http::Uri, TargetError> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        http::Uri::from_parts(parts).map_err(|_| TargetError::Syntax)
    }
}

impl Default for BaseUrl {
    fn default() -> Self {
        let authority = http::uri::Authority::from_static("api.mch.weixin.qq.com");
        Self { scheme: http::uri::Scheme::HTTPS, authority }
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl std::fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_production_host() {
        assert_eq!(BaseUrl::default(), BaseUrl::parse(BaseUrl::PRODUCTION).unwrap());
        let joined = BaseUrl::default().join("/mmpaymkttransfers/sendredpack").unwrap();
        assert_eq!(joined, "https://api.mch.weixin.qq.com/mmpaymkttransfers/sendredpack");
        assert_eq!(BaseUrl::backup(), BaseUrl::parse(BaseUrl::BACKUP).unwrap());
        assert_ne!(BaseUrl::default(), BaseUrl::backup());
    }

    #[test]
    fn a_base_covers_its_own_requests() {
        for (url, covered) in [
            ("https://api.mch.weixin.qq.com/pay?a=b", true),
            ("https://API.mch.weixin.qq.com:443/", true),
            ("https://api.mch.weixin.qq.com:8443/", false),
            ("https://api2.mch.weixin.qq.com/", false),
            ("http://api.mch.weixin.qq.com:443/", false),
            ("/pay", false),
        ] {
            assert_eq!(BaseUrl::default().covers(&url.parse().unwrap()), covered, "{url}");
        }
        let plain = BaseUrl::parse("http://127.0.0.1").unwrap();
        assert!(plain.covers(&"http://127.0.0.1:80/".parse().unwrap()));
        assert!(!plain.covers(&"http://127.0.0.1:443/".parse().unwrap()));
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in
            ["http://127.0.0.1:80", "http://127.8.9.1", "http://[::1]:1/", "http://LOCALHOST", "https://x"]
        {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        for (bad, error) in [
            ("http://10.0.0.1", TargetError::Insecure { host: "10.0.0.1".to_owned() }),
            ("http://localhost.example", TargetError::Insecure { host: "localhost.example".to_owned() }),
            ("http://127.0.0.1@evil.example", TargetError::Host),
            ("https://user:pass@host", TargetError::Host),
            ("https://host:99999", TargetError::Port),
            ("http://127.0.0.1:", TargetError::Port),
            ("http://127.0.0.1:x", TargetError::Port),
            ("http://[127.0.0.1]", TargetError::Insecure { host: "[127.0.0.1]".to_owned() }),
            ("ftp://127.0.0.1", TargetError::Scheme),
            ("api.mch.weixin.qq.com", TargetError::Scheme),
            ("https://host/path", TargetError::Path),
            ("https://host/?q", TargetError::Path),
            ("https://host/#f", TargetError::Path),
            ("", TargetError::Syntax),
        ] {
            assert_eq!(BaseUrl::parse(bad).unwrap_err(), error, "{bad}");
        }
    }
}
