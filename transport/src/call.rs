//! One call, from the check of its target to the report of its end: all that does not depend on who carries the bytes.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderMap, TRANSFER_ENCODING};
use http::uri::Scheme;
use rustls::ClientConfig;
use wechatpay_proto::failover::{Event, Failover, Route};
use wechatpay_proto::transport::{ClientCertificate, check_target};

use crate::error::TransportError;
use crate::identity::Identity;
use crate::proxy::Proxy;
use crate::timeouts::Timeouts;
use crate::{clock, trace};

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

    /// Judges a request before anything is opened: whether its target may carry a payment, whether its certificate is
    /// there, and which of the two hosts it goes to. The host is changed in the request itself, and headers that
    /// contradict its URL or its body are removed.
    pub fn begin(&self, request: &mut http::Request<Bytes>) -> Result<Call<'_>, TransportError> {
        let judged = self.judge(request);
        let record = trace::Record::new(request);
        match judged {
            Ok((lane, route)) => Ok(Call { prepared: self, lane, route, record }),
            Err(error) => {
                record.end(&Err(&error));
                Err(error)
            }
        }
    }

    fn judge(&self, request: &mut http::Request<Bytes>) -> Result<(Lane, Option<Route>), TransportError> {
        check_target(request.uri())?;
        let route = self.choose_host(request.uri_mut())?;
        let lane = match request.extensions_mut().remove::<ClientCertificate>() {
            // There is no handshake that could present a certificate.
            _ if request.uri().scheme() == Some(&Scheme::HTTP) => Lane::Loopback,
            Some(ClientCertificate) if self.merchant.is_none() => return Err(TransportError::NoIdentity),
            Some(ClientCertificate) => Lane::Merchant,
            None => Lane::Anonymous,
        };
        strip(request);
        Ok((lane, route))
    }

    /// Points a request to the primary host at the one that is to be used now.
    fn choose_host(&self, target: &mut http::Uri) -> Result<Option<Route>, TransportError> {
        let Some(failover) = &self.failover else { return Ok(None) };
        let mut failover = failover.lock().unwrap_or_else(PoisonError::into_inner);
        if !failover.base(Route::Primary).covers(target) {
            return Ok(None);
        }
        let route = failover.route(self.elapsed());
        let path = target.path_and_query().map_or("/", |path| path.as_str());
        *target = failover.base(route).join(path)?;
        Ok(Some(route))
    }

    fn report(&self, route: Route, event: Event) {
        if let Some(failover) = &self.failover {
            failover.lock().unwrap_or_else(PoisonError::into_inner).report(route, event);
        }
    }

    fn elapsed(&self) -> Duration {
        clock::now().saturating_duration_since(self.start)
    }
}

/// The URL says where a request goes, and its body how long it is. Headers that say otherwise would make one request of
/// two, or wait for nothing; and HTTP libraries look for settings of their own among the extensions.
fn strip(request: &mut http::Request<Bytes>) {
    for name in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT] {
        request.headers_mut().remove(name);
    }
    request.extensions_mut().clear();
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

/// A call that may be made. [`end`](Self::end) it with what came of it; one that is dropped before has no say in which
/// host comes next.
#[derive(Debug)]
#[must_use]
pub struct Call<'a> {
    prepared: &'a Prepared,
    lane: Lane,
    route: Option<Route>,
    record: trace::Record,
}

impl Call<'_> {
    /// The kind of connection that it goes over.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// Reports what came of it, to the failover and to the trace, and hands it back.
    pub fn end(
        self,
        outcome: Result<http::Response<Bytes>, TransportError>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        self.record.end(&outcome.as_ref());
        let event = match &outcome {
            Ok(_) => Some(Event::Success),
            Err(error) => error.event(),
        };
        if let (Some(route), Some(event)) = (self.route, event) {
            self.prepared.report(route, event);
        }
        outcome
    }
}

/// Whether a response says in one way only where it ends. Where it does not, somebody on the way may have read it
/// differently, and what follows on the connection is not to be trusted: a transport must not use it again.
pub fn has_one_end(headers: &HeaderMap) -> bool {
    !(headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH))
}
