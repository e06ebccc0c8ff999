//! What was seen of engines' isolation: one fact for each engine, by its identity.

use rusqlite::OptionalExtension as _;

use super::error::StoreError;
use super::{Store, json, to_json};
use crate::model::id::ScanId;
use crate::model::isolation::Isolation;

impl Store {
    /// Returns what was seen last of an engine.
    pub fn isolation(&self, server_identity: &str) -> Result<Option<Isolation>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
            let found: Option<String> = query.query_row([name(server_identity)], |row| row.get(0)).optional()?;
            found.map(|text| json(&text)).transpose()
        })
    }

    /// Records what was seen of an engine, in the place of what was seen before.
    pub async fn set_isolation(&self, server_identity: &str, isolation: Isolation) -> Result<(), StoreError> {
        let (name, value) = (name(server_identity), to_json(&isolation)?);
        self.write(move |tx| {
            tx.execute("INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", [name, value])?;
            Ok(())
        })
        .await
    }

    /// Whether a scan has scanners that declare no network.
    pub fn has_isolated(&self, scan: ScanId) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM step JOIN spec ON spec.id = step.spec_id
                 WHERE step.scan_id = ?1 AND json_extract(spec.body, '$.network') = 'none')",
            )?;
            Ok(query.query_row([scan.0], |row| row.get(0))?)
        })
    }
}

fn name(server_identity: &str) -> String {
    format!("isolation of {server_identity}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::Timestamp;

    #[tokio::test]
    async fn the_last_that_was_seen_of_an_engine_counts() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.isolation("namespace 1").unwrap(), None);
        let (first, second) = (Isolation::NotEnforced { at: Timestamp(1) }, Isolation::Enforced { at: Timestamp(2) });
        for seen in [first, second] {
            store.set_isolation("namespace 1", seen).await.unwrap();
            assert_eq!(store.isolation("namespace 1").unwrap(), Some(seen));
        }
        assert_eq!(store.isolation("namespace 2").unwrap(), None);
    }
}
