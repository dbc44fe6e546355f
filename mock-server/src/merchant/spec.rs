//! Merchants as JSON describes them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use wechatpay_proto::Mode;

use crate::account::Account;
use crate::clock::Time;
use crate::engine::Engine;
use crate::fault::Mistaken;

/// A merchant as JSON describes it. Every part may be left out, and is made up then.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MerchantSpec {
    /// The merchant number: 1 to 32 of `[0-9A-Za-z]`. Made-up ones start with 99.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mch_id: Option<String>,
    /// The API key: 32 visible ASCII characters. Never give a real one. Made-up ones start with `mock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The secret of its work-weixin application: 1 to 128 visible ASCII characters. Never give a real one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_secret: Option<String>,
    /// The appids that are bound to it.
    pub appids: Vec<String>,
    /// Its balance in fen. 1000000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance_fen: Option<u64>,
    /// What a reset takes its balance back to; `balance_fen` where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opening_fen: Option<u64>,
    /// Whether it is a service provider.
    pub mode: MerchantMode,
    /// The service provider that it is a sub-merchant of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
    /// Whether the product 现金红包 is closed for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub product_closed: bool,
    /// The addresses that may call over a socket; all where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_ips: Option<Vec<IpAddr>>,
    /// What its certificate is taken for, whatever the certificate itself says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Mistaken>,
    /// The switches that it has for itself.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, String>,
    /// What a reset takes these back to; `rules` where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opening_rules: Option<BTreeMap<String, String>>,
    /// The key before, which is good until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former: Option<FormerKey>,
}

/// A key that was replaced.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormerKey {
    /// The key.
    pub key: String,
    /// Until when it is good.
    pub until: Time,
}

/// Whether a merchant acts for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MerchantMode {
    /// It does.
    #[default]
    Merchant,
    /// It is a service provider, which acts for sub-merchants.
    Partner,
}

impl From<MerchantMode> for Mode {
    fn from(mode: MerchantMode) -> Self {
        match mode {
            MerchantMode::Merchant => Self::Direct,
            MerchantMode::Partner => Self::ServiceProvider,
        }
    }
}

impl From<Mode> for MerchantMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Direct => Self::Merchant,
            Mode::ServiceProvider => Self::Partner,
        }
    }
}

impl fmt::Debug for MerchantSpec {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MerchantSpec")
            .field("mch_id", &self.mch_id)
            .field("appids", &self.appids)
            .field("balance_fen", &self.balance_fen)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FormerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormerKey(until {})", self.until)
    }
}

/// How a merchant of a world is described, so that it could be made again.
pub(crate) fn describe(engine: &Engine, account: &Account) -> MerchantSpec {
    let rules = engine.rules.own(account.mch_id());
    MerchantSpec {
        mch_id: Some(account.mch_id().to_owned()),
        key: Some(account.key.0.clone()),
        agent_secret: Some(account.agent_secret.0.clone()),
        appids: account.appids.clone(),
        balance_fen: Some(engine.ledger.balance(account.mch_id())),
        opening_fen: Some(account.opening_fen),
        mode: account.credentials.mode().into(),
        under: account.provider.clone(),
        product_closed: !account.product_open,
        allowed_ips: account.allowed_ips.clone(),
        certificate: account.taken_for,
        opening_rules: Some(&account.opening_rules).filter(|opening| **opening != rules).cloned(),
        rules,
        former: account
            .former
            .as_ref()
            .map(|former| FormerKey { key: former.key.0.clone(), until: former.until }),
    }
}
