//! The first pass: every row is judged, by itself, against the other rows, and against the store. Nothing is written.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use wechatpay_proto::payout::Intent;

use super::problem::{Problem, Reason};
use super::row::Terms;
use super::table::Table;
use crate::spelling::folded;
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
    /// By what the spellings of a business id have in common.
    seen: HashMap<Arc<str>, Seen>,
    /// The keys of `seen`, by what the spellings of a number have in common.
    numbers: HashMap<Box<str>, Arc<str>>,
}

/// A good row.
#[derive(Debug)]
struct Seen {
    line: u64,
    business_id: Box<str>,
    mch_billno: Box<str>,
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
        let (id, number): (Arc<str>, _) = (folded(intent.business_id()).into(), folded(intent.mch_billno()));
        let mut repeats = Vec::new();
        if let Some(seen) = self.seen.get(&id) {
            let line = seen.line;
            let same = *seen.business_id == *intent.business_id();
            repeats
                .push(("business_id", if same { Reason::Repeated { line } } else { Reason::Alike { line } }));
        }
        if let Some(seen) = self.numbered(&number) {
            let line = seen.line;
            let same = *seen.mch_billno == *intent.mch_billno();
            let reason = if same { Reason::Repeated { line } } else { Reason::NumberAlike { line } };
            repeats.push(("mch_billno", reason));
        }
        if !repeats.is_empty() {
            let problem = |(column, reason)| Problem::column(line, column, reason);
            return self.problems.extend(repeats.into_iter().map(problem));
        }
        let fen = intent.amount().0;
        if let Some(appid) = intent.fields().get("wxappid").filter(|appid| !self.appids.contains(*appid)) {
            self.appids.insert(appid.to_owned());
        }
        let (business_id, mch_billno) = (intent.business_id().into(), intent.mch_billno().into());
        self.numbers.insert(number.into(), Arc::clone(&id));
        let fingerprint = intent.fingerprint();
        self.seen.insert(id, Seen { line, business_id, mch_billno, fingerprint, fen });
    }

    /// The good row that has a number, in whatever case.
    fn numbered(&self, number: &str) -> Option<&Seen> {
        self.numbers.get(number).and_then(|id| self.seen.get(id))
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
        let (mch_billno, business_id) = (there.mch_billno.clone(), there.business_id.clone());
        let id = folded(&business_id);
        // Later numbers of one business id are the business's own decision.
        if let Some(seen) = self.seen.get(&*id).filter(|_| there.generation == 0) {
            if *seen.business_id != *business_id {
                let reason = Reason::StoredAlike { business_id, mch_billno };
                self.problems.push(Problem::column(seen.line, "business_id", reason));
            } else if store
                .find(&mch_billno)?
                .is_none_or(|there| there.intent.fingerprint() != seen.fingerprint)
            {
                self.problems.push(Problem::column(seen.line, "business_id", Reason::Changed { mch_billno }));
            }
        }
        let same_number = self.numbered(&folded(&there.mch_billno));
        if let Some(seen) = same_number.filter(|seen| folded(&seen.business_id) != id) {
            let (mch_billno, business_id) = (there.mch_billno.clone(), there.business_id.clone());
            let reason = if *seen.mch_billno == *mch_billno {
                Reason::NumberTaken { business_id }
            } else {
                Reason::StoredNumberAlike { mch_billno, business_id }
            };
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
