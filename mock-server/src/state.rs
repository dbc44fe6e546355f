//! A whole world as JSON: to be saved and read back, to begin with, to be put in place of another.
//!
//! Every part but the version may be left out. What can be worked out from the rest is not in it.

use std::collections::BTreeMap;
use std::{fmt, iter};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::arrival::Arrival;
use crate::clock::{Clock, Time};
use crate::engine::{Engine, Late, Recent};
use crate::fault::{FaultRule, Faults, FaultsState};
use crate::merchant::{self, MerchantSpec};
use crate::mock::MockError;
use crate::outcome::RequestId;
use crate::rules::Rules;
use crate::seed::Seed;
use crate::users::UserFlag;

mod packets;

pub use packets::{ClaimState, HistoryState, PacketState, ShareState};

/// The version of the schema that this crate writes; it reads this one and no other.
pub const STATE_VERSION: u32 = 1;

/// The most requests that a state may speak of: there is room for as many more.
const MAX_REQUESTS: u64 = u64::MAX / 2;

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
    /// What each merchant did a moment ago: its sends and queries of the last second, and its last nonces.
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
            red_packets: engine.ledger.packets().map(PacketState::of).collect(),
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
            let part = |problem: String| StateError::part(format!("red_packets[{index}]"), problem);
            let packet = state.packet(&engine).map_err(part)?;
            engine.ledger.put_back(packet, &engine.rules).map_err(part)?;
        }
        let mut last = self.requests;
        for (index, state) in self.late.into_iter().enumerate() {
            let part = |problem: String| StateError::part(format!("late[{index}]"), problem);
            let (at, late) = restore_late(&mut engine, state).map_err(part)?;
            let id = late.id;
            last = last.max(id.0);
            if !engine.schedule.put(at, late) {
                return Err(part(format!("{id} is there twice")));
            }
        }
        engine.faults = Faults::from_state(self.faults).map_err(|error| StateError::part("faults", error))?;
        for (index, rule) in self.arm.into_iter().enumerate() {
            let part = |error| StateError::part(format!("arm[{index}]"), error);
            engine.faults.arm(now, rule).map_err(part)?;
        }
        engine.recent = self.recent;
        if last > MAX_REQUESTS {
            return Err(StateError::part(
                "requests",
                format!("{last} is too large: nothing could go on from it"),
            ));
        }
        engine.requests = last;
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

/// Service providers come before those under them, who may have some under them in turn.
fn merchants(engine: &Engine) -> Vec<MerchantSpec> {
    let provider = |account: &&Account| account.provider.as_deref().and_then(|mch_id| engine.account(mch_id));
    let mut accounts: Vec<_> = engine.accounts.values().collect();
    accounts.sort_by_key(|account| iter::successors(Some(*account), provider).count());
    accounts.into_iter().map(|account| merchant::describe(engine, account)).collect()
}

fn user((mch_id, openid, flags): (Option<&str>, &str, &[UserFlag])) -> UserState {
    UserState { openid: openid.to_owned(), mch_id: mch_id.map(str::to_owned), flags: flags.to_vec() }
}

fn late_state(at: Time, late: &Late) -> LateState {
    // Of anything but a POST the engine reads no body, and of an authority alone there is no path.
    let body: &[u8] = if late.request.method() == Method::POST { late.request.body() } else { b"" };
    let path = Some(late.request.uri().path()).filter(|path| !path.is_empty()).unwrap_or("/");
    LateState {
        at,
        id: late.id,
        path: path.to_owned(),
        body_b64: STANDARD.encode(body),
        arrival: late.arrival.clone(),
    }
}

fn restore_late(engine: &mut Engine, state: LateState) -> Result<(Time, Late), String> {
    let body = STANDARD.decode(&state.body_b64).map_err(|error| format!("body_b64: {error}"))?;
    let request =
        Request::post(&state.path).body(Bytes::from(body)).map_err(|error| format!("path: {error}"))?;
    let key = engine.key_of(&request);
    Ok((state.at, Late { id: state.id, key, request, arrival: state.arrival }))
}
