//! The flat `<xml>` dialect of APIv2: what is written, what is accepted, what is refused.
//!
//! The reader is strict on purpose. A feature of XML that no answer needs is refused, not limited: documents with
//! a DTD, attributes, comments, processing instructions, prefixes, duplicates or stray text never become fields.
//! Bytes are parsed **once**; the signature and the typed answer both come from that one list of fields.
//!
//! | point | rule |
//! |---|---|
//! | bytes | UTF-8, at most [`MAX_BODY`]; one leading byte order mark is skipped |
//! | declaration | none, or version 1.0, then UTF-8 if any encoding, then `standalone` if at all; never a DTD |
//! | root | one `<xml>`, closed; only white space around it |
//! | names | `[A-Za-z_][A-Za-z0-9_]*`, at most [`MAX_NAME`] bytes, no attributes |
//! | elements | at most [`MAX_ELEMENTS`], no name twice in one container |
//! | values | at most [`MAX_VALUE`] bytes; text, CDATA, the five predefined entities and character references, decoded once; never trimmed |
//! | depth | leaves only, except the lists that the endpoint's table declares |

mod few;
mod fields;
mod order;
mod read;
pub(crate) mod scan;
mod time;
mod value;
mod write;

pub use fields::{Fields, Item, Unverified};
#[doc(hidden)]
pub use fields::{NamedLists, NamedValues};
pub(crate) use read::parse_root;
pub use read::{List, XmlError, XmlErrorKind, parse};
pub use time::BeijingTime;
pub(crate) use value::plain_number;
pub use value::{Fen, FromText, Malformed, ToValue, Value, YuanError};
pub use write::Writer;
pub(crate) use write::{Query, Sheet, percent_encode};

/// The most bytes of a body: 64 KiB.
pub const MAX_BODY: usize = 64 * 1024;
/// The most bytes of one value: 32 KiB. The largest that is documented, the receivers of a profit sharing, has about 22,000.
pub const MAX_VALUE: usize = 32 * 1024;
/// The most bytes of an element's name.
pub const MAX_NAME: usize = 64;
/// The most elements of a document, counted over all lists, the root not counted. The largest answer that is documented,
/// ten refunds with coupons, has about 300.
pub const MAX_ELEMENTS: usize = 1024;

/// Whether `c` is a `Char` of XML 1.0: no NUL, no C0 control but tab, LF and CR, no U+FFFE or U+FFFF.
pub fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether `name` can name an element of the dialect, in either direction.
pub(crate) const fn is_name(name: &str) -> bool {
    let mut good = !matches!(name.as_bytes(), [] | [b'0'..=b'9', ..]) && name.len() <= MAX_NAME;
    let mut rest = name.as_bytes();
    while let [byte, tail @ ..] = rest {
        good &= matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_');
        rest = tail;
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_chars_are_those_of_the_standard() {
        for c in [
            '\t',
            '\n',
            '\r',
            ' ',
            '\u{7f}',
            '\u{85}',
            '\u{2028}',
            '\u{FEFF}',
            '\u{FFFD}',
            '😀',
            '\u{10FFFF}',
        ] {
            assert!(is_xml_char(c), "{c:?}");
        }
        for c in ['\0', '\u{1}', '\u{8}', '\u{b}', '\u{c}', '\u{e}', '\u{1f}', '\u{FFFE}', '\u{FFFF}'] {
            assert!(!is_xml_char(c), "{c:?}");
        }
    }

    #[test]
    fn names_are_plain() {
        let longest = "a".repeat(MAX_NAME);
        for good in ["a", "_", "mch_id", "Z9_", "__proto__", longest.as_str()] {
            assert!(is_name(good), "{good}");
        }
        let too_long = "a".repeat(MAX_NAME + 1);
        for bad in ["", "1a", "a b", "a&b", "p:sign", ":sign", "a-b", "a.b", "é", "号", too_long.as_str()] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
