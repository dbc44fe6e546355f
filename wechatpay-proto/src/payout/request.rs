//! Requests of a payout: the permission to send, the query, and what is in flight.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::alert::Alert;
use super::evidence::{Asked, Evidence};
use super::intent::Intent;
use super::kind;
use super::machine::{Holds, Locked, Payout, Unsaved, Waited, unless_ahead, whole_millis};
use super::now::{ClockError, Now};
use super::record::Plan;
use super::schedule;
use crate::error::RequestError;
use crate::merchant::Merchant;
use crate::nonce::Nonce;
use crate::outcome::Reason;
use crate::transport::{BaseUrl, Delivery};

/// The permission to send an order once. It can be had only from a record of the attempt that is on disk
/// ([`Unsaved::saved`](super::Unsaved::saved)), and it runs out.
#[derive(Debug)]
#[must_use = "an attempt that is not sent is void after a while"]
pub struct Attempt {
    payout: Payout,
    /// Whether an attempt before it was open.
    open: bool,
    /// By the steady clock.
    good_until: Duration,
    /// By the calendar.
    recorded: Duration,
}

impl Locked for Attempt {}
impl Holds for Attempt {
    fn payout(&self) -> &Payout {
        &self.payout
    }
}

impl Attempt {
    /// Puts an attempt on record. From now on nobody knows whether it was sent, until an answer says so.
    pub(super) fn record(mut payout: Payout, now: Now) -> Unsaved<Self> {
        let record = &mut payout.record;
        let open = std::mem::replace(&mut record.tainted, true);
        record.attempts = record.attempts.saturating_add(1);
        record.first = record.first.or(Some(record.seen));
        record.last = Some(record.seen);
        // If the answer never comes, nor this process back, whoever restores it queries first.
        let gap = payout.policy.settings().resend_gap;
        schedule::set(&mut payout, Plan::Query, gap);
        let good_until = now.steady.saturating_add(payout.policy.settings().attempt_life);
        let recorded = whole_millis(now.calendar);
        Unsaved::new(Self { payout, open, good_until, recorded }, Vec::new())
    }

    /// Signs the order with a fresh nonce. Everything else in it is as it was at every attempt.
    ///
    /// Where it cannot be sent any more, or not by this merchant, the payout comes back: nothing was sent.
    pub fn sign(
        self,
        now: Now,
        merchant: &Merchant,
        base: &BaseUrl,
        nonce: Nonce,
    ) -> Result<(http::Request<Bytes>, InFlight), Unsent> {
        let Self { mut payout, open, good_until, recorded } = self;
        let waited = Waited { open, ripe: false };
        let signed = check_time(&mut payout, now, good_until, recorded)
            .and_then(|()| check_merchant(&payout, merchant))
            .and_then(|()| Ok(kind::sign_send(&payout.intent, merchant, base, nonce)?));
        match signed {
            Ok(request) => {
                payout.sent = Some(payout.seen);
                Ok((request, InFlight { payout, asked: Asked::Send, waited }))
            }
            Err(error) => Err(Unsent::new(payout, now, Asked::Send, waited, error)),
        }
    }

    /// It is not sent after all.
    pub(super) fn withdraw(self, now: Now) -> Unsaved<Payout> {
        let Self { mut payout, open, .. } = self;
        let alerts = not_sent(&mut payout, now, Asked::Send, Waited { open, ripe: false });
        Unsaved::new(payout, alerts)
    }

    /// There is no nonce to sign it with.
    pub(super) fn give_up(self, now: Now, error: RequestError) -> Unsent {
        let waited = Waited { open: self.open, ripe: false };
        Unsent::new(self.payout, now, Asked::Send, waited, error.into())
    }
}

/// The wish to query an order. It needs no record before.
#[derive(Debug)]
#[must_use = "a query that is not sent settles nothing"]
pub struct Query {
    pub(super) payout: Payout,
}

impl Query {
    /// Whose it is.
    pub fn intent(&self) -> &Arc<Intent> {
        &self.payout.intent
    }

    /// Signs the query.
    pub fn sign(
        self,
        now: Now,
        merchant: &Merchant,
        base: &BaseUrl,
        nonce: Nonce,
    ) -> Result<(http::Request<Bytes>, InFlight), Unsent> {
        let Self { mut payout } = self;
        let lags = unless_ahead(payout.read_clocks(now));
        let waited = Waited { open: payout.record.tainted, ripe: schedule::failure_is_ripe(&payout) };
        let signed = lags
            .map_err(UnsentError::from)
            .and_then(|()| check_merchant(&payout, merchant))
            .and_then(|()| Ok(kind::sign_query(&payout.intent, merchant, base, nonce)?));
        match signed {
            Ok(request) => Ok((request, InFlight { payout, asked: Asked::Query, waited })),
            Err(error) => Err(Unsent::new(payout, now, Asked::Query, waited, error)),
        }
    }

    /// There is no nonce to sign it with.
    pub(super) fn give_up(self, now: Now, error: RequestError) -> Unsent {
        let waited = Waited { open: self.payout.record.tainted, ripe: false };
        Unsent::new(self.payout, now, Asked::Query, waited, error.into())
    }
}

/// Whether an attempt may still be sent. The steady clock of some systems stands still while they sleep; the calendar does
/// not, and counts here whether or not it is believed.
fn check_time(
    payout: &mut Payout,
    now: Now,
    good_until: Duration,
    recorded: Duration,
) -> Result<(), UnsentError> {
    unless_ahead(payout.read_clocks(now))?;
    let age = now.calendar.saturating_sub(recorded);
    let void = now.steady > good_until || age > payout.policy.settings().attempt_life;
    if void { Err(UnsentError::Expired) } else { Ok(()) }
}

fn check_merchant(payout: &Payout, merchant: &Merchant) -> Result<(), UnsentError> {
    if payout.intent.mch_id() == merchant.mch_id() { Ok(()) } else { Err(UnsentError::OtherMerchant) }
}

/// Nothing left this process.
fn not_sent(payout: &mut Payout, now: Now, asked: Asked, waited: Waited) -> Vec<Alert> {
    payout.see(now);
    let evidence = Evidence::fault(&payout.intent, asked, Reason::Transport(Delivery::NotSent));
    payout.learn(evidence, Some(waited))
}

/// A request that was handed out, and the payout that waits for its answer. While it exists, nothing else can be asked for.
#[derive(Debug)]
#[must_use = "tell it the answer, or the fault"]
pub struct InFlight {
    payout: Payout,
    asked: Asked,
    waited: Waited,
}

impl InFlight {
    /// Whose it is.
    pub fn intent(&self) -> &Arc<Intent> {
        &self.payout.intent
    }

    /// What was asked.
    pub fn asked(&self) -> Asked {
        self.asked
    }

    /// The answer came.
    pub fn answer(self, now: Now, merchant: &Merchant, response: &http::Response<Bytes>) -> Unsaved<Payout> {
        let evidence = Evidence::read(&self.payout.intent, self.asked, merchant, response);
        self.learn(now, evidence)
    }

    /// No answer came. "Not sent" shortens the wait; it never changes what is known.
    pub fn fault(self, now: Now, delivery: Delivery) -> Unsaved<Payout> {
        let evidence = Evidence::fault(&self.payout.intent, self.asked, Reason::Transport(delivery));
        self.learn(now, evidence)
    }

    /// What was read of the answer elsewhere ([`Evidence::read`]). An answer to the other request, a sending's for a query
    /// or a query's for a sending, is heard, and this request stays without one.
    pub fn learn(self, now: Now, evidence: Evidence) -> Unsaved<Payout> {
        let Self { mut payout, asked, waited } = self;
        payout.see(now);
        let (mut alerts, mut own) = (Vec::new(), evidence);
        if own.asked != asked {
            alerts = payout.learn(own, None);
            own = Evidence::fault(&payout.intent, asked, Reason::Unreadable);
        }
        alerts.extend(payout.learn(own, Some(waited)));
        Unsaved::new(payout, alerts)
    }
}

/// A request that was not made. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unsent {
    payout: Box<Unsaved<Payout>>,
    #[source]
    error: UnsentError,
}

impl Unsent {
    fn new(mut payout: Payout, now: Now, asked: Asked, waited: Waited, error: UnsentError) -> Self {
        let mut alerts = not_sent(&mut payout, now, asked, waited);
        if let UnsentError::Request(error) = &error {
            alerts.push(Alert::Invalid(error.clone()));
        }
        Self { payout: Box::new(Unsaved::new(payout, alerts)), error }
    }

    /// Why.
    pub fn error(&self) -> &UnsentError {
        &self.error
    }

    /// The payout, which will try again later.
    pub fn into_payout(self) -> Unsaved<Payout> {
        *self.payout
    }
}

/// Why a request was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsentError {
    /// The permission to send has run out: too much time went by since the attempt was put on record.
    #[error("the attempt was not sent in time")]
    Expired,
    /// A clock went back since the payout was asked what it wants.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The intent is another merchant's.
    #[error("the intent is another merchant's")]
    OtherMerchant,
    /// The intent or the merchant's settings break a rule.
    #[error(transparent)]
    Request(#[from] RequestError),
}
