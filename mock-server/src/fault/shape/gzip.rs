//! A gzip stream (RFC 1952) of stored blocks: nothing is made smaller, and every reader takes it.

/// The most bytes of a stored block.
const MAX_BLOCK: usize = 0xffff;
/// Magic, deflate, no flags, no time, no hints, an unknown system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

pub(super) fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = HEAD.to_vec();
    let mut rest = bytes;
    loop {
        let (block, behind) = rest.split_at(rest.len().min(MAX_BLOCK));
        // A block is never longer than 16 bits can say.
        let length = block.len() as u16;
        stream.push(u8::from(behind.is_empty()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    stream.extend(crc32fast::hash(bytes).to_le_bytes());
    // The length is given modulo 2^32.
    stream.extend((bytes.len() as u32).to_le_bytes());
    stream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole_and_the_last_says_so() {
        assert_eq!(stored(b"")[10..15], [1, 0, 0, 0xff, 0xff]);
        let stream = stored(&vec![b'x'; MAX_BLOCK + 2]);
        assert_eq!(stream[10..15], [0, 0xff, 0xff, 0, 0]);
        assert_eq!(stream[15 + MAX_BLOCK..][..7], [1, 2, 0, 0xfd, 0xff, b'x', b'x']);
        assert_eq!(stream[15 + MAX_BLOCK + 7 + 4..], 65_537_u32.to_le_bytes());
    }
}
