//! The signs of a request: over what, in which case, with which key.

use wechatpay_proto::ErrorCode;
use wechatpay_proto::endpoint::{Field, Presence, Spec};
use wechatpay_proto::rule::Rule;
use wechatpay_proto::wire::Fields;

use super::Habits;
use crate::account::Account;
use crate::answer::Refusal;
use crate::clock::Time;
use crate::rules::{Extent, Rules, SignCase};

pub(super) fn check(
    spec: &Spec<'_>,
    fields: &Fields<'_>,
    account: &Account,
    habits: &Habits,
    rules: &Rules,
    now: Time,
) -> Result<(), Refusal> {
    let cased = |name| {
        let lower = |sign: &str| sign.bytes().any(|byte| byte.is_ascii_lowercase());
        rules.sign_case == SignCase::Any || fields.get(name).is_some_and(|sign| !lower(sign))
    };
    let complete =
        spec.fields.iter().all(|row| row.presence != Presence::Fixed || fields.get(row.name).is_some());
    let wrong = |text| Err(Refusal::new(ErrorCode::SignError, text));
    if !(cased("sign") && complete && is_signed(spec, fields, account, rules, now)) {
        return wrong(habits.wrong_sign);
    }
    match spec.inner {
        Some(inner) if !(cased(inner.name) && spec.is_inner_signed_by(fields, &account.credentials)) => {
            wrong("企业微信签名校验失败")
        }
        _ => Ok(()),
    }
}

/// Whether the sign fits with any key that is good now.
fn is_signed(spec: &Spec<'_>, fields: &Fields<'_>, account: &Account, rules: &Rules, now: Time) -> bool {
    let fits = |spec: &Spec<'_>| account.keys(now).any(|merchant| spec.is_signed_by(fields, merchant));
    match rules.sign_scope {
        Extent::Known => fits(spec),
        Extent::All => {
            let rows = received(fields);
            let order: Vec<usize> = (0..rows.len()).collect();
            fits(&Spec { fields: &rows, order: &order, ..*spec })
        }
    }
}

/// Every field that was sent but the sign, as a table in byte order of the names.
fn received<'f>(fields: &'f Fields<'_>) -> Vec<Field<'f>> {
    let names = fields.iter().map(|(name, _)| name).filter(|name| *name != "sign");
    let mut rows: Vec<_> =
        names.map(|name| Field { name, presence: Presence::Optional, rule: Rule::Any }).collect();
    rows.sort_unstable_by_key(|row| row.name);
    rows
}
