//! What the program needs of a store.

use std::path::PathBuf;

use wechatpay_proto::payout::Store;

use crate::store::{Lease, Ledger, PostgresStore, SqliteReader, SqliteStore, StoreError};

/// A store of payouts that can be looked through.
pub(crate) trait Book: Store<Error = StoreError> + Ledger {}

impl<S: Store<Error = StoreError> + Ledger> Book for S {}

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file.
    Sqlite(PathBuf),
    /// A file that goes with this process.
    Fleeting(PathBuf),
    /// A database of a server; the URL may hold a password.
    Postgres(String),
}

impl Place {
    /// Reads `sqlite:PATH` or `postgres://…`.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            // As libpq writes it: `postgres:host=/run/postgresql dbname=campaign`.
            Some(("postgres", settings)) => Ok(Self::Postgres(settings.to_owned())),
            _ => Err("a store is sqlite:PATH or postgres://USER@HOST/DATABASE"),
        }
    }

    /// Opens it to work on it; a file that is not there is made.
    pub(crate) fn open(&self, mch_id: &str, lease: Lease) -> Result<Box<dyn Book>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteStore::open(path, mch_id)?),
            Self::Fleeting(path) => Box::new(SqliteStore::open_fleeting(path, mch_id)?),
            Self::Postgres(url) => Box::new(PostgresStore::open(url, mch_id, lease)?),
        })
    }

    /// Opens it to look at it, even while others work on it.
    pub(crate) fn read(&self, mch_id: &str, lease: Lease) -> Result<Box<dyn Ledger>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) | Self::Fleeting(path) => Box::new(SqliteReader::open(path, mch_id)?),
            Self::Postgres(url) => Box::new(PostgresStore::open(url, mch_id, lease)?),
        })
    }
}
