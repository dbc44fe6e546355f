//! The ways to change a world and to look at it: the methods of a mock, and the admin API over plain HTTP. Both tell
//! the same in the same words.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::{Value, json};
use wechatpay_mock_server::{
    Action, Clock, Event, FaultRule, Filter, Fired, Mistaken, Mock, RedPacket, Scope, UserFlag,
    parse_duration,
};

use crate::raw::{LIMIT, body, request, status, talk};

pub(super) trait Hand {
    /// What happened, as `<time> <order> <what>`.
    fn advance(&self, by: &str) -> Vec<String>;
    fn set_clock(&self, now: &str);
    fn arm(&self, rule: &Value) -> Result<(), String>;
    fn disarm(&self, mch_id: &str) -> u64;
    fn act(
        &self,
        mch_id: &str,
        mch_billno: &str,
        action: &str,
        openid: Option<&str>,
    ) -> Result<String, String>;
    fn set_user(&self, mch_id: &str, openid: &str, flags: &[&str]);
    /// For a merchant alone, or for all.
    fn set_rule(&self, mch_id: Option<&str>, name: &str, value: &str) -> Result<(), String>;
    fn top_up(&self, mch_id: &str, fen: u64);
    /// As its certificate is taken for; `ok` for what it is.
    fn take_certificate_for(&self, mch_id: &str, state: &str);
    fn balance(&self, mch_id: &str) -> u64;
    fn reserved(&self, mch_id: &str) -> u64;
    fn packet(&self, mch_id: &str, mch_billno: &str) -> Value;
    /// The records that fit, the oldest first. The conditions are those of a query string.
    fn journal(&self, mch_id: &str, query: &str) -> Vec<Value>;
    /// Until so many requests are in the journal.
    fn wait(&self, mch_id: &str, count: usize);
    fn reset(&self, mch_id: &str, scope: &[&str]);
}

fn told(fired: &Fired) -> String {
    let what = match fired.event {
        Event::Moved(status) => json!(status),
        Event::Arrived { applied, .. } => json!(applied),
        ref other => panic!("{other:?}"),
    };
    format!("{} {} {what}", json!(fired.at), fired.key.mch_billno)
}

fn packet(packet: &RedPacket) -> Value {
    let history: Vec<_> =
        packet.history.iter().map(|(at, status)| json!({"at": at, "status": status})).collect();
    let shares: Vec<_> = packet
        .shares
        .iter()
        .map(|share| {
            let claim = share.claim.as_ref().map(|claim| json!({"openid": claim.openid, "at": claim.at}));
            json!({"amount": share.amount.0, "claim": claim})
        })
        .collect();
    json!({
        "status": packet.status, "reason": packet.reason, "send_listid": packet.send_listid,
        "due": packet.due, "taken": packet.taken, "history": history, "shares": shares,
    })
}

impl Hand for Mock {
    fn advance(&self, by: &str) -> Vec<String> {
        self.advance(parse_duration(by).unwrap()).iter().map(told).collect()
    }

    fn set_clock(&self, now: &str) {
        self.set_clock(Clock::parse(&format!("frozen:{now}")).unwrap());
    }

    fn arm(&self, rule: &Value) -> Result<(), String> {
        let rule: FaultRule = serde_json::from_value(rule.clone()).map_err(|error| error.to_string())?;
        self.arm(rule).map(drop).map_err(|error| error.to_string())
    }

    fn disarm(&self, mch_id: &str) -> u64 {
        self.disarm_all(Some(mch_id)) as u64
    }

    fn act(
        &self,
        mch_id: &str,
        mch_billno: &str,
        action: &str,
        openid: Option<&str>,
    ) -> Result<String, String> {
        let action = match action {
            "settle" => Action::Settle,
            "claim" => Action::Claim { openid: openid.map(str::to_owned) },
            "expire" => Action::Expire,
            "refund" => Action::Refund,
            _ => Action::Fail { reason: None },
        };
        let packet = self.act(mch_id, mch_billno, &action).map_err(|error| error.to_string())?;
        Ok(json!(packet.status).as_str().unwrap().to_owned())
    }

    fn set_user(&self, mch_id: &str, openid: &str, flags: &[&str]) {
        let flags = flags.iter().map(|flag| UserFlag::parse(flag).unwrap()).collect();
        self.set_user(Some(mch_id), openid, flags);
    }

    fn set_rule(&self, mch_id: Option<&str>, name: &str, value: &str) -> Result<(), String> {
        self.set_rule(mch_id, name, value).map_err(|error| error.to_string())
    }

    fn top_up(&self, mch_id: &str, fen: u64) {
        self.top_up(mch_id, fen).unwrap();
    }

    fn take_certificate_for(&self, mch_id: &str, state: &str) {
        let state: Option<Mistaken> = (state != "ok").then(|| serde_json::from_value(state.into()).unwrap());
        self.take_certificate_for(mch_id, state).unwrap();
    }

    fn balance(&self, mch_id: &str) -> u64 {
        self.ledger().balance(mch_id)
    }

    fn reserved(&self, mch_id: &str) -> u64 {
        self.ledger().reserved(mch_id)
    }

    fn packet(&self, mch_id: &str, mch_billno: &str) -> Value {
        self.red_packet(mch_id, mch_billno).as_ref().map(packet).unwrap_or_default()
    }

    fn journal(&self, mch_id: &str, query: &str) -> Vec<Value> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let filter = Filter::from_pairs(pairs).unwrap().merchant(mch_id);
        let records = self.journal().filter(filter).all();
        records.iter().rev().map(|record| json!(**record)).collect()
    }

    fn wait(&self, mch_id: &str, count: usize) {
        self.wait_for(count, &Filter::default().merchant(mch_id), LIMIT).unwrap();
    }

    fn reset(&self, mch_id: &str, scope: &[&str]) {
        let scopes: BTreeSet<Scope> = serde_json::from_value(json!(scope)).unwrap();
        self.reset(&scopes, Some(mch_id));
    }
}

/// The admin API at this address.
pub(super) struct Admin(pub(super) SocketAddr);

impl Admin {
    fn ask(&self, call: &str, given: &Value) -> Result<Value, String> {
        let (method, path) = call.split_once(' ').unwrap();
        let given = if given.is_null() { String::new() } else { given.to_string() };
        let headers = "X-Mock-Admin: 1\r\nConnection: close\r\n";
        let answer = talk(self.0, request(&format!("{method} /__mock{path}"), headers, &given));
        let value: Value = serde_json::from_str(body(&answer)).unwrap();
        match status(&answer) {
            200 | 201 => Ok(value),
            _ => Err(value["error"]["message"].as_str().unwrap().to_owned()),
        }
    }

    #[track_caller]
    fn told(&self, call: &str, given: &Value) -> Value {
        self.ask(call, given).unwrap_or_else(|error| panic!("{call} {given}: {error}"))
    }
}

impl Hand for Admin {
    fn advance(&self, by: &str) -> Vec<String> {
        let clock = self.told("POST /clock/advance", &json!({"by": by}));
        let told = |fired: &Value| {
            let effect = &fired["effect"];
            let what = effect.get("applied").unwrap_or(effect);
            format!("{} {} {what}", fired["at"], fired["entity"]["mch_billno"].as_str().unwrap())
        };
        clock["fired"].as_array().unwrap().iter().map(told).collect()
    }

    fn set_clock(&self, now: &str) {
        self.told("PUT /clock", &json!({"mode": "frozen", "now": now}));
    }

    fn arm(&self, rule: &Value) -> Result<(), String> {
        self.ask("POST /faults", rule).map(drop)
    }

    fn disarm(&self, mch_id: &str) -> u64 {
        self.told(&format!("DELETE /faults?mch_id={mch_id}"), &Value::Null)["disarmed"].as_u64().unwrap()
    }

    fn act(
        &self,
        mch_id: &str,
        mch_billno: &str,
        action: &str,
        openid: Option<&str>,
    ) -> Result<String, String> {
        let given = openid.map(|openid| json!({"openid": openid})).unwrap_or_default();
        let packet = self.ask(&format!("POST /redpackets/{mch_id}/{mch_billno}/{action}"), &given)?;
        Ok(packet["status"].as_str().unwrap().to_owned())
    }

    fn set_user(&self, mch_id: &str, openid: &str, flags: &[&str]) {
        self.told(&format!("PUT /users/{openid}"), &json!({"mch_id": mch_id, "flags": flags}));
    }

    fn set_rule(&self, mch_id: Option<&str>, name: &str, value: &str) -> Result<(), String> {
        self.ask("PATCH /rules", &json!({"mch_id": mch_id, "rules": {name: value}})).map(drop)
    }

    fn top_up(&self, mch_id: &str, fen: u64) {
        self.told(&format!("POST /merchants/{mch_id}/topup"), &json!({"fen": fen}));
    }

    fn take_certificate_for(&self, mch_id: &str, state: &str) {
        self.told(&format!("POST /merchants/{mch_id}/cert"), &json!({"state": state}));
    }

    fn balance(&self, mch_id: &str) -> u64 {
        self.told(&format!("GET /merchants/{mch_id}"), &Value::Null)["balance_fen"].as_u64().unwrap()
    }

    fn reserved(&self, mch_id: &str) -> u64 {
        self.told(&format!("GET /merchants/{mch_id}"), &Value::Null)["reserved_fen"].as_u64().unwrap()
    }

    fn packet(&self, mch_id: &str, mch_billno: &str) -> Value {
        let found = self.ask(&format!("GET /redpackets/{mch_id}/{mch_billno}"), &Value::Null);
        let Ok(packet) = found else { return Value::Null };
        let names = ["status", "reason", "send_listid", "due", "taken", "history", "shares"];
        names.into_iter().map(|name| (name.to_owned(), packet[name].clone())).collect()
    }

    fn journal(&self, mch_id: &str, query: &str) -> Vec<Value> {
        let page = self.told(&format!("GET /requests?mch_id={mch_id}&limit=1000&{query}"), &Value::Null);
        page["requests"].as_array().unwrap().iter().rev().cloned().collect()
    }

    fn wait(&self, mch_id: &str, count: usize) {
        let millis = LIMIT.as_millis();
        let call = format!("GET /requests/wait?mch_id={mch_id}&count={count}&timeout_ms={millis}");
        self.told(&call, &Value::Null);
    }

    fn reset(&self, mch_id: &str, scope: &[&str]) {
        self.told("POST /reset", &json!({"mch_id": mch_id, "scope": scope}));
    }
}
