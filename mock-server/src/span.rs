//! Durations as people write them: `500ms`, `2s`, `15m`, `24h`, `30d`, in switches, faults, commands and JSON.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The longest that is taken: 100 years.
const MOST: u64 = 100 * 366 * 86_400_000;

/// The same as a duration.
pub(crate) const LONGEST: Duration = Duration::from_millis(MOST);

/// Reads one number and one unit. The error says what would be right.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration: write 500ms, 2s, 15m, 24h or 30d");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let span = number.checked_mul(*millis).filter(|span| *span <= MOST);
    span.map(Duration::from_millis).ok_or_else(|| format!("{text:?} is longer than 100 years"))
}

/// In the largest unit that fits without a rest; milliseconds at the finest.
pub(crate) fn print(span: Duration) -> String {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let fits = UNITS.iter().rev().find(|(_, unit)| millis != 0 && millis.is_multiple_of(*unit));
    fits.map_or_else(|| format!("{millis}ms"), |(name, unit)| format!("{}{name}", millis / unit))
}

pub(crate) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&print(*span))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}

/// The same where it may be absent; beside it must stand `#[serde(default)]`.
pub(crate) mod option {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => super::serialize(span, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| super::parse(&text).map_err(serde::de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_come_back_as_they_went() {
        for text in ["0ms", "500ms", "2s", "15m", "24h", "30d", "1500ms", "36500d"] {
            let span = parse(text).unwrap();
            assert_eq!(parse(&print(span)).unwrap(), span, "{text}");
        }
        assert_eq!(print(parse("120m").unwrap()), "2h");
        assert_eq!(print(parse("24h").unwrap()), "1d");
        assert_eq!(parse("90s").unwrap(), Duration::from_secs(90));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "1", "h", "1 h", "-1s", "1.5s", "1h30m", "1w", "99999999999999999999s", "36601d", "１s"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
