//! The byte order of the names in a document: for the sign, and to see a name that stands twice.

use std::borrow::Cow;

use super::few::Few;

/// Places in the order of a document; those of usual documents need no heap.
pub(super) type Places = Few<u16>;

/// The places of `fields` in byte order of the names, or `None` where a name stands twice.
pub(super) fn sorted(fields: &[(Cow<'_, str>, Cow<'_, str>)]) -> Option<Places> {
    let name = |place: u16| fields.get(usize::from(place)).map_or("", |(name, _)| name);
    let mut keyed: Few<(u64, u16)> =
        fields.iter().zip(0..).map(|((name, _), place)| (start(name), place)).collect();
    // Most names differ within eight bytes.
    keyed.sort_unstable_by(|(a, a_at), (b, b_at)| a.cmp(b).then_with(|| name(*a_at).cmp(name(*b_at))));
    let twice =
        |two: &[(u64, u16)]| matches!(two, [(a, a_at), (b, b_at)] if a == b && name(*a_at) == name(*b_at));
    if keyed.windows(2).any(twice) { None } else { Some(keyed.iter().map(|(_, place)| *place).collect()) }
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

    fn fields<'n>(names: &[&'n str]) -> Vec<(Cow<'n, str>, Cow<'n, str>)> {
        names.iter().map(|name| (Cow::Borrowed(*name), Cow::Borrowed("v"))).collect()
    }

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
        let places = sorted(&fields(&names)).unwrap();
        let in_order: Vec<_> = places.iter().map(|place| names[usize::from(*place)]).collect();
        let mut expected = names.to_vec();
        expected.sort_unstable();
        assert_eq!(in_order, expected);
    }

    #[test]
    fn a_name_that_stands_twice_is_seen() {
        for twice in ["a", "coupon_i", "coupon_id_10"] {
            let names = ["b", twice, "c", twice, "coupon_id_1"];
            assert_eq!(sorted(&fields(&names)), None, "{twice}");
        }
        assert_eq!(sorted(&[]).unwrap().len(), 0);
    }
}
