//! The commands to a server that runs, each one call of its admin API.

use std::fmt::Write as _;
use std::io;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::commands::{
    ClockAction, FaultsAction, Packet, PacketAction, RemoteCommand, RequestsAction, Scope, Target,
};
use super::failure::Failure;
use super::secrets::mask;
use super::table;

/// Makes the call that a command stands for.
pub(crate) fn ask(command: &RemoteCommand) -> Result<(), Failure> {
    match command {
        RemoteCommand::Health(target) => get(target, "/health"),
        RemoteCommand::Reset { mch_id, scope, target } => {
            post(target, "/reset", &reset(mch_id.as_deref(), scope))
        }
        RemoteCommand::Clock { action, target } => clock(target, action.as_ref()),
        RemoteCommand::Faults { action, target } => faults(target, action),
        RemoteCommand::Requests { action, target } => requests(target, action),
        RemoteCommand::Redpacket { action, target } => packet(target, action),
        RemoteCommand::Verify { expectation, target } => verify(target, &document(expectation)?),
    }
}

fn reset(mch_id: Option<&str>, scope: &[Scope]) -> Value {
    let scope = match (scope, mch_id) {
        ([], None) => &[Scope::State, Scope::Requests, Scope::Faults, Scope::Clock][..],
        // The clock is everybody's.
        ([], Some(_)) => &[Scope::State, Scope::Requests, Scope::Faults][..],
        (given, _) => given,
    };
    let scope: Vec<_> = scope.iter().map(|scope| scope.name()).collect();
    mch_id.map_or_else(|| json!({ "scope": scope }), |mch_id| json!({"scope": scope, "mch_id": mch_id}))
}

fn get(target: &Target, path: &str) -> Result<(), Failure> {
    send(target, Method::GET, path, None)
}

fn post(target: &Target, path: &str, body: &Value) -> Result<(), Failure> {
    send(target, Method::POST, path, Some(body))
}

fn send(target: &Target, method: Method, path: &str, body: Option<&Value>) -> Result<(), Failure> {
    target.print(&target.call(method, path, body)?)
}

fn clock(target: &Target, action: Option<&ClockAction>) -> Result<(), Failure> {
    match action {
        None | Some(ClockAction::Show) => get(target, "/clock"),
        Some(ClockAction::Advance { by }) => post(target, "/clock/advance", &json!({ "by": by })),
        Some(ClockAction::Next) => send(target, Method::POST, "/clock/advance-to-next", None),
        Some(ClockAction::Set { clock }) => {
            super::values::clock(clock).map_err(Failure::usage)?;
            let body = match clock.strip_prefix("frozen:") {
                Some(now) => json!({"mode": "frozen", "now": now}),
                None => json!({ "mode": clock }),
            };
            send(target, Method::PUT, "/clock", Some(&body))
        }
    }
}

fn faults(target: &Target, action: &FaultsAction) -> Result<(), Failure> {
    match action {
        FaultsAction::Ls => get(target, "/faults"),
        FaultsAction::Add { rule } => post(target, "/faults", &document(rule)?),
        FaultsAction::Rm { id } => send(target, Method::DELETE, &format!("/faults/{}", encode(id)), None),
        FaultsAction::Catalogue => get(target, "/faults/catalogue"),
    }
}

fn requests(target: &Target, action: &RequestsAction) -> Result<(), Failure> {
    match action {
        RequestsAction::Ls { mch_id, path, verdict, limit } => {
            let limit = limit.map(|limit| limit.to_string());
            let query = [("mch_id", mch_id), ("path", path), ("verdict", verdict), ("limit", &limit)];
            let given = query.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
            let pairs: Vec<_> = given.map(|(name, value)| format!("{name}={}", encode(value))).collect();
            let mark = if pairs.is_empty() { "" } else { "?" };
            let path = format!("/requests{mark}{}", pairs.join("&"));
            target.print_as(&target.call(Method::GET, &path, None)?, table::requests)
        }
        RequestsAction::Show { id } => get(target, &format!("/requests/{}", encode(id))),
        RequestsAction::Curl { id } => get(target, &format!("/requests/{}/curl", encode(id))),
    }
}

fn packet(target: &Target, action: &PacketAction) -> Result<(), Failure> {
    let act = |packet: &Packet, action: &str, details: Value| {
        post(target, &format!("{}/{action}", path_of(packet)), &details)
    };
    match action {
        PacketAction::Show(packet) => get(target, &path_of(packet)),
        PacketAction::Settle(packet) => act(packet, "settle", json!({})),
        PacketAction::Claim { openid, packet } => act(packet, "claim", said("openid", openid.as_deref())),
        PacketAction::Expire(packet) => act(packet, "expire", json!({})),
        PacketAction::Refund(packet) => act(packet, "refund", json!({})),
        PacketAction::Fail { reason, packet } => act(packet, "fail", said("reason", reason.as_deref())),
    }
}

fn path_of(packet: &Packet) -> String {
    format!("/redpackets/{}/{}", encode(&packet.mch_id), encode(&packet.mch_billno))
}

fn said(name: &str, value: Option<&str>) -> Value {
    value.map_or_else(|| json!({}), |value| json!({ name: value }))
}

fn verify(target: &Target, expectation: &Value) -> Result<(), Failure> {
    let answer = target.call(Method::POST, "/verify", Some(expectation))?;
    if answer.status == StatusCode::UNPROCESSABLE_ENTITY {
        target.show(&answer)?;
        return Err(Failure::verification("the requests are not as they should be"));
    }
    target.print(&answer)
}

/// JSON from the command line, or from stdin.
fn document(text: &str) -> Result<Value, Failure> {
    let wrong = |error: serde_json::Error| Failure::usage(format!("not JSON: {}", mask(&error.to_string())));
    if text == "-" {
        return serde_json::from_reader(io::stdin().lock()).map_err(wrong);
    }
    serde_json::from_str(text).map_err(wrong)
}

/// Text as it may stand in a path or a query.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_a_path() {
        assert_eq!(encode("req_000012"), "req_000012");
        assert_eq!(encode("../a?b=红"), "..%2Fa%3Fb%3D%E7%BA%A2");
    }
}
