//! A ZIP archive in memory, its files stored as they are: a kit has a few thousand bytes, and half of them are random.

/// The version that a reader must know: 1.0.
const VERSION: u16 = 10;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// 1980-01-01, the first day that the format has: what lies in a kit carries its own dates.
const DATE: u16 = 1 << 5 | 1;

/// Of a few files, each with a short name and at most 64 KiB: every number below has room for that.
pub(super) fn archive(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let length = size(content.len());
        let head = [
            &[VERSION, FLAGS, 0, 0, DATE].map(u16::to_le_bytes).concat()[..],
            &[crc32fast::hash(content), length, length].map(u32::to_le_bytes).concat(),
            &[short(name.len()), 0].map(u16::to_le_bytes).concat(),
        ]
        .concat();
        // Made by MS-DOS, so that no permissions are told; no comment, disk 0, no attributes.
        let made = VERSION.to_le_bytes();
        let offset = size(body.len()).to_le_bytes();
        directory.extend([b"PK\x01\x02", &made[..], &head, &[0; 10], &offset, name.as_bytes()].concat());
        body.extend([b"PK\x03\x04", &head[..], name.as_bytes(), content].concat());
    }
    let count = short(files.len());
    let numbers = [0, 0, count, count].map(u16::to_le_bytes).concat();
    let places = [size(directory.len()), size(body.len())].map(u32::to_le_bytes).concat();
    [&body[..], &directory, b"PK\x05\x06", &numbers, &places, &[0; 2]].concat()
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_of_nothing_is_its_end_record() {
        assert_eq!(archive(&[]), [&b"PK\x05\x06"[..], &[0; 18]].concat());
    }
}
