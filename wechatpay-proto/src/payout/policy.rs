//! When, how often and how long: everything about the machine that is a choice.

use std::sync::Arc;
use std::time::Duration;

use md5::{Digest as _, Md5};

use crate::failover::Thresholds;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// When a payout counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Goal {
    /// When the money is with the receiver or back: `RECEIVED` or `REFUND`. Unclaimed packets take 24 hours and some.
    #[default]
    Settled,
    /// When the service has taken the order. Whether it is claimed is not followed.
    Accepted,
}

/// The choices, with their defaults. [`Policy::new`] checks them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The waits after an attempt or a query that settled nothing, one after the other; the last one is repeated.
    /// 1 to 16 of them, each 1 s to 24 h. 1 s, 5 s, 30 s, 2 min, 10 min, 20 min, 1 h.
    pub backoff: Vec<Duration>,
    /// The waits between queries of an order that was accepted; the last one is repeated. 1 to 16 of them, each 1 s to 24 h.
    /// 1 h, 6 h, 18 h, 2 h.
    pub follow: Vec<Duration>,
    /// How much longer than these waits a wait may be, in percent: 0 to 100. Which part of it is taken depends on the
    /// number and the step, and nothing else. 20.
    pub jitter: u32,
    /// The least time between two sendings of one order: 1 s to 1 h. 1 s, which is official.
    pub resend_gap: Duration,
    /// How long an order that is `PROCESSING` or `SENDING` is left alone before it is sent again: 1 s to 24 h.
    /// 20 minutes, which is official.
    pub processing_wait: Duration,
    /// The wait after a refusal for want of balance, a limit or a risk: 1 s to 24 h. 1 h.
    pub refusal_wait: Duration,
    /// How long an order that was refused with `SEND_FAILED`, and is not found, is queried before that counts as its
    /// failure: 1 h to 30 days since the last attempt by the calendar, and as long by the steady clock since the refusal. Time
    /// in which no process holds the payout does not count. While an attempt is open, no time is long enough. 24 h; the
    /// longest time after which an order was seen to appear is 36 min.
    pub failure_wait: Duration,
    /// How long after its first attempt an order may be sent again: 0 (never) to 30 days. Which window the service has is
    /// not known. An order that it has closed on can be sent again under a policy with a longer one. 24 h.
    pub resend_window: Duration,
    /// How long an order with a defect is queried before a person must decide: 0 to 30 days. 24 h.
    pub defect_watch: Duration,
    /// How long after its first attempt an order is led at all: 1 h to 30 days. 30 days, after which it cannot be queried.
    pub horizon: Duration,
    /// How long the permission to send is good that a recorded attempt gives: 5 s to 10 min, as it
    /// may wait for a second for the rate, and for the disk. 30 s.
    pub attempt_life: Duration,
    /// How far the calendar may lag behind a time on record: 0 to 1 h. 1 min.
    pub clock_tolerance: Duration,
    /// When a payout counts as done. [`Goal::Settled`].
    pub goal: Goal,
    /// Of a campaign: sendings a second, 1 to 1000. 30, which is the service's default for a merchant.
    pub sends_per_second: u32,
    /// Of a campaign: queries a second, 1 to 1000. 30; the service's limit is not known.
    pub queries_per_second: u32,
    /// Of a campaign: how many requests may go out at once after a pause, 1 to 1000. 1: evenly spaced, so that no second has
    /// more of them than it may.
    pub burst: u32,
    /// Of a campaign: the most requests in flight, 1 to 10,000. 64.
    pub in_flight: u32,
    /// Of a campaign: how long sending pauses for all after a refusal that would meet all of them alike (certificate, key,
    /// balance, the merchant's limit): 0 (not at all) to 1 h. 1 min.
    pub pause: Duration,
    /// Of a campaign: a payout that waits for longer than this is let go, and comes back from its store when it is due:
    /// 1 s to 24 h. `None`, which keeps all in memory.
    pub park: Option<Duration>,
    /// Of a campaign: when to go over to the backup host and back. `None`, for transports that do it themselves.
    pub failover: Option<Thresholds>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            backoff: vec![SECOND, 5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 20 * MINUTE, HOUR],
            follow: vec![HOUR, 6 * HOUR, 18 * HOUR, 2 * HOUR],
            jitter: 20,
            resend_gap: SECOND,
            processing_wait: 20 * MINUTE,
            refusal_wait: HOUR,
            failure_wait: DAY,
            resend_window: DAY,
            defect_watch: DAY,
            horizon: 30 * DAY,
            attempt_life: 30 * SECOND,
            clock_tolerance: MINUTE,
            goal: Goal::Settled,
            sends_per_second: 30,
            queries_per_second: 30,
            burst: 1,
            in_flight: 64,
            pause: MINUTE,
            park: None,
            failover: None,
        }
    }
}

/// A choice is out of its bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} must be {bounds}")]
pub struct PolicyError {
    setting: &'static str,
    bounds: &'static str,
}

impl PolicyError {
    /// The field of [`Settings`].
    pub fn setting(&self) -> &'static str {
        self.setting
    }
}

/// [`Settings`] that passed their check. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy(Arc<Settings>);

impl Policy {
    /// Checks the bounds that are named at each field of [`Settings`].
    pub fn new(settings: Settings) -> Result<Self, PolicyError> {
        let s = &settings;
        waits("backoff", &s.backoff)?;
        waits("follow", &s.follow)?;
        let within = |setting, value: Duration, min: Duration, max: Duration, bounds| {
            if (min..=max).contains(&value) { Ok(()) } else { Err(PolicyError { setting, bounds }) }
        };
        within("resend_gap", s.resend_gap, SECOND, HOUR, "1 s to 1 h")?;
        within("processing_wait", s.processing_wait, SECOND, DAY, "1 s to 24 h")?;
        within("refusal_wait", s.refusal_wait, SECOND, DAY, "1 s to 24 h")?;
        within("failure_wait", s.failure_wait, HOUR, 30 * DAY, "1 h to 30 days")?;
        within("resend_window", s.resend_window, Duration::ZERO, 30 * DAY, "0 to 30 days")?;
        within("defect_watch", s.defect_watch, Duration::ZERO, 30 * DAY, "0 to 30 days")?;
        within("horizon", s.horizon, HOUR, 30 * DAY, "1 h to 30 days")?;
        within("attempt_life", s.attempt_life, 5 * SECOND, 10 * MINUTE, "5 s to 10 min")?;
        within("clock_tolerance", s.clock_tolerance, Duration::ZERO, HOUR, "0 to 1 h")?;
        within("park", s.park.unwrap_or(SECOND), SECOND, DAY, "1 s to 24 h")?;
        within("pause", s.pause, Duration::ZERO, HOUR, "0 to 1 h")?;
        let number = |setting, value: u32, min: u32, max: u32, bounds| {
            if (min..=max).contains(&value) { Ok(()) } else { Err(PolicyError { setting, bounds }) }
        };
        number("jitter", s.jitter, 0, 100, "0 to 100 percent")?;
        number("sends_per_second", s.sends_per_second, 1, 1000, "1 to 1000")?;
        number("queries_per_second", s.queries_per_second, 1, 1000, "1 to 1000")?;
        number("burst", s.burst, 1, 1000, "1 to 1000")?;
        number("in_flight", s.in_flight, 1, 10_000, "1 to 10000")?;
        Ok(Self(Arc::new(settings)))
    }

    /// The choices.
    pub fn settings(&self) -> &Settings {
        &self.0
    }

    /// The wait before step `step` of an order that nothing settled yet.
    pub(super) fn backoff(&self, mch_billno: &str, step: u32) -> Duration {
        self.jittered(nth(&self.0.backoff, step), mch_billno, step)
    }

    /// The wait before query `step` of an order that was accepted.
    pub(super) fn follow(&self, mch_billno: &str, step: u32) -> Duration {
        self.jittered(nth(&self.0.follow, step), mch_billno, step)
    }

    /// Longer by a part of the jitter that number and step pick.
    pub(super) fn jittered(&self, wait: Duration, mch_billno: &str, step: u32) -> Duration {
        let mut digest = Md5::new();
        digest.update(mch_billno);
        digest.update(step.to_be_bytes());
        let picked = digest.finalize().iter().take(2).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        wait + wait * self.0.jitter / 100 * picked / 0xFFFF
    }
}

fn nth(waits: &[Duration], step: u32) -> Duration {
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    waits.get(step).or(waits.last()).copied().unwrap_or(HOUR)
}

fn waits(setting: &'static str, waits: &[Duration]) -> Result<(), PolicyError> {
    let fine = (1..=16).contains(&waits.len()) && waits.iter().all(|wait| (SECOND..=DAY).contains(wait));
    if fine { Ok(()) } else { Err(PolicyError { setting, bounds: "1 to 16 waits of 1 s to 24 h" }) }
}
