//! New numbers for payouts that failed.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::BufReader;

use wechatpay_proto::payout::{Inserted, Next, Now, Payout, Policy, Unsaved};

use super::commands::{open, place};
use super::options::Renumber;
use super::{rows, say, setup};
use crate::book::Book;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::intake::{Problem, Reason, Table, refusal};
use crate::report::{cannot_read, each_row};
use crate::spelling::folded;

/// A new number that is asked for.
struct Wish {
    line: u64,
    business_id: String,
    mch_billno: String,
}

/// The latest number of a business id.
struct Latest {
    mch_billno: String,
    state: String,
}

/// What the store has of what is asked for.
#[derive(Default)]
struct Present {
    /// The latest number of each business id.
    latest: HashMap<String, Latest>,
    /// Why a new number cannot be had, by what its spellings have in common.
    taken: HashMap<String, Reason>,
}

/// `campaign renumber`: all of them, or none.
pub(super) fn renumber(options: &Renumber) -> Result<u8, Failure> {
    let mut problems = Vec::new();
    let wishes = read(options, &mut problems)?;
    let mut store = open(&place(&options.store)?, &options.mch_id, setup::usual_lease()?)?;
    let there = present(&mut *store, &wishes)?;
    let (policy, now) = (Policy::default(), Clock::start().now());
    let mut fresh = Vec::new();
    for wish in &wishes {
        match there.latest.get(&wish.business_id) {
            None => problems.push(Problem::column(wish.line, "business_id", Reason::NotStored)),
            // It was asked for before.
            Some(latest) if latest.mch_billno == wish.mch_billno => {}
            Some(latest) => {
                match (successor(&mut *store, latest, wish, (&policy, now))?, there.taken(wish)) {
                    (_, Some(problem)) | (Err(problem), None) => problems.push(problem),
                    (Ok(payout), None) => fresh.push((wish.line, payout)),
                }
            }
        }
    }
    if problems.is_empty() {
        insert(&mut *store, fresh, &mut problems)?;
    }
    if problems.is_empty() {
        say(&format!("{} numbers are in the store; `campaign resume` sends the new ones\n", wishes.len()))?;
        return Ok(0);
    }
    problems.sort_by_key(|problem| problem.line);
    rows::tell(&problems);
    Err(Failure::usage(format!("{}: {} problems", options.csv.display(), problems.len())))
}

fn read(options: &Renumber, problems: &mut Vec<Problem>) -> Result<Vec<Wish>, Failure> {
    let path = options.csv.display();
    let file = File::open(&options.csv).map_err(|error| Failure::usage(format!("{path}: {error}")))?;
    let mut table = Table::of_numbers(BufReader::new(file)).map_err(|problems| {
        rows::tell(&problems);
        Failure::usage(format!("{path}: {} problems", problems.len()))
    })?;
    let (mut wishes, mut ids, mut numbers) = (Vec::<Wish>::new(), HashMap::new(), HashMap::new());
    while let Some(row) = table.next() {
        let wish = row.and_then(|row| {
            let (business_id, mch_billno) = (row.get("business_id")?.into(), row.get("mch_billno")?.into());
            Ok(Wish { line: row.line, business_id, mch_billno })
        });
        match wish {
            Ok(wish) => {
                let mut repeated = |column, before: Option<usize>| {
                    let before = before.and_then(|at| wishes.get(at));
                    let reason = before.map(|before| wish.repeats(column, before));
                    problems.extend(reason.map(|reason| Problem::column(wish.line, column, reason)));
                };
                repeated("business_id", ids.insert(folded(&wish.business_id), wishes.len()));
                repeated("mch_billno", numbers.insert(folded(&wish.mch_billno), wishes.len()));
                wishes.push(wish);
            }
            Err(problem) => problems.push(problem),
        }
    }
    Ok(wishes)
}

impl Wish {
    /// What is wrong with a value that an earlier wish has too, in this spelling or another.
    fn repeats(&self, column: &str, before: &Wish) -> Reason {
        let line = before.line;
        match column {
            "business_id" if before.business_id != self.business_id => Reason::Alike { line },
            "mch_billno" if before.mch_billno != self.mch_billno => Reason::NumberAlike { line },
            _ => Reason::Repeated { line },
        }
    }
}

impl Present {
    fn taken(&self, wish: &Wish) -> Option<Problem> {
        let reason = self.taken.get(&folded(&wish.mch_billno))?;
        Some(Problem::column(wish.line, "mch_billno", reason.clone()))
    }
}

fn present(store: &mut dyn Book, wishes: &[Wish]) -> Result<Present, Failure> {
    let ids: HashSet<&str> = wishes.iter().map(|wish| &*wish.business_id).collect();
    let numbers: HashMap<String, &Wish> =
        wishes.iter().map(|wish| (folded(&wish.mch_billno), wish)).collect();
    let mut there = Present::default();
    each_row(store, |row| {
        let (business_id, mch_billno) = (row.business_id.clone(), row.mch_billno.clone());
        let number = folded(&mch_billno);
        if let Some(wish) = numbers.get(&number) {
            let reason = if wish.mch_billno == mch_billno {
                Reason::NumberTaken { business_id: business_id.clone() }
            } else {
                let (mch_billno, business_id) = (mch_billno.clone(), business_id.clone());
                Reason::StoredNumberAlike { mch_billno, business_id }
            };
            there.taken.insert(number, reason);
        }
        // Generations come in their order.
        if ids.contains(&*business_id) {
            there.latest.insert(business_id, Latest { mch_billno, state: row.state.clone() });
        }
        Ok(())
    })?;
    Ok(there)
}

/// The payout under its new number, if the one before has failed for certain: the machine says so.
fn successor(
    store: &mut dyn Book,
    latest: &Latest,
    wish: &Wish,
    (policy, now): (&Policy, Now),
) -> Result<Result<Unsaved<Payout>, Problem>, Failure> {
    let Latest { mch_billno, state } = latest;
    let stored = store.find(mch_billno).map_err(|error| cannot_read(&error))?;
    let unusable = |what: String| Problem::column(wish.line, "business_id", Reason::Unusable(what));
    let Some(stored) = stored else { return Ok(Err(unusable("it is gone from the store".to_owned()))) };
    let payout = match Payout::restore(stored.intent, policy, &stored.snapshot, now) {
        Ok(payout) => payout,
        Err(error) => return Ok(Err(unusable(error.to_string()))),
    };
    let failed = match payout.next(now) {
        Ok(Next::Done(done)) => done.into_failed().ok(),
        Ok(_) => None,
        Err(blocked) => return Err(Failure::error(blocked.to_string())),
    };
    let Some(failed) = failed else {
        let reason = Reason::NotFailed { mch_billno: mch_billno.clone(), state: state.clone() };
        return Ok(Err(Problem::column(wish.line, "business_id", reason)));
    };
    let renumbered = failed.renumber(&wish.mch_billno);
    Ok(renumbered
        .map(|intent| Payout::new(intent, policy, now))
        .map_err(|error| Problem::of_request(wish.line, error.error())))
}

fn insert(
    store: &mut dyn Book,
    fresh: Vec<(u64, Unsaved<Payout>)>,
    problems: &mut Vec<Problem>,
) -> Result<(), Failure> {
    let (lines, payouts): (Vec<u64>, Vec<_>) = fresh.into_iter().unzip();
    let inserted =
        store.insert(&payouts).map_err(|error| Failure::of("cannot write to the store", &error))?;
    for (line, inserted) in lines.into_iter().zip(inserted) {
        if !matches!(inserted, Inserted::New | Inserted::Same) {
            problems.push(refusal(line, inserted));
        }
    }
    Ok(())
}
