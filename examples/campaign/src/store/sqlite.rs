//! The store of one worker: a file.

mod file;
mod private;
mod read;

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Statement, TransactionBehavior, params};
use wechatpay_proto::payout::{Inserted, Payout, Record, Saved, Store, Stored, Unsaved};

use self::file::Lock;
pub use self::read::SqliteReader;
use super::error::StoreError;
use super::ledger::{Ledger, Row, RowKey, Summary};
use super::row::{self, Order, Present, Standing};

/// Payouts in an SQLite file, for one worker: a second one is refused while the first lives.
///
/// What was written survives a crash of the process and of the machine, as far as the disk keeps what it confirms (WAL,
/// `synchronous=FULL`). Who holds what is in memory, so that taking writes nothing, and after a restart all that is not
/// done can be taken at once.
#[derive(Debug)]
pub struct SqliteStore {
    db: Connection,
    mch_id: String,
    /// The numbers that were taken.
    held: HashSet<String>,
    /// The numbers that cannot be read.
    broken: HashSet<String>,
    /// Last, as fields are dropped in order: the file is closed before another may have it.
    _lock: Lock,
}

impl SqliteStore {
    /// Opens the payouts of `mch_id` in the file at `path`, and makes it if it is not there. Beside it there will be files
    /// of the same name with `-wal`, `-shm` and `.lock` behind it. On Unix all of them are their owner's alone (0600), whatever
    /// the umask; wider rights are taken away.
    pub fn open(path: impl AsRef<Path>, mch_id: &str) -> Result<Self, StoreError> {
        let lock = Lock::take(path.as_ref())?;
        let db = file::open(lock.path())?;
        let mch_id = mch_id.to_owned();
        Ok(Self { db, mch_id, held: HashSet::new(), broken: HashSet::new(), _lock: lock })
    }
}

impl SqliteStore {
    /// A file that is of no use after this process: the disk is not waited for.
    pub(crate) fn open_fleeting(path: &Path, mch_id: &str) -> Result<Self, StoreError> {
        let store = Self::open(path, mch_id)?;
        store.db.pragma_update(None, "synchronous", "OFF")?;
        Ok(store)
    }
}

impl Store for SqliteStore {
    type Error = StoreError;

    fn insert(&mut self, new: &[Unsaved<Payout>]) -> Result<Vec<Inserted>, StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let inserted = {
            let mut insert = tx.prepare(INSERT)?;
            let mut there = tx.prepare(PRESENT)?;
            let one = |payout| {
                let order = Order::of(&self.mch_id, payout)?;
                if put(&mut insert, &self.mch_id, &order)? {
                    return Ok(Inserted::New);
                }
                let there = look_alikes(&mut there, &self.mch_id, &order)?;
                order.judge(&there.iter().collect::<Vec<_>>()).ok_or(StoreError::Deleted)
            };
            new.iter().map(one).collect::<Result<_, StoreError>>()?
        };
        tx.commit()?;
        Ok(inserted)
    }

    fn take(&mut self, now: Duration, until: Duration, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let due = self.free(until, row::too_late(now), limit)?;
        let mut taken = Vec::with_capacity(due.len());
        {
            let mut payout = self.db.prepare(read::FIND)?;
            for (mch_billno, _) in &due {
                match read::find(&mut payout, &self.mch_id, mch_billno) {
                    Ok(stored) => taken.extend(stored),
                    Err(error @ StoreError::Broken { .. }) => {
                        self.broken.insert(mch_billno.clone());
                        return Err(error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        self.held.extend(due.into_iter().map(|(mch_billno, _)| mch_billno));
        Ok(taken)
    }

    fn save(&mut self, _now: Duration, snapshots: &[Record<'_>]) -> Result<Vec<Saved>, StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut saved = Vec::with_capacity(snapshots.len());
        {
            let mut update = tx.prepare(SAVE)?;
            for record in snapshots {
                let mch_billno = record.snapshot.mch_billno();
                let ours = self.held.contains(mch_billno) && write(&mut update, &self.mch_id, record)?;
                saved.push(if ours { Saved::Written } else { Saved::NotOurs });
            }
        }
        tx.commit()?;
        for record in snapshots.iter().filter(|record| record.done) {
            self.held.remove(record.snapshot.mch_billno());
        }
        Ok(saved)
    }

    fn release(&mut self, mch_billnos: &[&str]) -> Result<(), StoreError> {
        for mch_billno in mch_billnos {
            self.held.remove(*mch_billno);
        }
        Ok(())
    }

    fn next_wake(&mut self) -> Result<Option<Duration>, StoreError> {
        Ok(self.free(Duration::MAX, i64::MAX, 1)?.pop().map(|(_, wake_at)| wake_at))
    }
}

impl SqliteStore {
    /// Up to `limit` numbers that are not done and that nobody holds, with the time at which each wants to go on, from the
    /// earliest to `until`, and those beyond `too_late`.
    fn free(
        &self,
        until: Duration,
        too_late: i64,
        limit: usize,
    ) -> Result<Vec<(String, Duration)>, StoreError> {
        let mut due = self.db.prepare(DUE)?;
        let mut rows = due.query(params![self.mch_id, row::millis(until), too_late])?;
        let mut free = Vec::new();
        while free.len() < limit
            && let Some(row) = rows.next()?
        {
            let mch_billno: String = row.get(0)?;
            if !self.held.contains(&mch_billno) && !self.broken.contains(&mch_billno) {
                free.push((mch_billno, row::time(row.get(1)?)));
            }
        }
        Ok(free)
    }
}

impl Ledger for SqliteStore {
    fn summary(&mut self) -> Result<Summary, StoreError> {
        read::summary(&self.db, &self.mch_id)
    }

    fn page(&mut self, after: Option<&RowKey>, limit: usize) -> Result<Vec<Row>, StoreError> {
        read::page(&self.db, &self.mch_id, after, limit)
    }

    fn find(&mut self, mch_billno: &str) -> Result<Option<Stored>, StoreError> {
        read::find(&mut self.db.prepare(read::FIND)?, &self.mch_id, mch_billno)
    }
}

/// A later number needs the proof that the one before it failed.
const INSERT: &str = "
    INSERT INTO payout (mch_id, business_id, generation, mch_billno, amount_fen, fingerprint, intent,
        state, done, attempts, wake_at, send_listid, reason, refunded_fen, snapshot, business_key, number_key)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16
    WHERE ?3 = 0 OR EXISTS (
        SELECT 1 FROM payout
        WHERE mch_id = ?1 AND business_id = ?2 AND generation = ?3 - 1 AND state = 'failed' AND done)
    ON CONFLICT DO NOTHING";

/// What keeps a row from being inserted: its business id or its number, in whatever spelling. What an earlier release took
/// beside another of its look is found by its business id alone.
const PRESENT: &str = "
    SELECT business_id, generation, mch_billno, fingerprint FROM payout
    WHERE mch_id = ?1 AND business_id = ?2 AND generation = ?3
    UNION
    SELECT business_id, generation, mch_billno, fingerprint FROM payout
    WHERE mch_id = ?1 AND business_key = ?4 AND generation = ?3
    UNION
    SELECT business_id, generation, mch_billno, fingerprint FROM payout
    WHERE mch_id = ?1 AND number_key = ?5";

/// Answered from the index alone.
const DUE: &str = "
    SELECT mch_billno, wake_at FROM payout
    WHERE mch_id = ?1 AND done = 0 AND (wake_at <= ?2 OR wake_at > ?3) ORDER BY wake_at, mch_billno";

const SAVE: &str = "
    UPDATE payout SET state = ?3, done = ?4, attempts = ?5, wake_at = ?6, send_listid = ?7, reason = ?8,
        refunded_fen = ?9, snapshot = ?10
    WHERE mch_id = ?1 AND mch_billno = ?2";

fn put(insert: &mut Statement<'_>, mch_id: &str, order: &Order) -> Result<bool, StoreError> {
    let Order { standing, .. } = order;
    let rows = insert.execute(params![
        mch_id,
        order.business_id,
        order.generation,
        order.mch_billno,
        order.amount_fen,
        order.fingerprint,
        order.intent,
        standing.state,
        standing.attempts,
        standing.wake_at,
        standing.send_listid,
        standing.reason,
        standing.refunded_fen,
        standing.snapshot,
        order.business_key,
        order.number_key,
    ])?;
    Ok(rows == 1)
}

fn look_alikes(present: &mut Statement<'_>, mch_id: &str, order: &Order) -> Result<Vec<Present>, StoreError> {
    let Order { business_id, business_key, generation, number_key, .. } = order;
    let rows = present
        .query_map(params![mch_id, business_id, generation, business_key, number_key], |row| {
            Ok(Present::new(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn write(update: &mut Statement<'_>, mch_id: &str, record: &Record<'_>) -> Result<bool, StoreError> {
    let standing = Standing::of(record.snapshot);
    let rows = update.execute(params![
        mch_id,
        record.snapshot.mch_billno(),
        standing.state,
        record.done,
        standing.attempts,
        standing.wake_at,
        standing.send_listid,
        standing.reason,
        standing.refunded_fen,
        standing.snapshot,
    ])?;
    Ok(rows == 1)
}
