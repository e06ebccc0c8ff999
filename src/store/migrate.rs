//! The schema and its versions, in SQLite's `user_version`. Migrations are only added.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connect::APPLICATION_ID;
use super::error::StoreError;

/// Every migration, in order; the n-th leads to version n.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_initial.sql")];

/// Brings the database to the newest schema: refuses a newer one, copies an older one before it changes it.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    first_run: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
) -> Result<(), StoreError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let found = version(connection)?;
    if found == known {
        return check_ours(connection, path);
    }
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if found > 0 {
        check_ours(connection, path)?;
        let copy = path.with_extension(format!("v{found}.db"));
        if !copy.exists() {
            connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
        }
    } else if tables(connection)? > 0 {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            message: "it holds tables of another program".to_owned(),
        });
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it while this one waited for the lock.
    let start = version(&tx)?;
    for migration in MIGRATIONS.iter().skip(start as usize) {
        tx.execute_batch(migration)?;
    }
    if start == 0 {
        first_run(&tx)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    tx.pragma_update(None, "user_version", known)?;
    tx.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn tables(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
}

fn check_ours(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id == APPLICATION_ID {
        return Ok(());
    }
    Err(StoreError::Foreign { path: path.to_owned(), message: format!("its application id is {id:#x}") })
}
