//! Copies of the database, and what makes a copy a state of its own.

use std::path::Path;

use rusqlite::params;

use super::error::StoreError;
use super::{Store, connect, random_bits, to_json};
use crate::model::clock::Timestamp;
use crate::model::coverage::Coverage;
use crate::model::id::Key8;
use crate::model::view::EndReason;

impl Store {
    /// Writes a whole copy of the database to `file`, which must not exist, while others go on writing.
    pub fn copy_to(&self, file: &Path) -> Result<(), StoreError> {
        let connection = connect::reader(self.dir())?;
        connection.pragma_update(None, "query_only", false)?;
        connection.execute("VACUUM INTO ?1", [file.to_string_lossy()])?;
        Ok(())
    }

    /// Makes a restored copy a state of its own: it gets a new instance id, and what was under way when it was copied has ended,
    /// for the engine's objects belong to the original. Returns how many scans were ended so.
    pub async fn become_another(&self, at: Timestamp) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let instance = Key8::from_bits(random_bits());
            tx.execute("UPDATE meta SET value = ?1 WHERE name = 'instance'", [instance.as_str()])?;
            tx.execute(
                "UPDATE attempt SET removed = 1, ended_at = coalesce(ended_at, ?1),
                   state = CASE WHEN state IN ('ingested', 'acked', 'cleaned', 'failed', 'cancelled') THEN state ELSE 'lost' END
                 WHERE removed = 0",
                [at.0],
            )?;
            tx.execute(
                "UPDATE job SET state = 'cancelled', coverage = ?1, finished_at = ?2
                 WHERE state IN ('pending', 'ready', 'running', 'backoff')",
                params![to_json(&Coverage::None)?, at.0],
            )?;
            tx.execute("DELETE FROM feed", [])?;
            tx.execute("UPDATE intent SET taken_at = ?1 WHERE taken_at IS NULL", [at.0])?;
            let ended = tx.execute(
                "UPDATE scan SET state = 'failed', ending = ?1, finished_at = ?2, owner = NULL, fence = fence + 1
                 WHERE state NOT IN ('completed', 'failed', 'cancelled')",
                params![to_json(&EndReason::Incomplete)?, at.0],
            )?;
            Ok(ended)
        })
        .await
    }

    /// Returns the version of the SQLite library.
    pub fn sqlite_version() -> &'static str {
        rusqlite::version()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_copy_becomes_another_state() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(one.path()).unwrap();
        store.copy_to(&two.path().join("dragnet.db")).unwrap();
        let copy = Store::open(two.path()).unwrap();
        assert_eq!(copy.instance(), store.instance());
        copy.become_another(Timestamp(1)).await.unwrap();
        drop(copy);
        let copy = Store::open(two.path()).unwrap();
        assert_ne!(copy.instance(), store.instance());
        assert_eq!(copy.secret_key(), store.secret_key());
        assert!(store.copy_to(&two.path().join("dragnet.db")).is_err(), "nothing is written over");
    }
}
