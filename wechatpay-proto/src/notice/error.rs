//! Why a notice must not be acted upon.

use super::body::BodyForm;
use super::kind::Kind;
use super::refund::ReqInfoFault;
use crate::error::ReplyError;
use crate::wire::XmlError;

/// Why a notice must not be acted upon. Answer it with [`FAIL`](super::FAIL), whatever the reason, and log the rest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoticeError {
    /// It cannot be read or verified, or lacks what every notice of its kind has.
    #[error("notice refused: {0}")]
    Refused(ReplyError),
    /// What came is not what the service posted.
    #[error(
        "the body is {0}, not the XML that the service posts: pass on the bytes of the request as they came, before a \
         framework decodes, converts or filters them"
    )]
    Body(BodyForm),
    /// A notice of another kind came to this address.
    #[error("a {found} came where a {expected} is read: see which notify_url the order and the refund named")]
    OtherKind {
        /// What is read here.
        expected: Kind,
        /// What it looks like. Nothing of it was verified.
        found: Kind,
    },
    /// `return_code` is not SUCCESS: a failure of communication, of which nothing else may be read.
    #[error("notice of a failed communication")]
    CommunicationFailure,
    /// It is about another merchant, order, amount or currency. **Raise an alert.**
    #[error("{field} of the notice is not that of the order")]
    Mismatch {
        /// The wire name.
        field: &'static str,
    },
    /// A field is missing whose absence would be good news, and a value holds its text. The signature does not tell the
    /// two apart. **Raise an alert.**
    #[error("{field} is missing, and a value of the notice holds '&{field}=': the signature fits both")]
    Folded {
        /// The wire name.
        field: &'static str,
    },
    /// `req_info` of a refund notice cannot be used. Why is not said here: see [`likely_causes`](Self::likely_causes).
    #[error("req_info cannot be used")]
    ReqInfo(ReqInfoFault),
}

impl NoticeError {
    /// What commonly leads to this error, the likeliest first; empty where the error says it all. **For the log, never for
    /// whoever sent the notice:** of `req_info` it tells how far the decryption came, which the answer must not tell.
    ///
    /// Fixed texts: they hold nothing of the body and no secret.
    pub fn likely_causes(&self) -> &'static [&'static str] {
        match self {
            Self::ReqInfo(fault) => fault.likely_causes(),
            Self::Refused(ReplyError::SignMismatch) => &[
                "the API key is not the one that the order was placed with: it was changed since, belongs to another \
                 merchant, or is the key of APIv3",
                "a framework changed values: it trimmed, escaped or recoded them",
                "somebody forged the notice",
            ],
            Self::Refused(ReplyError::SignTypeMismatch { .. }) => &[
                "the order was placed with the other sign_type: set it by Merchant::with_sign_type",
                "this kind of notice has a digest of its own: read it with a merchant that has that one",
            ],
            Self::Refused(ReplyError::SignMissing) => &[
                "it is no notice of the service",
                "a framework dropped the field sign before it passed the body on",
            ],
            Self::Mismatch { field: "mch_id" } => &[
                "the notify_url of another merchant leads here",
                "a service provider's notices have the number of the provider in mch_id, and that of the sub-merchant in \
                 sub_mch_id",
            ],
            Self::Mismatch { field: "total_fee" | "fee_type" } => &[
                "the order was changed after it was placed",
                "the order is not in CNY: see Order::in_currency",
                "somebody paid another amount than the order asks for",
            ],
            _ => &[],
        }
    }
}

impl From<ReplyError> for NoticeError {
    fn from(error: ReplyError) -> Self {
        Self::Refused(error)
    }
}

impl From<XmlError> for NoticeError {
    fn from(error: XmlError) -> Self {
        Self::Refused(error.into())
    }
}
