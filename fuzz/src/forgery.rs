//! A signed document is changed.

use std::sync::LazyLock;

use bytes::Bytes;
use http::Response;
use wechatpay_proto::wire;
use wechatpay_proto::{ApiKey, SignType};

use crate::naive;
use crate::requests::{KEY, WAITING};

static API_KEY: LazyLock<ApiKey> = LazyLock::new(|| ApiKey::new(KEY).expect("32 bytes"));

/// A byte for the digest and the number of changes, four for each change, then a flat document. It is signed, and then
/// changed: it must be refused, unless what a sign covers is as before, to the naive reader too.
pub fn forgery(data: &[u8]) {
    let [how, rest @ ..] = data else { return };
    let Some((changes, document)) = rest.split_at_checked(4 * (1 + usize::from(how >> 1 & 3))) else {
        return;
    };
    let sign_type = if how & 1 == 0 { SignType::Md5 } else { SignType::HmacSha256 };
    let Some((mut forged, covered)) = sign(document, sign_type) else { return };
    for change in changes.chunks(4) {
        alter(&mut forged, change);
    }
    let read = naive::read(&forged, &[]);
    // A sign may be in either case.
    let unchanged = read.as_ref().is_ok_and(|read| {
        read.signed() == covered.pairs
            && read.get("sign").is_some_and(|sign| sign.eq_ignore_ascii_case(&covered.sign))
            && !read.has("key")
    });
    let ours =
        wire::parse(&forged, &[]).map_err(Into::into).and_then(|ours| ours.signed(sign_type, &API_KEY));
    assert_eq!(ours.is_ok(), unchanged, "ours: {ours:?}, the naive reader: {read:?}");
    accept(how >> 3, sign_type, forged, unchanged);
}

struct Covered {
    pairs: naive::Pairs,
    sign: String,
}

/// The document with its sign, and what that covers; `None` where it cannot be signed.
fn sign(document: &[u8], sign_type: SignType) -> Option<(Vec<u8>, Covered)> {
    let read = naive::read(document, &[]).ok()?;
    let end = read.end.filter(|_| !read.has("sign") && !read.has("key"))?;
    let pairs = read.signed();
    let sign = naive::sign(&pairs, sign_type, KEY);
    let (before, after) = document.split_at(end);
    let signed = [before, b"<sign>", sign.as_bytes(), b"</sign>", after].concat();
    // It may be too long now, or have one element too many.
    naive::read(&signed, &[]).ok()?;
    let ours = wire::parse(&signed, &[]).expect("the naive reader reads it").signed(sign_type, &API_KEY);
    ours.expect("the right sign");
    Some((signed, Covered { pairs, sign }))
}

/// What to do, two bytes for the place, and a byte to put there.
fn alter(document: &mut Vec<u8>, change: &[u8]) {
    let &[what, low, high, byte] = change else { return };
    if document.is_empty() {
        return;
    }
    let place = usize::from(u16::from_le_bytes([low, high])) % document.len();
    match what % 4 {
        0 => document[place] = byte,
        1 => document[place] ^= 1 << (byte % 8),
        2 => document.insert(place, byte),
        _ => drop(document.remove(place)),
    }
}

/// What a client makes of it. A failure needs no sign, and then tells nothing but that.
fn accept(how: u8, sign_type: SignType, forged: Vec<u8>, unchanged: bool) {
    let response = Response::new(Bytes::from(forged));
    let closed = match (sign_type, how % 2) {
        (SignType::HmacSha256, _) => &WAITING.hmac,
        (SignType::Md5, 0) => &WAITING.md5,
        (SignType::Md5, _) => &WAITING.success,
    };
    if let Ok(reply) = closed.accept(&response) {
        let told = [
            "return_code",
            "return_msg",
            "result_code",
            "result_msg",
            "err_code",
            "err_code_des",
            "error_code",
            "error_code_des",
            "error_msg",
            "retcode",
            "retmsg",
        ];
        let only_failure = !reply.head.is_success()
            && reply.fields.get("sign").is_none()
            && reply.fields.iter().all(|(name, _)| told.contains(&name));
        assert!(unchanged || only_failure, "{reply:?}");
    }
    if let Ok(reply) = WAITING.work.0.accept(&response) {
        let covered = unchanged && sign_type == SignType::Md5;
        assert!(covered || reply.outcome().is_unknown(), "{reply:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_between_elements_changes_nothing_and_inside_a_value_everything() {
        let document = b"<xml><a>1</a></xml>";
        let (signed, covered) = sign(document, SignType::Md5).expect("it can be signed");
        for (place, unchanged) in [(5, true), (8, false)] {
            let mut forged = signed.clone();
            alter(&mut forged, &[2, place, 0, b' ']);
            let read = naive::read(&forged, &[]).expect("still a document");
            assert_eq!(read.signed() == covered.pairs, unchanged);
            forgery(&[&[0, 2, place, 0, b' '], &document[..]].concat());
        }
    }
}
