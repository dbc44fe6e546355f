//! One call, from the check of its target to the report of its end: all that does not depend on who carries the bytes.

use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderMap, TRANSFER_ENCODING};
use http::uri::Scheme;
use wechatpay_proto::failover::{Event, Route};
use wechatpay_proto::transport::{ClientCertificate, check_target};

use crate::error::TransportError;
use crate::prepared::{Lane, Prepared};
use crate::{clock, trace};

impl Prepared {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection is not used again where its last answer could end in two places.
    #[test]
    fn two_ends_are_no_end() {
        let headers = |names: &[http::HeaderName]| {
            names
                .iter()
                .map(|name| (name.clone(), http::HeaderValue::from_static("1")))
                .collect::<HeaderMap>()
        };
        assert!(has_one_end(&headers(&[])));
        assert!(has_one_end(&headers(&[CONTENT_LENGTH])));
        assert!(has_one_end(&headers(&[TRANSFER_ENCODING, HOST])));
        assert!(!has_one_end(&headers(&[CONTENT_LENGTH, TRANSFER_ENCODING])));
    }
}
