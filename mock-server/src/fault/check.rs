//! What a rule must be to be armed.

use std::time::Duration;

use http::HeaderValue;
use regex_lite::{Regex, RegexBuilder};
use wechatpay_proto::wire;

use super::armed::MAX_MCH_ID;
use super::rule::MAX_NTH;
use super::{Content, Fault, FaultError, FaultRule, Http, Latency, Plan, When};
use crate::{engine, span};

/// The most bytes of a regular expression.
const MAX_REGEX: usize = 256;
/// The most bytes that a compiled one may take.
const MAX_COMPILED: usize = 256 * 1024;
/// The most fields that a rule looks at.
const MAX_FIELDS: usize = 16;
/// The most bytes of a text that goes into an answer.
const MAX_TEXT: usize = 1024;
/// The most bytes of a huge answer.
const MAX_HUGE: usize = 64 * 1024 * 1024;
/// The most requests in a window of a rate limit, each of which is remembered.
const MAX_RATE: u32 = 100_000;

type Checked = Result<(), FaultError>;

/// Judges a rule, and hands out the regular expressions of its fields.
pub(super) fn check(rule: &FaultRule) -> Result<Vec<(String, Regex)>, FaultError> {
    commit(rule)?;
    fault(&rule.then)?;
    let patterns = when(&rule.when)?;
    place(&rule.when, &rule.then)?;
    rule.ttl.map_or(Ok(()), |ttl| some_time("ttl", ttl))?;
    Ok(patterns)
}

/// The whole path that a rule means.
pub(super) fn path(given: &str) -> Result<&'static str, FaultError> {
    let named = |path: &&str| *path == given || path.rsplit('/').next() == Some(given);
    engine::served().find(named).ok_or_else(|| FaultError::Path { given: given.to_owned() })
}

fn commit(rule: &FaultRule) -> Checked {
    let fault = rule.then.name();
    match (rule.then.needs_commit(), rule.commit) {
        (true, None) => Err(FaultError::CommitMissing { fault }),
        (false, Some(_)) => Err(FaultError::CommitUnwanted { fault }),
        (_, Some(Plan::Later(after))) => some_time("commit.later", after),
        _ => Ok(()),
    }
}

fn when(when: &When) -> Result<Vec<(String, Regex)>, FaultError> {
    names(when)?;
    selection(when)?;
    if let Some((from, until)) = when.between {
        let given = || format!("from {from} until {until}");
        ensure(from < until, "when.between", given, "the first time must be before the second")?;
    }
    let count = || format!("{} fields", when.fields.len());
    ensure(when.fields.len() <= MAX_FIELDS, "when.fields", count, "it may name 16 fields")?;
    when.fields.iter().map(|(name, regex)| Ok((name.clone(), pattern(name, regex)?))).collect()
}

/// A name that nobody can have would never match, and nobody would know why.
fn names(when: &When) -> Checked {
    let number = |mch_id: &str| {
        (1..=MAX_MCH_ID).contains(&mch_id.len()) && mch_id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let host = |host: &str| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[:]".contains(&byte);
        (1..=255).contains(&host.len()) && host.bytes().all(letter)
    };
    let no_host = "it must be the name of a host, such as api.mch.weixin.qq.com";
    if let Some(mch_id) = &when.mch_id {
        let must = "it must be the number of a merchant, 1 to 32 letters and digits";
        ensure(number(mch_id), "when.mch_id", || format!("{mch_id:?}"), must)?;
    }
    for (field, name) in [("when.host", &when.host), ("when.server_name", &when.server_name)] {
        let name = name.as_deref().unwrap_or("any");
        ensure(host(name), field, || format!("{name:?}"), no_host)?;
    }
    Ok(())
}

/// What chooses among the matches.
fn selection(when: &When) -> Checked {
    let given = [
        ("when.nth", !when.nth.is_empty()),
        ("when.every", when.every.is_some()),
        ("when.probability", when.probability.is_some()),
    ];
    let mut given = given.into_iter().filter_map(|(name, given)| given.then_some(name));
    if let (Some(one), Some(other)) = (given.next(), given.next()) {
        return Err(FaultError::Both { one, other });
    }
    ensure(when.nth.len() <= MAX_NTH, "when.nth", || "longer".to_owned(), "it may name 64 numbers")?;
    let counts = [("when.every", when.every), ("when.times", when.times)];
    for (field, count) in when.nth.iter().map(|nth| ("when.nth", Some(*nth))).chain(counts) {
        ensure(count != Some(0), field, || "0".to_owned(), "it must be at least 1")?;
    }
    let chance = when.probability.unwrap_or_default();
    let given = || chance.to_string();
    ensure((0.0..=1.0).contains(&chance), "when.probability", given, "it must be from 0 to 1")
}

fn pattern(name: &str, regex: &str) -> Result<Regex, FaultError> {
    let field = format!("when.fields.{}", name.escape_debug());
    element("when.fields", name)?;
    ensure(regex.len() <= MAX_REGEX, &field, || bytes(regex), "it may have 256 bytes")?;
    let compiled = RegexBuilder::new(regex).size_limit(MAX_COMPILED).build();
    compiled.map_err(|_| FaultError::Value {
        field,
        given: format!("{regex:?}"),
        must: "it must be a regular expression such as ^oBad, without look-around",
    })
}

/// Whether the conditions can hold where the fault strikes.
fn place(when: &When, then: &Fault) -> Checked {
    let unfit = |field, why| Err(FaultError::Unfit { field, fault: then.name(), why });
    if !then.strikes_connections() {
        if when.server_name.is_some() {
            return unfit("when.server_name", "a request is not asked for its handshake; match by host");
        }
        return match when.path.as_deref().map(path).transpose()?.and_then(|path| then.misfit(path)) {
            Some(why) => unfit("when.path", why),
            None => Ok(()),
        };
    }
    let early = "it strikes before there is a request: match by server_name, count, probability or time";
    let given = [
        ("when.path", when.path.is_some()),
        ("when.mch_id", when.mch_id.is_some()),
        ("when.host", when.host.is_some()),
        ("when.fields", !when.fields.is_empty()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => unfit(field, early),
        None => Ok(()),
    }
}

fn fault(fault: &Fault) -> Checked {
    match fault {
        Fault::AppliedThenError { code: Some(_), status: Some(_) } => {
            Err(FaultError::Both { one: "then.code", other: "then.status" })
        }
        Fault::AppliedThenError { code: Some(code), .. } => err_code(code),
        Fault::AppliedThenError { status: Some(status), .. } => ensure(
            (500..=599).contains(status),
            "then.status",
            || status.to_string(),
            "it must be from 500 to 599",
        ),
        Fault::LateCommit { after, .. } | Fault::LateArrival { after, .. } => some_time("then.after", *after),
        Fault::ErrCode { code, text: answer } => {
            err_code(code)?;
            answer.as_deref().map_or(Ok(()), |answer| text("then.text", answer))
        }
        Fault::StuckState { polls, reason } => {
            ensure(*polls != Some(0), "then.polls", || "0".to_owned(), "it must be at least 1")?;
            reason.as_deref().map_or(Ok(()), |reason| text("then.reason", reason))
        }
        Fault::WrongEcho { field, value } => wrong_echo(field, value.as_deref()),
        Fault::Content(how) => content(how),
        Fault::Http(how) => http(how),
        Fault::Latency(how) => latency(how),
        Fault::Drip { chunk, gap } => {
            any_time("then.gap", *gap)?;
            ensure(*chunk >= 1, "then.chunk", || chunk.to_string(), "it must be at least 1")
        }
        Fault::ClockSkew { by, .. } => some_time("then.by", *by),
        Fault::RateLimit { most, per } => {
            some_time("then.per", *per)?;
            ensure(*most <= MAX_RATE, "then.most", || most.to_string(), "it must be at most 100000")
        }
        _ => Ok(()),
    }
}

fn wrong_echo(field: &str, value: Option<&str>) -> Checked {
    element("then.field", field)?;
    let quoted = || format!("{field:?}");
    ensure(field != "sign", "then.field", quoted, "for the sign there is the fault reply_sign")?;
    let Some(value) = value else { return Ok(()) };
    let must = "it must be a text; for a field that is missing there is the fault content, missing_field";
    ensure(!value.is_empty(), "then.value", || "empty".to_owned(), must)?;
    text("then.value", value)
}

fn latency(how: &Latency) -> Checked {
    match how {
        Latency::Fixed { by } => any_time("then.by", *by),
        Latency::Uniform { from, to } => {
            any_time("then.to", *to)?;
            ensure(from <= to, "then.from", || span::print(*from), "it must not be more than then.to")
        }
        Latency::Lognormal { median, sigma } => {
            any_time("then.median", *median)?;
            ensure((0.0..=3.0).contains(sigma), "then.sigma", || sigma.to_string(), "it must be from 0 to 3")
        }
    }
}

fn content(how: &Content) -> Checked {
    match how {
        Content::DuplicateField { field } | Content::MissingField { field } => element("then.field", field),
        Content::Huge { bytes: Some(bytes) } => ensure(
            *bytes <= MAX_HUGE,
            "then.bytes",
            || bytes.to_string(),
            "it must be at most 67108864, 64 MiB",
        ),
        _ => Ok(()),
    }
}

fn http(how: &Http) -> Checked {
    match how {
        Http::Status { status } => ensure(
            (400..=599).contains(status),
            "then.status",
            || status.to_string(),
            "it must be from 400 to 599; for 302 there is the way \"redirect\"",
        ),
        Http::ContentType { value } => {
            let fits = value.len() <= MAX_TEXT && HeaderValue::from_str(value).is_ok();
            ensure(
                fits,
                "then.value",
                || format!("{value:?}"),
                "it must be a value of a header, 1024 bytes at most",
            )
        }
        Http::ContentLength { off_by } => {
            ensure(*off_by != 0, "then.off_by", || "0".to_owned(), "it must be more or less than 0")
        }
        _ => Ok(()),
    }
}

fn err_code(code: &str) -> Checked {
    let fits = (1..=32).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    ensure(
        fits,
        "then.code",
        || format!("{code:?}"),
        "it must be 1 to 32 of A-Z, a-z, 0-9 and _, such as SYSTEMERROR",
    )
}

/// The name of an element.
fn element(field: &str, name: &str) -> Checked {
    let mut letters = name.bytes();
    let fits = letters.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= wire::MAX_NAME;
    ensure(fits, field, || format!("{name:?}"), "it must be the name of a field, such as mch_billno")
}

fn text(field: &str, text: &str) -> Checked {
    ensure(text.len() <= MAX_TEXT, field, || bytes(text), "it may have 1024 bytes")?;
    let fits = text.chars().all(wire::is_xml_char);
    ensure(fits, field, || format!("{text:?}"), "it may only have characters that XML allows")
}

/// More than nothing: a millisecond is the least that can be written down.
fn some_time(field: &str, span: Duration) -> Checked {
    ensure(span.as_millis() > 0, field, || span::print(span), "it must be 1ms at least")?;
    any_time(field, span)
}

fn any_time(field: &str, span: Duration) -> Checked {
    ensure(span <= span::LONGEST, field, || format!("{span:?}"), "it must be 100 years at most")
}

fn bytes(text: &str) -> String {
    format!("{} bytes long", text.len())
}

fn ensure(fits: bool, field: &str, given: impl FnOnce() -> String, must: &'static str) -> Checked {
    if fits { Ok(()) } else { Err(FaultError::Value { field: field.to_owned(), given: given(), must }) }
}
