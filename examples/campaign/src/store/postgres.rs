//! The store of many workers: PostgreSQL.

mod link;
mod schema;
mod sql;
mod tls;
mod url;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use ::postgres::Client;
use wechatpay_proto::payout::{Inserted, Payout, Record, Saved, Store, Stored, Unsaved};

use self::link::Link;
pub use self::tls::TlsError;
use self::url::Server;
pub use self::url::UrlError;
use super::error::StoreError;
use super::lease::Lease;
use super::ledger::{Ledger, Row, RowKey, Summary};
use super::row::{self, Order};

/// Payouts in PostgreSQL, for many workers on many machines.
///
/// What is taken has a lease: a number that no other taking ever has, and a time by the database's clock, whatever the
/// clocks of the workers. A write needs that number, so that a worker whose payout went to another, because it was slow or
/// thought dead, can write nothing to it, even if it comes back. A lease that has ended is good again if it is renewed or
/// written under before another takes the payout.
///
/// A [`Lease`] is longer than an attempt is good for and an answer is waited for, together: no other worker can have the
/// payout while a request is under way. What waits for longer should be parked
/// ([`Settings::park`](wechatpay_proto::payout::Settings::park)) and given back; what is kept must be
/// [renewed](Store::renew).
///
/// It blocks, and must not be used on a thread of an async runtime.
pub struct PostgresStore {
    link: Link,
    mch_id: String,
    lease: Duration,
    /// The leases of the numbers that were taken.
    held: HashMap<String, i64>,
    /// The numbers that cannot be read.
    broken: HashSet<String>,
}

impl PostgresStore {
    /// Opens the payouts of `mch_id` in a database, makes the tables if they are not there, and brings those of an earlier
    /// release up to this one's. `url` is what libpq takes, with its `host`, `user` and so on, or `postgresql://`. Variables
    /// (`PGPASSWORD`) and files of libpq's (`.pgpass`) are not read.
    ///
    /// # TLS
    ///
    /// TLS is verified, or there is none: the server's certificate must be of a trusted authority and for `host`.
    ///
    /// | `sslmode` | |
    /// |---|---|
    /// | not there | `verify-full`; for a server on this machine (a Unix socket, a loopback address, `localhost`) `disable` |
    /// | `verify-full`, `verify-ca`, `require` | all of them `verify-full` |
    /// | `disable` | none, wherever the server is |
    /// | `prefer`, `allow` | refused: whoever is on the way could switch it off |
    ///
    /// `sslrootcert` is a PEM file with the authorities to trust, or `system`, as without it: those of the operating
    /// system. It asks for TLS by itself. `channel_binding` is honoured.
    pub fn open(url: &str, mch_id: &str, lease: Lease) -> Result<Self, StoreError> {
        let server = Server::parse(url)?;
        Self::open_with(move || server.connect(), mch_id, lease)
    }

    /// The same with connections of one's own. It is called again where a connection broke.
    pub fn open_with(
        connect: impl FnMut() -> Result<Client, ::postgres::Error> + Send + 'static,
        mch_id: &str,
        lease: Lease,
    ) -> Result<Self, StoreError> {
        let mut link = Link::new(connect)?;
        link.run(schema::make)?;
        let (held, broken) = (HashMap::new(), HashSet::new());
        Ok(Self { link, mch_id: mch_id.to_owned(), lease: lease.length(), held, broken })
    }

    fn forget<'n>(&mut self, mch_billnos: impl IntoIterator<Item = &'n str>) {
        for mch_billno in mch_billnos {
            self.held.remove(mch_billno);
        }
    }
}

/// What a worker is not to take: what cannot be read, and what it holds, even if the lease ended and it is another's by
/// now, or free again. It must hear of that loss first, by a write that is refused; else it would write what it knew before
/// over what another has written since.
fn left_out<'s>(held: &'s HashMap<String, i64>, broken: &'s HashSet<String>) -> Vec<&'s str> {
    held.keys().chain(broken).map(String::as_str).collect()
}

impl Store for PostgresStore {
    type Error = StoreError;

    fn insert(&mut self, new: &[Unsaved<Payout>]) -> Result<Vec<Inserted>, StoreError> {
        let orders =
            new.iter().map(|payout| Order::of(&self.mch_id, payout)).collect::<Result<Vec<_>, _>>()?;
        let mch_id = &self.mch_id;
        self.link.run(|tx| {
            let mut inserted = Vec::with_capacity(orders.len());
            for part in orders.chunks(sql::PART) {
                inserted.extend(sql::insert(tx, mch_id, part)?);
            }
            Ok(inserted)
        })
    }

    fn take(&mut self, now: Duration, until: Duration, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let left_out = left_out(&self.held, &self.broken);
        let (mch_id, due, limit) =
            (&self.mch_id, (row::millis(until), row::too_late(now)), row::limit(limit));
        let length = self.lease;
        let taken = self.link.run(|tx| sql::take(tx, mch_id, length, due, &left_out, limit));
        let taken = taken.inspect_err(|error| {
            self.broken.extend(error.broken().map(str::to_owned));
        })?;
        let (leases, stored): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
        self.held.extend(leases);
        Ok(stored)
    }

    fn save(&mut self, _now: Duration, snapshots: &[Record<'_>]) -> Result<Vec<Saved>, StoreError> {
        // Of several snapshots of one payout the last one counts.
        let last: HashMap<&str, &Record<'_>> =
            snapshots.iter().map(|record| (record.snapshot.mch_billno(), record)).collect();
        let held = last.iter().filter_map(|(number, record)| Some((*record, *self.held.get(*number)?)));
        let held: Vec<_> = held.collect();
        let (mch_id, length) = (&self.mch_id, self.lease);
        let written = self.link.run(|tx| {
            let mut written = HashSet::with_capacity(held.len());
            for part in held.chunks(sql::PART) {
                written.extend(sql::save(tx, mch_id, length, part)?);
            }
            Ok(written)
        })?;
        let over = last.iter().filter(|(number, record)| record.done || !written.contains(**number));
        self.forget(over.map(|(number, _)| *number));
        let saved = |record: &Record<'_>| {
            if written.contains(record.snapshot.mch_billno()) { Saved::Written } else { Saved::NotOurs }
        };
        Ok(snapshots.iter().map(saved).collect())
    }

    fn release(&mut self, mch_billnos: &[&str]) -> Result<(), StoreError> {
        let held = mch_billnos.iter().filter_map(|number| Some((*number, *self.held.get(*number)?)));
        let held: Vec<_> = held.collect();
        // First here: where the database does not hear of it, the lease must end by itself, not be renewed for ever.
        self.forget(mch_billnos.iter().copied());
        let mch_id = &self.mch_id;
        self.link.run(|tx| held.chunks(sql::PART).try_for_each(|part| sql::release(tx, mch_id, part)))
    }

    fn renew(&mut self, _now: Duration) -> Result<(), StoreError> {
        let held: Vec<_> = self.held.iter().map(|(number, lease)| (number.as_str(), *lease)).collect();
        let (mch_id, length) = (&self.mch_id, self.lease);
        for part in held.chunks(sql::PART) {
            self.link.run(|tx| sql::renew(tx, mch_id, length, part))?;
        }
        Ok(())
    }

    fn next_wake(&mut self) -> Result<Option<Duration>, StoreError> {
        let left_out = left_out(&self.held, &self.broken);
        let mch_id = &self.mch_id;
        let next = self.link.run(|tx| sql::next_wake(tx, mch_id, &left_out))?;
        Ok(next.map(row::time))
    }
}

impl Ledger for PostgresStore {
    fn summary(&mut self) -> Result<Summary, StoreError> {
        let mch_id = &self.mch_id;
        self.link.run(|tx| sql::summary(tx, mch_id))
    }

    fn page(&mut self, after: Option<&RowKey>, limit: usize) -> Result<Vec<Row>, StoreError> {
        let mch_id = &self.mch_id;
        self.link.run(|tx| sql::page(tx, mch_id, after, row::limit(limit)))
    }

    fn find(&mut self, mch_billno: &str) -> Result<Option<Stored>, StoreError> {
        let mch_id = &self.mch_id;
        self.link.run(|tx| sql::find(tx, mch_id, mch_billno))
    }
}

impl fmt::Debug for PostgresStore {
    /// Without the connection, whose settings have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut store = f.debug_struct("PostgresStore");
        store.field("mch_id", &self.mch_id).field("lease", &self.lease).field("held", &self.held.len());
        store.finish_non_exhaustive()
    }
}
