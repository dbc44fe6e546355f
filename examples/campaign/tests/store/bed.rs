//! The two stores as the cases see them.

use std::path::PathBuf;

use tempfile::TempDir;
use wechatpay_campaign::store::{
    DEFAULT_LEASE, Ledger, PostgresStore, SqliteReader, SqliteStore, StoreError,
};
use wechatpay_proto::payout::Store;

use crate::packets::{MCH_ID, lease};
use crate::postgres::{Database, database};

/// A worker may live on any thread.
const fn is_send<T: Send>() {}
const _: () = (is_send::<SqliteStore>(), is_send::<SqliteReader>(), is_send::<PostgresStore>()).0;

/// A place for the payouts of one test.
pub(crate) trait Bed {
    type Store: Store<Error = StoreError> + Ledger;

    /// The table.
    const TABLE: &str;

    /// A worker of a merchant.
    fn open_as(&self, mch_id: &str) -> Result<Self::Store, StoreError>;

    /// Does by hand what no worker would.
    fn execute(&self, sql: &str);

    /// The same, and whether the database took it.
    fn try_execute(&self, sql: &str) -> bool;

    /// Makes the database refuse any attempt of a number.
    fn refuse_attempts(&self, mch_billno: &str);

    /// Lets it accept them again.
    fn mend(&self);

    /// Pretends that a later release made the tables.
    fn make_future(&self);

    /// Takes away what this release added to the tables: they are those of version 1.
    fn make_former(&self);

    /// Lets all leases end: as if nobody had been heard of for long.
    fn end_leases(&self);

    fn open(&self) -> Self::Store {
        self.open_as(MCH_ID).unwrap()
    }

    /// The worker ends, and another comes when nobody expects the first any more.
    fn restart(&self, store: Self::Store) -> Self::Store {
        drop(store);
        self.end_leases();
        self.open()
    }

    /// Writes over a column of one payout.
    fn damage(&self, mch_billno: &str, column: &str, text: &str) {
        let table = Self::TABLE;
        self.execute(&format!("UPDATE {table} SET {column} = '{text}' WHERE mch_billno = '{mch_billno}'"));
    }
}

pub(crate) struct SqliteBed {
    pub(crate) dir: TempDir,
}

impl SqliteBed {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("campaign.db")
    }
}

impl Bed for SqliteBed {
    type Store = SqliteStore;

    const TABLE: &str = "payout";

    fn open_as(&self, mch_id: &str) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(self.path(), mch_id)
    }

    fn execute(&self, sql: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }

    fn try_execute(&self, sql: &str) -> bool {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(sql).is_ok()
    }

    fn refuse_attempts(&self, mch_billno: &str) {
        self.execute(&format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON payout WHEN new.mch_billno = '{mch_billno}' AND new.attempts > 0
            BEGIN SELECT raise(ABORT, 'refused'); END"
        ));
    }

    fn mend(&self) {
        self.execute("DROP TRIGGER refuse");
    }

    fn make_future(&self) {
        self.execute("PRAGMA user_version = 3");
    }

    fn make_former(&self) {
        self.execute(
            "DROP INDEX payout_business_key;
            DROP INDEX payout_number_key;
            ALTER TABLE payout DROP COLUMN business_key;
            ALTER TABLE payout DROP COLUMN number_key;
            PRAGMA user_version = 1;",
        );
    }

    fn end_leases(&self) {}
}

pub(crate) struct PostgresBed {
    pub(crate) database: Database,
}

impl PostgresBed {
    pub(crate) fn new() -> Option<Self> {
        database().map(|database| Self { database })
    }
}

impl Bed for PostgresBed {
    type Store = PostgresStore;

    const TABLE: &str = "wechatpay_payout";

    fn open_as(&self, mch_id: &str) -> Result<PostgresStore, StoreError> {
        PostgresStore::open(&self.database.url(), mch_id, lease(DEFAULT_LEASE))
    }

    fn execute(&self, sql: &str) {
        self.database.execute(sql);
    }

    fn try_execute(&self, sql: &str) -> bool {
        self.database.client().batch_execute(sql).is_ok()
    }

    fn refuse_attempts(&self, mch_billno: &str) {
        self.execute(&format!(
            "ALTER TABLE wechatpay_payout ADD CONSTRAINT refuse CHECK (mch_billno <> '{mch_billno}' OR attempts = 0)"
        ));
    }

    fn mend(&self) {
        self.execute("ALTER TABLE wechatpay_payout DROP CONSTRAINT refuse");
    }

    fn make_future(&self) {
        self.execute("UPDATE wechatpay_payout_schema SET version = 3");
    }

    fn make_former(&self) {
        self.execute(
            "ALTER TABLE wechatpay_payout DROP COLUMN business_key, DROP COLUMN number_key;
            UPDATE wechatpay_payout_schema SET version = 1;",
        );
    }

    fn end_leases(&self) {
        self.execute(
            "UPDATE wechatpay_payout SET lease_until = clock_timestamp() - interval '1 second' WHERE lease IS NOT NULL",
        );
    }
}
