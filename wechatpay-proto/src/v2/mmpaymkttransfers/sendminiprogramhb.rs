//! 发放小程序红包 · `POST /mmpaymkttransfers/sendminiprogramhb` ·
//! <https://pay.weixin.qq.com/doc/v2/merchant/4011937425>

use std::borrow::Cow;

use super::scene::{self, Scene};
use crate::endpoint;
use crate::error::RequestError;
use crate::outcome::Outcome;
use crate::rule::Rule::{Alphanumeric, Any, Range, Text, Token};
use crate::wire::{BeijingTime, Fen, Value};

endpoint! {
    /// 发放小程序红包: takes one packet that the user claims inside a mini-program, by `wx.sendBizRedPacket` with the
    /// parameters that [`SendBizRedPacket`](crate::jsapi::SendBizRedPacket) makes of the answer.
    ///
    /// It works only where the mini-program was opened by a scan (scenes 1011, 1025, 1047, 1124), within 24 hours.
    /// Official: <https://pay.weixin.qq.com/doc/v2/merchant/4011937425>, for service providers
    /// <https://pay.weixin.qq.com/doc/v2/partner/4011941282>.
    pub struct SendMiniProgramHb<'a> => SendMiniProgramHbReply<'b>;
    POST "/mmpaymkttransfers/sendminiprogramhb", certificate: true, sign: Md5, trust: TransportOnly;

    envelope { nonce_str: nonce; mch_id: mch_id; }
    required {
        /// 商户订单号: your number of this packet, unique for your `mch_id`. After any unknown outcome send again
        /// with the **same** number and the same parameters; a new number is a new payment.
        mch_billno: &'a str => Alphanumeric { max: 28 };
        /// 公众账号appid: here the mini-program's appid, bound to your `mch_id`.
        wxappid: &'a str => Token { max: 32 };
        /// 商户名称: who sends it. Bytes of UTF-8: 10 汉字 fit.
        send_name: &'a str => Text { max: 32 };
        /// 用户openid: the receiver, an openid under the mini-program.
        re_openid: &'a str => Token { max: 32 };
        /// 付款金额, in fen. Below 100 or above 20000 a `scene_id` is needed, and a permission on the platform.
        total_amount: Fen => Range { min: 1, max: u32::MAX as u64 };
        /// 红包祝福语.
        wishing: &'a str => Text { max: 128 };
        /// 活动名称.
        act_name: &'a str => Text { max: 32 };
        /// 备注.
        remark: &'a str => Text { max: 256 };
    }
    fixed {
        total_num: Value::Number(1);
        notify_way: Value::Text("MINI_PROGRAM_JSAPI");
    }
    tolerated { client_ip }
    options SendMiniProgramHbOptions {
        /// 场景id. Required below 1 yuan and above 200 yuan.
        scene_id: Scene => Optional, Any;
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
        /// Jsapi的入参: what `wx.sendBizRedPacket` needs, before its url-encoding.
        package: Cow<'b, str>;
    }
    echo { mch_billno, mch_id, wxappid, re_openid, total_amount }
    promise { mch_billno, mch_id, wxappid, re_openid, total_amount, package }
    check = scene_for_amount;
}

fn scene_for_amount(request: &SendMiniProgramHb<'_>) -> Result<(), RequestError> {
    scene::check(request.total_amount, 1, request.options.scene_id)
}

impl<'b> SendMiniProgramHbReply<'b> {
    /// What is certain about this `mch_billno`. [`Outcome::Failed`] needs the one code that frees a number, in an
    /// answer that names this very order.
    pub fn outcome(&self) -> Outcome<'b> {
        Outcome::of_sending(&self.head, self.mch_billno.is_some())
    }
}
