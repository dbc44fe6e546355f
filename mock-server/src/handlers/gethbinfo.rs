//! `gethbinfo`: every packet but those of work-weixin.

use std::borrow::Cow;

use wechatpay_proto::BeijingTime;
use wechatpay_proto::reply::Head;
use wechatpay_proto::v2::mmpaymkttransfers::{GetHbInfo, GetHbInfoReply, HbInfo, HbType};
use wechatpay_proto::wire::Fields;

use super::{Caller, Habits, Handled, querying};
use crate::answer::Refusal;
use crate::engine::Engine;
use crate::packet::{Kind, RedPacket};
use crate::rules::HbList;

impl<'f> Handled<'f> for GetHbInfo<'f> {
    const HABITS: &'static Habits = querying::HABITS;

    fn work(&self, engine: &mut Engine, caller: &Caller<'_>) -> Result<RedPacket, Refusal> {
        querying::find(engine, caller, self.mch_billno, |kind| kind != Kind::WorkWeixin)
    }

    fn echo<'b>(head: Head<'b>, fields: &'b Fields<'_>) -> GetHbInfoReply<'b> {
        querying::echo!(GetHbInfoReply, head, fields)
    }

    fn tell<'b>(reply: &mut GetHbInfoReply<'b>, engine: &Engine, packet: &'b RedPacket) {
        querying::describe!(&mut *reply, packet);
        reply.hb_type = Some(if packet.kind == Kind::Group { HbType::Group } else { HbType::Normal });
        reply.total_num = u32::try_from(packet.shares.len()).ok();
        let hblist = engine.rules_of(&packet.key.mch_id).hblist;
        reply.hblist = packet
            .claims()
            .filter(|_| hblist != HbList::Absent)
            .map(|(amount, claim)| {
                let mut info = HbInfo::default();
                info.openid = Some(Cow::Borrowed(&claim.openid));
                info.amount = Some(amount);
                let timed = hblist != HbList::NoRcvTime;
                info.rcv_time = timed.then(|| BeijingTime::new(claim.at.to_answer()));
                info
            })
            .collect();
    }
}
