//! The byte order of names, and whether a table is sound: worked out while compiling, so that a typed request is
//! never sorted at run time.

use crate::endpoint::{Field, Spec};
use crate::reply::HEAD;
use crate::wire::is_name;

/// The rows of `fields` in byte order of their names. A duplicate, or what is no name, does not compile.
#[expect(clippy::indexing_slicing, reason = "run by the compiler, which reports it as an error")]
pub const fn ascii<const N: usize>(fields: &[Field<'_>; N]) -> [usize; N] {
    let mut order = [0; N];
    let mut next = 0;
    while next < N {
        assert!(is_name(fields[next].name), "a row's name cannot stand on the wire");
        // The core writes the sign itself; a field `key` would blur where the fields end and the key begins.
        let reserved = same(fields[next].name, "sign") || same(fields[next].name, "key");
        assert!(!reserved, "no row may be named sign or key");
        let mut place = next;
        while place > 0 && less(fields[next].name, fields[order[place - 1]].name) {
            order[place] = order[place - 1];
            place -= 1;
        }
        assert!(place == 0 || less(fields[order[place - 1]].name, fields[next].name), "a row stands twice");
        order[place] = next;
        next += 1;
    }
    order
}

/// Does not compile where the path is no path, or `echo` and `promise` name rows that are not there.
#[expect(clippy::indexing_slicing, reason = "run by the compiler, which reports it as an error")]
pub const fn assert_sound(spec: &Spec<'_>, reply: &[&str]) {
    assert!(
        is_path(spec.path),
        "a path starts with '/', holds [0-9A-Za-z/_-] only, and has no empty segment"
    );
    let mut next = 0;
    while next < reply.len() {
        // The sign is not for typed reading.
        assert!(
            !has(&HEAD, reply[next]) && !same(reply[next], "sign"),
            "a row of the reply belongs to its head"
        );
        next += 1;
    }
    next = 0;
    while next < spec.echoes.len() {
        assert!(has(reply, spec.echoes[next]), "an echo is no row of the reply");
        assert!(!same(spec.echoes[next], "nonce_str"), "an answer has a nonce of its own, if any");
        assert!(is_row(spec, spec.echoes[next]), "an echo is no row of the request");
        next += 1;
    }
    if let Some(inner) = spec.inner {
        next = 0;
        while next < inner.over.len() {
            assert!(is_row(spec, inner.over[next]), "the inner sign covers what is no row of the request");
            assert!(!same(inner.over[next], inner.name), "the inner sign cannot cover itself");
            next += 1;
        }
    }
    next = 0;
    while next < spec.promises.len() {
        assert!(has(reply, spec.promises[next]), "a promise is no row of the reply");
        next += 1;
    }
}

/// The name on the wire of a row whose name is a keyword of Rust: `r#type` is `type`.
pub const fn wire(name: &str) -> &str {
    match name.as_bytes() {
        [b'r', b'#', rest @ ..] => match std::str::from_utf8(rest) {
            Ok(rest) => rest,
            Err(_) => name,
        },
        _ => name,
    }
}

/// A path from the root: segments of plain characters, none of them empty.
pub(crate) const fn is_path(path: &str) -> bool {
    let mut rest = path.as_bytes();
    let rooted = matches!(rest, [b'/', ..]);
    while let [byte, tail @ ..] = rest {
        let plain = matches!(byte, b'/' | b'_' | b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z');
        if !plain || matches!(rest, [b'/'] | [b'/', b'/', ..]) {
            return false;
        }
        rest = tail;
    }
    rooted
}

/// The place of `name` in the table; their number where it is not there.
#[expect(clippy::indexing_slicing, reason = "run by the compiler, which reports it as an error")]
const fn row(fields: &[Field<'_>], name: &str) -> usize {
    let mut row = 0;
    while row < fields.len() && !same(fields[row].name, name) {
        row += 1;
    }
    row
}

/// The row whose place in the order of signing is that of `name` in the table.
#[expect(clippy::indexing_slicing, reason = "run by the compiler, which reports it as an error")]
pub const fn in_place_of<const N: usize>(fields: &[Field<'_>; N], order: &[usize; N], name: &str) -> usize {
    order[row(fields, name)]
}

pub(crate) const fn is_row(spec: &Spec<'_>, name: &str) -> bool {
    row(spec.fields, name) < spec.fields.len()
}

#[expect(clippy::indexing_slicing, reason = "run by the compiler, which reports it as an error")]
const fn has(names: &[&str], name: &str) -> bool {
    let mut next = 0;
    while next < names.len() {
        if same(names[next], name) {
            return true;
        }
        next += 1;
    }
    false
}

const fn same(left: &str, right: &str) -> bool {
    !less(left, right) && !less(right, left)
}

const fn less(left: &str, right: &str) -> bool {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while let ([l, left_tail @ ..], [r, right_tail @ ..]) = (left, right) {
        if *l != *r {
            return *l < *r;
        }
        (left, right) = (left_tail, right_tail);
    }
    left.is_empty() && !right.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Presence;
    use crate::rule::Rule;

    const fn field(name: &'static str) -> Field<'static> {
        Field { name, presence: Presence::Required, rule: Rule::Any }
    }

    /// X24: order is by name in bytes, where a name that another begins with comes first.
    #[test]
    fn x24_order_is_by_name_in_bytes() {
        const FIELDS: [Field<'static>; 8] = [
            field("coupon_id_2"),
            field("a_"),
            field("a"),
            field("coupon_id_10"),
            field("A"),
            field("_"),
            field("a1"),
            field("key_"),
        ];
        const ORDER: [usize; 8] = ascii(&FIELDS);
        let names: Vec<_> = ORDER.iter().map(|&row| FIELDS[row].name).collect();
        assert_eq!(names, ["A", "_", "a", "a1", "a_", "coupon_id_10", "coupon_id_2", "key_"]);
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted);
    }

    #[test]
    #[should_panic(expected = "a row stands twice")]
    fn a_row_that_stands_twice_is_found() {
        ascii(&[field("b"), field("a"), field("b")]);
    }

    #[test]
    #[should_panic(expected = "no row may be named sign or key")]
    fn a_row_of_the_core_is_found() {
        ascii(&[field("a"), field("key")]);
    }

    #[test]
    #[should_panic(expected = "cannot stand on the wire")]
    fn a_name_that_is_none_is_found() {
        ascii(&[field("a&b")]);
    }
}
