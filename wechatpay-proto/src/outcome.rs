//! What an answer means for the money: accepted, failed, or unknown, which is the normal outcome of an attempt
//! that went wrong.

use std::borrow::Cow;

use crate::code::{Advice, ErrorCode};
use crate::reply::Head;
use crate::transport::Delivery;

/// What is certain about one order after one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome<'b> {
    /// The service took the order: it is, or was, paid out. A number that was paid before answers the same.
    Accepted,
    /// Definitely not paid: `SEND_FAILED` to a sending, or the status `FAILED` to a query, in an answer that names the
    /// order and tells of no claim and no refund. After a `SEND_FAILED` the official advice is to query once first, to be
    /// sure. Only now may the business choose a new `mch_billno`.
    ///
    /// A `SEND_FAILED` speaks of the request that it answers, **not of an earlier one that nobody answered**: that one may
    /// still arrive, and pay, after any time. While such an attempt is open the number is not free, whatever
    /// `SEND_FAILED` and `NOT_FOUND` say; only the status `FAILED` to a query frees it. [`payout`](crate::payout) keeps
    /// account of that.
    Failed,
    /// Not settled. Query the order, or send it again with the **same** `mch_billno` and the same parameters.
    Unknown(Reason<'b>),
}

/// Why the outcome is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason<'b> {
    /// The service named a code; [`advice`](Self::advice) says what to mend or wait for. It speaks of this attempt
    /// only and settles no attempt before it.
    Code(ErrorCode<'b>),
    /// The service refused to answer a query, and named a code. That says nothing about the order.
    QueryRefused(ErrorCode<'b>),
    /// Neither success nor a code: `return_code` FAIL, or no `result_code`.
    NoVerdict,
    /// A query says `SENDING`, perhaps with a `reason`. Never final.
    Sending {
        /// `reason`, for people.
        reason: Option<Cow<'b, str>>,
    },
    /// A query answered with a status that nobody has documented.
    UnknownStatus(Cow<'b, str>),
    /// The answer contradicts itself: both codes say SUCCESS and `err_code` names a fault, or a query says `FAILED` and
    /// tells of a claim, a refund or another amount as well. **Raise an alert.**
    Contradiction,
    /// The answer could not be read, verified or matched with its request.
    Unreadable,
    /// The transport failed, before this attempt was sent or when nobody knows whether it arrived.
    Transport(Delivery),
    /// The request broke a rule and was not sent; attempts before it are as open as they were.
    InvalidRequest,
}

impl Reason<'_> {
    /// What to do next. Never [`Advice::ConfirmThenNewNumber`]: an unknown outcome frees no number, whatever code came
    /// with it.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Code(code) => match code.advice() {
                Advice::ConfirmThenNewNumber => Advice::Query,
                advice => advice,
            },
            Self::QueryRefused(ErrorCode::NoAuth) => Advice::FixSetup,
            Self::QueryRefused(code) => match code.advice() {
                Advice::FixSetup | Advice::FixOrder => Advice::FixSetup,
                _ => Advice::Query,
            },
            Self::InvalidRequest => Advice::FixSetup,
            Self::Transport(Delivery::NotSent) => Advice::ResendSame,
            Self::Contradiction => Advice::FixOrder,
            _ => Advice::Query,
        }
    }

    /// The same reason, owning its text.
    pub fn into_owned(self) -> Reason<'static> {
        match self {
            Self::Code(code) => Reason::Code(code.into_owned()),
            Self::QueryRefused(code) => Reason::QueryRefused(code.into_owned()),
            Self::NoVerdict => Reason::NoVerdict,
            Self::Sending { reason } => {
                Reason::Sending { reason: reason.map(|reason| Cow::Owned(reason.into_owned())) }
            }
            Self::UnknownStatus(status) => Reason::UnknownStatus(Cow::Owned(status.into_owned())),
            Self::Contradiction => Reason::Contradiction,
            Self::Unreadable => Reason::Unreadable,
            Self::Transport(delivery) => Reason::Transport(delivery),
            Self::InvalidRequest => Reason::InvalidRequest,
        }
    }
}

impl<'b> Outcome<'b> {
    /// What an answer to a sending settles, for this one attempt. A failure needs the one code that frees a number, in an answer that names
    /// the order.
    pub(crate) fn of_sending(head: &Head<'b>, names_order: bool) -> Self {
        let dead = head.is_failure() && head.err_code == Some(ErrorCode::SendFailed);
        if head.is_success() {
            Self::Accepted
        } else if dead && names_order {
            Self::Failed
        } else {
            Self::Unknown(head.reason())
        }
    }
}

impl Outcome<'_> {
    /// Whether the service took the order.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted)
    }

    /// Whether the order is definitely not paid.
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed)
    }

    /// Whether nothing is settled.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// The same outcome, owning its text.
    pub fn into_owned(self) -> Outcome<'static> {
        match self {
            Self::Accepted => Outcome::Accepted,
            Self::Failed => Outcome::Failed,
            Self::Unknown(reason) => Outcome::Unknown(reason.into_owned()),
        }
    }
}
