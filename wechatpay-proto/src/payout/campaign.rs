//! Many payouts at once: fair, within the rate, never two requests for one of them. Still no I/O.

mod action;
mod home;
mod progress;
mod queue;
mod turn;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::bucket::TokenBucket;
use super::clocks::{Clocks, Reading};
use super::evidence::{Asked, Evidence};
use super::intent::Intent;
use super::machine::Payout;
use super::now::{ClockError, Now};
use super::policy::Policy;
use super::request::Attempt;
use super::snapshot::Snapshot;
use crate::failover::{Event, Failover};
use crate::merchant::Merchant;
use crate::nonce::NonceBytes;
use crate::transport::{BaseUrl, Delivery};
use action::Locked;
pub use action::{Action, AddError, Flight, Save};
pub use progress::Progress;
use queue::Queue;

/// Leads many payouts of one merchant. Ask it what to do ([`poll`](Self::poll)), do it, and tell it how that went.
///
/// `N` is a source of nonces, as of a [`Client`](crate::Client).
pub struct Campaign<N> {
    merchant: Merchant,
    policy: Policy,
    nonce: N,
    base: BaseUrl,
    failover: Option<Failover>,
    slots: HashMap<Arc<str>, Slot>,
    /// The numbers of the business ids that it holds.
    business_ids: HashMap<Box<str>, Arc<str>>,
    /// Those that wait for their time.
    timers: Queue,
    /// Those whose time has come, in the order in which it came.
    sends: VecDeque<Arc<str>>,
    queries: VecDeque<Arc<str>>,
    /// Attempts that are on record and wait for the rate.
    recorded: VecDeque<(Arc<str>, Attempt)>,
    /// How many attempts wait for their record or for the rate.
    waiting: usize,
    /// What is to be written.
    unsaved: VecDeque<Save>,
    /// Writes that failed, until it is time to try again.
    failed_writes: VecDeque<(Duration, Save)>,
    events: VecDeque<Action>,
    send_bucket: TokenBucket,
    query_bucket: TokenBucket,
    /// No attempt is made before.
    paused_until: Duration,
    /// Whether a query goes first next time, where both could go.
    query_first: bool,
    clocks: Option<Clocks>,
    progress: Progress,
}

/// One payout that a campaign holds.
#[derive(Debug)]
struct Slot {
    intent: Arc<Intent>,
    /// The payout itself, unless it is in a [`Save`], an attempt or a [`Flight`].
    here: Option<Payout>,
    /// Answers that nobody waited for, and that came while it was not here.
    late: Vec<Evidence>,
    /// The time of its entry among the timers. Any other entry is an old one.
    timer: Option<Duration>,
}

impl<N> fmt::Debug for Campaign<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut campaign = f.debug_struct("Campaign");
        campaign.field("merchant", &self.merchant).field("progress", &self.progress).finish_non_exhaustive()
    }
}

/// How long a write that failed is left alone.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

impl<N, B> Campaign<N>
where
    N: FnMut() -> B,
    B: NonceBytes,
{
    /// A campaign of `merchant` on the production host.
    pub fn new(merchant: Merchant, policy: &Policy, nonce: N) -> Self {
        let settings = policy.settings();
        Self {
            merchant,
            policy: policy.clone(),
            nonce,
            base: BaseUrl::default(),
            failover: settings
                .failover
                .map(|thresholds| Failover::new(BaseUrl::default(), BaseUrl::backup(), thresholds)),
            slots: HashMap::new(),
            business_ids: HashMap::new(),
            timers: Queue::default(),
            sends: VecDeque::new(),
            queries: VecDeque::new(),
            recorded: VecDeque::new(),
            waiting: 0,
            unsaved: VecDeque::new(),
            failed_writes: VecDeque::new(),
            events: VecDeque::new(),
            send_bucket: TokenBucket::new(settings.sends_per_second, settings.burst),
            query_bucket: TokenBucket::new(settings.queries_per_second, settings.burst),
            paused_until: Duration::ZERO,
            query_first: false,
            clocks: None,
            progress: Progress::default(),
        }
    }

    /// The same campaign on another host, such as a mock; the policy's failover then has no part in it.
    #[must_use]
    pub fn with_base(self, base: BaseUrl) -> Self {
        Self { base, failover: None, ..self }
    }

    /// The same campaign on two hosts of one's own.
    #[must_use]
    pub fn with_failover(self, failover: Failover) -> Self {
        Self { failover: Some(failover), ..self }
    }

    /// Takes a payout in, as it stands on disk.
    pub fn add(
        &mut self,
        now: Now,
        intent: impl Into<Arc<Intent>>,
        snapshot: &Snapshot,
    ) -> Result<(), AddError> {
        let intent = intent.into();
        if intent.mch_id() != self.merchant.mch_id() {
            return Err(AddError::OtherMerchant);
        }
        let by_id = self.business_ids.get(intent.business_id()).and_then(|number| self.slots.get(number));
        if let Some(held) = self.slots.get(intent.mch_billno()).or(by_id) {
            let same = *held.intent == *intent;
            let (business_id, mch_billno) =
                (held.intent.business_id().into(), held.intent.mch_billno().into());
            return Err(if same {
                AddError::Duplicate { business_id, mch_billno }
            } else {
                AddError::Changed { business_id, mch_billno }
            });
        }
        let payout = Payout::restore(Arc::clone(&intent), &self.policy, snapshot, now)?;
        let number: Arc<str> = intent.mch_billno().into();
        self.business_ids.insert(intent.business_id().into(), Arc::clone(&number));
        self.slots.insert(Arc::clone(&number), Slot { intent, here: None, late: Vec::new(), timer: None });
        self.progress.held += 1;
        self.rest(number, payout);
        Ok(())
    }

    /// What to do now. Ask again at once after anything but [`Action::Wait`].
    ///
    /// An error where a clock went back behind a time on record: that payout is not touched. Ask again after a while; the
    /// others are led on. An error too where the calendar jumped ahead: nobody is led on until it comes back, or has stayed
    /// there for ten minutes.
    pub fn poll(&mut self, now: Now) -> Result<Action, ClockError> {
        while self.failed_writes.front().is_some_and(|(at, _)| *at <= now.steady) {
            self.unsaved.extend(self.failed_writes.pop_front().map(|(_, save)| save));
        }
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if let Some(save) = self.unsaved.pop_front() {
                self.progress.writes += 1;
                return Ok(Action::Save(save));
            }
            self.wake(now.steady);
            let Some(step) = self.choose(now.steady) else {
                return Ok(Action::Wait { until: self.until(now.steady) });
            };
            self.check_calendar(now)?;
            if let Some(action) = self.step(step, now)? {
                return Ok(action);
            }
        }
    }

    /// A calendar that jumps ahead stops all of them at once, and until it is believed or comes back.
    fn check_calendar(&mut self, now: Now) -> Result<(), ClockError> {
        let tolerance = self.policy.settings().clock_tolerance;
        match self.clocks.get_or_insert_with(|| Clocks::new(now)).read(now, tolerance) {
            Reading::Apart { error: error @ ClockError::Jump { .. }, .. } => Err(error),
            _ => Ok(()),
        }
    }

    /// A snapshot is on disk.
    pub fn saved(&mut self, save: Save) {
        match save.what {
            Locked::Attempt(unsaved) => self.recorded.push_back((save.number, unsaved.saved())),
            Locked::Payout(unsaved) => self.home(save.number, unsaved.saved()),
        }
    }

    /// A snapshot could not be written. What waits for it goes on waiting, and it is offered again after a second.
    pub fn not_saved(&mut self, now: Now, save: Save) {
        self.progress.failed_writes += 1;
        self.failed_writes.push_back((now.steady.saturating_add(WRITE_AGAIN), save));
    }

    /// A snapshot is not ours to write any more, because the payout went to another worker. It is forgotten here.
    pub fn lost(&mut self, save: Save) {
        if save.is_attempt() {
            self.waiting = self.waiting.saturating_sub(1);
            self.leave();
        }
        self.forget(&save.number);
    }

    /// The answer to a request came.
    pub fn answer(&mut self, now: Now, flight: Flight, response: &http::Response<Bytes>) {
        self.report(flight.route, Event::Success);
        let Flight { number, in_flight, .. } = flight;
        let evidence = Evidence::read(in_flight.intent(), in_flight.asked(), &self.merchant, response);
        self.pause_after(now, &evidence);
        self.landed(number, in_flight.learn(now, evidence));
    }

    /// No answer came.
    pub fn fault(&mut self, now: Now, flight: Flight, delivery: Delivery) {
        // What was not sent found no host. Anything else may lie in this one call.
        self.report(
            flight.route,
            match delivery {
                Delivery::NotSent => Event::ConnectTimeout,
                Delivery::MaybeSent => Event::Other,
            },
        );
        self.landed(flight.number, flight.in_flight.fault(now, delivery));
    }

    /// An answer to `mch_billno` that nobody waits for any more. `false` where the campaign does not hold the payout: then
    /// restore it from the store, and let it [hear](Payout::hear) the answer.
    #[must_use = "where it is false, the answer was not taken in"]
    pub fn late_answer(
        &mut self,
        now: Now,
        mch_billno: &str,
        asked: Asked,
        response: &http::Response<Bytes>,
    ) -> bool {
        let Some((number, slot)) = self.slots.get_key_value(mch_billno) else { return false };
        let (number, evidence) =
            (Arc::clone(number), Evidence::read(&slot.intent, asked, &self.merchant, response));
        match self.slots.get_mut(mch_billno) {
            Some(Slot { here: here @ Some(_), .. }) => {
                if let Some(payout) = here.take() {
                    self.write(number, payout.hear(now, evidence));
                }
            }
            Some(slot) => slot.late.push(evidence),
            None => {}
        }
        true
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The merchant whose payouts it leads.
    pub fn merchant(&self) -> &Merchant {
        &self.merchant
    }

    /// How many payouts it holds.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it holds none, and has nothing left to tell.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.events.is_empty()
    }
}
