//! The merchants that a mock knows.

use std::net::IpAddr;

use wechatpay_proto::Merchant;

/// One merchant, as the platform knows it. The money is in the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Who it is to the core: its number, key and mode.
    pub(crate) credentials: Merchant,
    /// The key in clear, because it is a test key that its owner must be told.
    pub(crate) key: TestKey,
    pub(crate) appids: Vec<String>,
    /// The service provider that this one is a sub-merchant of.
    pub(crate) provider: Option<String>,
    /// Whether 现金红包 is opened on the platform.
    pub(crate) product_open: bool,
    /// The addresses that may call; `None` for all.
    pub(crate) allowed_ips: Option<Vec<IpAddr>>,
}

impl Account {
    pub(crate) fn mch_id(&self) -> &str {
        self.credentials.mch_id()
    }

    pub(crate) fn has_appid(&self, appid: &str) -> bool {
        self.appids.iter().any(|own| own == appid)
    }
}

/// The API key of a merchant of a mock. `Debug` shows its last four characters only.
#[derive(Clone)]
pub(crate) struct TestKey(pub(crate) String);

impl std::fmt::Debug for TestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TestKey(…{})", self.0.get(28..).unwrap_or_default())
    }
}
