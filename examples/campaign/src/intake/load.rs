//! The second pass: the good rows are written to the store, as intents of which nothing was sent.

use std::collections::HashSet;
use std::io::Read;

use wechatpay_proto::payout::{Inserted, Now, Payout, Policy, Unsaved};

use super::problem::{Problem, Reason};
use super::row::Terms;
use super::table::Table;
use crate::book::Book;
use crate::store::StoreError;

/// How many intents are written at once.
const BATCH: usize = 1_000;

/// What became of the rows.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// How many are new.
    pub(crate) new: u64,
    /// How many were there already.
    pub(crate) same: u64,
    /// What is wrong after all: somebody else wrote to the store, or to the file, since the first pass.
    pub(crate) problems: Vec<Problem>,
}

/// Writes all rows but those on `bad` lines.
pub(crate) fn load<R: Read>(
    mut table: Table<R>,
    terms: Terms<'_>,
    bad: &HashSet<u64>,
    store: &mut dyn Book,
    (policy, now): (&Policy, Now),
) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded::default();
    let mut batch = Batch::default();
    while let Some(row) = table.next() {
        match row {
            Ok(row) if bad.contains(&row.line) => {}
            Ok(row) => match terms.intent(&row) {
                Ok(intent) => batch.push(row.line, Payout::new(intent, policy, now)),
                Err(problems) => loaded.problems.extend(problems),
            },
            Err(problem) if bad.contains(&problem.line) => {}
            Err(problem) => loaded.problems.push(problem),
        }
        if batch.payouts.len() == BATCH {
            std::mem::take(&mut batch).write(store, &mut loaded)?;
        }
    }
    batch.write(store, &mut loaded)?;
    Ok(loaded)
}

/// Intents that are written together, with the lines that they come from.
#[derive(Default)]
pub(super) struct Batch {
    lines: Vec<u64>,
    payouts: Vec<Unsaved<Payout>>,
}

impl Batch {
    fn push(&mut self, line: u64, payout: Unsaved<Payout>) {
        self.lines.push(line);
        self.payouts.push(payout);
    }

    fn write(self, store: &mut dyn Book, loaded: &mut Loaded) -> Result<(), StoreError> {
        if self.payouts.is_empty() {
            return Ok(());
        }
        let inserted = store.insert(&self.payouts)?;
        for (line, inserted) in self.lines.into_iter().zip(inserted) {
            match inserted {
                Inserted::New => loaded.new += 1,
                Inserted::Same => loaded.same += 1,
                refused => loaded.problems.push(refusal(line, refused)),
            }
        }
        Ok(())
    }
}

/// Why a store did not take an intent.
pub(crate) fn refusal(line: u64, refused: Inserted) -> Problem {
    match refused {
        Inserted::Changed { mch_billno } => {
            Problem::column(line, "business_id", Reason::Changed { mch_billno })
        }
        Inserted::NumberTaken { business_id } => {
            Problem::column(line, "mch_billno", Reason::NumberTaken { business_id })
        }
        Inserted::NotFailed => Problem::column(line, "business_id", Reason::NothingFailed),
        // Nothing is wrong with these.
        Inserted::New | Inserted::Same => Problem::row(line, Reason::Unusable("it is there".to_owned())),
    }
}
