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
mod signs;

use bytes::Bytes;
use http::{Response, StatusCode};
use wechatpay_proto::endpoint::{Field, Incoming, Presence, Spec};
use wechatpay_proto::reply::{Head, Reply as _};
use wechatpay_proto::rule::{Rule, Violation};
use wechatpay_proto::wire::{Fields, Value};
use wechatpay_proto::{ErrorCode, Mode};

use crate::account::Account;
use crate::answer::{self, Refusal};
use crate::arrival::{Arrival, Certificate, Standing, Via};
use crate::clock::Time;
use crate::engine::{Engine, Visit};
use crate::journal::Verdict;
use crate::outcome::Commit;
use crate::packet::{Hold, RedPacket};
use crate::rules::{Echoes, Edge, Envelope, PackageForm, PlainCert, Rules, TotalNumMissing};

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
    /// Whether it sends, and so what it did can be decided later; a query is answered at once.
    pub(crate) sends: bool,
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
    /// The `err_code` that the official sample has for SYSTEMERROR.
    pub(crate) documented_system_error: &'static str,
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
    /// All that it said, and the table that knows it.
    pub(crate) fields: &'f Fields<'f>,
    pub(crate) spec: &'static Spec<'static>,
    /// What was found of it: `Ok`, or what is let through all the same.
    verdict: Verdict,
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
    let done = admit::<E>(engine, visit, fields)
        .and_then(|(request, caller)| Ok((request.work(engine, &caller)?, caller.verdict)));
    match done {
        Ok((packet, verdict)) => {
            let mut reply = E::echo(answer::success(E::HABITS.success), fields);
            E::tell(&mut reply, engine, &packet);
            let response = respond::<E>(engine, fields, &reply);
            let commit = packet.hold.filter(|_| E::HABITS.sends).map_or(Commit::Applied, Hold::commit);
            Answered { response, verdict, commit }
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
    let (nothing, rules) = (Fields::default(), engine.rules_of(fields.get("mch_id").unwrap_or_default()));
    let named = if refusal.echoes || rules.echoes == Echoes::All { fields } else { &nothing };
    let mut head = refusal.head(rules);
    if rules.envelope == Envelope::Documented && refusal.code == ErrorCode::SystemError {
        head.err_code = Some(ErrorCode::new(E::HABITS.documented_system_error));
    }
    let response = respond::<E>(engine, fields, &E::echo(head, named));
    Answered { response, verdict: refusal.verdict(), commit: refusal.commit }
}

/// The answer, signed where the answers of the endpoint are and it is known whose key to take.
fn respond<'f, E: Handled<'f>>(
    engine: &Engine,
    fields: &Fields<'_>,
    reply: &E::Reply<'_>,
) -> Response<Bytes> {
    let mch_id = fields.get("mch_id").unwrap_or_default();
    let rules = engine.rules_of(mch_id);
    let asker =
        engine.account(mch_id).filter(|_| reply.head().is_success() || rules.sign_work_weixin_failures);
    let document = match asker.map(|account| account.credentials.write_reply(E::SPEC, reply)) {
        Some(Ok(document)) => document,
        // Echoes may be too long to be read back, and so to be signed.
        Some(Err(_)) | None => answer::xml(reply),
    };
    let document = match rules.package_form {
        PackageForm::Cdata => document,
        PackageForm::Escaped => answer::without_cdata(&document, "package"),
    };
    answer::document(document, rules)
}

fn admit<'f, E: Handled<'f>>(
    engine: &mut Engine,
    visit: &Visit<'_>,
    fields: &'f Fields<'f>,
) -> Result<(E, Caller<'f>), Refusal> {
    let (spec, habits) = (E::SPEC, E::HABITS);
    let mch_id = fields.get("mch_id").unwrap_or_default();
    let rules = engine.rules_of(mch_id);
    check_rows(spec, fields, rules)?;
    let request = E::read(fields).map_err(|error| params::refusal(error.field(), error.violation()))?;
    request.check_fields()?;
    let account = engine.account(mch_id).ok_or_else(|| params::param_error("找不到对应的商户号"))?;
    if !fields.get(habits.appid).is_some_and(|appid| account.has_appid(appid)) {
        return Err(params::param_error("商户号和wxappid不匹配"));
    }
    check_mode(spec, fields, account.credentials.mode())?;
    if !(rules.plain_cert == PlainCert::Trust && visit.arrival.via == Via::Plain) {
        check_certificate(account, &visit.arrival.certificate, habits)?;
    }
    let verdict = match signs::check(spec, fields, account, habits, rules, visit.now) {
        Ok(()) => Verdict::Ok,
        Err(refusal) if rules.lenient => refusal.verdict(),
        Err(refusal) => return Err(refusal),
    };
    check_permission(account, visit.arrival, habits)?;
    let mode = account.credentials.mode();
    if !engine.note_nonce(mch_id, fields.get("nonce_str").unwrap_or_default()) {
        return Err(params::param_error("nonce_str重复"));
    }
    Ok((request, Caller { mch_id, mode, now: visit.now, hold: visit.hold, fields, spec, verdict }))
}

/// Every row of the table by itself. The service says nothing about a missing `total_num` here, but later about the
/// sign; a sign within the sign is judged with the signs.
fn check_rows(spec: &Spec<'_>, fields: &Fields<'_>, rules: &Rules) -> Result<(), Refusal> {
    let late = |name| name == "total_num" && rules.total_num_missing == TotalNumMissing::SignError;
    for row in spec.fields {
        let verdict = match (row.presence, fields.get(row.name)) {
            (Presence::Computed, _) => Ok(()),
            (Presence::Required | Presence::Envelope | Presence::Fixed, None) if !late(row.name) => {
                Err(missing(&row.rule))
            }
            (_, None) => Ok(()),
            (_, Some(text)) => check_row(&row.rule, text).and_then(|()| check_edge(row, text, rules)),
        };
        verdict.map_err(|violation| params::refusal(row.name, &violation))?;
    }
    Ok(())
}

/// A field that can have but one value is told which, also where it has none.
fn missing(rule: &Rule) -> Violation {
    match rule {
        Rule::Exactly(value) => Violation::Exactly { value: *value },
        _ => Violation::Missing,
    }
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

/// The fields of which it is not known whether they may have exactly as many bytes as their texts say.
fn check_edge(row: &Field<'_>, text: &str, rules: &Rules) -> Result<(), Violation> {
    let doubtful = matches!(row.name, "send_name" | "act_name" | "wishing" | "remark");
    match row.rule.max_bytes() {
        Some(max) if doubtful && rules.length_edge == Edge::Reject && text.len() == max => {
            Err(Violation::TooLong { max: max - 1, len: max })
        }
        _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use wechatpay_proto::v2::mmpaymkttransfers::{GetHbInfo, SendRedPack};
    use wechatpay_proto::wire;

    use super::*;
    use crate::seed::Seed;

    type Refuse = fn(&Engine, &Fields<'_>, Refusal) -> Answered;
    const SEND: Refuse = |engine, fields, refusal| refuse::<SendRedPack<'_>>(engine, fields, refusal);
    const QUERY: Refuse = |engine, fields, refusal| refuse::<GetHbInfo<'_>>(engine, fields, refusal);

    /// The element `name` of SYSTEMERROR under one switch, `-` for none.
    fn refused(refuse: Refuse, (switch, value): (&str, &str), name: &str) -> String {
        let mut rules = Rules::default();
        rules.set(switch, value).unwrap();
        let refusal = Refusal::system_error(&rules);
        let engine = Engine::new(Seed(0), rules);
        let request = wire::parse(b"<xml><mch_id>1</mch_id><mch_billno>2</mch_billno></xml>", &[]).unwrap();
        let body = refuse(&engine, request.untrusted(), refusal).response.into_body();
        let answer = wire::parse(&body, &[]).unwrap();
        answer.untrusted().get(name).unwrap_or("-").to_owned()
    }

    #[test]
    fn systemerror_has_a_text_of_three_and_echoes_where_the_rules_say_so() {
        for (value, text) in [
            ("accepted", "请求已受理，请稍后使用原单号查询发放结果"),
            ("busy", "系统繁忙，请再试"),
            ("retry", "系统错误,请稍后使用原单号重试,请勿更换单号"),
        ] {
            for name in ["return_msg", "err_code_des"] {
                assert_eq!(refused(SEND, ("system-error", value), name), text);
            }
        }
        assert_eq!(refused(SEND, ("echoes", "most"), "mch_billno"), "-");
        assert_eq!(refused(SEND, ("echoes", "all"), "mch_billno"), "2");
    }

    #[test]
    fn systemerror_is_a_number_in_the_sample_of_a_send() {
        let sample = ("envelope", "documented");
        assert_eq!(refused(SEND, sample, "err_code"), "268458547");
        assert_eq!(refused(QUERY, sample, "err_code"), "SYSTEMERROR");
        assert_eq!(refused(SEND, ("envelope", "real"), "err_code"), "SYSTEMERROR");
        assert_eq!(refused(SEND, sample, "return_code"), "FAIL");
    }
}
