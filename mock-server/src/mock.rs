//! The handle on one world: what tests hold in their hands.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;

use crate::arrival::Arrival;
use crate::clock::{Clock, Time};
use crate::engine::{Engine, Fired};
use crate::journal::{Journal, JournalLimits};
use crate::ledger::Ledger;
use crate::outcome::{Admission, Hello, Outcome};
use crate::packet::{Action, ActionError, OrderKey, RedPacket};
use crate::rules::{RuleError, Rules};
use crate::seed::Seed;
use crate::waiting::Arrivals;

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
    /// A switch of a merchant cannot be set.
    #[error("merchant: rules: {0}")]
    Rule(#[from] RuleError),
    /// A part of a merchant is not what it must be.
    #[error("merchant: {part} {problem}")]
    Merchant {
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl MockError {
    pub(crate) fn unknown_merchant(mch_id: &str) -> Self {
        Self::Merchant { part: "mch_id", problem: format!("{mch_id} is not known here") }
    }
}

/// One world of merchants, money and packets, with its own clock and seed. Clones share it.
#[derive(Clone)]
pub struct Mock {
    world: Arc<Mutex<World>>,
    pub(crate) arrivals: Arc<Arrivals>,
}

pub(crate) struct World {
    clock: Clock,
    /// The clock that it began with.
    first_clock: Clock,
    /// The rules that it began with.
    first_rules: Rules,
    /// The latest time that anything happened at: time never goes back by itself.
    latest: Time,
    pub(crate) engine: Engine,
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
    journal: JournalLimits,
    in_band: bool,
}

impl Mock {
    /// A mock with seed 0, a frozen clock and the default rules, unless told otherwise.
    pub fn builder() -> MockBuilder {
        MockBuilder {
            seed: 0,
            clock: Clock::default_frozen(),
            rules: Rules::default(),
            journal: JournalLimits::default(),
            in_band: true,
        }
    }

    /// Answers one request: the engine itself, for those who bring only bytes.
    pub fn handle(&self, request: &Request<Bytes>, arrival: &Arrival) -> Outcome {
        let mut world = self.world();
        let now = world.now();
        let outcome = world.engine.handle(now, request, arrival);
        drop(world);
        self.arrivals.announce();
        outcome
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
        let outcome = world.engine.refuse_too_large(now, request, arrival);
        drop(world);
        self.arrivals.announce();
        outcome
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
        let fired = world.engine.run_until(now);
        drop(world);
        self.arrivals.announce();
        fired
    }

    /// A delay that a caller in-process lives through, if nobody else's clock is to go by it.
    pub(crate) fn pass(&self, delay: Duration) {
        let frozen = matches!(self.world().clock, Clock::Frozen(_));
        if frozen && !delay.is_zero() {
            self.advance(delay);
        }
    }

    /// When the next thing happens by itself: a packet moves on, or a request arrives that a fault held up.
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

    /// The seed it was built with.
    pub fn seed(&self) -> u64 {
        self.world().engine.seed.0
    }

    /// How many requests were answered.
    pub fn requests(&self) -> u64 {
        self.world().engine.requests
    }

    /// The world after everything that is due by now has happened.
    pub(crate) fn settled(&self) -> MutexGuard<'_, World> {
        let mut world = self.world();
        let now = world.now();
        world.engine.run_until(now);
        world
    }

    /// Changes something in the world, after everything that is due by now has happened.
    pub(crate) fn with_engine<R>(&self, change: impl FnOnce(&mut Engine) -> R) -> R {
        change(&mut self.settled().engine)
    }

    /// The same, for what goes by the time.
    pub(crate) fn with_world_mut<R>(&self, change: impl FnOnce(&mut Engine, Time) -> R) -> R {
        let mut world = self.settled();
        let now = world.latest;
        change(&mut world.engine, now)
    }

    pub(crate) fn with_world<R>(&self, read: impl FnOnce(&Engine, &Clock, Time) -> R) -> R {
        let world = self.settled();
        read(&world.engine, &world.clock, world.latest)
    }

    pub(crate) fn clock(&self) -> Clock {
        self.world().clock
    }

    /// Sets the clock. Everything that was due by the old time happens before, so that it does not matter who asked
    /// last; then everything that is due by the new time.
    pub(crate) fn replace_clock(&self, clock: Clock) -> Vec<Fired> {
        let mut world = self.world();
        let now = world.now();
        let mut fired = world.engine.run_until(now);
        world.clock = clock;
        world.latest = clock.now();
        let now = world.latest;
        fired.extend(world.engine.run_until(now));
        drop(world);
        self.arrivals.announce();
        fired
    }

    /// The rules that it began with.
    pub(crate) fn first_rules(&self) -> Rules {
        self.world().first_rules.clone()
    }

    pub(crate) fn reset_clock(&self) {
        let first = self.world().first_clock;
        drop(self.replace_clock(first));
    }

    /// Changes the whole world, on the rules that it began with; the clock too, if all went well.
    pub(crate) fn replace_world<E>(
        &self,
        clock: Option<Clock>,
        change: impl FnOnce(&mut Engine, Rules) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut world = self.world();
        let rules = world.first_rules.clone();
        change(&mut world.engine, rules)?;
        if let Some(clock) = clock {
            world.clock = clock;
            world.latest = clock.now();
        }
        drop(world);
        self.arrivals.announce();
        Ok(())
    }

    pub(crate) fn ledger_of<R>(&self, read: impl FnOnce(&Ledger) -> R) -> R {
        read(&self.settled().engine.ledger)
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
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

    /// How many requests, and how many bytes, the journal keeps. 1000 and 64 MiB.
    pub fn journal(self, journal: JournalLimits) -> Self {
        Self { journal, ..self }
    }

    /// Whether requests may ask for faults themselves, by a header or their `remark`. They may, unless told otherwise.
    pub fn in_band(self, on: bool) -> Self {
        Self { in_band: on, ..self }
    }

    /// The mock.
    pub fn build(self) -> Mock {
        let mut engine = Engine::new(Seed(self.seed), self.rules.clone());
        engine.journal = Journal::new(self.journal);
        engine.faults.in_band.on = self.in_band;
        let world = World {
            clock: self.clock,
            first_clock: self.clock,
            first_rules: self.rules,
            latest: self.clock.now(),
            engine,
        };
        Mock { world: Arc::new(Mutex::new(world)), arrivals: Arc::default() }
    }
}
