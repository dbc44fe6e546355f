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

/// A moment in **Beijing time** (UTC+8), as the service wrote it: `yyyy-MM-dd HH:mm:ss` or `yyyyMMddHHmmss`,
/// without an offset. The text is kept, whatever it is: a strange time must not cost the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeijingTime<'b>(Cow<'b, str>);

impl<'b> BeijingTime<'b> {
    /// Takes the text as it is.
    pub fn new(text: impl Into<Cow<'b, str>>) -> Self {
        Self(text.into())
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
    fn values_compare_as_they_stand_on_the_wire() {
        assert!(Value::Number(100).is("100"));
        assert!(!Value::Number(100).is("0100"));
        assert!(Value::Text("a").is("a"));
        assert!(!Value::Text("a").is("A"));
        assert!(Value::Ipv4(Ipv4Addr::LOCALHOST).is("127.0.0.1"));
        assert_eq!(Fen(5).to_string(), "0.05 CNY");
    }
}
