//! What a test can do to a world from outside: its clock, its users, its rules, its merchants, all of it at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::clock::{Clock, Time};
use crate::engine::{Engine, Fired};
use crate::fault::{ArmedFault, FaultError, FaultPatch, FaultRule};
use crate::journal::Filter;
use crate::mock::{Mock, MockError};
use crate::packet::{Hold, OrderKey, Status, Until};
use crate::rules::{RuleError, Rules};
use crate::seed::Seed;
use crate::state::{State, StateError};
use crate::users::UserFlag;

/// Something that will happen by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scheduled {
    /// When.
    pub at: Time,
    /// To which order.
    pub key: OrderKey,
    /// What.
    pub what: Upcoming,
}

/// What will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Upcoming {
    /// The packet moves on to this status.
    Moves(Status),
    /// A request arrives that a fault held up.
    Arrives,
}

/// What a reset takes back to the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Packets, balances, users, and requests on their way.
    State,
    /// The journal.
    Requests,
    /// The faults that are armed. Of one merchant those that name it: one that names nobody is everybody's.
    Faults,
    /// The switches: back to what they were when the world began, or when the merchant was made.
    Rules,
    /// The clock. It is everybody's: a reset of one merchant leaves it.
    Clock,
}

/// What a reset left as it was, though it may change what comes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Remains {
    /// The faults that are still armed, the newest first: of one merchant those that name it or nobody.
    pub armed: Vec<ArmedFault>,
    /// The switches that are not what they were at the beginning: the world's, and those that merchants have for
    /// themselves.
    pub changed: Vec<ChangedRule>,
}

/// A switch that is not what it was at the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChangedRule {
    /// Its name.
    pub name: String,
    /// The merchant that has it for itself; `None` for the world.
    pub mch_id: Option<String>,
    /// What it is set to; `None` where the merchant has none of its own.
    pub value: Option<String>,
    /// What it was set to at the beginning; `None` where the merchant had none of its own.
    pub began: Option<String>,
}

/// A fault that is armed as long as this lives.
#[derive(Debug)]
#[must_use = "the fault is disarmed when this is dropped"]
pub struct ScopedFault {
    mock: Mock,
    id: u64,
}

impl ScopedFault {
    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for ScopedFault {
    fn drop(&mut self) {
        self.mock.disarm(self.id);
    }
}

impl Mock {
    /// Moves the clock to the next thing that happens by itself, and returns what happened then; nothing if there is
    /// none.
    pub fn advance_to_next(&self) -> Vec<Fired> {
        match self.next_due() {
            Some(due) => self.advance(due.since(self.now())),
            None => Vec::new(),
        }
    }

    /// What will happen by itself, in order.
    pub fn scheduled(&self) -> Vec<Scheduled> {
        self.with_engine(|engine| scheduled(engine))
    }

    /// Sets the clock. Time may go back by this, and only by this. What was due by the old time, or is by the new one,
    /// happens and is returned.
    pub fn set_clock(&self, clock: Clock) -> Vec<Fired> {
        self.replace_clock(clock)
    }

    /// How the clock goes: `real`, `frozen` or `scaled:<speed>`.
    pub fn clock_mode(&self) -> String {
        self.clock().mode()
    }

    /// Sets the seed, for everything that is drawn from now on.
    pub fn set_seed(&self, seed: u64) {
        self.with_engine(|engine| engine.seed = Seed(seed));
    }

    /// Sets several switches, or none of them where one cannot be set.
    pub fn set_rules(
        &self,
        mch_id: Option<&str>,
        switches: &BTreeMap<String, String>,
    ) -> Result<(), RuleError> {
        self.with_engine(|engine| {
            let mut rules = engine.rules.clone();
            switches.iter().try_for_each(|(name, value)| rules.set(mch_id, name, value))?;
            engine.rules = rules;
            Ok(())
        })
    }

    /// Sets a switch, for a merchant alone or for all that have no setting of their own. What was planned before, the
    /// end of a claim window say, stays.
    pub fn set_rule(&self, mch_id: Option<&str>, name: &str, value: &str) -> Result<(), RuleError> {
        self.with_engine(|engine| engine.rules.set(mch_id, name, value))
    }

    /// What a merchant has set for itself, by the names of the switches.
    pub fn own_rules(&self, mch_id: &str) -> BTreeMap<String, String> {
        self.with_engine(|engine| engine.rules.own(mch_id))
    }

    /// Forgets what a merchant has set for itself.
    pub fn clear_rules(&self, mch_id: &str) {
        self.with_engine(|engine| engine.rules.clear(mch_id));
    }

    /// The rules that hold for a merchant, or for those without any of their own.
    pub fn rules(&self, mch_id: Option<&str>) -> Rules {
        self.with_engine(|engine| {
            mch_id.map_or(engine.rules.world(), |mch_id| engine.rules.of(mch_id)).clone()
        })
    }

    /// Arms a fault, in front of all others, and gives it a number.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use wechatpay_mock_server::{Fault, Mock};
    /// let mock = Mock::builder().build();
    /// let id = mock.arm(Fault::reply_lost().on("sendredpack").times(1))?;
    /// assert!(mock.disarm(id));
    /// # Ok(())
    /// # }
    /// ```
    pub fn arm(&self, rule: FaultRule) -> Result<u64, FaultError> {
        self.with_world_mut(|engine, now| engine.faults.arm(now, rule))
    }

    /// Arms a fault until the guard is dropped.
    pub fn arm_scoped(&self, rule: FaultRule) -> Result<ScopedFault, FaultError> {
        self.arm(rule).map(|id| ScopedFault { mock: self.clone(), id })
    }

    /// Takes a fault away; `false` where none has the number.
    pub fn disarm(&self, id: u64) -> bool {
        self.with_engine(|engine| engine.faults.disarm(id))
    }

    /// Takes all faults away, or those that name one merchant; how many those were.
    pub fn disarm_all(&self, mch_id: Option<&str>) -> usize {
        self.with_engine(|engine| engine.faults.disarm_all(mch_id))
    }

    /// The faults that are armed, the newest first.
    pub fn faults(&self) -> Vec<ArmedFault> {
        self.with_world_mut(|engine, now| engine.faults.list(now))
    }

    /// A fault that is armed.
    pub fn fault(&self, id: u64) -> Option<ArmedFault> {
        self.with_world_mut(|engine, now| engine.faults.get(now, id))
    }

    /// Changes a fault that is armed.
    pub fn patch_fault(&self, id: u64, patch: &FaultPatch) -> Result<ArmedFault, FaultError> {
        self.with_world_mut(|engine, now| engine.faults.patch(now, id, patch))
    }

    /// Whether requests may ask for faults themselves, by a header or their `remark`. They may, unless told otherwise.
    pub fn set_in_band(&self, on: bool) {
        self.with_engine(|engine| engine.faults.in_band.on = on);
    }

    /// Replaces what is known of a user, to one merchant alone or to all. Without flags the user is fine again.
    pub fn set_user(&self, mch_id: Option<&str>, openid: &str, flags: Vec<UserFlag>) {
        self.with_engine(|engine| engine.users.put(mch_id, openid, flags));
    }

    /// Takes a merchant out of the world, with its packets and everything else that is its own. `false` where nobody
    /// has the number, or others are under it.
    pub fn remove_merchant(&self, mch_id: &str) -> bool {
        self.with_engine(|engine| {
            let needed = engine.accounts.values().any(|other| other.provider.as_deref() == Some(mch_id));
            if needed || engine.accounts.remove(mch_id).is_none() {
                return false;
            }
            forget(engine, mch_id);
            engine.ledger.forget(|whose| whose == mch_id);
            engine.ledger.close(mch_id);
            engine.rules.clear(mch_id);
            true
        })
    }

    /// Changes a merchant.
    pub(crate) fn change_account<R>(
        &self,
        mch_id: &str,
        change: impl FnOnce(&mut Account) -> R,
    ) -> Result<R, MockError> {
        self.with_engine(|engine| {
            engine.accounts.get_mut(mch_id).map(change).ok_or_else(|| MockError::unknown_merchant(mch_id))
        })
    }

    /// Takes things back to the beginning, of one merchant alone or of the whole world. Merchants stay, with their
    /// opening balances. The packets of a merchant are those that it sent or paid for; of one that it sent and another
    /// paid for, that one has the money again. What is left as it was, though it may change what comes, is returned.
    pub fn reset(&self, scopes: &BTreeSet<Scope>, mch_id: Option<&str>) -> Remains {
        if scopes.contains(&Scope::Clock) && mch_id.is_none() {
            self.reset_clock();
        }
        let first = self.first_rules();
        self.with_world_mut(|engine, now| {
            if scopes.contains(&Scope::State) {
                reset_state(engine, mch_id);
            }
            if scopes.contains(&Scope::Requests) {
                let whose = Filter { mch_id: mch_id.map(str::to_owned), ..Filter::default() };
                engine.journal.clear(&whose);
            }
            if scopes.contains(&Scope::Faults) {
                engine.faults.disarm_all(mch_id);
            }
            if scopes.contains(&Scope::Rules) {
                reset_rules(engine, &first, mch_id);
            }
            remains(engine, &first, mch_id, now)
        })
    }

    /// The whole world as it is now, but for the journal.
    pub fn state(&self) -> State {
        self.with_world(State::of)
    }

    /// Puts a world in place of this one. The journal stays. On an error nothing has changed.
    pub fn restore(&self, state: State) -> Result<(), StateError> {
        let clock = state.clock.as_ref().map(crate::state::ClockState::clock).transpose()?;
        let now = clock.as_ref().unwrap_or(&self.clock()).now();
        self.replace_world(clock, |engine, rules| {
            let mut built = state.build(engine.seed, rules, now)?;
            built.requests = built.requests.max(engine.requests);
            std::mem::swap(&mut built.journal, &mut engine.journal);
            *engine = built;
            Ok(())
        })
    }
}

fn scheduled(engine: &Engine) -> Vec<Scheduled> {
    let moves = engine.ledger.scheduled().filter_map(|(at, key)| {
        let packet = engine.ledger.packet(key)?;
        let next = match (packet.status, packet.hold) {
            (Status::Sending, Some(Hold { until: Until::Time(_), fails: false, .. })) => Status::Sent,
            (Status::Sending, _) => Status::Failed,
            (Status::Sent, _) => Status::RfundIng,
            _ => Status::Refund,
        };
        Some(Scheduled { at, key: key.clone(), what: Upcoming::Moves(next) })
    });
    let arrivals = engine.schedule.all().map(|(at, late)| Scheduled {
        at,
        key: late.key.clone(),
        what: Upcoming::Arrives,
    });
    let mut all: Vec<_> = moves.chain(arrivals).collect();
    all.sort_by_key(|scheduled| scheduled.at);
    all
}

fn reset_state(engine: &mut Engine, mch_id: Option<&str>) {
    match mch_id {
        Some(mch_id) if engine.accounts.contains_key(mch_id) => forget(engine, mch_id),
        Some(_) => return,
        None => forget_all(engine),
    }
    let meant = |whose: &str| mch_id.is_none_or(|mch_id| mch_id == whose);
    engine.ledger.forget(meant);
    for account in engine.accounts.values().filter(|account| meant(account.mch_id())) {
        engine.ledger.set_balance(account.mch_id(), account.opening_fen);
    }
}

fn reset_rules(engine: &mut Engine, first: &Rules, mch_id: Option<&str>) {
    if mch_id.is_none() {
        engine.rules.restart(first);
    }
    let meant = |account: &&Account| mch_id.is_none_or(|mch_id| mch_id == account.mch_id());
    for account in engine.accounts.values().filter(meant) {
        engine.rules.reopen(account.mch_id(), &account.opening_rules);
    }
}

fn remains(engine: &Engine, first: &Rules, mch_id: Option<&str>, now: Time) -> Remains {
    let meant = |whose: &str| mch_id.is_none_or(|mch_id| mch_id == whose);
    let mut armed = engine.faults.list(now);
    armed.retain(|fault| fault.rule.when.mch_id.as_deref().is_none_or(meant));
    let settings = |rules: &Rules| {
        rules.switches().into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>()
    };
    let mut changed = changes(None, &settings(first), &settings(engine.rules.world()));
    for account in engine.accounts.values().filter(|account| meant(account.mch_id())) {
        let own = engine.rules.own(account.mch_id());
        changed.extend(changes(Some(account.mch_id()), &account.opening_rules, &own));
    }
    Remains { armed, changed }
}

/// Where settings are not what they were.
fn changes(
    mch_id: Option<&str>,
    began: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Vec<ChangedRule> {
    let names: BTreeSet<_> = began.keys().chain(now.keys()).collect();
    let differing = names.into_iter().filter(|name| began.get(*name) != now.get(*name));
    let change = |name: &String| ChangedRule {
        name: name.clone(),
        mch_id: mch_id.map(str::to_owned),
        value: now.get(name).cloned(),
        began: began.get(name).cloned(),
    };
    differing.map(change).collect()
}

/// Forgets what happened to a merchant, but for its money.
fn forget(engine: &mut Engine, mch_id: &str) {
    engine.users.forget(Some(mch_id));
    engine.faults.in_band.forget(Some(mch_id));
    engine.recent.remove(mch_id);
    engine.schedule.retain(|late| late.key.mch_id != mch_id);
}

/// Forgets what happened to anybody, but for the money.
fn forget_all(engine: &mut Engine) {
    engine.users.forget(None);
    engine.faults.in_band.forget(None);
    engine.recent.clear();
    engine.schedule.retain(|_| false);
}
