//! A record as JSON. Keys are only ever added.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use serde::{Serialize, Serializer};
use wechatpay_proto::endpoint::Endpoint as _;
use wechatpay_proto::v2::mmpaymkttransfers::GetHbInfo;
use wechatpay_proto::wire::{self, Unverified};

use super::{Record, Verdict};
use crate::arrival::{Certificate, CertificateFacts, Standing, Via};
use crate::clock::Time;
use crate::outcome::{Broken, Commit, Effect, End};

#[derive(Serialize)]
struct Sheet<'a> {
    id: String,
    seq: u64,
    at: Time,
    via: Via,
    method: &'a str,
    path: &'a str,
    mch_id: Option<&'a str>,
    mch_billno: Option<&'a str>,
    peer_cert: PeerCertificate<'a>,
    verdict: Verdict,
    diagnosis: Option<&'a str>,
    fields: Vec<(&'a str, &'a str)>,
    body_b64: String,
    sign: Sign<'a>,
    fault: Option<Fault>,
    commit: Committed,
    outcome: Shown<'a>,
    delay_ms: u128,
    trimmed: bool,
}

#[derive(Serialize)]
struct PeerCertificate<'a> {
    verdict: &'static str,
    subject_cn: Option<&'a str>,
    serial: Option<&'a str>,
    not_after: Option<&'a str>,
}

#[derive(Serialize)]
struct Sign<'a> {
    verdict: &'static str,
    received: Option<&'a str>,
    diagnosis: [(); 0],
}

#[derive(Serialize)]
struct Fault {
    id: u64,
    name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Committed {
    Applied,
    NotApplied,
    Later(Time),
}

/// What the peer got: `status`, `err_code` and `body_b64` are of the answer that it could make out, if any.
#[derive(Serialize)]
struct Shown<'a> {
    effect: &'static str,
    status: Option<u16>,
    err_code: Option<&'a str>,
    body_b64: Option<String>,
    end: Option<End>,
    error: Option<&'static str>,
}

impl Record {
    /// The record as one line of JSON, its line feed included.
    pub fn to_json_line(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// The answer that a careful client makes out, or why it makes out none.
    pub fn seen(&self) -> Result<&Response<Bytes>, Broken> {
        match &self.effect {
            Effect::Reply(response) => Ok(response),
            Effect::Wire { seen, .. } => seen.as_ref().map_err(|broken| *broken),
        }
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = wire::parse(&self.body, &[]).ok();
        // The one answer that nests is that of this query.
        let lists = GetHbInfo::SPEC.lists;
        let answer = self.seen().ok().and_then(|response| wire::parse(response.body(), lists).ok());
        let sheet = Sheet {
            id: self.id.to_string(),
            seq: self.id.0,
            at: self.at,
            via: self.via,
            method: self.method.as_str(),
            path: self.path(),
            mch_id: self.mch_id.as_deref(),
            mch_billno: self.mch_billno.as_deref(),
            peer_cert: certificate(self),
            verdict: self.verdict,
            diagnosis: self.diagnosis.as_deref(),
            fields: document.iter().flat_map(|document| document.untrusted().iter()).collect(),
            body_b64: STANDARD.encode(&self.body),
            sign: Sign {
                verdict: sign(self.verdict),
                received: document.as_ref().and_then(|document| document.untrusted().get("sign")),
                diagnosis: [],
            },
            fault: self.fault.map(|(id, name)| Fault { id, name }),
            commit: match self.commit {
                Commit::Applied => Committed::Applied,
                Commit::NotApplied => Committed::NotApplied,
                Commit::Later(at) => Committed::Later(at),
            },
            outcome: shown(self, answer.as_ref()),
            delay_ms: self.delay.as_millis(),
            trimmed: self.trimmed,
        };
        sheet.serialize(serializer)
    }
}

/// The sign is judged after the certificate, and some refusals of what a request asks for come before that.
fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Sign => "mismatch",
        Verdict::Business => "unknown",
        Verdict::Size | Verdict::Path | Verdict::Xml | Verdict::Certificate => "not_checked",
    }
}

fn certificate(record: &Record) -> PeerCertificate<'_> {
    let verdict = match &record.certificate {
        Certificate::None => "none",
        Certificate::Foreign => "foreign",
        Certificate::Merchant { mch_id, .. }
            if record.mch_id.as_ref().is_some_and(|named| named != mch_id) =>
        {
            "other_merchant"
        }
        Certificate::Merchant { standing, .. } => match standing {
            Standing::InForce => "ok",
            Standing::Expired => "expired",
            Standing::NotYetValid => "not_yet_valid",
            Standing::Revoked => "revoked",
        },
    };
    let own = match &record.certificate {
        Certificate::Merchant { mch_id, .. } => Some(&**mch_id),
        Certificate::None | Certificate::Foreign => None,
    };
    let shown = |of: fn(&CertificateFacts) -> &Option<String>| {
        record.shown.as_ref().and_then(|facts| of(facts).as_deref())
    };
    PeerCertificate {
        verdict,
        subject_cn: shown(|facts| &facts.subject_cn).or(own),
        serial: shown(|facts| &facts.serial),
        not_after: shown(|facts| &facts.not_after),
    }
}

fn shown<'a>(record: &Record, answer: Option<&'a Unverified<'_>>) -> Shown<'a> {
    let (effect, end) = match &record.effect {
        Effect::Reply(_) => ("reply", None),
        Effect::Wire { end, .. } => ("wire", Some(*end)),
    };
    let seen = record.seen();
    Shown {
        effect,
        status: seen.ok().map(|response| response.status().as_u16()),
        err_code: answer.and_then(|answer| answer.untrusted().get("err_code")),
        body_b64: seen.ok().map(|response| STANDARD.encode(response.body())),
        end,
        error: seen.err().map(|broken| match broken {
            Broken::Refused => "refused",
            Broken::Handshake => "handshake",
            Broken::Reset => "reset",
            Broken::Closed => "closed",
            Broken::Silent => "silent",
            Broken::Malformed => "malformed",
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::super::samples::record;
    use super::*;

    fn json_of(record: &Record) -> Value {
        serde_json::from_str(&record.to_json_line()).unwrap()
    }

    #[test]
    fn a_record_says_everything_in_one_line() {
        let fields = [("act_name", "猜灯谜"), ("mch_id", "10000098"), ("mch_billno", "1"), ("sign", "E5")];
        let mut record = record(12, &fields);
        record.target.push_str("?a=b");
        record.delay = Duration::from_millis(1_500);
        record.shown =
            Some(CertificateFacts { serial: Some("5A".to_owned()), ..CertificateFacts::default() });
        let line = record.to_json_line();
        assert!(
            line.starts_with(r#"{"id":"req_000012","seq":12,"at":"2026-01-01T09:00:00+08:00","via":"tls","#)
        );
        assert_eq!(line.find('\n'), Some(line.len() - 1));
        let Effect::Reply(response) = &record.effect else { panic!() };
        let expected = json!({
            "id": "req_000012", "seq": 12, "at": "2026-01-01T09:00:00+08:00", "via": "tls", "method": "POST",
            "path": "/mmpaymkttransfers/sendredpack", "mch_id": "10000098", "mch_billno": "1",
            "peer_cert": {"verdict": "ok", "subject_cn": "10000098", "serial": "5A", "not_after": null},
            "verdict": "ok", "diagnosis": null,
            "fields": [["act_name", "猜灯谜"], ["mch_id", "10000098"], ["mch_billno", "1"], ["sign", "E5"]],
            "body_b64": STANDARD.encode(&record.body),
            "sign": {"verdict": "ok", "received": "E5", "diagnosis": []},
            "fault": null, "commit": "applied",
            "outcome": {"effect": "reply", "status": 200, "err_code": "SUCCESS",
                "body_b64": STANDARD.encode(response.body()), "end": null, "error": null},
            "delay_ms": 1500, "trimmed": false,
        });
        assert_eq!(json_of(&record), expected);
    }

    #[test]
    fn what_broke_is_said_and_what_is_no_document_has_no_fields() {
        let mut record = record(1, &[]);
        record.body = Bytes::from_static(b"\xff<xml>");
        record.verdict = Verdict::Xml;
        record.diagnosis = Some("not UTF-8 at byte 0".to_owned());
        record.fault = Some((3, "reply_lost"));
        record.commit = Commit::Later(record.at);
        record.effect = Effect::Wire { pieces: Vec::new(), end: End::Truncate, seen: Err(Broken::Closed) };
        let json = json_of(&record);
        let outcome = json!({"effect": "wire", "status": null, "err_code": null, "body_b64": null,
            "end": "truncate", "error": "closed"});
        assert_eq!(json["outcome"], outcome);
        assert_eq!(json["commit"], json!({"later": "2026-01-01T09:00:00+08:00"}));
        assert_eq!(json["fault"], json!({"id": 3, "name": "reply_lost"}));
        assert_eq!((&json["fields"], &json["sign"]["received"]), (&json!([]), &Value::Null));
        assert_eq!(
            (&json["body_b64"], &json["diagnosis"]),
            (&json!("/zx4bWw+"), &json!("not UTF-8 at byte 0"))
        );
        assert_eq!(json["peer_cert"]["verdict"], "none");
    }

    #[test]
    fn a_sign_and_a_certificate_are_said_to_be_no_more_than_is_known() {
        let mut record = record(1, &[("mch_id", "1")]);
        let words = Verdict::ALL.map(|verdict| {
            record.verdict = verdict;
            json_of(&record)["sign"]["verdict"].as_str().unwrap().to_owned()
        });
        let expected =
            ["ok", "not_checked", "not_checked", "not_checked", "not_checked", "mismatch", "unknown"];
        assert_eq!(words, expected);
        let merchant = |mch_id: &str, standing| Certificate::Merchant { mch_id: mch_id.to_owned(), standing };
        for (certificate, word) in [
            (Certificate::None, "none"),
            (Certificate::Foreign, "foreign"),
            (merchant("1", Standing::InForce), "ok"),
            (merchant("1", Standing::Expired), "expired"),
            (merchant("1", Standing::NotYetValid), "not_yet_valid"),
            (merchant("1", Standing::Revoked), "revoked"),
            (merchant("2", Standing::Expired), "other_merchant"),
        ] {
            record.certificate = certificate;
            assert_eq!(json_of(&record)["peer_cert"]["verdict"], word);
        }
    }
}
