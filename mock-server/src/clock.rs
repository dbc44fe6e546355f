//! The one clock of a mock. Everything that has a time reads it; nothing else in this crate asks the system.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::MockError;

/// A moment, to the nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

impl Time {
    /// Reads RFC 3339, such as `2026-01-01T09:00:00+08:00`.
    pub fn parse(text: &str) -> Result<Self, MockError> {
        text.parse().map(Self).map_err(|_| MockError::Time { text: text.to_owned() })
    }

    /// The moment `duration` later; the end of time where that is past it.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration).unwrap_or(Timestamp::MAX))
    }

    /// How long it is since `earlier`; zero where that is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.duration_since(earlier.0).try_into().unwrap_or_default()
    }

    /// In Beijing time, by the pattern of `strftime`.
    pub(crate) fn beijing(self, pattern: &str) -> String {
        let zone = TimeZone::fixed(Offset::constant(8));
        self.0.to_zoned(zone).strftime(pattern).to_string()
    }

    /// `yyyy-MM-dd HH:mm:ss` in Beijing time, as the answers write it.
    pub fn to_answer(self) -> String {
        self.beijing("%Y-%m-%d %H:%M:%S")
    }

    /// The calendar day in Beijing, `yyyyMMdd`.
    pub(crate) fn day(self) -> String {
        self.beijing("%Y%m%d")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.beijing("%Y-%m-%dT%H:%M:%S%.f+08:00"))
    }
}

/// Where the time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// It stands still until it is advanced: the default of the library, for tests.
    Frozen(Time),
    /// The system's time, plus what it was advanced by: the default of the binary.
    Real {
        /// How far ahead of the system's time it is.
        ahead: Duration,
    },
}

impl Clock {
    /// The frozen clock that a mock starts with: 2026-01-01 09:00 in Beijing.
    pub fn default_frozen() -> Self {
        Self::Frozen(Time(Timestamp::constant(1_767_229_200, 0)))
    }

    /// The system's time.
    pub fn real() -> Self {
        Self::Real { ahead: Duration::ZERO }
    }

    /// Reads `real` or `frozen:<RFC 3339>`.
    pub fn parse(text: &str) -> Result<Self, MockError> {
        match text.strip_prefix("frozen:") {
            Some(time) => Time::parse(time).map(Self::Frozen),
            None if text == "real" => Ok(Self::real()),
            None => Err(MockError::Time { text: text.to_owned() }),
        }
    }

    pub(crate) fn now(&self) -> Time {
        match *self {
            Self::Frozen(time) => time,
            #[expect(clippy::disallowed_methods, reason = "the clock room is where time comes in")]
            Self::Real { ahead } => {
                let system = Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::MAX);
                Time(system).after(ahead)
            }
        }
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        match self {
            Self::Frozen(time) => *time = time.after(by),
            Self::Real { ahead } => *ahead = ahead.saturating_add(by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_beijing() {
        let time = Time::parse("2019-12-12T08:35:59Z").unwrap();
        assert_eq!(time.to_answer(), "2019-12-12 16:35:59");
        assert_eq!(time.to_string(), "2019-12-12T16:35:59+08:00");
        assert_eq!(time.day(), "20191212");
        assert_eq!(time.after(Duration::from_secs(8 * 3600)).day(), "20191213");
        assert!(Time::parse("yesterday").is_err());
    }

    #[test]
    fn the_default_clock_stands_still_until_it_is_advanced() {
        let mut clock = Clock::default_frozen();
        assert_eq!(clock.now().to_string(), "2026-01-01T09:00:00+08:00");
        assert_eq!(clock.now(), clock.now());
        let before = clock.now();
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().since(before), Duration::from_secs(90));
        assert_eq!(before.since(clock.now()), Duration::ZERO);
    }

    #[test]
    fn a_clock_is_read_from_text() {
        assert_eq!(Clock::parse("real").unwrap(), Clock::real());
        assert_eq!(Clock::parse("frozen:2026-01-01T09:00:00+08:00").unwrap(), Clock::default_frozen());
        assert!(Clock::parse("frozen").is_err());
        assert!(Clock::parse("scaled:2").is_err());
    }
}
