//! What a caller may decide about a transport, and the check of it.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use wechatpay_proto::failover::Failover;

use crate::error::{BuildError, Cause};
use crate::identity::Identity;
use crate::prepared::Prepared;
use crate::proxy::Proxy;
use crate::roots::Roots;
use crate::timeouts::Timeouts;
use crate::{BODY_LIMIT, clock, tls};

/// The settings of a transport. The defaults suit production, but for the identity, which only the merchant has.
///
/// There is no setting that switches verification off, follows a redirect, or sends anything again.
#[derive(Clone)]
#[must_use]
pub struct Settings {
    identity: Option<Identity>,
    roots: Roots,
    timeouts: Timeouts,
    body_limit: usize,
    idle_connections: usize,
    proxy: Option<String>,
    failover: Option<Failover>,
    addresses: HashMap<String, Vec<SocketAddr>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// No identity, [`Roots::WebPki`], the default [`Timeouts`], 64 KiB of body, 64 idle connections, no proxy, and no
    /// failover.
    pub fn new() -> Self {
        Self {
            identity: None,
            roots: Roots::default(),
            timeouts: Timeouts::default(),
            body_limit: BODY_LIMIT,
            idle_connections: 64,
            proxy: None,
            failover: None,
            addresses: HashMap::new(),
        }
    }

    /// The merchant's certificate and key, for requests marked
    /// [`ClientCertificate`](wechatpay_proto::transport::ClientCertificate), and for no others.
    pub fn identity(self, identity: Identity) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Which certificate authorities to believe.
    pub fn roots(self, roots: Roots) -> Self {
        Self { roots, ..self }
    }

    /// How long each step, and all of them, may take.
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// The longest response body that is read, in bytes. More is an error. 64 KiB, which is what the core reads.
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }

    /// How many connections to one host may wait for the next call. 0 opens a connection for each call.
    ///
    /// A kept connection saves a TLS handshake. It can also die just under a request, whose outcome is then unknown; a
    /// fresh one makes that less likely. As many calls at a time as this never open more connections than there are
    /// callers.
    pub fn idle_connections(self, at_most: usize) -> Self {
        Self { idle_connections: at_most, ..self }
    }

    /// Tunnels `https` through the proxy at `http://[user:password@]host[:port]`, with CONNECT. The proxy sees the
    /// host name of the target and nothing of the request. Plain `http` to a loopback address stays direct.
    ///
    /// Without this there is no proxy: variables of the environment are not read.
    pub fn proxy(self, url: impl Into<String>) -> Self {
        Self { proxy: Some(url.into()), ..self }
    }

    /// Moves calls to the primary host over to the backup while the primary cannot be reached: see
    /// [`failover`](wechatpay_proto::failover). Between calls only; a call that fails has failed.
    pub fn failover(self, failover: Failover) -> Self {
        Self { failover: Some(failover), ..self }
    }

    /// Connects to these addresses (the first 16) for `host`, instead of asking for its name; with an empty list it
    /// counts as a name that does not resolve. The server must still prove to be `host`. For tests, and for hosts behind a private line. A proxy that is
    /// set resolves names itself.
    pub fn address(mut self, host: impl AsRef<str>, addresses: impl Into<Vec<SocketAddr>>) -> Self {
        self.addresses.insert(host.as_ref().to_ascii_lowercase(), addresses.into());
        self
    }

    /// Checks the settings and sets up TLS. Opens no connection.
    pub fn prepare(self) -> Result<Prepared, BuildError> {
        self.timeouts.check()?;
        if self.body_limit == 0 {
            return Err(BuildError::BodyLimit);
        }
        let proxy = self.proxy.as_deref().map(Proxy::parse).transpose()?;
        let tls = |identity| {
            tls::client_config(&self.roots, identity).map_err(|error| BuildError::Tls(Cause::new(error)))
        };
        let anonymous = tls(None)?;
        let merchant = self.identity.as_ref().map(|identity| tls(Some(identity))).transpose()?;
        Ok(Prepared {
            anonymous,
            merchant,
            identity: self.identity,
            timeouts: self.timeouts,
            body_limit: self.body_limit,
            idle_connections: self.idle_connections,
            idle_time: Duration::from_secs(15),
            proxy,
            failover: self.failover.map(Mutex::new),
            addresses: self.addresses,
            start: clock::now(),
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("identity", &self.identity)
            .field("roots", &self.roots)
            .field("timeouts", &self.timeouts)
            .field("body_limit", &self.body_limit)
            .field("idle_connections", &self.idle_connections)
            .field("proxy", &self.proxy.as_ref().map(|_| "…")) // its URL may carry a password
            .field("failover", &self.failover)
            .field("addresses", &self.addresses)
            .finish()
    }
}
