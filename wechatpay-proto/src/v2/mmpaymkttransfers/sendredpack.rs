//! 发放普通红包 · `POST /mmpaymkttransfers/sendredpack` ·
//! <https://pay.weixin.qq.com/doc/v2/merchant/4011974053>

use std::borrow::Cow;
use std::net::Ipv4Addr;

use crate::code::ErrorCode;
use crate::endpoint;
use crate::error::RequestError;
use crate::outcome::Outcome;
use crate::rule::Rule::{Alphanumeric, Any, Ascii, Range, Text, Token};
use crate::rule::Violation;
use crate::wire::{BeijingTime, Fen, FromText, Malformed, ToValue, Value};

endpoint! {
    /// 发放普通红包: sends one ordinary cash red packet to one user.
    ///
    /// Official: <https://pay.weixin.qq.com/doc/v2/merchant/4011974053>, for service providers
    /// <https://pay.weixin.qq.com/doc/v2/partner/4011983137>.
    pub struct SendRedPack<'a> => SendRedPackReply<'b>;
    POST "/mmpaymkttransfers/sendredpack", certificate: true, sign: Md5, trust: TransportOnly;

    envelope { nonce_str: nonce; mch_id: mch_id; }
    required {
        /// 商户订单号: your number of this packet, unique for your `mch_id`. After any unknown outcome send again
        /// with the **same** number and the same parameters; a new number is a new payment.
        mch_billno: &'a str => Alphanumeric { max: 28 };
        /// 公众账号appid: the official account's appid, bound to your `mch_id`; not a mobile app's.
        wxappid: &'a str => Token { max: 32 };
        /// 商户名称: who sends it. Bytes of UTF-8: 10 汉字 fit.
        send_name: &'a str => Text { max: 32 };
        /// 用户openid: the receiver, an openid under `wxappid`. A service provider may give one under `msgappid`.
        re_openid: &'a str => Token { max: 32 };
        /// 付款金额, in fen. Below 100 or above 20000 a `scene_id` is needed, and a permission on the platform.
        total_amount: Fen => Range { min: 1, max: u32::MAX as u64 };
        /// 红包祝福语.
        wishing: &'a str => Text { max: 128 };
        /// Ip地址 of the machine that calls. IPv4 only.
        client_ip: Ipv4Addr => Any;
        /// 活动名称.
        act_name: &'a str => Text { max: 32 };
        /// 备注.
        remark: &'a str => Text { max: 256 };
    }
    fixed {
        total_num: Value::Number(1);
    }
    options SendRedPackOptions<'a> {
        /// 子商户号: the sub-merchant that a service provider acts for, and who pays unless `consume_mch_id` says otherwise.
        sub_mch_id: &'a str => ProviderRequired, Alphanumeric { max: 32 };
        /// 触达用户appid: the appid that reaches the user, the provider's or the sub-merchant's.
        msgappid: &'a str => ProviderRequired, Token { max: 32 };
        /// 资金授权商户号: who pays, where it is not the sub-merchant.
        consume_mch_id: &'a str => ProviderOptional, Alphanumeric { max: 32 };
        /// 场景id. Required below 1 yuan and above 200 yuan.
        scene_id: Scene => Optional, Any;
        /// 活动信息: `posttime`, `mobile`, `deviceid`, `clientversion`, joined as `k=v` with `&` and url-encoded as a whole.
        risk_info: &'a str => Optional, Ascii { max: 128 };
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
        /// 付款金额 in fen, echoed.
        total_amount: Fen;
        /// 微信单号. A success without it is strange, but a success.
        send_listid: Cow<'b, str>;
        /// 红包发放总人数: echoed where it was the fault.
        total_num: u32;
        /// 发放时间, Beijing time `yyyyMMddHHmmss`: in official samples only.
        send_time: BeijingTime<'b>;
    }
    echo { mch_billno, mch_id, wxappid, re_openid, total_amount }
    promise { mch_billno, mch_id, wxappid, re_openid, total_amount }
    check = scene_for_amount;
}

/// Exactly 100 and 20000 fen need no scene: the rule says "more than 200 or less than 1 yuan".
fn scene_for_amount(request: &SendRedPack<'_>) -> Result<(), RequestError> {
    if (100..=20_000).contains(&request.total_amount.0) || request.options.scene_id.is_some() {
        return Ok(());
    }
    let when = "when total_amount is below 100 or above 20000 fen";
    Err(RequestError::new("scene_id", Violation::RequiredWhen { when }))
}

impl<'b> SendRedPackReply<'b> {
    /// What is certain about this `mch_billno`. [`Outcome::Failed`] needs the one code that frees a number, in an
    /// answer that names this very order.
    pub fn outcome(&self) -> Outcome<'b> {
        let dead = self.head.is_failure() && self.head.err_code == Some(ErrorCode::SendFailed);
        if self.head.is_success() {
            Outcome::Accepted
        } else if dead && self.mch_billno.is_some() {
            Outcome::Failed
        } else {
            Outcome::Unknown(self.head.reason())
        }
    }
}

/// 场景id (`scene_id`): what the packet is for. Each scene needs its own permission on the merchant platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scene {
    /// 商品促销: promotion of goods.
    Product1,
    /// 抽奖: lottery.
    Product2,
    /// 虚拟物品兑奖: prizes for virtual goods.
    Product3,
    /// 企业内部福利: staff benefits.
    Product4,
    /// 渠道分润: shares for sales channels.
    Product5,
    /// 保险回馈: insurance rewards.
    Product6,
    /// 彩票派奖: lottery winnings.
    Product7,
    /// 税务刮奖: tax scratch prizes.
    Product8,
}

impl Scene {
    /// All scenes.
    pub const ALL: [Self; 8] = [
        Self::Product1,
        Self::Product2,
        Self::Product3,
        Self::Product4,
        Self::Product5,
        Self::Product6,
        Self::Product7,
        Self::Product8,
    ];

    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Product1 => "PRODUCT_1",
            Self::Product2 => "PRODUCT_2",
            Self::Product3 => "PRODUCT_3",
            Self::Product4 => "PRODUCT_4",
            Self::Product5 => "PRODUCT_5",
            Self::Product6 => "PRODUCT_6",
            Self::Product7 => "PRODUCT_7",
            Self::Product8 => "PRODUCT_8",
        }
    }
}

impl ToValue for Scene {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.as_str())
    }
}

impl FromText<'_> for Scene {
    fn from_text(text: Cow<'_, str>) -> Result<Self, Malformed> {
        let found = Self::ALL.into_iter().find(|scene| scene.as_str() == text);
        found.ok_or(Malformed { expected: "PRODUCT_1 to PRODUCT_8" })
    }
}
