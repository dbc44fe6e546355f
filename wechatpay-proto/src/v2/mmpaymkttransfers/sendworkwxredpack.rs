//! 发放企业红包 · `POST /mmpaymkttransfers/sendworkwxredpack` ·
//! <https://developer.work.weixin.qq.com/document/path/90275>

use std::borrow::Cow;

use super::scene::{self, Scene};
use crate::endpoint;
use crate::error::RequestError;
use crate::outcome::Outcome;
use crate::rule::Rule::{Alphanumeric, Any, Echoed, Range, Token};
use crate::rule::Violation;
use crate::wire::Fen;

endpoint! {
    /// 发放企业红包: sends one red packet in the name of a work-weixin (企业微信) application or of a person.
    ///
    /// It is signed twice: `workwx_sign` with the application's secret
    /// ([`Merchant::with_agent_secret`](crate::Merchant::with_agent_secret)), then everything with the API key. Unlike
    /// those of the other red packets, its successes are signed; failures were seen without a sign, and settle nothing.
    ///
    /// Official: <https://developer.work.weixin.qq.com/document/path/90275>.
    pub struct SendWorkWxRedPack<'a> => SendWorkWxRedPackReply<'b>;
    POST "/mmpaymkttransfers/sendworkwxredpack", certificate: true, sign: Md5, trust: SignedSuccess;

    envelope { nonce_str: nonce; mch_id: mch_id; }
    required {
        /// 商户订单号: your number of this packet, unique for your `mch_id`. After any unknown outcome send again
        /// with the **same** number and the same parameters; a new number is a new payment.
        mch_billno: &'a str => Alphanumeric { max: 28 };
        /// 公众账号appid: the corpid of the company.
        wxappid: &'a str => Token { max: 32 };
        /// 用户openid: the receiver, an openid under `wxappid`.
        re_openid: &'a str => Token { max: 32 };
        /// 付款金额, in fen. Below 100 or above 20000 a `scene_id` is needed, and a permission on the platform.
        total_amount: Fen => Range { min: 1, max: u32::MAX as u64 };
        /// 红包祝福语.
        wishing: &'a str => Echoed { max: 128 };
        /// 活动名称.
        act_name: &'a str => Echoed { max: 32 };
        /// 备注.
        remark: &'a str => Echoed { max: 256 };
    }
    inner workwx_sign { act_name, mch_billno, mch_id, nonce_str, re_openid, total_amount, wxappid }
    options SendWorkWxRedPackOptions<'a> {
        /// 发送红包的应用id: the application in whose name it is sent. Either this or `sender_name`.
        agentid: u32 => Optional, Any;
        /// 发送者名称: the person in whose name it is sent. Either this or `agentid`.
        sender_name: &'a str => Optional, Echoed { max: 128 };
        /// 发送者头像: the media id of the sender's picture.
        sender_header_media_id: &'a str => Optional, Token { max: 128 };
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
        /// 发送者名称, echoed.
        sender_name: Cow<'b, str>;
        /// 发送者头像, echoed.
        sender_header_media_id: Cow<'b, str>;
    }
    echo { mch_billno, mch_id, wxappid, re_openid, total_amount }
    promise { mch_billno, mch_id, wxappid, re_openid, total_amount }
    check = one_sender;
}

fn one_sender(request: &SendWorkWxRedPack<'_>) -> Result<(), RequestError> {
    let options = &request.options;
    let broken = |when| Err(RequestError::new("sender_name", when));
    match (options.agentid, options.sender_name.filter(|name| !name.is_empty())) {
        (None, None) => broken(Violation::RequiredWhen { when: "where agentid is not given" }),
        (Some(_), Some(_)) => broken(Violation::Excluded { by: "agentid" }),
        _ => scene::check(request.total_amount, 1, options.scene_id),
    }
}

impl<'b> SendWorkWxRedPackReply<'b> {
    /// What is certain about this `mch_billno`. [`Outcome::Failed`] needs the one code that frees a number, in an
    /// answer that names this very order.
    pub fn outcome(&self) -> Outcome<'b> {
        Outcome::of_sending(&self.head, self.mch_billno.is_some())
    }
}
