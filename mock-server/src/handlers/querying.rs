//! Querying, for all endpoints that do: what became of a packet.

use wechatpay_proto::ErrorCode;

use super::{Caller, Habits};
use crate::answer::Refusal;
use crate::engine::Engine;
use crate::packet::{Kind, OrderKey, RedPacket};
use crate::rules::NotFound;

pub(super) const HABITS: &Habits = &Habits {
    sends: false,
    appid: "appid",
    success: "OK",
    malformed: "请求的xml格式错误，或者post的数据为空",
    no_certificate: "请求未携带证书，或请求携带的证书出错",
    wrong_certificate: "请求未携带证书，或请求携带的证书出错",
    documented_system_error: "SYSTEMERROR",
    wrong_sign: "商户签名错误",
    unopened: ("NO_AUTH", "没有权限"),
    foreign_address: "没有权限",
};

/// The packet, if it is of a kind that the endpoint knows and not too old.
pub(super) fn find(
    engine: &mut Engine,
    caller: &Caller<'_>,
    mch_billno: &str,
    knows: impl Fn(Kind) -> bool,
) -> Result<RedPacket, Refusal> {
    let key = OrderKey::new(caller.mch_id, mch_billno);
    if !engine.count_query(caller.now, caller.mch_id) {
        return Err(Refusal::new(ErrorCode::FreqLimit, "受频率限制"));
    }
    let rules = engine.rules_of(caller.mch_id);
    let (ages, not_found) = (rules.query_lag..=rules.query_horizon, rules.not_found);
    let finds = |packet: &&RedPacket| knows(packet.kind) && ages.contains(&caller.now.since(packet.created));
    if engine.ledger.packet(&key).filter(finds).is_some() {
        engine.count_poll(caller.now, &key);
    }
    let code = match not_found {
        NotFound::NotFound => ErrorCode::NotFound,
        NotFound::SystemError => ErrorCode::SystemError,
    };
    let packet = engine.ledger.packet(&key).filter(finds).cloned();
    packet.ok_or_else(|| Refusal::new(code, "指定单号数据不存在"))
}

/// The order as the request named it; the types of the answers have these fields alike, each for itself.
macro_rules! echo {
    ($Reply:ident, $head:expr, $fields:expr) => {{
        let mut reply = $Reply::new($head);
        reply.mch_billno = $fields.get("mch_billno").map(::std::borrow::Cow::Borrowed);
        reply.mch_id = $fields.get("mch_id").map(::std::borrow::Cow::Borrowed);
        reply
    }};
}
pub(super) use echo;

/// What every answer says of a packet.
macro_rules! describe {
    ($reply:expr, $packet:expr) => {{
        use ::std::borrow::Cow;
        use ::wechatpay_proto::BeijingTime;
        use ::wechatpay_proto::v2::mmpaymkttransfers::SendType;
        use $crate::packet::Status;

        let (reply, packet) = ($reply, $packet);
        reply.detail_id = Some(Cow::Borrowed(&*packet.send_listid));
        reply.status = Some(packet.status.to_wire());
        reply.send_type = Some(SendType::Api);
        reply.total_amount = Some(packet.amount);
        reply.reason = packet.reason.as_deref().map(Cow::Borrowed);
        reply.send_time = Some(BeijingTime::new(packet.created.to_answer()));
        if matches!(packet.status, Status::RfundIng | Status::Refund) {
            reply.refund_time = Some(BeijingTime::new(packet.since().to_answer()));
            reply.refund_amount = Some(packet.unclaimed());
        }
    }};
}
pub(super) use describe;
