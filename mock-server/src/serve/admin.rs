//! The admin API below `/__mock/`: health, packets, and what a user or time would do to them. It needs no client
//! certificate, is no merchant traffic, and answers JSON.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use wechatpay_proto::transport::is_loopback;

use crate::mock::Mock;
use crate::packet::{Action, ActionError, Claim, Kind, RedPacket, Share};

/// What an admin call says instead of an answer.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: &'static str,
    /// The actions that the packet would allow.
    allowed: Option<&'static [&'static str]>,
}

/// What an action may be told.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    openid: Option<String>,
    reason: Option<String>,
}

pub(super) fn answer(mock: &Mock, path: &str, request: &Request<Bytes>) -> Response<Bytes> {
    let (status, body) = match route(mock, path, request) {
        Ok(body) => (StatusCode::OK, body),
        Err(Refused { status, code, message, hint, allowed }) => {
            let mut error = json!({"code": code, "message": message, "hint": hint});
            if let Some(allowed) = allowed {
                error["allowed"] = json!(allowed);
            }
            (status, json!({"error": error}))
        }
    };
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn route(mock: &Mock, path: &str, request: &Request<Bytes>) -> Result<Value, Refused> {
    check_host(request)?;
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method(), parts.as_slice()) {
        (&Method::GET, ["health"]) => Ok(json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "seed": mock.seed(),
            "now": mock.now().to_string(),
            "merchants": mock.merchants().len(),
            "requests": mock.requests(),
        })),
        (&Method::GET, ["redpackets", mch_id, mch_billno]) => {
            mock.red_packet(mch_id, mch_billno).map(|packet| describe(&packet)).ok_or_else(|| not_found(path))
        }
        (&Method::POST, ["redpackets", mch_id, mch_billno, action]) => {
            check_admin_header(request)?;
            let action = parse(action, details(request)?).ok_or_else(|| not_found(path))??;
            mock.act(mch_id, mch_billno, &action).map(|packet| describe(&packet)).map_err(refuse)
        }
        _ => Err(not_found(path)),
    }
}

fn details(request: &Request<Bytes>) -> Result<Details, Refused> {
    if request.body().is_empty() {
        return Ok(Details::default());
    }
    serde_json::from_slice(request.body()).map_err(|error| bad_request(error.to_string()))
}

/// `None` where there is no such action.
fn parse(action: &str, details: Details) -> Option<Result<Action, Refused>> {
    let action = match (action, details) {
        ("claim", Details { openid, reason: None }) => Action::Claim { openid },
        ("fail", Details { openid: None, reason }) => Action::Fail { reason },
        ("settle", Details { openid: None, reason: None }) => Action::Settle,
        ("expire", Details { openid: None, reason: None }) => Action::Expire,
        ("refund", Details { openid: None, reason: None }) => Action::Refund,
        ("claim" | "fail" | "settle" | "expire" | "refund", _) => {
            return Some(Err(bad_request("a detail that this action does not have".to_owned())));
        }
        _ => return None,
    };
    Some(Ok(action))
}

fn bad_request(message: String) -> Refused {
    Refused {
        status: StatusCode::BAD_REQUEST,
        code: "bad_request",
        message,
        hint: "claim takes {\"openid\"}, fail takes {\"reason\"}, both optional; the others take nothing",
        allowed: None,
    }
}

fn describe(packet: &RedPacket) -> Value {
    let history: Vec<_> = packet
        .history
        .iter()
        .map(|(at, status)| json!({"at": at.to_string(), "status": status.to_wire().as_str()}))
        .collect();
    let claim = |claim: &Claim| json!({"openid": claim.openid, "at": claim.at.to_string()});
    let share = |share: &Share| json!({"amount": share.amount.0, "claim": share.claim.as_ref().map(claim)});
    json!({
        "mch_id": packet.key.mch_id,
        "mch_billno": packet.key.mch_billno,
        "kind": match packet.kind {
            Kind::Normal => "NORMAL",
            Kind::MiniProgram => "MINI_PROGRAM",
            Kind::Group => "GROUP",
            Kind::WorkWeixin => "WORK_WEIXIN",
        },
        "payer": packet.payer,
        "wxappid": packet.wxappid,
        "re_openid": packet.re_openid,
        "total_amount": packet.amount.0,
        "shares": packet.shares.iter().map(share).collect::<Vec<_>>(),
        "send_listid": packet.send_listid,
        "status": packet.status.to_wire().as_str(),
        "reason": packet.reason,
        "history": history,
    })
}

/// A page in a browser can be made to call a name that leads to this machine; it cannot choose the `Host` it sends.
fn check_host(request: &Request<Bytes>) -> Result<(), Refused> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name =
        host.parse::<http::uri::Authority>().map(|authority| authority.host().to_owned()).unwrap_or_default();
    if is_loopback(&name) || name.eq_ignore_ascii_case("host.docker.internal") {
        return Ok(());
    }
    Err(Refused {
        status: StatusCode::FORBIDDEN,
        code: "host_not_allowed",
        message: "the Host header names no loopback address".to_owned(),
        hint: "call 127.0.0.1 or localhost",
        allowed: None,
    })
}

/// A form in a browser cannot set this header.
fn check_admin_header(request: &Request<Bytes>) -> Result<(), Refused> {
    if request.headers().get("x-mock-admin").is_some_and(|value| value == "1") {
        return Ok(());
    }
    Err(Refused {
        status: StatusCode::FORBIDDEN,
        code: "admin_header_missing",
        message: "a call that changes something needs the header X-Mock-Admin: 1".to_owned(),
        hint: "add the header",
        allowed: None,
    })
}

fn not_found(path: &str) -> Refused {
    Refused {
        status: StatusCode::NOT_FOUND,
        code: "not_found",
        message: format!("nothing at /__mock{path}"),
        hint: "GET health, GET redpackets/MCH_ID/MCH_BILLNO, POST redpackets/MCH_ID/MCH_BILLNO/{settle,claim,expire,refund,fail}",
        allowed: None,
    }
}

fn refuse(error: ActionError) -> Refused {
    let (status, code, allowed) = match &error {
        ActionError::NotFound(_) => (StatusCode::NOT_FOUND, "not_found", None),
        ActionError::Illegal { status, .. } => {
            (StatusCode::CONFLICT, "illegal_transition", Some(status.allowed()))
        }
        _ => (StatusCode::CONFLICT, "refused", None),
    };
    let hint = "GET the packet to see its status and history";
    Refused { status, code, message: error.to_string(), hint, allowed }
}
