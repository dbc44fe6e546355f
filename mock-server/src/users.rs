//! The users, as far as something about them is in the way of a packet. Those that nobody told of are fine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Something about a user that is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum UserFlag {
    /// The account is abnormal: NO_AUTH.
    RiskBlocked,
    /// The account has no verified name: NO_AUTH.
    NotRealName,
    /// It takes so many packets of one merchant in a day: SENDNUM_LIMIT.
    DailyCap(u32),
    /// It is not of the appid that is named: OPENID_ERROR.
    ForeignOpenid,
}

impl UserFlag {
    /// Reads `risk_blocked`, `not_realname`, `daily_cap:1` or `foreign_openid`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("daily_cap:").map(str::parse)) {
            ("risk_blocked", _) => Ok(Self::RiskBlocked),
            ("not_realname", _) => Ok(Self::NotRealName),
            ("foreign_openid", _) => Ok(Self::ForeignOpenid),
            (_, Some(Ok(cap))) => Ok(Self::DailyCap(cap)),
            _ => Err(format!(
                "unknown flag {text:?}: there are risk_blocked, not_realname, daily_cap:<packets>, foreign_openid"
            )),
        }
    }
}

impl std::fmt::Display for UserFlag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RiskBlocked => f.write_str("risk_blocked"),
            Self::NotRealName => f.write_str("not_realname"),
            Self::DailyCap(cap) => write!(f, "daily_cap:{cap}"),
            Self::ForeignOpenid => f.write_str("foreign_openid"),
        }
    }
}

impl Serialize for UserFlag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UserFlag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What was told of users: to everybody, or to one merchant alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Users {
    told: BTreeMap<(Option<String>, String), Vec<UserFlag>>,
}

impl Users {
    /// Replaces what was told of a user; without flags the user is fine again.
    pub(crate) fn put(&mut self, mch_id: Option<&str>, openid: &str, flags: Vec<UserFlag>) {
        let key = (mch_id.map(str::to_owned), openid.to_owned());
        if flags.is_empty() {
            self.told.remove(&key);
        } else {
            self.told.insert(key, flags);
        }
    }

    /// What is in the way of a packet of this merchant to this user.
    pub(crate) fn flags(&self, mch_id: &str, openid: &str) -> impl Iterator<Item = UserFlag> {
        let told = |whose: Option<&str>| self.told.get(&(whose.map(str::to_owned), openid.to_owned()));
        [told(None), told(Some(mch_id))].into_iter().flatten().flatten().copied()
    }

    /// Everything that was told.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Option<&str>, &str, &[UserFlag])> {
        self.told
            .iter()
            .map(|((mch_id, openid), flags)| (mch_id.as_deref(), openid.as_str(), flags.as_slice()))
    }

    /// Forgets what was told, of one merchant alone or of all.
    pub(crate) fn forget(&mut self, mch_id: Option<&str>) {
        self.told.retain(|(whose, _), _| mch_id.is_some() && whose.as_deref() != mch_id);
    }
}
