//! Sealed results on a volume that outlives the pod: brought there by the keeper, given and removed by whoever has the volume.
//!
//! ```text
//! ATTEMPT/part-0000 … manifest.json   complete: the directory gets its name last, as a whole
//! ATTEMPT.0 …                         what a killed keeper was about to bring
//! ```
//! Scanners never see the volume. What is there is never replaced: results of another pod of the same attempt stand.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, fsync, mkdirat, renameat};
use rustix::io::Errno;

use super::attempt::{Attempt, DIRECTORY_MODE, FILE_MODE};
use super::error::{During as _, ShimError};
use super::patience::Stop;
use super::peer::{self, Peer};
use super::{seal, serve as served};
use crate::beneath;
use crate::model::manifest::Manifest;
use crate::model::spec::files;
use crate::model::wire::{Answer, Request};

/// The manifest's name.
const MANIFEST: &str = "manifest.json";
/// Most unfinished directories of one attempt: one for each pod that the cluster has begun for it.
const MOST_BEGUN: u32 = 64;

/// Whether there is such a volume.
pub(super) fn is_mounted(volume: &Path) -> bool {
    volume.is_dir()
}

/// Brings an attempt's sealed results to the volume, if there is one. Returns once they are durable there, whoever has brought them.
pub(super) fn keep(attempt: &Attempt, volume: &Path) -> Result<(), ShimError> {
    if !is_mounted(volume) {
        return Ok(());
    }
    let name = attempt.job.name.as_str();
    let root = beneath::root(volume).during("open the volume")?;
    if beneath::file(&root, &format!("{name}/{MANIFEST}")).is_ok() {
        return Ok(());
    }
    let begun = begin(&root, name).during("begin on the volume")?;
    let brought = bring(attempt, &root, &begun).and_then(|()| finish(&root, &begun, name));
    match brought {
        Ok(true) => Ok(()),
        Ok(false) => remove_one(volume, &begun),
        Err(error) => {
            remove_one(volume, &begun).ok();
            Err(error)
        }
    }
}

/// Makes a directory that nobody else writes to.
fn begin(root: &OwnedFd, name: &str) -> io::Result<String> {
    for number in 0..MOST_BEGUN {
        let begun = format!("{name}.{number}");
        match mkdirat(root, begun.as_str(), Mode::from_raw_mode(DIRECTORY_MODE)) {
            Ok(()) => return Ok(begun),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn bring(attempt: &Attempt, root: &OwnedFd, begun: &str) -> Result<(), ShimError> {
    let text = seal::manifest(attempt).ok_or(ShimError::NeverClaimed)?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| ShimError::Invalid { path: files::MANIFEST, error })?;
    for part in &manifest.parts {
        let mut from = beneath::file(&attempt.root, &format!("{}/{}", files::SEAL, part.name)).during("read a part")?;
        let mut to =
            beneath::create(root, &format!("{begun}/{}", part.name), FILE_MODE).during("write to the volume")?;
        io::copy(&mut from, &mut to).and_then(|_| to.sync_all()).during("write to the volume")?;
    }
    beneath::replace(root, &format!("{begun}/{MANIFEST}"), &text, FILE_MODE).during("write to the volume")
}

/// Gives complete results their name; returns whether nobody else's had it.
fn finish(root: &OwnedFd, begun: &str, name: &str) -> Result<bool, ShimError> {
    crate::failpoint::hit("shim.kept.finish");
    match renameat(root, begun, root, name) {
        Ok(()) => fsync(root).during("write to the volume").map(|()| true),
        Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(false),
        Err(error) => Err(error).during("write to the volume"),
    }
}

/// Removes all that an attempt has on the volume; nothing is no error.
pub(super) fn remove(volume: &Path, name: &str) -> Result<(), ShimError> {
    for entry in volume.read_dir().during("list the volume")? {
        let found = entry.during("list the volume")?.file_name();
        let Some(found) = found.to_str() else { continue };
        if found.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
            remove_one(volume, found)?;
        }
    }
    Ok(())
}

/// Removes a directory. The manifest goes first: what is left of a removal that is cut short is no result.
fn remove_one(volume: &Path, directory: &str) -> Result<(), ShimError> {
    let directory = volume.join(directory);
    let gone = |done: io::Result<()>| match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    };
    gone(fs::remove_file(directory.join(MANIFEST)))
        .and_then(|()| gone(fs::remove_dir_all(&directory)))
        .during("remove results from the volume")
}

/// Stays for the sessions that come for what lies on a volume.
pub(super) fn lend(hold: Duration) -> Result<(), ShimError> {
    let stop = Stop::listen().during("listen to signals")?;
    stop.wait(Instant::now().checked_add(hold), || None::<()>);
    Ok(())
}

/// Serves the results in `directory`, which bears its attempt's name, until the client leaves.
pub(super) fn serve(directory: &Path) -> Result<(), ShimError> {
    let (Some(volume), Some(name)) = (directory.parent(), directory.file_name().and_then(|name| name.to_str())) else {
        return Err(ShimError::Refused("that is no directory of an attempt".to_owned()));
    };
    let root = beneath::root(volume).during("open the volume")?;
    peer::converse(|peer, request| match request {
        Request::Manifest { .. } => give_manifest(peer, &root, name),
        Request::Part { name: part, from } => served::give_part(peer, &root, &format!("{name}/"), &part, from),
        Request::Acknowledge => {
            remove(volume, name)?;
            peer.answer(&Answer::Done)
        }
        _ => Err(ShimError::Garbled("results on a volume are served here".to_owned())),
    })
}

fn give_manifest(peer: &mut Peer, root: &OwnedFd, name: &str) -> Result<(), ShimError> {
    match beneath::read(root, &format!("{name}/{MANIFEST}"), files::MAX_MANIFEST) {
        Ok(manifest) => {
            peer.answer(&Answer::Bytes { len: manifest.len() as u64 })?;
            peer.send_data(&*manifest, manifest.len() as u64)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => peer.answer(&Answer::NotYet),
        Err(error) => Err(error).during("read the manifest on the volume"),
    }
}
