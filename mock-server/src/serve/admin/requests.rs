//! The journal: what arrived, and what became of it.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Admin, Answer, Asked, Body, Call, Field, Kind, Refused, Reply, may, must};
use crate::journal::{CurlFiles, Expectation, Filter, JournalView, Record};
use crate::outcome::RequestId;

/// The longest that a call waits.
const MAX_WAIT: u64 = 60_000;
/// How many requests a list holds, unless told otherwise.
const LIMIT: usize = 100;

macro_rules! filters {
    ($($more:expr),*) => {
        &[
            may("mch_id", Kind::Text, "of this merchant"),
            may("mch_billno", Kind::Text, "about this order"),
            may("path", Kind::Text, "to this path, or to one with this last part, such as sendredpack"),
            may("verdict", Kind::OneOf(&["ok", "size", "path", "xml", "cert", "sign", "business", "fault"]), "of which this was found; fault for those that met one"),
            may("commit", Kind::OneOf(&["applied", "not_applied", "later"]), "of which this became"),
            may("fault", Kind::Text, "that met this fault, by its number or its name"),
            may("since_seq", Kind::Number, "with a higher number"),
            $($more),*
        ]
    };
}

const VERDICT: Kind = Kind::OneOf(&["ok", "size", "path", "xml", "cert", "sign", "business"]);
const PEER: &[Field] = &[
    must("verdict", Kind::Text, "ok, none, foreign, other_merchant, expired, not_yet_valid or revoked"),
    must("subject_cn", Kind::Text, "whose it says to be").or_null(),
    must("serial", Kind::Text, "its serial number, in hex").or_null(),
    must("not_after", Kind::Text, "the end of its time, in RFC 3339").or_null(),
];
const SIGN: &[Field] = &[
    must("verdict", Kind::OneOf(&["ok", "mismatch", "unknown", "not_checked"]), "whether it fits"),
    must("received", Kind::Text, "as it came").or_null(),
    must("diagnosis", Kind::List(&Kind::Any), "what may be wrong with it"),
];
const FAULT: &[Field] = &[must("id", Kind::Number, "its number"), must("name", Kind::Text, "its name")];
const OUTCOME: &[Field] = &[
    must("effect", Kind::OneOf(&["reply", "wire"]), "whether it is an answer, or bytes that may be none"),
    must("status", Kind::Number, "of the answer, if a client can make one out").or_null(),
    must("err_code", Kind::Text, "of the answer").or_null(),
    must("body_b64", Kind::Text, "the body of the answer, in Base64").or_null(),
    must("end", Kind::Text, "how the connection ends").or_null(),
    must("error", Kind::Text, "why a client can make out no answer").or_null(),
];
const RECORD: &[Field] = &[
    must("id", Kind::Text, "such as req_000012"),
    must("seq", Kind::Number, "the number in that"),
    must("at", Kind::Text, "when it arrived, by the mock's clock, in RFC 3339"),
    must("via", Kind::Text, "how it came"),
    must("method", Kind::Text, "as it came"),
    must("path", Kind::Text, "without the query"),
    must("mch_id", Kind::Text, "the merchant that it names").or_null(),
    must("mch_billno", Kind::Text, "the order that it names").or_null(),
    must("peer_cert", Kind::Object(PEER), "the client's certificate"),
    must("verdict", VERDICT, "what was found of it"),
    must(
        "diagnosis",
        Kind::Text,
        "what more there is to say of that: of xml which rule the body breaks and at which byte, of path what is played",
    )
    .or_null(),
    must("fields", Kind::List(&Kind::List(&Kind::Text)), "names and values of its document, in order"),
    must("body_b64", Kind::Text, "its body, in Base64"),
    must("sign", Kind::Object(SIGN), "what was found of its sign"),
    must("fault", Kind::Object(FAULT), "the fault that it met").or_null(),
    must("commit", Kind::Any, "applied, not_applied or {\"later\"} with a time"),
    must("outcome", Kind::Object(OUTCOME), "what the client got"),
    must("delay_ms", Kind::Number, "how late the answer was on purpose"),
    must("trimmed", Kind::Flag, "whether bodies were too long to be kept"),
];
const PAGE: Answer = Answer::Json(&[
    must("requests", Kind::List(&Kind::Object(RECORD)), "those that fit, the newest first"),
    must("dropped", Kind::Number, "how many the journal has dropped since it was cleared"),
    must("total", Kind::Number, "how many arrived in all"),
]);
const MATCH: &[Field] = &[
    may("path", Kind::Text, "the path, or the last part of it, such as sendredpack").or_null(),
    may("mch_id", Kind::Text, "the merchant that it names").or_null(),
    may("fields", Kind::Map(&Kind::Text), "fields of its document"),
];
const COUNT: &[Field] = &[
    may("exactly", Kind::Number, "so many").or_null(),
    may("at_least", Kind::Number, "so many or more").or_null(),
    may("at_most", Kind::Number, "so many or fewer").or_null(),
];

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/requests",
        summary: "What arrived, the newest first, and how many the journal has dropped.",
        query: filters!(may("limit", Kind::Number, "at most so many; 100")),
        body: Body::None,
        status: StatusCode::OK,
        answer: PAGE,
        run: list,
    },
    Call {
        method: Method::DELETE,
        path: "/requests",
        summary: "Forgets what fits.",
        query: filters!(),
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(&[must("removed", Kind::Number, "how many those were")]),
        run: |admin, asked| Ok(Reply::Json(json!({"removed": view(admin, asked, &[])?.clear()}))),
    },
    Call {
        method: Method::GET,
        path: "/requests/wait",
        summary: "Answers when as many requests are there as are waited for, or 408 with those that are.",
        query: filters!(
            may("count", Kind::Number, "how many; 1"),
            may("timeout_ms", Kind::Number, "real milliseconds, 60000 at most; 5000")
        ),
        body: Body::None,
        status: StatusCode::OK,
        answer: PAGE,
        run: wait,
    },
    Call {
        method: Method::GET,
        path: "/requests/{request_id}",
        summary: "A request, and what became of it.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(RECORD),
        run: |admin, asked| Ok(Reply::Json(json!(*found(admin, asked)?))),
    },
    Call {
        method: Method::GET,
        path: "/requests/{request_id}/raw",
        summary: "The bytes both ways.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::File("text/plain; charset=utf-8"),
        run: |admin, asked| Ok(Reply::File(found(admin, asked)?.to_raw())),
    },
    Call {
        method: Method::GET,
        path: "/requests/{request_id}/curl",
        summary: "A command line that sends the same bytes again.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::File("text/plain; charset=utf-8"),
        run: curl,
    },
    Call {
        method: Method::POST,
        path: "/verify",
        summary: "Whether as many requests arrived as should have: 200, or 422 with the nearest misses.",
        query: &[],
        body: Body::Required(
            &[
                may("match", Kind::Object(MATCH), "of what kind; of any, where it is left out"),
                must("count", Kind::Object(COUNT), "how many: exactly, or at_least and at_most"),
            ],
            r#"{"match":{"path":"sendredpack","mch_id":"10000098","fields":{"mch_billno":"1"}},"count":{"exactly":1}}"#,
        ),
        status: StatusCode::OK,
        answer: Answer::Json(&[must("matched", Kind::Number, "how many did")]),
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

fn curl(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let record = found(admin, asked)?;
    let known = record.mch_id.as_deref().filter(|mch_id| admin.mock.merchant_spec(mch_id).is_some());
    let files = known.map(|mch_id| admin.write_kit(mch_id)).transpose()?;
    let ca = admin.kit()?.dir().join("ca.pem");
    let file = |path: &std::path::Path| path.to_str().map(str::to_owned);
    let (certificate, key) = files.map_or((None, None), |files| (file(&files.certificate), file(&files.key)));
    let ca = file(&ca);
    let files = CurlFiles { ca: ca.as_deref(), certificate: certificate.as_deref(), key: key.as_deref() };
    Ok(Reply::File(record.to_curl(&admin.client_url, &files).into_bytes()))
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
