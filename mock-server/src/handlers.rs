//! What every endpoint does alike: the general checks, in the order in which the service was seen to make them (fields,
//! merchant, certificate, sign, permission, address), and the answer in its true envelope.

mod gethbinfo;
mod params;
mod provider;
mod querying;
mod queryworkwxredpack;
mod sendgroupredpack;
mod sending;
mod sendminiprogramhb;
mod sendredpack;
mod sendworkwxredpack;

use bytes::Bytes;
use http::{Response, StatusCode};
use wechatpay_proto::endpoint::{Incoming, Presence, Spec};
use wechatpay_proto::reply::{Head, Reply as _};
use wechatpay_proto::rule::{Rule, Violation};
use wechatpay_proto::wire::{Fields, Value};
use wechatpay_proto::{ErrorCode, Mode};

use crate::account::Account;
use crate::answer::{self, Refusal};
use crate::arrival::{Arrival, Certificate, Standing};
use crate::clock::Time;
use crate::engine::{Engine, Visit};
use crate::journal::Verdict;
use crate::outcome::Commit;
use crate::packet::{Hold, RedPacket};

/// What an endpoint has of its own.
pub(crate) trait Handled<'f>: Incoming<'f> {
    /// Those of its family.
    const HABITS: &'static Habits;

    /// Rules of fields that the table cannot say.
    fn check_fields(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Its own work, after every general check.
    fn work(&self, engine: &mut Engine, caller: &Caller<'_>) -> Result<RedPacket, Refusal>;

    /// An answer that names the order as the request did.
    fn echo<'b>(head: Head<'b>, fields: &'b Fields<'_>) -> Self::Reply<'b>;

    /// What a success says beyond that.
    fn tell<'b>(reply: &mut Self::Reply<'b>, engine: &Engine, packet: &'b RedPacket);
}

/// Where families of endpoints differ in what they do alike.
#[derive(Clone, Copy)]
pub(crate) struct Habits {
    /// The row that must be bound to the merchant.
    pub(crate) appid: &'static str,
    /// The text of a success.
    pub(crate) success: &'static str,
    /// The text of XML_ERROR, which comes before any field could be read.
    pub(crate) malformed: &'static str,
    /// The text of CA_ERROR without a certificate.
    pub(crate) no_certificate: &'static str,
    /// The text of CA_ERROR with another merchant's.
    pub(crate) wrong_certificate: &'static str,
    /// The text of SIGN_ERROR.
    pub(crate) wrong_sign: &'static str,
    /// The code and text that a merchant hears for whom the product is not opened.
    pub(crate) unopened: (&'static str, &'static str),
    /// The text of NO_AUTH for an address that is not on the merchant's list.
    pub(crate) foreign_address: &'static str,
}

/// A merchant that passed every general check.
pub(crate) struct Caller<'f> {
    pub(crate) mch_id: &'f str,
    pub(crate) mode: Mode,
    pub(crate) now: Time,
    /// What holds an order that is taken now.
    pub(crate) hold: Option<Hold>,
}

/// An answer, and what stands behind it.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) response: Response<Bytes>,
    pub(crate) verdict: Verdict,
    pub(crate) commit: Commit,
}

impl Answered {
    /// A page of the web server in front.
    pub(crate) fn page(status: StatusCode, title: &str, verdict: Verdict) -> Self {
        Self { response: answer::page(status, title), verdict, commit: Commit::NotApplied }
    }
}

/// The one way of every request.
pub(crate) fn handle<'f, E: Handled<'f>>(
    engine: &mut Engine,
    visit: &Visit<'_>,
    fields: &'f Fields<'f>,
) -> Answered {
    let done = admit::<E>(engine, visit, fields).and_then(|(request, caller)| request.work(engine, &caller));
    match done {
        Ok(packet) => {
            let mut reply = E::echo(answer::success(E::HABITS.success), fields);
            E::tell(&mut reply, engine, &packet);
            let response = respond::<E>(engine, fields, &reply);
            Answered {
                response,
                verdict: Verdict::Ok,
                commit: packet.hold.map_or(Commit::Applied, Hold::commit),
            }
        }
        Err(refusal) => refuse::<E>(engine, fields, refusal),
    }
}

/// A refusal in its true envelope.
pub(crate) fn refuse<'f, E: Handled<'f>>(
    engine: &Engine,
    fields: &'f Fields<'f>,
    refusal: Refusal,
) -> Answered {
    let nothing = Fields::default();
    let named = if refusal.echoes { fields } else { &nothing };
    let response = respond::<E>(engine, fields, &E::echo(refusal.head(), named));
    Answered { response, verdict: refusal.verdict(), commit: refusal.commit }
}

/// The answer, signed where the answers of the endpoint are and it is known whose key to take.
fn respond<'f, E: Handled<'f>>(
    engine: &Engine,
    fields: &Fields<'_>,
    reply: &E::Reply<'_>,
) -> Response<Bytes> {
    let asker = fields.get("mch_id").and_then(|mch_id| engine.account(mch_id)).filter(|account| {
        reply.head().is_success() || engine.rules_of(account.mch_id()).sign_work_weixin_failures
    });
    match asker.map(|account| account.credentials.write_reply(E::SPEC, reply)) {
        Some(Ok(document)) => answer::document(document),
        // Echoes may be too long to be read back, and so to be signed.
        Some(Err(_)) | None => answer::xml(reply),
    }
}

fn admit<'f, E: Handled<'f>>(
    engine: &Engine,
    visit: &Visit<'_>,
    fields: &'f Fields<'f>,
) -> Result<(E, Caller<'f>), Refusal> {
    let (spec, habits) = (E::SPEC, E::HABITS);
    check_rows(spec, fields)?;
    let request = E::read(fields).map_err(|error| params::refusal(error.field(), error.violation()))?;
    request.check_fields()?;
    let mch_id = fields.get("mch_id").unwrap_or_default();
    let account = engine.account(mch_id).ok_or_else(|| params::param_error("找不到对应的商户号"))?;
    if !fields.get(habits.appid).is_some_and(|appid| account.has_appid(appid)) {
        return Err(params::param_error("商户号和wxappid不匹配"));
    }
    check_mode(spec, fields, account.credentials.mode())?;
    check_certificate(account, &visit.arrival.certificate, habits)?;
    check_signs(spec, fields, account, habits, visit.now)?;
    check_permission(account, visit.arrival, habits)?;
    let caller = Caller { mch_id, mode: account.credentials.mode(), now: visit.now, hold: visit.hold };
    Ok((request, caller))
}

/// Every row of the table by itself. The service says nothing about a missing `total_num` here, but later about the
/// sign; a sign within the sign is judged with the signs.
fn check_rows(spec: &Spec<'_>, fields: &Fields<'_>) -> Result<(), Refusal> {
    for row in spec.fields {
        let verdict = match (row.presence, fields.get(row.name)) {
            (Presence::Computed, _) => Ok(()),
            (Presence::Required | Presence::Envelope | Presence::Fixed, None) if row.name != "total_num" => {
                Err(Violation::Missing)
            }
            (_, None) => Ok(()),
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
        Certificate::Merchant { standing: Standing::InForce, .. } => return Ok(()),
        Certificate::Merchant { standing: Standing::Expired, .. } => "证书已过期",
        Certificate::Merchant { .. } => habits.wrong_certificate,
        Certificate::None | Certificate::Foreign => habits.no_certificate,
    };
    Err(Refusal::new(ErrorCode::CaError, text))
}

fn check_signs(
    spec: &Spec<'_>,
    fields: &Fields<'_>,
    account: &Account,
    habits: &Habits,
    now: Time,
) -> Result<(), Refusal> {
    let upper_case =
        |name| fields.get(name).is_some_and(|sign| !sign.bytes().any(|byte| byte.is_ascii_lowercase()));
    let complete =
        spec.fields.iter().all(|row| row.presence != Presence::Fixed || fields.get(row.name).is_some());
    let wrong = |text| Err(Refusal::new(ErrorCode::SignError, text));
    let signed = account.keys(now).any(|credentials| spec.is_signed_by(fields, credentials));
    if !(upper_case("sign") && complete && signed) {
        return wrong(habits.wrong_sign);
    }
    match spec.inner {
        Some(inner) if !(upper_case(inner.name) && spec.is_inner_signed_by(fields, &account.credentials)) => {
            wrong("企业微信签名失败")
        }
        _ => Ok(()),
    }
}

fn check_permission(account: &Account, arrival: &Arrival, habits: &Habits) -> Result<(), Refusal> {
    if !account.product_open {
        let (code, text) = habits.unopened;
        return Err(Refusal::new(ErrorCode::new(code), text));
    }
    match (&account.allowed_ips, arrival.peer) {
        (Some(allowed), Some(peer)) if !allowed.contains(&peer) => {
            Err(Refusal::new(ErrorCode::NoAuth, habits.foreign_address))
        }
        _ => Ok(()),
    }
}
