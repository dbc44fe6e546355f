//! The catalogue: every fault with what it means, what it takes, and rules to try it with.

use std::time::Duration;

use serde::Serialize;

use super::{Content, CutAt, Fault, FaultRule, Http, Mistaken, SignFlaw, in_band};
use crate::outcome::{End, TlsFlaw};

/// One fault of the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CatalogueEntry {
    /// Its name, as in the `fault` of a rule.
    pub name: &'static str,
    /// The group that it belongs to.
    pub group: &'static str,
    /// What it means, in a line.
    pub meaning: &'static str,
    /// What it takes beside its name.
    pub parameters: Vec<CatalogueParameter>,
    /// Whether a rule with it must say what becomes of the money; all others must not.
    pub needs_commit: bool,
    /// Rules that can be armed as they are.
    pub examples: Vec<FaultRule>,
    /// The values of the header `Wechatpay-Negative-Test` that ask for it.
    pub in_band: Vec<String>,
}

/// One parameter of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CatalogueParameter {
    /// Its name.
    pub name: &'static str,
    /// What it says, and what holds without it.
    pub meaning: &'static str,
}

const ENDING: (&str, &str) = ("ending", "reset, close, truncate (no close_notify) or hang; reset");
const UNKNOWN: &str = "outcome unknown";
const BUSINESS: &str = "business";
const ANSWER: &str = "answer";
const CONNECTION: &str = "connection";
const OTHER: &str = "other";

const MINUTE: Duration = Duration::from_secs(60);

/// Every fault there is.
pub fn catalogue() -> Vec<CatalogueEntry> {
    let groups = [unknown(), business(), answer(), connection(), other()];
    groups.into_iter().flatten().map(in_band).collect()
}

fn in_band(entry: CatalogueEntry) -> CatalogueEntry {
    let names = in_band::names().filter(|(_, fault, _)| fault.name() == entry.name);
    CatalogueEntry { in_band: names.map(|(name, ..)| name).collect(), ..entry }
}

fn entry(
    group: &'static str,
    meaning: &'static str,
    parameters: &[(&'static str, &'static str)],
    faults: impl IntoIterator<Item = Fault>,
) -> CatalogueEntry {
    let faults: Vec<_> = faults.into_iter().collect();
    let (name, needs_commit) =
        faults.first().map_or(("", false), |fault| (fault.name(), fault.needs_commit()));
    let rule = |fault| {
        let rule = FaultRule::new(fault);
        if needs_commit { rule.applied() } else { rule }
    };
    CatalogueEntry {
        name,
        group,
        meaning,
        parameters: parameters.iter().map(|(name, meaning)| CatalogueParameter { name, meaning }).collect(),
        needs_commit,
        examples: faults.into_iter().map(rule).collect(),
        in_band: Vec::new(),
    }
}

fn unknown() -> Vec<CatalogueEntry> {
    let after = ("after", "how much later, such as 20m");
    vec![
        entry(UNKNOWN, "not carried out; the connection ends", &[ENDING], [Fault::request_lost()]),
        entry(
            UNKNOWN,
            "carried out; the connection ends",
            &[ENDING],
            [
                Fault::reply_lost(),
                Fault::ReplyLost { ending: End::Close },
                Fault::ReplyLost { ending: End::Hang },
            ],
        ),
        entry(
            UNKNOWN,
            "carried out; answers an error",
            &[("code", "an err_code; SYSTEMERROR"), ("status", "in place of it a page, 500 to 599")],
            [Fault::applied_then_error(), Fault::applied_then_status(502)],
        ),
        entry(UNKNOWN, "answers SUCCESS; not carried out", &[], [Fault::not_applied_but_ok()]),
        entry(
            UNKNOWN,
            "answers PROCESSING; paid later, or failed",
            &[after, ("fails", "whether it fails then; false")],
            [Fault::late_commit(20 * MINUTE), Fault::late_failure(20 * MINUTE)],
        ),
        entry(
            UNKNOWN,
            "the connection ends; the request arrives later",
            &[after, ENDING],
            [Fault::late_arrival(MINUTE)],
        ),
        entry(
            UNKNOWN,
            "the same bytes are handled twice",
            &[("first", "whether the client gets the first answer; false")],
            [Fault::duplicate_delivery()],
        ),
    ]
}

fn business() -> Vec<CatalogueEntry> {
    vec![
        entry(
            BUSINESS,
            "a refusal in its true envelope",
            &[("code", "the err_code"), ("text", "for people; the usual one")],
            [Fault::err("SYSTEMERROR"), Fault::err("NOTENOUGH"), Fault::err("FREQ_LIMIT")],
        ),
        entry(
            BUSINESS,
            "the order stays SENDING",
            &[
                ("polls", "how many queries find it SENDING before it is paid; for ever"),
                ("reason", "the reason that queries show; none"),
            ],
            [
                Fault::stuck(),
                Fault::stuck_for(3),
                Fault::StuckState {
                    polls: None, reason: Some("该用户今日领取金额超过限制".to_owned())
                },
            ],
        ),
        entry(
            BUSINESS,
            "a field of the answer does not tell the truth; a signed answer is signed so",
            &[("field", "the field"), ("value", "what it says; another value of the same form")],
            ["mch_billno", "re_openid", "total_amount", "mch_id"].map(Fault::wrong_echo),
        ),
        entry(
            BUSINESS,
            "more requests of a merchant in any such time answer FREQ_LIMIT and are not carried out",
            &[("most", "how many are served"), ("per", "in which time, such as 1s or 1d")],
            [Fault::rate_limit(30, Duration::from_secs(1)), Fault::rate_limit(10_000, 24 * 60 * MINUTE)],
        ),
    ]
}

fn answer() -> Vec<CatalogueEntry> {
    let second = Duration::from_secs(1);
    vec![
        entry(
            ANSWER,
            "the sign is not what it should be; `missing` only where one belongs, `unexpected` only where none does",
            &[("how", "bad, missing, unexpected, wrong_type, lower_case or old_key")],
            [
                SignFlaw::Bad,
                SignFlaw::Missing,
                SignFlaw::Unexpected,
                SignFlaw::WrongType,
                SignFlaw::LowerCase,
                SignFlaw::OldKey,
            ]
            .map(Fault::reply_sign),
        ),
        entry(
            ANSWER,
            "the document is not what it should be; its sign stays as it was",
            &[
                ("how", "in which way"),
                ("at", "truncated: after how many bytes; half of them"),
                ("field", "duplicate_field, missing_field: which"),
                ("bytes", "huge: how many; 10 MiB"),
            ],
            contents().map(Fault::content),
        ),
        entry(
            ANSWER,
            "HTTP is not what it should be",
            &[
                ("how", "in which way"),
                ("status", "status: 400 to 599"),
                ("value", "content_type: which"),
                ("off_by", "content_length: how many bytes too many it claims, or too few"),
            ],
            https().map(Fault::http),
        ),
        entry(
            ANSWER,
            "the answer comes late",
            &[
                ("spread", "fixed, uniform or lognormal"),
                ("by", "fixed: how much"),
                ("from", "uniform: the least"),
                ("to", "uniform: the most"),
                ("median", "lognormal: half are below"),
                ("sigma", "lognormal: the width, 0 to 3"),
            ],
            [
                Fault::latency(second),
                Fault::latency_uniform(second / 10, second),
                Fault::latency_lognormal(second / 10, 0.4),
            ],
        ),
        entry(
            ANSWER,
            "the answer comes in pieces, and the connection closes; in 4096 pieces at most",
            &[("chunk", "bytes of a piece"), ("gap", "before each but the first, such as 100ms")],
            [Fault::drip(64, second / 10)],
        ),
        entry(
            ANSWER,
            "the connection ends within the answer",
            &[("at", "start, head or {\"byte\":n}, its head included; start"), ENDING],
            [
                Fault::cut(CutAt::Start, End::Close),
                Fault::cut(CutAt::Head, End::Reset),
                Fault::cut(CutAt::Byte(300), End::Truncate),
            ],
        ),
    ]
}

fn contents() -> [Content; 14] {
    let field = || "mch_billno".to_owned();
    [
        Content::Truncated { at: None },
        Content::Empty,
        Content::Html,
        Content::Charset,
        Content::Bom,
        Content::ExtraField,
        Content::DuplicateField { field: field() },
        Content::MissingField { field: field() },
        Content::Reordered,
        Content::CdataSplit,
        Content::Entities,
        Content::Doctype,
        Content::EntityBomb,
        Content::Huge { bytes: None },
    ]
}

fn https() -> [Http; 16] {
    let status = |status| Http::Status { status };
    [
        status(500),
        status(502),
        status(503),
        status(504),
        status(429),
        Http::CertificateNotSent,
        Http::CertificateError,
        Http::Redirect,
        Http::ContentType { value: "application/json".to_owned() },
        Http::ContentLength { off_by: 1 },
        Http::ContentLength { off_by: -1 },
        Http::BadChunk,
        Http::Gzip,
        Http::Informational,
        Http::TwoReplies,
        Http::CloseAfter,
    ]
}

fn connection() -> Vec<CatalogueEntry> {
    let main_host = FaultRule::new(Fault::refuse()).server_name("api.mch.weixin.qq.com");
    let refuse = entry(CONNECTION, "connections are refused", &[], [Fault::refuse()]);
    let examples = [refuse.examples.clone(), vec![main_host]].concat();
    vec![
        CatalogueEntry { examples, ..refuse },
        entry(CONNECTION, "connections are taken, and nothing more comes", &[], [Fault::silence()]),
        entry(
            CONNECTION,
            "TLS is not what it should be",
            &[(
                "how",
                "expired, not_yet_valid, wrong_host, unknown_ca, stall, alert, old_version, no_close_notify or \
                 refuses_client",
            )],
            [
                TlsFlaw::Expired,
                TlsFlaw::NotYetValid,
                TlsFlaw::WrongHost,
                TlsFlaw::UnknownCa,
                TlsFlaw::Stall,
                TlsFlaw::Alert,
                TlsFlaw::OldVersion,
                TlsFlaw::NoCloseNotify,
                TlsFlaw::RefusesClient,
            ]
            .map(Fault::tls),
        ),
    ]
}

fn other() -> Vec<CatalogueEntry> {
    vec![
        entry(
            OTHER,
            "the client certificate is taken for something else",
            &[("taken_for", "missing, expired, revoked, foreign or other_merchant")],
            [
                Mistaken::Missing,
                Mistaken::Expired,
                Mistaken::Revoked,
                Mistaken::Foreign,
                Mistaken::OtherMerchant,
            ]
            .map(Fault::client_certificate),
        ),
        entry(
            OTHER,
            "the service's clock is wrong for the request",
            &[("by", "by how much, such as 1d"), ("behind", "whether it is behind; false")],
            [Fault::clock_ahead(24 * 60 * MINUTE), Fault::clock_behind(10 * MINUTE)],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::fault::Faults;

    #[test]
    fn every_fault_is_in_it_once() {
        let mut names: Vec<_> = catalogue().iter().map(|entry| format!("`{}`", entry.name)).collect();
        let error = serde_json::from_str::<Fault>(r#"{"fault":"?"}"#).unwrap_err().to_string();
        let (_, list) = error.split_once("expected one of ").unwrap();
        let (list, _) = list.split_once(" at line").unwrap();
        let mut known: Vec<_> = list.split(", ").map(str::to_owned).collect();
        names.sort();
        known.sort();
        assert_eq!(names, known, "{error}");
    }

    #[test]
    fn every_example_parses_and_arms() {
        let now = Clock::default_frozen().now();
        let mut faults = Faults::default();
        for entry in catalogue() {
            assert!(!entry.meaning.is_empty() && !entry.examples.is_empty(), "{entry:?}");
            for example in &entry.examples {
                let json = serde_json::to_value(example).unwrap();
                assert_eq!(json["then"]["fault"], entry.name);
                assert_eq!(json.get("commit").is_some(), entry.needs_commit);
                let parameters: Vec<_> = entry.parameters.iter().map(|parameter| parameter.name).collect();
                let mut given = json["then"].as_object().unwrap().keys().filter(|name| *name != "fault");
                assert!(given.all(|name| parameters.contains(&&**name)), "{json}");
                let read: FaultRule = serde_json::from_value(json).unwrap();
                assert_eq!(&read, example);
                faults.arm(now, read).unwrap();
            }
        }
        let names: usize = catalogue().iter().map(|entry| entry.in_band.len()).sum();
        assert_eq!(names, in_band::names().count());
    }
}
