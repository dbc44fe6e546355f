//! One sound request of each kind, and what waits for the answer to it. Made once: signing takes longer than reading.

use std::sync::LazyLock;

use wechatpay_proto::endpoint::{Endpoint as _, Outgoing, Trust};
#[allow(deprecated, reason = "what is out of use is read too")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, SendGroupRedPackOptions, SendMiniProgramHb, SendMiniProgramHbOptions,
    SendRedPack, SendRedPackOptions, SendWorkWxRedPack, SendWorkWxRedPackOptions,
};
use wechatpay_proto::{AgentSecret, ApiKey, Call, Fen, Merchant, Nonce, Pending, SignType};

pub(crate) const KEY: &str = "exposed_your_key_here_have_risks";
pub(crate) const BILLNO: &str = "B1";
pub(crate) const SECRET: &str = "192006250b4c09247ec02edce69f6a2d";
pub(crate) const APPID: &str = "wx8888888888888888";

/// What waits for the answers.
#[allow(deprecated, reason = "what is out of use is read too")]
pub(crate) struct Waiting {
    pub(crate) packet: Typed<SendRedPack<'static>>,
    pub(crate) mini: Typed<SendMiniProgramHb<'static>>,
    pub(crate) group: Typed<SendGroupRedPack<'static>>,
    pub(crate) work: Typed<SendWorkWxRedPack<'static>>,
    pub(crate) query: Typed<GetHbInfo<'static>>,
    pub(crate) work_query: Typed<QueryWorkWxRedPack<'static>>,
    /// An answer without a sign, signed with MD5, signed with HMAC-SHA256; and one whose failures may have none.
    pub(crate) open: Pending<'static, Call<'static>>,
    pub(crate) md5: Pending<'static, Call<'static>>,
    pub(crate) hmac: Pending<'static, Call<'static>>,
    pub(crate) success: Pending<'static, Call<'static>>,
}

/// A typed request, and the same through the untyped door.
pub(crate) type Typed<E> = (Pending<'static, E>, Pending<'static, Call<'static>>);

#[allow(deprecated, reason = "what is out of use is read too")]
pub(crate) static WAITING: LazyLock<Waiting> = LazyLock::new(|| {
    let sent = [("mch_billno", BILLNO), ("wxappid", APPID), ("re_openid", "o"), ("total_amount", "300")];
    let asked = [("mch_billno", BILLNO), ("appid", APPID)];
    let call = |path| Call::new(path).fields(sent);
    let ask = |path| Call::new(path).fields(asked);
    Waiting {
        packet: (pending(packet()), pending(call(SendRedPack::SPEC.path))),
        mini: (pending(mini()), pending(call(SendMiniProgramHb::SPEC.path))),
        group: (pending(group()), pending(call(SendGroupRedPack::SPEC.path).field("total_num", 3))),
        work: (pending(work()), pending(call(SendWorkWxRedPack::SPEC.path))),
        query: (pending(query()), pending(ask(GetHbInfo::SPEC.path))),
        work_query: (pending(work_query()), pending(ask(QueryWorkWxRedPack::SPEC.path))),
        open: pending(Call::new("open").trust(Trust::TransportOnly)),
        md5: pending(Call::new("closed")),
        hmac: pending(Call::new("closed").sign_type(SignType::HmacSha256)),
        success: pending(Call::new("closed").trust(Trust::SignedSuccess)),
    }
});

pub(crate) static MERCHANT: LazyLock<Merchant> = LazyLock::new(|| {
    let secret = AgentSecret::new(SECRET).expect("a sound secret");
    let key = ApiKey::new(KEY).expect("32 bytes");
    Merchant::direct("10000098", key).expect("a sound number").with_agent_secret(secret)
});

/// The request lives as long as the process: there are a few, made once.
fn pending<E: Outgoing>(request: E) -> Pending<'static, E> {
    let nonce = Nonce::from_bytes([0; 16]);
    MERCHANT.sign(Box::leak(Box::new(request)), nonce).expect("a sound request").into_parts().1
}

fn packet() -> SendRedPack<'static> {
    SendRedPack {
        mch_billno: BILLNO,
        wxappid: APPID,
        send_name: "s",
        re_openid: "o",
        total_amount: Fen(300),
        wishing: "w",
        client_ip: [127, 0, 0, 1].into(),
        act_name: "a",
        remark: "r",
        options: SendRedPackOptions::default(),
    }
}

fn mini() -> SendMiniProgramHb<'static> {
    SendMiniProgramHb {
        mch_billno: BILLNO,
        wxappid: APPID,
        send_name: "s",
        re_openid: "o",
        total_amount: Fen(300),
        wishing: "w",
        act_name: "a",
        remark: "r",
        options: SendMiniProgramHbOptions::default(),
    }
}

#[allow(deprecated, reason = "what is out of use is read too")]
fn group() -> SendGroupRedPack<'static> {
    SendGroupRedPack {
        mch_billno: BILLNO,
        wxappid: APPID,
        send_name: "s",
        re_openid: "o",
        total_amount: Fen(300),
        total_num: 3,
        wishing: "w",
        act_name: "a",
        remark: "r",
        options: SendGroupRedPackOptions::default(),
    }
}

fn work() -> SendWorkWxRedPack<'static> {
    SendWorkWxRedPack {
        mch_billno: BILLNO,
        wxappid: APPID,
        re_openid: "o",
        total_amount: Fen(300),
        wishing: "w",
        act_name: "a",
        remark: "r",
        options: SendWorkWxRedPackOptions { agentid: Some(1), ..Default::default() },
    }
}

fn query() -> GetHbInfo<'static> {
    GetHbInfo { mch_billno: BILLNO, appid: APPID }
}

fn work_query() -> QueryWorkWxRedPack<'static> {
    QueryWorkWxRedPack { mch_billno: BILLNO, appid: APPID }
}
