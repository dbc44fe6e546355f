//! What can go wrong between the two ends, and which of it proves that nothing was sent.

use std::fmt::{self, Write};

use wechatpay_proto::transport::TargetError;

use crate::BODY_LIMIT;
use crate::connect::NotBegun;

/// Why there is no response. Holds no body and no key.
///
/// Whatever happened, a payment whose call ended here has an **unknown** outcome, unless
/// [`is_not_sent`](Self::is_not_sent) says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The URL may not carry a payment. Nothing was sent.
    #[error("the target of the request is refused")]
    Target(#[from] TargetError),
    /// The endpoint wants the merchant's certificate and none was configured. Nothing was sent.
    #[error("the endpoint wants the merchant's certificate, and the transport has none")]
    NoIdentity,
    /// No connection: the name, TCP, the proxy or the TLS handshake failed or took too long. Nothing was sent.
    #[error("no connection could be made, nothing was sent")]
    NotConnected(#[source] Cause),
    /// There was a connection, and the time was up before the response was complete.
    #[error("the time was up before the response was complete")]
    Timeout,
    /// There was a connection, and it broke or carried something that is not HTTP. This includes a merchant's
    /// certificate that the server refused: TLS 1.3 reports that only after the request.
    #[error("the exchange broke off")]
    Exchange(#[source] Cause),
    /// The response body is longer than [`BODY_LIMIT`].
    #[error("the response body is longer than {BODY_LIMIT} bytes")]
    BodyTooLarge,
}

impl TransportError {
    /// Whether it is proved that no byte of the request was written. `false` means unknown, not "sent".
    pub fn is_not_sent(&self) -> bool {
        matches!(self, Self::Target(_) | Self::NoIdentity | Self::NotConnected(_))
    }
}

impl From<ureq::Error> for TransportError {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Self::Timeout,
            ureq::Error::Other(inner) => match inner.downcast::<NotBegun>() {
                Ok(not_begun) => Self::NotConnected(Cause(not_begun.0)),
                Err(inner) => Self::Exchange(Cause(ureq::Error::Other(inner))),
            },
            error => Self::Exchange(Cause(error)),
        }
    }
}

/// What ureq, rustls or the operating system said. It is for people and may quote the peer; control characters are
/// escaped, and only the first 300 characters are shown.
pub struct Cause(ureq::Error);

impl std::error::Error for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.to_string().chars().take(300) {
            match character.is_control() {
                true => write!(f, "{}", character.escape_default())?,
                false => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cause({self})")
    }
}

/// Why a transport could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A time limit of zero would refuse every call.
    #[error("a time limit is zero")]
    ZeroTimeout,
    /// Only proxies that are reached by plain `http` are supported.
    #[error("the proxy is not http://[user:password@]host[:port]")]
    Proxy,
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn only_a_proof_counts_as_not_sent() {
        let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let marked = ureq::Error::Other(Box::new(NotBegun(refused().into())));
        assert!(TransportError::from(marked).is_not_sent());
        // The same kind of error without the mark proves nothing.
        assert!(!TransportError::from(ureq::Error::from(refused())).is_not_sent());
        assert!(!TransportError::from(ureq::Error::ConnectionFailed).is_not_sent());
        assert!(!TransportError::from(ureq::Error::Timeout(ureq::Timeout::Connect)).is_not_sent());
        assert!(!TransportError::BodyTooLarge.is_not_sent());
        assert!(TransportError::NoIdentity.is_not_sent());
    }

    #[test]
    fn text_of_the_peer_is_tamed() {
        let text = format!("\u{1b}[2J\r\n{}", "x".repeat(1000));
        let error = TransportError::from(ureq::Error::ConnectProxyFailed(text));
        for shown in [error.source().unwrap().to_string(), format!("{error:?}")] {
            assert!(shown.contains(r"\u{1b}[2J\r\n") && shown.len() < 400, "{shown}");
        }
    }
}
