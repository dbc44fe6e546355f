//! What can go wrong with a store.

use std::io;
use std::path::PathBuf;
use std::str::Utf8Error;
use std::time::Duration;

use wechatpay_proto::payout::{IntentError, SnapshotError};

use super::postgres::{TlsError, UrlError};

/// The disk failed, or what is on it cannot be used. Nothing is sent then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite failed.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL failed. Where its connection broke, the next call makes a new one.
    #[error("PostgreSQL: {}", with_cause(.0))]
    Postgres(#[source] ::postgres::Error),
    /// A payout cannot be read. It is left as it is.
    #[error("mch_billno {mch_billno} cannot be read: {cause}")]
    Broken {
        /// Its number.
        mch_billno: String,
        /// Why.
        cause: Broken,
    },
    /// A later release made the tables, or changed them.
    #[error("the store has version {found}, this release knows {known}")]
    FutureSchema {
        /// The version of the store.
        found: i64,
        /// The version that this release knows.
        known: i64,
    },
    /// The file is something else.
    #[error("{path:?} is no store of a campaign")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another worker has the file.
    #[error("{path:?} is in use by another worker")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made, found or locked.
    #[error("{path:?}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others have rights on the file, and these cannot be taken away: it is somebody else's, or the disk is read-only.
    #[error(
        "{path:?} has the rights {mode:o}, must have 600, as receivers and amounts are in it, and cannot be given them: {source}; its owner can (chmod 600), or work on a copy of your own"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its rights.
        mode: u32,
        /// Why they cannot be changed.
        source: io::Error,
    },
    /// SQLite cannot keep a write-ahead log here, as on some network disks.
    #[error("SQLite keeps its journal as {mode:?} here, and a campaign needs \"wal\"")]
    Journal {
        /// The mode that it has instead.
        mode: String,
    },
    /// A new payout is of another merchant than the store was opened for. None of its batch was written.
    #[error("{business_id:?} is another merchant's")]
    OtherMerchant {
        /// Its business id.
        business_id: String,
    },
    /// An intent cannot be written as JSON.
    #[error("{business_id:?} cannot be written: {source}")]
    Unwritable {
        /// Its business id.
        business_id: String,
        /// Why.
        source: serde_json::Error,
    },
    /// An earlier release, which compared business ids and numbers by their bytes, took two payouts that a person takes
    /// for one, and they are not both done. The store is left as it is.
    #[error(
        "mch_billno {mch_billno} and {other} look alike, by themselves or by their business ids, and may be paid twice for one: if one of them is a mistake and its state is \"intent\", delete its row; else let the release that took them lead them to their end"
    )]
    Alike {
        /// The number of the first.
        mch_billno: String,
        /// The number of the second.
        other: String,
    },
    /// The address of PostgreSQL cannot be used as it is.
    #[error("PostgreSQL: {0}")]
    Url(#[from] UrlError),
    /// TLS to PostgreSQL could not be had as it is asked for.
    #[error("PostgreSQL: {0}")]
    Tls(TlsError),
    /// The length of the lease is out of bounds.
    #[error("a lease must be 1 s to 1 day")]
    Lease,
    /// The lease could end while a request is under way, and another worker could send again.
    #[error("a lease must be longer than {least:?}: an attempt may be that old when its answer comes")]
    ShortLease {
        /// How old an attempt may be when its answer comes.
        least: Duration,
    },
    /// Rows went away under an insert, which no worker does.
    #[error("rows were deleted by another hand")]
    Deleted,
}

impl From<::postgres::Error> for StoreError {
    fn from(error: ::postgres::Error) -> Self {
        TlsError::behind(&error).map_or(Self::Postgres(error), Self::Tls)
    }
}

impl StoreError {
    /// Whether what the store was opened with is wrong, whatever the database.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Url(_) | Self::Lease | Self::ShortLease { .. })
    }

    /// The number of the payout that cannot be read, where that is what went wrong: all others are as usable as before.
    pub fn broken(&self) -> Option<&str> {
        match self {
            Self::Broken { mch_billno, .. } => Some(mch_billno),
            _ => None,
        }
    }
}

/// Why a payout cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// It is not even text.
    #[error("it is no text: {0}")]
    Text(#[from] Utf8Error),
    /// The intent is no JSON, or has not the fields of one.
    #[error("the intent is damaged: {0}")]
    Json(#[from] serde_json::Error),
    /// The intent cannot be used.
    #[error("{0}")]
    Intent(#[from] IntentError),
    /// The snapshot cannot be used.
    #[error("{0}")]
    Snapshot(#[from] SnapshotError),
    /// It stands in the row of another payout.
    #[error("the row is another payout's")]
    OtherRow,
}

/// The client's own text says no more than "db error"; the server's is below it.
fn with_cause(error: &::postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
