//! A file of rows: checked, then taken into the store.

use std::fs::File;
use std::io::{BufReader, Write as _, stderr};

use wechatpay_proto::Merchant;
use wechatpay_proto::payout::{Now, Policy};

use super::options::Rows;
use crate::book::Book;
use crate::failure::Failure;
use crate::intake::{self, Checked, Problem, Table, Terms};
use crate::report::cannot_read;
use crate::store::Ledger;

/// Opens the file, and judges its header.
fn open(rows: &Rows) -> Result<Table<BufReader<File>>, Failure> {
    let path = rows.csv.display();
    let file = File::open(&rows.csv).map_err(|error| Failure::usage(format!("{path}: {error}")))?;
    Table::of_payouts(BufReader::new(file), rows.appid.is_some()).map_err(|problems| bad(rows, &problems))
}

fn terms<'a>(rows: &'a Rows, merchant: &'a Merchant) -> Terms<'a> {
    Terms { merchant, appid: rows.appid.as_deref() }
}

/// Says every problem, and sums them up.
fn bad(rows: &Rows, problems: &[Problem]) -> Failure {
    tell(problems);
    Failure::usage(format!("{}: {} problems; nothing was sent", rows.csv.display(), problems.len()))
}

/// A line for each problem.
pub(super) fn tell(problems: &[Problem]) {
    let mut stderr = stderr().lock();
    for problem in problems {
        // Nobody is left to tell if stderr is gone.
        drop(writeln!(stderr, "{problem}"));
    }
}

/// The first pass, against the store too where there is one.
pub(super) fn check(
    rows: &Rows,
    merchant: &Merchant,
    store: Option<&mut dyn Ledger>,
) -> Result<Checked, Failure> {
    let mut checked = intake::check(open(rows)?, terms(rows, merchant));
    if let Some(store) = store {
        checked.compare(store).map_err(|error| cannot_read(&error))?;
    }
    Ok(checked)
}

/// Says what is wrong. An error where that keeps all rows from being paid; else how many are left out.
pub(super) fn judge(rows: &Rows, checked: &mut Checked, skip_bad: bool) -> Result<usize, Failure> {
    let problems = checked.problems();
    if problems.is_empty() {
        return Ok(0);
    }
    if !skip_bad {
        return Err(bad(rows, problems));
    }
    tell(problems);
    Ok(checked.bad_lines().len())
}

/// The second pass.
pub(super) fn load(
    rows: &Rows,
    merchant: &Merchant,
    checked: &Checked,
    store: &mut dyn Book,
    at: (&Policy, Now),
) -> Result<intake::Loaded, Failure> {
    let loaded = intake::load(open(rows)?, terms(rows, merchant), &checked.bad_lines(), store, at);
    let loaded = loaded.map_err(|error| Failure::of("cannot write to the store", &error))?;
    if loaded.problems.is_empty() { Ok(loaded) } else { Err(bad(rows, &loaded.problems)) }
}
