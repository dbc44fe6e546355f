//! Service providers: who may act for whom, who pays, and which appid reaches the user.

use wechatpay_proto::{ErrorCode, Mode};

use super::Caller;
use crate::answer::Refusal;
use crate::engine::Engine;

/// For whom a service provider acts. Without it the caller acts for itself.
#[derive(Clone, Copy)]
pub(super) struct Relation<'r> {
    pub(super) sub_mch_id: Option<&'r str>,
    pub(super) msgappid: Option<&'r str>,
    pub(super) consume_mch_id: Option<&'r str>,
}

/// Who pays: the caller, or in service-provider mode the sub-merchant or whom `consume_mch_id` names.
pub(super) fn payer(engine: &Engine, caller: &Caller<'_>, relation: Relation<'_>) -> Result<String, Refusal> {
    let (Mode::ServiceProvider, Some(sub_mch_id)) = (caller.mode, relation.sub_mch_id) else {
        return Ok(caller.mch_id.to_owned());
    };
    let under_provider = |mch_id: &str| {
        engine.account(mch_id).filter(|account| account.provider.as_deref() == Some(caller.mch_id))
    };
    let unrelated = || Refusal::new(ErrorCode::AcceptModeError, "主、子商户号关系校验失败");
    let sub_merchant = under_provider(sub_mch_id).ok_or_else(unrelated)?;
    let provider = engine.account(caller.mch_id);
    let reaches = |appid| sub_merchant.has_appid(appid) || provider.is_some_and(|own| own.has_appid(appid));
    if !relation.msgappid.is_some_and(reaches) {
        return Err(Refusal::new(ErrorCode::MsgAppidError, "触达消息给用户appid有误"));
    }
    match relation.consume_mch_id {
        None => Ok(sub_mch_id.to_owned()),
        Some(consumer) if consumer == caller.mch_id => Ok(consumer.to_owned()),
        Some(consumer) => {
            under_provider(consumer).map(|account| account.mch_id().to_owned()).ok_or_else(unrelated)
        }
    }
}
