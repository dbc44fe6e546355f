//! One event for each call, with the feature `tracing`: method, host, path, status, sizes in bytes, microseconds, and the
//! request id of the answer. Never a query, a header of the request, a body, a key, or the text of a peer.
//!
//! An answer is at the level DEBUG, whatever its status. A call without one is at WARN: the outcome of a payment hangs
//! on it.
#![cfg_attr(not(feature = "tracing"), allow(dead_code, clippy::unused_self))]

use bytes::Bytes;

use crate::error::TransportError;

type Outcome<'a> = Result<&'a http::Response<Bytes>, &'a TransportError>;

#[cfg(not(feature = "tracing"))]
#[derive(Debug)]
pub(crate) struct Record;

#[cfg(not(feature = "tracing"))]
impl Record {
    pub(crate) fn new(_: &http::Request<Bytes>) -> Self {
        Self
    }

    pub(crate) fn end(self, _: &Outcome<'_>) {}
}

#[cfg(feature = "tracing")]
pub(crate) use enabled::Record;

#[cfg(feature = "tracing")]
mod enabled {
    use std::fmt;
    use std::time::Instant;

    use wechatpay_proto::transport::Fault;

    use super::*;
    use crate::clock;

    /// What is known of a call when it begins. A record that is dropped tells that its call was.
    pub(crate) struct Record {
        method: http::Method,
        uri: http::Uri,
        request_bytes: usize,
        start: Instant,
        ended: bool,
    }

    impl Record {
        pub(crate) fn new(request: &http::Request<Bytes>) -> Self {
            Self {
                method: request.method().clone(),
                uri: request.uri().clone(),
                request_bytes: request.body().len(),
                start: clock::now(),
                ended: false,
            }
        }

        pub(crate) fn end(mut self, outcome: &Outcome<'_>) {
            self.ended = true;
            let (method, host, path) = (self.method.as_str(), self.uri.host(), self.uri.path());
            let micros = self.micros();
            match outcome {
                Ok(response) => tracing::debug!(
                    target: "wechatpay_transport",
                    method,
                    host,
                    path,
                    status = response.status().as_u16(),
                    request_bytes = self.request_bytes,
                    response_bytes = response.body().len(),
                    micros,
                    request_id = request_id(response),
                    "answered"
                ),
                Err(error) => tracing::warn!(
                    target: "wechatpay_transport",
                    method,
                    host,
                    path,
                    request_bytes = self.request_bytes,
                    micros,
                    delivery = ?error.delivery(),
                    error = %error,
                    "failed"
                ),
            }
        }
    }

    impl Record {
        fn micros(&self) -> u64 {
            let elapsed = clock::now().saturating_duration_since(self.start);
            u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
        }
    }

    // Not derived: the URI has a query.
    impl fmt::Debug for Record {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Record")
        }
    }

    impl Drop for Record {
        fn drop(&mut self) {
            if !self.ended {
                tracing::warn!(
                    target: "wechatpay_transport",
                    method = self.method.as_str(),
                    host = self.uri.host(),
                    path = self.uri.path(),
                    request_bytes = self.request_bytes,
                    micros = self.micros(),
                    "dropped before its end, which leaves the outcome unknown"
                );
            }
        }
    }

    /// Only where it looks like one: the peer writes it.
    fn request_id(response: &http::Response<Bytes>) -> Option<&str> {
        let id = response.headers().get("request-id")?.to_str().ok()?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        (id.len() <= 64 && id.bytes().all(plain)).then_some(id)
    }
}
