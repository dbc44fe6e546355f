//! The fault that a request meets: how the request is carried out, and what is answered.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use wechatpay_proto::ErrorCode;

use super::{Fault, Plan, shape, texts};
use crate::account::Account;
use crate::answer::Refusal;
use crate::arrival::Arrival;
use crate::clock::Time;
use crate::outcome::Effect;
use crate::packet::{Hold, Until};
use crate::rules::Rules;

/// A fault that a request meets.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    /// Its number; 0 for one that the request asked for itself.
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    /// What becomes of the request, where the fault does not say.
    pub(super) plan: Option<Plan>,
    /// What was drawn for this request.
    pub(super) draw: u64,
    /// Whether the request sends something, and does not query.
    pub(super) sends: bool,
    /// A plain text in place of the page of the web server in front.
    pub(super) complaint: Option<String>,
}

/// Whether, when and how often a request is carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Carry {
    /// Once, now.
    Now,
    /// Now, and what it leaves is undone: only the answer stays.
    Rehearsed,
    /// So much later; the answer is a rehearsal's.
    Later(Duration),
    /// Twice, now; the client gets the second answer, or the first.
    Twice { first: bool },
    /// Now, and an order that is taken is held, for a reason that queries show.
    Held { hold: Hold, reason: Option<String> },
}

impl Chosen {
    /// The number and the name of the fault, for the journal.
    pub(crate) fn mark(&self) -> (u64, &'static str) {
        (self.id, self.fault.name())
    }

    pub(crate) fn carry(&self, now: Time) -> Carry {
        match &self.fault {
            Fault::RequestLost { .. } | Fault::NotAppliedButOk | Fault::RateLimit { .. } => Carry::Rehearsed,
            Fault::LateArrival { after, .. } => Carry::Later(*after),
            Fault::DuplicateDelivery { first } => Carry::Twice { first: *first },
            Fault::LateCommit { after, fails } => {
                let hold = Hold { until: Until::Time(now.after(*after)), fails: *fails, processing: true };
                Carry::Held { hold, reason: None }
            }
            Fault::StuckState { polls, reason } => {
                // The query behind the last that is to find it SENDING finds it paid.
                let until = polls.map_or(Until::Never, |polls| Until::Polls(polls.saturating_add(1)));
                let hold = Hold { until, fails: false, processing: true };
                Carry::Held { hold, reason: reason.clone() }
            }
            _ => match self.plan {
                Some(Plan::Applied) | None => Carry::Now,
                Some(Plan::NotApplied) => Carry::Rehearsed,
                Some(Plan::Later(after)) => Carry::Later(after),
            },
        }
    }

    /// The refusal that is answered whatever came out.
    pub(crate) fn refusal(&self, rules: &Rules) -> Option<Refusal> {
        match &self.fault {
            Fault::AppliedThenError { status: Some(_), .. } => None,
            Fault::AppliedThenError { code, .. } => {
                let code = code.as_deref().unwrap_or(ErrorCode::SystemError.as_str());
                Some(texts::refusal(code, None, self.sends, rules))
            }
            Fault::ErrCode { code, text } => Some(texts::refusal(code, text.as_deref(), self.sends, rules)),
            Fault::RateLimit { .. } => {
                Some(texts::refusal(ErrorCode::FreqLimit.as_str(), None, self.sends, rules))
            }
            _ => None,
        }
    }

    /// What the peer gets in place of an answer, and how late.
    pub(crate) fn shape(&self, response: Response<Bytes>, merchant: Option<&Account>) -> (Duration, Effect) {
        match (&self.fault, &self.complaint) {
            (_, Some(text)) => (Duration::ZERO, Effect::Reply(shape::complaint(response, text))),
            (Fault::Latency(latency), None) => (shape::delay(latency, self.draw), Effect::Reply(response)),
            (fault, None) => (Duration::ZERO, shape::shape(fault, response, merchant, self.draw)),
        }
    }
}

impl Fault {
    /// The time by which the service goes.
    pub(crate) fn skewed(&self, now: Time) -> Time {
        match self {
            Self::ClockSkew { by, behind: false } => now.after(*by),
            Self::ClockSkew { by, behind: true } => now.before(*by),
            _ => now,
        }
    }

    /// What the arrival is taken for. Where there is no certificate, there is none to be mistaken.
    pub(crate) fn mistaken(&self, arrival: &Arrival) -> Arrival {
        match self {
            Self::ClientCertificate { taken_for } => arrival.taken_for(*taken_for),
            _ => arrival.clone(),
        }
    }
}
