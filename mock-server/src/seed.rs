//! Chance, from one seed: what is drawn depends on the seed, on what it is for and whose it is, and on nothing that
//! other merchants, other orders or threads do.

use sha2::{Digest, Sha256};

/// The seed of one mock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// A number for a purpose and an owner, who is named by one or more parts.
    pub(crate) fn draw(self, purpose: &str, owner: &[&str]) -> u64 {
        let bytes = self.bytes(purpose, owner);
        bytes.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte))
    }

    /// 64 lower-case hexadecimal digits.
    pub(crate) fn hex(self, purpose: &str, owner: &[&str]) -> String {
        self.bytes(purpose, owner).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn bytes(self, purpose: &str, owner: &[&str]) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.0.to_be_bytes());
        for part in [purpose].iter().chain(owner) {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }

    /// As many decimal digits as asked for, at most 19.
    pub(crate) fn digits(self, purpose: &str, owner: &[&str], digits: u32) -> String {
        let number = self.draw(purpose, owner) % 10_u64.pow(digits);
        format!("{number:0width$}", width = digits as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_every_argument_and_on_nothing_else() {
        let draw = Seed(42).draw("a", &["b", "c"]);
        assert_eq!(draw, Seed(42).draw("a", &["b", "c"]));
        for other in [
            Seed(43).draw("a", &["b", "c"]),
            Seed(42).draw("ab", &["c"]),
            Seed(42).draw("a", &["bc"]),
            Seed(42).draw("a", &["b", "d"]),
            Seed(42).draw("a", &["b"]),
        ] {
            assert_ne!(draw, other);
        }
        assert_eq!(Seed(1).digits("a", &["b"], 13).len(), 13);
    }
}
