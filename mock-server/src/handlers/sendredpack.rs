//! `sendredpack`: an order is taken once; sending its number again never pays again.

use std::borrow::Cow;

use bytes::Bytes;
use http::Response;
use wechatpay_proto::reply::Head;
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackReply};
use wechatpay_proto::wire::Fields;
use wechatpay_proto::{ErrorCode, Fen, Mode};

use super::{Admitted, Habits, admit};
use crate::answer::{self, Refusal};
use crate::clock::Time;
use crate::engine::{Arrival, Engine};
use crate::ledger::{Action, OrderKey, RedPacket, Status};

const HABITS: Habits = Habits {
    appid: "wxappid",
    no_certificate: "证书出错，请登录微信支付商户平台下载证书",
    wrong_certificate: "请求没带商户API证书或者带上了错误的商户API证书",
    wrong_sign: "签名错误",
    unopened: (
        ErrorCode::ProductAuthorityUnopen,
        "你的商户号未开通该产品权限，请联系管理员到产品中心开通。开通路径：产品中心-产品大全-现金红包-申请开通",
    ),
    foreign_address: "IP地址非你在商户平台设置的可用IP地址",
};

pub(crate) fn handle(
    engine: &mut Engine,
    now: Time,
    arrival: &Arrival,
    fields: &Fields<'_>,
) -> Response<Bytes> {
    let sent = admit::<SendRedPack<'_>>(engine, arrival, fields, &HABITS)
        .and_then(|admitted| send(engine, now, &admitted));
    match sent {
        Ok(send_listid) => {
            let mut reply = echo(answer::success("发放成功"), fields);
            reply.send_listid = Some(Cow::Owned(send_listid));
            answer::xml(&reply)
        }
        Err(refusal) if refusal.echoes => answer::xml(&echo(refusal.head(), fields)),
        Err(refusal) => answer::bare(&refusal),
    }
}

/// The order as the request named it. `sub_mch_id` and `msgappid` are never echoed.
fn echo<'b>(head: Head<'b>, fields: &'b Fields<'_>) -> SendRedPackReply<'b> {
    let text = |name| fields.get(name).map(Cow::Borrowed);
    let mut reply = SendRedPackReply::new(head);
    reply.mch_billno = text("mch_billno");
    reply.mch_id = text("mch_id");
    reply.wxappid = text("wxappid");
    reply.re_openid = text("re_openid");
    reply.total_amount = fields.get("total_amount").and_then(|fen| fen.parse().ok()).map(Fen);
    reply.total_num =
        fields.get("total_num").filter(|number| *number != "1").and_then(|number| number.parse().ok());
    reply
}

/// Takes the order, or finds it; then pays it if nothing is in the way.
fn send(engine: &mut Engine, now: Time, admitted: &Admitted<'_, SendRedPack<'_>>) -> Result<String, Refusal> {
    let request = &admitted.request;
    let payer = payer(engine, admitted)?;
    let key = OrderKey::new(admitted.mch_id, request.mch_billno);
    if let Some(packet) = engine.ledger().packet(&key) {
        compare(packet, request)?;
    }
    engine.count_send(now, admitted.mch_id)?;
    match engine.ledger().packet(&key) {
        Some(packet) => {
            if now.since(packet.last_attempt) < engine.rules().resend_gap {
                return Err(Refusal::too_often());
            }
            match packet.status {
                Status::Failed => {
                    return Err(Refusal::new(ErrorCode::SendFailed, "该订单已经过期,请更换商户单号"));
                }
                Status::Sending => {}
                Status::Sent | Status::Received | Status::RfundIng | Status::Refund => {
                    let send_listid = packet.send_listid.clone();
                    engine.attempted(&key, now, None);
                    return Ok(send_listid);
                }
            }
        }
        None => {
            check_amount(engine, request)?;
            open(engine, now, &key, payer, request);
        }
    }
    pay(engine, now, &key)
}

/// Who pays: the caller, or in service-provider mode the sub-merchant or whom `consume_mch_id` names.
fn payer(engine: &Engine, admitted: &Admitted<'_, SendRedPack<'_>>) -> Result<String, Refusal> {
    let options = &admitted.request.options;
    let (Mode::ServiceProvider, Some(sub_mch_id)) = (admitted.mode, options.sub_mch_id) else {
        return Ok(admitted.mch_id.to_owned());
    };
    let under_provider = |mch_id: &str| {
        engine.account(mch_id).filter(|account| account.provider.as_deref() == Some(admitted.mch_id))
    };
    let relation = || Refusal::new(ErrorCode::AcceptModeError, "主、子商户号关系校验失败");
    let sub_merchant = under_provider(sub_mch_id).ok_or_else(relation)?;
    let provider = engine.account(admitted.mch_id);
    let reaches = |appid| sub_merchant.has_appid(appid) || provider.is_some_and(|own| own.has_appid(appid));
    if !options.msgappid.is_some_and(reaches) {
        return Err(Refusal::new(ErrorCode::MsgAppidError, "触达消息给用户appid有误"));
    }
    match options.consume_mch_id {
        None => Ok(sub_mch_id.to_owned()),
        Some(consumer) if consumer == admitted.mch_id => Ok(consumer.to_owned()),
        Some(consumer) => {
            under_provider(consumer).map(|account| account.mch_id().to_owned()).ok_or_else(relation)
        }
    }
}

/// The number is taken; the parameters must be those it was taken with.
fn compare(packet: &RedPacket, request: &SendRedPack<'_>) -> Result<(), Refusal> {
    let text = if packet.re_openid != request.re_openid {
        "更换了openid，但商户单号未更新"
    } else if packet.amount != request.total_amount {
        "更换了金额，但商户单号未更新"
    } else if packet.wxappid != request.wxappid {
        "更换了appid，但商户单号未更新"
    } else {
        return Ok(());
    };
    Err(Refusal::new(ErrorCode::FatalError, text))
}

/// An amount out of range is refused outright and leaves no order.
fn check_amount(engine: &Engine, request: &SendRedPack<'_>) -> Result<(), Refusal> {
    let rules = engine.rules();
    let with_scene =
        request.options.scene_id.is_some() && rules.scene_amount.contains(&request.total_amount.0);
    if with_scene || rules.amount.contains(&request.total_amount.0) {
        Ok(())
    } else {
        Err(Refusal::new(ErrorCode::MoneyLimit, "红包金额发放限制"))
    }
}

fn open(engine: &mut Engine, now: Time, key: &OrderKey, payer: String, request: &SendRedPack<'_>) {
    let packet = RedPacket {
        key: key.clone(),
        payer,
        wxappid: request.wxappid.to_owned(),
        re_openid: request.re_openid.to_owned(),
        amount: request.total_amount,
        send_listid: engine.send_listid(now, key),
        status: Status::Sending,
        reason: None,
        created: now,
        last_attempt: now,
        history: vec![(now, Status::Sending)],
    };
    engine.open(packet);
}

/// Pays an order that was taken. What is in the way is answered, and stays with the order as its reason: it can be
/// sent again while it lives.
fn pay(engine: &mut Engine, now: Time, key: &OrderKey) -> Result<String, Refusal> {
    let obstacle = engine.ledger().packet(key).and_then(|packet| obstacle(engine, now, packet));
    let reason = obstacle.as_ref().map(|refusal| refusal.text.to_string());
    engine.attempted(key, now, reason);
    if let Some(refusal) = obstacle {
        return Err(refusal);
    }
    let busy = |_| Refusal::new(ErrorCode::SystemError, "系统繁忙，请再试").without_echoes();
    engine.act(now, key, &Action::Settle).map(|packet| packet.send_listid).map_err(busy)
}

fn obstacle(engine: &Engine, now: Time, packet: &RedPacket) -> Option<Refusal> {
    let rules = engine.rules();
    let fen = u64::from(packet.amount.0);
    let (packets, user_fen, merchant_fen) = engine.ledger().today(now, &packet.key.mch_id, &packet.re_openid);
    let (code, text) = if rules.user_packets_a_day.is_some_and(|most| packets >= most) {
        (ErrorCode::SendNumLimit, "该用户今日领取红包个数超过限制")
    } else if rules.user_fen_a_day.is_some_and(|most| user_fen + fen > most) {
        (
            ErrorCode::RcvdAmountLimit,
            "该用户今日领取金额超过限制,如有需要请登录微信支付商户平台更改API安全配置",
        )
    } else if rules.merchant_fen_a_day.is_some_and(|most| merchant_fen + fen > most) {
        let text = "您的商户号今日发放金额超过限制，如有需要请登录微信支付商户平台更改API安全配置";
        (ErrorCode::SendAmountLimit, text)
    } else if engine.ledger().balance(&packet.payer) < fen {
        (ErrorCode::NotEnough, "帐号余额不足，请到商户平台充值后再重试")
    } else {
        return None;
    };
    Some(Refusal::new(code, text))
}
