//! A whole world as JSON: to be saved and read back, to begin with, to be put in place of another.
//!
//! Every part but the version may be left out. What can be worked out from the rest is not in it.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};
use wechatpay_proto::Fen;

use crate::arrival::Arrival;
use crate::clock::{Clock, Time};
use crate::engine::{Engine, Late, Recent};
use crate::fault::{FaultRule, Faults, FaultsState};
use crate::ledger::Ledger;
use crate::merchant::{self, MerchantSpec};
use crate::mock::MockError;
use crate::outcome::RequestId;
use crate::packet::{Claim, Hold, Kind, OrderKey, RedPacket, Share, Status};
use crate::rules::Rules;
use crate::seed::Seed;
use crate::users::UserFlag;

/// The version of the schema that this crate writes; it reads this one and no other.
pub const STATE_VERSION: u32 = 1;

/// A world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct State {
    /// The version of the schema: 1.
    pub version: u32,
    /// Where ids come from.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The clock: how it goes and what it shows.
    #[serde(default)]
    pub clock: Option<ClockState>,
    /// The switches; those that are left out stay as the world began with them.
    #[serde(default)]
    pub rules: BTreeMap<String, String>,
    /// The merchants, service providers before those under them.
    #[serde(default)]
    pub merchants: Vec<MerchantSpec>,
    /// What was told of users.
    #[serde(default)]
    pub users: Vec<UserState>,
    /// The packets.
    #[serde(default)]
    pub red_packets: Vec<PacketState>,
    /// The requests that are on their way.
    #[serde(default)]
    pub late: Vec<LateState>,
    /// The faults that are armed.
    #[serde(default)]
    pub faults: FaultsState,
    /// Faults to be armed besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arm: Vec<FaultRule>,
    /// The sends of the last second, for each merchant.
    #[serde(default)]
    pub recent: BTreeMap<String, Recent>,
    /// How many requests were answered.
    #[serde(default)]
    pub requests: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: STATE_VERSION,
            seed: None,
            clock: None,
            rules: BTreeMap::new(),
            merchants: Vec::new(),
            users: Vec::new(),
            red_packets: Vec::new(),
            late: Vec::new(),
            faults: FaultsState::default(),
            arm: Vec::new(),
            recent: BTreeMap::new(),
            requests: 0,
        }
    }
}

/// How a clock goes and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockState {
    /// `real`, `frozen` or `scaled:<speed>`.
    pub mode: String,
    /// What it shows. A real clock that shows another time than the system's stays as far ahead of it.
    #[serde(default)]
    pub now: Option<Time>,
}

/// What was told of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserState {
    /// The user.
    pub openid: String,
    /// The one merchant that it concerns; all where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mch_id: Option<String>,
    /// What is in the way of packets.
    pub flags: Vec<UserFlag>,
}

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are those of RedPacket")]
pub struct PacketState {
    pub mch_id: String,
    pub mch_billno: String,
    pub kind: Kind,
    pub payer: String,
    pub wxappid: String,
    pub re_openid: String,
    pub total_amount: u32,
    pub shares: Vec<ShareState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_header_media_id: Option<String>,
    pub send_listid: String,
    #[serde(default)]
    pub fingerprint: String,
    #[serde(default)]
    pub reason: Option<String>,
    pub last_attempt: Time,
    /// Every status it had, and since when; the last is the present one.
    pub history: Vec<HistoryState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// When it moves on by itself.
    #[serde(default)]
    pub due: Option<Time>,
}

/// One part of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareState {
    /// In fen.
    pub amount: u32,
    /// Who has it.
    #[serde(default)]
    pub claim: Option<ClaimState>,
}

/// Who has a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimState {
    /// The user.
    pub openid: String,
    /// Since when.
    pub at: Time,
}

/// A status that a packet had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryState {
    /// Since when.
    pub at: Time,
    /// Which.
    pub status: Status,
}

/// A request that is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateState {
    /// When it arrives.
    pub at: Time,
    /// Its number.
    pub id: RequestId,
    /// Its path.
    pub path: String,
    /// Its body, in Base64.
    pub body_b64: String,
    /// How it came.
    pub arrival: Arrival,
}

/// Why a state cannot be taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It is no JSON of the schema.
    #[error("not a state: {0}")]
    Json(String),
    /// It is of another version.
    #[error("the state has version {0}; this build reads version {STATE_VERSION}")]
    Version(u32),
    /// A part of it cannot be.
    #[error("{part}: {problem}")]
    Part {
        /// Which, such as `red_packets[3].history`.
        part: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl StateError {
    fn part(part: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self::Part { part: part.into(), problem: problem.to_string() }
    }
}

impl State {
    /// Reads JSON.
    pub fn from_json(json: &[u8]) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let json_error = |error: serde_json::Error| StateError::Json(error.to_string());
        // The version first: a state of another one may have other fields.
        let Version { version } = serde_json::from_slice(json).map_err(json_error)?;
        if version != STATE_VERSION {
            return Err(StateError::Version(version));
        }
        serde_json::from_slice(json).map_err(json_error)
    }

    /// Writes JSON, for people too.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// What a world is now.
    pub(crate) fn of(engine: &Engine, clock: &Clock, now: Time) -> Self {
        Self {
            version: STATE_VERSION,
            seed: Some(engine.seed.0),
            clock: Some(ClockState { mode: clock.mode(), now: Some(now) }),
            rules: switches(engine.rules.world()),
            merchants: merchants(engine),
            users: engine.users.all().map(user).collect(),
            red_packets: engine.ledger.packets().map(packet).collect(),
            late: engine.schedule.all().map(|(at, late)| late_state(at, late)).collect(),
            faults: engine.faults.state(),
            arm: Vec::new(),
            recent: engine.recent.clone(),
            requests: engine.requests,
        }
    }

    /// The world that it describes, on rules and a seed that it may not name.
    pub(crate) fn build(self, seed: Seed, rules: Rules, now: Time) -> Result<Engine, StateError> {
        let mut engine = Engine::new(self.seed.map_or(seed, Seed), rules);
        for (name, value) in &self.rules {
            let part = || format!("rules.{name}");
            engine.rules.set(None, name, value).map_err(|error| StateError::part(part(), error))?;
        }
        for (index, spec) in self.merchants.into_iter().enumerate() {
            let part = |error: MockError| StateError::part(format!("merchants[{index}]"), error);
            merchant::create(&mut engine, spec).map_err(part)?;
        }
        for UserState { openid, mch_id, flags } in self.users {
            engine.users.put(mch_id.as_deref(), &openid, flags);
        }
        for (index, state) in self.red_packets.into_iter().enumerate() {
            let part = format!("red_packets[{index}]");
            restore_packet(&mut engine.ledger, state).map_err(|problem| StateError::part(part, problem))?;
        }
        for (index, state) in self.late.into_iter().enumerate() {
            let part = |problem: String| StateError::part(format!("late[{index}]"), problem);
            let (at, late) = restore_late(state).map_err(part)?;
            engine.schedule.put(at, late);
        }
        engine.faults = Faults::from_state(self.faults).map_err(|error| StateError::part("faults", error))?;
        for (index, rule) in self.arm.into_iter().enumerate() {
            let part = |error| StateError::part(format!("arm[{index}]"), error);
            engine.faults.arm(now, rule).map_err(part)?;
        }
        engine.recent = self.recent;
        engine.requests = self.requests;
        Ok(engine)
    }
}

impl ClockState {
    /// The clock that it describes.
    pub(crate) fn clock(&self) -> Result<Clock, StateError> {
        let wrong = |error: MockError| StateError::part("clock", error);
        let clock = match (self.mode.as_str(), self.now) {
            ("frozen", Some(now)) => Clock::Frozen(now),
            ("frozen", None) => return Err(StateError::part("clock.now", "a frozen clock needs a time")),
            (mode, _) => Clock::parse(mode).map_err(wrong)?,
        };
        Ok(self.now.map_or(clock, |now| clock.showing(now)))
    }
}

fn switches(rules: &Rules) -> BTreeMap<String, String> {
    rules.switches().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Service providers come before those under them.
fn merchants(engine: &Engine) -> Vec<MerchantSpec> {
    let (under, own): (Vec<_>, Vec<_>) =
        engine.accounts.values().partition(|account| account.provider.is_some());
    own.into_iter().chain(under).map(|account| merchant::describe(engine, account)).collect()
}

fn user((mch_id, openid, flags): (Option<&str>, &str, &[UserFlag])) -> UserState {
    UserState { openid: openid.to_owned(), mch_id: mch_id.map(str::to_owned), flags: flags.to_vec() }
}

fn packet(packet: &RedPacket) -> PacketState {
    let claim = |claim: &Claim| ClaimState { openid: claim.openid.clone(), at: claim.at };
    let share = |share: &Share| ShareState { amount: share.amount.0, claim: share.claim.as_ref().map(claim) };
    PacketState {
        mch_id: packet.key.mch_id.clone(),
        mch_billno: packet.key.mch_billno.clone(),
        kind: packet.kind,
        payer: packet.payer.clone(),
        wxappid: packet.wxappid.clone(),
        re_openid: packet.re_openid.clone(),
        total_amount: packet.amount.0,
        shares: packet.shares.iter().map(share).collect(),
        sender_name: packet.sender_name.clone(),
        sender_header_media_id: packet.sender_header_media_id.clone(),
        send_listid: packet.send_listid.clone(),
        fingerprint: packet.fingerprint.clone(),
        reason: packet.reason.clone(),
        last_attempt: packet.last_attempt,
        history: packet.history.iter().map(|&(at, status)| HistoryState { at, status }).collect(),
        hold: packet.hold,
        due: packet.due,
    }
}

/// Puts a packet back as it was. The balances are those of the merchants: nothing is debited again.
fn restore_packet(ledger: &mut Ledger, state: PacketState) -> Result<(), String> {
    let claim = |claim: ClaimState| Claim { openid: claim.openid, at: claim.at };
    let shares: Vec<_> = state
        .shares
        .into_iter()
        .map(|share| Share { amount: Fen(share.amount), claim: share.claim.map(claim) })
        .collect();
    let sum: u64 = shares.iter().map(|share| u64::from(share.amount.0)).sum();
    if shares.is_empty() || sum != u64::from(state.total_amount) {
        return Err(format!("the shares are {sum} fen together, total_amount is {}", state.total_amount));
    }
    let history: Vec<_> = state.history.iter().map(|entry| (entry.at, entry.status)).collect();
    let (Some((created, Status::Sending)), Some((_, status))) = (history.first(), history.last()) else {
        return Err("history begins with SENDING".to_owned());
    };
    let packet = RedPacket {
        key: OrderKey::new(&state.mch_id, &state.mch_billno),
        kind: state.kind,
        payer: state.payer,
        wxappid: state.wxappid,
        re_openid: state.re_openid,
        amount: Fen(state.total_amount),
        shares,
        sender_name: state.sender_name,
        sender_header_media_id: state.sender_header_media_id,
        send_listid: state.send_listid,
        fingerprint: state.fingerprint,
        status: *status,
        reason: state.reason,
        created: *created,
        last_attempt: state.last_attempt,
        history,
        hold: state.hold,
        due: state.due,
    };
    ledger.put_back(packet)
}

fn late_state(at: Time, late: &Late) -> LateState {
    LateState {
        at,
        id: late.id,
        path: late.request.uri().path().to_owned(),
        body_b64: STANDARD.encode(late.request.body()),
        arrival: late.arrival.clone(),
    }
}

fn restore_late(state: LateState) -> Result<(Time, Late), String> {
    let body = STANDARD.decode(&state.body_b64).map_err(|error| format!("body_b64: {error}"))?;
    let request =
        Request::post(&state.path).body(Bytes::from(body)).map_err(|error| format!("path: {error}"))?;
    Ok((state.at, Late { id: state.id, request, arrival: state.arrival }))
}
