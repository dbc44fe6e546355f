//! How many there should be.

use std::fmt;
use std::ops::{RangeFrom, RangeInclusive, RangeToInclusive};

use serde::{Deserialize, Serialize};

/// How many requests there should be. In JSON `{"exactly":1}`, `{"at_least":1}`, `{"at_most":2}`, or both of these.
/// In Rust `1`, `1..`, `..=2` and `1..=2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct Count {
    least: usize,
    most: usize,
}

/// The same as it is written.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Bounds {
    #[serde(skip_serializing_if = "Option::is_none")]
    exactly: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<usize>,
}

impl Count {
    /// Whether so many will do.
    pub fn admits(self, count: usize) -> bool {
        (self.least..=self.most).contains(&count)
    }
}

impl TryFrom<Bounds> for Count {
    type Error = String;

    fn try_from(bounds: Bounds) -> Result<Self, String> {
        match bounds {
            Bounds { exactly: Some(exactly), at_least: None, at_most: None } => Ok(exactly.into()),
            Bounds { exactly: None, at_least: None, at_most: None } | Bounds { exactly: Some(_), .. } => {
                Err("count: give exactly alone, or at_least, at_most or both".to_owned())
            }
            Bounds { exactly: None, at_least, at_most } => {
                let (least, most) = (at_least.unwrap_or(0), at_most.unwrap_or(usize::MAX));
                if least > most {
                    return Err(format!(
                        "count: at_least {least} is more than at_most {most}: nothing is both"
                    ));
                }
                Ok(Self { least, most })
            }
        }
    }
}

impl From<Count> for Bounds {
    fn from(Count { least, most }: Count) -> Self {
        if least == most {
            return Self { exactly: Some(least), ..Self::default() };
        }
        let at_most = Some(most).filter(|most| *most != usize::MAX);
        Self {
            exactly: None,
            at_least: Some(least).filter(|least| *least != 0 || at_most.is_none()),
            at_most,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { least: 1, most: 1 } => f.write_str("exactly 1 request"),
            Self { least, most } if least == most => write!(f, "exactly {least} requests"),
            Self { least: 1, most: usize::MAX } => f.write_str("at least 1 request"),
            Self { least, most: usize::MAX } => write!(f, "at least {least} requests"),
            Self { least: 0, most: 1 } => f.write_str("at most 1 request"),
            Self { least: 0, most } => write!(f, "at most {most} requests"),
            Self { least, most } => write!(f, "{least} to {most} requests"),
        }
    }
}

impl From<usize> for Count {
    fn from(exactly: usize) -> Self {
        Self { least: exactly, most: exactly }
    }
}

impl From<RangeFrom<usize>> for Count {
    fn from(range: RangeFrom<usize>) -> Self {
        Self { least: range.start, most: usize::MAX }
    }
}

impl From<RangeToInclusive<usize>> for Count {
    fn from(range: RangeToInclusive<usize>) -> Self {
        Self { least: 0, most: range.end }
    }
}

impl From<RangeInclusive<usize>> for Count {
    /// A range with nothing in it admits nothing.
    fn from(range: RangeInclusive<usize>) -> Self {
        Self { least: *range.start(), most: *range.end() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_as_they_went_and_say_themselves() {
        for (count, json, text) in [
            (Count::from(1), r#"{"exactly":1}"#, "exactly 1 request"),
            (Count::from(0), r#"{"exactly":0}"#, "exactly 0 requests"),
            (Count::from(1..), r#"{"at_least":1}"#, "at least 1 request"),
            (Count::from(0..), r#"{"at_least":0}"#, "at least 0 requests"),
            (Count::from(..=1), r#"{"at_most":1}"#, "at most 1 request"),
            (Count::from(..=2), r#"{"at_most":2}"#, "at most 2 requests"),
            (Count::from(2..=3), r#"{"at_least":2,"at_most":3}"#, "2 to 3 requests"),
        ] {
            assert_eq!(serde_json::to_string(&count).unwrap(), json);
            assert_eq!(serde_json::from_str::<Count>(json).unwrap(), count);
            assert_eq!(count.to_string(), text);
        }
    }

    #[test]
    fn a_count_admits_what_lies_within() {
        let admitted = |count: Count| (0..5).filter(|n| count.admits(*n)).collect::<Vec<_>>();
        assert_eq!(admitted(2.into()), [2]);
        assert_eq!(admitted((3..).into()), [3, 4]);
        assert_eq!(admitted((..=1).into()), [0, 1]);
        assert_eq!(admitted((1..=2).into()), [1, 2]);
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is tried")]
        let nothing = Count::from(2..=1);
        assert!(admitted(nothing).is_empty());
    }

    #[test]
    fn what_is_no_count_is_refused() {
        for (json, text) in [
            ("{}", "give exactly alone"),
            (r#"{"exactly":1,"at_most":2}"#, "give exactly alone"),
            (r#"{"at_least":3,"at_most":2}"#, "at_least 3 is more than at_most 2"),
            (r#"{"least":1}"#, "unknown field `least`"),
            (r#"{"exactly":-1}"#, "invalid value"),
        ] {
            let error = serde_json::from_str::<Count>(json).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
