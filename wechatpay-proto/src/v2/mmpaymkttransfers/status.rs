//! What a query says about a packet, and what that means for the money.

use std::borrow::Cow;

use crate::open_enum;
use crate::outcome::{Outcome, Reason};
use crate::reply::Head;
use crate::wire::Fen;

open_enum! {
    /// 红包状态: where a packet stands.
    pub enum HbStatus {
        /// 发放中. Not final, also with a `reason`.
        Sending = "SENDING",
        /// 已发放待领取: unclaimed money goes back after 24 hours.
        Sent = "SENT",
        /// 发放失败. Final: nothing was paid.
        Failed = "FAILED",
        /// 已领取. Final.
        Received = "RECEIVED",
        /// 退款中. Spelt so by the service.
        RfundIng = "RFUND_ING",
        /// 已退款. Final: the money is back.
        Refund = "REFUND",
    }
}

open_enum! {
    /// 发放类型: how the packet was sent.
    pub enum SendType {
        /// 通过API接口发放.
        Api = "API",
        /// 通过上传文件方式发放.
        Upload = "UPLOAD",
        /// 通过活动方式发放.
        Activity = "ACTIVITY",
    }
}

open_enum! {
    /// 红包类型.
    pub enum HbType {
        /// 普通红包.
        Normal = "NORMAL",
        /// 裂变红包.
        Group = "GROUP",
    }
}

/// What is certain after a query: a packet that was sent, claimed or refunded was accepted; only `FAILED` is a failure,
/// and not where the answer tells of a claim or a refund as well (`moved`).
pub(super) fn outcome<'b>(
    head: &Head<'b>,
    status: Option<&HbStatus<'b>>,
    reason: Option<&Cow<'b, str>>,
    moved: bool,
) -> Outcome<'b> {
    if head.is_contradiction() {
        return Outcome::Unknown(Reason::Contradiction);
    }
    if !head.is_success() {
        let code = head.err_code.clone();
        return Outcome::Unknown(code.map_or(Reason::NoVerdict, Reason::QueryRefused));
    }
    match status {
        Some(HbStatus::Sent | HbStatus::Received | HbStatus::RfundIng | HbStatus::Refund) => {
            Outcome::Accepted
        }
        Some(HbStatus::Failed) if moved => Outcome::Unknown(Reason::Contradiction),
        Some(HbStatus::Failed) => Outcome::Failed,
        Some(HbStatus::Sending) => Outcome::Unknown(Reason::Sending { reason: reason.cloned() }),
        Some(HbStatus::Other(status)) => Outcome::Unknown(Reason::UnknownStatus(status.clone())),
        None => Outcome::Unknown(Reason::NoVerdict),
    }
}

/// What is certain after a query, where the order that was sent is known: an answer about another amount settles nothing.
pub(super) fn outcome_for<'b>(outcome: Outcome<'b>, sent: Fen, found: Option<Fen>) -> Outcome<'b> {
    match found {
        Some(found) if found != sent && !outcome.is_unknown() => Outcome::Unknown(Reason::Contradiction),
        _ => outcome,
    }
}
