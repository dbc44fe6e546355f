//! `sendredpack`: one user, one share.

use std::borrow::Cow;

use wechatpay_proto::reply::Head;
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackReply};
use wechatpay_proto::wire::Fields;

use super::provider::Relation;
use super::sending::{self, Order};
use super::{Caller, Habits, Handled};
use crate::answer::Refusal;
use crate::engine::Engine;
use crate::packet::{Kind, RedPacket};

impl<'f> Handled<'f> for SendRedPack<'f> {
    const HABITS: &'static Habits = &sending::HABITS;

    fn work(&self, engine: &mut Engine, caller: &Caller<'_>) -> Result<RedPacket, Refusal> {
        let options = &self.options;
        let order = Order {
            kind: Kind::Normal,
            mch_billno: self.mch_billno,
            wxappid: self.wxappid,
            re_openid: self.re_openid,
            total_amount: self.total_amount,
            scene_id: options.scene_id,
            relation: Relation {
                sub_mch_id: options.sub_mch_id,
                msgappid: options.msgappid,
                consume_mch_id: options.consume_mch_id,
            },
            ..Order::PLAIN
        };
        sending::send(engine, caller, &order)
    }

    fn echo<'b>(head: Head<'b>, fields: &'b Fields<'_>) -> SendRedPackReply<'b> {
        let mut reply = sending::echo!(SendRedPackReply, head, fields);
        reply.total_num = sending::wrong_total_num(fields);
        reply
    }

    fn tell<'b>(reply: &mut SendRedPackReply<'b>, _: &Engine, packet: &'b RedPacket) {
        reply.send_listid = Some(Cow::Borrowed(&packet.send_listid));
    }
}
