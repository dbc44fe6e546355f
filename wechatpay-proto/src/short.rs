//! A short text with a place of its own: the digits of numbers, signs and nonces never go to the heap.

/// At most 64 bytes of ASCII.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Short {
    bytes: [u8; 64],
    len: usize,
}

impl Short {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; 64], len: 0 }
    }

    /// The two lower-case hex digits of each byte; of more than 32 bytes, the first 32.
    pub(crate) fn hex(bytes: &[u8]) -> Self {
        Self::digits(bytes, b'a')
    }

    /// The two upper-case hex digits of each byte; of more than 32 bytes, the first 32.
    pub(crate) fn upper_hex(bytes: &[u8]) -> Self {
        Self::digits(bytes, b'A')
    }

    fn digits(bytes: &[u8], ten: u8) -> Self {
        let mut short = Self::new();
        let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { ten - 10 };
        for (pair, byte) in short.bytes.as_chunks_mut().0.iter_mut().zip(bytes) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        short.len = (2 * bytes.len()).min(short.bytes.len());
        short
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends one byte of ASCII; what has no room is dropped.
    pub(crate) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    /// Appends an integer, as it stands on the wire; one that has no room is dropped.
    pub(crate) fn push_number(&mut self, mut number: u64) {
        let end = self.len + number.checked_ilog10().map_or(1, |log| log as usize + 1);
        for digit in self.bytes.get_mut(self.len..end).unwrap_or_default().iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.len = end.min(self.bytes.len());
    }

    pub(crate) fn as_str(&self) -> &str {
        // Nothing but ASCII comes in, so this is never the empty text of an error.
        self.bytes.get(..self.len).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_two_digits_a_byte() {
        assert_eq!(Short::hex(b"\x00\x01\x0f\x10\xff\xa5").as_str(), "00010f10ffa5");
        assert_eq!(Short::upper_hex(b"\x00\x01\x0f\x10\xff\xa5").as_str(), "00010F10FFA5");
        assert_eq!(Short::hex(&[0xab; 32]).as_str(), "ab".repeat(32));
        assert_eq!(Short::hex(&[0xab; 33]).as_str(), "ab".repeat(32));
    }

    #[test]
    fn numbers_are_plain() {
        let mut short = Short::new();
        for number in [0, 1, 9, 10, 99, 100, 4_294_967_295, u64::MAX] {
            short.clear();
            short.push_number(number);
            assert_eq!(short.as_str(), number.to_string());
        }
        short.push(b'.');
        short.push_number(70);
        assert_eq!(short.as_str(), format!("{}.70", u64::MAX));
    }

    #[test]
    fn what_has_no_room_is_dropped() {
        let mut short = Short::new();
        (0..70).for_each(|_| short.push(b'x'));
        assert_eq!(short.as_str(), "x".repeat(64));
    }
}
