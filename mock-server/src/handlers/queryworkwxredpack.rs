//! `queryworkwxredpack`: the packets of work-weixin and no others. Its answer is flat, for it is signed.

use std::borrow::Cow;

use wechatpay_proto::BeijingTime;
use wechatpay_proto::reply::Head;
use wechatpay_proto::v2::mmpaymkttransfers::{QueryWorkWxRedPack, QueryWorkWxRedPackReply};
use wechatpay_proto::wire::Fields;

use super::{Caller, Habits, Handled, querying};
use crate::answer::Refusal;
use crate::engine::Engine;
use crate::packet::{Kind, RedPacket};

impl<'f> Handled<'f> for QueryWorkWxRedPack<'f> {
    const HABITS: &'static Habits = querying::HABITS;

    fn work(&self, engine: &mut Engine, caller: &Caller<'_>) -> Result<RedPacket, Refusal> {
        querying::find(engine, caller, self.mch_billno, |kind| kind == Kind::WorkWeixin)
    }

    fn echo<'b>(head: Head<'b>, fields: &'b Fields<'_>) -> QueryWorkWxRedPackReply<'b> {
        querying::echo!(QueryWorkWxRedPackReply, head, fields)
    }

    fn tell<'b>(reply: &mut QueryWorkWxRedPackReply<'b>, _: &Engine, packet: &'b RedPacket) {
        querying::describe!(&mut *reply, packet);
        if let Some((amount, claim)) = packet.claims().next() {
            reply.openid = Some(Cow::Borrowed(&claim.openid));
            reply.amount = Some(amount);
            reply.rcv_time = Some(BeijingTime::new(claim.at.to_answer()));
        }
        reply.sender_name = packet.sender_name.as_deref().map(Cow::Borrowed);
        reply.sender_header_media_id = packet.sender_header_media_id.as_deref().map(Cow::Borrowed);
    }
}
