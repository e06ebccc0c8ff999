//! The end of an ended scan: it needs neither its secrets nor its source any more, and both are better gone.

use std::io;

use super::error::DriverError;
use crate::artifact::{is_unused_tree, remove_tree};
use crate::executor::SharedExecutor;
use crate::executor::types::secret_dir;
use crate::failpoint;
use crate::model::id::{ScanId, Sha256};
use crate::model::view::ScanView;
use crate::store::{Store, StoreError};

/// Removes what an ended scan has left beside its results.
pub(super) async fn tidy(store: &Store, executor: &SharedExecutor, scan: ScanId) -> Result<(), DriverError> {
    failpoint::hit("tidy.before");
    let scan = store.scan(scan)?;
    let secrets = secret_dir(store.dir(), scan.id);
    match std::fs::remove_dir_all(&secrets) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(DriverError::local("remove", &secrets, &error));
        }
        _ => {}
    }
    let Some(source) = unneeded_source(store, &scan)? else { return Ok(()) };
    // What stays is removed by the next collection.
    if let Err(error) = executor.withdraw_tree(store.instance(), source).await {
        tracing::warn!(%error, "the engine still holds a copy of the source; `dragnet gc` removes it");
    }
    failpoint::hit("tidy.withdrawn");
    let artifacts = store.dir().join("artifacts");
    // A scan may have been submitted while the engine was asked.
    let unneeded = || matches!(unneeded_source(store, &scan), Ok(Some(_)));
    let removed = remove_tree(&artifacts, source, scan.created_at, unneeded);
    removed.map(drop).map_err(|error| DriverError::local("remove a source in", &artifacts, &error))
}

/// Whether an ended scan has left anything beside its results, because its driver died between the end and the tidying. The
/// tree goes last, so while the engine holds a copy there is a tree.
pub fn is_untidy(store: &Store, scan: ScanId) -> Result<bool, StoreError> {
    let scan = store.scan(scan)?;
    let unused = |source| is_unused_tree(&store.dir().join("artifacts"), source, scan.created_at).unwrap_or(false);
    Ok(secret_dir(store.dir(), scan.id).exists() || unneeded_source(store, &scan)?.is_some_and(unused))
}

/// Returns the scan's source, unless another scan reads it.
fn unneeded_source(store: &Store, scan: &ScanView) -> Result<Option<Sha256>, StoreError> {
    match scan.source.as_ref().map(|source| source.sha256) {
        Some(source) if !store.source_in_use(source)? => Ok(Some(source)),
        _ => Ok(None),
    }
}
