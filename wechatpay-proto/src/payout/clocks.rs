//! Whether the calendar can be believed: the steady clock beside it says how much time really went by.

use std::time::Duration;

use super::now::{ClockError, Now};

/// How far the calendar may move beside the steady clock before that is a jump.
pub(super) const JUMP: Duration = Duration::from_secs(60);

/// How long a jump must last, by the steady clock, before it is believed. Clocks that are set wrong for a moment come
/// back sooner.
const HOLD: Duration = Duration::from_secs(600);

/// How much later another process must read the calendar for the reading before it to be believed. Between two readings of
/// processes that live shortly nobody watched: a clock that is wrong now and then may be wrong twice in an hour.
pub(super) const BORNE_OUT: Duration = Duration::from_secs(24 * 3600);

/// The two clocks of this process, as one payout or one campaign has seen them.
#[derive(Clone, Debug)]
pub(super) struct Clocks {
    /// The last reading in which both clocks agreed.
    base: Now,
    /// The latest calendar time that was believed.
    seen: Duration,
    /// The first reading after a jump that is not believed yet.
    jump: Option<Now>,
    /// The first reading of this process, where it is so far from the last time on record that it is not believed yet.
    woke: Option<Now>,
}

/// What a reading of both clocks is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Both clocks agree that this is the time.
    Plain(Duration),
    /// The calendar has jumped; by the steady clock it is `believed`.
    Apart { believed: Duration, error: ClockError },
    /// The calendar had jumped, and has stayed there for long enough: in place of `believed` it is `calendar`.
    /// `woke` is whether it was so from the first reading of this process on.
    Held { believed: Duration, calendar: Duration, woke: bool },
}

impl Clocks {
    /// Clocks that are believed as they stand.
    pub(super) fn new(now: Now) -> Self {
        Self { base: now, seen: now.calendar, jump: None, woke: None }
    }

    /// What was read last was the first reading of this process.
    pub(super) fn wake(&mut self) {
        self.woke = self.jump;
    }

    /// Whether the calendar stands apart since the first reading of this process: nobody watched before.
    pub(super) fn just_woke(&self) -> bool {
        self.woke == self.jump
    }

    /// Reads both clocks. The calendar may lag behind the last time that was believed by `tolerance`.
    pub(super) fn read(&mut self, now: Now, tolerance: Duration) -> Reading {
        let believed = self.base.calendar.saturating_add(now.steady.saturating_sub(self.base.steady));
        let ahead = now.calendar.saturating_sub(believed);
        let behind = self.seen.saturating_sub(now.calendar);
        let error = if ahead > JUMP {
            ClockError::Jump { by: ahead }
        } else if behind > tolerance {
            ClockError::Calendar { by: behind }
        } else {
            (self.jump, self.woke) = (None, None);
            self.seen = self.seen.max(now.calendar);
            // A calendar that stood still may catch up later.
            if now.calendar.saturating_add(JUMP) >= believed {
                self.base = Now { calendar: self.seen, ..now };
            }
            return Reading::Plain(self.seen);
        };
        let first = *self.jump.insert(self.jump.filter(|first| agree(*first, now)).unwrap_or(now));
        if now.steady.saturating_sub(first.steady) < HOLD {
            return Reading::Apart { believed, error };
        }
        let woke = self.woke.is_some();
        *self = Self::new(now);
        Reading::Held { believed, calendar: now.calendar, woke }
    }
}

/// Whether the calendar went on from `first` as the steady clock did.
fn agree(first: Now, now: Now) -> bool {
    let expected = first.calendar.saturating_add(now.steady.saturating_sub(first.steady));
    now.calendar.abs_diff(expected) <= JUMP
}
