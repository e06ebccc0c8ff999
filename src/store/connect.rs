//! Opening the state directory and its database.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;

/// The first SQLite without the WAL-reset bug, which damages databases that several processes checkpoint.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Marks the file as ours in SQLite's header: "drgn".
pub(super) const APPLICATION_ID: i32 = 0x6472_676e;

/// The folders of a state directory.
pub(super) const FOLDERS: [&str; 4] = ["artifacts", "logs", "locks", "spool"];

/// Makes the state directory and its folders, closed to others.
pub(super) fn prepare(dir: &Path) -> Result<(), StoreError> {
    let unusable = |path: &Path, error: &std::io::Error| {
        if error.kind() == std::io::ErrorKind::StorageFull {
            return StoreError::Full;
        }
        StoreError::Unusable { path: path.to_owned(), message: error.to_string() }
    };
    let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| unusable(path, &e));
    make(dir)?;
    FOLDERS.iter().try_for_each(|folder| make(&dir.join(folder)))
}

/// Returns the database's path.
pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join("dragnet.db")
}

/// Opens the connection that writes.
pub(super) fn writer(dir: &Path) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::OldSqlite(rusqlite::version()));
    }
    let path = database(dir);
    let connection = Connection::open(&path).map_err(|error| opening(&path, error))?;
    drop(std::fs::set_permissions(&path, Permissions::from_mode(0o600)));
    settle(&connection).map_err(|error| opening(&path, error))?;
    Ok(connection)
}

fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(10))?;
    // Without it deleted rows leave room that only new ones use. It is for a database without a page alone: asked of any other it changes
    // nothing, but waits for whoever writes.
    if connection.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0))? == 0 {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // Half of that: a checkpoint waits for the disk, and millions of rows come in small transactions.
    connection.pragma_update(None, "wal_autocheckpoint", (32 << 20) / 4096)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Opens a connection that only reads.
pub(super) fn reader(dir: &Path) -> Result<Connection, StoreError> {
    let path = database(dir);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(|error| opening(&path, error))?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn opening(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => {
            StoreError::Foreign { path: path.to_owned(), message: "it is no SQLite file".to_owned() }
        }
        Some(rusqlite::ErrorCode::DiskFull) => StoreError::Full,
        Some(
            rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::SystemIoFailure,
        ) => StoreError::Unusable { path: path.to_owned(), message: error.to_string() },
        _ => error.into(),
    }
}
