//! The time, told twice: waits go by a clock that does not jump, horizons by the calendar.

use std::time::Duration;

/// The time of an event, by both clocks of the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Since any fixed moment of this process, by a clock that never goes back and never jumps
    /// (`std::time::Instant`). Waits and gaps are measured by it.
    pub steady: Duration,
    /// Since 1970-01-01T00:00:00Z, by the calendar (`std::time::SystemTime`). Windows, horizons and records go by it,
    /// because it survives a restart.
    pub calendar: Duration,
}

/// The clocks of the caller contradict each other, or time on record. Nothing is sent meanwhile.
///
/// A calendar that has jumped is believed once it has stayed there for ten minutes by the steady clock. One that comes back
/// before leaves no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClockError {
    /// The steady clock went back, which it must not do.
    #[error("the steady clock went back by {by:?}")]
    Steady {
        /// How far.
        by: Duration,
    },
    /// The calendar is behind a time that is on record, by more than the tolerance of the policy.
    #[error("the calendar is {by:?} behind the last time on record")]
    Calendar {
        /// How far.
        by: Duration,
    },
    /// The calendar has jumped ahead, and the steady clock does not confirm it: somebody set it, or the machine slept.
    #[error("the calendar is {by:?} ahead of what the steady clock says")]
    Jump {
        /// How far.
        by: Duration,
    },
}
