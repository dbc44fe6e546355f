//! The rule: when a fault strikes, which, what becomes of the money, and for how long.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Fault;
use crate::clock::Time;
use crate::span;

mod strict;

/// The most numbers that `nth` takes.
pub(super) const MAX_NTH: usize = 64;

/// When a fault strikes, which, what becomes of the money, and for how long. It is judged when it is armed.
///
/// ```
/// use wechatpay_mock_server::{Fault, FaultRule};
/// let rule = Fault::err("SYSTEMERROR").not_applied().on("sendredpack").nth(1..=2);
/// let json = r#"{"when":{"path":"sendredpack","nth":[1,2]},
///     "then":{"fault":"err_code","code":"SYSTEMERROR"},"commit":"not_applied"}"#;
/// assert_eq!(rule, serde_json::from_str::<FaultRule>(json).unwrap());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[must_use = "a rule does nothing until it is armed"]
pub struct FaultRule {
    /// Which requests, or connections, meet it.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    /// What they meet.
    #[serde(deserialize_with = "strict::fault")]
    pub then: Fault,
    /// What becomes of a request whose answer is hidden or falsified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Plan>,
    /// How long it stays armed, by the mock's clock; for ever without it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "span::option")]
    pub ttl: Option<Duration>,
}

/// Which requests, or connections, meet a fault: all conditions that are given must hold. `nth`, `every` and
/// `probability` choose among those for which they do, counted for each merchant by itself; one of the three at most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct When {
    /// The endpoint: its path, or the last part of it, such as `sendredpack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The merchant that the request names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mch_id: Option<String>,
    /// The host that the request names, without a port; letter case does not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The host that the TLS handshake names; letter case does not matter. For faults of connections only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Fields of the request, each with a regular expression that must be found in its value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// The first, the second and so on.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "strict::one_or_many")]
    pub nth: Vec<u64>,
    /// Every second, every third and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Each with this probability, 0 to 1, drawn from the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// How often at most, for each merchant by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// From when, and until before when, by the mock's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<(Time, Time)>,
}

impl When {
    fn is_always(&self) -> bool {
        *self == Self::default()
    }
}

/// What becomes of a request whose answer is hidden or falsified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// It is carried out.
    Applied,
    /// It is not.
    NotApplied,
    /// It is carried out so much later.
    Later(#[serde(with = "span")] Duration),
}

/// What is changed about a fault that is armed. What is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FaultPatch {
    /// How often at most, for each merchant by itself; what has struck before counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The probability, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// How long it stays armed, from now on.
    #[serde(skip_serializing_if = "Option::is_none", with = "span::option")]
    pub ttl: Option<Duration>,
    /// Whether it strikes at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl From<Fault> for FaultRule {
    fn from(then: Fault) -> Self {
        Self { when: When::default(), then, commit: None, ttl: None }
    }
}

impl FaultRule {
    /// A fault that every request meets, or every connection.
    pub fn new(then: Fault) -> Self {
        then.into()
    }

    /// Only at this endpoint: its path, or the last part of it.
    pub fn on(mut self, path: impl Into<String>) -> Self {
        self.when.path = Some(path.into());
        self
    }

    /// Only for this merchant.
    pub fn merchant(mut self, mch_id: impl Into<String>) -> Self {
        self.when.mch_id = Some(mch_id.into());
        self
    }

    /// Only where the request names this host.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.when.host = Some(host.into());
        self
    }

    /// Only where the TLS handshake names this host.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.when.server_name = Some(name.into());
        self
    }

    /// Only where the field has something in it that the regular expression finds.
    pub fn field(mut self, name: impl Into<String>, regex: impl Into<String>) -> Self {
        self.when.fields.insert(name.into(), regex.into());
        self
    }

    /// Only the first, the second and so on of each merchant: `[1]`, `1..=2`.
    pub fn nth(mut self, nth: impl IntoIterator<Item = u64>) -> Self {
        // One more than is allowed is enough to be refused for.
        self.when.nth = nth.into_iter().take(MAX_NTH + 1).collect();
        self
    }

    /// Only every second, every third and so on of each merchant.
    pub fn every(mut self, every: u64) -> Self {
        self.when.every = Some(every);
        self
    }

    /// Each with this probability, 0 to 1.
    pub fn probability(mut self, probability: f64) -> Self {
        self.when.probability = Some(probability);
        self
    }

    /// At most so often for each merchant.
    pub fn times(mut self, times: u64) -> Self {
        self.when.times = Some(times);
        self
    }

    /// Only from `from` on, and before `until`.
    pub fn between(mut self, from: Time, until: Time) -> Self {
        self.when.between = Some((from, until));
        self
    }

    /// The requests are carried out.
    pub fn applied(self) -> Self {
        Self { commit: Some(Plan::Applied), ..self }
    }

    /// The requests are not carried out.
    pub fn not_applied(self) -> Self {
        Self { commit: Some(Plan::NotApplied), ..self }
    }

    /// The requests are carried out so much later.
    pub fn later(self, after: Duration) -> Self {
        Self { commit: Some(Plan::Later(after)), ..self }
    }

    /// Stays armed for so long.
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..self }
    }
}
