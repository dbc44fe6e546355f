//! Values as they stand on the wire, and the few types that the tables share.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;

use crate::short::Short;

/// One value on its way out: text is written in CDATA, numbers and addresses bare. It signs as it displays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'s> {
    /// Not sent and not signed. Empty text is absent too.
    Absent,
    /// Text, raw: what is signed, before any escaping.
    Text(&'s str),
    /// An integer.
    Number(u64),
    /// A dotted quad.
    Ipv4(Ipv4Addr),
}

impl Value<'_> {
    /// Whether the value leaves no trace, neither in the document nor in the sign.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent | Self::Text(""))
    }

    /// Whether it is text, which is written in CDATA.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// The text on the wire; digits are written into `room`.
    #[inline(always)]
    pub(crate) fn shown<'t>(&'t self, room: &'t mut Short) -> &'t str {
        match self {
            Self::Absent => "",
            Self::Text(text) => text,
            Self::Number(number) => {
                room.clear();
                room.push_number(*number);
                room.as_str()
            }
            Self::Ipv4(address) => {
                room.clear();
                let [first, rest @ ..] = address.octets();
                room.push_number(first.into());
                for part in rest {
                    room.push(b'.');
                    room.push_number(part.into());
                }
                room.as_str()
            }
        }
    }

    /// Whether `text` is this very value on the wire.
    pub(crate) fn is(&self, text: &str) -> bool {
        match *self {
            Self::Absent => text.is_empty(),
            Self::Text(own) => own == text,
            Self::Number(own) => plain_number(text) == Some(own),
            Self::Ipv4(own) => text.parse() == Ok(own),
        }
    }
}

impl<'s> From<&'s str> for Value<'s> {
    fn from(text: &'s str) -> Self {
        Self::Text(text)
    }
}

impl<'s> From<&'s String> for Value<'s> {
    fn from(text: &'s String) -> Self {
        Self::Text(text)
    }
}

// The one integer type, so that a bare literal needs no suffix.
impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<Fen> for Value<'_> {
    fn from(amount: Fen) -> Self {
        Self::Number(amount.0.into())
    }
}

impl From<Ipv4Addr> for Value<'_> {
    fn from(address: Ipv4Addr) -> Self {
        Self::Ipv4(address)
    }
}

impl<'s, T: Into<Value<'s>>> From<Option<T>> for Value<'s> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, T::into)
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown(&mut Short::new()))
    }
}

/// A type that can stand in a request's table.
pub trait ToValue {
    /// The value on the wire.
    fn to_value(&self) -> Value<'_>;
}

/// A type that can be read from the wire: in an answer's table, and in a request's when a server reads it.
pub trait FromText<'b>: Sized {
    /// Reads a value that is present and not empty.
    fn from_text(text: Cow<'b, str>) -> Result<Self, Malformed>;
}

/// The text is not of the form that its type needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What was expected, to be read after "is not".
    pub expected: &'static str,
}

/// An amount of money in **fen**, a hundredth of a yuan (CNY). Always an integer; there is no way to make one
/// from a floating-point number.
///
/// ```
/// use wechatpay_proto::Fen;
/// assert_eq!(Fen(1_000).to_string(), "10.00 CNY");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fen(pub u32);

impl Fen {
    /// Reads an amount in yuan, as people and databases write it: digits, and behind a point one digit or two. No sign, no
    /// white space, no separator, no exponent, no zero in front, only ASCII; at most `42949672.95`. Nothing is rounded.
    ///
    /// ```
    /// use wechatpay_proto::Fen;
    /// use wechatpay_proto::wire::YuanError;
    /// assert_eq!(Fen::from_yuan("19.90"), Ok(Fen(1990)));
    /// assert_eq!(Fen::from_yuan("19.9"), Ok(Fen(1990)));
    /// assert_eq!(Fen::from_yuan("1.001"), Err(YuanError::Precision));
    /// ```
    pub fn from_yuan(text: &str) -> Result<Self, YuanError> {
        let (yuan, behind) = match text.split_once('.') {
            Some((yuan, behind)) => (yuan, Some(behind)),
            None => (text, None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = yuan == "0" || !yuan.starts_with('0');
        if !digits(yuan) || !canonical || behind.is_some_and(|behind| !digits(behind)) {
            return Err(YuanError::Form);
        }
        let cents = match behind.unwrap_or_default().as_bytes() {
            [] => 0,
            [tens] => u32::from(tens - b'0') * 10,
            [tens, ones] => u32::from(tens - b'0') * 10 + u32::from(ones - b'0'),
            _ => return Err(YuanError::Precision),
        };
        let yuan = yuan.parse::<u32>().ok().and_then(|yuan| yuan.checked_mul(100));
        yuan.and_then(|fen| fen.checked_add(cents)).map(Self).ok_or(YuanError::TooLarge)
    }
}

/// Why a text is no amount in yuan. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum YuanError {
    /// Something else than digits and one point between them.
    #[error(
        "amount in yuan is not of the form 19, 19.9 or 19.90: ASCII digits only, no zero in front, no sign, space, \
         separator or exponent"
    )]
    Form,
    /// A part of a fen.
    #[error(
        "amount in yuan has more than two digits behind the point: a fen has no parts, and nothing is rounded"
    )]
    Precision,
    /// More than [`Fen`] can hold.
    #[error("amount in yuan is more than 42949672.95")]
    TooLarge,
}

impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} CNY", self.0 / 100, self.0 % 100)
    }
}

impl ToValue for Fen {
    fn to_value(&self) -> Value<'_> {
        Value::Number(self.0.into())
    }
}

impl FromText<'_> for Fen {
    fn from_text(text: Cow<'_, str>) -> Result<Self, Malformed> {
        let fen = parse_number(&text).and_then(|number| u32::try_from(number).ok());
        fen.map(Self)
            .ok_or(Malformed { expected: "an amount in fen: 0, or up to ten digits without a leading zero" })
    }
}

/// `0|[1-9][0-9]{0,9}`, nothing else.
fn parse_number(text: &str) -> Option<u64> {
    if text.len() <= 10 { plain_number(text) } else { None }
}

/// `0|[1-9][0-9]*`: no sign, no white space, no leading zero, no point, no exponent.
pub(crate) fn plain_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    if plain && canonical { text.parse().ok() } else { None }
}

impl ToValue for u32 {
    fn to_value(&self) -> Value<'_> {
        Value::Number((*self).into())
    }
}

impl FromText<'_> for u32 {
    fn from_text(text: Cow<'_, str>) -> Result<Self, Malformed> {
        let number = parse_number(&text).and_then(|number| Self::try_from(number).ok());
        number.ok_or(Malformed { expected: "a number: 0, or up to ten digits without a leading zero" })
    }
}

impl ToValue for &str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl ToValue for Cow<'_, str> {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl<'b> FromText<'b> for Cow<'b, str> {
    fn from_text(text: Self) -> Result<Self, Malformed> {
        Ok(text)
    }
}

impl<'b> FromText<'b> for &'b str {
    fn from_text(text: Cow<'b, str>) -> Result<Self, Malformed> {
        match text {
            Cow::Borrowed(text) => Ok(text),
            // A server reads requests from a list of fields that outlives them, so this never happens there.
            Cow::Owned(_) => Err(Malformed { expected: "borrowed text" }),
        }
    }
}

impl ToValue for Ipv4Addr {
    fn to_value(&self) -> Value<'_> {
        Value::Ipv4(*self)
    }
}

impl FromText<'_> for Ipv4Addr {
    fn from_text(text: Cow<'_, str>) -> Result<Self, Malformed> {
        text.parse().map_err(|_| Malformed { expected: "an IPv4 address" })
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Absent, T::to_value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X19: an amount is `0|[1-9][0-9]{0,9}`.
    #[test]
    fn x19_amounts_are_plain_integers() {
        for (text, fen) in [("0", 0), ("1", 1), ("20000", 20_000), ("4294967295", u32::MAX)] {
            assert_eq!(Fen::from_text(text.into()), Ok(Fen(fen)), "{text}");
        }
        let bad = [
            "-1",
            "+1",
            " 1",
            "1 ",
            "01",
            "00",
            "1.0",
            "1e3",
            "0x10",
            "１",
            "18446744073709551617",
            "",
            "4294967296",
            "99999999999",
        ];
        for text in bad {
            assert!(Fen::from_text(text.into()).is_err(), "{text:?}");
            assert!(u32::from_text(text.into()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn yuan_are_read_exactly_or_not_at_all() {
        for (text, fen) in [
            ("19.90", 1990),
            ("19.9", 1990),
            ("19", 1900),
            ("0.01", 1),
            ("0.10", 10),
            ("0.1", 10),
            ("0", 0),
            ("0.00", 0),
            ("100000", 10_000_000),
            // what a float would make 1989, 28999 and 113
            ("19.89", 1989),
            ("289.99", 28_999),
            ("1.13", 113),
            ("42949672.95", u32::MAX),
        ] {
            assert_eq!(Fen::from_yuan(text), Ok(Fen(fen)), "{text}");
        }
        let forms = [
            "",
            "1e2",
            "-1",
            "１",
            "1,000.00",
            " 1",
            "1 ",
            "+1",
            ".5",
            "1.",
            ".",
            "1.2.3",
            "1..2",
            "1. 5",
            "1.-5",
            "1.５",
            "01",
            "00",
            "00.50",
            "0x10",
            "￥1",
            "1元",
            "NaN",
            "inf",
            "1_000",
            "1.5\n",
            "1\u{200b}",
        ];
        for text in forms {
            assert_eq!(Fen::from_yuan(text), Err(YuanError::Form), "{text:?}");
        }
        for text in ["1.001", "1.000", "0.001", "19.900"] {
            assert_eq!(Fen::from_yuan(text), Err(YuanError::Precision), "{text}");
        }
        for text in ["42949672.96", "42949673", "42949673.00", "4294967296", "18446744073709551617.00"] {
            assert_eq!(Fen::from_yuan(text), Err(YuanError::TooLarge), "{text}");
        }
    }

    /// Whatever is displayed is read as what it was.
    #[test]
    fn yuan_are_what_fen_display() {
        for fen in (0..100_000).chain([9_999_999, 10_000_000, u32::MAX - 1, u32::MAX]) {
            let shown = Fen(fen).to_string();
            assert_eq!(Fen::from_yuan(shown.strip_suffix(" CNY").unwrap()), Ok(Fen(fen)));
        }
    }

    #[test]
    fn values_compare_as_they_stand_on_the_wire() {
        assert!(Value::Number(100).is("100"));
        assert!(!Value::Number(100).is("0100"));
        assert!(Value::Text("a").is("a"));
        assert!(!Value::Text("a").is("A"));
        assert!(Value::Ipv4(Ipv4Addr::LOCALHOST).is("127.0.0.1"));
        assert_eq!(Fen(5).to_string(), "0.05 CNY");
    }
}
