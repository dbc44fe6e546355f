//! What can be wrong with an answer, in detail: its document, its sign, its HTTP, its time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::span;

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
    /// It is in another charset: as in GBK, every character beyond ASCII is two bytes, which are not UTF-8.
    Charset,
    /// A byte order mark stands before it.
    Bom,
    /// It has an element more that nobody knows.
    ExtraField,
    /// An element stands in it twice, with two values; at its end, where it has none.
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
    /// Its CDATA sections are split in two, in the middle.
    CdataSplit,
    /// Its texts are written with entities instead of CDATA.
    Entities,
    /// It begins with a DOCTYPE.
    Doctype,
    /// It declares entities that would grow without end; a few levels of them.
    EntityBomb,
    /// It has so much white space in it that it is huge.
    Huge {
        /// How many bytes it has then; 10 MiB where that is not given, 64 MiB at most.
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
    /// 400 and the page of the web server in front that no client certificate was shown, where the path needs one:
    /// `400 No required SSL certificate was sent`. The refund of APIv2 answers so.
    CertificateNotSent,
    /// 400 and the page of the web server in front that the client certificate cannot be verified: `400 The SSL
    /// certificate error`.
    CertificateError,
    /// 302 to a page of HTML, as by the edge of a network. The page is not there: nobody is led away from the mock.
    Redirect,
    /// Another content type.
    ContentType {
        /// Which.
        value: String,
    },
    /// `Content-Length` is wrong.
    ContentLength {
        /// How many bytes too many it claims, or too few.
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

/// Where an answer is cut. Its last byte is missing in any case.
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
