//! Reparse: the raw files of ended scans are read again, with the parsers of today.

use std::fs::{File, TryLockError};

use super::{App, AppError};
use crate::driver::{self, Reparsed};
use crate::model::id::{ScanId, ScanKey};

/// Reads the raw files of scans again, oldest first; `each` is told what came of each.
pub async fn reparse(
    app: &App,
    mut scans: Vec<ScanId>,
    actor: &str,
    mut each: impl FnMut(ScanKey, &Reparsed),
) -> Result<(), AppError> {
    // A scan is compared with those before it, so these come first.
    scans.sort_unstable();
    scans.dedup();
    let mut keys = Vec::new();
    for scan in &scans {
        let view = app.store.scan(*scan)?;
        if !view.state.is_terminal() {
            return Err(AppError::NotEnded { scan: view.id });
        }
        keys.push(view.id);
    }
    let _alone = lock(app)?;
    for (scan, key) in scans.into_iter().zip(keys) {
        let reparsed = driver::reparse(&app.store, scan, actor, app.clock.now()).await?;
        each(key, &reparsed);
    }
    Ok(())
}

/// Keeps other processes from doing the same in this state; the kernel lets go of it when the process ends.
fn lock(app: &App) -> Result<File, AppError> {
    let path = app.store.dir().join("locks").join("reparse");
    let failed = |message: String| AppError::Local { path: path.clone(), message };
    let file = File::options().create(true).append(true).open(&path).map_err(|error| failed(error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(failed("another process reads results again; wait for its end".to_owned()))
        }
        Err(TryLockError::Error(error)) => Err(failed(error.to_string())),
    }
}
