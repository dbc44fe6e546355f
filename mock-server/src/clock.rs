//! The one clock of a mock. Everything that has a time reads it; nothing else in this crate asks the system.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::MockError;

const BEIJING: Offset = Offset::constant(8);

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

    /// The moment `duration` earlier; the beginning of time where that is before it.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration).unwrap_or(Timestamp::MIN))
    }

    /// How long it is since `earlier`; zero where that is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.duration_since(earlier.0).try_into().unwrap_or_default()
    }

    /// Whether it is less than `span` since `earlier`. It is not where that is later: the clock was set back since.
    pub(crate) fn is_within(self, span: Duration, earlier: Self) -> bool {
        earlier <= self && self.since(earlier) < span
    }

    /// In Beijing time, by the pattern of `strftime`.
    pub(crate) fn beijing(self, pattern: &str) -> String {
        self.0.to_zoned(TimeZone::fixed(BEIJING)).strftime(pattern).to_string()
    }

    /// `yyyy-MM-dd HH:mm:ss` in Beijing time, as the answers write it.
    pub fn to_answer(self) -> String {
        self.beijing("%Y-%m-%d %H:%M:%S")
    }

    /// The calendar day in Beijing, `yyyyMMdd`.
    pub(crate) fn day(self) -> String {
        self.beijing("%Y%m%d")
    }

    /// Whether it is between 0:00 and 8:00 in Beijing.
    pub(crate) fn is_night(self) -> bool {
        self.beijing("%H").as_str() < "08"
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display_with_offset(BEIJING).fmt(f)
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
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
    /// It goes faster or slower than the system's.
    Scaled {
        /// What it showed when it was set.
        from: Time,
        /// What the system's clock showed then.
        system: Time,
        /// Its speed in thousandths of the system's: 60000 makes a minute of every second.
        permille: u32,
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

    /// The system's time from now on, so many thousandths as fast.
    pub fn scaled(permille: u32) -> Self {
        let system = system();
        Self::Scaled { from: system, system, permille }
    }

    /// Reads `real`, `frozen:<RFC 3339>` or `scaled:<speed>`, a decimal number such as `60` or `0.5`.
    pub fn parse(text: &str) -> Result<Self, MockError> {
        let wrong = || MockError::Clock { text: text.to_owned() };
        match text.split_once(':') {
            None if text == "real" => Ok(Self::real()),
            Some(("frozen", time)) => Time::parse(time).map(Self::Frozen),
            Some(("scaled", speed)) => permille(speed).map(Self::scaled).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    /// `real`, `frozen` or `scaled:<speed>`.
    pub fn mode(&self) -> String {
        match self {
            Self::Frozen(_) => "frozen".to_owned(),
            Self::Real { .. } => "real".to_owned(),
            Self::Scaled { permille, .. } => format!("scaled:{}", f64::from(*permille) / 1000.0),
        }
    }

    /// The same clock, showing another time from now on. A real one cannot fall behind the system's.
    pub(crate) fn showing(self, now: Time) -> Self {
        match self {
            Self::Frozen(_) => Self::Frozen(now),
            Self::Real { .. } => Self::Real { ahead: now.since(system()) },
            Self::Scaled { permille, .. } => Self::Scaled { from: now, system: system(), permille },
        }
    }

    pub(crate) fn now(&self) -> Time {
        match *self {
            Self::Frozen(time) => time,
            Self::Real { ahead } => system().after(ahead),
            Self::Scaled { from, system: start, permille } => {
                let nanos = system().since(start).as_nanos() * u128::from(permille) / 1000;
                from.after(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
            }
        }
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        match self {
            Self::Frozen(time) => *time = time.after(by),
            Self::Real { ahead } => *ahead = ahead.saturating_add(by),
            Self::Scaled { from, .. } => *from = from.after(by),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock room is where time comes in")]
fn system() -> Time {
    Time(Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::MAX))
}

/// A decimal number of up to three places, in thousandths; more than nothing, and at most a million times as fast.
fn permille(speed: &str) -> Option<u32> {
    let (whole, rest) = speed.split_once('.').unwrap_or((speed, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || rest.len() > 3 || !digits(whole) || !digits(rest) {
        return None;
    }
    let permille: u64 = format!("{whole}{rest:0<3}").parse().ok()?;
    u32::try_from(permille).ok().filter(|permille| (1..=1_000_000_000).contains(permille))
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
        for wrong in
            ["", "scaled", "scaled:", "scaled:0", "scaled:-1", "scaled:1.0001", "scaled:1000001", "scaled:.5"]
        {
            assert!(Clock::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Clock::parse("scaled:0.5").unwrap().mode(), "scaled:0.5");
        assert_eq!(Clock::parse("scaled:60").unwrap().mode(), "scaled:60");
    }

    #[test]
    fn a_scaled_clock_goes_by_its_speed() {
        let (from, hour) = (Time::parse("2026-01-01T09:00:00+08:00").unwrap(), Duration::from_secs(3600));
        // The system's clock showed this an hour ago.
        let mut clock = Clock::Scaled { from, system: system().before(hour), permille: 2000 };
        assert!(clock.now().since(from) >= 2 * hour);
        assert!(clock.now().since(from) < 3 * hour);
        clock.advance(hour);
        assert!(clock.now().since(from) >= 3 * hour);
    }
}
