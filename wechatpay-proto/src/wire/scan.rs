//! One look at each byte of a text, which answers every question that rules and writers have.

use memchr::memchr_iter;

/// Kinds of bytes, one bit each. ASCII letters and digits are of no kind: nobody refuses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    /// `_` and `-`.
    pub(crate) const DASH: Self = Self(1);
    /// What else a url-encoded text has: `%.~*+!'()`.
    pub(crate) const URL: Self = Self(1 << 1);
    /// `&` and `=`, which stand between the fields of a signed text.
    pub(crate) const MARK: Self = Self(1 << 2);
    /// `>`, with which CDATA may end.
    pub(crate) const GREATER: Self = Self(1 << 3);
    /// The rest of ASCII without the controls, and what is beyond ASCII.
    pub(crate) const OTHER: Self = Self(1 << 4);
    /// Tab and line feed.
    pub(crate) const LINE: Self = Self(1 << 5);
    /// The other controls below the space.
    pub(crate) const CONTROL: Self = Self(1 << 6);
    /// 0xEF, with which U+FEFF, U+FFFE and U+FFFF begin, among many harmless ones.
    pub(crate) const ODD: Self = Self(1 << 7);
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(u8::MAX);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn has(self, any_of: Self) -> bool {
        self.0 & any_of.0 != 0
    }

    const fn of_byte(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Self(0),
            b'_' | b'-' => Self::DASH,
            b'%' | b'.' | b'~' | b'*' | b'+' | b'!' | b'\'' | b'(' | b')' => Self::URL,
            b'&' | b'=' => Self::MARK,
            b'>' => Self::GREATER,
            b'\t' | b'\n' => Self::LINE,
            0..=31 => Self::CONTROL,
            0xEF => Self::ODD,
            _ => Self::OTHER,
        }
    }

    /// All kinds that occur in `text`.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.bytes().fold(0, |kinds, byte| kinds | look_up(byte).0))
    }

    /// Where the first byte of one of these kinds stands.
    #[cold]
    pub(crate) fn first_in(self, text: &str) -> Option<usize> {
        text.bytes().position(|byte| look_up(byte).has(self))
    }
}

#[expect(clippy::indexing_slicing, reason = "run by the compiler, which reports it as an error")]
const KIND: [Kinds; 256] = {
    let mut kinds = [Kinds(0); 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = Kinds::of_byte(byte as u8);
        byte += 1;
    }
    kinds
};

/// Where U+FFFE or U+FFFF stands, which XML does not allow, or, if `bom_too`, a byte order mark: that is legal XML, and
/// invisible to the person who pasted it.
pub(crate) fn no_character(text: &str, bom_too: bool) -> Option<usize> {
    memchr_iter(0xEF, text.as_bytes()).find(|at| match text.as_bytes().get(at + 1..at + 3) {
        Some([0xBF, 0xBE | 0xBF]) => true,
        Some([0xBB, 0xBF]) => bom_too,
        _ => false,
    })
}

/// Whether `of` holds for any of `bytes`. There is no early end, so that the compiler can ask many at once; it does so
/// where `of` has no `&&` and no `||`.
#[inline]
pub(crate) fn any(bytes: &[u8], of: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(0, |found, byte| found | u8::from(of(*byte))) != 0
}

#[expect(clippy::indexing_slicing, reason = "there is a row for every byte")]
fn look_up(byte: u8) -> Kinds {
    KIND[usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_of_one_kind_or_none() {
        for byte in 0..=u8::MAX {
            let kinds = look_up(byte);
            assert_eq!(kinds.0 == 0, byte.is_ascii_alphanumeric(), "{byte:#x}");
            assert!(kinds.0.count_ones() <= 1, "{byte:#x}");
            assert_eq!(kinds.has(Kinds::LINE.and(Kinds::CONTROL)), byte < b' ', "{byte:#x}");
        }
    }

    #[test]
    fn every_place_is_looked_at() {
        for len in 0..70 {
            let mut bytes = vec![b'a'; len];
            assert!(!any(&bytes, |byte| byte == b'b'), "{len}");
            for place in 0..len {
                bytes[place] = b'b';
                assert!(any(&bytes, |byte| byte == b'b'), "{place} of {len}");
                bytes[place] = b'a';
            }
        }
    }

    #[test]
    fn every_place_of_a_text_is_looked_at() {
        for len in 1..70 {
            for place in 0..len {
                let mut text = "a".repeat(len);
                text.replace_range(place..=place, "\r");
                assert_eq!(Kinds::of(&text), Kinds::CONTROL);
                assert_eq!(Kinds::CONTROL.first_in(&text), Some(place));
                assert_eq!(Kinds::CONTROL.without(Kinds::CONTROL).first_in(&text), None);
            }
        }
        assert_eq!(Kinds::of("a-b=猜，"), Kinds::DASH.and(Kinds::MARK).and(Kinds::OTHER).and(Kinds::ODD));
        assert_eq!(Kinds::of(""), Kinds(0));
    }
}
