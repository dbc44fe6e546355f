//! What a field may hold, and how a value breaks it.
//!
//! The rules are data in the endpoint's table, so that one list serves the check before signing, the server
//! direction and the documentation. Lengths are counted in **bytes of UTF-8**, as WeChat Pay counts them.

use crate::wire::scan::{Kinds, no_character};
use crate::wire::{MAX_VALUE, Value};

/// What one field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The type of the field says it all. Of text, only what could not be read back is refused: characters that XML
    /// does not allow, carriage returns, and more than [`MAX_VALUE`] bytes.
    Any,
    /// Text for people: 1 to `max` bytes of UTF-8, not blank, no C0 controls (line
    /// breaks and tabs are some), no byte order mark.
    Text {
        /// The most bytes of UTF-8.
        max: usize,
    },
    /// Like `Text`, and without `&` and `=`: text that comes back in a signed answer, whose sign does not tell those
    /// from the marks between fields.
    Echoed {
        /// The most bytes of UTF-8.
        max: usize,
    },
    /// An identifier: 1 to `max` of `[0-9A-Za-z_-]`.
    Token {
        /// The most characters.
        max: usize,
    },
    /// 1 to `max` of `[0-9A-Za-z]`.
    Alphanumeric {
        /// The most characters.
        max: usize,
    },
    /// Text that was url-encoded: 1 to `max` characters, each of `[0-9A-Za-z-_.~*+!'()]` or `%` with two hex digits.
    UrlEncoded {
        /// The most characters, after encoding.
        max: usize,
    },
    /// An integer from `min` to `max`, both included.
    Range {
        /// The least value.
        min: u64,
        /// The greatest value.
        max: u64,
    },
    /// One value and no other.
    Exactly(Value<'static>),
}

impl Rule {
    /// Checks one value that is present.
    pub fn check(&self, value: &Value<'_>) -> Result<(), Violation> {
        let kinds = if let Value::Text(text) = value { Kinds::of(text) } else { Kinds::NONE };
        self.check_seen(value, kinds)
    }

    /// The same, where it is known which kinds of bytes a text has.
    #[inline(always)]
    pub(crate) fn check_seen(&self, value: &Value<'_>, kinds: Kinds) -> Result<(), Violation> {
        if let Value::Text(text) = value
            && self.is_plainly_kept(text, kinds)
        {
            return Ok(());
        }
        self.check_whole(value, kinds)
    }

    /// The short way for nearly every text: whatever is not plain goes the long one.
    #[inline(always)]
    fn is_plainly_kept(&self, text: &str, kinds: Kinds) -> bool {
        // White space begins with one of these.
        let may_be_blank = matches!(text.as_bytes(), [] | [9..=13 | b' ' | 0xC2 | 0xE1..=0xE3, ..]);
        let whole = matches!(self, Self::UrlEncoded { .. }) || kinds.has(self.refused().and(Kinds::ODD));
        !may_be_blank && !whole && self.max_bytes().is_some_and(|max| text.len() <= max)
    }

    #[inline(never)]
    fn check_whole(&self, value: &Value<'_>, kinds: Kinds) -> Result<(), Violation> {
        match (self, value) {
            (Self::Range { min, max }, Value::Number(number)) => in_range(*number, *min, *max),
            (Self::Exactly(one), value) if one == value => Ok(()),
            (Self::Exactly(one), _) => Err(Violation::Exactly { value: *one }),
            (Self::Range { .. }, _) => Err(Violation::Malformed { expected: "a number, as its rule needs" }),
            (rule, Value::Text(text)) => rule.check_text(text, kinds),
            (Self::Any, _) => Ok(()),
            _ => Err(Violation::Malformed { expected: "a text, as its rule needs" }),
        }
    }

    /// The most bytes that a text under this rule may have.
    #[inline]
    pub fn max_bytes(&self) -> Option<usize> {
        match *self {
            Self::Text { max }
            | Self::Echoed { max }
            | Self::Token { max }
            | Self::Alphanumeric { max }
            | Self::UrlEncoded { max } => Some(max),
            _ => None,
        }
    }

    fn check_text(&self, text: &str, kinds: Kinds) -> Result<(), Violation> {
        if text.is_empty() && !matches!(self, Self::Any) {
            return Err(Violation::Missing);
        }
        let max = self.max_bytes().unwrap_or(MAX_VALUE);
        if text.len() > max {
            return Err(Violation::TooLong { max, len: text.len() });
        }
        let refused = self.refused();
        let plain = if kinds.has(refused) { refused.first_in(text) } else { None };
        if let Some(at) = plain.into_iter().chain(self.first_special(text, kinds)).min() {
            return Err(Violation::Characters { allowed: self.allowed(), at });
        }
        // Whether the service takes white space for empty, and so leaves it out of the sign, is not known.
        if !matches!(self, Self::Any) && text.chars().all(char::is_whitespace) {
            Err(Violation::Blank)
        } else {
            Ok(())
        }
    }

    /// The kinds of bytes that no text under this rule has.
    const fn refused(&self) -> Kinds {
        match self {
            Self::Text { .. } => Kinds::LINE.and(Kinds::CONTROL),
            Self::Echoed { .. } => Kinds::LINE.and(Kinds::CONTROL).and(Kinds::MARK),
            Self::Token { .. } => Kinds::ALL.without(Kinds::DASH),
            Self::Alphanumeric { .. } => Kinds::ALL,
            Self::UrlEncoded { .. } => Kinds::ALL.without(Kinds::DASH).without(Kinds::URL),
            Self::Any | Self::Range { .. } | Self::Exactly(_) => Kinds::CONTROL,
        }
    }

    fn allowed(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text without C0 controls such as line breaks",
            Self::Echoed { .. } => "text without & and = and C0 controls",
            Self::Token { .. } => "[0-9A-Za-z_-]",
            Self::Alphanumeric { .. } => "[0-9A-Za-z]",
            Self::UrlEncoded { .. } => "[0-9A-Za-z-_.~*+!'()] and % with two hex digits",
            Self::Any | Self::Range { .. } | Self::Exactly(_) => "characters of XML, no carriage return",
        }
    }

    /// Where the first thing stands that the rule does not allow and that one byte does not tell.
    fn first_special(&self, text: &str, kinds: Kinds) -> Option<usize> {
        match self {
            Self::UrlEncoded { .. } => broken_escape(text),
            _ if !kinds.has(Kinds::ODD) => None,
            Self::Any | Self::Range { .. } | Self::Exactly(_) => no_character(text, false),
            _ => no_character(text, true),
        }
    }
}

fn in_range(value: u64, min: u64, max: u64) -> Result<(), Violation> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(Violation::OutOfRange { min, max, value }) }
}

/// Where a `%` stands that no two hex digits follow.
fn broken_escape(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let broken = |three: &[u8]| match three {
        [b'%', two @ ..] => !two.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    };
    let at_the_end = bytes.len().saturating_sub(2)..bytes.len();
    let cut_short = at_the_end.into_iter().find(|at| bytes.get(*at) == Some(&b'%'));
    bytes.windows(3).position(broken).or(cut_short)
}

/// How a value breaks its rule. It names bounds and positions, and numbers that are out of bounds, never a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The field must be there and hold something.
    #[error("is required")]
    Missing,
    /// Only white space.
    #[error("is blank")]
    Blank,
    /// More bytes of UTF-8 than allowed.
    #[error("has {len} bytes of UTF-8, at most {max} are allowed")]
    TooLong {
        /// The most bytes.
        max: usize,
        /// The bytes there are.
        len: usize,
    },
    /// Not the exact number of bytes.
    #[error("has {len} bytes, exactly {exactly} are needed")]
    Length {
        /// The bytes needed.
        exactly: usize,
        /// The bytes there are.
        len: usize,
    },
    /// A character that is not allowed.
    #[error("has a character that is not allowed at byte {at}; allowed: {allowed}")]
    Characters {
        /// What is allowed.
        allowed: &'static str,
        /// The offset, in bytes, of the first character that is not.
        at: usize,
    },
    /// Something around or within a secret that copying or a configuration file left there.
    #[error("has {what} at byte {at}, which is no part of it")]
    Stray {
        /// What it is, in words.
        what: &'static str,
        /// Its offset in bytes.
        at: usize,
    },
    /// A number out of range.
    #[error("is {value}, must be {min} to {max}")]
    OutOfRange {
        /// The least value.
        min: u64,
        /// The greatest value.
        max: u64,
        /// The value.
        value: u64,
    },
    /// A fixed value that is something else.
    #[error("must be {value}")]
    Exactly {
        /// The only value allowed.
        value: Value<'static>,
    },
    /// Not of the form that the type needs.
    #[error("is not {expected}")]
    Malformed {
        /// What was expected.
        expected: &'static str,
    },
    /// Needed because of what another field holds.
    #[error("is required {when}")]
    RequiredWhen {
        /// When.
        when: &'static str,
    },
    /// Must not stand beside another field.
    #[error("must not be given together with {by}")]
    Excluded {
        /// The other field.
        by: &'static str,
    },
    /// The source of random bytes has none.
    #[error("cannot be made without random bytes")]
    NoRandomness,
    /// The merchant has no secret of a work-weixin application.
    #[error("needs the secret of the work-weixin application (Merchant::with_agent_secret)")]
    NoAgentSecret,
    /// The core writes this field itself.
    #[error("is written by the core and must not be given")]
    Reserved,
    /// The name cannot stand on the wire.
    #[error("has a name that cannot stand on the wire; allowed: [A-Za-z_][A-Za-z0-9_]*, at most 64 bytes")]
    Name,
    /// Named as an echo, and not sent, or made anew each time, or a list.
    #[error("is no field that is sent, so it cannot come back as it was")]
    NoEcho,
    /// The field was given before.
    #[error("is given twice")]
    Duplicate,
    /// What this endpoint needs cannot be done here.
    #[error("is not supported: {what}")]
    Unsupported {
        /// What it would need.
        what: &'static str,
    },
    /// Only a service provider may send this field.
    #[error("is for service providers only (Merchant::service_provider)")]
    ServiceProviderOnly,
    /// A service provider must send this field.
    #[error("is required from a service provider")]
    ServiceProviderMust,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(rule: Rule, value: &str) -> Result<(), Violation> {
        rule.check(&Value::Text(value))
    }

    #[test]
    fn text_counts_bytes_and_refuses_what_cannot_be_seen() {
        let rule = Rule::Text { max: 6 };
        assert_eq!(text(rule, "红包"), Ok(()));
        assert_eq!(text(rule, "红包!"), Err(Violation::TooLong { max: 6, len: 7 }));
        assert_eq!(text(rule, " \u{3000}"), Err(Violation::Blank));
        for bad in ["\r", "\n", "\t", "\0", "\u{1}", "\u{1f}", "\u{FFFE}", "\u{FEFF}"] {
            let error = text(rule, &format!("a{bad}")).unwrap_err();
            assert!(matches!(error, Violation::Characters { at: 1, .. }), "{bad:?}: {error}");
        }
        for good in ["]]>", "<&>", "a\u{7f}", "a\u{85}", "é"] {
            assert_eq!(text(rule, good), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn text_that_comes_back_signed_has_no_marks_of_fields() {
        let rule = Rule::Echoed { max: 9 };
        assert_eq!(text(rule, "红包<x>"), Ok(()));
        for (bad, at) in [("a&b", 1), ("ab=", 2), ("\n", 0)] {
            let allowed = "text without & and = and C0 controls";
            assert_eq!(text(rule, bad), Err(Violation::Characters { allowed, at }), "{bad:?}");
        }
    }

    #[test]
    fn identifiers_are_narrow() {
        assert_eq!(text(Rule::Alphanumeric { max: 4 }, "aZ09"), Ok(()));
        assert!(text(Rule::Alphanumeric { max: 4 }, "a-b").is_err());
        assert_eq!(text(Rule::Token { max: 4 }, "a-_B"), Ok(()));
        assert!(text(Rule::Token { max: 4 }, "a b").is_err());
        assert!(text(Rule::Token { max: 4 }, "号").is_err());
        assert_eq!(text(Rule::UrlEncoded { max: 9 }, "a%3db%3D_"), Ok(()));
        for (bad, position) in
            [("a=b", 1), ("a&b", 1), ("a b", 1), ("%3", 0), ("ab%", 2), ("%zz", 0), ("%3g", 0), ("号", 0)]
        {
            let error = text(Rule::UrlEncoded { max: 9 }, bad).unwrap_err();
            assert!(matches!(error, Violation::Characters { at, .. } if at == position), "{bad:?}: {error}");
        }
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let rule = Rule::Range { min: 1, max: 3 };
        assert_eq!(rule.check(&Value::Number(1)), Ok(()));
        assert_eq!(rule.check(&Value::Number(3)), Ok(()));
        assert_eq!(rule.check(&Value::Number(0)), Err(Violation::OutOfRange { min: 1, max: 3, value: 0 }));
        assert_eq!(rule.check(&Value::Number(4)), Err(Violation::OutOfRange { min: 1, max: 3, value: 4 }));
        let one = Rule::Exactly(Value::Number(1));
        assert_eq!(one.check(&Value::Number(1)), Ok(()));
        assert_eq!(one.check(&Value::Number(2)).unwrap_err().to_string(), "must be 1");
    }
}
