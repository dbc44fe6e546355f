//! The machine: one payout, led from its intent to its end.

use std::sync::Arc;
use std::time::Duration;

use super::alert::Alert;
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
        let record = Box::new(Record::new(whole_millis(now.calendar)));
        let (due, seen) = (now.steady, now.steady);
        Unsaved::new(Self { intent, policy: policy.clone(), record, due, sent: None, seen }, Vec::new())
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
        let record = Box::new(snapshot.record.clone());
        // The rest of the wait, as far as the calendar can be believed: never longer than the wait itself.
        let passed = now.calendar.saturating_sub(record.from);
        let due = now.steady.saturating_add(record.wait.saturating_sub(passed));
        // Whoever wrote this may have sent a moment ago.
        let sent = (record.attempts > 0).then_some(now.steady);
        Ok(Self { intent, policy: policy.clone(), record, due, sent, seen: now.steady })
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
    /// An error where a clock went back; nothing is sent then.
    pub fn next(mut self, now: Now) -> Result<Next, Blocked> {
        if let Err(error) = self.check_clocks(now) {
            return Err(Blocked { payout: self, error });
        }
        self.see(now);
        let mut payout = match self.into_done() {
            Ok(done) => return Ok(Next::Done(done)),
            Err(payout) => payout,
        };
        if schedule::horizon_passed(&payout) {
            payout.record.gave_up = Some(GaveUp::Horizon);
            return Ok(Next::Record(Unsaved::new(payout, vec![Alert::GaveUp])));
        }
        if schedule::window_closes(&payout) {
            payout.record.window_closed = true;
            return Ok(Next::Record(Unsaved::new(payout, vec![Alert::WindowClosed])));
        }
        let until = payout.until();
        if now.steady < until {
            return Ok(Next::Wait { payout, until });
        }
        Ok(match payout.wants() {
            Asked::Send => Next::Send(Attempt::record(payout, now)),
            Asked::Query => Next::Query(Query { payout }),
        })
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

    /// How it ended, if it did.
    pub(super) fn end(&self) -> Option<End> {
        match self.state() {
            State::Received => Some(End::Received),
            State::Refunded { amount } => Some(End::Refunded { amount }),
            State::Conflict => Some(End::Conflict),
            State::NeedsHuman(why) => Some(End::NeedsHuman { why, accepted: self.record.known.success() }),
            State::Failed if self.record.known.failed || self.record.confirmed => Some(End::Failed),
            State::Accepted | State::Refunding if self.policy.settings().goal == Goal::Accepted => {
                (!schedule::wants_package(self)).then_some(End::Accepted)
            }
            _ => None,
        }
    }

    pub(super) fn check_clocks(&self, now: Now) -> Result<(), ClockError> {
        if now.steady < self.seen {
            return Err(ClockError::Steady { by: self.seen - now.steady });
        }
        let by = self.record.seen.saturating_sub(now.calendar);
        if by > self.policy.settings().clock_tolerance { Err(ClockError::Calendar { by }) } else { Ok(()) }
    }

    /// Time only goes on, whatever the clocks say: an answer is taken in even if they went back.
    pub(super) fn see(&mut self, now: Now) {
        self.seen = self.seen.max(now.steady);
        self.record.seen = self.record.seen.max(whole_millis(now.calendar));
    }

    /// Joins what an answer says to what is known, and plans anew. `tainted` is whether anything was open before the
    /// attempt that is answered; `None` where nobody waited for the answer.
    pub(super) fn learn(&mut self, evidence: Evidence, tainted: Option<bool>) -> Vec<Alert> {
        let Evidence { intent, asked, mut answer, mut alerts } = evidence;
        if intent.fingerprint() != self.intent.fingerprint() {
            alerts = vec![Alert::Mismatch { field: "mch_billno" }];
            if tainted.is_none() {
                return alerts;
            }
            // Whoever waited got nothing, and must not ask again at once.
            answer = Answer::nothing(Reason::Unreadable);
        }
        let (before, mut fact) = (self.state(), answer.fact);
        match (&self.record.send_listid, answer.send_listid) {
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
        if let (Some(tainted), Asked::Send) = (tainted, asked) {
            self.record.tainted = tainted || !is_definite(&fact);
        }
        let changed = std::mem::discriminant(&before) != std::mem::discriminant(&self.state());
        if tainted.is_some() || changed {
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
        Fact::Nothing(_) | Fact::Mismatch => false,
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
