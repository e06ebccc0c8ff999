//! Who drives a scan: a kernel file lock, and a row with fence and heartbeat.
//!
//! The lock and the heartbeat decide who *tries*; the fence in every write decides who *may*. A stopped owner that wakes up
//! changes nothing: its fence is old.

use rusqlite::params;

use super::Store;
use super::error::StoreError;
use super::events::append;
use super::lock::Lock;
use crate::model::clock::Timestamp;
use crate::model::event::EventBody;
use crate::model::id::{ScanId, ScanKey};

/// The right to drive a scan, until another takes it.
#[derive(Debug)]
pub struct Lease {
    /// The scan.
    pub scan: ScanId,
    /// Number of the ownership; goes into every write.
    pub fence: u64,
    /// None when the scan was taken from an owner that is stopped and still holds the lock.
    pub lock: Option<Lock>,
}

/// Why a scan could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another process drives it.
    #[error("{owner} drives the scan")]
    Held {
        /// The owner, as it called itself.
        owner: String,
        /// The owner's last heartbeat number.
        heartbeat: i64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Takes a scan whose lock is free. `stale` is the heartbeat number that has not changed for the whole of the taker's patience:
    /// if it still stands, the scan is taken even though the lock is held.
    pub async fn acquire(
        &self,
        scan: ScanId,
        key: ScanKey,
        owner: &str,
        at: Timestamp,
        stale: Option<i64>,
    ) -> Result<Lease, LeaseError> {
        let path = self.dir().join("locks").join(format!("scan-{key}"));
        let lock = Lock::take(&path)?;
        let free = lock.is_some();
        let name = owner.to_owned();
        let taken = self
            .write(move |tx| {
                let row = tx.query_row("SELECT owner, fence, heartbeat FROM scan WHERE id = ?1", [scan.0], |row| {
                    Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
                })?;
                let (holder, fence, heartbeat) = row;
                if !free && stale != Some(heartbeat) {
                    return Ok(Err(LeaseError::Held { owner: holder.unwrap_or_default(), heartbeat }));
                }
                let fence = fence + 1;
                tx.execute(
                    "UPDATE scan SET owner = ?2, fence = ?3, heartbeat = heartbeat + 1 WHERE id = ?1",
                    params![scan.0, name, fence],
                )?;
                let fence = fence.cast_unsigned();
                append(tx, scan, at, &name, &EventBody::OwnerChanged { owner: name.clone(), fence })?;
                Ok(Ok(fence))
            })
            .await?;
        Ok(Lease { scan, fence: taken?, lock })
    }

    /// Says that the owner is alive. Fails with [`StoreError::FenceLost`] when it is no longer the owner.
    pub async fn heartbeat(&self, scan: ScanId, fence: u64) -> Result<(), StoreError> {
        self.write_relaxed(move |tx| {
            let changed = tx.execute(
                "UPDATE scan SET heartbeat = heartbeat + 1 WHERE id = ?1 AND fence = ?2",
                params![scan.0, fence],
            )?;
            if changed == 1 { Ok(()) } else { Err(StoreError::FenceLost) }
        })
        .await
    }

    /// Gives a scan back, so that nobody has to wait for the heartbeat to go stale.
    pub async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let (scan, fence) = (lease.scan, lease.fence);
        self.write(move |tx| {
            tx.execute("UPDATE scan SET owner = NULL WHERE id = ?1 AND fence = ?2", params![scan.0, fence])?;
            Ok(())
        })
        .await
    }

    /// Whether a process holds the scan's lock.
    pub fn is_driven(&self, key: ScanKey) -> Result<bool, StoreError> {
        Lock::is_held(&self.dir().join("locks").join(format!("scan-{key}")))
    }

    /// Takes the right to start what is due by schedules, unless another has it. It saves work and no more: each tick is decided once, and
    /// has one scan, whoever is at it.
    pub fn lock_schedules(&self) -> Result<Option<Lock>, StoreError> {
        Lock::take(&self.dir().join("locks/schedules"))
    }

    /// Returns the owner's name and heartbeat number.
    pub fn owner(&self, scan: ScanId) -> Result<(Option<String>, i64), StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT owner, heartbeat FROM scan WHERE id = ?1")?;
            Ok(query.query_row([scan.0], |row| Ok((row.get(0)?, row.get(1)?)))?)
        })
    }
}
