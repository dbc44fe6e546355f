//! `sendgroupredpack`: one packet for many users, out of use since 2024-06-05.

use std::borrow::Cow;

use wechatpay_proto::ErrorCode;
use wechatpay_proto::reply::Head;
use wechatpay_proto::rule::Violation;
#[expect(deprecated, reason = "what is out of use is refused here, or works as it did")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPackReply;
use wechatpay_proto::wire::Fields;

use super::provider::Relation;
use super::sending::{self, Order};
use super::{Caller, Habits, Handled, params};
use crate::answer::Refusal;
use crate::engine::Engine;
use crate::packet::{Kind, RedPacket};
use crate::rules::GroupRedPack;

const CLOSED: &str = "裂变红包功能已于2024年6月5日下线，请使用普通红包";

#[expect(deprecated, reason = "what is out of use is refused here, or works as it did")]
impl<'f> Handled<'f> for SendGroupRedPack<'f> {
    const HABITS: &'static Habits = &sending::HABITS;

    fn check_fields(&self) -> Result<(), Refusal> {
        let (min, max, value) = (3, 20, self.total_num.into());
        if (min..=max).contains(&value) {
            return Ok(());
        }
        Err(params::refusal("total_num", &Violation::OutOfRange { min, max, value }))
    }

    fn work(&self, engine: &mut Engine, caller: &Caller<'_>) -> Result<RedPacket, Refusal> {
        if engine.rules.world().group != GroupRedPack::Legacy {
            return Err(Refusal::new(ErrorCode::ApiMethodClosed, CLOSED));
        }
        let options = &self.options;
        let order = Order {
            kind: Kind::Group,
            mch_billno: self.mch_billno,
            wxappid: self.wxappid,
            re_openid: self.re_openid,
            total_amount: self.total_amount,
            total_num: self.total_num,
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

    fn echo<'b>(head: Head<'b>, fields: &'b Fields<'_>) -> SendGroupRedPackReply<'b> {
        let mut reply = sending::echo!(SendGroupRedPackReply, head, fields);
        reply.total_num = sending::number(fields, "total_num");
        reply
    }

    fn tell<'b>(reply: &mut SendGroupRedPackReply<'b>, _: &Engine, packet: &'b RedPacket) {
        reply.send_listid = Some(Cow::Borrowed(&packet.send_listid));
    }
}
