//! One SQL text for two databases: a thin layer over rusqlite and tokio-postgres.
//!
//! Statements use `$1`, `$2` …, the types BIGINT, TEXT and blob, and nothing that only one engine has.
//! The few statements that need two texts have both in place (`statement.rs`).

mod batch;
mod copy;
mod encrypted;
mod migrate;
mod postgres;
mod row;
mod sqlite;
mod statement;
mod transfer;

use std::collections::HashSet;
use std::path::Path;

pub use copy::{check_sqlite, copy_sqlite};
pub use migrate::{Migration, MIGRATIONS_POSTGRES, MIGRATIONS_SQLITE};
pub use postgres::{scratch_postgres, scratch_url};
pub use row::{FromValue, Row, Value};
pub use statement::Statement;
pub use transfer::{CopiedTable, copy_database};
pub(crate) use statement::sql;

use crate::audit::chain::{PendingAct, append_acts};

/// Why a database call failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A row with this key exists.
    #[error("a row with this key exists already")]
    Unique,
    /// The database cannot be reached, or no connection came free in time.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The statement failed; a fault of ours or of the disk.
    #[error("the database refused a statement: {0}")]
    Failed(String),
    /// The schema is older or newer than this program.
    #[error("{0}")]
    Schema(String),
}

/// A database: SQLite in a file of this machine, or PostgreSQL shared by several nodes.
#[derive(Clone)]
pub enum Db {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// One transaction. Dropped without `commit`, it is rolled back.
pub struct Tx {
    engine: Engine,
    /// What it did, to be linked into the audit's chains as the last thing before the commit.
    acts: Vec<PendingAct>,
}

enum Engine {
    Sqlite(sqlite::SqliteTx),
    Postgres(Box<postgres::PostgresTx>),
}

impl From<Engine> for Tx {
    fn from(engine: Engine) -> Self {
        Self { engine, acts: Vec::new() }
    }
}

/// The parameters of one execution.
pub type Params = Vec<Value>;

/// `params![a, b]`: values in the order of `$1`, `$2` ….
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}

impl Db {
    /// Opens or creates the SQLite file.
    pub async fn open_sqlite(path: &Path) -> Result<Self, DbError> {
        Ok(Self::Sqlite(sqlite::Sqlite::open(path)?))
    }

    /// Connects to PostgreSQL; `url` is `postgres://user:password@host/database`, with `?sslmode=` towards another machine.
    pub async fn open_postgres(url: &str) -> Result<Self, DbError> {
        Self::open_postgres_of(url, None).await
    }

    /// The same where an authority (PEM) that this machine does not know has signed the server's certificate.
    pub async fn open_postgres_of(url: &str, ca_pem: Option<Vec<u8>>) -> Result<Self, DbError> {
        Ok(Self::Postgres(postgres::Postgres::open(url, ca_pem).await?))
    }

    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Rows of a statement that only reads.
    pub async fn query(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Row>, DbError> {
        match self {
            Self::Sqlite(db) => db.query(statement, params).await,
            Self::Postgres(db) => db.query(statement, params).await,
        }
    }

    /// The first row, if there is one.
    pub async fn query_first(&self, statement: &Statement, params: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(self.query(statement, params).await?.into_iter().next())
    }

    /// The same read once for each set of parameters, outside a transaction; the rows of each, in order.
    pub async fn query_many(&self, statement: &Statement, batch: &[Params]) -> Result<Vec<Vec<Row>>, DbError> {
        match self {
            Self::Sqlite(db) => db.query_many(statement, batch).await,
            Self::Postgres(db) => db.query_many(statement, batch).await,
        }
    }

    /// One statement in a transaction of its own; the number of rows it touched.
    pub async fn execute(&self, statement: &Statement, params: &[Value]) -> Result<u64, DbError> {
        let mut tx = self.begin().await?;
        let touched = tx.execute(statement, params).await?;
        tx.commit().await?;
        Ok(touched)
    }

    /// Begins a transaction that may write. On SQLite there is one writer: keep it short.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        match self {
            Self::Sqlite(db) => Ok(Engine::Sqlite(db.begin().await?).into()),
            Self::Postgres(db) => Ok(Engine::Postgres(Box::new(db.begin().await?)).into()),
        }
    }

    /// Moves the write-ahead log into the database and cuts it to nothing, so that no deleted row is left in it.
    /// PostgreSQL keeps its log by its own rules.
    pub async fn truncate_log(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(db) => db.truncate_log().await,
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Brings the schema up to date; returns the names of the migrations applied.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, DbError> {
        match self {
            Self::Sqlite(db) => db.migrate().await,
            Self::Postgres(db) => db.migrate().await,
        }
    }

    /// The names of migrations not yet applied; an error when the database is newer than this program.
    pub async fn pending_migrations(&self) -> Result<Vec<&'static str>, DbError> {
        match self {
            Self::Sqlite(db) => db.pending_migrations().await,
            Self::Postgres(db) => db.pending_migrations().await,
        }
    }

    /// Prepares a statement without running it, and returns its parameters' types as the engine sees them
    /// (SQLite has none to tell: only their number). For the test that keeps both engines in step.
    pub async fn prepare(&self, statement: &Statement) -> Result<Vec<String>, DbError> {
        match self {
            Self::Sqlite(db) => db.prepare(statement).await,
            Self::Postgres(db) => db.prepare(statement).await,
        }
    }
}

impl Tx {
    /// Has the act written by `commit`: a chain's last entry stays locked from then on, so it is asked for after every other row.
    pub(crate) fn record(&mut self, act: PendingAct) {
        self.acts.push(act);
    }

    pub async fn query(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Row>, DbError> {
        match &mut self.engine {
            Engine::Sqlite(tx) => tx.query(statement, params),
            Engine::Postgres(tx) => tx.query(statement, params).await,
        }
    }

    pub async fn query_first(&mut self, statement: &Statement, params: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(self.query(statement, params).await?.into_iter().next())
    }

    pub async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, DbError> {
        match &mut self.engine {
            Engine::Sqlite(tx) => tx.execute(statement, params),
            Engine::Postgres(tx) => tx.execute(statement, params).await,
        }
    }

    /// The same statement once for each set of parameters: a loop on SQLite, pipelined on PostgreSQL.
    /// Returns the rows touched by each, in order.
    pub async fn execute_many(&mut self, statement: &Statement, batch: &[Params]) -> Result<Vec<u64>, DbError> {
        match &mut self.engine {
            Engine::Sqlite(tx) => tx.execute_each(statement, batch.iter()),
            Engine::Postgres(tx) => tx.execute_many(statement, batch).await,
        }
    }

    /// The same read once for each set of parameters; the rows of each, in order.
    pub async fn query_many(&mut self, statement: &Statement, batch: &[Params]) -> Result<Vec<Vec<Row>>, DbError> {
        match &mut self.engine {
            Engine::Sqlite(tx) => tx.query_many(statement, batch),
            Engine::Postgres(tx) => tx.query_many(statement, batch).await,
        }
    }

    /// The same write once for each set of parameters, and the rows that it returns, in no order: a loop on SQLite, one statement
    /// on PostgreSQL. No two sets may touch the same row.
    pub async fn write_batch(&mut self, statement: &Statement, batch: impl Iterator<Item = Params>) -> Result<Vec<Row>, DbError> {
        match &mut self.engine {
            Engine::Sqlite(tx) => tx.query_each(statement, batch),
            Engine::Postgres(tx) => tx.write_batch(statement, &batch.collect::<Vec<_>>()).await,
        }
    }

    /// Inserts the rows that are not there yet, each known by its first column; which of them were new. The text for PostgreSQL
    /// ends with `RETURNING` that column; SQLite, which would keep a copy of every row for it, tells by counting.
    pub async fn insert_new(&mut self, statement: &Statement, batch: impl Iterator<Item = Params>) -> Result<Vec<bool>, DbError> {
        match &mut self.engine {
            Engine::Sqlite(tx) => Ok(tx.execute_each(statement, batch)?.into_iter().map(|rows| rows > 0).collect()),
            Engine::Postgres(tx) => {
                let batch: Vec<_> = batch.collect();
                let new = tx.write_batch(statement, &batch).await?.into_iter().map(|mut row| row.take(0)).collect::<Result<HashSet<i64>, DbError>>()?;
                Ok(batch.iter().map(|params| matches!(params.first(), Some(Value::Int(id)) if new.contains(id))).collect())
            }
        }
    }

    /// Makes it durable: fsync on SQLite (synchronous=FULL), the commit record on PostgreSQL.
    pub async fn commit(mut self) -> Result<(), DbError> {
        let acts = std::mem::take(&mut self.acts);
        append_acts(&mut self, acts).await?;
        match self.engine {
            Engine::Sqlite(tx) => tx.commit(),
            Engine::Postgres(tx) => tx.commit().await,
        }
    }
}
