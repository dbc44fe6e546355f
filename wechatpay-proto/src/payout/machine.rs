//! The machine: one payout, led from its intent to its end.

use std::sync::Arc;
use std::time::Duration;

use super::alert::Alert;
use super::clocks::{Clocks, JUMP, Reading};
use super::done::{Done, End};
use super::evidence::{Answer, Asked, Evidence, Fact};
use super::intent::Intent;
use super::kind::Kind;
use super::knowledge::Knowledge;
use super::now::{ClockError, Now};
use super::policy::{Goal, Policy};
use super::record::{GaveUp, Plan, Record, State};
use super::request::{Attempt, Query};
use super::schedule;
use super::snapshot::{Snapshot, SnapshotError};
use crate::code::{Advice, ErrorCode};
use crate::outcome::Reason;
use crate::transport::Delivery;

/// One payout. It is moved through the types of this module, and whoever holds one of them holds all there is of it: a
/// second request for it cannot be in flight, because there is nothing left that could make one.
#[derive(Debug)]
#[must_use = "a payout that is dropped goes on only after it is restored from its record"]
pub struct Payout {
    pub(super) intent: Arc<Intent>,
    pub(super) policy: Policy,
    /// Boxed: a payout is moved a lot.
    pub(super) record: Box<Record>,
    /// By the steady clock: when the plan is due, when something was sent last, the last event.
    pub(super) due: Duration,
    pub(super) sent: Option<Duration>,
    pub(super) seen: Duration,
    /// Boxed for the same reason.
    clocks: Box<Clocks>,
    /// The latest reading of the calendar, believed or not.
    pub(super) calendar: Duration,
}

/// What a payout wants.
#[derive(Debug)]
#[must_use]
pub enum Next {
    /// Send the order, once the record of this attempt is on disk.
    Send(Unsaved<Attempt>),
    /// Query the order.
    Query(Query),
    /// Write it down; then ask again what comes next.
    Record(Unsaved<Payout>),
    /// Nothing before `until`, by the steady clock.
    Wait {
        /// It.
        payout: Payout,
        /// When.
        until: Duration,
    },
    /// Nothing any more.
    Done(Done),
}

/// A clock went back: nothing is sent, and here is the payout as it was.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Blocked {
    payout: Payout,
    error: ClockError,
}

impl Blocked {
    /// Which clock, and how far.
    pub fn error(&self) -> ClockError {
        self.error
    }

    /// The payout, to be asked again when the clock is mended.
    pub fn into_payout(self) -> Payout {
        self.payout
    }
}

/// Something that may be had only once its record is on disk: an [`Attempt`], or the [`Payout`] after an answer.
///
/// Where the write fails, keep this and write again, or drop it and restore the payout from what is on disk. There is
/// no way around the write.
#[derive(Debug)]
#[must_use = "write its snapshot to disk, then call `saved`"]
pub struct Unsaved<T> {
    inner: T,
    alerts: Vec<Alert>,
}

/// What an [`Unsaved`] can hold.
#[expect(private_bounds, reason = "sealed")]
pub trait Locked: Holds {}

pub(super) trait Holds {
    fn payout(&self) -> &Payout;
}

impl Locked for Payout {}
impl Holds for Payout {
    fn payout(&self) -> &Payout {
        self
    }
}

impl<T: Locked> Unsaved<T> {
    pub(super) fn new(inner: T, alerts: Vec<Alert>) -> Self {
        Self { inner, alerts }
    }

    /// What to write to disk, in place of the snapshot before it.
    pub fn snapshot(&self) -> Snapshot {
        self.inner.payout().snapshot()
    }

    /// Whose it is.
    pub fn intent(&self) -> &Arc<Intent> {
        &self.inner.payout().intent
    }

    /// Where the payout will stand.
    pub fn state(&self) -> State {
        self.inner.payout().state()
    }

    /// What a person should hear of, whether or not the write succeeds.
    pub fn alerts(&self) -> &[Alert] {
        &self.alerts
    }

    /// Whether the payout has come to its end with it.
    pub fn is_done(&self) -> bool {
        self.inner.payout().end().is_some()
    }

    /// The snapshot is on disk, and will be there after a crash.
    pub fn saved(self) -> T {
        self.inner
    }
}

impl Unsaved<Payout> {
    /// Takes in an answer more before all is written at once.
    pub(super) fn hear(mut self, evidence: Evidence) -> Self {
        let alerts = self.inner.learn(evidence, None);
        self.alerts.extend(alerts);
        self
    }
}

impl Payout {
    /// The payout of an intent that is on disk. Nothing was sent for it yet.
    pub fn new(intent: impl Into<Arc<Intent>>, policy: &Policy, now: Now) -> Unsaved<Self> {
        let intent = intent.into();
        let now = Now { calendar: whole_millis(now.calendar), ..now };
        let record = Box::new(Record::new(now.calendar));
        let payout = Self {
            intent,
            policy: policy.clone(),
            record,
            due: now.steady,
            sent: None,
            seen: now.steady,
            clocks: Box::new(Clocks::new(now)),
            calendar: now.calendar,
        };
        Unsaved::new(payout, Vec::new())
    }

    /// The payout after a restart, from what is on disk.
    pub fn restore(
        intent: impl Into<Arc<Intent>>,
        policy: &Policy,
        snapshot: &Snapshot,
        now: Now,
    ) -> Result<Self, SnapshotError> {
        let intent = intent.into();
        if *snapshot.mch_id != *intent.mch_id() {
            return Err(SnapshotError::OtherMerchant);
        }
        if *snapshot.mch_billno != *intent.mch_billno() {
            return Err(SnapshotError::OtherOrder);
        }
        if snapshot.fingerprint != intent.fingerprint() {
            return Err(SnapshotError::OtherParameters);
        }
        let mut record = Box::new(snapshot.record.clone());
        // The rest of the wait, as far as the calendar can be believed: never longer than the wait itself. A plan that was
        // made later than now was made by a calendar that was wrong, and is made anew at once.
        let passed = match now.calendar.checked_sub(record.from) {
            Some(passed) => passed,
            None if record.from - now.calendar > JUMP => record.wait,
            None => Duration::ZERO,
        };
        let due = now.steady.saturating_add(record.wait.saturating_sub(passed));
        // Whoever wrote this may have sent a moment ago.
        let sent = (record.attempts > 0).then_some(now.steady);
        if let Some(claim) = record.claim {
            if claim.is_borne_out_by(now.calendar) {
                // Two processes have read the calendar, a day apart, and the later one bears out the one before.
                record.shift(claim.since, claim.calendar);
            } else if now.calendar < record.seen {
                record.claim = None;
            }
        }
        let mut payout = Self {
            intent,
            policy: policy.clone(),
            clocks: Box::new(Clocks::new(Now { calendar: record.seen, ..now })),
            record,
            due,
            sent,
            seen: now.steady,
            calendar: now.calendar,
        };
        // Time went by, or the calendar is wrong: nobody watched.
        let _not_yet = payout.read_clocks(now);
        payout.clocks.wake();
        Ok(payout)
    }

    /// What it stands for.
    pub fn intent(&self) -> &Arc<Intent> {
        &self.intent
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.record.state(self.intent.kind())
    }

    /// What is on disk, or should be.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(&self.intent, &self.record)
    }

    /// What it wants now.
    ///
    /// An error where a clock went back, or the calendar jumped; nothing is sent then.
    pub fn next(mut self, now: Now) -> Result<Next, Blocked> {
        match self.read_clocks(now) {
            Ok(()) => Ok(self.go_on(now)),
            Err(error) => Err(Blocked { payout: self, error }),
        }
    }

    /// The same for a payout whose caller keeps an eye on the calendar: a jump ahead is no error.
    pub(super) fn next_of_many(mut self, now: Now) -> Result<Next, Blocked> {
        match unless_ahead(self.read_clocks(now)) {
            Ok(()) => Ok(self.go_on(now)),
            Err(error) => Err(Blocked { payout: self, error }),
        }
    }

    fn go_on(self, now: Now) -> Next {
        let mut payout = match self.into_done() {
            Ok(done) => return Next::Done(done),
            Err(payout) => payout,
        };
        if schedule::horizon_passed(&payout) {
            payout.record.gave_up = Some(GaveUp::Horizon);
            return Next::Record(Unsaved::new(payout, vec![Alert::GaveUp]));
        }
        if schedule::window_closes(&payout) {
            payout.record.window_closed = true;
            return Next::Record(Unsaved::new(payout, vec![Alert::WindowClosed]));
        }
        let until = payout.until();
        if now.steady < until {
            return Next::Wait { payout, until };
        }
        match payout.wants() {
            Asked::Send => Next::Send(Attempt::record(payout, now)),
            Asked::Query => Next::Query(Query { payout }),
        }
    }

    /// When it wants to be asked again, by the steady clock.
    pub fn until(&self) -> Duration {
        let gap = self.policy.settings().resend_gap;
        match (self.record.plan, self.sent) {
            (Plan::Send, Some(sent)) => self.due.max(sent.saturating_add(gap)),
            _ => self.due,
        }
    }

    /// Takes in an answer that nobody waits for any more: to a request whose time was up, or a second one. It goes through
    /// the same merge as any other. Evidence about another order is not taken in, and raises an alert.
    pub fn hear(mut self, now: Now, evidence: Evidence) -> Unsaved<Self> {
        self.see(now);
        let alerts = self.learn(evidence, None);
        Unsaved::new(self, alerts)
    }

    /// It, if it has come to its end.
    pub(super) fn into_done(self) -> Result<Done, Self> {
        match self.end() {
            Some(end) => Ok(Done { payout: self, end }),
            None => Err(self),
        }
    }

    /// The time of the last event, by the steady clock.
    pub(super) fn last_event(&self) -> Duration {
        self.seen
    }

    /// Whether its next step is a sending or a query.
    pub(super) fn wants(&self) -> Asked {
        if self.record.plan == Plan::Send && schedule::may_send(self) { Asked::Send } else { Asked::Query }
    }

    /// What a plan is made for: where the payout stands, and whether it was refused for good.
    fn stage(&self) -> (std::mem::Discriminant<State>, bool) {
        (std::mem::discriminant(&self.state()), self.record.known.send_failed)
    }

    /// How it ended, if it did.
    pub(super) fn end(&self) -> Option<End> {
        match self.state() {
            State::Received => Some(End::Received),
            State::Refunded { amount } => Some(End::Refunded { amount }),
            State::Conflict => Some(End::Conflict),
            State::NeedsHuman(why) => Some(End::NeedsHuman { why, accepted: self.record.known.success() }),
            State::Failed => Some(End::Failed),
            State::Accepted | State::Refunding if self.policy.settings().goal == Goal::Accepted => {
                (!schedule::wants_package(self)).then_some(End::Accepted)
            }
            _ => None,
        }
    }

    /// Takes in the time of an event, as far as it can be believed. Where the calendar contradicts the steady clock, or the
    /// record, time goes on by the steady clock.
    pub(super) fn read_clocks(&mut self, now: Now) -> Result<(), ClockError> {
        if now.steady < self.seen {
            return Err(ClockError::Steady { by: self.seen - now.steady });
        }
        let now = Now { calendar: whole_millis(now.calendar), ..now };
        let record = &mut self.record;
        if record.known.send_failed {
            let passed = whole_millis(now.steady).saturating_sub(whole_millis(self.seen));
            record.watched = record.watched.saturating_add(passed);
        }
        self.seen = now.steady;
        self.calendar = now.calendar;
        match self.clocks.read(now, self.policy.settings().clock_tolerance) {
            Reading::Plain(calendar) => {
                record.claim = None;
                record.seen = record.seen.max(calendar);
                Ok(())
            }
            Reading::Held { believed, calendar, woke } => {
                record.time_lost |= calendar < believed && woke && record.attempts > 0;
                record.shift(believed, calendar);
                record.seen = calendar;
                Ok(())
            }
            Reading::Apart { believed, error } => {
                let ahead = matches!(error, ClockError::Jump { .. });
                if ahead {
                    record.seen = record.seen.max(whole_millis(believed));
                    record.claim(now.calendar);
                }
                // That nobody held the payout for a while is no error of a clock.
                if ahead && self.clocks.just_woke() { Ok(()) } else { Err(error) }
            }
        }
    }

    /// The same for an answer, which is taken in whatever the clocks say.
    pub(super) fn see(&mut self, now: Now) {
        let now = Now { steady: now.steady.max(self.seen), ..now };
        let _whatever = self.read_clocks(now);
    }

    /// How far the calendar is ahead of the time that is believed.
    pub(super) fn ahead(&self) -> Duration {
        self.calendar.saturating_sub(self.record.seen)
    }

    /// Joins what an answer says to what is known, and plans anew. `waited` is `None` where nobody waited for the answer.
    pub(super) fn learn(&mut self, evidence: Evidence, waited: Option<Waited>) -> Vec<Alert> {
        let Evidence { intent, asked, mut answer, mut alerts } = evidence;
        if intent.fingerprint() != self.intent.fingerprint() {
            alerts = vec![Alert::Mismatch { field: "mch_billno" }];
            if waited.is_none() {
                return alerts;
            }
            // Whoever waited got nothing, and must not ask again at once.
            answer = Answer::nothing(Reason::Unreadable);
        }
        let (before, mut fact) = (self.stage(), answer.fact);
        // Only a success tells which payment this is; a refusal may name any.
        let named = answer.send_listid.filter(|_| Knowledge::of(&fact).success());
        match (&self.record.send_listid, named) {
            (Some(known), Some(other)) if **known != *other => {
                alerts.push(Alert::Mismatch { field: "send_listid" });
                fact = Fact::Mismatch;
            }
            (None, Some(first)) => self.record.send_listid = Some(first),
            _ => {}
        }
        if self.record.package.is_none() {
            self.record.package = answer.package;
        }
        self.record.known = self.record.known.join(Knowledge::of(&fact));
        self.record.reason = schedule::word(&fact);
        if asked == Asked::Send && self.record.halted.is_none() && is_defect(&fact) {
            self.record.halted = Some(self.record.seen);
        }
        if self.record.known != Knowledge::default() || self.record.halted.is_some() {
            // There was an attempt, even if it is not on this record: an older one was brought back.
            self.record.first.get_or_insert(self.record.seen);
        }
        match (asked, waited) {
            (Asked::Send, Some(Waited { open, .. })) => self.record.tainted = open || !is_definite(&fact),
            (Asked::Query, Some(Waited { ripe, .. })) => {
                self.record.confirmed |= ripe && schedule::is_missing(&fact);
            }
            (_, None) => {}
        }
        let changed = before != self.stage();
        if waited.is_some() || changed {
            schedule::plan(self, asked, &fact, changed);
        }
        if changed && self.state() == State::Conflict {
            alerts.push(Alert::Conflict);
        }
        if schedule::gives_up_on_defect(self, asked, &fact) {
            self.record.gave_up = Some(GaveUp::Defect);
            alerts.push(Alert::GaveUp);
        }
        if schedule::window_closes(self) {
            self.record.window_closed = true;
            alerts.push(Alert::WindowClosed);
        }
        alerts
    }
}

/// A calendar that jumped ahead stops nobody who has made up his mind: what is sent then goes by the larger of both times.
pub(super) fn unless_ahead(read: Result<(), ClockError>) -> Result<(), ClockError> {
    match read {
        Err(ClockError::Jump { .. }) => Ok(()),
        read => read,
    }
}

/// What stood on record when the request was made whose answer was waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waited {
    /// Whether an attempt before this request was open.
    pub(super) open: bool,
    /// Whether a query that finds nothing confirms what `SEND_FAILED` said.
    pub(super) ripe: bool,
}

/// Whether an answer to a sending is one that no resend can change.
fn is_defect(fact: &Fact) -> bool {
    match fact {
        Fact::Nothing(Reason::Code(ErrorCode::FatalError)) => true,
        Fact::Nothing(reason @ Reason::Code(_)) => reason.advice() == Advice::FixOrder,
        _ => false,
    }
}

/// Whether the attempt that is answered so left nothing open. Attempts before it are as open as they were.
fn is_definite(fact: &Fact) -> bool {
    match fact {
        Fact::Nothing(Reason::Transport(Delivery::NotSent) | Reason::InvalidRequest) => true,
        Fact::Nothing(Reason::Code(code)) => {
            matches!(code, ErrorCode::NoAuth)
                || matches!(code.advice(), Advice::ResendSame | Advice::FixSetup | Advice::FixOrder)
        }
        Fact::Nothing(_) | Fact::Mismatch | Fact::Contradiction => false,
        _ => true,
    }
}

/// Records hold milliseconds; so does the memory, or a restart would change the time.
pub(super) fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// A kind whose answers to a sending have something that no query brings.
pub(super) fn needs_package(kind: Kind) -> bool {
    kind == Kind::MiniProgram
}
