//! The cleaner: removes what retention keeps no longer, and gives the room back.

use std::time::Duration;

use async_trait::async_trait;

use super::worker::{Done, Worker};
use crate::app::{App, AppError, gc, retention};
use crate::model::unit::ByteSize;

/// How often it cleans.
const PERIOD: Duration = Duration::from_hours(1);
/// Snapshots that are younger stay: a plan may be waiting for them.
const KEEP: Duration = Duration::from_hours(24);

/// The cleaner.
pub(super) struct Cleaner;

#[async_trait]
impl Worker for Cleaner {
    fn name(&self) -> &'static str {
        "cleaner"
    }

    fn period(&self, _app: &App) -> Duration {
        PERIOD
    }

    async fn activate(&mut self, app: &App) -> Result<Done, AppError> {
        let expired = retention::expired(app)?;
        let removed = retention::remove(app, &expired).await?;
        // What is in engines is the sweeper's.
        let garbage = gc::garbage(app, None, KEEP).await?;
        let (snapshots, drafts) = (garbage.snapshots.len(), gc::collect(app, None, &garbage).await?);
        let counts =
            [(removed.scans, "scans"), (removed.files, "files"), (snapshots as u64, "snapshots"), (drafts, "drafts")];
        let mut did: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what} removed"))
            .collect();
        if removed.bytes > 0 {
            did.push(format!("{} given back", ByteSize(removed.bytes)));
        }
        Ok(Done { did: did.join(", "), ..Done::default() })
    }
}
