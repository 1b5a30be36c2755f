//! PostgreSQL through a pool; statements are prepared once a connection and pipelined in batches.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Timeouts};
use futures_util::future::try_join_all;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{NoTls, error::SqlState};

use super::migrate::{self, MIGRATIONS_POSTGRES};
use super::{batch as whole, encrypted, DbError, Engine, Params, Row, Statement, Tx, Value};

const CONNECTIONS: usize = 12;
const CONNECTION_WAIT_SECONDS: u64 = 10;

#[derive(Clone)]
pub struct Postgres {
    pool: Pool,
}

pub struct PostgresTx {
    connection: Option<Object>,
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut tokio_postgres::types::private::BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Word(word) => word.to_sql(kind, out),
            Self::Shared(text) => text.as_ref().to_sql(kind, out),
            Self::Blob(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::UNIQUE_VIOLATION) => Self::Unique,
            Some(_) => Self::Failed(error.as_db_error().map_or_else(|| error.to_string(), |cause| cause.message().to_owned())),
            None if error.is_closed() => Self::Unreachable(error.to_string()),
            None => Self::Failed(format!("{error}: {:?}", error.source().map(ToString::to_string))),
        }
    }
}

impl From<deadpool_postgres::PoolError> for DbError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::Unreachable(match &error {
            // What the server says of itself: a password, a line that pg_hba.conf lacks. It stands in no error's own words.
            PoolError::Backend(refused) => match refused.as_db_error() {
                Some(said) => said.message().to_owned(),
                None => refused.source().map_or_else(|| refused.to_string(), |cause| format!("{refused}: {cause}")),
            },
            _ => error.to_string(),
        })
    }
}

fn text(statement: &Statement) -> &'static str {
    if statement.postgres.is_empty() { statement.text } else { statement.postgres }
}

fn as_params(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn as_row(row: &tokio_postgres::Row) -> Result<Row, DbError> {
    let read = |place: usize| -> Result<Value, tokio_postgres::Error> {
        Ok(match *row.columns()[place].type_() {
            Type::TEXT => row.try_get::<_, Option<String>>(place)?.into(),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(place)?.into(),
            _ => row.try_get::<_, Option<i64>>(place)?.into(),
        })
    };
    Ok(Row((0..row.len()).map(read).collect::<Result<_, _>>()?))
}

async fn run_query(connection: &Object, statement: &Statement, params: &[Value]) -> Result<Vec<Row>, DbError> {
    let prepared = connection.prepare_cached(text(statement)).await?;
    connection.query(&prepared, &as_params(params)).await?.iter().map(as_row).collect()
}

/// From so many sets of parameters on, one statement for all of them pays.
const WHOLE_MIN: usize = 4;

/// Runs a statement that was made for a whole batch.
async fn run_whole(connection: &Object, text: &str, kinds: &[Type], batch: &[Params]) -> Result<Vec<Row>, DbError> {
    let prepared = connection.prepare_cached(text).await?;
    let columns = whole::columns(kinds, batch);
    let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|column| &**column as &(dyn ToSql + Sync)).collect();
    connection.query(&prepared, &params).await?.iter().map(as_row).collect()
}

/// The rows of each set, by the number in their last column.
fn by_number(rows: Vec<Row>, sets: usize) -> Result<Vec<Vec<Row>>, DbError> {
    let mut each = vec![Vec::new(); sets];
    for mut row in rows {
        let number = match row.0.pop() {
            Some(Value::Int(number)) => usize::try_from(number - 1).ok(),
            _ => None,
        };
        let set = number.and_then(|number| each.get_mut(number)).ok_or_else(|| DbError::Failed("a row of no set of parameters".into()))?;
        set.push(row);
    }
    Ok(each)
}

async fn run_query_many(connection: &Object, statement: &Statement, batch: &[Params]) -> Result<Vec<Vec<Row>>, DbError> {
    let prepared = connection.prepare_cached(text(statement)).await?;
    if batch.len() >= WHOLE_MIN
        && let Some(text) = whole::read(text(statement), prepared.params())
    {
        return by_number(run_whole(connection, &text, prepared.params(), batch).await?, batch.len());
    }
    let all = batch.iter().map(|params| async { connection.query(&prepared, &as_params(params)).await });
    try_join_all(all).await?.iter().map(|rows| rows.iter().map(as_row).collect()).collect()
}

impl Postgres {
    pub(super) async fn open(url: &str, ca_pem: Option<Vec<u8>>) -> Result<Self, DbError> {
        let (config, encrypted) = encrypted::read(url, ca_pem)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match encrypted {
            Some(encrypted) => Manager::from_config(config, encrypted, recycling),
            None => Manager::from_config(config, NoTls, recycling),
        };
        let wait = Some(std::time::Duration::from_secs(CONNECTION_WAIT_SECONDS));
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .timeouts(Timeouts { wait, create: wait, recycle: wait })
            .build()
            .map_err(|error| DbError::Unreachable(error.to_string()))?;
        drop(pool.get().await?);
        Ok(Self { pool })
    }

    pub(super) async fn query(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Row>, DbError> {
        run_query(&self.pool.get().await?, statement, params).await
    }

    pub(super) async fn query_many(&self, statement: &Statement, batch: &[Params]) -> Result<Vec<Vec<Row>>, DbError> {
        run_query_many(&self.pool.get().await?, statement, batch).await
    }

    pub(super) async fn begin(&self) -> Result<PostgresTx, DbError> {
        let connection = self.pool.get().await?;
        connection.batch_execute("BEGIN").await?;
        Ok(PostgresTx { connection: Some(connection) })
    }

    async fn pending(&self) -> Result<Vec<&'static migrate::Migration>, DbError> {
        let connection = self.pool.get().await?;
        connection.batch_execute(migrate::CREATE_LEDGER).await?;
        let applied: Vec<String> = connection.query("SELECT name FROM schema_migration", &[]).await?.iter().map(|row| row.get(0)).collect();
        migrate::pending(MIGRATIONS_POSTGRES, &applied)
    }

    pub(super) async fn pending_migrations(&self) -> Result<Vec<&'static str>, DbError> {
        Ok(self.pending().await?.into_iter().map(|migration| migration.name).collect())
    }

    /// Several nodes may start at once: an advisory lock lets one of them migrate.
    pub(super) async fn migrate(&self) -> Result<Vec<&'static str>, DbError> {
        const LOCK: &str = "SELECT pg_advisory_xact_lock(4919131752989213764)";
        let mut names = Vec::new();
        for migration in self.pending().await? {
            let tx = self.begin().await?;
            tx.connection()?.batch_execute(LOCK).await?;
            let done = tx.connection()?.query_opt("SELECT 1 FROM schema_migration WHERE name = $1", &[&migration.name]).await?;
            if done.is_some() {
                continue;
            }
            tx.connection()?.batch_execute(migration.text).await?;
            tx.connection()?.execute("INSERT INTO schema_migration (name) VALUES ($1)", &[&migration.name]).await?;
            let mut tx = Tx::from(Engine::Postgres(Box::new(tx)));
            migrate::finish(migration, &mut tx).await?;
            tx.commit().await?;
            names.push(migration.name);
        }
        Ok(names)
    }

    /// Prepares what a batch of it would be as well.
    pub(super) async fn prepare(&self, statement: &Statement) -> Result<Vec<String>, DbError> {
        let connection = self.pool.get().await?;
        let prepared = connection.prepare(text(statement)).await?;
        if let Some(text) = whole::read(text(statement), prepared.params()) {
            connection.prepare(&text).await?;
        }
        Ok(prepared.params().iter().map(|kind| kind.name().to_owned()).collect())
    }
}

impl PostgresTx {
    fn connection(&self) -> Result<&Object, DbError> {
        self.connection.as_ref().ok_or_else(|| DbError::Failed("the transaction has ended".into()))
    }

    pub(super) async fn query(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Row>, DbError> {
        run_query(self.connection()?, statement, params).await
    }

    pub(super) async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, DbError> {
        let prepared = self.connection()?.prepare_cached(text(statement)).await?;
        Ok(self.connection()?.execute(&prepared, &as_params(params)).await?)
    }

    pub(super) async fn execute_many(&mut self, statement: &Statement, batch: &[Params]) -> Result<Vec<u64>, DbError> {
        let connection = self.connection()?;
        let prepared = connection.prepare_cached(text(statement)).await?;
        let all = batch.iter().map(|params| async { connection.execute(&prepared, &as_params(params)).await });
        Ok(try_join_all(all).await?)
    }

    pub(super) async fn query_many(&mut self, statement: &Statement, batch: &[Params]) -> Result<Vec<Vec<Row>>, DbError> {
        run_query_many(self.connection()?, statement, batch).await
    }

    pub(super) async fn write_batch(&mut self, statement: &Statement, batch: &[Params]) -> Result<Vec<Row>, DbError> {
        let connection = self.connection()?;
        let prepared = connection.prepare_cached(text(statement)).await?;
        if batch.len() >= WHOLE_MIN
            && let Some(text) = whole::write(text(statement), prepared.params())
        {
            return run_whole(connection, &text, prepared.params(), batch).await;
        }
        Ok(run_query_many(connection, statement, batch).await?.into_iter().flatten().collect())
    }

    pub(super) async fn commit(mut self) -> Result<(), DbError> {
        self.connection()?.batch_execute("COMMIT").await?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for PostgresTx {
    fn drop(&mut self) {
        // The connection goes back to the pool only after its transaction has ended.
        if let Some(connection) = self.connection.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                if connection.batch_execute("ROLLBACK").await.is_err() {
                    drop(Object::take(connection));
                }
            });
        }
    }
}

/// A fresh, empty database on the server that `url` names, for a test: called `clarion_test_`, the purpose, the process and a count, so that two
/// runs of one test never meet. Those of the same purpose whose test is over are dropped first.
pub async fn scratch_postgres(url: &str, purpose: &str) -> Result<super::Db, DbError> {
    Ok(super::Db::Postgres(Postgres::open(&scratch_url(url, purpose).await?, None).await?))
}

/// The same, for a process of its own: the address of the fresh database.
pub async fn scratch_url(url: &str, purpose: &str) -> Result<String, DbError> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let stem = format!("clarion_test_{purpose}_");
    let name = format!("{stem}{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !plain || name.len() > NAME_BYTES_MAX {
        return Err(DbError::Failed("a scratch database's purpose has small letters, digits and underscores, and few of them".into()));
    }
    let server = Postgres::open(url, None).await?.pool.get().await?;
    drop_left(&server, &stem).await?;
    server.execute(LOCK_SCRATCH, &[&name]).await?;
    // One of this name can only be the leaving of another machine's process, or of an earlier one with the same number.
    server.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    server.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    // The lock is held for as long as the connection: until the test's runtime ends.
    std::mem::forget(server);
    let (base, _) = url.rsplit_once('/').ok_or_else(|| DbError::Failed("the address names no database".into()))?;
    Ok(format!("{base}/{name}"))
}

/// PostgreSQL cuts longer names.
const NAME_BYTES_MAX: usize = 63;
/// Held by whoever uses a scratch database.
const LOCK_SCRATCH: &str = "SELECT pg_advisory_lock(4919131, hashtext($1))";
const TRY_SCRATCH: &str = "SELECT pg_try_advisory_lock(4919131, hashtext($1))";
const FREE_SCRATCH: &str = "SELECT pg_advisory_unlock(4919131, hashtext($1))";

/// Drops those that begin with `stem`, a process and a count, and that nobody holds.
async fn drop_left(server: &Object, stem: &str) -> Result<(), DbError> {
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    for row in server.query("SELECT datname::text FROM pg_database WHERE starts_with(datname::text, $1)", &[&stem]).await? {
        let name: String = row.get(0);
        let is_ours = name[stem.len()..].split_once('_').is_some_and(|(process, count)| is_number(process) && is_number(count));
        if !is_ours || !server.query_one(TRY_SCRATCH, &[&name]).await?.get::<_, bool>(0) {
            continue;
        }
        server.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        server.execute(FREE_SCRATCH, &[&name]).await?;
    }
    Ok(())
}
