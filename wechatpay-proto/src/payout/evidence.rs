//! What one answer, or its absence, says about an order.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::alert::Alert;
use super::intent::{Intent, leading};
use super::kind::{self, Unreadable};
use super::record::Package;
use crate::code::{Advice, ErrorCode};
use crate::error::ReplyError;
use crate::merchant::Merchant;
use crate::outcome::Reason;
use crate::wire::Fen;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// The order was sent.
    Send,
    /// The order was queried.
    Query,
}

/// What is certain after one answer about one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Accepted,
    Refunding,
    Received,
    Refunded(Option<Fen>),
    /// `SEND_FAILED` to a sending.
    SendFailed,
    /// `FAILED` to a query.
    Failed,
    /// Success and failure in one answer.
    Both,
    /// The answer contradicts itself in another way: it settles nothing, and no failure is believed any more.
    Contradiction,
    /// The answer names another payment (`send_listid`) than one before.
    Mismatch,
    Nothing(Reason<'static>),
}

/// One answer, read.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) fact: Fact,
    pub(super) send_listid: Option<Box<str>>,
    pub(super) package: Option<Package>,
}

/// Everything that the machine takes from one answer.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub(super) intent: Arc<Intent>,
    pub(super) asked: Asked,
    pub(super) answer: Answer,
    pub(super) alerts: Vec<Alert>,
}

impl Evidence {
    /// Reads an answer to a request of `intent`, however late it comes. What cannot be read, verified or matched says
    /// nothing about the order.
    pub fn read(
        intent: &Arc<Intent>,
        asked: Asked,
        merchant: &Merchant,
        response: &http::Response<Bytes>,
    ) -> Self {
        let read = match asked {
            Asked::Send => kind::read_send(intent, merchant, response),
            Asked::Query => kind::read_query(intent, merchant, response),
        };
        let mut alerts = Vec::new();
        let answer = match read {
            Ok(answer) => answer,
            Err(Unreadable::Reply(ReplyError::Correlation { field })) => {
                alerts.push(Alert::Mismatch { field });
                Answer::nothing(Reason::Unreadable)
            }
            Err(Unreadable::Reply(error)) => {
                let body = response.body();
                let digest = leading(&Sha256::digest(body));
                alerts.push(Alert::Unreadable { error, len: body.len(), digest });
                Answer::nothing(Reason::Unreadable)
            }
            Err(Unreadable::Request(error)) => {
                alerts.push(Alert::Invalid(error));
                Answer::nothing(Reason::InvalidRequest)
            }
        };
        match &answer.fact {
            Fact::Nothing(reason) => alerts.extend(alert_of(asked, reason)),
            Fact::Contradiction => alerts.push(Alert::Contradiction),
            _ => {}
        }
        Self { intent: Arc::clone(intent), asked, answer, alerts }
    }

    /// The code of a sending that was refused.
    pub(super) fn refusal(&self) -> Option<&ErrorCode<'static>> {
        match (&self.answer.fact, self.asked) {
            (Fact::Nothing(Reason::Code(code)), Asked::Send) => Some(code),
            _ => None,
        }
    }

    /// No answer came.
    pub(super) fn fault(intent: &Arc<Intent>, asked: Asked, reason: Reason<'static>) -> Self {
        Self { intent: Arc::clone(intent), asked, answer: Answer::nothing(reason), alerts: Vec::new() }
    }
}

impl Answer {
    pub(super) fn nothing(reason: Reason<'static>) -> Self {
        Self { fact: Fact::Nothing(reason), send_listid: None, package: None }
    }
}

/// What a person should hear of. That an order cannot be found is no news, nor that it is still on its way.
fn alert_of(asked: Asked, reason: &Reason<'static>) -> Option<Alert> {
    let (Reason::Code(code) | Reason::QueryRefused(code)) = reason else {
        return match reason {
            Reason::UnknownStatus(status) => Some(Alert::UnknownStatus { status: status.as_ref().into() }),
            Reason::NoVerdict => Some(Alert::NoVerdict),
            _ => None,
        };
    };
    let named = || Box::from(code.as_str());
    match (code, reason.advice()) {
        (ErrorCode::SystemError | ErrorCode::Processing | ErrorCode::NotFound | ErrorCode::FreqLimit, _) => {
            None
        }
        (ErrorCode::Other(_), _) => Some(Alert::UnknownCode { code: named() }),
        (_, Advice::FixOrder) => Some(Alert::OrderDefect { code: named() }),
        (ErrorCode::FatalError, _) if asked == Asked::Send => Some(Alert::OrderDefect { code: named() }),
        (_, Advice::FixSetup) => Some(Alert::SetupDefect { code: named() }),
        _ => Some(Alert::Refused { code: named() }),
    }
}
