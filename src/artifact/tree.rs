//! Trees by their hash: where they are, and their end.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};

use crate::model::clock::Timestamp;
use crate::model::id::Sha256;

/// Returns the directory of a tree that was taken: a source snapshot or a database.
pub fn tree(artifacts: &Path, sha256: Sha256) -> PathBuf {
    place(artifacts, sha256).join("tree")
}

fn place(artifacts: &Path, sha256: Sha256) -> PathBuf {
    artifacts.join("src").join(sha256.to_string())
}

/// Notes that somebody is about to use a tree that is there already, so that nobody removes it meanwhile.
pub(super) fn touch(place: &Path) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Ok(utimensat(CWD, place, &Timestamps { last_access: now, last_modification: now }, AtFlags::empty())?)
}

/// Returns whether a tree is here that nobody has taken or touched since `unused_since`.
pub fn is_unused_tree(artifacts: &Path, sha256: Sha256, unused_since: Timestamp) -> io::Result<bool> {
    Ok(changed(&place(artifacts, sha256))?.is_some_and(|changed| changed <= unused_since))
}

fn changed(place: &Path) -> io::Result<Option<Timestamp>> {
    match place.metadata() {
        Ok(meta) => {
            let ms = meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000);
            Ok(Some(Timestamp(ms)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a tree that nobody has taken or touched since `unused_since`; returns whether it is gone.
pub fn remove_tree(artifacts: &Path, sha256: Sha256, unused_since: Timestamp) -> io::Result<bool> {
    let place = place(artifacts, sha256);
    match changed(&place)? {
        None => return Ok(true),
        Some(changed) if changed > unused_since => return Ok(false),
        Some(_) => {}
    }
    // Under its name it is whole or not there: what a crash leaves of it is swept with the drafts.
    let gone = artifacts.join("src").join(format!(".tmp-gone-{sha256}"));
    fs::set_permissions(&place, Permissions::from_mode(0o700))?;
    fs::rename(&place, &gone)?;
    fs::remove_dir_all(&gone)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{SnapshotOptions, snapshot};
    use crate::model::clock::Clock;

    #[test]
    fn a_tree_that_was_touched_stays() {
        let (source, artifacts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(source.path().join("a"), "x").unwrap();
        let taken = snapshot(artifacts.path(), source.path(), SnapshotOptions::default()).unwrap();
        let (now, sha256) = (Clock::System.now(), taken.facts.sha256);
        assert!(!remove_tree(artifacts.path(), sha256, now.plus_ms(-60_000)).unwrap());
        assert!(taken.tree.is_dir());
        assert!(remove_tree(artifacts.path(), sha256, now.plus_ms(60_000)).unwrap());
        assert!(!taken.tree.exists());
        assert!(remove_tree(artifacts.path(), sha256, now).unwrap());
    }
}
