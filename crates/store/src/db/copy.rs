//! Copies of an SQLite file while it is in use, and whether a file is a whole database.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::DbError;

/// Writes a consistent copy of the database at `source` to the new file `target`. What was deleted is not in it.
pub fn copy_sqlite(source: &Path, target: &Path) -> Result<(), DbError> {
    let connection = Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.execute("VACUUM INTO ?1", [target.to_string_lossy()])?;
    check_sqlite(target)
}

/// Fails unless the file is a whole database of ours.
pub fn check_sqlite(path: &Path) -> Result<(), DbError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let verdict: String = connection.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
    let ledger: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'schema_migration'", [], |row| row.get(0))?;
    if verdict != "ok" || ledger == 0 {
        return Err(DbError::Failed(format!("{} is not a whole clarion database: {verdict}", path.display())));
    }
    Ok(())
}
