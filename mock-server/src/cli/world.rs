//! The world that a server begins with: what was saved, or a config file, and the merchants of the flags.

use std::path::Path;

use wechatpay_mock_server::{Clock, JournalLimits, Mock, MockMerchant, Rules, State};

use super::document::{self, Origin};
use super::failure::Failure;
use super::merchants::{self, Described};
use super::note;
use super::options::WorldOptions;
use super::save::{failed, save};
use super::values;

/// A world, and its merchants in the order in which they are told.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) mock: Mock,
    /// Those that the flags name come first, then those of the files.
    pub(crate) merchants: Vec<MockMerchant>,
}

impl World {
    /// Begins, or goes on.
    pub(crate) fn open(options: &WorldOptions) -> Result<Self, Failure> {
        let described = merchants::described(&options.merchants.merchants)?;
        let config = options.config.as_deref().map(document::read).transpose()?;
        let saved = options.state_file.as_deref().map(document::read_if_there).transpose();
        let saved = saved.map_err(or_anew)?.flatten();
        let listed = numbers(config.as_ref().or(saved.as_ref()));
        let goes_on = saved.is_some();
        let mock = match saved {
            Some(saved) => go_on(options, saved, config)?,
            None => begin(options, config)?,
        };
        let named = add(&mock, described, goes_on)?;
        Ok(Self { merchants: line_up(&mock, named, &listed), mock })
    }

    /// Writes what it is now.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        save(path, self.mock.state().to_json().as_bytes())
            .map_err(|error| failed("--state-file", path, &error))
    }
}

/// A new world, from the config file if there is one. Flags go before it.
fn begin(options: &WorldOptions, config: Option<(Origin, State)>) -> Result<Mock, Failure> {
    let state = config.as_ref().map(|(_, state)| state);
    let seed = options.merchants.seed.or(state.and_then(|state| state.seed));
    let clock = options.clock.or_else(|| state.and_then(clock_of)).unwrap_or_else(Clock::real);
    let mut rules = Rules::default();
    state.into_iter().for_each(|state| keep(state, &mut rules));
    set(options, &mut rules)?;
    let mock = build(options, seed.unwrap_or_default(), clock, rules)?;
    if let Some((origin, mut state)) = config {
        if options.merchants.seed.is_some() {
            state.seed = None;
        }
        if options.clock.is_some() {
            state.clock = None;
        }
        mock.restore(state).map_err(|error| origin.wrong(error))?;
    }
    // Once more, over those of the file.
    for (name, value) in values::switches(options.rules.as_deref())? {
        mock.set_rule(None, name, value).map_err(values::wrong_rule)?;
    }
    Ok(mock)
}

/// A world that was saved, with the merchants of the config file that are missing in it.
fn go_on(
    options: &WorldOptions,
    (origin, saved): (Origin, State),
    config: Option<(Origin, State)>,
) -> Result<Mock, Failure> {
    let given = [
        ("--seed", options.merchants.seed.is_some()),
        ("--clock", options.clock.is_some()),
        ("--rules", options.rules.is_some()),
        ("--config, but for merchants that are missing,", config.is_some()),
    ];
    for (what, _) in given.into_iter().filter(|(_, given)| *given) {
        note(&format!("the state file goes on as it was: {what} is not used"));
    }
    let clock = options.clock.or_else(|| clock_of(&saved)).unwrap_or_else(Clock::real);
    let mut rules = Rules::default();
    set(options, &mut rules)?;
    keep(&saved, &mut rules);
    let mock = build(options, options.merchants.seed.unwrap_or_default(), clock, rules)?;
    mock.restore(saved).map_err(|error| or_anew(origin.wrong(error)))?;
    let Some((origin, config)) = config else { return Ok(mock) };
    for (at, spec) in config.merchants.into_iter().enumerate() {
        if spec.mch_id.as_deref().is_some_and(|mch_id| find(&mock, mch_id).is_none()) {
            mock.add_merchant(spec).map_err(|error| origin.wrong(format!("merchants[{at}]: {error}")))?;
        }
    }
    Ok(mock)
}

/// What to do about a saved world that cannot be read.
fn or_anew(failure: Failure) -> Failure {
    let message = format!("{}; mend the --state-file, or move it away to begin anew", failure.message);
    Failure { message, ..failure }
}

/// The switches of the flags.
fn set(options: &WorldOptions, rules: &mut Rules) -> Result<(), Failure> {
    let mut switches = values::switches(options.rules.as_deref())?.into_iter();
    switches.try_for_each(|(name, value)| rules.set(name, value)).map_err(values::wrong_rule)
}

/// The switches of a file, so that a reset comes back to them. What is wrong with them is found later.
fn keep(state: &State, rules: &mut Rules) {
    state.rules.iter().for_each(|(name, value)| drop(rules.set(name, value)));
}

fn build(options: &WorldOptions, seed: u64, clock: Clock, rules: Rules) -> Result<Mock, Failure> {
    let limits = JournalLimits::new(options.journal_max, options.journal_bytes)
        .map_err(|error| Failure::usage(format!("--journal-max: {error}")))?;
    let builder = Mock::builder().seed(seed).clock(clock).rules(rules);
    Ok(builder.in_band(options.in_band.is_on()).journal(limits).build())
}

/// The clock that a world begins with, so that a reset comes back to it. What is wrong with it is found later.
fn clock_of(state: &State) -> Option<Clock> {
    let clock = state.clock.as_ref()?;
    match clock.now {
        Some(now) if clock.mode == "frozen" => Some(Clock::Frozen(now)),
        _ => Clock::parse(&clock.mode).ok(),
    }
}

/// Adds the merchants of the flags. A world that goes on has some of them already.
fn add(mock: &Mock, described: Vec<Described>, goes_on: bool) -> Result<Vec<MockMerchant>, Failure> {
    if described.is_empty() && mock.merchants().is_empty() {
        return Described::made_up().add(mock);
    }
    let mut named = Vec::new();
    for one in described {
        let known = one.spec.mch_id.as_deref().map(|mch_id| (mch_id.to_owned(), find(mock, mch_id)));
        match known {
            Some((mch_id, Some(merchant))) if goes_on => {
                note(&format!("the state file has merchant {mch_id}: its --merchant is not used"));
                named.push(merchant);
            }
            None if goes_on => {
                note("a --merchant without mch_id is not used: the state file has those that were made up");
            }
            _ => named.extend(one.add(mock)?),
        }
    }
    Ok(named)
}

fn find(mock: &Mock, mch_id: &str) -> Option<MockMerchant> {
    mock.merchants().into_iter().find(|merchant| merchant.mch_id() == mch_id)
}

fn numbers(world: Option<&(Origin, State)>) -> Vec<String> {
    world.iter().flat_map(|(_, state)| &state.merchants).filter_map(|spec| spec.mch_id.clone()).collect()
}

/// Those that were named, then the others as their file lists them.
fn line_up(mock: &Mock, named: Vec<MockMerchant>, listed: &[String]) -> Vec<MockMerchant> {
    let is_named = |merchant: &MockMerchant| named.iter().any(|one| one.mch_id() == merchant.mch_id());
    let mut others: Vec<_> = mock.merchants().into_iter().filter(|merchant| !is_named(merchant)).collect();
    let place = |merchant: &MockMerchant| listed.iter().position(|mch_id| mch_id == merchant.mch_id());
    others.sort_by_key(|merchant| place(merchant).unwrap_or(listed.len()));
    named.into_iter().chain(others).collect()
}
