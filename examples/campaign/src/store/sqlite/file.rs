//! The file: whose it is, what is in it, and how hard it is written.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};

use super::private;
use crate::store::error::StoreError;
use crate::store::names::{self, Unnamed};

/// The version of the tables that this release makes, in `user_version`.
const VERSION: i64 = 2;

/// What marks the file as ours, in `application_id`: `WXPY`.
const APPLICATION_ID: i64 = 0x5758_5059;

/// How long a write waits for a reader, or a reader for a write.
const PATIENCE: Duration = Duration::from_secs(10);

/// The tables of version 1.
const SCHEMA: &str = "
    CREATE TABLE payout (
        mch_id TEXT NOT NULL,
        business_id TEXT NOT NULL,
        generation INTEGER NOT NULL CHECK (generation >= 0),
        mch_billno TEXT NOT NULL,
        amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
        fingerprint TEXT NOT NULL,
        intent TEXT NOT NULL,
        state TEXT NOT NULL,
        done INTEGER NOT NULL CHECK (done IN (0, 1)),
        attempts INTEGER NOT NULL,
        wake_at INTEGER NOT NULL,
        send_listid TEXT,
        reason TEXT,
        refunded_fen INTEGER,
        snapshot TEXT NOT NULL,
        UNIQUE (mch_id, business_id, generation),
        UNIQUE (mch_id, mch_billno)
    ) STRICT;
    CREATE INDEX payout_due ON payout (mch_id, wake_at, mch_billno) WHERE done = 0;
";

/// What version 2 adds: of all spellings of a business id, or of a number, there is one.
const KEYS: &str = "
    ALTER TABLE payout ADD COLUMN business_key TEXT NOT NULL DEFAULT '';
    ALTER TABLE payout ADD COLUMN number_key TEXT NOT NULL DEFAULT '';
";

const KEYED: &str = "
    CREATE UNIQUE INDEX payout_business_key ON payout (mch_id, business_key, generation);
    CREATE UNIQUE INDEX payout_number_key ON payout (mch_id, number_key);
";

const UNNAMED: &str =
    "SELECT mch_id, business_id, generation, mch_billno, done, rowid FROM payout ORDER BY rowid";

const NAME: &str = "UPDATE payout SET business_key = ?2, number_key = ?3 WHERE rowid = ?1";

/// The right to be the worker of a file. The system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Makes the file if it is not there. The lock is on a file of its own: SQLite's own locks are dropped by any close of
    /// its file.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::File { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        private::make(options.create(true).append(true));
        options.open(path).map_err(failed)?;
        // One file has one lock, whatever links lead to it.
        let path = path.canonicalize().map_err(failed)?;
        let file = options.open(beside(&path, ".lock")).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(StoreError::File { path, source }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The file of the same name with `end` behind it.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut beside = path.to_owned().into_os_string();
    beside.push(end);
    beside.into()
}

/// Opens the file to write. Who calls has the [`Lock`].
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    private::keep(path)?;
    let mut db = Connection::open(path)?;
    db.busy_timeout(PATIENCE)?;
    make(&mut db, path)?;
    let mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Journal { mode });
    }
    // A commit is on the disk when it returns; on a Mac that takes its own word.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "fullfsync", true)?;
    db.pragma_update(None, "checkpoint_fullfsync", true)?;
    Ok(db)
}

/// Opens the file to read, beside a worker that may have it.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let path = &path.canonicalize().map_err(|source| StoreError::File { path: path.to_owned(), source })?;
    private::keep(path)?;
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    db.busy_timeout(PATIENCE)?;
    // The columns that are read are those of version 1.
    if version(&db, path)? > 0 { Ok(db) } else { Err(StoreError::Foreign { path: path.to_owned() }) }
}

/// Makes the tables where there is nothing at all, and brings those of an earlier release up to this one's.
fn make(db: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if version(db, path)? == VERSION {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&tx, path)?;
    if found == 0 {
        tx.execute_batch(SCHEMA)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    add_keys(&tx)?;
    tx.pragma_update(None, "user_version", VERSION)?;
    Ok(tx.commit()?)
}

fn add_keys(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute_batch(KEYS)?;
    let mut unnamed = tx.prepare(UNNAMED)?;
    let rows = unnamed.query_map([], |row| {
        let unnamed = Unnamed {
            mch_id: row.get(0)?,
            business_id: row.get(1)?,
            generation: row.get(2)?,
            mch_billno: row.get(3)?,
            done: row.get(4)?,
        };
        Ok((unnamed, row.get::<_, i64>(5)?))
    })?;
    let (rows, rowids): (Vec<_>, Vec<_>) = rows.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let mut name = tx.prepare(NAME)?;
    for (rowid, keys) in rowids.iter().zip(names::of_all(&rows)?) {
        name.execute(params![rowid, keys.business_key, keys.number_key])?;
    }
    Ok(tx.execute_batch(KEYED)?)
}

/// The version of the tables that are there; 0 where the file is empty.
fn version(db: &Connection, path: &Path) -> Result<i64, StoreError> {
    let foreign = || StoreError::Foreign { path: path.to_owned() };
    let number = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    let tables = match number("SELECT count(*) FROM sqlite_schema") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => return Err(foreign()),
        tables => tables?,
    };
    match (number("PRAGMA application_id")?, number("PRAGMA user_version")?) {
        (0, 0) if tables == 0 => Ok(0),
        (APPLICATION_ID, found @ 1..=VERSION) => Ok(found),
        (APPLICATION_ID, found) => Err(StoreError::FutureSchema { found, known: VERSION }),
        _ => Err(foreign()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_on_the_disk_when_it_returns() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(&dir.path().join("campaign.db")).unwrap();
        let db = open(lock.path()).unwrap();
        let number = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(number("PRAGMA synchronous"), 2);
        assert_eq!(number("PRAGMA fullfsync"), 1);
        assert_eq!(number("PRAGMA checkpoint_fullfsync"), 1);
        assert_eq!(db.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)).unwrap(), "wal");
    }
}
