//! What a pod is brought before its scanner starts: written by sessions, read by the process that waits for it.
//!
//! ```text
//! in/.delivery/ready                  from here on sessions may write
//!              job  input             whole, verified
//!              tree-0/00000000-HASH   a piece of a tree's archive; emptied when it has been unpacked
//!              tree-0/end             how many pieces there are
//!              failed                 why it cannot succeed
//!              complete               all is in its place; written last
//! ```
//! A name that exists is the record that what it names was received, whoever wrote it: any session, of any client, goes on from there.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::Dir;

use super::attempt::{DIRECTORY_MODE, FILE_MODE};
use super::error::{During as _, ShimError};
use crate::beneath;
use crate::model::id::Sha256;
use crate::model::pod::{Order, paths};

/// The directory of the delivery, which no tree can be.
const DELIVERY: &str = ".delivery";
const READY: &str = "ready";
const FAILED: &str = "failed";
const COMPLETE: &str = "complete";
const END: &str = "end";
/// The job's name in a delivery.
pub(super) const JOB: &str = "job";
/// The input's name in a delivery.
pub(super) const INPUT: &str = "input";
/// Longest file of words.
const MAX_WORDS: u64 = 64 * 1024;
/// Longest order.
const MAX_ORDER: u64 = 1 << 20;

/// Reads the order of the pod whose directories are below `root`.
pub(super) fn read_order(root: &Path) -> Result<Order, ShimError> {
    // The engine puts a link in the annotation's place, to exchange it as a whole.
    let mut bytes = Vec::new();
    let read = File::open(root.join(paths::ORDER)).and_then(|file| file.take(MAX_ORDER).read_to_end(&mut bytes));
    read.during("read the pod's order")?;
    let order: Order =
        serde_json::from_slice(&bytes).map_err(|error| ShimError::Invalid { path: paths::ORDER, error })?;
    if order.version != crate::model::spec::ShimJob::VERSION {
        return Err(ShimError::Version(order.version, crate::model::spec::ShimJob::VERSION));
    }
    if let Some(place) = order.trees.iter().find(|place| !is_place(place)) {
        return Err(ShimError::Refused(format!("{place:?} is no place of a tree")));
    }
    Ok(order)
}

fn is_place(place: &str) -> bool {
    place != DELIVERY && place.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0'))
}

/// The delivery of one pod.
#[derive(Debug)]
pub(super) struct Inbox {
    dir: OwnedFd,
}

impl Inbox {
    /// Makes an empty one. What an earlier life of the container left half done is removed: where its unpacking stood is forgotten.
    pub(super) fn make(root: &Path, order: &Order) -> io::Result<Self> {
        let trees = root.join(paths::TREES);
        make_mount(&trees)?;
        for entry in fs::read_dir(&trees)? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        let trees = beneath::root(&trees)?;
        let dir = beneath::make_directory(&trees, DELIVERY, DIRECTORY_MODE)?;
        for (number, _) in order.trees.iter().enumerate() {
            beneath::make_directory(&dir, &format!("tree-{number}"), DIRECTORY_MODE)?;
        }
        beneath::replace(&dir, READY, b"", FILE_MODE)?;
        Ok(Self { dir })
    }

    /// Opens the one that was made; `None` when it was not yet.
    pub(super) fn open(root: &Path) -> io::Result<Option<Self>> {
        let open = || {
            let dir = beneath::directory(&beneath::root(&root.join(paths::TREES))?, DELIVERY)?;
            beneath::file(&dir, READY)?;
            Ok(Self { dir })
        };
        found(open())
    }

    /// Returns a tree's pieces.
    pub(super) fn tree(&self, number: usize) -> io::Result<Pieces> {
        Ok(Pieces { dir: beneath::directory(&self.dir, &format!("tree-{number}"))? })
    }

    /// Returns the directory that [`JOB`] and [`INPUT`] are received in.
    pub(super) const fn directory(&self) -> &OwnedFd {
        &self.dir
    }

    /// Opens the job or the input, if it has been received.
    pub(super) fn file(&self, name: &'static str) -> io::Result<Option<File>> {
        found(beneath::file(&self.dir, name))
    }

    /// Notes that all is in its place.
    pub(super) fn complete(&self) -> io::Result<()> {
        beneath::replace(&self.dir, COMPLETE, b"", FILE_MODE)
    }

    /// Notes that it cannot succeed.
    pub(super) fn fail(&self, why: &str) -> io::Result<()> {
        beneath::replace(&self.dir, FAILED, why.as_bytes(), FILE_MODE)
    }

    /// Returns whether all is in its place; an error when that cannot be.
    pub(super) fn is_complete(&self) -> Result<bool, ShimError> {
        if let Ok(why) = beneath::read(&self.dir, FAILED, MAX_WORDS) {
            return Err(ShimError::Refused(String::from_utf8_lossy(&why).into_owned()));
        }
        Ok(beneath::file(&self.dir, COMPLETE).is_ok())
    }
}

/// Makes a directory unless a volume is mounted there, whose mode is not ours to change.
pub(super) fn make_mount(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// The pieces of one tree.
#[derive(Debug)]
pub(super) struct Pieces {
    dir: OwnedFd,
}

impl Pieces {
    /// Returns the directory that they are received in.
    pub(super) const fn directory(&self) -> &OwnedFd {
        &self.dir
    }

    /// Returns the name of a piece.
    pub(super) fn name(index: u32, sha256: Sha256) -> String {
        format!("{index:08}-{sha256}")
    }

    /// Returns the name of the piece with this number, if it has been received.
    pub(super) fn find(&self, index: u32) -> io::Result<Option<String>> {
        let prefix = format!("{index:08}-");
        for entry in Dir::read_from(&self.dir)? {
            match entry?.file_name().to_str() {
                // Not one that is still being written.
                Ok(name) if name.starts_with(&prefix) && name.len() == prefix.len() + 64 => {
                    return Ok(Some(name.to_owned()));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Opens a piece.
    pub(super) fn open(&self, name: &str) -> io::Result<File> {
        beneath::file(&self.dir, name)
    }

    /// Gives back the space of a piece that has been unpacked; its name stays.
    pub(super) fn empty(&self, name: &str) -> io::Result<()> {
        beneath::replace(&self.dir, name, b"", FILE_MODE)
    }

    /// Returns whether a piece has been unpacked.
    pub(super) fn is_empty(&self, name: &str) -> io::Result<bool> {
        Ok(self.open(name)?.metadata()?.len() == 0)
    }

    /// Notes how many pieces there are.
    pub(super) fn end(&self, pieces: u32) -> io::Result<()> {
        beneath::replace(&self.dir, END, pieces.to_string().as_bytes(), FILE_MODE)
    }

    /// Returns how many pieces there are, if that is known.
    pub(super) fn count(&self) -> io::Result<Option<u32>> {
        let text = found(beneath::read(&self.dir, END, 16))?;
        Ok(text.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()))
    }
}

/// Makes nothing of what does not exist.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}
