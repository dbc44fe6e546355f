//! What a person should hear of.

use crate::error::{ReplyError, RequestError};

/// Something that a person should hear of. None of them needs an answer for the money to be safe; some need one for the
/// payout to come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Alert {
    /// An `err_code` that is not listed. The outcome stays unknown, the number is kept.
    #[error("unlisted err_code {code:?}")]
    UnknownCode {
        /// The code.
        code: Box<str>,
    },
    /// A status that nobody has documented.
    #[error("unlisted status {status:?}")]
    UnknownStatus {
        /// The status.
        status: Box<str>,
    },
    /// Neither success nor an error code.
    #[error("the answer has neither a success nor an err_code")]
    NoVerdict,
    /// The service refused for want of balance, for a limit, or for a risk. It is tried again, after a long wait.
    #[error("refused: {code}")]
    Refused {
        /// The code.
        code: Box<str>,
    },
    /// A defect outside the order: key, certificate, permission. It is tried again; mend it meanwhile.
    #[error("a defect of the set-up: {code}")]
    SetupDefect {
        /// The code.
        code: Box<str>,
    },
    /// A defect in the parameters of the order, or parameters that differ from those that were sent before under this
    /// number (`FATAL_ERROR`). Sending stops; only queries go on.
    #[error("a defect of the order, sending stops: {code}")]
    OrderDefect {
        /// The code.
        code: Box<str>,
    },
    /// The answer could not be read or verified. Its body is not shown.
    #[error("unreadable answer of {len} bytes (SHA-256 begins {digest:016x}): {error}")]
    Unreadable {
        /// Why.
        error: ReplyError,
        /// How long the body was, in bytes.
        len: usize,
        /// The first eight bytes of its SHA-256.
        digest: u64,
    },
    /// The answer speaks of another order, receiver or amount. It is neither success nor failure.
    #[error("{field} of the answer is not that of this order")]
    Mismatch {
        /// The wire name.
        field: &'static str,
    },
    /// The answer contradicts itself: a success that names a fault. It is neither success nor failure, and from now on no
    /// failure of this order is believed.
    #[error("the answer says success and names a fault")]
    Contradiction,
    /// The request could not be signed: the intent or the merchant's settings break a rule. Nothing was sent.
    #[error("cannot be signed: {0}")]
    Invalid(RequestError),
    /// There is evidence of success and of failure for this order.
    #[error("evidence of success and of failure")]
    Conflict,
    /// The window for resending is over; from now on the order is only queried.
    #[error("the window for resending is over, only queries go on")]
    WindowClosed,
    /// The machine gives up: see [`End::NeedsHuman`](super::End::NeedsHuman).
    #[error("given up, a person must decide")]
    GaveUp,
}
