//! The first pass: every row is judged, by itself, against the other rows, and against the store. Nothing is written.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use wechatpay_proto::payout::Intent;

use super::problem::{Problem, Reason};
use super::row::Terms;
use super::table::Table;
use crate::store::{Ledger, Row, RowKey, StoreError};

/// How many payouts of the store are looked at at once.
const PAGE: usize = 1_000;

/// What is known of a file after its first pass.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// How many rows there are, good and bad.
    pub(crate) rows: u64,
    /// The appids of the good ones.
    pub(crate) appids: BTreeSet<String>,
    /// What is wrong.
    problems: Vec<Problem>,
    /// By business id.
    seen: HashMap<Arc<str>, Seen>,
    /// Business ids by number.
    numbers: HashMap<Box<str>, Arc<str>>,
}

/// A good row.
#[derive(Debug)]
struct Seen {
    line: u64,
    fingerprint: u64,
    fen: u32,
}

/// Reads all rows.
pub(crate) fn check<R: Read>(mut table: Table<R>, terms: Terms<'_>) -> Checked {
    let mut checked = Checked::default();
    while let Some(row) = table.next() {
        checked.rows += 1;
        match row {
            Ok(row) => match terms.intent(&row) {
                Ok(intent) => checked.note(row.line, &intent),
                Err(problems) => checked.problems.extend(problems),
            },
            Err(problem) => checked.problems.push(problem),
        }
    }
    checked
}

impl Checked {
    fn note(&mut self, line: u64, intent: &Intent) {
        let earlier =
            |column, line_before| Problem::column(line, column, Reason::Repeated { line: line_before });
        let mut repeats = Vec::new();
        if let Some(seen) = self.seen.get(intent.business_id()) {
            repeats.push(earlier("business_id", seen.line));
        }
        if let Some(seen) = self.numbers.get(intent.mch_billno()).and_then(|id| self.seen.get(id)) {
            repeats.push(earlier("mch_billno", seen.line));
        }
        if !repeats.is_empty() {
            return self.problems.extend(repeats);
        }
        let id: Arc<str> = intent.business_id().into();
        let fen = intent.amount().0;
        if let Some(appid) = intent.fields().get("wxappid").filter(|appid| !self.appids.contains(*appid)) {
            self.appids.insert(appid.to_owned());
        }
        self.numbers.insert(intent.mch_billno().into(), Arc::clone(&id));
        self.seen.insert(id, Seen { line, fingerprint: intent.fingerprint(), fen });
    }

    /// Holds the rows against the store: of one business id there is one intent, and of one number too.
    pub(crate) fn compare(&mut self, store: &mut dyn Ledger) -> Result<(), StoreError> {
        let mut after: Option<RowKey> = None;
        loop {
            let page = store.page(after.as_ref(), PAGE)?;
            for row in &page {
                self.compare_row(row, store)?;
            }
            match page.last() {
                Some(last) => after = Some(last.key()),
                None => return Ok(()),
            }
        }
    }

    fn compare_row(&mut self, there: &Row, store: &mut dyn Ledger) -> Result<(), StoreError> {
        // Later numbers of one business id are the business's own decision.
        let same_id = self.seen.get(&*there.business_id).filter(|_| there.generation == 0);
        if let Some(seen) = same_id {
            let stored = store.find(&there.mch_billno)?;
            if stored.is_none_or(|stored| stored.intent.fingerprint() != seen.fingerprint) {
                let reason = Reason::Changed { mch_billno: there.mch_billno.clone() };
                self.problems.push(Problem::column(seen.line, "business_id", reason));
            }
        }
        let same_number = self.numbers.get(&*there.mch_billno);
        let other = same_number.filter(|id| ***id != *there.business_id);
        if let Some(seen) = other.and_then(|id| self.seen.get(id)) {
            let reason = Reason::NumberTaken { business_id: there.business_id.clone() };
            self.problems.push(Problem::column(seen.line, "mch_billno", reason));
        }
        Ok(())
    }

    /// Everything that is wrong, in the order of the file.
    pub(crate) fn problems(&mut self) -> &[Problem] {
        self.problems.sort_by_key(|problem| problem.line);
        &self.problems
    }

    /// The lines of the rows that are not to be paid.
    pub(crate) fn bad_lines(&self) -> HashSet<u64> {
        self.problems.iter().map(|problem| problem.line).collect()
    }

    /// The good rows and their fen.
    pub(crate) fn good(&self) -> (u64, u64) {
        let bad = self.bad_lines();
        let good = self.seen.values().filter(|seen| !bad.contains(&seen.line));
        good.fold((0, 0), |(rows, fen), seen| (rows + 1, fen + u64::from(seen.fen)))
    }
}
