//! What the machine knows and plans: everything that survives a restart, and nothing else.

use std::fmt;
use std::time::Duration;

use super::clocks::{BORNE_OUT, JUMP};
use super::kind::Kind;
use super::knowledge::Knowledge;
use crate::wire::Fen;

/// Where a payout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// On record; nothing was sent.
    Intent,
    /// At least one attempt is on record, and nothing is settled. The normal state of a payout under way.
    Unknown {
        /// How many attempts are on record.
        attempts: u32,
        /// Some attempt may have reached the service and has no definite answer.
        tainted: bool,
    },
    /// The service took the order; money that nobody claims comes back after 24 hours.
    Accepted,
    /// The money is on its way back.
    Refunding,
    /// Claimed. Terminal.
    Received,
    /// The money is back. Terminal.
    Refunded {
        /// How much, in fen: of a group packet perhaps only a part. `None` where no answer said.
        amount: Option<Fen>,
    },
    /// Definitely not paid: a query said so, or did not find what had been refused for good when that was a proof. Only from
    /// here can there be a new number.
    Failed,
    /// There is evidence of success and of failure, or the number stands for another order. A person must look.
    Conflict,
    /// The machine gave up. A person must look.
    NeedsHuman(GaveUp),
}

impl State {
    /// A word for it, as it stands in snapshots, columns and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Unknown { .. } => "unknown",
            Self::Accepted => "accepted",
            Self::Refunding => "refunding",
            Self::Received => "received",
            Self::Refunded { .. } => "refunded",
            Self::Failed => "failed",
            Self::Conflict => "conflict",
            Self::NeedsHuman(_) => "needs_human",
        }
    }
}

/// Why the machine gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GaveUp {
    /// The horizon has passed, and the order cannot be queried any more.
    Horizon,
    /// The order has a defect that no resend can mend, and queries do not find it.
    Defect,
}

/// What comes next, when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Plan {
    Send,
    Query,
}

/// The `package` of a mini-program packet: whoever has it can claim the packet, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Package(pub(super) Box<str>);

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Package(..)")
    }
}

/// A reading of the calendar that was not believed yet. Another process may find that it was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The time that was believed then.
    pub(super) since: Duration,
    /// The time by the calendar; the earliest, where readings contradict each other.
    pub(super) calendar: Duration,
    /// A later time that was read before it, and that it contradicts.
    pub(super) refuted: Option<Duration>,
}

impl Claim {
    /// Whether a payout that was `seen` last at that time can have put it down.
    pub(super) fn is_sensible(&self, seen: Duration) -> bool {
        self.since <= seen
            && self.since < self.calendar
            && self.refuted.is_none_or(|refuted| self.calendar < refuted)
    }

    /// Whether the first reading of another process bears it out: a day later, and not by the clock that it contradicts.
    pub(super) fn is_borne_out_by(&self, calendar: Duration) -> bool {
        let refuted_again =
            |refuted: Duration| refuted <= calendar && calendar < refuted.saturating_add(BORNE_OUT);
        calendar >= self.calendar.saturating_add(BORNE_OUT) && !self.refuted.is_some_and(refuted_again)
    }
}

/// Everything that survives a restart. Times are calendar times since 1970, as far as they are believed; `from` is as the
/// calendar showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) attempts: u32,
    /// Some attempt may have reached the service, or reach it yet, and has no definite answer.
    pub(super) tainted: bool,
    pub(super) known: Knowledge,
    /// A query has confirmed what `SEND_FAILED` said.
    pub(super) confirmed: bool,
    pub(super) send_listid: Option<Box<str>>,
    pub(super) package: Option<Package>,
    /// Why the last answer settled nothing, in a word.
    pub(super) reason: Option<Box<str>>,
    /// When a defect of the order stopped the sending.
    pub(super) halted: Option<Duration>,
    pub(super) window_closed: bool,
    pub(super) gave_up: Option<GaveUp>,
    /// The first attempt, and the last.
    pub(super) first: Option<Duration>,
    pub(super) last: Option<Duration>,
    /// The latest time of any event.
    pub(super) seen: Duration,
    pub(super) claim: Option<Claim>,
    /// The calendar went back over a restart, or contradicts the time at which it was sent first: nobody knows for how long
    /// the payout was left alone.
    pub(super) time_lost: bool,
    /// Time that may have gone by since the first attempt, beside what lies between the times on record.
    pub(super) unseen: Duration,
    /// Since `SEND_FAILED` was told, by the steady clocks of the processes that held the payout.
    pub(super) watched: Duration,
    pub(super) step: u32,
    pub(super) plan: Plan,
    /// The plan is for `from` and `wait`.
    pub(super) from: Duration,
    pub(super) wait: Duration,
}

impl Record {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            attempts: 0,
            tainted: false,
            known: Knowledge::default(),
            confirmed: false,
            send_listid: None,
            package: None,
            reason: None,
            halted: None,
            window_closed: false,
            gave_up: None,
            first: None,
            last: None,
            seen: now,
            claim: None,
            time_lost: false,
            unseen: Duration::ZERO,
            watched: Duration::ZERO,
            step: 0,
            plan: Plan::Send,
            from: now,
            wait: Duration::ZERO,
        }
    }

    /// Where the order stands: a function of what is known, and of nothing that depends on when it came to be known.
    pub(super) fn state(&self, kind: Kind) -> State {
        let known = &self.known;
        if known.conflict(kind != Kind::Group) {
            State::Conflict
        } else if let Some(back) = known.refunded {
            State::Refunded { amount: back.0 }
        } else if known.received {
            State::Received
        } else if known.failed || self.confirmed {
            State::Failed
        } else if let Some(why) = self.gave_up {
            State::NeedsHuman(why)
        } else if known.refunding {
            State::Refunding
        } else if known.accepted {
            State::Accepted
        } else if self.attempts > 0 {
            State::Unknown { attempts: self.attempts, tainted: self.tainted }
        } else {
            State::Intent
        }
    }

    /// Takes in a reading of the calendar that is not believed yet. Where it is earlier than the one before, one of them is
    /// wrong, and nobody knows how long ago that was done which was done in between.
    pub(super) fn claim(&mut self, calendar: Duration) {
        let Some(claim) = &mut self.claim else {
            self.claim = Some(Claim { since: self.seen, calendar, refuted: None });
            // What happens from now on is later than what happened before.
            self.seen = self.seen.saturating_add(Duration::from_millis(1));
            return;
        };
        if calendar.saturating_add(JUMP) < claim.calendar {
            self.time_lost |= self.first.is_some_and(|first| first > claim.since);
            claim.refuted = Some(std::mem::replace(&mut claim.calendar, calendar));
        }
    }

    /// Puts the time right: what was called `believed` is `calendar` by a calendar that has proved right. What happened
    /// before the calendar jumped stays where it was, unless the calendar went back.
    pub(super) fn shift(&mut self, believed: Duration, calendar: Duration) {
        let claim = self.claim.take();
        let since = claim.map_or(Duration::ZERO, |claim| claim.since);
        if self.first.is_some_and(|first| first > since) {
            // It was sent at a claimed time, or later: if more time went by since, it may be older than it will seem.
            let claimed = claim.map_or(Duration::MAX, |claim| claim.calendar.saturating_sub(since));
            let more = calendar.saturating_sub(believed).saturating_sub(claimed);
            self.unseen = self.unseen.saturating_add(more);
        }
        let moved = |time: Duration| match calendar.checked_sub(believed) {
            Some(gap) if time > since => time.saturating_add(gap),
            Some(_) => time,
            None => time.saturating_sub(believed.saturating_sub(calendar)),
        };
        self.seen = moved(self.seen);
        for time in [&mut self.first, &mut self.last, &mut self.halted].into_iter().flatten() {
            *time = moved(*time);
        }
    }
}
