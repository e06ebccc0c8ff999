//! Trees by their hash: where they are, and their end.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FlockOperation, Timespec, Timestamps, UTIME_NOW, flock, utimensat};

use crate::model::clock::Timestamp;
use crate::model::id::Sha256;

/// Keeps a tree from being removed until it is dropped or its process dies: a shared kernel lock on the tree's directory. Whoever
/// takes a tree holds it until a scan that reads it has a row.
#[derive(Debug)]
pub struct Hold {
    _directory: File,
}

/// Takes hold of a tree; `None` when it is not here.
pub fn hold(artifacts: &Path, sha256: Sha256) -> io::Result<Option<Hold>> {
    let place = place(artifacts, sha256);
    loop {
        let Some(directory) = open(&place)? else { return Ok(None) };
        flock(&directory, FlockOperation::LockShared)?;
        // It may have been removed, and even taken anew, before the lock was ours.
        if is_at(&directory, &place)? {
            return Ok(Some(Hold { _directory: directory }));
        }
    }
}

fn open(place: &Path) -> io::Result<Option<File>> {
    match File::open(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn is_at(directory: &File, place: &Path) -> io::Result<bool> {
    let opened = directory.metadata()?;
    match place.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        there => there.map(|there| (there.dev(), there.ino()) == (opened.dev(), opened.ino())),
    }
}

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

/// Removes a tree that nobody holds and nobody has taken or touched since `unused_since`; returns whether it is gone. `unneeded` has
/// the last word: nobody can take hold of the tree while it is asked.
pub fn remove_tree(
    artifacts: &Path,
    sha256: Sha256,
    unused_since: Timestamp,
    unneeded: impl FnOnce() -> bool,
) -> io::Result<bool> {
    let place = place(artifacts, sha256);
    let Some(directory) = open(&place)? else { return Ok(true) };
    match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(false),
        locked => locked?,
    }
    if changed(&place)?.is_some_and(|changed| changed > unused_since) || !is_at(&directory, &place)? || !unneeded() {
        return Ok(false);
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
    fn a_tree_that_was_touched_or_is_held_or_needed_stays() {
        let (source, artifacts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(source.path().join("a"), "x").unwrap();
        let taken = snapshot(artifacts.path(), source.path(), SnapshotOptions::default()).unwrap();
        let (now, sha256) = (Clock::System.now(), taken.facts.sha256);
        let later = now.plus_ms(60_000);
        assert!(!remove_tree(artifacts.path(), sha256, later, || true).unwrap(), "whoever took it holds it");
        drop(taken.hold);
        assert!(!remove_tree(artifacts.path(), sha256, now.plus_ms(-60_000), || true).unwrap());
        let again = hold(artifacts.path(), sha256).unwrap();
        assert!(!remove_tree(artifacts.path(), sha256, later, || true).unwrap());
        drop(again);
        assert!(!remove_tree(artifacts.path(), sha256, later, || false).unwrap());
        assert!(taken.tree.is_dir());
        assert!(remove_tree(artifacts.path(), sha256, later, || true).unwrap());
        assert!(!taken.tree.exists());
        assert!(hold(artifacts.path(), sha256).unwrap().is_none());
        assert!(remove_tree(artifacts.path(), sha256, now, || true).unwrap());
    }
}
