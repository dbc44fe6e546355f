//! Faults that a request asks for itself, for tests that cannot reach the admin API: by a header, or by a script in
//! `remark`, one step for each time that the number is sent. A name that nobody knows is never passed over in silence.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use wechatpay_proto::ErrorCode;

use super::armed::Facts;
use super::make::sends;
use super::{Chosen, Fault, Http, Plan};
use crate::outcome::End;

/// The header that names a fault; it is the official sandbox's, the names are ours.
const HEADER: &str = "wechatpay-negative-test";
/// What all names begin with.
const PREFIX: &str = "REDPACK_";
/// What the codes that come though the request was carried out end with.
const APPLIED: &str = "_APPLIED";
/// What a script begins with.
const SCRIPT: &str = "#mock";
/// A step of a script that leaves the request alone.
const OK: &str = "OK";
/// The most bytes of the number of an order.
const MAX_BILLNO: usize = 28;

const MINUTE: Duration = Duration::from_secs(60);

/// The names that are no codes.
fn named() -> [(&'static str, Fault); 10] {
    [
        ("REQUEST_LOST", Fault::request_lost()),
        ("REPLY_LOST", Fault::reply_lost()),
        ("REPLY_LOST_CLOSE", Fault::ReplyLost { ending: End::Close }),
        ("REPLY_LOST_HANG", Fault::ReplyLost { ending: End::Hang }),
        ("APPLIED_THEN_SYSTEMERROR", Fault::applied_then_error()),
        ("APPLIED_THEN_502", Fault::applied_then_status(502)),
        ("NOT_APPLIED_BUT_OK", Fault::not_applied_but_ok()),
        ("LATE_COMMIT", Fault::late_commit(20 * MINUTE)),
        ("LATE_ARRIVAL", Fault::late_arrival(MINUTE)),
        ("DUPLICATE_DELIVERY", Fault::duplicate_delivery()),
    ]
}

/// Every value of the header, with what it stands for.
pub(super) fn names() -> impl Iterator<Item = (String, Fault, Option<Plan>)> {
    let codes = ErrorCode::LISTED.iter().flat_map(|code| {
        let fault = || Fault::err(code.as_str());
        [
            (format!("{PREFIX}{}", code.as_str()), fault(), Some(Plan::NotApplied)),
            (format!("{PREFIX}{}{APPLIED}", code.as_str()), fault(), Some(Plan::Applied)),
        ]
    });
    named().into_iter().map(|(name, fault)| (format!("{PREFIX}{name}"), fault, None)).chain(codes)
}

/// What requests may ask for themselves, and how far their scripts have come.
#[derive(Clone, Debug)]
pub(crate) struct InBand {
    /// Whether they may at all.
    pub(crate) on: bool,
    /// How many steps were taken, by merchant and number.
    steps: BTreeMap<(String, String), usize>,
}

/// How far a script has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScriptState {
    mch_id: String,
    mch_billno: String,
    steps: usize,
}

impl Default for InBand {
    fn default() -> Self {
        Self { on: true, steps: BTreeMap::new() }
    }
}

impl InBand {
    /// The fault that a request asks for.
    pub(super) fn choose(&mut self, facts: &Facts<'_>) -> Option<Chosen> {
        if !self.on {
            return None;
        }
        match facts.request.headers().get(HEADER) {
            Some(value) => Some(by_header(facts, &String::from_utf8_lossy(value.as_bytes()))),
            None => self.by_script(facts),
        }
    }

    /// The next step of the script in `remark`. Behind the last, the request is left alone.
    fn by_script(&mut self, facts: &Facts<'_>) -> Option<Chosen> {
        let script = facts.fields.get("remark")?.strip_prefix(SCRIPT)?;
        if !sends(facts.path()) || !(script.is_empty() || script.starts_with(' ')) {
            return None;
        }
        let steps: Vec<_> = script.split(',').map(str::trim).collect();
        let known = |step: &str| step == OK || ErrorCode::LISTED.iter().any(|code| code.as_str() == step);
        if let Some(unknown) = steps.iter().find(|step| !known(step)) {
            let codes = ErrorCode::LISTED.iter().map(ErrorCode::as_str);
            return Some(complain("the script in remark", unknown, std::iter::once(OK).chain(codes)));
        }
        let mch_billno = facts.fields.get("mch_billno").filter(|number| number.len() <= MAX_BILLNO)?;
        let taken = self.steps.entry((facts.merchant().to_owned(), mch_billno.to_owned())).or_default();
        let step = steps.get(*taken).copied()?;
        *taken += 1;
        (step != OK).then(|| chosen(facts, Fault::err(step), Some(Plan::NotApplied)))
    }

    pub(super) fn state(&self) -> Vec<ScriptState> {
        let state = |((mch_id, mch_billno), steps): (&(String, String), &usize)| ScriptState {
            mch_id: mch_id.clone(),
            mch_billno: mch_billno.clone(),
            steps: *steps,
        };
        self.steps.iter().map(state).collect()
    }

    pub(super) fn from_state(on: bool, scripts: Vec<ScriptState>) -> Self {
        let steps = scripts.into_iter().map(|script| ((script.mch_id, script.mch_billno), script.steps));
        Self { on, steps: steps.collect() }
    }

    /// Forgets the scripts of one merchant, or all.
    pub(crate) fn forget(&mut self, mch_id: Option<&str>) {
        self.steps.retain(|(own, _), _| mch_id.is_some_and(|mch_id| mch_id != own));
    }
}

fn by_header(facts: &Facts<'_>, value: &str) -> Chosen {
    let value = value.trim();
    match names().find(|(name, ..)| name == value) {
        None => complain("the header Wechatpay-Negative-Test", value, names().map(|(name, ..)| name)),
        Some((_, fault, plan)) => match fault.misfit(facts.path()) {
            Some(why) => refuse(format!("{value} does not go with {}: {why}\n", facts.path().escape_debug())),
            None => chosen(facts, fault, plan),
        },
    }
}

fn chosen(facts: &Facts<'_>, fault: Fault, plan: Option<Plan>) -> Chosen {
    Chosen { id: 0, fault, plan, draw: 0, sends: sends(facts.path()), complaint: None }
}

fn complain<N: AsRef<str>>(place: &str, name: &str, known: impl Iterator<Item = N>) -> Chosen {
    let known: Vec<_> = known.collect();
    let known: Vec<_> = known.iter().map(AsRef::as_ref).collect();
    let name: String = name.chars().take(64).collect();
    refuse(format!("{place} names {name:?}, which is no fault; there are:\n{}\n", known.join("\n")))
}

/// The request is not carried out, and is told why.
fn refuse(complaint: String) -> Chosen {
    let fault = Fault::Http(Http::Status { status: StatusCode::BAD_REQUEST.as_u16() });
    let plan = Some(Plan::NotApplied);
    Chosen { id: 0, fault, plan, draw: 0, sends: false, complaint: Some(complaint) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use wechatpay_proto::wire;

    use super::*;

    fn ask(in_band: &mut InBand, path: &str, header: &str, remark: &str) -> Option<Chosen> {
        let mut request =
            Request::post(format!("https://h/mmpaymkttransfers/{path}")).body(Bytes::new()).unwrap();
        if !header.is_empty() {
            request.headers_mut().insert(HEADER, header.parse().unwrap());
        }
        let xml = format!("<xml><mch_id>1</mch_id><mch_billno>a</mch_billno><remark>{remark}</remark></xml>");
        let document = wire::parse(xml.as_bytes(), &[]).unwrap();
        in_band.choose(&Facts { request: &request, fields: document.untrusted() })
    }

    fn complaint(chosen: Option<Chosen>) -> String {
        chosen.and_then(|chosen| chosen.complaint).unwrap()
    }

    #[test]
    fn every_name_is_one_fault_and_others_are_complained_of() {
        let mut all: Vec<_> = names().map(|(name, ..)| name).collect();
        assert_eq!(all.len(), 10 + 2 * ErrorCode::LISTED.len());
        for (name, fault, plan) in names() {
            let chosen = ask(&mut InBand::default(), "sendredpack", &name, "x").unwrap();
            assert_eq!((&chosen.fault, chosen.plan, &chosen.complaint), (&fault, plan, &None), "{name}");
            assert_eq!(fault.needs_commit(), plan.is_some(), "{name}");
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 10 + 2 * ErrorCode::LISTED.len());
        for wrong in ["REPLY_LOST", "REDPACK_", "REDPACK_REPLY_LOSE", "redpack_reply_lost"] {
            let text = complaint(ask(&mut InBand::default(), "sendredpack", wrong, "x"));
            assert!(
                text.contains(&format!("{wrong:?}")) && text.contains("REDPACK_SYSTEMERROR_APPLIED\n"),
                "{text}"
            );
        }
        let text = complaint(ask(&mut InBand::default(), "gethbinfo", "REDPACK_LATE_COMMIT", "x"));
        assert!(text.contains("nothing is sent there"), "{text}");
        let mut off = InBand { on: false, ..InBand::default() };
        assert!(ask(&mut off, "sendredpack", "REDPACK_REPLY_LOST", "#mock NO_AUTH").is_none());
    }

    #[test]
    fn a_script_goes_on_by_a_step_each_time_and_survives_a_restart() {
        let mut in_band = InBand::default();
        let script = "#mock SYSTEMERROR, PROCESSING,OK,NO_AUTH";
        let codes = [Some("SYSTEMERROR"), Some("PROCESSING"), None, Some("NO_AUTH"), None, None];
        for code in codes {
            let step = ask(&mut in_band, "sendredpack", "", script);
            assert_eq!(step.as_ref().map(|chosen| &chosen.fault), code.map(Fault::err).as_ref());
            assert!(step.is_none_or(|chosen| chosen.plan == Some(Plan::NotApplied)));
            in_band = InBand::from_state(true, in_band.state());
        }
        in_band.forget(Some("2"));
        assert!(ask(&mut in_band, "sendredpack", "", script).is_none());
        in_band.forget(Some("1"));
        assert!(ask(&mut in_band, "sendredpack", "", script).is_some());
        assert!(ask(&mut in_band, "gethbinfo", "", script).is_none());
        assert!(ask(&mut in_band, "sendredpack", "", "#mockery SYSTEMERROR").is_none());
        let text = complaint(ask(&mut in_band, "sendredpack", "", "#mock NO_AUTH,MAYBE"));
        assert!(text.contains("\"MAYBE\"") && text.contains("\nNOTENOUGH\n"), "{text}");
    }
}
