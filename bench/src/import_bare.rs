//! What no loader can go below: the CSV parsed and its rows inserted, one thread, nothing checked and nothing sealed, with
//! the same settings of SQLite, the same rows a transaction and fsync on every commit.

use std::path::Path;

use clarion_store::intake::CHUNK_ROWS;
use rusqlite::{Connection, Transaction, params};

/// Bytes of a sealed profile and a wrapped key, as Clarion writes them for these rows.
const PROFILE_BYTES: usize = 134;
const KEY_BYTES: usize = 64;
const NUMBER_BYTES: usize = 41;

/// Into what the rows go.
#[derive(Clone, Copy)]
pub enum Shape {
    /// Clarion's tables with their indexes: a contact, an address and a place on a list for each row. Blobs of the same
    /// size stand where Clarion's are sealed.
    SameTables,
    /// One table of text with a unique index on the number.
    OneTable,
}

const ONE_TABLE: &str = "CREATE TABLE contact (id INTEGER PRIMARY KEY, phone TEXT NOT NULL, first_name TEXT, last_name TEXT, reference TEXT);
     CREATE UNIQUE INDEX contact_phone ON contact (phone);";

const SAME_TABLES: &str = "CREATE TABLE contact (id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL, wrapped_key BLOB, sealed_profile BLOB, reference_index BLOB, import_id INTEGER,
        import_line INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, erased_at INTEGER) STRICT;
     CREATE INDEX contact_tenant ON contact (tenant_id, id);
     CREATE INDEX contact_reference ON contact (tenant_id, reference_index) WHERE reference_index IS NOT NULL;
     CREATE TABLE address (id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL, contact_id INTEGER NOT NULL REFERENCES contact (id), number_index BLOB, sealed_number BLOB,
        line_type TEXT NOT NULL, region TEXT NOT NULL, zones TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
     CREATE UNIQUE INDEX address_number ON address (tenant_id, number_index);
     CREATE INDEX address_contact ON address (contact_id);
     CREATE TABLE list_member (list_id INTEGER NOT NULL, contact_id INTEGER NOT NULL REFERENCES contact (id), PRIMARY KEY (list_id, contact_id)) STRICT, WITHOUT ROWID;
     CREATE INDEX list_member_contact ON list_member (contact_id);";

fn open(path: &Path, tables: &str) -> anyhow::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
         PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 268435456;",
    )?;
    connection.execute_batch(tables)?;
    Ok(connection)
}

pub fn load(file: &Path, database: &Path, shape: Shape) -> anyhow::Result<()> {
    let mut connection = open(database, match shape { Shape::SameTables => SAME_TABLES, Shape::OneTable => ONE_TABLE })?;
    let mut reader = csv::Reader::from_path(file)?;
    let (mut row, mut line) = (csv::StringRecord::new(), 0_i64);
    let mut more = true;
    while more {
        let tx = connection.transaction()?;
        for _ in 0..CHUNK_ROWS {
            more = reader.read_record(&mut row)?;
            if !more {
                break;
            }
            line += 1;
            match shape {
                Shape::SameTables => insert(&tx, line, &row)?,
                Shape::OneTable => {
                    let mut insert = tx.prepare_cached("INSERT INTO contact (phone, first_name, last_name, reference) VALUES (?1, ?2, ?3, ?4)")?;
                    insert.execute(params![&row[0], &row[1], &row[2], &row[3]])?;
                }
            }
        }
        tx.commit()?;
    }
    Ok(())
}

/// Indexes as random as a keyed hash, from a multiplication.
fn scattered(text: &str) -> [u8; 16] {
    let mixed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |mixed, byte| (mixed ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mixed = mixed ^ (mixed >> 29);
    let more = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut index = [0; 16];
    index[..8].copy_from_slice(&more.to_be_bytes());
    index[8..].copy_from_slice(&mixed.to_be_bytes());
    index
}

fn insert(tx: &Transaction<'_>, line: i64, row: &csv::StringRecord) -> anyhow::Result<()> {
    let (wrapped, profile, number) = ([7_u8; KEY_BYTES], [7_u8; PROFILE_BYTES], [7_u8; NUMBER_BYTES]);
    let mut contact = tx.prepare_cached(
        "INSERT INTO contact (id, tenant_id, wrapped_key, sealed_profile, reference_index, import_id, import_line, created_at, updated_at) VALUES (?1, 1, ?2, ?3, ?4, 1, ?1, 1, 1)",
    )?;
    contact.execute(params![line, wrapped, profile, scattered(&row[3])])?;
    let mut address = tx.prepare_cached(
        "INSERT INTO address (id, tenant_id, contact_id, number_index, sealed_number, line_type, region, zones, created_at) VALUES (?1, 1, ?1, ?2, ?3, 'mobile', 'GB', 'Europe/London', 1)",
    )?;
    address.execute(params![line, scattered(&row[0]), number])?;
    let mut member = tx.prepare_cached("INSERT INTO list_member (list_id, contact_id) VALUES (1, ?1)")?;
    member.execute(params![line])?;
    Ok(())
}
