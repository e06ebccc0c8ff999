//! The schema and its versions, in SQLite's `user_version`. Migrations are only added.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connect::APPLICATION_ID;
use super::error::StoreError;

/// Every migration, in order; the n-th leads to version n.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_identity_in_record.sql"),
    include_str!("migrations/0003_waits.sql"),
    include_str!("migrations/0004_comparison.sql"),
    include_str!("migrations/0005_suppress.sql"),
    include_str!("migrations/0006_targets.sql"),
    include_str!("migrations/0007_schedules.sql"),
    include_str!("migrations/0008_daemon.sql"),
    include_str!("migrations/0009_counters.sql"),
    include_str!("migrations/0010_notify.sql"),
    include_str!("migrations/0011_skipped_ticks.sql"),
    include_str!("migrations/0012_notification_progress.sql"),
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_the_first_schema_keep_their_identity() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dragnet.db");
        let mut connection = Connection::open(&path).unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = ON; PRAGMA user_version = 1;
                 INSERT INTO scan (id, organisation_id, project_id, key, target, target_key, plan, plan_sha256, executor, profile,
                                   server_identity, priority, state, coverage, records, created_at)
                   VALUES (1, 1, 1, 'k', 't', 't', '{}', '', '', '', '', 0, 'completed', '', '', 0);
                 INSERT INTO spec VALUES (1, '', '{}');
                 INSERT INTO job (id, scan_id, step, chunk, state) VALUES (1, 1, 0, 0, 'succeeded');
                 INSERT INTO attempt (id, job_id, number, name, spec_id, spec_sha256, state, fence, created_at)
                   VALUES (1, 1, 1, 'n', 1, '', 'cleaned', 1, 0);
                 INSERT INTO subject VALUES (1, 1, 't', 's');
                 INSERT INTO finding VALUES (7, 1, 1, x'0a', 2, 1);
                 INSERT INTO record VALUES (3, 1, 4, 5, 7, json_object('rule', 'r')), (4, 1, 4, 6, 7, json_object('rule', 'r'));",
            )
            .unwrap();
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        migrate(&mut connection, &path, |_| Ok(())).unwrap();
        let row: (i64, i64, i64, Vec<u8>, i64, String) = connection
            .query_row("SELECT severity, ordinal, version, fingerprint, occurrence, body FROM record JOIN rule USING (attempt_id, severity, ordinal)", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            })
            .unwrap();
        assert_eq!(row, (4, 5, 1, vec![10], 2, r#"{"rule":"r"}"#.to_owned()));
        let counted: u64 = connection
            .query_row("SELECT value FROM counter WHERE name = 'scans' AND label = 'completed'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(counted, 1, "what was there before counts");
        assert!(path.with_extension("v1.db").exists(), "the old one was copied first");
        assert_eq!(version(&connection).unwrap() as usize, MIGRATIONS.len());
    }
}
