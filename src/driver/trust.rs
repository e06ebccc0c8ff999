//! Whether this process may still act for a scan.
//!
//! A process that was stopped for a while wakes up believing what it believed before. So it looks before each effect: if its last
//! proof of ownership is not fresh, it writes a heartbeat first, and that write fails when another has taken over.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::id::ScanId;
use crate::store::{Store, StoreError};

/// How long a proof lasts: well under the 12 s after which others may take the scan.
const FRESH: Duration = Duration::from_secs(5);

/// The proof of ownership.
#[derive(Debug)]
pub(super) struct Trust {
    store: Store,
    scan: ScanId,
    fence: u64,
    proven: Mutex<Instant>,
}

impl Trust {
    pub(super) fn new(store: Store, scan: ScanId, fence: u64) -> Self {
        Self { store, scan, fence, proven: Mutex::new(Instant::now()) }
    }

    /// Notes that a fenced write which was asked for at `asked` has succeeded. The moment of its answer proves nothing: the
    /// process may have been stopped while it waited.
    pub(super) fn renewed(&self, asked: Instant) {
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        *proven = asked.max(*proven);
    }

    /// Proves ownership by a heartbeat.
    pub(super) async fn confirm(&self) -> Result<(), StoreError> {
        let asked = Instant::now();
        self.store.heartbeat(self.scan, self.fence).await?;
        self.renewed(asked);
        Ok(())
    }

    /// Proves ownership unless the last proof is fresh.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let proven = *self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if proven.elapsed() < FRESH { Ok(()) } else { self.confirm().await }
    }
}
