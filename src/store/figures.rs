//! What is measured of a state: counters, which triggers of the schema move whichever process writes, and how things stand now.
//! Reading them costs the same whatever the state has seen.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, params};

use super::connect;
use super::error::StoreError;
use super::{Store, load::text};
use crate::model::finding::SeverityCounts;
use crate::model::state::ScanState;

/// What is measured of a state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Scans that have ended, by how they did.
    pub ended: Vec<(ScanState, u64)>,
    /// How long they took, in milliseconds, all together.
    pub took_ms: u64,
    /// How many took at most so many milliseconds, and longer than the entry before; the last has no bound.
    pub took: Vec<(Option<u64>, u64)>,
    /// Findings that were new when their scan ended.
    pub findings: SeverityCounts,
    /// Attempts that were not their job's first.
    pub retries: u64,
    /// Attempts that their engine has lost.
    pub lost: u64,
    /// Scans that were taken over from an owner that had died or stood still.
    pub takeovers: u64,
    /// Scans that wait to be driven.
    pub queued: u64,
    /// Attempts that have not ended, by the executor as the scan names it.
    pub active: Vec<(String, u64)>,
    /// Attempts of which the engine says nothing.
    pub unknown: u64,
    /// Notifications that were neither delivered nor given up, by route: those of routes that are told, and of those that have gone.
    pub backlog: BTreeMap<String, u64>,
    /// Bytes of the database with what was not yet written back into it.
    pub bytes: u64,
}

impl Store {
    /// Measures the state.
    pub fn figures(&self) -> Result<Figures, StoreError> {
        let bytes = size(&connect::database(self.dir()));
        self.read(|connection| {
            let mut figures = Figures { bytes, ..Figures::default() };
            count(connection, &mut figures)?;
            let mut query = connection.prepare_cached("SELECT most_ms, scans FROM scan_duration ORDER BY most_ms")?;
            let rows = query.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
            for row in rows {
                let (most, scans) = row?;
                figures.took.push(((most < i64::MAX).then_some(most.cast_unsigned()), scans));
            }
            let mut query = connection
                .prepare_cached("SELECT count(*) FROM scan INDEXED BY scan_open WHERE state = ?1 AND state NOT IN ('completed', 'failed', 'cancelled')")?;
            figures.queued = query.query_row([ScanState::Queued.as_str()], |row| row.get(0))?;
            stand(connection, &mut figures)?;
            wait(connection, &mut figures)?;
            Ok(figures)
        })
    }

    /// Writes to the database, and waits until the disk has it.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("UPDATE daemon SET probes = probes + 1", [])?;
            Ok(())
        })
        .await
    }
}

fn count(connection: &Connection, figures: &mut Figures) -> Result<(), StoreError> {
    let mut query = connection.prepare_cached("SELECT name, label, value FROM counter")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (label, value) = (text(row, 1)?, row.get(2)?);
        match text(row, 0)? {
            "scans" => figures.ended.push((label.parse()?, value)),
            "findings" => {
                if let Some(of) = label.parse::<usize>().ok().and_then(|rank| figures.findings.0.get_mut(rank)) {
                    *of = value;
                }
            }
            "retries" => figures.retries = value,
            "lost" => figures.lost = value,
            "takeovers" => figures.takeovers = value,
            "scan_ms" => figures.took_ms = value,
            // A newer migration may count more than is read here.
            _ => {}
        }
    }
    Ok(())
}

/// Reads how attempts stand, by an index that holds those alone that have not ended.
fn stand(connection: &Connection, figures: &mut Figures) -> Result<(), StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT scan.executor, count(*), count(*) FILTER (WHERE attempt.state = 'unknown')
         FROM attempt INDEXED BY one_live_attempt JOIN job ON job.id = attempt.job_id JOIN scan ON scan.id = job.scan_id
         WHERE attempt.state IN ('intent', 'created', 'running', 'exited', 'sealed', 'unknown', 'cancelling')
         GROUP BY scan.executor ORDER BY scan.executor",
    )?;
    let mut rows = query.query(params![])?;
    while let Some(row) = rows.next()? {
        figures.active.push((row.get(0)?, row.get(1)?));
        figures.unknown += row.get::<_, u64>(2)?;
    }
    Ok(())
}

/// What waits to be delivered; an index holds that alone, and all that is asked for.
const WAITING: &str = "SELECT route, count(*) FROM notification INDEXED BY notification_pending
    WHERE delivered_at IS NULL AND dead_at IS NULL GROUP BY route";

fn wait(connection: &Connection, figures: &mut Figures) -> Result<(), StoreError> {
    for sql in ["SELECT DISTINCT route, 0 FROM notify_cursor", WAITING] {
        let mut query = connection.prepare_cached(sql)?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            let (route, waiting): (String, u64) = row?;
            figures.backlog.insert(route, waiting);
        }
    }
    Ok(())
}

/// Returns the size of the database with its write-ahead log; a file that is not there has none.
fn size(database: &Path) -> u64 {
    let of = |suffix: &str| {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        std::fs::metadata(path).map_or(0, |meta| meta.len())
    };
    ["", "-wal"].into_iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::Timestamp;
    use crate::model::id::ScanId;

    async fn sql(store: &Store, sql: &'static str) {
        store.write(move |tx| Ok(tx.execute_batch(sql)?)).await.unwrap();
    }

    const SCAN: &str = "
        INSERT INTO spec VALUES (1, '', '{}');
        INSERT INTO subject VALUES (1, 1, 't', 's');
        INSERT INTO scan (id, organisation_id, project_id, key, target, target_key, plan, plan_sha256, executor, profile,
                          server_identity, priority, state, coverage, records, created_at, started_at)
          VALUES (1, 1, 1, 'a', 't', 't', '{}', '', 'docker (1)', '', '', 0, 'running', '', '', 0, 1000),
                 (2, 1, 1, 'b', 't', 't', '{}', '', 'kubernetes (1)', '', '', 0, 'queued', '', '', 0, NULL);
        INSERT INTO job (id, scan_id, step, chunk, state) VALUES (1, 1, 0, 0, 'running'), (2, 1, 0, 1, 'running');
        INSERT INTO attempt (id, job_id, number, name, spec_id, spec_sha256, state, fence, created_at)
          VALUES (1, 1, 1, 'n1', 1, '', 'running', 1, 0), (2, 2, 1, 'n2', 1, '', 'unknown', 1, 0);";
    const ENDS: &str = "
        UPDATE attempt SET state = 'lost' WHERE id = 1;
        UPDATE attempt SET state = 'lost', removed = 1 WHERE id = 1;
        INSERT INTO attempt (id, job_id, number, name, spec_id, spec_sha256, state, fence, created_at, removed)
          VALUES (3, 1, 2, 'n3', 1, '', 'cleaned', 1, 0, 1);
        UPDATE attempt SET state = 'cleaned', removed = 1 WHERE id = 2;
        INSERT INTO comparison VALUES (1, 1, '', NULL, '{\"new\":[2,0,1,0,0,0],\"existing\":[9,9,9,9,9,9]}');
        UPDATE scan SET state = 'completed', finished_at = 7500 WHERE id = 1;
        UPDATE scan SET state = 'completed', finished_at = 7500 WHERE id = 1;";

    #[tokio::test]
    async fn counters_count_each_thing_once_and_outlive_what_they_count() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        sql(&store, SCAN).await;
        let before = store.figures().unwrap();
        assert_eq!((before.queued, before.unknown, before.lost, before.retries), (1, 1, 0, 0));
        assert_eq!(before.active, [("docker (1)".to_owned(), 2)]);
        assert_eq!(before.ended.iter().map(|(_, number)| number).sum::<u64>(), 0);

        sql(&store, ENDS).await;
        let after = store.figures().unwrap();
        assert_eq!((after.lost, after.retries, after.unknown, after.active.len()), (1, 1, 0, 0));
        assert!(after.ended.contains(&(ScanState::Completed, 1)), "{:?}", after.ended);
        assert_eq!(after.findings, SeverityCounts([2, 0, 1, 0, 0, 0]));
        let took: Vec<_> = after.took.iter().filter(|(_, scans)| *scans > 0).collect();
        assert_eq!((after.took_ms, took), (6500, vec![&(Some(15_000), 1)]));
        assert!(after.bytes > 4096);

        store.delete_scan(ScanId(1), Timestamp(1)).await.unwrap();
        let deleted = Figures { bytes: after.bytes, ..store.figures().unwrap() };
        assert_eq!(deleted, after, "what is deleted has been, all the same");
    }

    #[tokio::test]
    async fn only_what_was_not_given_back_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        sql(&store, SCAN).await;
        let key = "aaaaaaaa".parse().unwrap();
        let lease = store.acquire(ScanId(1), key, "one:1", Timestamp(1), None).await.unwrap();
        store.release(lease).await.unwrap();
        let lease = store.acquire(ScanId(1), key, "two:2", Timestamp(1), None).await.unwrap();
        assert_eq!(store.figures().unwrap().takeovers, 0);
        drop(lease);
        store.acquire(ScanId(1), key, "three:3", Timestamp(1), None).await.unwrap();
        assert_eq!(store.figures().unwrap().takeovers, 1);
    }
    const NOTIFICATIONS: &str = "
        INSERT INTO notify_cursor VALUES (1, 'idle', 'event', 0), (1, 'ops', 'event', 0), (1, 'ops', 'tick', 0);
        INSERT INTO notification (organisation_id, project_id, key, route, source, seq, event, body, created_at, next_at,
                                  delivered_at, dead_at)
          VALUES (1, 1, 'a', 'ops', 'event', 1, 'x', '', 0, 0, NULL, NULL), (1, 1, 'b', 'ops', 'event', 2, 'x', '', 0, 0, NULL, NULL),
                 (1, 1, 'c', 'ops', 'event', 3, 'x', '', 0, 0, 5, NULL), (1, 1, 'd', 'ops', 'event', 4, 'x', '', 0, 0, NULL, 5),
                 (1, 1, 'e', 'gone', 'event', 1, 'x', '', 0, 0, NULL, NULL);";

    #[tokio::test]
    async fn what_waits_to_be_delivered_is_counted_by_an_index_of_it_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        sql(&store, NOTIFICATIONS).await;
        let backlog = store.figures().unwrap().backlog;
        let expected = [("gone", 1), ("idle", 0), ("ops", 2)].map(|(route, number)| (route.to_owned(), number));
        assert_eq!(backlog, BTreeMap::from(expected));
        let steps = store.read(|connection| {
            let mut query = connection.prepare(&format!("EXPLAIN QUERY PLAN {WAITING}"))?;
            Ok(query.query_map([], |row| row.get::<_, String>(3))?.collect::<Result<Vec<_>, _>>()?)
        });
        assert_eq!(steps.unwrap(), ["SCAN notification USING COVERING INDEX notification_pending"]);
    }
}
