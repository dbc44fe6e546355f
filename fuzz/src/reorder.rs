//! The order of elements means nothing.

use std::mem::{Discriminant, discriminant};

use bytes::Bytes;
use http::Response;
use wechatpay_proto::endpoint::{Endpoint as _, Outgoing};
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, GetHbInfoReply, QueryWorkWxRedPackReply, SendGroupRedPackReply, SendMiniProgramHbReply,
    SendRedPackReply, SendWorkWxRedPackReply,
};
use wechatpay_proto::{Call, Pending, ReplyError, SignType};

use crate::naive;
use crate::requests::{KEY, WAITING};

/// A byte for the endpoint, four for the permutation, then a document: with its elements in another order it has the same
/// verdict, and the same typed answer and outcome. So it is for the document as it came, and with the right sign.
pub fn reorder(data: &[u8]) {
    let [endpoint, a, b, c, d, document @ ..] = data else { return };
    let Ok(read) = naive::read(document, &[("hblist", "hbinfo")]) else { return };
    let shuffle = u32::from_le_bytes([*a, *b, *c, *d]);
    compare(*endpoint, &read.written, shuffle);
    let sign_type = if endpoint % 10 == 7 { SignType::HmacSha256 } else { SignType::Md5 };
    if !read.has("sign") {
        let sign = naive::sign(&read.signed(), sign_type, KEY);
        let mut elements = read.written;
        elements.push(format!("<sign>{sign}</sign>"));
        compare(*endpoint, &elements, shuffle);
    }
}

fn compare(endpoint: u8, elements: &[String], shuffle: u32) {
    let mut moved: Vec<_> = elements.iter().collect();
    let mut state = shuffle;
    for place in (1..moved.len()).rev() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        moved.swap(place, state as usize % (place + 1));
    }
    let one = document(elements.iter());
    let other = document(moved.into_iter());
    macro_rules! same {
        ($row:ident, $Reply:ident) => {
            same(&WAITING.$row.0, &one, &other, |reply: &mut $Reply<'_>| {
                reply.extra.sort();
                Some(reply.outcome().into_owned())
            })
        };
    }
    match endpoint % 10 {
        0 => same!(packet, SendRedPackReply),
        1 => same!(mini, SendMiniProgramHbReply),
        2 => same!(group, SendGroupRedPackReply),
        3 => same!(work, SendWorkWxRedPackReply),
        4 => same!(query, GetHbInfoReply),
        5 => same!(work_query, QueryWorkWxRedPackReply),
        6 => calls(&WAITING.query.1, &one, &other),
        7 => calls(&WAITING.hmac, &one, &other),
        8 => calls(&WAITING.md5, &one, &other),
        _ => calls(&WAITING.success, &one, &other),
    }
}

fn document<'e>(elements: impl Iterator<Item = &'e String>) -> Response<Bytes> {
    let mut xml = "<xml>".to_owned();
    xml.extend(elements.map(String::as_str));
    Response::new((xml + "</xml>").into())
}

/// The answers are the same after `tidy`, which also says the outcome; an error is of the same kind.
fn same<E, O>(
    pending: &Pending<'static, E>,
    one: &Response<Bytes>,
    other: &Response<Bytes>,
    tidy: impl Fn(&mut E::Reply<'_>) -> O,
) where
    E: Outgoing,
    O: PartialEq + std::fmt::Debug,
    for<'b> E::Reply<'b>: PartialEq + std::fmt::Debug,
{
    let (mut one, mut other) = (pending.accept(one), pending.accept(other));
    match (&mut one, &mut other) {
        (Ok(one), Ok(other)) => {
            assert_eq!(tidy(one), tidy(other));
            assert_eq!(one, other);
        }
        (Err(one), Err(other)) => assert_eq!(kind(one), kind(other), "{one}, {other}"),
        (one, other) => panic!("{one:?}, {other:?}"),
    }
}

/// A call shows all fields in the order of the document, so they are compared as a map.
fn calls(pending: &Pending<'static, Call<'static>>, one: &Response<Bytes>, other: &Response<Bytes>) {
    let (one, other) = (pending.accept(one), pending.accept(other));
    match (&one, &other) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.head, other.head);
            assert_eq!(one.fields.to_map(), other.fields.to_map());
            let list = GetHbInfo::SPEC.lists[0].container;
            assert_eq!(one.fields.list(list), other.fields.list(list));
        }
        (Err(one), Err(other)) => assert_eq!(kind(one), kind(other), "{one}, {other}"),
        (one, other) => panic!("{one:?}, {other:?}"),
    }
}

/// Which of two fields is complained about, and where, may go by the order.
fn kind(error: &ReplyError) -> Discriminant<ReplyError> {
    discriminant(error)
}
