//! 发放普通红包 · `POST /mmpaymkttransfers/sendredpack` ·
//! <https://pay.weixin.qq.com/doc/v2/merchant/4011974053>

use std::borrow::Cow;
use std::net::Ipv4Addr;

use super::scene::{self, Scene};
use crate::endpoint;
use crate::error::RequestError;
use crate::outcome::Outcome;
use crate::rule::Rule::{Alphanumeric, Any, Range, Text, Token, UrlEncoded};
use crate::wire::{BeijingTime, Fen, Value};

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

fn scene_for_amount(request: &SendRedPack<'_>) -> Result<(), RequestError> {
    scene::check(request.total_amount, 1, request.options.scene_id)
}

impl<'b> SendRedPackReply<'b> {
    /// What is certain about this `mch_billno`. [`Outcome::Failed`] needs the one code that frees a number, in an
    /// answer that names this very order.
    pub fn outcome(&self) -> Outcome<'b> {
        Outcome::of_sending(&self.head, self.mch_billno.is_some())
    }
}
