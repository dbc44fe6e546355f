//! How much computing a PKCS#12 file asks for, found out before any of it is done.

use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::p12::P12Error;

/// OpenSSL and Java ask for 6,000 to 200,000 rounds in all of a file. This many take about half a second.
const LIMIT: u64 = 3_000_000;

/// Key derivation that also takes memory, up to 1 GiB of it. No tool writes it into these files.
const SCRYPT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.4.11");

/// The parts that matter lie 16 levels deep.
const DEPTH: usize = 32;

/// Refuses what would take too long. What is inside of encrypted parts cannot be seen here: that, the author of the file
/// can make as slow as its length and the limit of 1,000,000 rounds for each key in `p12-keystore` let him.
pub(super) fn check(p12: &[u8]) -> Result<(), P12Error> {
    let mut work = Work::default();
    // What is not DER ends the count early. It also ends the reading.
    let _ = work.count(p12, DEPTH);
    if work.scrypt {
        return Err(P12Error::Unsupported("scrypt".into()));
    }
    match work.rounds > LIMIT {
        true => Err(P12Error::TooSlow { limit: LIMIT }),
        false => Ok(()),
    }
}

#[derive(Default)]
struct Work {
    rounds: u64,
    scrypt: bool,
}

impl Work {
    /// Every key derivation, old and new, and that of the checksum, has its number of rounds behind its salt: an INTEGER
    /// behind an OCTET STRING. Nothing else in these files looks like that.
    fn count(&mut self, der: &[u8], depth: usize) -> x509_cert::der::Result<()> {
        let mut reader = SliceReader::new(der)?;
        let mut before = Tag::Null;
        while !reader.is_finished() {
            let part = AnyRef::decode(&mut reader)?;
            match part.tag() {
                Tag::Integer if before == Tag::OctetString => {
                    self.rounds = self.rounds.saturating_add(number(part.value()));
                }
                Tag::ObjectIdentifier => self.scrypt |= part.value() == SCRYPT.as_bytes(),
                // The safes lie in octet strings. Those that hold no DER are salts and the like.
                tag if depth > 0 && (tag.is_constructed() || tag == Tag::OctetString) => {
                    let _ = self.count(part.value(), depth - 1);
                }
                _ => {}
            }
            before = part.tag();
        }
        Ok(())
    }
}

/// A number of rounds; negative ones are none.
fn number(integer: &[u8]) -> u64 {
    match integer.first() {
        Some(0x80..) | None => 0,
        Some(_) => integer
            .iter()
            .fold(0, |number: u64, byte| number.saturating_mul(256).saturating_add((*byte).into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part with its tag and a length of two bytes, or one where that is the only form.
    fn part(tag: u8, inside: &[&[u8]]) -> Vec<u8> {
        let inside = inside.concat();
        let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
        match inside.len() {
            0..128 => [&[tag, length[1]], &inside[..]].concat(),
            128..256 => [&[tag, 0x81, length[1]], &inside[..]].concat(),
            _ => [&[tag, 0x82, length[0], length[1]], &inside[..]].concat(),
        }
    }

    /// A salt and that many rounds, as deep as in a file: in a sequence, in a safe, in an octet string.
    fn derivation(rounds: &[u8]) -> Vec<u8> {
        let parameters = part(0x30, &[&part(4, &[b"saltsalt"]), &part(2, &[rounds])]);
        part(0x30, &[&part(0xa0, &[&part(4, &[&part(0x30, &[&parameters])])])])
    }

    fn million() -> Vec<u8> {
        derivation(&1_000_000_u32.to_be_bytes()[1..])
    }

    #[test]
    fn the_rounds_of_all_parts_count_together() {
        let file = |parts: usize| part(0x30, &vec![&million()[..]; parts]);
        assert!(check(&file(3)).is_ok());
        assert!(matches!(check(&file(4)), Err(P12Error::TooSlow { limit: 3_000_000 })));
        let one_more = part(0x30, &[&million(), &million(), &million(), &derivation(&[1])]);
        assert!(matches!(check(&one_more), Err(P12Error::TooSlow { .. })));
    }

    #[test]
    fn no_number_is_too_large_to_be_counted() {
        assert!(matches!(check(&derivation(&[0x7f; 40])), Err(P12Error::TooSlow { .. })));
        let twice = part(0x30, &[&derivation(&[0x7f; 8]), &derivation(&[0x7f; 9])]);
        assert!(matches!(check(&twice), Err(P12Error::TooSlow { .. })));
        assert!(check(&derivation(&[0xff; 8])).is_ok(), "negative");
        assert!(check(&derivation(&[])).is_ok());
    }

    #[test]
    fn damage_in_one_part_hides_no_other() {
        let damaged = part(0x30, &[&part(0x30, &[&[0xff, 0xff]]), &part(4, &[&[0x30, 0x7f]]), &million()]);
        let mut work = Work::default();
        work.count(&damaged, DEPTH).unwrap();
        assert_eq!(work.rounds, 1_000_000);
    }

    #[test]
    fn depth_has_an_end() {
        let mut deep = million();
        for _ in 0..10_000 {
            deep = part(0x30, &[&deep]);
        }
        assert!(check(&deep).is_ok());
    }

    #[test]
    fn memory_is_refused_too() {
        let scrypt = part(0x30, &[&part(6, &[SCRYPT.as_bytes()]), &part(0x30, &[&part(4, &[b"salt"])])]);
        assert!(matches!(check(&part(0x30, &[&scrypt])), Err(P12Error::Unsupported(_))));
    }
}
