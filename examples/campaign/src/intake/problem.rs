//! What is wrong with a row.

use std::fmt;

use wechatpay_proto::RequestError;
use wechatpay_proto::rule::Violation;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The line on which the row begins; the first line of the file is 1.
    pub(crate) line: u64,
    /// The column, where it is about one.
    pub(crate) column: Option<Box<str>>,
    pub(crate) reason: Reason,
}

/// What is wrong. No text of the row is repeated but for business ids and numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error("is no header in UTF-8 with the columns {}", super::table::names())]
    NoHeader,
    #[error("must end with a line feed; a carriage return alone ends no line")]
    LoneReturn,
    #[error("is not a column of this file; there are {}", super::table::names())]
    UnknownColumn,
    #[error("stands in the header twice")]
    RepeatedColumn,
    #[error("is missing from the header")]
    MissingColumn,
    #[error("is missing from the header, and there is no --appid")]
    MissingAppid,
    #[error("the file is empty")]
    Empty,
    #[error("has {found} fields, the header has {expected}")]
    Width { found: usize, expected: usize },
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("is not UTF-8")]
    NotUtf8,
    #[error("must be an amount in fen: digits alone, such as 100 for 1.00 yuan")]
    NotFen,
    #[error("has more fen than a packet can have")]
    TooMuch,
    #[error("must be an IPv4 address, such as 192.168.0.1")]
    NotIpv4,
    #[error("must be empty, or PRODUCT_1 to PRODUCT_8")]
    NotAScene,
    #[error("{0}")]
    Rule(Violation),
    #[error("is that of line {line}")]
    Repeated { line: u64 },
    #[error(
        "looks like that of line {line}: without case, white space around it and characters that show nothing they are one; give it a name of its own, or take one of the rows out"
    )]
    Alike { line: u64 },
    #[error("differs from that of line {line} in case alone; give it another number")]
    NumberAlike { line: u64 },
    #[error(
        "looks like {business_id:?}, which is in the store as mch_billno {mch_billno}: without case, white space around it and characters that show nothing they are one; give it a name of its own, or take the row out"
    )]
    StoredAlike { business_id: String, mch_billno: String },
    #[error(
        "differs in case alone from {mch_billno}, which is in the store for the business_id {business_id:?}; give it another number"
    )]
    StoredNumberAlike { mch_billno: String, business_id: String },
    #[error("is in the store with other parameters, as mch_billno {mch_billno}")]
    Changed { mch_billno: String },
    #[error("is in the store for the business_id {business_id:?}")]
    NumberTaken { business_id: String },
    #[error("is not in the store")]
    NotStored,
    #[error(
        "cannot have a new number: as mch_billno {mch_billno} it is {state}, and only what failed for certain can"
    )]
    NotFailed { mch_billno: String, state: String },
    #[error("has no number that failed")]
    NothingFailed,
    #[error("cannot be used: {0}")]
    Unusable(String),
}

impl Problem {
    pub(crate) fn row(line: u64, reason: Reason) -> Self {
        Self { line, column: None, reason }
    }

    pub(crate) fn column(line: u64, column: &str, reason: Reason) -> Self {
        Self { line, column: Some(column.into()), reason }
    }

    /// What the core says of a request.
    pub(crate) fn of_request(line: u64, error: &RequestError) -> Self {
        Self::column(line, error.field(), Reason::Rule(error.violation().clone()))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, {column}: {}", self.line, self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}
