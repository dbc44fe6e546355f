//! The report: a row for each payout, and the sums.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::store::{Ledger, Row, RowKey, StoreError, Summary};

const HEADER: [&str; 9] = [
    "business_id",
    "mch_billno",
    "generation",
    "total_amount",
    "state",
    "refund_amount",
    "send_listid",
    "attempts",
    "reason",
];

/// How many rows are read at once.
const PAGE: usize = 1_000;

/// Calls `visit` with every row of the store.
pub(crate) fn each_row(
    ledger: &mut dyn Ledger,
    mut visit: impl FnMut(&Row) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut after: Option<RowKey> = None;
    loop {
        let page = ledger.page(after.as_ref(), PAGE).map_err(|error| cannot_read(&error))?;
        page.iter().try_for_each(&mut visit)?;
        match page.last() {
            Some(last) => after = Some(last.key()),
            None => return Ok(()),
        }
    }
}

pub(crate) fn cannot_read(error: &StoreError) -> Failure {
    Failure::of("cannot read the store", error)
}

/// Writes the report, and returns the sums of its very rows. It is there as a whole, or not at all.
pub(crate) fn write(ledger: &mut dyn Ledger, path: &Path) -> Result<Sums, Failure> {
    let failed =
        |error: &dyn std::error::Error| Failure::of(format!("cannot write {}", path.display()), error);
    let file = beside(path).map_err(|error| failed(&error))?;
    let mut writer = csv::Writer::from_writer(file);
    let mut sums = Sums::default();
    writer.write_record(HEADER).map_err(|error| failed(&error))?;
    each_row(ledger, |row| {
        sums.add(row);
        write_row(&mut writer, row).map_err(|error| failed(&error))
    })?;
    let file = writer.into_inner().map_err(|error| failed(error.error()))?;
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    give_rights(file.as_file(), path).map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(sums)
}

fn write_row(writer: &mut csv::Writer<NamedTempFile>, row: &Row) -> csv::Result<()> {
    let text = |text: &Option<String>| plain(text.as_deref().unwrap_or_default()).into_owned();
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    writer.write_record([
        &*plain(&row.business_id),
        &*row.mch_billno,
        &*row.generation.to_string(),
        &*row.amount_fen.to_string(),
        &*row.state,
        &*number(row.refunded_fen),
        &*text(&row.send_listid),
        &*row.attempts.to_string(),
        &*text(&row.reason),
    ])
}

/// What spreadsheets would take for a formula has an apostrophe before it, as they want it.
fn plain(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A report that could not be written in the end is found out before anything is sent.
pub(crate) fn can_be_written(path: &Path) -> Result<(), Failure> {
    let is_dir = path.is_dir().then(|| io::Error::from(io::ErrorKind::IsADirectory));
    let tried = is_dir.map_or_else(|| beside(path).map(drop), Err);
    tried.map_err(|error| Failure::usage(format!("--report {}: {error}", path.display())))
}

/// A file that takes the place of the one at `path` once it is whole.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    NamedTempFile::new_in(dir)
}

/// Those of the file that it replaces; a new one is its owner's alone, whatever the umask.
#[cfg(unix)]
fn give_rights(file: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let before = path.metadata().map(|before| before.permissions());
    file.set_permissions(before.unwrap_or_else(|_| std::fs::Permissions::from_mode(0o600)))
}

#[cfg(not(unix))]
fn give_rights(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Payouts and fen by state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(BTreeMap<String, Sum>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    payouts: u64,
    fen: u64,
    refunded: u64,
}

/// The states of orders that the service took.
const TAKEN: [&str; 4] = ["accepted", "received", "refunded", "refunding"];
/// The states that a person must look at.
const ATTENTION: [&str; 3] = ["failed", "conflict", "needs_human"];

impl Sums {
    fn add(&mut self, row: &Row) {
        let sum = self.0.entry(row.state.clone()).or_default();
        sum.payouts += 1;
        sum.fen += row.amount_fen;
        sum.refunded += row.refunded_fen.unwrap_or_default();
    }

    fn of(&self, states: &[&str]) -> Sum {
        let chosen = self.0.iter().filter(|(state, _)| states.contains(&&***state));
        chosen.fold(Sum::default(), |all, (_, sum)| Sum {
            payouts: all.payouts + sum.payouts,
            fen: all.fen + sum.fen,
            refunded: all.refunded + sum.refunded,
        })
    }

    /// The fen of all that were taken by the service, and those that came back.
    pub(crate) fn paid_and_back(&self) -> (u64, u64) {
        let taken = self.of(&TAKEN);
        (taken.fen, taken.refunded)
    }

    /// Whether a person must look at some of them.
    pub(crate) fn need_attention(&self) -> bool {
        self.of(&ATTENTION).payouts > 0
    }

    /// The sums, for people and for scripts: a line for each state, and what it comes to.
    pub(crate) fn show(&self) -> String {
        let mut text = String::new();
        for (state, sum) in &self.0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{state}: {} payouts, {} fen", sum.payouts, sum.fen);
        }
        let (paid, back) = self.paid_and_back();
        let all = self.0.values().fold((0, 0), |(payouts, fen), sum| (payouts + sum.payouts, fen + sum.fen));
        let _ = writeln!(text, "total: {} payouts, {} fen, {paid} fen paid, {back} fen back", all.0, all.1);
        text
    }
}

impl From<&Summary> for Sums {
    fn from(summary: &Summary) -> Self {
        let sum = |of: &crate::store::StateSum| {
            let sum = Sum { payouts: of.payouts, fen: of.fen, refunded: of.refunded_fen };
            (of.state.clone(), sum)
        };
        Self(summary.states.iter().map(sum).collect())
    }
}
