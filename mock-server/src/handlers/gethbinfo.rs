//! `gethbinfo`: what became of a packet.

use std::borrow::Cow;

use bytes::Bytes;
use http::Response;
use wechatpay_proto::v2::mmpaymkttransfers::{GetHbInfo, GetHbInfoReply, HbInfo, HbType, SendType};
use wechatpay_proto::wire::Fields;
use wechatpay_proto::{BeijingTime, ErrorCode};

use super::{Habits, admit};
use crate::answer::{self, Refusal};
use crate::clock::Time;
use crate::engine::{Arrival, Engine};
use crate::ledger::{OrderKey, RedPacket, Status};

const HABITS: Habits = Habits {
    appid: "appid",
    no_certificate: "请求未携带证书，或请求携带的证书出错",
    wrong_certificate: "请求未携带证书，或请求携带的证书出错",
    wrong_sign: "商户签名错误",
    unopened: (ErrorCode::NoAuth, "没有权限"),
    foreign_address: "没有权限",
};

pub(crate) fn handle(
    engine: &mut Engine,
    now: Time,
    arrival: &Arrival,
    fields: &Fields<'_>,
) -> Response<Bytes> {
    let found = admit::<GetHbInfo<'_>>(engine, arrival, fields, &HABITS).and_then(|admitted| {
        let key = OrderKey::new(admitted.mch_id, admitted.request.mch_billno);
        let packet = engine.ledger().packet(&key);
        packet
            .filter(|packet| now.since(packet.created) <= engine.rules().query_horizon)
            .ok_or_else(|| Refusal::new(ErrorCode::NotFound, "指定单号数据不存在"))
    });
    match found {
        Ok(packet) => answer::xml(&describe(packet)),
        Err(refusal) if refusal.echoes => {
            let mut reply = GetHbInfoReply::new(refusal.head());
            reply.mch_billno = fields.get("mch_billno").map(Cow::Borrowed);
            reply.mch_id = fields.get("mch_id").map(Cow::Borrowed);
            answer::xml(&reply)
        }
        Err(refusal) => answer::bare(&refusal),
    }
}

fn describe(packet: &RedPacket) -> GetHbInfoReply<'_> {
    let mut reply = GetHbInfoReply::new(answer::success("OK"));
    reply.mch_billno = Some(Cow::Borrowed(&packet.key.mch_billno));
    reply.mch_id = Some(Cow::Borrowed(&packet.key.mch_id));
    reply.detail_id = Some(Cow::Borrowed(&packet.send_listid));
    reply.status = Some(packet.status.to_wire());
    reply.send_type = Some(SendType::Api);
    reply.hb_type = Some(HbType::Normal);
    reply.total_num = Some(1);
    reply.total_amount = Some(packet.amount);
    reply.reason = packet.reason.as_deref().map(Cow::Borrowed);
    reply.send_time = Some(BeijingTime::new(packet.created.to_answer()));
    if matches!(packet.status, Status::RfundIng | Status::Refund) {
        reply.refund_time = Some(BeijingTime::new(packet.since().to_answer()));
        reply.refund_amount = Some(packet.amount);
    }
    if packet.status == Status::Received {
        let mut claim = HbInfo::default();
        claim.openid = Some(Cow::Borrowed(&packet.re_openid));
        claim.amount = Some(packet.amount);
        claim.rcv_time = Some(BeijingTime::new(packet.since().to_answer()));
        reply.hblist = vec![claim];
    }
    reply
}
