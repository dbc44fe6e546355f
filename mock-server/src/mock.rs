//! The handle on one world: what tests hold in their hands.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use wechatpay_proto::rule::Rule;
use wechatpay_proto::wire::Value;
use wechatpay_proto::{AgentSecret, ApiKey, Merchant, Mode};

use crate::account::{Account, TestSecret};
use crate::arrival::Arrival;
use crate::clock::{Clock, Time};
use crate::engine::{Engine, Fired};
use crate::ledger::Ledger;
use crate::outcome::{Admission, Hello, Outcome};
use crate::packet::{Action, ActionError, OrderKey, RedPacket};
use crate::rules::Rules;
use crate::seed::Seed;
use crate::transport::InProcess;

/// What a mock cannot be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MockError {
    /// Not a time.
    #[error("{text:?} is not a time: RFC 3339 is needed, such as 2026-01-01T09:00:00+08:00")]
    Time {
        /// What was given.
        text: String,
    },
    /// No clock.
    #[error("{text:?} is no clock: there are real, frozen:<RFC 3339> and scaled:<speed>, 0.001 to 1000000")]
    Clock {
        /// What was given.
        text: String,
    },
    /// A part of a merchant is not what it must be.
    #[error("merchant: {part} {problem}")]
    Merchant {
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// One world of merchants, money and packets, with its own clock and seed. Clones share it.
#[derive(Clone)]
pub struct Mock {
    world: Arc<Mutex<World>>,
}

struct World {
    clock: Clock,
    /// The latest time that anything happened at: time never goes back by itself.
    latest: Time,
    engine: Engine,
}

impl World {
    fn now(&mut self) -> Time {
        self.latest = self.latest.max(self.clock.now());
        self.latest
    }
}

/// What a mock starts with.
#[derive(Clone, Debug)]
#[must_use]
pub struct MockBuilder {
    seed: u64,
    clock: Clock,
    rules: Rules,
}

impl Mock {
    /// A mock with seed 0, a frozen clock and the default rules, unless told otherwise.
    pub fn builder() -> MockBuilder {
        MockBuilder { seed: 0, clock: Clock::default_frozen(), rules: Rules::default() }
    }

    /// A merchant to be added; every part that is not given is made up.
    pub fn merchant(&self) -> MerchantBuilder {
        MerchantBuilder {
            mock: self.clone(),
            mch_id: None,
            key: None,
            agent_secret: None,
            appids: Vec::new(),
            balance_fen: 1_000_000,
            mode: Mode::Direct,
            provider: None,
            product_open: true,
            allowed_ips: None,
        }
    }

    /// Answers one request: the engine itself, for those who bring only bytes.
    pub fn handle(&self, request: &Request<Bytes>, arrival: &Arrival) -> Outcome {
        let mut world = self.world();
        let now = world.now();
        world.engine.handle(now, request, arrival)
    }

    /// What a connection gets before it can bring a request: a skin asks this first.
    pub fn admit(&self, hello: &Hello) -> Admission {
        let mut world = self.world();
        let now = world.now();
        world.engine.admit(now, hello)
    }

    #[cfg(feature = "server")]
    pub(crate) fn refuse_too_large(&self, request: &Request<Bytes>, arrival: &Arrival) -> Outcome {
        let mut world = self.world();
        let now = world.now();
        world.engine.refuse_too_large(now, request, arrival)
    }

    /// The time in this world.
    pub fn now(&self) -> Time {
        self.world().now()
    }

    /// Moves the clock on. Everything that is due happens in order, each at its own time, and is returned.
    pub fn advance(&self, by: Duration) -> Vec<Fired> {
        let mut world = self.world();
        world.clock.advance(by);
        let now = world.now();
        world.engine.run_until(now)
    }

    /// A delay that a caller in-process lives through, if nobody else's clock is to go by it.
    pub(crate) fn pass(&self, delay: Duration) {
        let frozen = matches!(self.world().clock, Clock::Frozen(_));
        if frozen && !delay.is_zero() {
            self.advance(delay);
        }
    }

    /// When the next packet moves on by itself.
    pub fn next_due(&self) -> Option<Time> {
        self.world().engine.next_due()
    }

    /// A copy of all packets and balances as they are now.
    pub fn ledger(&self) -> Ledger {
        self.settled().engine.ledger.clone()
    }

    /// One packet as it is now.
    pub fn red_packet(&self, mch_id: &str, mch_billno: &str) -> Option<RedPacket> {
        let key = OrderKey::new(mch_id, mch_billno);
        self.settled().engine.ledger.packet(&key).cloned()
    }

    /// Does something to a packet: has its receiver claim it, for example.
    pub fn act(&self, mch_id: &str, mch_billno: &str, action: &Action) -> Result<RedPacket, ActionError> {
        let mut world = self.settled();
        let now = world.now();
        let key = OrderKey::new(mch_id, mch_billno);
        world.engine.act(now, &key, action)
    }

    /// The merchants of this world.
    pub fn merchants(&self) -> Vec<MockMerchant> {
        let world = self.world();
        world
            .engine
            .accounts
            .values()
            .map(|account| MockMerchant { mock: self.clone(), account: account.clone() })
            .collect()
    }

    /// The seed it was built with.
    pub fn seed(&self) -> u64 {
        self.world().engine.seed.0
    }

    /// How many requests were answered.
    pub fn requests(&self) -> u64 {
        self.world().engine.requests
    }

    /// The world after everything that is due by now has happened.
    fn settled(&self) -> MutexGuard<'_, World> {
        let mut world = self.world();
        let now = world.now();
        world.engine.run_until(now);
        world
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A panic while the lock is held cannot leave a half-done change: the engine has none that could panic.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mock({} requests)", self.requests())
    }
}

impl MockBuilder {
    /// Where ids come from: the same seed and the same requests of a merchant give the same answers to the byte.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The clock to start with.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The limits, windows and delays.
    pub fn rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// The mock.
    pub fn build(self) -> Mock {
        let engine = Engine::new(Seed(self.seed), self.rules);
        let world = World { clock: self.clock, latest: self.clock.now(), engine };
        Mock { world: Arc::new(Mutex::new(world)) }
    }
}

/// A merchant to be added to a mock.
#[derive(Clone, Debug)]
#[must_use]
pub struct MerchantBuilder {
    mock: Mock,
    mch_id: Option<String>,
    key: Option<TestSecret>,
    agent_secret: Option<TestSecret>,
    appids: Vec<String>,
    balance_fen: u64,
    mode: Mode,
    provider: Option<String>,
    product_open: bool,
    allowed_ips: Option<Vec<IpAddr>>,
}

impl MerchantBuilder {
    /// The merchant number: 1 to 32 of `[0-9A-Za-z]`. Made-up ones start with 99.
    pub fn mch_id(self, mch_id: impl Into<String>) -> Self {
        Self { mch_id: Some(mch_id.into()), ..self }
    }

    /// The API key: 32 visible ASCII characters. Never give a real one. Made-up ones start with `mock`.
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(TestSecret(key.into())), ..self }
    }

    /// The secret of its work-weixin application: 1 to 128 visible ASCII characters. Never give a real one.
    pub fn agent_secret(self, secret: impl Into<String>) -> Self {
        Self { agent_secret: Some(TestSecret(secret.into())), ..self }
    }

    /// An appid that is bound to the merchant; may be said more than once. Made up if never.
    pub fn appid(mut self, appid: impl Into<String>) -> Self {
        self.appids.push(appid.into());
        self
    }

    /// The opening balance in fen. 1000000.
    pub fn balance_fen(self, balance_fen: u64) -> Self {
        Self { balance_fen, ..self }
    }

    /// Makes it a service provider.
    pub fn service_provider(self) -> Self {
        Self { mode: Mode::ServiceProvider, ..self }
    }

    /// Makes it a sub-merchant of a service provider.
    pub fn under(self, provider: &MockMerchant) -> Self {
        Self { provider: Some(provider.mch_id().to_owned()), ..self }
    }

    /// Leaves the product 现金红包 closed.
    pub fn product_closed(self) -> Self {
        Self { product_open: false, ..self }
    }

    /// Restricts the addresses that may call over a socket.
    pub fn allowed_ips(self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self { allowed_ips: Some(addresses.into_iter().collect()), ..self }
    }

    /// Adds the merchant.
    pub fn create(self) -> Result<MockMerchant, MockError> {
        let mut world = self.mock.world();
        let seed = world.engine.seed;
        let mch_id = match self.mch_id {
            Some(mch_id) => mch_id,
            None => free_number(&world.engine),
        };
        let key = self.key.unwrap_or_else(|| TestSecret(seed.key(&mch_id)));
        let agent_secret = self.agent_secret.unwrap_or_else(|| TestSecret(seed.agent_secret(&mch_id)));
        let credentials = credentials(&mch_id, self.mode, &key, &agent_secret)?;
        let appids = if self.appids.is_empty() {
            vec![format!("wx{:016x}", seed.draw("appid", &[&mch_id]))]
        } else {
            self.appids
        };
        for appid in &appids {
            Rule::Token { max: 32 }
                .check(&Value::Text(appid))
                .map_err(|violation| refuse("appid", &violation))?;
        }
        if let Some(provider) = &self.provider {
            let mode = world.engine.account(provider).map(|account| account.credentials.mode());
            if mode != Some(Mode::ServiceProvider) {
                let problem = format!("{provider} is no service provider of this mock");
                return Err(MockError::Merchant { part: "provider", problem });
            }
        }
        let account = Account {
            credentials,
            key,
            agent_secret,
            appids,
            provider: self.provider,
            product_open: self.product_open,
            allowed_ips: self.allowed_ips,
            taken_for: None,
            former: None,
        };
        if !world.engine.add(account.clone(), self.balance_fen) {
            return Err(MockError::Merchant { part: "mch_id", problem: format!("{mch_id} is taken") });
        }
        drop(world);
        Ok(MockMerchant { mock: self.mock, account })
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

/// The first made-up number that nobody has.
fn free_number(engine: &Engine) -> String {
    let number = |count: u32| format!("99{}", engine.seed.digits("mch_id", &[&count.to_string()], 8));
    (0..).map(number).find(|number| engine.account(number).is_none()).unwrap_or_default()
}

fn refuse(part: &'static str, violation: &wechatpay_proto::rule::Violation) -> MockError {
    MockError::Merchant { part, problem: violation.to_string() }
}

/// A merchant of a mock, with everything that a client needs to be it.
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
        self.mock.world().engine.ledger.top_up(self.mch_id(), fen);
    }

    /// Its balance in fen.
    pub fn balance_fen(&self) -> u64 {
        self.mock.settled().engine.ledger.balance(self.mch_id())
    }
}
