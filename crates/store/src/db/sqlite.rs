//! SQLite: one writer, a few readers, WAL, fsync on every commit, and a thread that writes the log back while the writer goes on.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};

use super::migrate::{self, MIGRATIONS_SQLITE};
use super::{DbError, Engine, Params, Row, Statement, Tx, Value};

const READERS: usize = 4;
const STATEMENT_CACHE: usize = 512;
/// Rows changed after which the log is written back beside the writer: some ten thousand pages where they lie scattered. Whatever is left at
/// `wal_autocheckpoint` pages the writer itself writes back, and begins the log anew.
const WRITE_BACK_CHANGES: u64 = 8_000;

#[derive(Clone)]
pub struct Sqlite {
    writer: Arc<Mutex<Connection>>,
    readers: Arc<Readers>,
    write_back: Arc<WriteBack>,
}

/// Copies the log into the database: done by the writer at a commit, it would keep everybody who writes waiting for the disk.
struct WriteBack {
    changes_seen: AtomicU64,
    /// Whoever holds it writes the log back by it: of two who try at once, SQLite would turn one away. Whoever takes the writer too takes this first.
    connection: Arc<Mutex<Connection>>,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// As much of it as nobody reads any more; neither readers nor the writer wait for it.
fn write_log_back(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

impl WriteBack {
    fn start(connection: Connection) -> std::io::Result<Self> {
        let (wake, woken) = mpsc::sync_channel(1);
        let connection = Arc::new(Mutex::new(connection));
        let own = connection.clone();
        let thread = std::thread::Builder::new().name("write-back".into()).spawn(move || {
            while woken.recv().is_ok() {
                if let Err(error) = write_log_back(&own.blocking_lock()) {
                    tracing::warn!(%error, "the database's log could not be written back; it is tried again with the next rows");
                }
            }
        })?;
        Ok(Self { changes_seen: AtomicU64::new(0), connection, wake: Some(wake), thread: Some(thread) })
    }

    /// After a commit of the only writer.
    fn note(&self, changes: u64) {
        if changes.saturating_sub(self.changes_seen.load(Relaxed)) >= WRITE_BACK_CHANGES {
            self.changes_seen.store(changes, Relaxed);
            // Full: it is awake already.
            let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
        }
    }
}

impl Drop for WriteBack {
    /// Whoever copies or removes the file next finds no connection on it.
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Readers {
    free: Semaphore,
    connections: std::sync::Mutex<Vec<Connection>>,
}

pub struct SqliteTx {
    connection: OwnedMutexGuard<Connection>,
    write_back: Arc<WriteBack>,
    open: bool,
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Word(word) => ValueRef::Text(word.as_bytes()),
            Self::Shared(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error() {
            Some(cause) if matches!(cause.extended_code, rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => Self::Unique,
            Some(cause) if cause.code == rusqlite::ErrorCode::CannotOpen => Self::Unreachable(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// A call into SQLite may wait for the disk: on a runtime with several threads, the others go on meanwhile.
fn blocking<T>(call: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(call),
        _ => call(),
    }
}

fn connect(path: &Path) -> Result<Connection, DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|error| DbError::Unreachable(format!("cannot open {}: {error}", path.display())))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
         PRAGMA busy_timeout = 10000; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 32768; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 268435456;",
    )?;
    // One plan a statement, whatever it is run with: else it would be planned anew for other values.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(connection)
}

/// `$n` reads to SQLite as a name in order of appearance: `$2, $1` would swap the values. `?n` is a number.
fn numbered(statement: &Statement) -> std::borrow::Cow<'static, str> {
    if statement.text.contains('$') { statement.text.replace('$', "?").into() } else { statement.text.into() }
}

fn run_query(connection: &Connection, statement: &Statement, params: &[Value]) -> Result<Vec<Row>, DbError> {
    let mut prepared = connection.prepare_cached(&numbered(statement))?;
    read_rows(&mut prepared, params)
}

fn read_rows(prepared: &mut rusqlite::CachedStatement<'_>, params: &[Value]) -> Result<Vec<Row>, DbError> {
    let columns = prepared.column_count();
    let mut found = prepared.query(rusqlite::params_from_iter(params))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut values = Vec::with_capacity(columns);
        for place in 0..columns {
            values.push(match row.get_ref(place)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Int(number),
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
                ValueRef::Real(_) => return Err(DbError::Failed("a floating-point column: the schema has none".into())),
            });
        }
        rows.push(Row(values));
    }
    Ok(rows)
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Self, DbError> {
        let writer = connect(path)?;
        let mut connections = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader = connect(path)?;
            reader.execute_batch("PRAGMA query_only = ON")?;
            connections.push(reader);
        }
        let readers = Readers { free: Semaphore::new(READERS), connections: std::sync::Mutex::new(connections) };
        let write_back = WriteBack::start(connect(path)?).map_err(|error| DbError::Failed(format!("no thread for the database's log: {error}")))?;
        Ok(Self { writer: Arc::new(Mutex::new(writer)), readers: Arc::new(readers), write_back: Arc::new(write_back) })
    }

    pub(super) async fn query(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Row>, DbError> {
        self.read(|reader| run_query(reader, statement, params)).await
    }

    pub(super) async fn query_many(&self, statement: &Statement, batch: &[Params]) -> Result<Vec<Vec<Row>>, DbError> {
        self.read(|reader| {
            let mut prepared = reader.prepare_cached(&numbered(statement))?;
            batch.iter().map(|params| read_rows(&mut prepared, params)).collect()
        })
        .await
    }

    async fn read<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, DbError>) -> Result<T, DbError> {
        let _permit = self.readers.free.acquire().await.map_err(|_| DbError::Unreachable("the database is closed".into()))?;
        let lock = || self.readers.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = lock().pop().ok_or_else(|| DbError::Unreachable("no reader is free".into()))?;
        let result = blocking(|| ask(&reader));
        lock().push(reader);
        result
    }

    pub(super) async fn begin(&self) -> Result<SqliteTx, DbError> {
        let connection = self.writer.clone().lock_owned().await;
        blocking(|| connection.execute_batch("BEGIN IMMEDIATE"))?;
        Ok(SqliteTx { connection, write_back: self.write_back.clone(), open: true })
    }

    pub(super) async fn truncate_log(&self) -> Result<(), DbError> {
        // Most of it beside the writer: while that is held, everybody who writes waits, and only what was written meanwhile is left for it.
        let write_back = self.write_back.connection.lock().await;
        blocking(|| write_log_back(&write_back))?;
        let writer = self.writer.lock().await;
        // A reader in the middle of a query makes it wait, up to the busy timeout; then it is left for the next time:
        // every node truncates the log again within minutes.
        let busy: i64 = blocking(|| writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)))?;
        if busy != 0 {
            tracing::warn!("the database's log could not be cut while it was being read; it is tried again within minutes");
        }
        Ok(())
    }

    async fn pending(&self) -> Result<Vec<&'static migrate::Migration>, DbError> {
        let connection = self.writer.lock().await;
        connection.execute_batch(migrate::CREATE_LEDGER)?;
        let mut prepared = connection.prepare("SELECT name FROM schema_migration")?;
        let applied = prepared.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        migrate::pending(MIGRATIONS_SQLITE, &applied)
    }

    pub(super) async fn pending_migrations(&self) -> Result<Vec<&'static str>, DbError> {
        Ok(self.pending().await?.into_iter().map(|migration| migration.name).collect())
    }

    pub(super) async fn migrate(&self) -> Result<Vec<&'static str>, DbError> {
        let mut names = Vec::new();
        for migration in self.pending().await? {
            let tx = self.begin().await?;
            tx.connection.execute_batch(migration.text)?;
            tx.connection.execute("INSERT INTO schema_migration (name) VALUES (?1)", [migration.name])?;
            let mut tx = Tx::from(Engine::Sqlite(tx));
            migrate::finish(migration, &mut tx).await?;
            tx.commit().await?;
            names.push(migration.name);
        }
        Ok(names)
    }

    pub(super) async fn prepare(&self, statement: &Statement) -> Result<Vec<String>, DbError> {
        let connection = self.writer.lock().await;
        let prepared = connection.prepare(&numbered(statement))?;
        Ok(vec![String::new(); prepared.parameter_count()])
    }
}

impl SqliteTx {
    pub(super) fn query(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Row>, DbError> {
        blocking(|| run_query(&self.connection, statement, params))
    }

    pub(super) fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, DbError> {
        blocking(|| {
            let mut prepared = self.connection.prepare_cached(&numbered(statement))?;
            Ok(prepared.execute(rusqlite::params_from_iter(params))? as u64)
        })
    }

    /// Each set of parameters is made only when its turn comes, so that a large batch need not stand in memory.
    pub(super) fn execute_each(&mut self, statement: &Statement, batch: impl Iterator<Item = impl AsRef<[Value]>>) -> Result<Vec<u64>, DbError> {
        blocking(|| {
            let mut prepared = self.connection.prepare_cached(&numbered(statement))?;
            batch.map(|params| Ok(prepared.execute(rusqlite::params_from_iter(params.as_ref()))? as u64)).collect()
        })
    }

    pub(super) fn query_each(&mut self, statement: &Statement, batch: impl Iterator<Item = Params>) -> Result<Vec<Row>, DbError> {
        blocking(|| {
            let mut prepared = self.connection.prepare_cached(&numbered(statement))?;
            let mut rows = Vec::new();
            for params in batch {
                rows.append(&mut read_rows(&mut prepared, &params)?);
            }
            Ok(rows)
        })
    }

    pub(super) fn query_many(&mut self, statement: &Statement, batch: &[Params]) -> Result<Vec<Vec<Row>>, DbError> {
        blocking(|| {
            let mut prepared = self.connection.prepare_cached(&numbered(statement))?;
            batch.iter().map(|params| read_rows(&mut prepared, params)).collect()
        })
    }

    pub(super) fn commit(mut self) -> Result<(), DbError> {
        blocking(|| self.connection.execute_batch("COMMIT"))?;
        self.open = false;
        self.write_back.note(self.connection.total_changes());
        Ok(())
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        if self.open && self.connection.execute_batch("ROLLBACK").is_err() {
            tracing::debug!("the engine had rolled the transaction back already");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn nobody_waits_to_write_because_the_log_is_to_be_cut_while_it_is_written_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Sqlite::open(&folder.path().join("clarion.db")).expect("opens");
        let writing_back = db.write_back.connection.clone().lock_owned().await;
        let other = db.clone();
        let cutting = tokio::spawn(async move { other.truncate_log().await });
        tokio::task::yield_now().await;
        let tx = tokio::time::timeout(Duration::from_secs(10), db.begin()).await.expect("waits for nobody").expect("begins");
        drop((tx, writing_back));
        cutting.await.expect("no panic").expect("cut");
    }
}
