//! Removes what processes that were killed left half-made.

use std::fs::{self, DirEntry, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::model::clock::Timestamp;

/// Nothing is in the making for longer, in milliseconds: one day.
const OLDEST: i64 = 24 * 60 * 60 * 1000;

/// Removes drafts of snapshots, clones and stored files that are older than a day; returns how many. Safe while others work.
pub fn sweep_drafts(artifacts: &Path, now: Timestamp) -> io::Result<u64> {
    let mut removed = 0;
    for home in ["src", "blobs"] {
        let entries = match artifacts.join(home).read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            if !entry.file_name().as_encoded_bytes().starts_with(b".tmp-") {
                continue;
            }
            match is_old(&entry, now).and_then(|old| if old { remove(&entry).map(|()| 1) } else { Ok(0) }) {
                // Whoever made it has removed it, or another process that sweeps.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                swept => removed += swept?,
            }
        }
    }
    Ok(removed)
}

fn is_old(entry: &DirEntry, now: Timestamp) -> io::Result<bool> {
    let made = Timestamp(entry.metadata()?.mtime().saturating_mul(1000));
    Ok(now.since(made) > OLDEST)
}

fn remove(entry: &DirEntry) -> io::Result<()> {
    if entry.file_type()?.is_dir() {
        // A finished draft is read-only for the moment before it gets its name.
        fs::set_permissions(entry.path(), Permissions::from_mode(0o700))?;
        return fs::remove_dir_all(entry.path());
    }
    fs::remove_file(entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::Clock;

    #[test]
    fn only_old_drafts_are_removed() {
        let artifacts = tempfile::tempdir().unwrap();
        let path = |name: &str| artifacts.path().join(name);
        for folder in ["src/.tmp-a/tree", "src/0123/tree", "blobs/01"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        fs::write(path("blobs/.tmp-b"), "").unwrap();
        fs::set_permissions(path("src/.tmp-a"), Permissions::from_mode(0o555)).unwrap();
        let now = Clock::System.now();
        assert_eq!(sweep_drafts(artifacts.path(), now).unwrap(), 0);
        assert_eq!(sweep_drafts(artifacts.path(), now.plus_ms(OLDEST + 60_000)).unwrap(), 2);
        assert!(path("src/0123/tree").exists() && path("blobs/01").exists());
        assert!(!path("src/.tmp-a").exists() && !path("blobs/.tmp-b").exists());
        assert_eq!(sweep_drafts(&path("nowhere"), now).unwrap(), 0);
    }
}
