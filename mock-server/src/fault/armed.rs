//! The faults that are armed, and which of them a request or a connection meets: the newest first. What a rule counts
//! and draws, it counts and draws for each merchant by itself, so that nobody disturbs anybody else.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, header};
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use wechatpay_proto::wire::Fields;

use super::in_band::{InBand, ScriptState};
use super::make::sends;
use super::{Chosen, Fault, FaultError, FaultPatch, FaultRule, check};
use crate::clock::Time;
use crate::engine::Window;
use crate::outcome::{Admission, Hello};
use crate::seed::Seed;

/// The most faults that are armed at once.
const MAX_ARMED: usize = 1000;
/// The longest number of a merchant in bytes; a longer one is none, and counts as such.
pub(super) const MAX_MCH_ID: usize = 32;

/// What is known of a request when a fault is looked for.
pub(crate) struct Facts<'a> {
    pub(crate) request: &'a Request<Bytes>,
    /// Its fields; none where it is no document.
    pub(crate) fields: &'a Fields<'a>,
}

impl Facts<'_> {
    pub(super) fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// The merchant that the request names; empty where it names none.
    pub(super) fn merchant(&self) -> &str {
        self.fields.get("mch_id").filter(|mch_id| mch_id.len() <= MAX_MCH_ID).unwrap_or_default()
    }

    /// The host that the request names, without its port.
    fn host(&self) -> Option<&str> {
        let header = || self.request.headers().get(header::HOST)?.to_str().ok();
        let host = self.request.uri().host().or_else(header)?;
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(name),
            _ => Some(host),
        }
    }
}

/// The faults that are armed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// How many were ever armed: the number of the last.
    last: u64,
    /// How many of these named a merchant, by the merchant, or none.
    ordinals: BTreeMap<String, u64>,
    /// In the order in which they were armed.
    armed: Vec<Armed>,
    pub(crate) in_band: InBand,
}

#[derive(Clone, Debug)]
struct Armed {
    state: ArmedState,
    patterns: Vec<(String, Regex)>,
}

/// Everything about faults that a file can keep. To arm rules of one's own, there is `arm` beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultsState {
    last: u64,
    ordinals: BTreeMap<String, u64>,
    armed: Vec<ArmedState>,
    in_band: bool,
    scripts: Vec<ScriptState>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArmedState {
    id: u64,
    /// Its number among the rules that name the same merchant: what it draws by, so that rules of others, armed at the
    /// same time, change nothing.
    ordinal: u64,
    rule: FaultRule,
    enabled: bool,
    armed: Time,
    /// When its time began, which a patch begins anew.
    since: Time,
    counts: BTreeMap<String, Count>,
}

/// What a rule has counted for one merchant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    /// Requests, or connections, for which all conditions held.
    matches: u64,
    /// Those that met the fault.
    hits: u64,
    /// Of a rate limit: when those were that it let pass a moment ago.
    #[serde(default, skip_serializing_if = "Window::is_empty")]
    passed: Window,
}

/// A fault that is armed, and what it has done so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArmedFault {
    /// Its number.
    pub id: u64,
    /// The rule, as it is now.
    pub rule: FaultRule,
    /// Since when it is armed.
    pub armed: Time,
    /// Whether it strikes at all.
    pub enabled: bool,
    /// Whether its time is over.
    pub expired: bool,
    /// How often its conditions held.
    pub matches: u64,
    /// How often it struck.
    pub hits: u64,
    /// How often it can still strike the merchant that it has struck most; `None` for no limit.
    pub remaining: Option<u64>,
}

impl Faults {
    /// Arms a fault, in front of all others, and gives it a number.
    pub(crate) fn arm(&mut self, now: Time, rule: FaultRule) -> Result<u64, FaultError> {
        if self.armed.len() >= MAX_ARMED {
            return Err(FaultError::TooMany { most: MAX_ARMED });
        }
        let id = self.last.saturating_add(1);
        let whose = rule.when.mch_id.clone().unwrap_or_default();
        let ordinal = self.ordinals.get(&whose).copied().unwrap_or_default().saturating_add(1);
        let counts = BTreeMap::new();
        let state = ArmedState { id, ordinal, rule, enabled: true, armed: now, since: now, counts };
        self.armed.push(Armed::new(state)?);
        self.last = id;
        self.ordinals.insert(whose, ordinal);
        Ok(id)
    }

    /// All that are armed, the newest first.
    pub(crate) fn list(&self, now: Time) -> Vec<ArmedFault> {
        self.armed.iter().rev().map(|armed| armed.state.tell(now)).collect()
    }

    pub(crate) fn get(&self, now: Time, id: u64) -> Option<ArmedFault> {
        self.armed.iter().find(|armed| armed.state.id == id).map(|armed| armed.state.tell(now))
    }

    /// Changes one that is armed; nothing, where the rule would not be allowed then.
    pub(crate) fn patch(&mut self, now: Time, id: u64, patch: &FaultPatch) -> Result<ArmedFault, FaultError> {
        let armed = self.armed.iter_mut().find(|armed| armed.state.id == id);
        let armed = armed.ok_or(FaultError::Unknown { id })?;
        let mut state = armed.state.clone();
        state.rule.when.times = patch.times.or(state.rule.when.times);
        state.rule.when.probability = patch.probability.or(state.rule.when.probability);
        if patch.ttl.is_some() {
            state.rule.ttl = patch.ttl;
            state.since = now;
        }
        state.enabled = patch.enabled.unwrap_or(state.enabled);
        *armed = Armed::new(state)?;
        Ok(armed.state.tell(now))
    }

    /// Takes one away; `false` where there is none.
    pub(crate) fn disarm(&mut self, id: u64) -> bool {
        let before = self.armed.len();
        self.armed.retain(|armed| armed.state.id != id);
        self.armed.len() != before
    }

    /// Takes all away, or those that name a merchant; says how many.
    pub(crate) fn disarm_all(&mut self, mch_id: Option<&str>) -> usize {
        let before = self.armed.len();
        self.armed.retain(|armed| mch_id.is_some() && armed.state.rule.when.mch_id.as_deref() != mch_id);
        before - self.armed.len()
    }

    pub(crate) fn state(&self) -> FaultsState {
        FaultsState {
            last: self.last,
            ordinals: self.ordinals.clone(),
            armed: self.armed.iter().map(|armed| armed.state.clone()).collect(),
            in_band: self.in_band.on,
            scripts: self.in_band.state(),
        }
    }

    /// The same faults again. A file may have been written by hand, so all rules are judged anew.
    pub(crate) fn from_state(state: FaultsState) -> Result<Self, FaultError> {
        if state.armed.len() > MAX_ARMED {
            return Err(FaultError::TooMany { most: MAX_ARMED });
        }
        let armed = state.armed.into_iter().map(Armed::new).collect::<Result<Vec<_>, _>>()?;
        let last = armed.iter().map(|armed| armed.state.id).fold(state.last, u64::max);
        Ok(Self {
            last,
            ordinals: state.ordinals,
            armed,
            in_band: InBand::from_state(state.in_band, state.scripts),
        })
    }

    /// The fault that a request meets: the one that it asks for itself; else the first that matches, the newest first.
    /// Counts the match.
    pub(crate) fn choose(&mut self, now: Time, seed: Seed, facts: &Facts<'_>) -> Option<Chosen> {
        if let Some(chosen) = self.in_band.choose(facts) {
            return Some(chosen);
        }
        self.armed.iter_mut().rev().filter(|armed| armed.matches(now, facts)).find_map(|armed| {
            let draw = armed.state.meet(now, seed, facts.merchant())?;
            Some(Chosen {
                id: armed.state.id,
                fault: armed.state.rule.then.clone(),
                plan: armed.state.rule.commit,
                draw,
                sends: sends(facts.path()),
                complaint: None,
            })
        })
    }

    /// What a connection meets before it can bring a request.
    pub(crate) fn admit(&mut self, now: Time, seed: Seed, hello: &Hello) -> Admission {
        let met =
            self.armed.iter_mut().rev().filter(|armed| armed.state.matches_connection(now, hello)).find_map(
                |armed| {
                    armed.state.meet(now, seed, "")?;
                    match armed.state.rule.then {
                        Fault::Refuse => Some(Admission::Refuse),
                        Fault::Silence => Some(Admission::Silence),
                        Fault::Tls { how } => Some(Admission::Flawed(how)),
                        _ => None,
                    }
                },
            );
        met.unwrap_or(Admission::Welcome)
    }
}

impl Default for FaultsState {
    fn default() -> Self {
        Faults::default().state()
    }
}

impl Armed {
    fn new(state: ArmedState) -> Result<Self, FaultError> {
        let patterns = check::check(&state.rule)?;
        Ok(Self { state, patterns })
    }

    /// Whether all conditions hold for a request.
    fn matches(&self, now: Time, facts: &Facts<'_>) -> bool {
        let FaultRule { when, then, .. } = &self.state.rule;
        let path = |path: &str| check::path(path).is_ok_and(|path| path == facts.path());
        self.state.is_live(now)
            && !then.strikes_connections()
            && when.path.as_deref().is_none_or(path)
            && then.misfit(facts.path()).is_none()
            && when.mch_id.as_deref().is_none_or(|mch_id| facts.fields.get("mch_id") == Some(mch_id))
            && when.host.as_deref().is_none_or(|host| is_host(facts.host(), host))
            && self
                .patterns
                .iter()
                .all(|(name, pattern)| facts.fields.get(name).is_some_and(|value| pattern.is_match(value)))
    }
}

impl ArmedState {
    /// Whether it is neither switched off, nor out of its time.
    fn is_live(&self, now: Time) -> bool {
        let in_time = |(from, until): (Time, Time)| from <= now && now < until;
        self.enabled && !self.is_expired(now) && self.rule.when.between.is_none_or(in_time)
    }

    fn is_expired(&self, now: Time) -> bool {
        self.rule.ttl.is_some_and(|ttl| now >= self.since.after(ttl))
    }

    /// Whether all conditions hold for a connection.
    fn matches_connection(&self, now: Time, hello: &Hello) -> bool {
        let FaultRule { when, then, .. } = &self.rule;
        self.is_live(now)
            && then.strikes_connections()
            && (hello.tls || !matches!(then, Fault::Tls { .. }))
            && when.server_name.as_deref().is_none_or(|name| is_host(hello.server_name.as_deref(), name))
    }

    /// Counts a match, and says what is drawn for it if it is one that the fault strikes.
    fn meet(&mut self, now: Time, seed: Seed, merchant: &str) -> Option<u64> {
        let (ordinal, when) = (self.ordinal.to_string(), &self.rule.when);
        let whose = when.mch_id.as_deref().unwrap_or_default();
        let count = self.counts.entry(merchant.to_owned()).or_default();
        count.matches = count.matches.saturating_add(1);
        let index = count.matches.to_string();
        let draw = |purpose| seed.draw(purpose, &[whose, &ordinal, merchant, &index]);
        let selected = (when.nth.is_empty() || when.nth.contains(&count.matches))
            && when.every.is_none_or(|every| count.matches.is_multiple_of(every))
            && when.probability.is_none_or(|probability| happens(draw("fault"), probability));
        if !selected || when.times.is_some_and(|times| count.hits >= times) {
            return None;
        }
        match self.rule.then {
            Fault::RateLimit { most, per } if count.passed.count(now, most, per) => return None,
            _ => {}
        }
        count.hits = count.hits.saturating_add(1);
        Some(draw("fault shape"))
    }

    fn tell(&self, now: Time) -> ArmedFault {
        let sum = |count: fn(&Count) -> u64| self.counts.values().map(count).fold(0, u64::saturating_add);
        let most = self.counts.values().map(|count| count.hits).max().unwrap_or_default();
        ArmedFault {
            id: self.id,
            rule: self.rule.clone(),
            armed: self.armed,
            enabled: self.enabled,
            expired: self.is_expired(now),
            matches: sum(|count| count.matches),
            hits: sum(|count| count.hits),
            remaining: self.rule.when.times.map(|times| times.saturating_sub(most)),
        }
    }
}

/// A draw as a number from 0 on, and below 1: 53 bits of it, which a float holds exactly.
pub(super) fn unit(draw: u64) -> f64 {
    (draw >> 11) as f64 / (1_u64 << 53) as f64
}

/// Never with 0, always with 1.
fn happens(draw: u64, probability: f64) -> bool {
    unit(draw) < probability
}

fn is_host(named: Option<&str>, host: &str) -> bool {
    named.is_some_and(|named| named.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests;
