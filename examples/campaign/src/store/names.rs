//! What business ids and numbers have in common that a person takes for one: of each there is one payout, whatever the
//! spelling. Each row has both as columns of their own, and the databases keep them unique.

use std::collections::{BTreeMap, btree_map::Entry};

use super::error::StoreError;
use crate::spelling::folded;

/// Stands before what an earlier release took beside another of its look, and is in no folded text.
const BESIDE: char = '\u{200B}';

/// What the spellings of a business id have in common.
pub(super) fn business_key(business_id: &str) -> String {
    folded(business_id)
}

/// What the spellings of a number have in common: letters and digits, so there is only case.
pub(super) fn number_key(mch_billno: &str) -> String {
    folded(mch_billno)
}

/// A row of an earlier release, which compared by bytes.
pub(super) struct Unnamed {
    pub(super) mch_id: String,
    pub(super) business_id: String,
    pub(super) generation: i64,
    pub(super) mch_billno: String,
    pub(super) done: bool,
}

/// The keys of a row.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) business_key: String,
    pub(super) number_key: String,
}

/// The keys of all rows of an earlier release. Two that look alike are an error while one of them may yet be sent; what is
/// done stays in the books, and those that follow the first get keys that no new row can have.
pub(super) fn of_all(rows: &[Unnamed]) -> Result<Vec<Keys>, StoreError> {
    let (mut ids, mut numbers) = (BTreeMap::new(), BTreeMap::new());
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let Unnamed { mch_id, business_id, generation, mch_billno, .. } = row;
        let (by_id, by_number) = (business_key(business_id), number_key(mch_billno));
        let place = (mch_id, by_id.clone(), *generation);
        let business_key = alone(&mut ids, place, row, by_id, business_id)?;
        let number_key = alone(&mut numbers, (mch_id, by_number.clone()), row, by_number, mch_billno)?;
        all.push(Keys { business_key, number_key });
    }
    Ok(all)
}

/// The key of a row, if none of its look came before it.
fn alone<'r, K: Ord>(
    before: &mut BTreeMap<K, &'r Unnamed>,
    place: K,
    row: &'r Unnamed,
    key: String,
    text: &str,
) -> Result<String, StoreError> {
    match before.entry(place) {
        Entry::Vacant(vacant) => {
            vacant.insert(row);
            Ok(key)
        }
        Entry::Occupied(first) if first.get().done && row.done => Ok(format!("{BESIDE}{text}")),
        Entry::Occupied(first) => Err(StoreError::Alike {
            mch_billno: first.get().mch_billno.clone(),
            other: row.mch_billno.clone(),
        }),
    }
}
