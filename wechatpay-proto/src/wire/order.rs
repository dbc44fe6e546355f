//! The byte order of the names in a document: for the sign, and to see a name that stands twice.

use super::few::Few;

/// Places in the order of a document; those of usual documents need no heap.
pub(super) type Places = Few<u16>;

/// The places of `names` in byte order of the names, or `None` where a name stands twice.
pub(super) fn sorted<'n>(names: impl ExactSizeIterator<Item = &'n str> + Clone) -> Option<Places> {
    let mut keyed: Few<(u64, &str, u16)> =
        names.zip(0..).map(|(name, place)| (start(name), name, place)).collect();
    // Most names differ within eight bytes.
    keyed.sort_unstable_by(|(a, a_name, _), (b, b_name, _)| a.cmp(b).then_with(|| a_name.cmp(b_name)));
    let twice = |two: &[(u64, &str, u16)]| matches!(two, [(a, a_name, _), (b, b_name, _)] if a == b && a_name == b_name);
    if keyed.windows(2).any(twice) {
        None
    } else {
        Some(keyed.into_iter().map(|(.., place)| place).collect())
    }
}

/// The first eight bytes as a number, so that numbers compare as the bytes do.
fn start(name: &str) -> u64 {
    match name.as_bytes().first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            name.bytes().chain(std::iter::repeat(0)).take(8).fold(0, |key, byte| key << 8 | u64::from(byte))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_by_name_in_bytes() {
        let names = [
            "coupon_id_2",
            "a_",
            "a",
            "coupon_id_10",
            "A",
            "_",
            "a1",
            "coupon_i",
            "coupon_",
            "coupon_id",
            "Zz",
            "zz",
        ];
        let places = sorted(names.into_iter()).unwrap();
        let in_order: Vec<_> = places.iter().map(|place| names[usize::from(*place)]).collect();
        let mut expected = names.to_vec();
        expected.sort_unstable();
        assert_eq!(in_order, expected);
    }

    #[test]
    fn a_name_that_stands_twice_is_seen() {
        for twice in ["a", "coupon_i", "coupon_id_10"] {
            let names = ["b", twice, "c", twice, "coupon_id_1"];
            assert_eq!(sorted(names.into_iter()), None, "{twice}");
        }
        assert_eq!(sorted([].into_iter()).unwrap().len(), 0);
    }
}
