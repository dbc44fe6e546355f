//! Sending, for all endpoints that do: an order is taken once; sending its number again never pays again.

use wechatpay_proto::endpoint::Presence;
use wechatpay_proto::v2::mmpaymkttransfers::Scene;
use wechatpay_proto::wire::Fields;
use wechatpay_proto::{ErrorCode, Fen};

use super::provider::{self, Relation};
use super::{Caller, Habits, params};
use crate::answer::Refusal;
use crate::clock::Time;
use crate::engine::Engine;
use crate::ledger::NOT_ENOUGH;
use crate::outcome::Commit;
use crate::packet::{Action, Hold, Kind, OrderKey, RedPacket, Status, Until};
use crate::rules::{Extent, NoBalance, Rules, Settle};
use crate::seed::Seed;
use crate::users::UserFlag;

const TOO_MANY: &str = "该用户今日领取红包个数超过限制";

pub(super) const HABITS: Habits = Habits {
    sends: true,
    appid: "wxappid",
    success: "发放成功",
    malformed: "输入xml参数格式错误",
    no_certificate: "证书出错，请登录微信支付商户平台下载证书",
    wrong_certificate: "请求没带商户API证书或者带上了错误的商户API证书",
    documented_system_error: "268458547",
    wrong_sign: "签名错误",
    unopened: (
        "PRODUCT_AUTHORITY_UNOPEN",
        "你的商户号未开通该产品权限，请联系管理员到产品中心开通。开通路径：产品中心-产品大全-现金红包-申请开通",
    ),
    foreign_address: "IP地址非你在商户平台设置的可用IP地址",
};

/// What is sent, in the words that all endpoints have in common.
pub(super) struct Order<'r> {
    pub(super) kind: Kind,
    pub(super) mch_billno: &'r str,
    pub(super) wxappid: &'r str,
    pub(super) re_openid: &'r str,
    pub(super) total_amount: Fen,
    pub(super) total_num: u32,
    pub(super) scene_id: Option<Scene>,
    pub(super) relation: Relation<'r>,
    pub(super) sender_name: Option<&'r str>,
    pub(super) sender_header_media_id: Option<&'r str>,
}

impl Order<'_> {
    /// One share, paid by the caller: what an endpoint that has nothing more to say takes.
    pub(super) const PLAIN: Self = Self {
        kind: Kind::Normal,
        mch_billno: "",
        wxappid: "",
        re_openid: "",
        total_amount: Fen(0),
        total_num: 1,
        scene_id: None,
        relation: Relation { sub_mch_id: None, msgappid: None, consume_mch_id: None },
        sender_name: None,
        sender_header_media_id: None,
    };
}

/// The order as the request named it; the types of the answers have these fields alike, each for itself. `sub_mch_id`
/// and `msgappid` are never echoed.
macro_rules! echo {
    ($Reply:ident, $head:expr, $fields:expr) => {{
        let text = |name| $fields.get(name).map(::std::borrow::Cow::Borrowed);
        let mut reply = $Reply::new($head);
        reply.mch_billno = text("mch_billno");
        reply.mch_id = text("mch_id");
        reply.wxappid = text("wxappid");
        reply.re_openid = text("re_openid");
        reply.total_amount =
            $crate::handlers::sending::number($fields, "total_amount").map(::wechatpay_proto::Fen);
        reply
    }};
}
pub(super) use echo;

pub(super) fn number(fields: &Fields<'_>, name: &str) -> Option<u32> {
    fields.get(name)?.parse().ok()
}

/// Of packets with one share: a `total_num` that is wrong is echoed, a right one is not.
pub(super) fn wrong_total_num(fields: &Fields<'_>) -> Option<u32> {
    number(fields, "total_num").filter(|number| *number != 1)
}

/// Takes the order, or finds it; then pays it if nothing is in the way.
pub(super) fn send(
    engine: &mut Engine,
    caller: &Caller<'_>,
    order: &Order<'_>,
) -> Result<RedPacket, Refusal> {
    let payer = provider::payer(engine, caller, order.relation)?;
    let (now, key) = (caller.now, OrderKey::new(caller.mch_id, order.mch_billno));
    if let Some(packet) = engine.ledger.packet(&key) {
        compare(packet, order, caller, engine.rules_of(caller.mch_id))?;
    }
    engine.count_send(now, caller.mch_id)?;
    match engine.ledger.packet(&key) {
        Some(packet) => {
            let rules = engine.rules_of(caller.mch_id);
            if now.is_within(rules.resend_gap, packet.last_attempt) {
                return Err(Refusal::too_soon(rules));
            }
            match (packet.status, packet.hold) {
                (Status::Failed, _) => {
                    return Err(Refusal::new(ErrorCode::SendFailed, "该订单已经过期,请更换商户单号"));
                }
                (Status::Sending, None) => {}
                (Status::Sending, Some(hold)) => return held(engine, now, &key, hold),
                (Status::Sent | Status::Received | Status::RfundIng | Status::Refund, _) => {
                    let packet = packet.clone();
                    engine.attempted(&key, now, None);
                    return Ok(packet);
                }
            }
        }
        None => {
            check_amount(engine.rules_of(caller.mch_id), order)?;
            open(engine, caller, &key, payer, order);
        }
    }
    pay(engine, caller, &key)
}

/// The answer about an order that was taken and is held.
fn held(engine: &mut Engine, now: Time, key: &OrderKey, hold: Hold) -> Result<RedPacket, Refusal> {
    let reason = engine.ledger.packet(key).and_then(|packet| packet.reason.clone());
    engine.attempted(key, now, reason);
    let found = engine.ledger.packet(key).filter(|_| !hold.processing);
    found.cloned().ok_or_else(|| Refusal::processing(hold.commit()))
}

/// The number is taken; the parameters must be those it was taken with.
fn compare(packet: &RedPacket, order: &Order<'_>, caller: &Caller<'_>, rules: &Rules) -> Result<(), Refusal> {
    let text = if packet.kind != order.kind {
        "更换了红包类型，但商户单号未更新"
    } else if packet.re_openid != order.re_openid {
        "更换了openid，但商户单号未更新"
    } else if packet.amount != order.total_amount {
        "更换了金额，但商户单号未更新"
    } else if packet.wxappid != order.wxappid {
        "更换了appid，但商户单号未更新"
    } else if packet.shares.len() != order.total_num as usize {
        "更换了红包个数，但商户单号未更新"
    } else if rules.reentry_compare == Extent::All && packet.fingerprint != fingerprint(caller) {
        "更换了其他参数，但商户单号未更新"
    } else {
        return Ok(());
    };
    Err(Refusal::new(ErrorCode::FatalError, text))
}

/// A scene that is not opened and an amount out of range are refused outright and leave no order.
fn check_amount(rules: &Rules, order: &Order<'_>) -> Result<(), Refusal> {
    if order.scene_id.is_some_and(|scene| !rules.open_scenes.contains(&scene)) {
        return Err(params::param_error(
            "该场景未开通，请登陆商户平台:产品中心-现金红包-产品设置-使用场景 进行开通",
        ));
    }
    let count = u64::from(order.total_num);
    // Of a group packet it is the average that must lie between the limits.
    let average = |least: u32, most: u32| {
        (count * u64::from(least)..=count * u64::from(most)).contains(&u64::from(order.total_amount.0))
    };
    let (amount, scene) = (&rules.amount, &rules.scene_amount);
    let each = average(*amount.start(), *amount.end())
        || order.scene_id.is_some() && average(*scene.start(), *scene.end());
    let together = order.kind != Kind::Group || rules.group_amount.contains(&order.total_amount.0);
    // Whatever the rules say, no share is empty.
    if each && together && average(1, u32::MAX) {
        Ok(())
    } else {
        Err(Refusal::new(ErrorCode::MoneyLimit, "红包金额发放限制"))
    }
}

/// What stands for all that a request says, but for what is new in every request.
fn fingerprint(caller: &Caller<'_>) -> String {
    let rows = caller.spec.fields.iter().filter(|row| row.presence != Presence::Computed);
    let said = rows
        .filter(|row| row.name != "nonce_str")
        .filter_map(|row| caller.fields.get(row.name).map(|value| [row.name, value]));
    // Not of the mock's seed, which may change while the order lives.
    Seed(0).hex("fields", &said.flatten().collect::<Vec<_>>())
}

fn open(engine: &mut Engine, caller: &Caller<'_>, key: &OrderKey, payer: String, order: &Order<'_>) {
    let (seed, now) = (engine.seed, caller.now);
    let packet = RedPacket {
        key: key.clone(),
        kind: order.kind,
        payer,
        wxappid: order.wxappid.to_owned(),
        re_openid: order.re_openid.to_owned(),
        amount: order.total_amount,
        shares: seed.shares(key, order.total_amount, order.total_num),
        sender_name: order.sender_name.map(str::to_owned),
        sender_header_media_id: order.sender_header_media_id.map(str::to_owned),
        send_listid: seed.send_listid(now, key),
        fingerprint: fingerprint(caller),
        status: Status::Sending,
        reason: None,
        created: now,
        last_attempt: now,
        history: vec![(now, Status::Sending)],
        taken: None,
        hold: None,
        due: None,
    };
    engine.open(packet);
}

/// Pays an order that was taken. What is in the way is answered, and stays with the order as its reason: it can be
/// sent again while it lives.
fn pay(engine: &mut Engine, caller: &Caller<'_>, key: &OrderKey) -> Result<RedPacket, Refusal> {
    let now = caller.now;
    let obstacle = engine.ledger.packet(key).and_then(|packet| obstacle(engine, now, packet));
    let reason = obstacle.as_ref().map(|refusal| refusal.text.to_string());
    engine.attempted(key, now, reason);
    let rules = engine.rules_of(caller.mch_id);
    match obstacle {
        Some(Refusal { code: ErrorCode::NotEnough, .. }) if rules.no_balance == NoBalance::Processing => {
            return Err(Refusal::processing(Commit::NotApplied));
        }
        Some(refusal) => return Err(refusal),
        None => {}
    }
    let busy = Refusal::system_error(rules);
    // What a fault has in mind goes before the rule.
    match caller.hold.or_else(|| settling(rules.settle, now)) {
        Some(hold) => match engine.hold(now, key, hold) {
            Ok(()) => held(engine, now, key, hold),
            Err(_) => Err(busy),
        },
        None => engine.act(now, key, &Action::Settle).map_err(|_| busy),
    }
}

/// What holds an order that is not paid at once.
fn settling(settle: Settle, now: Time) -> Option<Hold> {
    let until = match settle {
        Settle::AtOnce => return None,
        Settle::After(span) => Until::Time(now.after(span)),
        Settle::Polls(count) => Until::Polls(count),
        Settle::Manual => Until::Never,
    };
    Some(Hold { until, fails: false, processing: false })
}

fn obstacle(engine: &Engine, now: Time, packet: &RedPacket) -> Option<Refusal> {
    let rules = engine.rules_of(&packet.key.mch_id);
    let fen = u64::from(packet.amount.0);
    let (packets, user_fen, merchant_fen) = engine.ledger.today(now, &packet.key.mch_id, &packet.re_openid);
    // A group packet is for many users, whom nobody knows yet.
    let one_user = packet.kind != Kind::Group;
    let mut flags = engine.users.flags(&packet.key.mch_id, &packet.re_openid);
    let (code, text) = if let Some(blocked) = flags.find_map(|flag| blocked(flag, packets)) {
        blocked
    } else if rules.night_window && now.is_night() {
        (ErrorCode::new("TIME_LIMITED"), "企业红包的发送时间受限")
    } else if one_user && rules.user_packets_a_day.is_some_and(|most| packets >= most) {
        (ErrorCode::SendNumLimit, TOO_MANY)
    } else if one_user && rules.user_fen_a_day.is_some_and(|most| user_fen + fen > most) {
        (
            ErrorCode::RcvdAmountLimit,
            "该用户今日领取金额超过限制,如有需要请登录微信支付商户平台更改API安全配置",
        )
    } else if rules.merchant_fen_a_day.is_some_and(|most| merchant_fen + fen > most) {
        let text = "您的商户号今日发放金额超过限制，如有需要请登录微信支付商户平台更改API安全配置";
        (ErrorCode::SendAmountLimit, text)
    } else if engine.ledger.balance(&packet.payer) < fen {
        (ErrorCode::NotEnough, NOT_ENOUGH)
    } else {
        return None;
    };
    Some(Refusal::new(code, text))
}

/// What is in the way because of something about the user, who had so many packets today.
fn blocked(flag: UserFlag, packets: u32) -> Option<(ErrorCode<'static>, &'static str)> {
    let risk = (ErrorCode::NoAuth, "发放失败，此请求可能存在风险，已被微信拦截");
    match flag {
        UserFlag::RiskBlocked | UserFlag::NotRealName => Some(risk),
        UserFlag::ForeignOpenid => Some((ErrorCode::OpenidError, "openid和appid不匹配")),
        UserFlag::DailyCap(cap) => (packets >= cap).then_some((ErrorCode::SendNumLimit, TOO_MANY)),
    }
}
