//! 发放裂变红包 · `POST /mmpaymkttransfers/sendgroupredpack` · offline since 2024-06-05 ·
//! <https://pay.weixin.qq.com/wiki/doc/api/tools/cash_coupon.php?chapter=13_5&index=4>

use std::borrow::Cow;

use super::scene::{self, Scene};
use crate::endpoint;
use crate::error::RequestError;
use crate::outcome::Outcome;
use crate::rule::Rule::{Alphanumeric, Any, Range, Text, Token, UrlEncoded};
use crate::rule::Violation;
use crate::wire::{BeijingTime, Fen, Value};

endpoint! {
    /// 发放裂变红包: one packet that its first receiver shares with a group, split at random.
    ///
    /// **Offline since 2024-06-05** ("本功能已于2024年6月5日下线"); the official advice is the ordinary red packet,
    /// [`SendRedPack`](super::SendRedPack). It stays here so that old integrations can be moved and old orders queried.
    /// Official: <https://pay.weixin.qq.com/wiki/doc/api/tools/cash_coupon.php?chapter=13_5&index=4>.
    #[deprecated(note = "WeChat Pay took sendgroupredpack offline on 2024-06-05; send ordinary packets with SendRedPack")]
    pub struct SendGroupRedPack<'a> => SendGroupRedPackReply<'b>;
    POST "/mmpaymkttransfers/sendgroupredpack", certificate: true, sign: Md5, trust: TransportOnly;

    envelope { nonce_str: nonce; mch_id: mch_id; }
    required {
        /// 商户订单号: your number of this packet, unique for your `mch_id`. After any unknown outcome send again
        /// with the **same** number and the same parameters; a new number is a new payment.
        mch_billno: &'a str => Alphanumeric { max: 28 };
        /// 公众账号appid: the official account's appid, bound to your `mch_id`.
        wxappid: &'a str => Token { max: 32 };
        /// 商户名称: who sends it. Bytes of UTF-8: 10 汉字 fit.
        send_name: &'a str => Text { max: 32 };
        /// 用户openid: the seed user, who gets the first share and passes the packet on.
        re_openid: &'a str => Token { max: 32 };
        /// 总金额 of the whole group, in fen. Where the average is below 100 or above 20000 a `scene_id` is needed.
        total_amount: Fen => Range { min: 3, max: u32::MAX as u64 };
        /// 红包发放总人数: how many share it.
        total_num: u32 => Range { min: 3, max: 20 };
        /// 红包祝福语.
        wishing: &'a str => Text { max: 128 };
        /// 活动名称.
        act_name: &'a str => Text { max: 32 };
        /// 备注.
        remark: &'a str => Text { max: 256 };
    }
    fixed {
        amt_type: Value::Text("ALL_RAND");
    }
    options SendGroupRedPackOptions<'a> {
        /// 子商户号: the sub-merchant that a service provider acts for, and who pays unless `consume_mch_id` says otherwise.
        sub_mch_id: &'a str => ProviderRequired, Alphanumeric { max: 32 };
        /// 触达用户appid: the appid that reaches the user, the provider's or the sub-merchant's.
        msgappid: &'a str => ProviderRequired, Token { max: 32 };
        /// 资金授权商户号: who pays, where it is not the sub-merchant.
        consume_mch_id: &'a str => ProviderOptional, Alphanumeric { max: 32 };
        /// 场景id. Required below 1 yuan and above 200 yuan a head.
        scene_id: Scene => Optional, Any;
        /// 活动信息, encoded as a whole: see [`RiskInfo`](crate::RiskInfo).
        risk_info: &'a str => Optional, UrlEncoded { max: 128 };
    }
    reply {
        /// 商户订单号, echoed.
        mch_billno: Cow<'b, str>;
        /// 商户号, echoed.
        mch_id: Cow<'b, str>;
        /// 公众账号appid, echoed.
        wxappid: Cow<'b, str>;
        /// 用户openid, echoed.
        re_openid: Cow<'b, str>;
        /// 总金额 in fen, echoed.
        total_amount: Fen;
        /// 红包发放总人数, echoed.
        total_num: u32;
        /// 发放时间, Beijing time `yyyyMMddHHmmss`: in official samples only.
        send_time: BeijingTime<'b>;
        /// 微信单号. A success without it is strange, but a success.
        send_listid: Cow<'b, str>;
    }
    echo { mch_billno, mch_id, wxappid, re_openid, total_amount, total_num }
    promise { mch_billno, mch_id, wxappid, re_openid, total_amount }
    check = amount_for_group;
}

#[expect(deprecated, reason = "its own file")]
fn amount_for_group(request: &SendGroupRedPack<'_>) -> Result<(), RequestError> {
    if request.total_amount.0 < request.total_num {
        let (min, value) = (request.total_num.into(), request.total_amount.0.into());
        return Err(RequestError::new(
            "total_amount",
            Violation::OutOfRange { min, max: u32::MAX.into(), value },
        ));
    }
    scene::check(request.total_amount, request.total_num, request.options.scene_id)
}

impl<'b> SendGroupRedPackReply<'b> {
    /// What is certain about this `mch_billno`. [`Outcome::Failed`] needs the one code that frees a number, in an
    /// answer that names this very order.
    pub fn outcome(&self) -> Outcome<'b> {
        Outcome::of_sending(&self.head, self.mch_billno.is_some())
    }
}
