//! Chance, from one seed: the same seed and the same requests of a merchant give the same ids, whatever other
//! merchants or threads do.

use sha2::{Digest, Sha256};

/// The seed of one mock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// A number that depends on the seed, on what it is for, on whose it is, and on how many came before.
    pub(crate) fn draw(self, purpose: &str, owner: &str, count: u64) -> u64 {
        let mut digest = Sha256::new();
        digest.update(self.0.to_be_bytes());
        for part in [purpose, owner] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.update(count.to_be_bytes());
        digest.finalize().iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte))
    }

    /// As many decimal digits as asked for, at most 19.
    pub(crate) fn digits(self, purpose: &str, owner: &str, count: u64, digits: u32) -> String {
        let number = self.draw(purpose, owner, count) % 10_u64.pow(digits);
        format!("{number:0width$}", width = digits as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_every_argument_and_on_nothing_else() {
        let draw = Seed(42).draw("a", "b", 0);
        assert_eq!(draw, Seed(42).draw("a", "b", 0));
        for other in [
            Seed(43).draw("a", "b", 0),
            Seed(42).draw("ab", "", 0),
            Seed(42).draw("", "ab", 0),
            Seed(42).draw("a", "c", 0),
            Seed(42).draw("a", "b", 1),
        ] {
            assert_ne!(draw, other);
        }
        assert_eq!(Seed(1).digits("a", "b", 7, 13).len(), 13);
    }
}
