//! `sendminiprogramhb`: one user, one share, and the package that the mini-program opens it with. It has no fields for
//! service providers: one that calls pays itself.

use std::borrow::Cow;

use wechatpay_proto::reply::Head;
use wechatpay_proto::v2::mmpaymkttransfers::{SendMiniProgramHb, SendMiniProgramHbReply};
use wechatpay_proto::wire::Fields;

use super::sending::{self, Order};
use super::{Caller, Habits, Handled};
use crate::answer::Refusal;
use crate::engine::Engine;
use crate::packet::{Kind, RedPacket};

impl<'f> Handled<'f> for SendMiniProgramHb<'f> {
    const HABITS: &'static Habits = &sending::HABITS;

    fn work(&self, engine: &mut Engine, caller: &Caller<'_>) -> Result<RedPacket, Refusal> {
        let order = Order {
            kind: Kind::MiniProgram,
            mch_billno: self.mch_billno,
            wxappid: self.wxappid,
            re_openid: self.re_openid,
            total_amount: self.total_amount,
            scene_id: self.options.scene_id,
            ..Order::PLAIN
        };
        sending::send(engine, caller, &order)
    }

    fn echo<'b>(head: Head<'b>, fields: &'b Fields<'_>) -> SendMiniProgramHbReply<'b> {
        let mut reply = sending::echo!(SendMiniProgramHbReply, head, fields);
        reply.total_num = sending::wrong_total_num(fields);
        reply
    }

    fn tell<'b>(reply: &mut SendMiniProgramHbReply<'b>, engine: &Engine, packet: &'b RedPacket) {
        reply.send_listid = Some(Cow::Borrowed(&packet.send_listid));
        reply.package = Some(Cow::Owned(engine.seed.package(packet)));
    }
}
