//! Sealed results as they lie here: parts that verify, and their manifest, written last.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use super::{ExecutorError, Sealed, blocking};
use crate::beneath;
use crate::model::id::Sha256;
use crate::model::manifest::{ExitCause, Manifest, Part};
use crate::model::spec::{Launch, ShimJob};

/// The manifest's name where results are collected.
pub(super) const MANIFEST: &str = "manifest.json";
/// How often a part that does not verify is fetched.
pub(super) const TRIES: usize = 5;
/// No part is longer, in bytes.
pub(super) const MAX_PART: u64 = 64 << 20;

/// Reads a manifest and checks that it is this attempt's.
pub(super) fn check(launch: &Launch, bytes: &[u8]) -> Result<Manifest, ExecutorError> {
    let corrupt = |message: String| ExecutorError::Corrupt { name: launch.name.to_string(), message };
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| corrupt(format!("its manifest does not read: {error}")))?;
    if manifest.version != ShimJob::VERSION || manifest.name != launch.name || manifest.spec != launch.spec_sha256 {
        return Err(corrupt("its manifest is another attempt's".to_owned()));
    }
    match manifest.parts.iter().find(|part| !Part::is_name(&part.name) || part.len > MAX_PART) {
        Some(part) => Err(corrupt(format!("its manifest names a part {:?}", part.name))),
        None => Ok(manifest),
    }
}

/// Adds what a shim that was itself killed for want of memory could not write down, and the engine knows.
pub(super) fn told_of_memory(mut sealed: Sealed, out_of_memory: bool) -> Sealed {
    let exit = &mut sealed.manifest.exit;
    if out_of_memory && exit.cause == ExitCause::ShimKilled {
        exit.oom_kills = exit.oom_kills.max(1);
    }
    sealed
}

/// Returns whether a part is here, whole and right.
pub(super) async fn is_here(part: &Part, into: &Path) -> Result<bool, ExecutorError> {
    let (into, part) = (into.to_owned(), part.clone());
    blocking("read a collected part", move || Ok(verifies(&into, &part))).await
}

/// Whether bytes are a part, whole and right.
pub(super) fn is_right(part: &Part, bytes: &[u8]) -> bool {
    bytes.len() as u64 == part.len && Sha256::of(bytes) == part.sha256
}

/// Writes the manifest: from here on the results are complete.
pub(super) async fn finish(manifest: &Manifest, into: &Path) -> Result<(), ExecutorError> {
    let text = serde_json::to_vec(manifest).unwrap_or_default();
    let into = into.to_owned();
    blocking("write the collected manifest", move || beneath::replace(&beneath::root(&into)?, MANIFEST, &text, 0o600))
        .await
}

/// Returns the error of a part that is never right.
pub(super) fn damaged(launch: &Launch, part: &Part) -> ExecutorError {
    ExecutorError::Corrupt {
        name: launch.name.to_string(),
        message: format!("{} does not match its manifest after {TRIES} transfers", part.name),
    }
}

/// Returns where a file is written before it is in its place.
pub(super) fn temporary(into: &Path, name: &str) -> PathBuf {
    into.join(format!("{name}.tmp"))
}

/// Opens a part's unfinished file at its end; one that is longer than the part, or as long and yet not in its place, begins anew.
pub(super) fn resume(path: &Path, part: &Part) -> io::Result<(File, u64)> {
    let file = File::options().append(true).create(true).open(path)?;
    let mut from = file.metadata()?.len();
    if from >= part.len {
        file.set_len(0)?;
        from = 0;
    }
    Ok((file, from))
}

/// Writes a file as a whole. What cannot be read is the engine's failure, by `unread`; the rest is ours.
pub(super) fn save(
    into: &Path,
    name: &str,
    content: &mut dyn Read,
    unread: impl Fn(&io::Error) -> ExecutorError,
) -> Result<(), ExecutorError> {
    let local = |error: &io::Error| ExecutorError::local(format!("write {}", into.join(name).display()), error);
    let mut file = File::create(temporary(into, name)).map_err(|error| local(&error))?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match content.read(&mut buffer).map_err(|error| unread(&error))? {
            0 => break,
            read => file.write_all(&buffer[..read]).map_err(|error| local(&error))?,
        }
    }
    keep(&file, into, name).map_err(|error| local(&error))
}

/// Puts a finished temporary file in its place, durably.
pub(super) fn keep(file: &File, into: &Path, name: &str) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(temporary(into, name), into.join(name))?;
    File::open(into)?.sync_all()
}

fn verifies(into: &Path, part: &Part) -> bool {
    let hash = |root: OwnedFd| -> io::Result<bool> {
        let mut file = beneath::file(&root, &part.name)?;
        if file.metadata()?.len() != part.len {
            return Ok(false);
        }
        let mut hasher = sha2::Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
        Ok(Sha256(hasher.finalize().into()) == part.sha256)
    };
    beneath::root(into).and_then(hash).unwrap_or(false)
}
