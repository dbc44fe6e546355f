//! Faults made in Rust, and what each is by nature: its name, whether it needs a plan, where it can strike.

use std::time::Duration;

use wechatpay_proto::endpoint::Trust;

use super::{Content, CutAt, Fault, FaultRule, Http, Latency, Mistaken, SignFlaw};
use crate::engine;
use crate::outcome::{End, TlsFlaw};

impl Fault {
    /// The request never arrives: the connection is reset, nothing is carried out.
    pub fn request_lost() -> Self {
        Self::RequestLost { ending: End::Reset }
    }

    /// The request is carried out, and the connection is reset.
    pub fn reply_lost() -> Self {
        Self::ReplyLost { ending: End::Reset }
    }

    /// The request is carried out, and the answer says SYSTEMERROR.
    pub fn applied_then_error() -> Self {
        Self::AppliedThenError { code: None, status: None }
    }

    /// The request is carried out, and the answer is a page of the web server in front: 500, 502, 503 or 504.
    pub fn applied_then_status(status: u16) -> Self {
        Self::AppliedThenError { code: None, status: Some(status) }
    }

    /// The answer says SUCCESS, and nothing was carried out.
    pub fn not_applied_but_ok() -> Self {
        Self::NotAppliedButOk
    }

    /// The order is answered PROCESSING, and paid so much later.
    pub fn late_commit(after: Duration) -> Self {
        Self::LateCommit { after, fails: false }
    }

    /// The order is answered PROCESSING, and fails so much later.
    pub fn late_failure(after: Duration) -> Self {
        Self::LateCommit { after, fails: true }
    }

    /// The connection is reset, and the request arrives so much later.
    pub fn late_arrival(after: Duration) -> Self {
        Self::LateArrival { after, ending: End::Reset }
    }

    /// The request is carried out twice, and the client gets the second answer.
    pub fn duplicate_delivery() -> Self {
        Self::DuplicateDelivery { first: false }
    }

    /// A refusal with this `err_code` and its usual text. Needs a plan.
    pub fn err(code: impl Into<String>) -> Self {
        Self::ErrCode { code: code.into(), text: None }
    }

    /// The order stays SENDING for ever.
    pub fn stuck() -> Self {
        Self::StuckState { polls: None, reason: None }
    }

    /// The order stays SENDING for so many queries, and is paid then.
    pub fn stuck_for(polls: u32) -> Self {
        Self::StuckState { polls: Some(polls), reason: None }
    }

    /// A field of the answer says something else than the truth. Needs a plan.
    pub fn wrong_echo(field: impl Into<String>) -> Self {
        Self::WrongEcho { field: field.into(), value: None }
    }

    /// The sign of the answer is not what it should be. Needs a plan.
    pub fn reply_sign(how: SignFlaw) -> Self {
        Self::ReplySign { how }
    }

    /// The document of the answer is not what it should be. Needs a plan.
    pub fn content(how: Content) -> Self {
        Self::Content(how)
    }

    /// The HTTP of the answer is not what it should be. Needs a plan.
    pub fn http(how: Http) -> Self {
        Self::Http(how)
    }

    /// A page of the web server in front, 400 to 599. Needs a plan.
    pub fn status(status: u16) -> Self {
        Self::Http(Http::Status { status })
    }

    /// The answer comes so late.
    pub fn latency(by: Duration) -> Self {
        Self::Latency(Latency::Fixed { by })
    }

    /// The answer comes late by anything between two bounds.
    pub fn latency_uniform(from: Duration, to: Duration) -> Self {
        Self::Latency(Latency::Uniform { from, to })
    }

    /// The answer comes late, half of the time by less than the median; `sigma` is 0 to 3.
    pub fn latency_lognormal(median: Duration, sigma: f64) -> Self {
        Self::Latency(Latency::Lognormal { median, sigma })
    }

    /// The answer comes in pieces of so many bytes, with a pause before each but the first.
    pub fn drip(chunk: usize, gap: Duration) -> Self {
        Self::Drip { chunk, gap }
    }

    /// The connection ends within the answer. Needs a plan.
    pub fn cut(at: CutAt, ending: End) -> Self {
        Self::Cut { at, ending }
    }

    /// Connections are refused.
    pub fn refuse() -> Self {
        Self::Refuse
    }

    /// Connections are taken, and nothing more comes.
    pub fn silence() -> Self {
        Self::Silence
    }

    /// TLS is not what it should be.
    pub fn tls(how: TlsFlaw) -> Self {
        Self::Tls { how }
    }

    /// The client certificate is taken for something else.
    pub fn client_certificate(taken_for: Mistaken) -> Self {
        Self::ClientCertificate { taken_for }
    }

    /// More than `most` requests of a merchant in any such time answer FREQ_LIMIT.
    pub fn rate_limit(most: u32, per: Duration) -> Self {
        Self::RateLimit { most, per }
    }

    /// The service's clock is ahead.
    pub fn clock_ahead(by: Duration) -> Self {
        Self::ClockSkew { by, behind: false }
    }

    /// The service's clock is behind.
    pub fn clock_behind(by: Duration) -> Self {
        Self::ClockSkew { by, behind: true }
    }

    /// A rule for all requests, which are carried out.
    pub fn applied(self) -> FaultRule {
        FaultRule::new(self).applied()
    }

    /// A rule for all requests, which are not carried out.
    pub fn not_applied(self) -> FaultRule {
        FaultRule::new(self).not_applied()
    }

    /// A rule for all requests, which are carried out so much later.
    pub fn later(self, after: Duration) -> FaultRule {
        FaultRule::new(self).later(after)
    }

    /// A rule for one endpoint: its path, or the last part of it.
    pub fn on(self, path: impl Into<String>) -> FaultRule {
        FaultRule::new(self).on(path)
    }

    /// Its name, as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RequestLost { .. } => "request_lost",
            Self::ReplyLost { .. } => "reply_lost",
            Self::AppliedThenError { .. } => "applied_then_error",
            Self::NotAppliedButOk => "not_applied_but_ok",
            Self::LateCommit { .. } => "late_commit",
            Self::LateArrival { .. } => "late_arrival",
            Self::DuplicateDelivery { .. } => "duplicate_delivery",
            Self::ErrCode { .. } => "err_code",
            Self::StuckState { .. } => "stuck_state",
            Self::WrongEcho { .. } => "wrong_echo",
            Self::ReplySign { .. } => "reply_sign",
            Self::Content(_) => "content",
            Self::Http(_) => "http",
            Self::Latency(_) => "latency",
            Self::Drip { .. } => "drip",
            Self::Cut { .. } => "cut",
            Self::Refuse => "refuse",
            Self::Silence => "silence",
            Self::Tls { .. } => "tls",
            Self::ClientCertificate { .. } => "client_certificate",
            Self::RateLimit { .. } => "rate_limit",
            Self::ClockSkew { .. } => "clock_skew",
        }
    }

    /// Whether a rule with it must say what becomes of the money; all others must not.
    pub fn needs_commit(&self) -> bool {
        matches!(
            self,
            Self::ErrCode { .. }
                | Self::WrongEcho { .. }
                | Self::ReplySign { .. }
                | Self::Content(_)
                | Self::Http(_)
                | Self::Cut { .. }
        )
    }

    /// Whether it strikes a connection, before there is a request.
    pub fn strikes_connections(&self) -> bool {
        matches!(self, Self::Refuse | Self::Silence | Self::Tls { .. })
    }

    /// Why it can do nothing at a path; `None` where it can.
    pub(super) fn misfit(&self, path: &str) -> Option<&'static str> {
        let signed = || engine::spec(path).map(|spec| spec.trust != Trust::TransportOnly);
        match self {
            Self::LateCommit { .. } | Self::StuckState { .. } if !sends(path) => {
                Some("it is about orders that are sent, and nothing is sent there")
            }
            Self::ReplySign { how: SignFlaw::Missing } if signed() != Some(true) => {
                Some("answers carry no sign there, so none can be missing")
            }
            Self::ReplySign { how: SignFlaw::Unexpected } if signed() != Some(false) => {
                Some("answers carry a sign there, so none is unexpected")
            }
            _ => None,
        }
    }
}

/// Whether something is sent at a path, and not queried.
pub(super) fn sends(path: &str) -> bool {
    engine::spec(path)
        .is_some_and(|spec| spec.path.rsplit('/').next().is_some_and(|name| name.starts_with("send")))
}
