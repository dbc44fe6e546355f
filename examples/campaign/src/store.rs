//! Where a campaign lives: [`SqliteStore`] for the one worker of a file, [`PostgresStore`] for many workers on many
//! machines.
//!
//! Both keep the same columns and the same promises; `tests/store` holds both to them. Beside the intent and the snapshot,
//! which alone decide, a row has what queries and reports need as columns of their own.

mod error;
mod lease;
mod ledger;
mod names;
mod postgres;
mod row;
mod sqlite;

pub use error::{Broken, StoreError};
pub use lease::{DEFAULT_LEASE, Lease};
pub use ledger::{Ledger, Row, RowKey, Rows, StateSum, Summary};
pub use postgres::{PostgresStore, TlsError, UrlError};
pub use sqlite::{SqliteReader, SqliteStore};
