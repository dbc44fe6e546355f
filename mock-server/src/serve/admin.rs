//! The admin API below `/__mock`: the world of a mock, for tests in any language. It needs no client certificate, is
//! no merchant traffic, meets no faults, and speaks JSON.
//!
//! Every call is a row of a table: what it is for, what it takes, what it answers, and the function that does it. The
//! OpenAPI document is written from the same rows.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Options, Schemes, reached_at};
use crate::kit::Kit;
use crate::mock::Mock;
use crate::state::State;

mod call;
mod clock;
mod doors;
mod faults;
mod files;
mod merchants;
mod openapi;
mod packets;
mod refused;
mod requests;
mod sign;
mod users;
mod world;

use call::{Answer, Asked, Body, Call, Field, Kind, Reply, may, must};
use doors::Doors;
pub(super) use refused::Refused;

/// What admin calls work on.
pub(super) struct Admin {
    mock: Mock,
    /// None behind the door for fuzzing.
    kit: Option<Arc<Kit>>,
    doors: Doors,
    /// Where clients go: by HTTPS, unless the port takes plain HTTP only.
    client_url: String,
    /// Where admin calls go: by plain HTTP, unless the port takes HTTPS only.
    admin_url: String,
    /// The snapshots, by their names.
    snapshots: Mutex<BTreeMap<String, State>>,
}

impl Admin {
    pub(super) fn new(mock: Mock, kit: Arc<Kit>, address: SocketAddr, options: &Options) -> Self {
        let doors = Doors { names: options.aliases.clone(), guarded: options.token.is_some() };
        let (address, schemes) = (reached_at(address), options.schemes);
        let url = |secure| format!("http{}://{address}", if secure { "s" } else { "" });
        let (client_url, admin_url) = (url(schemes != Schemes::Http), url(schemes == Schemes::Https));
        Self { kit: Some(kit), doors, client_url, admin_url, ..Self::without_kit(mock) }
    }

    pub(super) fn without_kit(mock: Mock) -> Self {
        let (kit, doors, snapshots) = (None, Doors::default(), Mutex::default());
        Self { mock, kit, doors, client_url: String::new(), admin_url: String::new(), snapshots }
    }
}

/// All calls.
fn calls() -> impl Iterator<Item = &'static Call> {
    [
        world::CALLS,
        merchants::CALLS,
        users::CALLS,
        packets::CALLS,
        requests::CALLS,
        faults::CALLS,
        clock::CALLS,
        sign::CALLS,
        files::CALLS,
        openapi::CALLS,
    ]
    .into_iter()
    .flatten()
}

pub(super) async fn answer(admin: &Admin, path: &str, request: &Request<Bytes>) -> Response<Bytes> {
    let answered = match find(admin, path, request) {
        Ok((call, asked)) => perform(admin, call, &asked).await.map(|reply| (call, reply)),
        Err(refused) => Err(refused),
    };
    match answered {
        Ok((call, Reply::Json(value))) => {
            respond(call.status, call.answer.content_type(), value.to_string().into())
        }
        Ok((call, Reply::File(bytes))) => respond(call.status, call.answer.content_type(), bytes.into()),
        // Unreachable: a call that waits is asked again until it knows.
        Ok((_, Reply::Later { .. })) => Refused::timeout(Value::Null).respond(),
        Err(refused) => refused.respond(),
    }
}

fn respond(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // Nothing here is for a cache, nor for a page of another origin.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The call that a request makes, if its sender may.
fn find<'a>(
    admin: &Admin,
    path: &str,
    request: &'a Request<Bytes>,
) -> Result<(&'static Call, Asked<'a>), Refused> {
    admin.doors.check(request)?;
    let query = parse_query(request.uri().query().unwrap_or_default());
    let mut methods = Vec::new();
    for call in calls() {
        let Some(parts) = capture(call.path, path) else { continue };
        if call.method == request.method() {
            let asked = Asked { parts, query, body: request.body() };
            call.check(&asked)?;
            return Ok((call, asked));
        }
        methods.push(call.method.as_str());
    }
    Err(if methods.is_empty() { Refused::no_such_path(path) } else { Refused::method(&methods) })
}

async fn perform(admin: &Admin, call: &Call, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let at_most = match (call.run)(admin, asked)? {
        Reply::Later { left, .. } => left,
        reply => return Ok(reply),
    };
    let until_known = async {
        loop {
            match (call.run)(admin, asked) {
                Ok(Reply::Later { seen, .. }) => drop(admin.mock.arrived(seen).await),
                known => return known,
            }
        }
    };
    match tokio::time::timeout(at_most, until_known).await {
        Ok(known) => known,
        Err(_) => Err(requests::timed_out(admin, asked)),
    }
}

/// The parts of a path that vary, if it fits.
fn capture(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut parts = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parts),
            (Some(name), Some(part)) if name.starts_with('{') && !part.is_empty() => {
                parts.push(percent_decode_str(part).decode_utf8().ok()?.into_owned());
            }
            (Some(name), Some(part)) if name == part => {}
            _ => return None,
        }
    }
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(n, v)| (decode(n), decode(v)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_captured_by_their_parts() {
        assert_eq!(
            capture("/redpackets/{mch_id}/{mch_billno}", "/redpackets/1/a%20b"),
            Some(vec!["1".into(), "a b".into()])
        );
        assert_eq!(capture("/health", "/health"), Some(vec![]));
        for other in [
            "/redpackets/1",
            "/redpackets/1/",
            "/redpackets/1/2/3",
            "/redpackets//2",
            "/redpackets/%ff/2",
            "",
        ] {
            assert_eq!(capture("/redpackets/{mch_id}/{mch_billno}", other), None, "{other}");
        }
    }

    #[test]
    fn queries_are_taken_apart() {
        let pairs = parse_query("a=1&b=%E5%A4%A9+x&&c");
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("a", "1"), ("b", "天 x"), ("c", "")]);
    }
}
