//! Retention: which scans are kept no longer, and removing them with all that they have on the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{App, AppError};
use crate::artifact::ArtifactStore;
use crate::beneath::ignore_missing;
use crate::failpoint;
use crate::model::id::{ScanId, ScanKey};
use crate::model::notify::Receiver;
use crate::model::retention::{Kept, Reason};
use crate::store::StoreError;

/// A scan that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// The scan.
    pub kept: Kept,
    /// Why.
    pub reason: Reason,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Scans, with all that they found.
    pub scans: u64,
    /// Stored files that no scan has any more.
    pub files: u64,
    /// Bytes that the disk has back.
    pub bytes: u64,
}

/// Returns the scans that the rules keep no longer, oldest first. A scan stays until its trace was delivered or given up: it is read from
/// the scan.
pub fn expired(app: &App) -> Result<Vec<Expired>, AppError> {
    let traces = app.config.notify.iter().filter(|route| route.kind == Receiver::Otlp && route.enabled);
    let traces: Vec<&str> = traces.map(|route| route.name.as_str()).collect();
    let mut kept = app.store.kept_scans(&traces)?;
    if app.config.retention.needs_sizes() {
        let artifacts = ArtifactStore::new(&app.store.dir().join("artifacts"));
        for one in &mut kept {
            let blobs = app.store.blobs_of(one.scan)?;
            one.bytes = blobs.iter().map(|blob| artifacts.size(*blob)).sum::<u64>() + size(&logs(app, one.key));
        }
    }
    let expired = app.config.retention.expired(&kept, app.clock.now());
    Ok(expired.into_iter().map(|(kept, reason)| Expired { kept: kept.clone(), reason }).collect())
}

/// Removes these scans, what others have left half-removed, and stored files that no scan has any more. If it is cut short, the next goes on.
pub async fn remove(app: &App, expired: &[Expired]) -> Result<Removed, AppError> {
    let mut removed = Removed::default();
    let half_deleted = app.store.half_deleted()?.into_iter().map(|scan| (scan, app.store.scan_key(scan)));
    let expired = expired.iter().map(|expired| (expired.kept.scan, Ok(expired.kept.key)));
    for (scan, key) in half_deleted.chain(expired) {
        let deleted = match key {
            Ok(key) => delete(app, scan, key).await,
            Err(error) => Err(error.into()),
        };
        match deleted {
            // Another process removes it, too, and was faster.
            Err(AppError::Store(StoreError::NotFound(_))) => {}
            deleted => {
                removed.bytes += deleted?;
                removed.scans += 1;
            }
        }
    }
    let (store, now) = (app.store.clone(), app.clock.now());
    let swept = tokio::task::spawn_blocking(move || {
        // What is used is asked for first: a file that is stored meanwhile is younger than those that go.
        let used = store.used_blobs()?;
        let artifacts = store.dir().join("artifacts");
        let swept = ArtifactStore::new(&artifacts).remove_unused(&used, now);
        swept.map_err(|error| failed(&artifacts, &error))
    });
    let (files, bytes) = swept.await.map_err(|error| AppError::Panicked(error.to_string()))??;
    failpoint::hit("retention.swept");
    (removed.files, removed.bytes) = (files, removed.bytes + bytes);
    removed.bytes += app.store.compact().await?;
    Ok(removed)
}

/// Deletes a scan: hides it, removes what it has beside the database, then its rows, for the last of them is all that tells of the rest.
/// Returns the bytes of its logs.
async fn delete(app: &App, scan: ScanId, key: ScanKey) -> Result<u64, AppError> {
    app.store.hide_scan(scan, app.clock.now()).await?;
    failpoint::hit("retention.hidden");
    let (logs, dir) = (logs(app, key), app.store.dir());
    let bytes = size(&logs);
    let files = [dir.join("logs").join(format!("driver-{key}.log")), dir.join("locks").join(format!("scan-{key}"))];
    ignore_missing(fs::remove_dir_all(&logs)).map_err(|error| failed(&logs, &error))?;
    for file in files {
        ignore_missing(fs::remove_file(&file)).map_err(|error| failed(&file, &error))?;
    }
    failpoint::hit("retention.cleared");
    app.store.delete_scan(scan, app.clock.now()).await?;
    failpoint::hit("retention.deleted");
    Ok(bytes)
}

fn logs(app: &App, key: ScanKey) -> PathBuf {
    app.store.dir().join("logs").join(key.as_str())
}

/// The bytes of the files below a directory; what cannot be read counts as nothing.
fn size(dir: &Path) -> u64 {
    let entries = dir.read_dir().into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

fn failed(path: &Path, error: &io::Error) -> AppError {
    AppError::Local { path: path.to_owned(), message: error.to_string() }
}
