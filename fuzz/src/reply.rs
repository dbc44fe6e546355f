//! Any bytes as an answer.

use bytes::Bytes;
use http::Response;
use wechatpay_proto::ReplyError;
use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::reply::Reply as _;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfoReply, QueryWorkWxRedPackReply, SendGroupRedPackReply, SendMiniProgramHbReply, SendRedPackReply,
    SendWorkWxRedPackReply,
};
use wechatpay_proto::wire::XmlErrorKind;
use wechatpay_proto::{Call, Fen};

use crate::naive;
use crate::requests::{BILLNO, MERCHANT, Typed, WAITING};

/// Any bytes as the answer to every typed request: no panic, never settled without naming the order, and the untyped
/// door says the same. Then the same fields with the right sign, which no mutation finds by itself.
pub fn reply(data: &[u8]) {
    let response = Response::new(Bytes::copy_from_slice(data));
    read(&response);
    if let Some(signed) = signed(&response) {
        read(&signed);
    }
}

fn read(response: &Response<Bytes>) {
    let signed = || naive::read(response.body(), &[]).is_ok_and(|document| document.has("sign"));
    let all = Some(Fen(300));
    macro_rules! settled {
        ($row:ident, $is_this:expr) => {
            if let Some(reply) = both(&WAITING.$row, response) {
                let outcome = reply.outcome();
                assert!(outcome.is_unknown() || reply.mch_billno.as_deref() == Some(BILLNO));
                assert!(!outcome.is_accepted() || $is_this(&reply));
            }
        };
    }
    settled!(packet, |reply: &SendRedPackReply<'_>| reply.total_amount == all);
    settled!(mini, |reply: &SendMiniProgramHbReply<'_>| reply.total_amount == all && reply.package.is_some());
    settled!(group, |reply: &SendGroupRedPackReply<'_>| {
        reply.total_amount == all && reply.total_num.is_none_or(|heads| heads == 3)
    });
    settled!(work, |reply: &SendWorkWxRedPackReply<'_>| reply.total_amount == all && signed());
    settled!(query, |reply: &GetHbInfoReply<'_>| reply.status.is_some());
    settled!(work_query, |reply: &QueryWorkWxRedPackReply<'_>| reply.status.is_some() && signed());
}

/// What the tables of the typed requests compare.
const ECHOES: [&str; 6] = ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount", "total_num"];

/// Whether only a call sees it: a call compares whatever was sent and comes back, and knows the marks of other calls.
fn beyond_the_table(error: &ReplyError) -> bool {
    match error {
        ReplyError::Correlation { field } => !ECHOES.contains(field),
        ReplyError::OtherCall { .. } => true,
        _ => false,
    }
}

/// What a typed request reads. A call reads the same, but for types, which a call does not have, an amount, which it was
/// given as text, and what it compares beyond the table.
fn both<'b, E: Outgoing>((typed, call): &Typed<E>, response: &'b Response<Bytes>) -> Option<E::Reply<'b>> {
    let (typed, call) = (typed.accept(response), call.accept(response));
    match (&typed, &call) {
        (Ok(_) | Err(ReplyError::Malformed { .. } | ReplyError::Missing { .. }), Err(error))
            if beyond_the_table(error) => {}
        (Err(ReplyError::Malformed { .. }), call) => assert!(call.is_ok()),
        (Ok(typed), Ok(call)) => assert_eq!(*typed.head(), call.head),
        (typed, call) => assert_eq!(typed.as_ref().err(), call.as_ref().err()),
    }
    typed.ok()
}

/// The fields of an unsigned flat document, signed. What is written must be read again.
fn signed(response: &Response<Bytes>) -> Option<Response<Bytes>> {
    let reply = WAITING.open.accept(response).ok()?;
    if reply.fields.get("sign").is_some() {
        return None;
    }
    let written = match MERCHANT.write_reply(&Call::new("closed").spec(), &reply) {
        Ok(written) => Response::new(Bytes::from(written)),
        Err(ReplyError::KeyElement) => return None,
        // CDATA is longer than what it replaces, and the sign is one element more.
        Err(ReplyError::Xml(error)) => {
            assert!(matches!(error.kind, XmlErrorKind::TooManyElements | XmlErrorKind::BodyTooLong));
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let read = WAITING.md5.accept(&written).expect("what we sign, we read");
    assert_eq!(read.head, reply.head);
    Some(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::seed;

    #[test]
    fn the_seeds_reach_the_outcomes() {
        let response = |name: &str| Response::new(Bytes::from(seed("reply", name)));
        macro_rules! outcome {
            ($row:ident, $name:literal) => {
                WAITING.$row.0.accept(&response($name)).expect("sound").outcome()
            };
        }
        assert!(outcome!(packet, "sent.xml").is_accepted());
        assert!(outcome!(mini, "taken.xml").is_accepted());
        assert!(outcome!(group, "shared.xml").is_accepted());
        assert!(outcome!(work, "sent.signed.xml").is_accepted());
        assert!(outcome!(query, "received.xml").is_accepted());
        assert!(outcome!(work_query, "received.signed.xml").is_accepted());
        for name in ["dead.xml", "dead.signed.xml"] {
            assert!(WAITING.packet.0.accept(&response(name)).expect("sound").outcome().is_failed());
        }
        assert!(outcome!(work, "dead.xml").is_unknown());
        assert!(outcome!(packet, "contradiction.xml").is_unknown());
        assert!(outcome!(work, "complaint.xml").is_unknown());
        assert!(outcome!(work, "dead.signed.xml").is_failed());
        // Without a sign it gets the right one.
        let signed = |name| signed(&response(name)).expect("flat and without a sign");
        assert!(WAITING.work.0.accept(&signed("sent.xml")).expect("sound").outcome().is_accepted());
        assert!(WAITING.work.0.accept(&signed("dead.xml")).expect("sound").outcome().is_failed());
    }
}
