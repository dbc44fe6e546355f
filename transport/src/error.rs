//! What can go wrong between the two ends, and which of it proves that nothing was sent.

use std::error::Error;
use std::fmt::{self, Write};
use std::time::Duration;

use wechatpay_proto::failover::Event;
use wechatpay_proto::transport::{Delivery, Fault, TargetError};

use crate::alert;

/// Why there is no response. Holds no body and no key.
///
/// Whatever happened, the outcome of a payment whose call ended here is **unknown**.
/// [`delivery`](Fault::delivery) tells the errors that prove that this call sent nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The URL may not carry a payment. Nothing was sent.
    #[error("the target of the request is refused")]
    Target(#[from] TargetError),
    /// The endpoint wants the merchant's certificate and none was configured. Nothing was sent.
    #[error("the endpoint wants the merchant's certificate, and the transport has none")]
    NoIdentity,
    /// The transport was shut down before the call. Nothing was sent.
    #[error("the transport is shut down")]
    ShutDown,
    /// The host, or the proxy, has a name that does not resolve, or that TLS cannot check. Nothing was sent.
    #[error("the name of the host could not be resolved, nothing was sent")]
    Resolve(#[source] Cause),
    /// Nobody answered at the host, or the proxy refused. Nothing was sent.
    #[error("no connection could be made, nothing was sent")]
    Connect(#[source] Cause),
    /// The TLS handshake failed: a certificate of the server that is not believed, for example. Nothing was sent.
    #[error("the TLS handshake failed, nothing was sent")]
    Handshake(#[source] Cause),
    /// The connection was lost before a byte of the request was written.
    #[error("the connection was lost before the request, nothing was sent")]
    NotWritten(#[source] Cause),
    /// The time was up. Which step was under way says whether anything was sent.
    #[error("the time was up: {0}")]
    Timeout(Step),
    /// There was a connection, and it broke or carried something that is not HTTP. This includes a merchant's
    /// certificate that the server refused: in TLS 1.3 a client may learn that only after the request.
    #[error("the exchange broke off")]
    Exchange(#[source] Cause),
    /// The response body is longer than the limit.
    #[error("the response body is longer than {limit} bytes")]
    BodyTooLarge {
        /// In bytes.
        limit: usize,
    },
}

/// What a call was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Resolving the name.
    Resolve,
    /// Connecting, through the proxy where there is one.
    Connect,
    /// The TLS handshake.
    Handshake,
    /// Writing the request.
    Write,
    /// Waiting for the head of the response.
    Response,
    /// Reading the body of the response.
    Body,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "the name was not resolved, nothing was sent",
            Self::Connect => "there was no connection, nothing was sent",
            Self::Handshake => "the TLS handshake was not complete, nothing was sent",
            Self::Write => "the request was not completely written",
            Self::Response => "the head of the response was not complete",
            Self::Body => "the body of the response was not complete",
        })
    }
}

impl Fault for TransportError {
    fn delivery(&self) -> Delivery {
        match self {
            Self::Target(_) | Self::NoIdentity | Self::ShutDown => Delivery::NotSent,
            Self::Resolve(_) | Self::Connect(_) | Self::Handshake(_) | Self::NotWritten(_) => {
                Delivery::NotSent
            }
            Self::Timeout(step) if *step < Step::Write => Delivery::NotSent,
            Self::Timeout(_) | Self::Exchange(_) | Self::BodyTooLarge { .. } => Delivery::MaybeSent,
        }
    }
}

impl TransportError {
    /// What it says about the host; `None` where the host was not asked.
    pub(crate) fn event(&self) -> Option<Event> {
        Some(match self {
            Self::Target(_) | Self::NoIdentity | Self::ShutDown => return None,
            Self::Resolve(_) | Self::Timeout(Step::Resolve) => Event::DnsFailure,
            Self::Timeout(Step::Connect | Step::Handshake) => Event::ConnectTimeout,
            _ => Event::Other,
        })
    }
}

/// What a library or the operating system said, with what lies under it. It is for people and may quote the peer:
/// control characters are escaped, and only the first 300 characters are shown. Where a server ended TLS because of the
/// merchant's certificate, the likely cause and its remedy follow.
pub struct Cause(Box<dyn Error + Send + Sync>);

impl Cause {
    /// Wraps any error.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

// Without a source: it would show what is escaped here.
impl Error for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source {
            let below = error.to_string();
            if !text.ends_with(&below) {
                text.push_str(": ");
                text.push_str(&below);
            }
            source = error.source();
        }
        for character in text.chars().take(300) {
            match character.is_control() {
                true => write!(f, "{}", character.escape_default())?,
                false => f.write_char(character)?,
            }
        }
        match alert::remedy(&*self.0) {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
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
    /// A time limit of zero would refuse every call, and one of more than a day is none.
    #[error("the time limit `{name}` is {value:?}, it must be above zero and at most a day")]
    Timeout {
        /// The field of [`Timeouts`](crate::Timeouts).
        name: &'static str,
        /// What was set.
        value: Duration,
    },
    /// A body limit of zero would refuse every answer.
    #[error("the body limit is zero")]
    BodyLimit,
    /// Only proxies that are reached by plain `http` are supported.
    #[error("the proxy is not http://[user:password@]host[:port]")]
    Proxy,
    /// TLS could not be set up with these roots or this identity.
    #[error("TLS cannot be set up")]
    Tls(#[source] Cause),
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn cause() -> Cause {
        Cause::new(io::Error::from(io::ErrorKind::ConnectionRefused))
    }

    #[test]
    fn only_a_proof_counts_as_not_sent() {
        use Delivery::{MaybeSent, NotSent};
        for (error, delivery, event) in [
            (TransportError::Target(TargetError::Host), NotSent, None),
            (TransportError::NoIdentity, NotSent, None),
            (TransportError::ShutDown, NotSent, None),
            (TransportError::Resolve(cause()), NotSent, Some(Event::DnsFailure)),
            (TransportError::Connect(cause()), NotSent, Some(Event::Other)),
            (TransportError::Handshake(cause()), NotSent, Some(Event::Other)),
            (TransportError::NotWritten(cause()), NotSent, Some(Event::Other)),
            (TransportError::Timeout(Step::Resolve), NotSent, Some(Event::DnsFailure)),
            (TransportError::Timeout(Step::Connect), NotSent, Some(Event::ConnectTimeout)),
            (TransportError::Timeout(Step::Handshake), NotSent, Some(Event::ConnectTimeout)),
            (TransportError::Timeout(Step::Write), MaybeSent, Some(Event::Other)),
            (TransportError::Timeout(Step::Response), MaybeSent, Some(Event::Other)),
            (TransportError::Timeout(Step::Body), MaybeSent, Some(Event::Other)),
            (TransportError::Exchange(cause()), MaybeSent, Some(Event::Other)),
            (TransportError::BodyTooLarge { limit: 1 }, MaybeSent, Some(Event::Other)),
        ] {
            assert_eq!((error.delivery(), error.event()), (delivery, event), "{error:?}");
            let claims = error.to_string().contains("nothing was sent");
            assert!(!claims || delivery == NotSent, "{error}");
        }
    }

    #[test]
    fn a_timeout_says_which_step_it_was() {
        let (nothing, half) = ("nothing was sent", "not complete");
        for (step, what, rest) in [
            (Step::Resolve, "the name was not resolved", nothing),
            (Step::Connect, "there was no connection", nothing),
            (Step::Handshake, "the TLS handshake was not complete", nothing),
            (Step::Write, "the request was not completely written", half),
            (Step::Response, "the head of the response was not complete", half),
            (Step::Body, "the body of the response was not complete", half),
        ] {
            let shown = TransportError::Timeout(step).to_string();
            assert!(
                shown.starts_with(&format!("the time was up: {what}")) && shown.contains(rest),
                "{shown}"
            );
        }
    }

    #[test]
    fn text_of_the_peer_is_tamed() {
        let text = format!("\u{1b}[2J\r\n{}", "x".repeat(1000));
        let error = TransportError::Exchange(Cause::new(text));
        for shown in [error.source().unwrap().to_string(), format!("{error:?}")] {
            assert!(shown.contains(r"\u{1b}[2J\r\n") && shown.len() < 400, "{shown}");
        }
        assert!(error.source().unwrap().source().is_none());
    }

    #[test]
    fn a_cause_shows_what_lies_under_it() {
        #[derive(Debug, thiserror::Error)]
        #[error("no handshake")]
        struct Outer(#[source] io::Error);
        let shown = Cause::new(Outer(io::Error::other("unknown authority"))).to_string();
        assert_eq!(shown, "no handshake: unknown authority");
    }
}
