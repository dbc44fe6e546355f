//! The merchants that a mock knows.

use std::collections::BTreeMap;
use std::net::IpAddr;

use wechatpay_proto::Merchant;

use crate::clock::Time;
use crate::fault::Mistaken;

/// One merchant, as the platform knows it. The money is in the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Who it is to the core: its number, key and mode.
    pub(crate) credentials: Merchant,
    /// The key in clear, because it is a test key that its owner must be told.
    pub(crate) key: TestSecret,
    /// The secret of its work-weixin application, in clear for the same reason.
    pub(crate) agent_secret: TestSecret,
    pub(crate) appids: Vec<String>,
    /// The service provider that this one is a sub-merchant of.
    pub(crate) provider: Option<String>,
    /// Whether 现金红包 is opened on the platform.
    pub(crate) product_open: bool,
    /// The addresses that may call; `None` for all.
    pub(crate) allowed_ips: Option<Vec<IpAddr>>,
    /// What its certificate is taken for, whatever the certificate itself says.
    pub(crate) taken_for: Option<Mistaken>,
    /// The key before, which is good until then.
    pub(crate) former: Option<Former>,
    /// What a reset takes its balance back to, in fen.
    pub(crate) opening_fen: u64,
    /// What a reset takes its own switches back to.
    pub(crate) opening_rules: BTreeMap<String, String>,
}

/// A key that was replaced.
#[derive(Clone, Debug)]
pub(crate) struct Former {
    pub(crate) credentials: Merchant,
    pub(crate) key: TestSecret,
    pub(crate) until: Time,
}

impl Account {
    pub(crate) fn mch_id(&self) -> &str {
        self.credentials.mch_id()
    }

    /// The merchant with each key that is good now.
    pub(crate) fn keys(&self, now: Time) -> impl Iterator<Item = &Merchant> {
        let former = self.former.iter().filter(move |former| now < former.until);
        std::iter::once(&self.credentials).chain(former.map(|former| &former.credentials))
    }

    pub(crate) fn has_appid(&self, appid: &str) -> bool {
        self.appids.iter().any(|own| own == appid)
    }
}

/// A secret of a merchant of a mock. `Debug` shows the last four characters of a long one only.
#[derive(Clone)]
pub(crate) struct TestSecret(pub(crate) String);

impl std::fmt::Debug for TestSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = self.0.len().checked_sub(4).filter(|end| *end >= 28);
        write!(f, "TestSecret(…{})", end.and_then(|end| self.0.get(end..)).unwrap_or_default())
    }
}
