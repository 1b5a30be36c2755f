//! Every row of one database copied into another, of either engine: from the embedded one to PostgreSQL, or back.

use super::migrate::MIGRATIONS_SQLITE;
use super::{Db, DbError, Params, Row, Statement, Value, sql};
use crate::params;
use crate::privacy::INVENTORY;

const ROWS_IN_PAGE: i64 = 500;
/// Of tables whose rows hold up to a mebibyte each.
const LARGE_ROWS_IN_PAGE: i64 = 8;
const LARGE: [&str; 7] = ["import_chunk", "export_chunk", "recording_chunk", "import_number", "carrier_reference", "prompt", "rendered_speech"];
/// Filled by the migrations themselves.
const LEDGER: &str = "schema_migration";

/// How much of one table was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedTable {
    pub table: &'static str,
    pub rows: i64,
}

/// Copies every row into `target`, which gets its schema first and must hold none. Nothing may write to either meanwhile.
/// `told` hears of each table when it is done, and how many there are. The tables and columns are those of the data inventory: a test keeps it
/// whole.
pub async fn copy_database(source: &Db, target: &Db, told: impl Fn(CopiedTable, usize)) -> Result<(), DbError> {
    target.migrate().await?;
    if let Some(pending) = source.pending_migrations().await?.first() {
        return Err(DbError::Schema(format!("the schema of the source is behind by {pending}: run `clarion migrate` on it first")));
    }
    let tables = tables();
    for table in &tables {
        if count(target, table.name).await? > 0 {
            return Err(DbError::Schema(format!("the target is not empty ({} has rows): name a new, empty database", table.name)));
        }
    }
    for table in &tables {
        let rows = table.copy(source, target).await?;
        let (here, there) = (count(source, table.name).await?, count(target, table.name).await?);
        if here != rows || there != rows {
            return Err(DbError::Failed(format!("{}: {here} rows in the source, {there} in the target: something wrote meanwhile; begin again with an empty target", table.name)));
        }
        told(CopiedTable { table: table.name, rows }, tables.len());
    }
    recount(target).await
}

/// The members of a list came with its row, and were counted again as they came.
async fn recount(target: &Db) -> Result<(), DbError> {
    let mut tx = target.begin().await?;
    tx.execute(sql!("UPDATE contact_list SET members = (SELECT COUNT(*) FROM list_member m WHERE m.list_id = contact_list.id)"), &[]).await?;
    tx.commit().await
}

struct Table {
    name: &'static str,
    columns: Vec<&'static str>,
}

/// Every table, those first that others refer to: in the order in which the migrations make them.
fn tables() -> Vec<Table> {
    let made: String = MIGRATIONS_SQLITE.iter().map(|migration| migration.text).collect();
    let mut tables: Vec<Table> = Vec::new();
    for entry in INVENTORY.iter().filter(|entry| entry.table != LEDGER) {
        match tables.iter_mut().find(|table| table.name == entry.table) {
            Some(table) => table.columns.push(entry.column),
            None => tables.push(Table { name: entry.table, columns: vec![entry.column] }),
        }
    }
    tables.retain(|table| made.contains(&format!("CREATE TABLE {} (", table.name)));
    tables.sort_by_key(|table| made.find(&format!("CREATE TABLE {} (", table.name)));
    tables
}

/// A statement put together here: a few for each table, once in the life of a command.
fn statement(text: String) -> &'static Statement {
    Box::leak(Box::new(Statement { text: text.leak(), postgres: "" }))
}

async fn count(db: &Db, table: &str) -> Result<i64, DbError> {
    let rows = db.query_first(statement(format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {table}")), &[]).await?;
    rows.ok_or_else(|| DbError::Failed(format!("{table} was not counted")))?.take(0)
}

impl Table {
    async fn key(&self, db: &Db) -> Result<Vec<String>, DbError> {
        let select = sql!(
            "SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk",
            postgres "SELECT CAST(a.attname AS TEXT) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY a.attnum"
        );
        db.query(select, &params![self.name]).await?.into_iter().map(|mut row| row.take(0)).collect()
    }

    async fn copy(&self, source: &Db, target: &Db) -> Result<i64, DbError> {
        let (key, columns) = (self.key(source).await?, self.columns.join(", "));
        let places: Vec<usize> = key.iter().filter_map(|name| self.columns.iter().position(|column| column == name)).collect();
        let limit = if LARGE.contains(&self.name) { LARGE_ROWS_IN_PAGE } else { ROWS_IN_PAGE };
        let (order, numbered) = (key.join(", "), |count: usize| (1..=count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", "));
        let first = statement(format!("SELECT {columns} FROM {} ORDER BY {order} LIMIT {limit}", self.name));
        let next = statement(format!("SELECT {columns} FROM {} WHERE ({order}) > ({}) ORDER BY {order} LIMIT {limit}", self.name, numbered(key.len())));
        let insert = statement(format!("INSERT INTO {} ({columns}) VALUES ({})", self.name, numbered(self.columns.len())));
        let (mut copied, mut rows) = (0, source.query(first, &[]).await?);
        while !rows.is_empty() {
            let batch: Vec<Params> = rows.into_iter().map(|Row(values)| values).collect();
            let last: Vec<Value> = places.iter().filter_map(|place| batch.last().map(|values| values[*place].clone())).collect();
            let mut tx = target.begin().await?;
            tx.execute_many(insert, &batch).await?;
            tx.commit().await?;
            copied += batch.len() as i64;
            rows = source.query(next, &last).await?;
        }
        Ok(copied)
    }
}
