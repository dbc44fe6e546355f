//! How the values of switches are written: durations, numbers, ranges, yes and no.

use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use http::HeaderValue;
use wechatpay_proto::v2::mmpaymkttransfers::Scene;

use crate::span;

/// One way of writing a value.
pub(super) trait Form {
    /// What is written.
    type Value;
    /// What is accepted, for people.
    const ACCEPTED: &'static str;

    fn parse(text: &str) -> Option<Self::Value>;
    fn print(value: &Self::Value) -> String;
}

/// A whole number in plain digits.
pub(super) fn number<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn is_none(text: &str) -> bool {
    matches!(text, "none" | "off")
}

/// A duration.
pub(super) struct Span;

impl Form for Span {
    type Value = Duration;
    const ACCEPTED: &'static str = "a duration such as 500ms, 2s, 15m, 24h or 30d, at most 100 years";

    fn parse(text: &str) -> Option<Duration> {
        span::parse(text).ok()
    }

    fn print(value: &Duration) -> String {
        // A field may be longer than any text.
        span::print((*value).min(span::LONGEST))
    }
}

/// A duration that may be none at all.
pub(super) struct Gap;

impl Form for Gap {
    type Value = Duration;
    const ACCEPTED: &'static str =
        "none, or a duration such as 500ms, 2s, 15m, 24h or 30d, at most 100 years";

    fn parse(text: &str) -> Option<Duration> {
        if is_none(text) { Some(Duration::ZERO) } else { Span::parse(text) }
    }

    fn print(value: &Duration) -> String {
        if value.is_zero() { "none".to_owned() } else { Span::print(value) }
    }
}

/// The most there may be of something, or no limit.
pub(super) struct Limit<T>(PhantomData<T>);

impl<T: FromStr + ToString> Form for Limit<T> {
    type Value = Option<T>;
    const ACCEPTED: &'static str = "none, or a whole number";

    fn parse(text: &str) -> Option<Option<T>> {
        if is_none(text) { Some(None) } else { number(text).map(Some) }
    }

    fn print(value: &Option<T>) -> String {
        value.as_ref().map_or_else(|| "none".to_owned(), T::to_string)
    }
}

/// From one amount in fen to another, both included.
pub(super) struct Range;

impl Form for Range {
    type Value = RangeInclusive<u32>;
    const ACCEPTED: &'static str = "two amounts in fen, both included, such as 100..20000";

    fn parse(text: &str) -> Option<RangeInclusive<u32>> {
        let (least, most) = text.split_once("..")?;
        let (least, most) = (number(least)?, number(most)?);
        (least <= most).then_some(least..=most)
    }

    fn print(value: &RangeInclusive<u32>) -> String {
        format!("{}..{}", value.start(), value.end())
    }
}

/// Whether something is on.
pub(super) struct OnOff;

impl Form for OnOff {
    type Value = bool;
    const ACCEPTED: &'static str = "off|on";

    fn parse(text: &str) -> Option<bool> {
        yes_or_no(text, "on", "off")
    }

    fn print(value: &bool) -> String {
        if *value { "on".to_owned() } else { "off".to_owned() }
    }
}

/// Whether something is signed.
pub(super) struct Signed;

impl Form for Signed {
    type Value = bool;
    const ACCEPTED: &'static str = "signed|unsigned";

    fn parse(text: &str) -> Option<bool> {
        yes_or_no(text, "signed", "unsigned")
    }

    fn print(value: &bool) -> String {
        if *value { "signed".to_owned() } else { "unsigned".to_owned() }
    }
}

fn yes_or_no(text: &str, yes: &str, no: &str) -> Option<bool> {
    (text == yes || text == no).then_some(text == yes)
}

/// Scenes of red packets.
pub(super) struct Scenes;

impl Form for Scenes {
    type Value = Vec<Scene>;
    const ACCEPTED: &'static str = "all, none, or scenes joined by a plus sign, such as PRODUCT_1+PRODUCT_5";

    fn parse(text: &str) -> Option<Vec<Scene>> {
        let scene = |name: &str| Scene::ALL.into_iter().find(|scene| scene.as_str() == name);
        match text {
            "all" => Some(Scene::ALL.to_vec()),
            "none" => Some(Vec::new()),
            names => names.split('+').map(scene).collect(),
        }
    }

    fn print(value: &Vec<Scene>) -> String {
        let names: Vec<&str> = value.iter().map(|scene| scene.as_str()).collect();
        match names.len() {
            0 => "none".to_owned(),
            _ if *value == Scene::ALL => "all".to_owned(),
            _ => names.join("+"),
        }
    }
}

/// The value of a header.
pub(super) struct Header;

impl Form for Header {
    type Value = HeaderValue;
    const ACCEPTED: &'static str = "the value of a header, in visible ASCII, such as text/xml";

    fn parse(text: &str) -> Option<HeaderValue> {
        let visible = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        let framed = text.trim() == text && !text.is_empty();
        HeaderValue::from_str(text).ok().filter(|_| visible && framed)
    }

    fn print(value: &HeaderValue) -> String {
        value.to_str().unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain_digits() {
        assert_eq!(number::<u32>("0"), Some(0));
        assert_eq!(number::<u64>("4294967296"), Some(4_294_967_296));
        for wrong in ["", "+1", "-1", "1.0", " 1", "1_000", "4294967296", "one"] {
            assert_eq!(number::<u32>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn none_and_off_are_no_limit() {
        for text in ["none", "off"] {
            assert_eq!(Limit::<u32>::parse(text), Some(None));
            assert_eq!(Gap::parse(text), Some(Duration::ZERO));
            assert_eq!(Span::parse(text), None);
        }
        assert_eq!(Gap::print(&Gap::parse("0s").unwrap()), "none");
        assert_eq!(Limit::<u32>::parse("0"), Some(Some(0)));
    }

    #[test]
    fn a_range_has_two_ends_in_order() {
        assert_eq!(Range::parse("1..1"), Some(1..=1));
        for wrong in ["", "1", "..", "1..", "..1", "2..1", "1..=2", "1...2", "1..2..3", "1-2"] {
            assert_eq!(Range::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn scenes_are_all_none_or_some() {
        let some = "PRODUCT_1+PRODUCT_5";
        assert_eq!(Scenes::parse(some), Some(vec![Scene::Product1, Scene::Product5]));
        for text in ["all", "none", some, "PRODUCT_8"] {
            assert_eq!(Scenes::print(&Scenes::parse(text).unwrap()), text);
        }
        for wrong in ["", "+", "PRODUCT_9", "PRODUCT_1+", "all+none", "PRODUCT_1 PRODUCT_2"] {
            assert_eq!(Scenes::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_header_is_visible_and_has_no_edges() {
        assert!(Header::parse("text/xml; charset=utf-8").is_some());
        for wrong in ["", " ", " text/xml", "text/xml ", "a\r\nb: c", "文"] {
            assert!(Header::parse(wrong).is_none(), "{wrong:?}");
        }
    }
}
