//! The requests that clients send: few numbers, amounts and users, signed once.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{Request, Response};
use wechatpay_mock_server::OrderKey;
#[allow(deprecated, reason = "the mock serves what is out of use")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, SendGroupRedPackOptions, SendMiniProgramHb, SendMiniProgramHbOptions,
    SendRedPack, SendRedPackOptions, SendWorkWxRedPack, SendWorkWxRedPackOptions,
};
use wechatpay_proto::{AgentSecret, ApiKey, Fen, Merchant, Nonce, Outcome};

use crate::requests::{APPID, KEY, SECRET};

pub(super) const DIRECT: &str = "10000098";
pub(super) const PROVIDER: &str = "10000099";
pub(super) const UNDER: &str = "10000100";
pub(super) const NUMBERS: [&str; 3] = ["1", "2", "3"];
pub(super) const USERS: [&str; 2] = ["o", "p"];
/// The last is more than the opening balance; the first is not enough for three heads.
const AMOUNTS: [u32; 4] = [100, 300, 600, 1_500];

/// A request, and how its answer is read.
pub(super) struct Letter {
    pub(super) request: Request<Bytes>,
    /// Whose certificate it comes with: 0 the direct merchant's, 1 the provider's.
    pub(super) sender: usize,
    pub(super) key: OrderKey,
    pub(super) sends: bool,
    pub(super) read: Box<dyn Fn(&Bytes) -> Said + Send + Sync>,
}

/// What an answer says of the order.
pub(super) enum Said {
    Accepted,
    Failed,
    Open,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.request.uri().path(), String::from_utf8_lossy(self.request.body()))
    }
}

static SENDS: LazyLock<Vec<Letter>> = LazyLock::new(sends);
static QUERIES: LazyLock<Vec<Letter>> = LazyLock::new(queries);
static SENDERS: LazyLock<[Merchant; 2]> = LazyLock::new(|| {
    let key = || ApiKey::new(KEY).expect("32 bytes");
    let secret = || AgentSecret::new(SECRET).expect("a sound secret");
    [Merchant::direct(DIRECT, key()), Merchant::service_provider(PROVIDER, key())]
        .map(|merchant| merchant.expect("a sound number").with_agent_secret(secret()))
});

/// A send by number.
pub(super) fn send(number: usize) -> &'static Letter {
    &SENDS[number % SENDS.len()]
}

/// A query by number.
pub(super) fn query(number: usize) -> &'static Letter {
    &QUERIES[number % QUERIES.len()]
}

/// A request of some type, signed, with the reader of its answer.
macro_rules! letter {
    ($sender:expr, $mch_billno:expr, $sends:literal, $request:expr) => {{
        let merchant = &SENDERS[$sender];
        // It lives as long as the process.
        let request = Box::leak(Box::new($request));
        let signed = merchant.sign(request, Nonce::from_bytes([0; 16])).expect("a sound request");
        let (request, pending) = signed.into_parts();
        let read = move |body: &Bytes| match pending.accept(&Response::new(body.clone())) {
            Ok(reply) => said(&reply.outcome()),
            Err(_) => Said::Open,
        };
        let (mch_id, mch_billno) = (merchant.mch_id().to_owned(), $mch_billno.to_owned());
        Letter {
            request,
            sender: $sender,
            key: OrderKey { mch_id, mch_billno },
            sends: $sends,
            read: Box::new(read),
        }
    }};
}

fn said(outcome: &Outcome<'_>) -> Said {
    match outcome {
        Outcome::Accepted => Said::Accepted,
        Outcome::Failed => Said::Failed,
        Outcome::Unknown(_) => Said::Open,
    }
}

fn queries() -> Vec<Letter> {
    let mut all = Vec::new();
    for mch_billno in NUMBERS {
        for sender in [0, 1] {
            let query = GetHbInfo { mch_billno, appid: APPID };
            all.push(letter!(sender, mch_billno, false, query));
        }
        let query = QueryWorkWxRedPack { mch_billno, appid: APPID };
        all.push(letter!(0, mch_billno, false, query));
    }
    all
}

fn sends() -> Vec<Letter> {
    let mut all = Vec::new();
    for mch_billno in NUMBERS {
        for total_amount in AMOUNTS.map(Fen) {
            for re_openid in USERS {
                all.extend(sends_of(mch_billno, total_amount, re_openid));
            }
        }
    }
    all
}

/// Of every kind one.
#[allow(deprecated, reason = "the mock serves what is out of use")]
fn sends_of(mch_billno: &'static str, total_amount: Fen, re_openid: &'static str) -> Vec<Letter> {
    let (wxappid, send_name, wishing, act_name, remark) = (APPID, "s", "w", "a", "r");
    let packet = |options| SendRedPack {
        mch_billno,
        wxappid,
        send_name,
        re_openid,
        total_amount,
        wishing,
        client_ip: [127, 0, 0, 1].into(),
        act_name,
        remark,
        options,
    };
    let provided =
        SendRedPackOptions { sub_mch_id: Some(UNDER), msgappid: Some(APPID), ..Default::default() };
    let own = SendRedPackOptions { consume_mch_id: Some(PROVIDER), ..provided.clone() };
    let options = SendMiniProgramHbOptions::default();
    let mini = SendMiniProgramHb {
        mch_billno,
        wxappid,
        send_name,
        re_openid,
        total_amount,
        wishing,
        act_name,
        remark,
        options,
    };
    let options = SendGroupRedPackOptions::default();
    let total_num = 3;
    let group = SendGroupRedPack {
        mch_billno,
        wxappid,
        send_name,
        re_openid,
        total_amount,
        total_num,
        wishing,
        act_name,
        remark,
        options,
    };
    let options = SendWorkWxRedPackOptions { agentid: Some(1), ..Default::default() };
    let work = SendWorkWxRedPack {
        mch_billno,
        wxappid,
        re_openid,
        total_amount,
        wishing,
        act_name,
        remark,
        options,
    };
    let mut all = vec![
        letter!(0, mch_billno, true, packet(SendRedPackOptions::default())),
        letter!(1, mch_billno, true, packet(provided)),
        letter!(1, mch_billno, true, packet(own)),
        letter!(0, mch_billno, true, mini),
        letter!(0, mch_billno, true, work),
    ];
    // The core refuses a group packet of too little a head.
    if total_amount.0 >= 300 {
        all.push(letter!(0, mch_billno, true, group));
    }
    all
}
