//! Faults on purpose: what can go wrong, and what became of the money meanwhile.
//!
//! A fault that hides or falsifies the answer says whether the request was carried out. Those of the first group are
//! named after that; all others need a [`Plan`], and have no default.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::outcome::{End, TlsFlaw};
use crate::span;

mod armed;
mod shape;

pub(crate) use armed::{Carry, Chosen, Facts, Faults};
pub use armed::{FaultError, FaultsState};

/// What can go wrong. In JSON an object with its name in `fault`: `{"fault":"late_commit","after":"20m"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    // Outcome unknown: the name says what became of the money.
    /// The request never arrives: the connection ends, nothing is carried out.
    RequestLost {
        /// How the connection ends.
        #[serde(default)]
        ending: End,
    },
    /// The request is carried out, its answer never arrives.
    ReplyLost {
        /// How the connection ends.
        #[serde(default)]
        ending: End,
    },
    /// The request is carried out, and the answer says SYSTEMERROR, another code, or a status of HTTP.
    AppliedThenError {
        /// The `err_code`; SYSTEMERROR where neither is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// The status of a page of the web server in front: 500, 502, 503 or 504.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// The answer says SUCCESS, and nothing was carried out.
    NotAppliedButOk,
    /// The order is taken and answered PROCESSING; it is paid, or fails, later.
    LateCommit {
        /// How much later.
        #[serde(with = "span")]
        after: Duration,
        /// Whether it fails then.
        #[serde(default)]
        fails: bool,
    },
    /// The connection ends now, and the request arrives later, behind a query and a resend say.
    LateArrival {
        /// How much later.
        #[serde(with = "span")]
        after: Duration,
        /// How the connection ends.
        #[serde(default)]
        ending: End,
    },
    /// The same bytes arrive twice, one right behind the other, as by a retry of a proxy. The client gets the second
    /// answer.
    DuplicateDelivery {
        /// Whether the client gets the first answer instead.
        #[serde(default)]
        first: bool,
    },

    // Business.
    /// A refusal in its true envelope.
    ErrCode {
        /// The `err_code`.
        code: String,
        /// The text; the code's usual one where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// The order is taken and stays SENDING: for so many queries, or for ever; with a reason, or without.
    StuckState {
        /// How many queries find it SENDING before it is paid; without it, all do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        polls: Option<u32>,
        /// The `reason` that queries show.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The answer names another order, receiver, amount or merchant.
    WrongEcho {
        /// The field, such as `mch_billno`.
        field: String,
        /// What it says; something else than the truth where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// The sign of the answer is not what it should be.
    ReplySign {
        /// In which way.
        how: SignFlaw,
    },

    // Content, HTTP, transport: what a peer, a proxy or a network makes of a good answer.
    /// The document is not what it should be.
    Content(Content),
    /// HTTP is not what it should be.
    Http(Http),
    /// The answer comes late.
    Latency(Latency),
    /// The answer comes in pieces.
    Drip {
        /// Bytes of a piece.
        chunk: usize,
        /// Between two pieces.
        #[serde(with = "span")]
        gap: Duration,
    },
    /// The connection ends within the answer.
    Cut {
        /// After so many bytes of the answer, its head included; without it, none.
        #[serde(default)]
        at: CutAt,
        /// How it ends.
        #[serde(default)]
        ending: End,
    },

    // Before any request: matched by server name and by the count of connections.
    /// The connection is refused.
    Refuse,
    /// The connection is taken, and nothing more comes.
    Silence,
    /// TLS is not what it should be.
    Tls {
        /// In which way.
        how: TlsFlaw,
    },

    // Other.
    /// The client certificate is taken for something else.
    ClientCertificate {
        /// For what.
        taken_for: Mistaken,
    },
    /// More than so many requests in a time answer FREQ_LIMIT; those are not carried out.
    RateLimit {
        /// How many are served.
        most: u32,
        /// In which time.
        #[serde(with = "span")]
        per: Duration,
    },
    /// The service's clock is wrong for this request.
    ClockSkew {
        /// By how much.
        #[serde(with = "span")]
        by: Duration,
        /// Whether it is behind instead of ahead.
        #[serde(default)]
        behind: bool,
    },
}

/// What can be wrong with the document of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Content {
    /// It ends after so many bytes; after half of them where that is not given.
    Truncated {
        /// How many are left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<usize>,
    },
    /// It is empty.
    Empty,
    /// It is a page of HTML.
    Html,
    /// It is in GBK.
    Charset,
    /// A byte order mark stands before it.
    Bom,
    /// It has an element more that nobody knows.
    ExtraField,
    /// An element stands in it twice, with two values.
    DuplicateField {
        /// Which.
        field: String,
    },
    /// An element is missing.
    MissingField {
        /// Which.
        field: String,
    },
    /// Its elements come in another order.
    Reordered,
    /// Its CDATA sections are split in two.
    CdataSplit,
    /// Its texts are written with entities instead of CDATA.
    Entities,
    /// It begins with a DOCTYPE.
    Doctype,
    /// It declares entities that would grow without end; a few levels of them.
    EntityBomb,
    /// It has so many bytes of white space in it; 10 MiB where that is not given, 64 MiB at most.
    Huge {
        /// How many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
    },
}

/// What can be wrong with the HTTP of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Http {
    /// Another status, with a page of a proxy: 429, 500, 502, 503 or 504, say.
    Status {
        /// 400 to 599.
        status: u16,
    },
    /// 302 to a page of HTML, as by the edge of a network.
    Redirect,
    /// Another content type.
    ContentType {
        /// Which.
        value: String,
    },
    /// `Content-Length` is wrong.
    ContentLength {
        /// By how much: the peer claims more bytes than it sends, or fewer.
        off_by: i32,
    },
    /// The body comes in chunks, of which the last has a size that is no number.
    BadChunk,
    /// The body is compressed, though nobody asked.
    Gzip,
    /// An answer of status 103 comes first.
    Informational,
    /// Two answers come at once.
    TwoReplies,
    /// The connection ends behind the answer, which did not say so.
    CloseAfter,
}

/// How late an answer comes. The draw is the seed's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "spread", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Latency {
    /// Always so much.
    Fixed {
        /// How much.
        #[serde(with = "span")]
        by: Duration,
    },
    /// Anything between two bounds.
    Uniform {
        /// The least.
        #[serde(with = "span")]
        from: Duration,
        /// The most.
        #[serde(with = "span")]
        to: Duration,
    },
    /// As latencies are: mostly near the median, now and then far above.
    Lognormal {
        /// Half are below.
        #[serde(with = "span")]
        median: Duration,
        /// The width, 0 to 3: the standard deviation of the logarithm.
        sigma: f64,
    },
}

/// Where an answer is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutAt {
    /// Before its first byte.
    #[default]
    Start,
    /// Behind its head.
    Head,
    /// After so many bytes, its head included.
    Byte(usize),
}

/// What can be wrong with the sign of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignFlaw {
    /// It is over something else.
    Bad,
    /// There is none, where one belongs.
    Missing,
    /// There is one, where none belongs; it is right.
    Unexpected,
    /// It is by the other digest.
    WrongType,
    /// It is in lower case.
    LowerCase,
    /// It is by another key: the one before, or a made-up one.
    OldKey,
}

/// What a client certificate can be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mistaken {
    /// None.
    Missing,
    /// An expired one.
    Expired,
    /// One that was revoked.
    Revoked,
    /// One of another authority.
    Foreign,
    /// Another merchant's.
    OtherMerchant,
}

/// What becomes of a request whose answer is hidden or falsified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// It is carried out.
    Applied,
    /// It is not.
    NotApplied,
    /// It is carried out so much later.
    Later(#[serde(with = "span")] Duration),
}
