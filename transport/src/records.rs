//! Where in the stream of TLS records the peer is. rustls keeps the beginning of a record to itself until the rest comes,
//! and the rest may come when the next call waits for its answer.

/// Type, version, length.
const HEADER: usize = 5;

/// Follows the records of one direction of a TLS connection, to tell a connection that is silent from one on which half a
/// record waits. For transports that keep connections.
#[derive(Debug, Default)]
pub struct Records {
    header: [u8; HEADER],
    /// How much of the header has come.
    seen: usize,
    /// How much of the body has not.
    left: usize,
}

impl Records {
    /// These bytes came.
    pub fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let part = self.left.min(bytes.len());
                self.left -= part;
                bytes = &bytes[part..];
                continue;
            }
            self.header[self.seen] = first;
            self.seen += 1;
            bytes = rest;
            if self.seen == HEADER {
                self.left = usize::from(u16::from_be_bytes([self.header[3], self.header[4]]));
                self.seen = 0;
            }
        }
    }

    /// Whether the last record is complete.
    pub fn is_between(&self) -> bool {
        self.seen == 0 && self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_ends_where_its_length_says() {
        let stream = [&[23, 3, 3, 0, 2, 9, 9][..], &[22, 3, 3, 0, 0], &[23, 3, 3, 1, 1], &[7; 257]].concat();
        for chunk in [1, 2, 3, 5, 7, 100, 1000] {
            let (mut records, mut ends, mut passed) = (Records::default(), Vec::new(), 0);
            for bytes in stream.chunks(chunk) {
                records.pass(bytes);
                passed += bytes.len();
                if records.is_between() {
                    ends.push(passed);
                }
            }
            let expected: Vec<_> = [7, 12, 274].into_iter().filter(|end| end % chunk == 0).collect();
            let last = *ends.last().unwrap();
            assert_eq!(last, stream.len());
            assert!(expected.iter().all(|end| ends.contains(end)), "{chunk}: {ends:?}");
            assert!(ends.len() <= expected.len() + 1, "{chunk}: {ends:?}");
        }
    }
}
