//! What a transport works with: settings that passed their check.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use wechatpay_proto::failover::Failover;
use wechatpay_proto::transport::TargetError;

use crate::error::{Cause, TransportError};
use crate::identity::Identity;
use crate::proxy::Proxy;
use crate::timeouts::Timeouts;

/// More addresses of one name than this are not tried.
const MAX_ADDRESSES: usize = 16;

/// Settings that passed their check. A transport works with this, and so can one of your own:
///
/// ```
/// use bytes::Bytes;
/// use wechatpay_transport::{Prepared, TransportError};
///
/// fn send(
///     prepared: &Prepared,
///     mut request: http::Request<Bytes>,
///     carry: impl Fn(http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError>,
/// ) -> Result<http::Response<Bytes>, TransportError> {
///     let call = prepared.begin(&mut request)?; // may point it at the backup host
///     let outcome = carry(request); // over a connection of `call.lane()`, and of no other
///     call.end(outcome)
/// }
/// ```
pub struct Prepared {
    pub(crate) identity: Option<Identity>,
    pub(crate) anonymous: Arc<ClientConfig>,
    pub(crate) merchant: Option<Arc<ClientConfig>>,
    pub(crate) timeouts: Timeouts,
    pub(crate) body_limit: usize,
    pub(crate) idle_connections: usize,
    pub(crate) idle_time: Duration,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) failover: Option<Mutex<Failover>>,
    pub(crate) addresses: HashMap<String, Vec<SocketAddr>>,
    pub(crate) start: Instant,
}

/// The kinds of connections. A call goes over one of its own kind, and they are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Plain `http`, to this machine and never through a proxy.
    Loopback,
    /// `https` that shows no certificate.
    Anonymous,
    /// `https` that shows the merchant's certificate.
    Merchant,
}

impl Prepared {
    /// The merchant's certificate, for example to ask it for [`Identity::renewal_due`].
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The TLS settings of a lane; `None` for plain `http`.
    pub fn tls(&self, lane: Lane) -> Option<&Arc<ClientConfig>> {
        match lane {
            Lane::Loopback => None,
            Lane::Anonymous => Some(&self.anonymous),
            Lane::Merchant => self.merchant.as_ref(),
        }
    }

    /// The time limits.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// The longest response body, in bytes.
    pub fn body_limit(&self) -> usize {
        self.body_limit
    }

    /// How many connections to one host may wait for the next call.
    pub fn idle_connections(&self) -> usize {
        self.idle_connections
    }

    /// How long a connection may wait for the next call: 15 seconds.
    pub fn idle_time(&self) -> Duration {
        self.idle_time
    }

    /// The proxy of a lane.
    pub fn proxy(&self, lane: Lane) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| lane != Lane::Loopback)
    }

    /// The addresses that were set for a host, instead of those of its name.
    pub fn addresses(&self, host: &str) -> Option<&[SocketAddr]> {
        self.addresses.get(&host.to_ascii_lowercase()).map(Vec::as_slice)
    }

    /// The addresses that are to be tried for a host, of all that were found: there is one, and for plain `http` they are
    /// all of this machine, whoever says so.
    pub fn usable(
        &self,
        lane: Lane,
        host: &str,
        found: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, TransportError> {
        let found: Vec<_> = found.into_iter().take(MAX_ADDRESSES).collect();
        if found.is_empty() {
            return Err(TransportError::Resolve(Cause::new("the name has no address")));
        }
        if lane == Lane::Loopback && !found.iter().all(|address| address.ip().is_loopback()) {
            return Err(TargetError::Insecure { host: host.to_owned() }.into());
        }
        Ok(found)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("identity", &self.identity)
            .field("timeouts", &self.timeouts)
            .field("body_limit", &self.body_limit)
            .field("idle_connections", &self.idle_connections)
            .field("proxy", &self.proxy)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
