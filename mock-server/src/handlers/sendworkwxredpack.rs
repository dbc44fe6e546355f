//! `sendworkwxredpack`: one user, one share, in the name of an application or a person. It has no fields for service
//! providers: one that calls pays itself.

use std::borrow::Cow;

use wechatpay_proto::reply::Head;
use wechatpay_proto::v2::mmpaymkttransfers::{SendWorkWxRedPack, SendWorkWxRedPackReply};
use wechatpay_proto::wire::Fields;

use super::sending::{self, Order};
use super::{Caller, Habits, Handled, params};
use crate::answer::Refusal;
use crate::engine::Engine;
use crate::packet::{Kind, RedPacket};

impl<'f> Handled<'f> for SendWorkWxRedPack<'f> {
    const HABITS: &'static Habits =
        &Habits { unopened: ("NO_COMPETENCE", "商户没有开通企业支付"), ..sending::HABITS };

    fn check_fields(&self) -> Result<(), Refusal> {
        match (self.options.agentid, self.options.sender_name) {
            (Some(_), Some(_)) => Err(params::param_error("agentid与sender_name互斥,二者只能填一个")),
            _ => Ok(()),
        }
    }

    fn work(&self, engine: &mut Engine, caller: &Caller<'_>) -> Result<RedPacket, Refusal> {
        let order = Order {
            kind: Kind::WorkWeixin,
            mch_billno: self.mch_billno,
            wxappid: self.wxappid,
            re_openid: self.re_openid,
            total_amount: self.total_amount,
            scene_id: self.options.scene_id,
            sender_name: self.options.sender_name,
            sender_header_media_id: self.options.sender_header_media_id,
            ..Order::PLAIN
        };
        sending::send(engine, caller, &order)
    }

    fn echo<'b>(head: Head<'b>, fields: &'b Fields<'_>) -> SendWorkWxRedPackReply<'b> {
        sending::echo!(SendWorkWxRedPackReply, head, fields)
    }

    fn tell<'b>(reply: &mut SendWorkWxRedPackReply<'b>, _: &Engine, packet: &'b RedPacket) {
        reply.send_listid = Some(Cow::Borrowed(&packet.send_listid));
        reply.sender_name = packet.sender_name.as_deref().map(Cow::Borrowed);
        reply.sender_header_media_id = packet.sender_header_media_id.as_deref().map(Cow::Borrowed);
    }
}
