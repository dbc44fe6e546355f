//! Requests of a payout: the permission to send, the query, and what is in flight.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::alert::Alert;
use super::evidence::{Asked, Evidence};
use super::intent::Intent;
use super::kind;
use super::machine::{Holds, Locked, Payout, Unsaved};
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
    /// Whether anything was open before it.
    tainted: bool,
    /// By the steady clock.
    good_until: Duration,
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
        let tainted = std::mem::replace(&mut record.tainted, true);
        record.attempts = record.attempts.saturating_add(1);
        record.first = record.first.or(Some(record.seen));
        record.last = Some(record.seen);
        // If the answer never comes, nor this process back, whoever restores it queries first.
        let gap = payout.policy.settings().resend_gap;
        schedule::set(&mut payout, Plan::Query, gap);
        let good_until = now.steady.saturating_add(payout.policy.settings().attempt_life);
        Unsaved::new(Self { payout, tainted, good_until }, Vec::new())
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
        let good = self.check_time(now);
        let Self { mut payout, tainted, .. } = self;
        let signed = good
            .and_then(|()| check_merchant(&payout, merchant))
            .and_then(|()| Ok(kind::sign_send(&payout.intent, merchant, base, nonce)?));
        match signed {
            Ok(request) => {
                payout.see(now);
                payout.sent = Some(payout.seen);
                Ok((request, InFlight { payout, asked: Asked::Send, tainted }))
            }
            Err(error) => Err(Unsent::new(payout, now, Asked::Send, tainted, error)),
        }
    }

    /// Whether it may still be sent. The steady clock of some systems stands still while they sleep; the calendar does not.
    fn check_time(&self, now: Now) -> Result<(), UnsentError> {
        self.payout.check_clocks(now)?;
        let age = now.calendar.saturating_sub(self.payout.record.last.unwrap_or_default());
        let void = now.steady > self.good_until || age > self.payout.policy.settings().attempt_life;
        if void { Err(UnsentError::Expired) } else { Ok(()) }
    }

    /// It is not sent after all.
    pub(super) fn withdraw(self, now: Now) -> Unsaved<Payout> {
        let Self { mut payout, tainted, .. } = self;
        let alerts = not_sent(&mut payout, now, Asked::Send, tainted);
        Unsaved::new(payout, alerts)
    }

    /// There is no nonce to sign it with.
    pub(super) fn give_up(self, now: Now, error: RequestError) -> Unsent {
        Unsent::new(self.payout, now, Asked::Send, self.tainted, error.into())
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
        let tainted = payout.record.tainted;
        let signed = payout
            .check_clocks(now)
            .map_err(UnsentError::from)
            .and_then(|()| check_merchant(&payout, merchant))
            .and_then(|()| Ok(kind::sign_query(&payout.intent, merchant, base, nonce)?));
        match signed {
            Ok(request) => {
                payout.see(now);
                Ok((request, InFlight { payout, asked: Asked::Query, tainted }))
            }
            Err(error) => Err(Unsent::new(payout, now, Asked::Query, tainted, error)),
        }
    }

    /// There is no nonce to sign it with.
    pub(super) fn give_up(self, now: Now, error: RequestError) -> Unsent {
        let tainted = self.payout.record.tainted;
        Unsent::new(self.payout, now, Asked::Query, tainted, error.into())
    }
}

fn check_merchant(payout: &Payout, merchant: &Merchant) -> Result<(), UnsentError> {
    if payout.intent.mch_id() == merchant.mch_id() { Ok(()) } else { Err(UnsentError::OtherMerchant) }
}

/// Nothing left this process.
fn not_sent(payout: &mut Payout, now: Now, asked: Asked, tainted: bool) -> Vec<Alert> {
    payout.see(now);
    let evidence = Evidence::fault(&payout.intent, asked, Reason::Transport(Delivery::NotSent));
    payout.learn(evidence, Some(tainted))
}

/// A request that was handed out, and the payout that waits for its answer. While it exists, nothing else can be asked for.
#[derive(Debug)]
#[must_use = "tell it the answer, or the fault"]
pub struct InFlight {
    payout: Payout,
    asked: Asked,
    tainted: bool,
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
        let Self { mut payout, asked, tainted } = self;
        payout.see(now);
        let (mut alerts, mut own) = (Vec::new(), evidence);
        if own.asked != asked {
            alerts = payout.learn(own, None);
            own = Evidence::fault(&payout.intent, asked, Reason::Unreadable);
        }
        alerts.extend(payout.learn(own, Some(tainted)));
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
    fn new(mut payout: Payout, now: Now, asked: Asked, tainted: bool, error: UnsentError) -> Self {
        let mut alerts = not_sent(&mut payout, now, asked, tainted);
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
