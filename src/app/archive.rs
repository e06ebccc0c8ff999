//! Fetching an archive that is a scan's target.

use std::path::Path;

use tempfile::NamedTempFile;

use super::Say;
use crate::artifact::SourceError;
use crate::web::{self, DownloadError};

/// Most bytes of an archive.
const MAX_BYTES: u64 = 8 << 30;

/// Fetches what `address` names into a file below `artifacts`; none where it is a path of this machine.
pub(super) async fn fetch(artifacts: &Path, address: &str, say: Say<'_>) -> Result<Option<NamedTempFile>, SourceError> {
    if !address.contains("://") {
        return Ok(None);
    }
    let home = artifacts.join("src");
    let mut file = std::fs::create_dir_all(&home)
        .and_then(|()| tempfile::Builder::new().prefix(".tmp-archive-").tempfile_in(&home))
        .map_err(|error| SourceError::local(&home, error))?;
    match web::download(address, file.as_file_mut(), MAX_BYTES, say).await {
        Ok(()) => Ok(Some(file)),
        Err(DownloadError::Local(error)) => Err(SourceError::local(file.path(), error)),
        Err(DownloadError::Web(error)) => {
            Err(SourceError::Fetch { address: web::shown(address), message: error.to_string() })
        }
    }
}
