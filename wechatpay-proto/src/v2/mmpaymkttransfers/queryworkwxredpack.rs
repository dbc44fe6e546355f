//! 查询企业红包记录 · `POST /mmpaymkttransfers/queryworkwxredpack` ·
//! <https://developer.work.weixin.qq.com/document/path/90276>

use std::borrow::Cow;

use super::status::{self, HbStatus, SendType};
use crate::endpoint;
use crate::outcome::Outcome;
use crate::rule::Rule::{Alphanumeric, Token};
use crate::wire::{BeijingTime, Fen};

endpoint! {
    /// 查询企业红包记录: asks what became of a packet that was sent with
    /// [`SendWorkWxRedPack`](super::SendWorkWxRedPack), by its `mch_billno`. Its successes are signed.
    ///
    /// `NOT_FOUND` is **no proof of failure**: the order may still be on its way.
    /// Official: <https://developer.work.weixin.qq.com/document/path/90276>.
    pub struct QueryWorkWxRedPack<'a> => QueryWorkWxRedPackReply<'b>;
    POST "/mmpaymkttransfers/queryworkwxredpack", certificate: true, sign: Md5, trust: SignedSuccess;

    envelope { nonce_str: nonce; mch_id: mch_id; }
    required {
        /// 商户订单号: your own number; there is no query by `send_listid`.
        mch_billno: &'a str => Alphanumeric { max: 28 };
        /// Appid: what the sending calls `wxappid` is `appid` here.
        appid: &'a str => Token { max: 32 };
    }
    reply {
        /// 商户订单号, echoed.
        mch_billno: Cow<'b, str>;
        /// 商户号, echoed.
        mch_id: Cow<'b, str>;
        /// 红包单号: equals the `send_listid` of the sending.
        detail_id: Cow<'b, str>;
        /// 红包状态.
        status: HbStatus<'b>;
        /// 发放类型.
        send_type: SendType<'b>;
        /// 红包金额 in fen.
        total_amount: Fen;
        /// 失败原因, for people. It may come with `SENDING`, which is still not final.
        reason: Cow<'b, str>;
        /// 红包发送时间, Beijing time `yyyy-MM-dd HH:mm:ss`.
        send_time: BeijingTime<'b>;
        /// 红包退款时间, Beijing time `yyyy-MM-dd HH:mm:ss`.
        refund_time: BeijingTime<'b>;
        /// 红包退款金额 in fen.
        refund_amount: Fen;
        /// 祝福语.
        wishing: Cow<'b, str>;
        /// 活动描述.
        remark: Cow<'b, str>;
        /// 活动名称.
        act_name: Cow<'b, str>;
        /// 领取红包的Openid.
        openid: Cow<'b, str>;
        /// 金额 in fen.
        amount: Fen;
        /// 接收时间, Beijing time `yyyy-MM-dd HH:mm:ss`.
        rcv_time: BeijingTime<'b>;
        /// 发送者名称.
        sender_name: Cow<'b, str>;
        /// 发送者头像.
        sender_header_media_id: Cow<'b, str>;
    }
    echo { mch_billno, mch_id }
    promise { mch_billno, mch_id, status }
}

impl<'b> QueryWorkWxRedPackReply<'b> {
    /// What is certain about this `mch_billno`: a packet that was sent, claimed or refunded was accepted; only
    /// `FAILED` is a failure, and not where the answer tells of a claim or a refund as well. Everything else, `NOT_FOUND`
    /// too, settles nothing.
    pub fn outcome(&self) -> Outcome<'b> {
        let moved = self.openid.is_some()
            || self.amount.is_some()
            || self.rcv_time.is_some()
            || self.refund_time.is_some()
            || self.refund_amount.is_some_and(|back| back.0 > 0);
        status::outcome(&self.head, self.status.as_ref(), self.reason.as_ref(), moved)
    }

    /// Like [`outcome`](Self::outcome), where the `total_amount` that was sent is known: an answer about another amount
    /// settles nothing.
    pub fn outcome_for(&self, total_amount: Fen) -> Outcome<'b> {
        status::outcome_for(self.outcome(), total_amount, self.total_amount)
    }
}
