//! What becomes of one request: whether it was carried out, and what the peer gets to see of it. Every skin plays the
//! same value.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::{Deserialize, Serialize};
use wechatpay_proto::transport::Delivery;

use crate::clock::Time;

/// The number of a request in its mock, `req_000001` and on. The answer has it in the header `X-Mock-Request-Id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

impl RequestId {
    /// Reads `req_000012`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits =
            text.strip_prefix("req_").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse().ok().map(Self)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req_{:06}", self.0)
    }
}

impl Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("a request has a number such as req_000012"))
    }
}

/// What becomes of one request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Its number.
    pub id: RequestId,
    /// Whether it was carried out.
    pub commit: Commit,
    /// How long the peer waits before the first byte.
    pub delay: Duration,
    /// What the peer gets.
    pub effect: Effect,
}

impl Outcome {
    /// What a careful client makes of it that waits for as long as it takes.
    pub fn seen(self) -> Result<Response<Bytes>, Broken> {
        match self.effect {
            Effect::Reply(response) => Ok(response),
            Effect::Wire { seen, .. } => seen,
        }
    }
}

/// Whether a request was carried out. One that was refused was not, though a refusal for want of money or for a limit
/// leaves an order that is SENDING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It was, before the answer.
    Applied,
    /// It was not, and will not be.
    NotApplied,
    /// It will be decided then.
    Later(Time),
}

/// What the peer gets.
#[derive(Clone, Debug)]
pub enum Effect {
    /// An answer as HTTP has it.
    Reply(Response<Bytes>),
    /// Bytes in place of an answer, and an end of the connection.
    Wire {
        /// Each after its pause.
        pieces: Vec<Piece>,
        /// What comes behind the last.
        end: End,
        /// What a careful client makes of it.
        seen: Result<Response<Bytes>, Broken>,
    },
}

/// Bytes that are written after a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The pause.
    pub after: Duration,
    /// The bytes.
    pub bytes: Bytes,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// By a reset.
    #[default]
    Reset,
    /// In good order, as far as TCP and TLS go.
    Close,
    /// In good order as far as TCP goes, but without TLS's `close_notify`.
    Truncate,
    /// Not at all: nothing more comes, and the connection stays open until the client has had enough.
    Hang,
}

/// What a client makes of a connection that brought no whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Broken {
    /// Nobody listens.
    Refused,
    /// No TLS session came about.
    Handshake,
    /// The connection was reset.
    Reset,
    /// It ended before the answer did.
    Closed,
    /// Nothing more came.
    Silent,
    /// What came is not HTTP.
    Malformed,
}

impl Broken {
    /// Whether the request can have arrived.
    pub fn delivery(self) -> Delivery {
        match self {
            Self::Refused | Self::Handshake => Delivery::NotSent,
            Self::Reset | Self::Closed | Self::Silent | Self::Malformed => Delivery::MaybeSent,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the connection was refused",
            Self::Handshake => "no TLS session came about",
            Self::Reset => "the connection was reset",
            Self::Closed => "the connection ended before the answer did",
            Self::Silent => "no answer came",
            Self::Malformed => "what came is not HTTP",
        })
    }
}

impl std::error::Error for Broken {}

impl From<End> for Broken {
    fn from(end: End) -> Self {
        match end {
            End::Reset => Self::Reset,
            End::Close | End::Truncate => Self::Closed,
            End::Hang => Self::Silent,
        }
    }
}

/// Who knocks: what is known of a connection before it brings a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The name that the client asked for in the handshake; none over plain HTTP.
    pub server_name: Option<String>,
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// What a connection gets before it can bring a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// A session.
    Welcome,
    /// A reset, as if nobody listened.
    Refuse,
    /// Nothing, for as long as the client waits.
    Silence,
    /// A session, or an attempt at one, with something wrong with it.
    Flawed(TlsFlaw),
}

/// What can be wrong with a TLS session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsFlaw {
    /// The server's certificate has expired.
    Expired,
    /// The server's certificate is not valid yet.
    NotYetValid,
    /// The server's certificate is for another host.
    WrongHost,
    /// The server's certificate is by an authority that nobody knows.
    UnknownCa,
    /// The handshake stops after the client's first message.
    Stall,
    /// The handshake ends with the alert `handshake_failure`.
    Alert,
    /// The handshake ends with the alert `protocol_version`: the server speaks older versions only.
    OldVersion,
    /// The session works, and ends without `close_notify` after one answer.
    NoCloseNotify,
    /// The client's certificate is refused at the end of the handshake, when in TLS 1.3 the request may have been
    /// written already.
    RefusesClient,
}
