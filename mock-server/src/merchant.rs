//! The merchants of a mock: how one is made, and used by a test.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use wechatpay_proto::rule::{Rule, Violation};
use wechatpay_proto::wire::Value;
use wechatpay_proto::{AgentSecret, ApiKey, Merchant, Mode};

use crate::account::{Account, Former, TestSecret};
use crate::clock::Time;
use crate::engine::Engine;
use crate::fault::Mistaken;
use crate::mock::{Mock, MockError};
use crate::packet::{Action, ActionError, RedPacket};
use crate::rules::RuleBook;
use crate::transport::InProcess;

mod spec;

pub(crate) use spec::describe;
pub use spec::{FormerKey, MerchantMode, MerchantSpec};

/// A merchant to be added to a mock.
#[derive(Clone, Debug)]
#[must_use]
pub struct MerchantBuilder {
    mock: Mock,
    spec: MerchantSpec,
}

impl MerchantBuilder {
    fn with(mut self, change: impl FnOnce(&mut MerchantSpec)) -> Self {
        change(&mut self.spec);
        self
    }

    /// The merchant number: 1 to 32 of `[0-9A-Za-z]`. Made-up ones start with 99.
    pub fn mch_id(self, mch_id: impl Into<String>) -> Self {
        self.with(|spec| spec.mch_id = Some(mch_id.into()))
    }

    /// The API key: 32 visible ASCII characters. Never give a real one. Made-up ones start with `mock`.
    pub fn key(self, key: impl Into<String>) -> Self {
        self.with(|spec| spec.key = Some(key.into()))
    }

    /// The secret of its work-weixin application: 1 to 128 visible ASCII characters. Never give a real one.
    pub fn agent_secret(self, secret: impl Into<String>) -> Self {
        self.with(|spec| spec.agent_secret = Some(secret.into()))
    }

    /// An appid that is bound to the merchant; may be said more than once. Made up if never.
    pub fn appid(self, appid: impl Into<String>) -> Self {
        self.with(|spec| spec.appids.push(appid.into()))
    }

    /// The opening balance in fen. 1000000.
    pub fn balance_fen(self, balance_fen: u64) -> Self {
        self.with(|spec| spec.balance_fen = Some(balance_fen))
    }

    /// Makes it a service provider.
    pub fn service_provider(self) -> Self {
        self.with(|spec| spec.mode = MerchantMode::Partner)
    }

    /// Makes it a sub-merchant of a service provider.
    pub fn under(self, provider: &MockMerchant) -> Self {
        self.with(|spec| spec.under = Some(provider.mch_id().to_owned()))
    }

    /// Leaves the product 现金红包 closed.
    pub fn product_closed(self) -> Self {
        self.with(|spec| spec.product_closed = true)
    }

    /// Restricts the addresses that may call over a socket.
    pub fn allowed_ips(self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.with(|spec| spec.allowed_ips = Some(addresses.into_iter().collect()))
    }

    /// A switch that this merchant has for itself.
    pub fn rule(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|spec| drop(spec.rules.insert(name.into(), value.into())))
    }

    /// Adds the merchant.
    pub fn create(self) -> Result<MockMerchant, MockError> {
        let account = self.mock.with_engine(|engine| create(engine, self.spec))?;
        Ok(MockMerchant { mock: self.mock, account })
    }
}

/// Adds a merchant to a world.
pub(crate) fn create(engine: &mut Engine, spec: MerchantSpec) -> Result<Account, MockError> {
    let seed = engine.seed;
    let mch_id = spec.mch_id.unwrap_or_else(|| free_number(engine));
    let key = TestSecret(spec.key.unwrap_or_else(|| seed.key(&mch_id)));
    let agent_secret = TestSecret(spec.agent_secret.unwrap_or_else(|| seed.agent_secret(&mch_id)));
    let credentials = credentials(&mch_id, spec.mode.into(), &key, &agent_secret)?;
    let made_up = || vec![format!("wx{:016x}", seed.draw("appid", &[&mch_id]))];
    let appids = if spec.appids.is_empty() { made_up() } else { spec.appids };
    check_appids(&appids)?;
    check_provider(engine, spec.under.as_deref())?;
    let balance_fen = spec.balance_fen.unwrap_or(1_000_000);
    let former = spec.former.map(|former| former_key(&credentials, &agent_secret, former)).transpose()?;
    let rules = own_rules(engine, &mch_id, &spec.rules)?;
    let opening = spec.opening_rules.map(|opening| own_rules(engine, &mch_id, &opening)).transpose()?;
    let account = Account {
        credentials,
        key,
        agent_secret,
        appids,
        provider: spec.under,
        product_open: !spec.product_closed,
        allowed_ips: spec.allowed_ips,
        taken_for: spec.certificate,
        former,
        opening_fen: spec.opening_fen.unwrap_or(balance_fen),
        opening_rules: opening.as_ref().unwrap_or(&rules).own(&mch_id),
    };
    if engine.accounts.contains_key(&mch_id) {
        return Err(MockError::Merchant { part: "mch_id", problem: format!("{mch_id} is taken") });
    }
    engine.rules = rules;
    engine.add(account.clone(), balance_fen);
    Ok(account)
}

/// The rules of the world, with those that a merchant has for itself.
fn own_rules(
    engine: &Engine,
    mch_id: &str,
    settings: &BTreeMap<String, String>,
) -> Result<RuleBook, MockError> {
    let mut rules = engine.rules.clone();
    settings.iter().try_for_each(|(name, value)| rules.set(Some(mch_id), name, value))?;
    Ok(rules)
}

pub(crate) fn check_appids(appids: &[String]) -> Result<(), MockError> {
    // With none nothing could be sent; and in a state none means one that is made up.
    if appids.is_empty() {
        let problem = "need one at least".to_owned();
        return Err(MockError::Merchant { part: "appids", problem });
    }
    let rule = Rule::Token { max: 32 };
    let check =
        |appid: &String| rule.check(&Value::Text(appid)).map_err(|violation| refuse("appid", &violation));
    appids.iter().try_for_each(check)
}

fn check_provider(engine: &Engine, provider: Option<&str>) -> Result<(), MockError> {
    let Some(provider) = provider else { return Ok(()) };
    match engine.account(provider).map(|account| account.credentials.mode()) {
        Some(Mode::ServiceProvider) => Ok(()),
        _ => {
            let problem = format!("{provider} is no service provider of this mock");
            Err(MockError::Merchant { part: "under", problem })
        }
    }
}

fn credentials(
    mch_id: &str,
    mode: Mode,
    key: &TestSecret,
    agent_secret: &TestSecret,
) -> Result<Merchant, MockError> {
    let key = ApiKey::new(&key.0).map_err(|error| refuse("key", error.violation()))?;
    let secret =
        AgentSecret::new(&agent_secret.0).map_err(|error| refuse("agent_secret", error.violation()))?;
    let merchant = match mode {
        Mode::Direct => Merchant::direct(mch_id, key),
        Mode::ServiceProvider => Merchant::service_provider(mch_id, key),
    };
    merchant
        .map(|merchant| merchant.with_agent_secret(secret))
        .map_err(|error| refuse("mch_id", error.violation()))
}

fn former_key(
    credentials: &Merchant,
    agent_secret: &TestSecret,
    former: FormerKey,
) -> Result<Former, MockError> {
    let key = TestSecret(former.key);
    let credentials = self::credentials(credentials.mch_id(), credentials.mode(), &key, agent_secret)?;
    Ok(Former { credentials, key, until: former.until })
}

/// The first made-up number that nobody has.
fn free_number(engine: &Engine) -> String {
    let number = |count: u32| format!("99{}", engine.seed.digits("mch_id", &[&count.to_string()], 8));
    (0..).map(number).find(|number| engine.account(number).is_none()).unwrap_or_default()
}

fn refuse(part: &'static str, violation: &Violation) -> MockError {
    MockError::Merchant { part, problem: violation.to_string() }
}

/// A merchant of a mock, with everything that a client needs to be it, as it was when this was made.
#[derive(Clone, Debug)]
pub struct MockMerchant {
    mock: Mock,
    account: Account,
}

impl MockMerchant {
    /// The merchant number.
    pub fn mch_id(&self) -> &str {
        self.account.mch_id()
    }

    /// The API key, in clear: it is a test key.
    pub fn key(&self) -> &str {
        &self.account.key.0
    }

    /// The secret of its work-weixin application, in clear: it is a test secret.
    pub fn agent_secret(&self) -> &str {
        &self.account.agent_secret.0
    }

    /// The first appid bound to the merchant.
    pub fn appid(&self) -> &str {
        self.account.appids.first().map_or("", String::as_str)
    }

    /// Whether it is a service provider.
    pub fn mode(&self) -> Mode {
        self.account.credentials.mode()
    }

    /// The merchant as the core wants it, ready to sign.
    pub fn credentials(&self) -> Merchant {
        self.account.credentials.clone()
    }

    /// A transport that hands requests to the mock without a socket, with this merchant's certificate where the
    /// request asks for it.
    pub fn transport(&self) -> InProcess {
        InProcess::new(self.mock.clone(), self.mch_id())
    }

    /// Its packet with this number.
    pub fn red_packet(&self, mch_billno: &str) -> Option<RedPacket> {
        self.mock.red_packet(self.mch_id(), mch_billno)
    }

    /// Has the receiver claim a packet.
    pub fn claim(&self, mch_billno: &str) -> Result<RedPacket, ActionError> {
        self.mock.act(self.mch_id(), mch_billno, &Action::Claim { openid: None })
    }

    /// Puts money into its balance.
    pub fn top_up(&self, fen: u64) {
        self.mock.with_engine(|engine| engine.ledger.top_up(self.mch_id(), fen));
    }

    /// Its balance in fen, without what is reserved.
    pub fn balance_fen(&self) -> u64 {
        self.mock.ledger_of(|ledger| ledger.balance(self.mch_id()))
    }

    /// What it has reserved for orders that were taken and are not decided yet, in fen.
    pub fn reserved_fen(&self) -> u64 {
        self.mock.ledger_of(|ledger| ledger.reserved(self.mch_id()))
    }

    /// Gives it another API key; the one before is good for `grace` more. The merchant with its new key.
    pub fn rotate_key(&self, key: Option<String>, grace: Duration) -> Result<Self, MockError> {
        self.mock.rotate_key(self.mch_id(), key, grace)
    }

    /// Has the service take its certificate for something else, or for what it is.
    pub fn take_certificate_for(&self, mistaken: Option<Mistaken>) -> Result<(), MockError> {
        self.mock.take_certificate_for(self.mch_id(), mistaken)
    }
}

/// What a test can do to merchants, by their numbers.
impl Mock {
    /// A merchant to be added; every part that is not given is made up.
    pub fn merchant(&self) -> MerchantBuilder {
        MerchantBuilder { mock: self.clone(), spec: MerchantSpec::default() }
    }

    /// Adds a merchant as it is described.
    pub fn add_merchant(&self, spec: MerchantSpec) -> Result<MockMerchant, MockError> {
        MerchantBuilder { mock: self.clone(), spec }.create()
    }

    /// The merchants of this world.
    pub fn merchants(&self) -> Vec<MockMerchant> {
        let accounts: Vec<_> = self.with_engine(|engine| engine.accounts.values().cloned().collect());
        accounts.into_iter().map(|account| MockMerchant { mock: self.clone(), account }).collect()
    }

    /// How a merchant is described, with what it has now.
    pub fn merchant_spec(&self, mch_id: &str) -> Option<MerchantSpec> {
        self.with_engine(|engine| engine.account(mch_id).map(|account| describe(engine, account)))
    }

    /// Puts money into a balance.
    pub fn top_up(&self, mch_id: &str, fen: u64) -> Result<(), MockError> {
        self.with_engine(|engine| {
            let known = engine.accounts.contains_key(mch_id);
            known
                .then(|| engine.ledger.top_up(mch_id, fen))
                .ok_or_else(|| MockError::unknown_merchant(mch_id))
        })
    }

    /// Sets a balance; what is reserved stays.
    pub fn set_balance(&self, mch_id: &str, fen: u64) -> Result<(), MockError> {
        self.with_engine(|engine| {
            let known = engine.accounts.contains_key(mch_id);
            known
                .then(|| engine.ledger.set_balance(mch_id, fen))
                .ok_or_else(|| MockError::unknown_merchant(mch_id))
        })
    }

    /// Binds other appids to a merchant in place of those that are; at least one.
    pub fn set_appids(&self, mch_id: &str, appids: Vec<String>) -> Result<(), MockError> {
        check_appids(&appids)?;
        self.change_account(mch_id, |account| account.appids = appids)
    }

    /// Opens or closes the product 现金红包 for a merchant.
    pub fn set_product_open(&self, mch_id: &str, open: bool) -> Result<(), MockError> {
        self.change_account(mch_id, |account| account.product_open = open)
    }

    /// Restricts the addresses that may call over a socket, or no longer.
    pub fn set_allowed_ips(&self, mch_id: &str, addresses: Option<Vec<IpAddr>>) -> Result<(), MockError> {
        self.change_account(mch_id, |account| account.allowed_ips = addresses)
    }

    /// Gives a merchant another API key; the one before is good for `grace` more. The merchant with its new key.
    pub fn rotate_key(
        &self,
        mch_id: &str,
        key: Option<String>,
        grace: Duration,
    ) -> Result<MockMerchant, MockError> {
        let until = self.now().after(grace);
        let account = self.with_engine(|engine| rotate_key(engine, mch_id, key, until))?;
        Ok(MockMerchant { mock: self.clone(), account })
    }

    /// Has the service take a merchant's certificate for something else, or for what it is.
    pub fn take_certificate_for(&self, mch_id: &str, mistaken: Option<Mistaken>) -> Result<(), MockError> {
        self.change_account(mch_id, |account| account.taken_for = mistaken)
    }
}

/// Gives a merchant another key.
fn rotate_key(
    engine: &mut Engine,
    mch_id: &str,
    key: Option<String>,
    until: Time,
) -> Result<Account, MockError> {
    let seed = engine.seed;
    let account = engine.accounts.get_mut(mch_id).ok_or_else(|| MockError::unknown_merchant(mch_id))?;
    // Drawn from the key before, so that each rotation gives another.
    let key = TestSecret(key.unwrap_or_else(|| seed.key(&format!("{mch_id} after {}", account.key.0))));
    let credentials = credentials(mch_id, account.credentials.mode(), &key, &account.agent_secret)?;
    let credentials = std::mem::replace(&mut account.credentials, credentials);
    let key = std::mem::replace(&mut account.key, key);
    account.former = Some(Former { credentials, key, until });
    Ok(account.clone())
}
