//! Many payouts at once: fair, within the rate, never two requests for one of them. Still no I/O.

mod progress;
mod queue;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::alert::Alert;
use super::bucket::TokenBucket;
use super::evidence::{Asked, Evidence};
use super::intent::Intent;
use super::machine::{Done, Next, Payout, Unsaved};
use super::now::{ClockError, Now};
use super::policy::Policy;
use super::request::{Attempt, InFlight, Query};
use super::snapshot::{Snapshot, SnapshotError};
use crate::code::ErrorCode;
use crate::failover::{Event, Failover, Route};
use crate::merchant::Merchant;
use crate::nonce::NonceBytes;
use crate::transport::{BaseUrl, Delivery};
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

/// What to do.
#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is moved once")]
pub enum Action {
    /// Write a snapshot, then call [`Campaign::saved`]; or [`Campaign::not_saved`], or [`Campaign::lost`]. Several may be
    /// collected and written at once.
    Save(Save),
    /// Send a request, then call [`Campaign::answer`] or [`Campaign::fault`].
    Send {
        /// It, signed.
        request: http::Request<Bytes>,
        /// What waits for its answer.
        flight: Flight,
    },
    /// Tell a person.
    Alert {
        /// Whose payout it is about.
        intent: Arc<Intent>,
        /// What.
        alert: Alert,
    },
    /// A payout is done; its last snapshot is on disk, and the campaign has forgotten it. An answer that came during that
    /// last write is in it too, and need not be on disk.
    Done(Done),
    /// A payout waits for long; its snapshot is on disk, and the campaign has forgotten it
    /// ([`Settings::park`](super::Settings::park)). Release it in the store.
    Parked {
        /// Whose.
        intent: Arc<Intent>,
        /// When it wants to go on: calendar time since 1970.
        wake_at: Duration,
    },
    /// Nothing before `until`, by the steady clock; `None` where something must be reported first, or nothing is left.
    Wait {
        /// When.
        until: Option<Duration>,
    },
}

impl fmt::Debug for Action {
    /// Without the request, whose body names the receiver.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Save(save) => f.debug_tuple("Save").field(save).finish(),
            Self::Send { flight, .. } => {
                f.debug_struct("Send").field("flight", flight).finish_non_exhaustive()
            }
            Self::Alert { intent, alert } => {
                f.debug_struct("Alert").field("intent", intent).field("alert", alert).finish()
            }
            Self::Done(done) => f.debug_tuple("Done").field(done).finish(),
            Self::Parked { intent, wake_at } => {
                f.debug_struct("Parked").field("intent", intent).field("wake_at", wake_at).finish()
            }
            Self::Wait { until } => f.debug_struct("Wait").field("until", until).finish(),
        }
    }
}

/// A snapshot to write, and what is had once it is written.
#[derive(Debug)]
#[must_use = "write its snapshot, then give it back to the campaign"]
pub struct Save {
    number: Arc<str>,
    what: Locked,
}

#[derive(Debug)]
enum Locked {
    Attempt(Unsaved<Attempt>),
    Payout(Unsaved<Payout>),
}

impl Save {
    /// What to write.
    pub fn snapshot(&self) -> Snapshot {
        match &self.what {
            Locked::Attempt(unsaved) => unsaved.snapshot(),
            Locked::Payout(unsaved) => unsaved.snapshot(),
        }
    }

    /// Whose it is.
    pub fn intent(&self) -> &Arc<Intent> {
        match &self.what {
            Locked::Attempt(unsaved) => unsaved.intent(),
            Locked::Payout(unsaved) => unsaved.intent(),
        }
    }

    /// Whether a sending waits for it.
    pub fn is_attempt(&self) -> bool {
        matches!(self.what, Locked::Attempt(_))
    }

    /// Whether the payout has come to its end with it.
    pub fn is_done(&self) -> bool {
        match &self.what {
            Locked::Attempt(_) => false,
            Locked::Payout(unsaved) => unsaved.is_done(),
        }
    }
}

/// What waits for the answer to a request.
///
/// Keep it where it outlives the request, as beside a future that may be cancelled: a request whose end nobody saw is a
/// [`fault`](Campaign::fault), [`Delivery::MaybeSent`]. One that is dropped leaves its payout out, and its place in flight
/// taken, as long as this campaign lives; the store has the payout still, for another.
#[derive(Debug)]
#[must_use = "give it back to the campaign with the answer or the fault"]
pub struct Flight {
    number: Arc<str>,
    route: Route,
    in_flight: InFlight,
}

impl Flight {
    /// Whose it is.
    pub fn intent(&self) -> &Arc<Intent> {
        self.in_flight.intent()
    }

    /// What was asked.
    pub fn asked(&self) -> Asked {
        self.in_flight.asked()
    }
}

/// A payout that is not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The campaign has it already.
    #[error("{business_id:?} is under way already, as mch_billno {mch_billno}")]
    Duplicate {
        /// Its business id.
        business_id: Box<str>,
        /// Its number.
        mch_billno: Box<str>,
    },
    /// The campaign has another intent with this business id, or with this number.
    #[error("{business_id:?} is under way as mch_billno {mch_billno}, with other parameters")]
    Changed {
        /// The business id of the one that is under way.
        business_id: Box<str>,
        /// Its number.
        mch_billno: Box<str>,
    },
    /// It is another merchant's.
    #[error("the intent is another merchant's")]
    OtherMerchant,
    /// Its snapshot cannot be used.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
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
    /// others are led on.
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
            if let Some(action) = self.step(step, now)? {
                return Ok(action);
            }
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

    /// Moves those whose time has come from the timers to the queues.
    fn wake(&mut self, now: Duration) {
        while let Some((until, number, asked)) = self.timers.pop_due(now) {
            let slot = self.slots.get_mut(&number).filter(|slot| slot.timer == Some(until));
            let Some(slot) = slot else { continue };
            slot.timer = None;
            match asked {
                Asked::Send => self.sends.push_back(number),
                Asked::Query => self.queries.push_back(number),
            }
        }
    }

    /// What could be done at once.
    fn choose(&mut self, now: Duration) -> Option<Step> {
        let room = self.progress.in_flight < u64::from(self.policy.settings().in_flight);
        let recorded = !self.recorded.is_empty() && self.send_bucket.ready_at(now) <= now;
        if recorded {
            return Some(Step::Send);
        }
        let waits = self.waiting < self.waiting_at_most();
        let record = room && waits && !self.sends.is_empty() && self.paused_until <= now;
        let query = room && !self.queries.is_empty() && self.query_bucket.ready_at(now) <= now;
        let step = match (record, query) {
            (true, true) if self.query_first => Step::Query,
            (true, _) => Step::Record,
            (false, true) => Step::Query,
            (false, false) => return None,
        };
        self.query_first = step == Step::Record;
        Some(step)
    }

    /// Attempts should not wait for the rate so long that they run out: as many as go in a second.
    fn waiting_at_most(&self) -> usize {
        usize::try_from(self.policy.settings().sends_per_second).unwrap_or(usize::MAX)
    }

    fn step(&mut self, step: Step, now: Now) -> Result<Option<Action>, ClockError> {
        match step {
            Step::Send => {
                let Some((number, attempt)) = self.recorded.pop_front() else { return Ok(None) };
                self.waiting = self.waiting.saturating_sub(1);
                if self.slots.get(&number).is_some_and(|slot| !slot.late.is_empty()) {
                    // An answer came since it was put on record, and may be a success.
                    self.landed(number, attempt.withdraw(now));
                    return Ok(None);
                }
                let _was_ready = self.send_bucket.take(now.steady);
                Ok(self.launch(number, now, Asking::Send(attempt)))
            }
            Step::Record => {
                let Some(number) = self.sends.pop_front() else { return Ok(None) };
                self.ask(number, now, Asked::Send)
            }
            Step::Query => {
                let Some(number) = self.queries.pop_front() else { return Ok(None) };
                self.ask(number, now, Asked::Query)
            }
        }
    }

    /// Asks a payout what it wants. It may have changed its mind since it was queued as `expected`.
    fn ask(&mut self, number: Arc<str>, now: Now, expected: Asked) -> Result<Option<Action>, ClockError> {
        let Some(payout) = self.slots.get_mut(&number).and_then(|slot| slot.here.take()) else {
            return Ok(None);
        };
        let next = match payout.next(now) {
            Ok(next) => next,
            Err(blocked) => {
                let error = blocked.error();
                self.put(&number, blocked.into_payout());
                // To the end: a time on record that is wrong must not stop all others.
                match expected {
                    Asked::Send => self.sends.push_back(number),
                    Asked::Query => self.queries.push_back(number),
                }
                return Err(error);
            }
        };
        match next {
            Next::Send(unsaved) => {
                self.waiting += 1;
                self.progress.in_flight += 1;
                self.progress.attempts += 1;
                self.unsaved.push_back(Save { number, what: Locked::Attempt(unsaved) });
            }
            Next::Query(query) if self.query_bucket.take(now.steady) => {
                self.progress.in_flight += 1;
                return Ok(self.launch(number, now, Asking::Query(query)));
            }
            // It was queued to be sent, and the queries have a rate of their own.
            Next::Query(query) => {
                self.put(&number, query.payout);
                self.queries.push_back(number);
            }
            Next::Record(unsaved) => self.write(number, unsaved),
            Next::Wait { payout, .. } => self.rest(number, payout),
            Next::Done(done) => self.finish(&number, done),
        }
        Ok(None)
    }

    /// Signs a request and lets it go. Where that cannot be, the payout comes home.
    fn launch(&mut self, number: Arc<str>, now: Now, asking: Asking) -> Option<Action> {
        let route = self.failover.as_mut().map(|failover| failover.route(now.steady));
        let route = route.unwrap_or(Route::Primary);
        let base = self.failover.as_ref().map_or(&self.base, |failover| failover.base(route));
        let signed = match (asking, (self.nonce)().into_nonce()) {
            (Asking::Send(attempt), Ok(nonce)) => attempt.sign(now, &self.merchant, base, nonce),
            (Asking::Query(query), Ok(nonce)) => query.sign(now, &self.merchant, base, nonce),
            (Asking::Send(attempt), Err(error)) => Err(attempt.give_up(now, error)),
            (Asking::Query(query), Err(error)) => Err(query.give_up(now, error)),
        };
        match signed {
            Ok((request, in_flight)) => {
                match in_flight.asked() {
                    Asked::Send => self.progress.sends += 1,
                    Asked::Query => self.progress.queries += 1,
                }
                Some(Action::Send { request, flight: Flight { number, route, in_flight } })
            }
            Err(unsent) => {
                self.landed(number, unsent.into_payout());
                None
            }
        }
    }

    fn report(&mut self, route: Route, event: Event) {
        if let Some(failover) = &mut self.failover {
            failover.report(route, event);
        }
    }

    /// A request is over, one way or the other.
    fn landed(&mut self, number: Arc<str>, unsaved: Unsaved<Payout>) {
        self.leave();
        self.write(number, unsaved);
    }

    /// One fewer is under way. A flight of another campaign is none of those that were counted.
    fn leave(&mut self) {
        self.progress.in_flight = self.progress.in_flight.saturating_sub(1);
    }

    /// Has it written, with all answers that came meanwhile: after the last write there may be no other.
    fn write(&mut self, number: Arc<str>, unsaved: Unsaved<Payout>) {
        let unsaved = self.take_late(&number).into_iter().fold(unsaved, Unsaved::hear);
        self.tell(&unsaved);
        self.unsaved.push_back(Save { number, what: Locked::Payout(unsaved) });
    }

    fn take_late(&mut self, number: &str) -> Vec<Evidence> {
        self.slots.get_mut(number).map(|slot| std::mem::take(&mut slot.late)).unwrap_or_default()
    }

    fn tell(&mut self, unsaved: &Unsaved<Payout>) {
        for alert in unsaved.alerts() {
            self.progress.alerts += 1;
            let intent = Arc::clone(unsaved.intent());
            self.events.push_back(Action::Alert { intent, alert: alert.clone() });
        }
    }

    /// A payout is back, its snapshot on disk.
    fn home(&mut self, number: Arc<str>, payout: Payout) {
        let late = self.take_late(&number);
        if late.is_empty() {
            return self.settle(number, payout);
        }
        let was_done = payout.end().is_some();
        let unsaved = late.into_iter().fold(Unsaved::new(payout, Vec::new()), Unsaved::hear);
        if was_done {
            // Nothing more is written of what is done on disk, so that nobody would hear of it otherwise.
            self.tell(&unsaved);
            self.settle(number, unsaved.saved());
        } else {
            self.write(number, unsaved);
        }
    }

    fn settle(&mut self, number: Arc<str>, payout: Payout) {
        let park = self.policy.settings().park;
        match payout.into_done() {
            Ok(done) => self.finish(&number, done),
            Err(payout)
                if park.is_some_and(|park| payout.until() > payout.last_event().saturating_add(park)) =>
            {
                let intent = Arc::clone(payout.intent());
                let wake_at = payout.snapshot().wake_at();
                self.forget(&number);
                self.progress.parked += 1;
                self.events.push_back(Action::Parked { intent, wake_at });
            }
            Err(payout) => self.rest(number, payout),
        }
    }

    /// Lets a payout wait for its time.
    fn rest(&mut self, number: Arc<str>, payout: Payout) {
        if let Some(slot) = self.slots.get_mut(&number) {
            let until = payout.until();
            if slot.timer.replace(until) != Some(until) {
                self.timers.push(until, number, payout.wants());
            }
            slot.here = Some(payout);
        }
    }

    fn put(&mut self, number: &Arc<str>, payout: Payout) {
        if let Some(slot) = self.slots.get_mut(number) {
            slot.here = Some(payout);
        }
    }

    fn finish(&mut self, number: &Arc<str>, done: Done) {
        self.forget(number);
        self.progress.count(done.end(), done.intent());
        self.events.push_back(Action::Done(done));
    }

    fn forget(&mut self, number: &Arc<str>) {
        if let Some(slot) = self.slots.remove(number) {
            self.business_ids.remove(slot.intent.business_id());
            self.progress.held -= 1;
        }
    }

    /// A refusal that would meet every order alike is no reason to bring it upon all of them.
    fn pause_after(&mut self, now: Now, evidence: &Evidence) {
        let general = |code: &ErrorCode<'_>| {
            matches!(
                code,
                ErrorCode::CaError
                    | ErrorCode::SignError
                    | ErrorCode::ApiMethodClosed
                    | ErrorCode::NoCompetence
                    | ErrorCode::ProductAuthorityUnopen
                    | ErrorCode::PayerAccountAbnormal
                    | ErrorCode::NotEnough
                    | ErrorCode::SendAmountLimit
                    | ErrorCode::DayOverLimited
            )
        };
        let settings = self.policy.settings();
        let wait = match evidence.refusal() {
            Some(code) if general(code) => settings.pause,
            Some(ErrorCode::FreqLimit | ErrorCode::SecondOverLimited) => {
                settings.resend_gap.min(settings.pause)
            }
            _ => return,
        };
        self.progress.pauses += 1;
        self.paused_until = self.paused_until.max(now.steady.saturating_add(wait));
    }

    /// When there is something to do again, if nothing is reported before.
    fn until(&self, now: Duration) -> Option<Duration> {
        let room = self.progress.in_flight < u64::from(self.policy.settings().in_flight);
        let recorded = (!self.recorded.is_empty()).then(|| self.send_bucket.ready_at(now));
        let waits = self.waiting < self.waiting_at_most();
        let sends = (room && waits && !self.sends.is_empty()).then_some(self.paused_until);
        let queries = (room && !self.queries.is_empty()).then(|| self.query_bucket.ready_at(now));
        let writes = self.failed_writes.front().map(|(at, _)| *at);
        [recorded, sends, queries, writes, self.timers.next()].into_iter().flatten().min()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Send,
    Record,
    Query,
}

enum Asking {
    Send(Attempt),
    Query(Query),
}
