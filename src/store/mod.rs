//! The store: one SQLite file that holds the truth about every scan. Layer 1, I/O: SQL text and row mapping, nothing else.
//!
//! # Rules
//! - One thread of a process writes, behind a gate that queues processes fairly; every transaction is immediate and short.
//! - State columns are the truth. A change of state and its event are written in one transaction; events are never replayed.
//! - Every write of a driver carries the scan's fence and changes nothing when another process has taken over.
//! - Results come in small batches that nobody sees, tagged with their attempt. One last transaction names the attempt that won.

mod backup;
mod between;
mod compare;
mod connect;
mod daemon;
mod delete;
mod drive;
mod error;
mod events;
mod expand;
mod export;
mod figures;
mod findings;
mod gate;
mod gone;
mod ingest;
mod intents;
mod isolation;
mod lease;
mod load;
mod lock;
mod migrate;
mod notify;
mod owners;
mod reparse;
mod retention;
mod scans;
mod schedules;
mod submit;
mod targets;
mod trace;
mod triage;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rusqlite::{Connection, Transaction};

pub use between::Before;
pub use compare::{Difference, DifferenceRow, Known, SeenBy, Sides, Subject};
pub use daemon::{Changes, DaemonLock, Takeable};
pub use drive::{AttemptChange, Change, Commit, Committed, JobEnd, JobMove, NewAttempt, ScanChange};
pub use error::StoreError;
pub use events::EventRow;
pub use expand::{Expanded, Expansion};
pub use export::{LastScan, Stands, StandsOn, SubjectRow};
pub use figures::Figures;
pub use findings::FindingCursor;
pub use gone::GoneCursor;
pub use ingest::{Identity, IngestBatch, IngestRecord, NewArtifact};
pub use intents::{IntentRow, Verb};
pub use lease::{Lease, LeaseError};
pub use load::{AttemptRow, FeedRow, JobRow, Loaded, ScanRow, StepRow};
pub use lock::Lock;
pub use notify::{DueNotification, EndedScan, NewNotification, NotificationFilter, Resend, SkippedTick};
pub use reparse::{KeptFile, KeptJob, NewComparison, NewResults, Replacement};
pub use scans::ScanFilter;
pub use schedules::{Decision, ManualTick, TickFilter};
pub use submit::{NewScan, NewStep};
pub use targets::{Chosen, Existing, Merged, Staged, Staging, Tally, TargetCursor, TargetFilter};
pub use trace::PartSize;
pub use triage::Found;

use crate::model::id::{InstanceKey, Key8};
use writer::{Durability, Writer};

/// The state directory. Cheap to clone; the last clone ends the writing thread.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    instance: InstanceKey,
    secret_key: Vec<u8>,
    readers: Mutex<Vec<Connection>>,
    writer: Writer,
}

/// A reference to a store that may be closed.
#[derive(Debug, Clone)]
pub struct WeakStore(Weak<Inner>);

impl WeakStore {
    /// Returns the store, unless it is closed.
    pub fn upgrade(&self) -> Option<Store> {
        self.0.upgrade().map(|inner| Store { inner })
    }
}

impl Store {
    /// Opens the state directory, makes it when it does not exist, and brings its schema up to date.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        connect::prepare(dir)?;
        let mut connection = connect::writer(dir)?;
        migrate::migrate(&mut connection, &connect::database(dir), |tx| {
            let instance = random_key();
            let key: Vec<String> = (0..4).map(|_| format!("{:016x}", random_bits())).collect();
            let mut insert = tx.prepare("INSERT INTO meta VALUES (?1, ?2)")?;
            insert.execute(["instance", instance.as_str()])?;
            insert.execute(["secret_key", &key.concat()])?;
            Ok(())
        })?;
        let meta = |name: &str| -> Result<String, StoreError> {
            Ok(connection.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))?)
        };
        let instance = meta("instance")?.parse()?;
        let secret_key = meta("secret_key")?.into_bytes();
        let writer = Writer::spawn(connection, &dir.join("locks/write"))?;
        let inner = Inner { dir: dir.to_owned(), instance, secret_key, readers: Mutex::default(), writer };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the state directory.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Returns the name under which this state directory's objects are known in engines.
    pub fn instance(&self) -> InstanceKey {
        self.inner.instance
    }

    /// Returns the key of the hashes that stand for secrets, from which the keys of letters follow too ([`crate::letter`]).
    pub fn secret_key(&self) -> &[u8] {
        &self.inner.secret_key
    }

    /// Runs a query on a connection of its own. Reads into values: no cursor outlives the call, for an open one would keep
    /// the write-ahead log from being reset.
    fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let pooled = self.inner.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match pooled {
            Some(connection) => connection,
            None => connect::reader(&self.inner.dir)?,
        };
        let value = query(&connection);
        self.inner.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        value
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.write(Durability::Full, work).await
    }

    async fn write_relaxed<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.write(Durability::Relaxed, work).await
    }

    /// Stops this process (SIGSTOP) between two writes: one that is stopped in mid-write holds up all others. Blocks until it goes on.
    pub fn suspend(&self) -> Result<(), StoreError> {
        self.inner.writer.suspend()
    }

    /// Returns a reference that does not keep the store open.
    pub fn downgrade(&self) -> WeakStore {
        WeakStore(Arc::downgrade(&self.inner))
    }

    /// Checks the database: SQLite's own integrity check, and foreign keys. Returns what is wrong, one line each.
    pub fn verify(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut check = connection.prepare("PRAGMA integrity_check(20)")?;
            let lines: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut wrong: Vec<String> = lines.into_iter().filter(|line| line != "ok").collect();
            let mut keys = connection.prepare("PRAGMA foreign_key_check")?;
            let missing = keys.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?)))?;
            for row in missing.take(20) {
                let (table, id) = row?;
                wrong.push(format!("{table} row {} names a row that does not exist", id.unwrap_or_default()));
            }
            Ok(wrong)
        })
    }
}

/// Makes a random key: an instance's, a scan's.
pub fn random_key() -> Key8 {
    Key8::from_bits(random_bits())
}

/// 64 bits from the kernel's random generator.
pub fn random_bits() -> u64 {
    let mut bytes = [0; 8];
    // Never fails for so few bytes once the system has booted (getrandom(2)).
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).unwrap_or(0);
    debug_assert_eq!(filled, 8, "getrandom returns up to 256 bytes whole");
    u64::from_le_bytes(bytes)
}

/// Refuses a write of a driver that has lost the scan.
fn check_fence(tx: &Transaction<'_>, scan: crate::model::id::ScanId, fence: u64) -> Result<(), StoreError> {
    let current: u64 =
        tx.prepare_cached("SELECT fence FROM scan WHERE id = ?1")?.query_row([scan.0], |row| row.get(0))?;
    if current == fence { Ok(()) } else { Err(StoreError::FenceLost) }
}

/// Reads a JSON column.
fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    Ok(serde_json::from_str(text)?)
}

/// Reads an optional JSON column.
fn json_option<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Result<Option<T>, StoreError> {
    text.map(json).transpose()
}

/// Writes a JSON column.
fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(serde_json::to_string(value)?)
}
