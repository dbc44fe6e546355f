//! The connection: made again when it broke, and every transaction run alike.

use std::collections::HashMap;

use ::postgres::error::{Severity, SqlState};
use ::postgres::types::ToSql;
use ::postgres::{Client, Error, IsolationLevel, Row, Statement, Transaction};

use crate::store::error::StoreError;

type Connect = Box<dyn FnMut() -> Result<Client, Error> + Send>;

pub(super) struct Link {
    connect: Connect,
    /// `None` once it broke.
    client: Option<Client>,
    prepared: HashMap<&'static str, Statement>,
}

/// A transaction, and the statements that its connection knows.
pub(super) struct Tx<'l> {
    tx: Transaction<'l>,
    prepared: &'l mut HashMap<&'static str, Statement>,
}

/// How often a transaction is run that PostgreSQL broke off, because it and another waited for each other.
const TRIES: u32 = 5;

/// No write of ours may be confirmed before it is on disk. No wait is without end: nor for a lock, nor, for others, for a
/// worker that was stopped in the middle of a transaction. What is due is read in the order of its index: of a table that
/// was just filled the planner knows nothing yet, and would sort all of it to find the first few.
const SESSION: &str = "
    SELECT set_config('synchronous_commit', 'on', false)
        FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off';
    SET lock_timeout = '30s';
    SET statement_timeout = '5min';
    SET idle_in_transaction_session_timeout = '1min';
    SET enable_sort = off;
    SET enable_bitmapscan = off;
";

impl Link {
    pub(super) fn new(
        connect: impl FnMut() -> Result<Client, Error> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let mut connect: Connect = Box::new(connect);
        let client = session(&mut connect)?;
        Ok(Self { connect, client: Some(client), prepared: HashMap::new() })
    }

    /// Runs a transaction to its end. On an error nothing of it stays, unless the connection broke while the commit was
    /// confirmed.
    pub(super) fn run<T>(
        &mut self,
        mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut tries = 1;
        loop {
            match self.once(&mut work) {
                Err(StoreError::Postgres(error)) if tries < TRIES && is_broken_off(&error) => tries += 1,
                Err(StoreError::Postgres(error)) if is_fatal(&error) => {
                    self.client = None;
                    return Err(error.into());
                }
                result => return result,
            }
        }
    }

    fn once<T>(
        &mut self,
        work: &mut impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let client = match self.client.take() {
            Some(client) if !client.is_closed() => client,
            _ => {
                self.prepared.clear();
                session(&mut self.connect)?
            }
        };
        // What a statement sees is what was committed before it, whatever the server's default is.
        let build = self.client.insert(client).build_transaction();
        let tx = build.isolation_level(IsolationLevel::ReadCommitted).start()?;
        let mut tx = Tx { tx, prepared: &mut self.prepared };
        let done = work(&mut tx)?;
        tx.tx.commit()?;
        Ok(done)
    }
}

fn session(connect: &mut Connect) -> Result<Client, StoreError> {
    let mut client = connect()?;
    client.batch_execute(SESSION)?;
    Ok(client)
}

/// Whether the connection is of no more use: what is not said by the server is said of the connection.
fn is_fatal(error: &Error) -> bool {
    error
        .as_db_error()
        .is_none_or(|error| matches!(error.parsed_severity(), None | Some(Severity::Fatal | Severity::Panic)))
}

fn is_broken_off(error: &Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE))
}

impl Tx<'_> {
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let statement = match self.prepared.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.tx.prepare(sql)?;
                self.prepared.insert(sql, statement.clone());
                statement
            }
        };
        self.tx.query(&statement, params)
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        self.tx.batch_execute(sql)
    }
}
