//! What can go wrong between the two ends, and which of it proves that nothing was sent.

use std::io;

use wechatpay_proto::transport::TargetError;

use crate::BODY_LIMIT;

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
    /// The endpoint wants the merchant's certificate and none was given. Nothing was sent.
    #[error("the endpoint wants the merchant's certificate, and the transport has none")]
    NoIdentity,
    /// The host is no name that TLS can check. Nothing was sent.
    #[error("the host is not a valid server name")]
    ServerName,
    /// The name could not be resolved, or nobody answered there. Nothing was sent.
    #[error("no connection could be made, nothing was sent")]
    Connect(#[source] io::Error),
    /// The TLS handshake failed. Nothing was sent.
    #[error("the TLS handshake failed, nothing was sent")]
    Handshake(#[source] io::Error),
    /// The time was up before there was a connection. Nothing was sent.
    #[error("the time was up before there was a connection, nothing was sent")]
    ConnectTimeout,
    /// There was a connection, and the time was up before the response was complete.
    #[error("the time was up before the response was complete")]
    Timeout,
    /// There was a connection, and it broke or carried something that is not HTTP. This includes a merchant's
    /// certificate that the server refused: TLS 1.3 reports that only after the request.
    #[error("the exchange broke off")]
    Exchange(#[from] hyper::Error),
    /// The response body could not be read.
    #[error("the response body could not be read")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The response body is longer than [`BODY_LIMIT`].
    #[error("the response body is longer than {BODY_LIMIT} bytes")]
    BodyTooLarge,
}

impl TransportError {
    /// Whether it is proved that no byte of the request was written. `false` means unknown, not "sent".
    pub fn is_not_sent(&self) -> bool {
        match self {
            Self::Target(_) | Self::NoIdentity | Self::ServerName => true,
            Self::Connect(_) | Self::Handshake(_) | Self::ConnectTimeout => true,
            Self::Timeout | Self::Exchange(_) | Self::Body(_) | Self::BodyTooLarge => false,
        }
    }
}
