//! Reading the file, as its worker or beside it.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row as Columns, Statement, params};
use wechatpay_proto::payout::Stored;

use super::file;
use crate::store::error::StoreError;
use crate::store::ledger::{Ledger, Row, RowKey, StateSum, Summary};
use crate::store::row::{self, small, unsigned};

/// The books of an SQLite file, to be read while a worker may be at it.
#[derive(Debug)]
pub struct SqliteReader {
    db: Connection,
    mch_id: String,
}

impl SqliteReader {
    /// Opens the payouts of `mch_id` in the file at `path`, which must be there.
    pub fn open(path: impl AsRef<Path>, mch_id: &str) -> Result<Self, StoreError> {
        Ok(Self { db: file::open_to_read(path.as_ref())?, mch_id: mch_id.to_owned() })
    }
}

impl Ledger for SqliteReader {
    fn summary(&mut self) -> Result<Summary, StoreError> {
        summary(&self.db, &self.mch_id)
    }

    fn page(&mut self, after: Option<&RowKey>, limit: usize) -> Result<Vec<Row>, StoreError> {
        page(&self.db, &self.mch_id, after, limit)
    }

    fn find(&mut self, mch_billno: &str) -> Result<Option<Stored>, StoreError> {
        find(&mut self.db.prepare(FIND)?, &self.mch_id, mch_billno)
    }
}

const SUMMARY: &str = "
    SELECT state, count(*), sum(done), sum(amount_fen), coalesce(sum(refunded_fen), 0)
    FROM payout WHERE mch_id = ?1 GROUP BY state ORDER BY state";

/// Every generation is above -1, and every business id above the empty one.
const PAGE: &str = "
    SELECT business_id, generation, mch_billno, amount_fen, state, done, attempts, send_listid, reason,
        refunded_fen, wake_at
    FROM payout WHERE mch_id = ?1 AND (business_id, generation) > (?2, ?3)
    ORDER BY business_id, generation LIMIT ?4";

pub(super) const FIND: &str = "SELECT intent, snapshot FROM payout WHERE mch_id = ?1 AND mch_billno = ?2";

pub(super) fn summary(db: &Connection, mch_id: &str) -> Result<Summary, StoreError> {
    let mut select = db.prepare(SUMMARY)?;
    let states = select.query_map([mch_id], |row| {
        Ok(StateSum {
            state: row.get(0)?,
            payouts: unsigned(row.get(1)?),
            done: unsigned(row.get(2)?),
            fen: unsigned(row.get(3)?),
            refunded_fen: unsigned(row.get(4)?),
        })
    })?;
    Ok(Summary { states: states.collect::<Result<_, _>>()? })
}

pub(super) fn page(
    db: &Connection,
    mch_id: &str,
    after: Option<&RowKey>,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let (business_id, generation) =
        after.map_or(("", -1), |key| (key.business_id.as_str(), i64::from(key.generation)));
    let mut select = db.prepare(PAGE)?;
    let rows = select.query_map(params![mch_id, business_id, generation, row::limit(limit)], one)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn one(row: &Columns<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        business_id: row.get(0)?,
        generation: small(row.get(1)?),
        mch_billno: row.get(2)?,
        amount_fen: unsigned(row.get(3)?),
        state: row.get(4)?,
        done: row.get(5)?,
        attempts: small(row.get(6)?),
        send_listid: row.get(7)?,
        reason: row.get(8)?,
        refunded_fen: row.get::<_, Option<i64>>(9)?.map(unsigned),
        wake_at: row::time(row.get(10)?),
    })
}

/// A payout by its number; `find` is [`FIND`], prepared.
pub(super) fn find(
    find: &mut Statement<'_>,
    mch_id: &str,
    mch_billno: &str,
) -> Result<Option<Stored>, StoreError> {
    let bytes = |row: &Columns<'_>, at| -> rusqlite::Result<_> { Ok(row.get_ref(at)?.as_bytes()?.to_vec()) };
    let found = find.query_row([mch_id, mch_billno], |row| Ok((bytes(row, 0)?, bytes(row, 1)?)));
    let found: Option<(Vec<u8>, Vec<u8>)> = found.optional()?;
    found.map(|(intent, snapshot)| row::stored(mch_id, mch_billno, &intent, &snapshot)).transpose()
}
