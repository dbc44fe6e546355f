//! What every endpoint checks before its own work, in the order in which the service was seen to check: fields,
//! merchant, certificate, sign, permission, address.

pub(crate) mod gethbinfo;
mod params;
pub(crate) mod sendredpack;

use wechatpay_proto::endpoint::{Incoming, Presence, Spec};
use wechatpay_proto::rule::{Rule, Violation};
use wechatpay_proto::wire::{Fields, Value};
use wechatpay_proto::{ErrorCode, Mode};

use crate::account::Account;
use crate::answer::Refusal;
use crate::engine::{Arrival, Certificate, Engine};

/// A request that passed every general check.
pub(crate) struct Admitted<'f, E> {
    pub(crate) request: E,
    pub(crate) mch_id: &'f str,
    pub(crate) mode: Mode,
}

/// Where endpoints differ in what they check alike.
pub(crate) struct Habits {
    /// The row that must be bound to the merchant.
    pub(crate) appid: &'static str,
    /// The text of CA_ERROR without a certificate.
    pub(crate) no_certificate: &'static str,
    /// The text of CA_ERROR with another merchant's.
    pub(crate) wrong_certificate: &'static str,
    /// The text of SIGN_ERROR.
    pub(crate) wrong_sign: &'static str,
    /// What a merchant hears for whom the product is not opened.
    pub(crate) unopened: (ErrorCode<'static>, &'static str),
    /// The text of NO_AUTH for an address that is not on the merchant's list.
    pub(crate) foreign_address: &'static str,
}

pub(crate) fn admit<'f, E: Incoming<'f>>(
    engine: &Engine,
    arrival: &Arrival,
    fields: &'f Fields<'f>,
    habits: &Habits,
) -> Result<Admitted<'f, E>, Refusal> {
    check_rows(E::SPEC, fields)?;
    let request = E::read(fields).map_err(|error| params::refusal(error.field(), error.violation()))?;
    let mch_id = fields.get("mch_id").unwrap_or_default();
    let account = engine.account(mch_id).ok_or_else(|| params::param_error("找不到对应的商户号"))?;
    if !fields.get(habits.appid).is_some_and(|appid| account.has_appid(appid)) {
        return Err(params::param_error("商户号和wxappid不匹配"));
    }
    check_mode(E::SPEC, fields, account.credentials.mode())?;
    check_certificate(account, &arrival.certificate, habits)?;
    check_sign(E::SPEC, fields, account, habits)?;
    check_permission(account, arrival, habits)?;
    Ok(Admitted { request, mch_id, mode: account.credentials.mode() })
}

/// Every row of the table by itself. The service says nothing about a missing `total_num` here, but later about the
/// sign.
fn check_rows(spec: &Spec<'_>, fields: &Fields<'_>) -> Result<(), Refusal> {
    for row in spec.fields {
        let verdict = match (row.presence, fields.get(row.name)) {
            (Presence::Optional | Presence::ProviderRequired | Presence::ProviderOptional, None) => Ok(()),
            (_, None) if row.name == "total_num" => Ok(()),
            (_, None) => Err(Violation::Missing),
            (_, Some(text)) => check_row(&row.rule, text),
        };
        verdict.map_err(|violation| params::refusal(row.name, &violation))?;
    }
    Ok(())
}

/// What the service is known to check. A client does well to be stricter about text; a stand-in must not be.
fn check_row(rule: &Rule, text: &str) -> Result<(), Violation> {
    match rule {
        Rule::Alphanumeric { .. } => rule.check(&Value::Text(text)),
        Rule::Exactly(value) if value.to_string() != text => rule.check(&Value::Absent),
        rule => match rule.max_bytes() {
            Some(max) if text.len() > max => Err(Violation::TooLong { max, len: text.len() }),
            _ => Ok(()),
        },
    }
}

fn check_mode(spec: &Spec<'_>, fields: &Fields<'_>, mode: Mode) -> Result<(), Refusal> {
    for row in spec.fields.iter().filter(|row| row.presence == Presence::ProviderRequired) {
        match (mode, fields.get(row.name)) {
            (Mode::Direct, Some(_)) => {
                return Err(params::param_error("授理模式/资金受理才需要填入msgappid"));
            }
            (Mode::ServiceProvider, None) => return Err(params::refusal(row.name, &Violation::Missing)),
            _ => {}
        }
    }
    Ok(())
}

fn check_certificate(account: &Account, certificate: &Certificate, habits: &Habits) -> Result<(), Refusal> {
    let text = match certificate {
        Certificate::Merchant { mch_id, .. } if mch_id != account.mch_id() => habits.wrong_certificate,
        Certificate::Merchant { in_force: false, .. } => "证书已过期",
        Certificate::Merchant { .. } => return Ok(()),
        Certificate::None | Certificate::Foreign => habits.no_certificate,
    };
    Err(Refusal::new(ErrorCode::CaError, text))
}

fn check_sign(
    spec: &Spec<'_>,
    fields: &Fields<'_>,
    account: &Account,
    habits: &Habits,
) -> Result<(), Refusal> {
    let upper_case =
        fields.get("sign").is_some_and(|sign| !sign.bytes().any(|byte| byte.is_ascii_lowercase()));
    let complete =
        spec.fields.iter().all(|row| row.presence != Presence::Fixed || fields.get(row.name).is_some());
    if upper_case && complete && spec.is_signed_by(fields, &account.credentials) {
        Ok(())
    } else {
        Err(Refusal::new(ErrorCode::SignError, habits.wrong_sign))
    }
}

fn check_permission(account: &Account, arrival: &Arrival, habits: &Habits) -> Result<(), Refusal> {
    if !account.product_open {
        let (code, text) = habits.unopened.clone();
        return Err(Refusal::new(code, text));
    }
    match (&account.allowed_ips, arrival.peer) {
        (Some(allowed), Some(peer)) if !allowed.contains(&peer) => {
            Err(Refusal::new(ErrorCode::NoAuth, habits.foreign_address))
        }
        _ => Ok(()),
    }
}
