//! Moments, as the service writes them.

use std::borrow::Cow;

use super::value::{FromText, Malformed, ToValue, Value};

/// The seconds of a day.
const DAY: u64 = 24 * 3600;
/// Eight hours, in every season of every year. (China's summer time of 1986 to 1991 is older than the service.)
const EAST_OF_GREENWICH: u64 = 8 * 3600;

/// A moment in **Beijing time** (UTC+8), as the service wrote it: `yyyy-MM-dd HH:mm:ss` or `yyyyMMddHHmmss`,
/// without an offset. The text is kept, whatever it is: a strange time must not cost the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeijingTime<'b>(Cow<'b, str>);

impl<'b> BeijingTime<'b> {
    /// Takes the text as it is.
    pub fn new(text: impl Into<Cow<'b, str>>) -> Self {
        Self(text.into())
    }

    /// The moment that is `unix_seconds` after 1970-01-01T00:00:00Z, as `yyyyMMddHHmmss`: the form of `time_start`,
    /// `time_expire` and their like. It reads no clock and no time zone. `None` from the year 10000 on, which milliseconds
    /// in place of seconds come to.
    ///
    /// ```
    /// use wechatpay_proto::BeijingTime;
    /// assert_eq!(BeijingTime::from_unix(1_560_855_600).unwrap().as_str(), "20190618190000");
    /// assert_eq!(BeijingTime::from_unix(1_560_855_600_000), None);
    /// ```
    pub fn from_unix(unix_seconds: u64) -> Option<BeijingTime<'static>> {
        let seconds = unix_seconds.checked_add(EAST_OF_GREENWICH)?;
        let (year, month, day) = date(seconds / DAY);
        if year > 9999 {
            return None;
        }
        let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
        let text = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}");
        Some(BeijingTime(Cow::Owned(text)))
    }

    /// The text on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `yyyy-MM-ddTHH:mm:ss+08:00`, for any library that reads RFC 3339; `None` where the text has neither of
    /// the two documented forms. Whether such a day exists is left to that library.
    ///
    /// ```
    /// use wechatpay_proto::BeijingTime;
    /// let time = BeijingTime::new("2019-12-12 16:35:59");
    /// assert_eq!(time.to_rfc3339().as_deref(), Some("2019-12-12T16:35:59+08:00"));
    /// assert_eq!(BeijingTime::new("20150520102602").to_rfc3339().as_deref(), Some("2015-05-20T10:26:02+08:00"));
    /// assert_eq!(BeijingTime::new("yesterday").to_rfc3339(), None);
    /// ```
    pub fn to_rfc3339(&self) -> Option<String> {
        let shape: String = self.0.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        if shape != "0000-00-00 00:00:00" && shape != "00000000000000" {
            return None;
        }
        let digits: String = self.0.chars().filter(char::is_ascii_digit).collect();
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
        let (date, time) = ((part(0, 4), part(4, 6), part(6, 8)), (part(8, 10), part(10, 12), part(12, 14)));
        Some(format!("{}-{}-{}T{}:{}:{}+08:00", date.0, date.1, date.2, time.0, time.1, time.2))
    }

    /// The same moment, owning its text.
    pub fn into_owned(self) -> BeijingTime<'static> {
        BeijingTime(Cow::Owned(self.0.into_owned()))
    }
}

impl ToValue for BeijingTime<'_> {
    fn to_value(&self) -> Value<'_> {
        Value::Text(&self.0)
    }
}

impl<'b> FromText<'b> for BeijingTime<'b> {
    fn from_text(text: Cow<'b, str>) -> Result<Self, Malformed> {
        Ok(Self(text))
    }
}

/// Year, month and day of the day that is `days` after 1970-01-01, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Years that begin in March have their leap day at the end: counted from 0000-03-01, in spans of 400 years.
    let days = days + 719_468;
    let (span, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, months have 31, 30, 31, 30, 31 days, over and over: 153 in five.
    let march_is_zero = (5 * day + 2) / 153;
    let day = day - (153 * march_is_zero + 2) / 5 + 1;
    let month = if march_is_zero < 10 { march_is_zero + 3 } else { march_is_zero - 9 };
    (400 * span + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(unix_seconds: u64) -> String {
        BeijingTime::from_unix(unix_seconds).unwrap().as_str().to_owned()
    }

    /// What Python's datetime makes of them, in a zone eight hours east.
    #[test]
    fn moments_are_those_of_another_library() {
        for (unix_seconds, beijing) in [
            (0, "19700101080000"),
            (1, "19700101080001"),
            (57_599, "19700101235959"),
            (57_600, "19700102000000"),
            (1_560_855_600, "20190618190000"),
            (68_140_800, "19720229000000"),
            (946_655_999, "19991231235959"),
            (951_753_599, "20000228235959"),
            (951_753_600, "20000229000000"),
            (951_839_999, "20000229235959"),
            (951_840_000, "20000301000000"),
            (1_709_181_296, "20240229123456"),
            (1_677_599_999, "20230228235959"),
            (1_677_600_000, "20230301000000"),
            (2_147_483_648, "20380119111408"),
            (4_107_513_599, "21000228235959"),
            (4_107_513_600, "21000301000000"),
            (4_294_967_296, "21060207142816"),
            (13_574_563_199, "24000229075959"),
            (253_375_833_599, "99990228235959"),
            (253_402_271_999, "99991231235959"),
            (59_980_258_300, "38700913065140"),
            (141_783_977_295, "64621215140815"),
            (11_750_994_533, "23420518050853"),
            (249_786_762_626, "98850605195026"),
            (68_660_805_139, "41451010135219"),
            (12_957_403_772, "23800809064932"),
            (222_820_718_321, "90301128195841"),
            (41_581_084_501, "32870826211501"),
            (192_660_818_520, "80750306220200"),
            (103_078_425_836, "52360604160356"),
            (31_094_339_954, "29550505123914"),
        ] {
            assert_eq!(text(unix_seconds), beijing, "{unix_seconds}");
        }
    }

    /// Each month from 1970 to 9999, counted by the rule of leap years alone.
    #[test]
    fn months_follow_the_calendar() {
        let mut days = 0;
        for year in 1970..=9999_u64 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let february = if leap { 29 } else { 28 };
            let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in (1..).zip(months) {
                for (day, at) in [(1, days), (length, days + length - 1)] {
                    assert_eq!(date(at), (year, month, day));
                }
                days += length;
            }
        }
        assert_eq!(date(days), (10_000, 1, 1));
    }

    #[test]
    fn there_is_no_year_of_five_digits() {
        assert_eq!(text(253_402_271_999), "99991231235959");
        for late in [253_402_272_000, 1_560_855_600_000, u64::MAX - EAST_OF_GREENWICH, u64::MAX] {
            assert_eq!(BeijingTime::from_unix(late), None, "{late}");
        }
    }

    #[test]
    fn a_moment_is_a_value_and_reads_as_rfc_3339() {
        let time = BeijingTime::from_unix(1_560_855_600).unwrap();
        assert_eq!(time.to_value(), Value::Text("20190618190000"));
        assert_eq!(time.to_rfc3339().as_deref(), Some("2019-06-18T19:00:00+08:00"));
    }
}
