//! The commands, but for new numbers.

use std::path::Path;

use super::embedded;
use super::lead;
use super::options::{Check, Report, Resume, Run};
use super::rows;
use super::say;
use super::setup::{self, Way};
use crate::book::{Book, Place};
use crate::clock::Clock;
use crate::failure::{ATTENTION, Failure, STOPPED, USAGE};
use crate::intake::Loaded;
use crate::report::{self, Sums, cannot_read};
use crate::run::Ended;
use crate::store::{Lease, Ledger, StoreError};
use crate::watch::Watch;

/// `campaign run`.
pub(super) fn run(options: &Run) -> Result<u8, Failure> {
    report_can_be_written(options.report.as_deref())?;
    if options.mock.mock {
        return embedded::run(options);
    }
    let way = Way::of(&options.merchant)?;
    let policy = setup::policy(&options.pace)?;
    let lease = setup::lease(&options.pace, &policy, options.merchant.timeout)?;
    let plan = setup::plan(&options.pace, &policy, options.merchant.timeout);
    let place = place(options.store.as_deref().unwrap_or_default())?;
    let mut store = open(&place, way.merchant.mch_id(), lease)?;
    let mut checked = rows::check(&options.rows, &way.merchant, Some(&mut *store))?;
    let left_out = rows::judge(&options.rows, &mut checked, options.skip_bad)?;
    let clock = Clock::start();
    let loaded = rows::load(&options.rows, &way.merchant, &checked, &mut *store, (&policy, clock.now()))?;
    let mut watch = watch(&mut *store)?;
    tell_loaded(&watch, &loaded, left_out);
    let ended = lead::outside(&mut *store, way, &options.merchant, (&policy, plan), clock, &mut watch);
    watch.end();
    close(&mut *store, ended?, options.report.as_deref(), left_out > 0).map(|(code, _)| code)
}

/// `campaign resume`.
pub(super) fn resume(options: &Resume) -> Result<u8, Failure> {
    report_can_be_written(options.report.as_deref())?;
    let way = Way::of(&options.merchant)?;
    let policy = setup::policy(&options.pace)?;
    let lease = setup::lease(&options.pace, &policy, options.merchant.timeout)?;
    let plan = setup::plan(&options.pace, &policy, options.merchant.timeout);
    let mut store = open(&place(&options.store)?, way.merchant.mch_id(), lease)?;
    let mut watch = watch(&mut *store)?;
    let ended =
        lead::outside(&mut *store, way, &options.merchant, (&policy, plan), Clock::start(), &mut watch);
    watch.end();
    close(&mut *store, ended?, options.report.as_deref(), false).map(|(code, _)| code)
}

/// `campaign report`.
pub(super) fn report(options: &Report) -> Result<u8, Failure> {
    let mut store = read(&options.store, &options.mch_id)?;
    let sums = write_report(&mut *store, options.report.as_deref())?;
    say(&sums.show())?;
    Ok(if sums.need_attention() { ATTENTION } else { 0 })
}

/// `campaign check`.
pub(super) fn check(options: &Check) -> Result<u8, Failure> {
    let mch_id = options.mch_id.as_deref().unwrap_or("0");
    let merchant = setup::unable_to_sign(mch_id)?;
    let mut store = options.store.as_deref().map(|store| read(store, mch_id)).transpose()?;
    let there = store.as_mut().map(|store| &mut **store as &mut dyn Ledger);
    let mut checked = rows::check(&options.rows, &merchant, there)?;
    rows::tell(checked.problems());
    let (good, fen) = checked.good();
    let bad = checked.bad_lines().len();
    say(&format!("{} rows: {good} good, {fen} fen; {bad} bad\n", checked.rows))?;
    Ok(if bad == 0 { 0 } else { USAGE })
}

fn report_can_be_written(path: Option<&Path>) -> Result<(), Failure> {
    path.map_or(Ok(()), report::can_be_written)
}

/// Where `--store` says.
pub(super) fn place(text: &str) -> Result<Place, Failure> {
    Place::parse(text).map_err(|error| Failure::usage(format!("--store: {error}")))
}

/// The store, to work on.
pub(super) fn open(place: &Place, mch_id: &str, lease: Lease) -> Result<Box<dyn Book>, Failure> {
    place.open(mch_id, lease).map_err(|error| cannot_open(&error))
}

/// What is wrong with `--store` itself is wrong usage.
fn cannot_open(error: &StoreError) -> Failure {
    let failure = Failure::of("cannot open the store", error);
    if error.is_usage() { Failure::usage(failure.to_string()) } else { failure }
}

/// The store, to look at.
fn read(store: &str, mch_id: &str) -> Result<Box<dyn Ledger>, Failure> {
    place(store)?.read(mch_id, setup::usual_lease()?).map_err(|error| cannot_open(&error))
}

/// Somebody who watches what is in the store.
pub(super) fn watch(store: &mut dyn Book) -> Result<Watch, Failure> {
    let summary = store.summary().map_err(|error| cannot_read(&error))?;
    let payouts = summary.payouts();
    Ok(Watch::new(payouts, payouts - summary.open()))
}

pub(super) fn tell_loaded(watch: &Watch, loaded: &Loaded, left_out: usize) {
    let Loaded { new, same, .. } = loaded;
    watch.note(&format!("{new} new payouts, {same} were in the store, {left_out} rows are left out"));
}

/// Says how it ended, and writes the report.
pub(super) fn close(
    store: &mut dyn Book,
    ended: Ended,
    path: Option<&Path>,
    left_out: bool,
) -> Result<(u8, Sums), Failure> {
    let sums = write_report(store, path)?;
    say(&sums.show())?;
    let open = store.summary().map_err(|error| cannot_read(&error))?.open();
    let code = match ended {
        Ended::Stopped => STOPPED,
        Ended::Over if left_out || open > 0 || sums.need_attention() => ATTENTION,
        Ended::Over => 0,
    };
    Ok((code, sums))
}

/// The sums, of the report's own rows where one is written.
fn write_report(store: &mut dyn Ledger, path: Option<&Path>) -> Result<Sums, Failure> {
    match path {
        Some(path) => report::write(store, path),
        None => Ok(Sums::from(&store.summary().map_err(|error| cannot_read(&error))?)),
    }
}
