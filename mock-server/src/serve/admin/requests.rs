//! The journal: what arrived, and what became of it.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Admin, Asked, Body, Call, Refused, Reply};
use crate::journal::{CurlFiles, Expectation, Filter, JournalView, Record};
use crate::outcome::RequestId;

/// The longest that a call waits.
const MAX_WAIT: u64 = 60_000;
/// How many requests a list holds, unless told otherwise.
const LIMIT: usize = 100;

macro_rules! filters {
    ($($more:expr),*) => {
        &[
            ("mch_id", "of this merchant"),
            ("mch_billno", "about this order"),
            ("path", "to this path, or to one with this last part, such as sendredpack"),
            ("verdict", "ok, size, path, xml, cert, sign or business; fault for those that met one"),
            ("commit", "applied, not_applied or later"),
            ("fault", "that met this fault, by its number or its name"),
            ("since_seq", "with a higher number"),
            $($more),*
        ]
    };
}

const RECORD: &[&str] = &[
    "id",
    "seq",
    "at",
    "via",
    "method",
    "path",
    "mch_id",
    "mch_billno",
    "peer_cert",
    "verdict",
    "fields",
    "body_b64",
    "sign",
    "fault",
    "commit",
    "outcome",
    "delay_ms",
    "trimmed",
];

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/requests",
        summary: "What arrived, the newest first, and how many the journal has dropped.",
        query: filters!(("limit", "at most so many; 100")),
        body: Body::None,
        status: StatusCode::OK,
        answers: &["requests", "dropped", "total"],
        run: list,
    },
    Call {
        method: Method::DELETE,
        path: "/requests",
        summary: "Forgets what fits.",
        query: filters!(),
        body: Body::None,
        status: StatusCode::OK,
        answers: &["removed"],
        run: |admin, asked| Ok(Reply::Json(json!({"removed": view(admin, asked, &[])?.clear()}))),
    },
    Call {
        method: Method::GET,
        path: "/requests/wait",
        summary: "Answers when as many requests are there as are waited for, or 408 with those that are.",
        query: filters!(("count", "how many; 1"), ("timeout_ms", "real milliseconds, 60000 at most; 5000")),
        body: Body::None,
        status: StatusCode::OK,
        answers: &["requests", "dropped", "total"],
        run: wait,
    },
    Call {
        method: Method::GET,
        path: "/requests/{id}",
        summary: "A request, and what became of it.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: RECORD,
        run: |admin, asked| Ok(Reply::Json(json!(*found(admin, asked)?))),
    },
    Call {
        method: Method::GET,
        path: "/requests/{id}/raw",
        summary: "The bytes both ways.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: &[],
        run: |admin, asked| Ok(text(found(admin, asked)?.to_raw())),
    },
    Call {
        method: Method::GET,
        path: "/requests/{id}/curl",
        summary: "A command line that sends the same bytes again.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: &[],
        run: curl,
    },
    Call {
        method: Method::POST,
        path: "/verify",
        summary: "Whether as many requests arrived as should have: 200, or 422 with the nearest misses. count is \
                  {\"exactly\"}, or {\"at_least\"} and {\"at_most\"}.",
        query: &[],
        body: Body::Required(
            r#"{"match":{"path":"sendredpack","mch_id":"10000098","fields":{"mch_billno":"1"}},"count":{"exactly":1}}"#,
        ),
        status: StatusCode::OK,
        answers: &["matched"],
        run: verify,
    },
];

/// The journal as the query wants it, apart from names that are not conditions.
fn view(admin: &Admin, asked: &Asked<'_>, others: &[&str]) -> Result<JournalView, Refused> {
    let conditions = asked.query.iter().filter(|(name, _)| !others.contains(&name.as_str()));
    let pairs = conditions.map(|(name, value)| (name.as_str(), value.as_str()));
    let filter = Filter::from_pairs(pairs).map_err(|error| Refused::bad(error.to_string()))?;
    Ok(admin.mock.journal().filter(filter))
}

fn list(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let mut records = view(admin, asked, &[])?.all();
    if asked.query("limit").is_none() {
        records.truncate(LIMIT);
    }
    Ok(Reply::Json(page(admin, &records)))
}

fn page(admin: &Admin, records: &[Arc<Record>]) -> Value {
    let counts = admin.mock.journal().counts();
    let records: Vec<_> = records.iter().map(|record| json!(**record)).collect();
    json!({"requests": records, "dropped": counts.dropped_since_clear, "total": counts.total})
}

/// How many are waited for, and how long.
fn patience(asked: &Asked<'_>) -> Result<(usize, Duration), Refused> {
    let number = |name, default: u64, most: u64| match asked.query(name).map(str::parse) {
        None => Ok(default),
        Some(Ok(number)) if number <= most => Ok(number),
        Some(_) => Err(Refused::bad(format!("{name} is a number, {most} at most"))),
    };
    let count = number("count", 1, 1_000_000)?;
    let timeout = Duration::from_millis(number("timeout_ms", 5_000, MAX_WAIT)?);
    Ok((usize::try_from(count).unwrap_or(usize::MAX), timeout))
}

fn wait(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let (count, timeout) = patience(asked)?;
    // First how many there are at all, so that what comes meanwhile is not slept through.
    let seen = admin.mock.requests();
    let records = view(admin, asked, &["count", "timeout_ms"])?.all();
    let kept = admin.mock.journal().limits().entries();
    if count > kept {
        return Err(Refused::bad(format!("count is more than the journal keeps, which is {kept}")));
    }
    if records.len() < count {
        return Ok(Reply::Later { seen, left: timeout });
    }
    Ok(Reply::Json(page(admin, &records)))
}

/// Not enough arrived.
pub(super) fn timed_out(admin: &Admin, asked: &Asked<'_>) -> Refused {
    match view(admin, asked, &["count", "timeout_ms"]) {
        Ok(view) => Refused::timeout(page(admin, &view.all())),
        Err(refused) => refused,
    }
}

fn found(admin: &Admin, asked: &Asked<'_>) -> Result<Arc<Record>, Refused> {
    let id = RequestId::parse(asked.part(0));
    let record = id.and_then(|id| admin.mock.journal().get(id));
    record.ok_or_else(|| Refused::unknown("request", asked.part(0)))
}

fn text(bytes: Vec<u8>) -> Reply {
    Reply::File { content_type: "text/plain; charset=utf-8", bytes }
}

fn curl(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let record = found(admin, asked)?;
    let known = record.mch_id.as_deref().filter(|mch_id| admin.mock.merchant_spec(mch_id).is_some());
    let files = known.map(|mch_id| admin.write_kit(mch_id)).transpose()?;
    let ca = admin.kit()?.dir().join("ca.pem");
    let file = |path: &std::path::Path| path.to_str().map(str::to_owned);
    let (certificate, key) = files.map_or((None, None), |files| (file(&files.certificate), file(&files.key)));
    let ca = file(&ca);
    let files = CurlFiles { ca: ca.as_deref(), certificate: certificate.as_deref(), key: key.as_deref() };
    Ok(text(record.to_curl(&admin.https_url, &files).into_bytes()))
}

fn verify(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let expectation: Expectation = asked.read()?;
    match admin.mock.verify(&expectation) {
        Ok(matched) => Ok(Reply::Json(json!({"matched": matched}))),
        Err(mismatch) => {
            let hint = "near holds the requests that nearly match, and in what they differ";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let refused = Refused::new(status, "mismatch", mismatch.to_string(), hint);
            let matched = json!(mismatch.matched);
            Err(refused.with("matched", matched).with("near", json!(mismatch.near)))
        }
    }
}
