//! Sealing: results and log into an archive in pieces, then the manifest. A function of files to files, so it may be repeated.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use sha2::Digest as _;

use super::attempt::{Attempt, DIRECTORY_MODE, Ended, FILE_MODE};
use super::error::{During as _, ShimError};
use super::walk::{self, Found};
use crate::beneath;
use crate::model::clock::Clock;
use crate::model::frame::{Frames, MAX_SEGMENT_BYTES};
use crate::model::id::Sha256;
use crate::model::manifest::{Dropped, Exit, ExitCause, LogSummary, Manifest, Part, SealedFile};
use crate::model::scanner::ResultSpec;
use crate::model::spec::files;

/// Compression level: beyond it time grows faster than size shrinks.
const LEVEL: i32 = 3;

/// Seals an attempt whose shim is gone: killed with the container, or by whoever can.
pub(super) fn seal_killed(attempt: &Attempt) -> Result<(), ShimError> {
    let started_at = attempt.claimed_at()?;
    if attempt.end().is_none() {
        let exit = Exit {
            cause: ExitCause::ShimKilled,
            code: None,
            signal: None,
            oom_kills: 0,
            started_at,
            finished_at: Clock::System.now(),
            cpu_ms: 0,
            max_rss: 0,
        };
        attempt.note_end(&Ended { exit, log: count_log(&attempt.root) })?;
    }
    seal(attempt)
}

/// Seals an attempt whose scanner has ended and left no process.
pub(super) fn seal(attempt: &Attempt) -> Result<(), ShimError> {
    let ended = attempt.end().ok_or(ShimError::NeverClaimed)?;
    move_old_seal(&attempt.root).during("move an unfinished seal aside")?;
    let dir = beneath::make_directory(&attempt.root, files::SEAL, DIRECTORY_MODE).during("make the seal")?;
    let (paths, dropped) = choose(attempt).during("list the results")?;
    let (files, parts) = archive(&attempt.root, &dir, &paths).during("write the archive")?;
    let manifest = Manifest {
        version: attempt.job.version,
        name: attempt.job.name.clone(),
        spec: attempt.job.spec,
        exit: ended.exit,
        files,
        dropped,
        log: ended.log,
        parts,
    };
    let text = serde_json::to_vec(&manifest).unwrap_or_default();
    walk::list(&attempt.root, "", true).during("open the attempt up for its removal")?;
    crate::failpoint::hit("shim.before_manifest");
    beneath::replace(&attempt.root, files::MANIFEST, &text, FILE_MODE).during("write the manifest")
}

/// Returns the manifest of an attempt that was sealed; whatever else lies in its place is none.
pub(super) fn manifest(attempt: &Attempt) -> Option<Vec<u8>> {
    let bytes = beneath::read(&attempt.root, files::MANIFEST, files::MAX_MANIFEST).ok()?;
    let manifest: Manifest = serde_json::from_slice(&bytes).ok()?;
    (manifest.name == attempt.job.name && manifest.spec == attempt.job.spec).then_some(bytes)
}

/// Lets everybody read and remove what an attempt left, whether it can be sealed or not.
pub(super) fn open_up(dir: &Path) -> Result<(), ShimError> {
    let root = beneath::root(dir).during("open the attempt's directory")?;
    walk::list(&root, "", true).during("open the attempt up for its removal").map(drop)
}

/// Moves aside what a scanner may have put in the seal's place, or an interrupted sealing left there.
fn move_old_seal(root: &OwnedFd) -> io::Result<()> {
    use rustix::fs::{AtFlags, renameat, statat};
    use rustix::io::Errno;
    let free = |name: &String| statat(root, name, AtFlags::SYMLINK_NOFOLLOW).is_err();
    // Nobody else is left to take the name: not every file system can refuse to replace.
    let name = (0..u32::MAX).map(|number| format!("old-seal-{number}")).find(free).unwrap_or_default();
    match renameat(root, files::SEAL, root, name) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Chooses what is sealed: declared results first, then the rest as far as the limit reaches; the log has its own limit.
fn choose(attempt: &Attempt) -> io::Result<(BTreeSet<String>, Vec<Dropped>)> {
    let mut found = list(&attempt.root, files::WORK)?;
    if attempt.captures_stdout()
        && let Ok(stdout) = beneath::file(&attempt.root, files::STDOUT)
    {
        found.push(Found { path: files::STDOUT.to_owned(), len: stdout.metadata()?.len(), refused: None });
    }
    let declared: BTreeSet<String> = attempt.job.results.iter().map(sealed_path).collect();
    found.sort_by(|a, b| (!declared.contains(&a.path), &a.path).cmp(&(!declared.contains(&b.path), &b.path)));

    let (mut paths, mut dropped) = (BTreeSet::new(), Vec::new());
    let mut left = attempt.job.output_limit;
    for Found { path, len, refused } in found {
        match refused {
            Some(reason) => dropped.push(Dropped { path, reason: reason.to_owned(), len }),
            None if len > left => dropped.push(Dropped { path, reason: "over the output limit".to_owned(), len }),
            None => {
                left -= len;
                paths.insert(path);
            }
        }
    }
    paths.extend(list(&attempt.root, files::LOG)?.into_iter().filter(|found| found.refused.is_none()).map(|f| f.path));
    Ok((paths, dropped))
}

fn sealed_path(result: &ResultSpec) -> String {
    if result.path == ResultSpec::STDOUT {
        return files::STDOUT.to_owned();
    }
    format!("{}/{}", files::WORK, result.path)
}

/// Lists one directory and opens it up for the host's user.
fn list(root: &OwnedFd, directory: &str) -> io::Result<Vec<Found>> {
    match beneath::directory(root, directory) {
        Ok(dir) => walk::list(&dir, directory, true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(_) => Ok(vec![Found { path: directory.to_owned(), len: 0, refused: Some("not a directory") }]),
    }
}

fn archive(root: &OwnedFd, dir: &OwnedFd, paths: &BTreeSet<String>) -> io::Result<(Vec<SealedFile>, Vec<Part>)> {
    let encoder = zstd::Encoder::new(PartWriter::new(dir)?, LEVEL)?;
    let mut tar = tar::Builder::new(encoder);
    let mut sealed = Vec::new();
    for path in paths {
        let file = beneath::file(root, path)?;
        let len = file.metadata()?.len();
        let mut reader = HashReader { inner: file.take(len), hasher: sha2::Sha256::new(), len: 0 };
        tar.append_data(&mut header(len), path, &mut reader)?;
        if reader.len != len {
            return Err(io::Error::other(format!("{path} shrank while it was sealed")));
        }
        sealed.push(SealedFile { path: path.clone(), len, sha256: Sha256(reader.hasher.finalize().into()) });
    }
    let parts = tar.into_inner()?.finish()?.finish()?;
    Ok((sealed, parts))
}

fn header(len: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(len);
    header.set_mode(0o644);
    header.set_mtime(0);
    header
}

struct HashReader<R> {
    inner: R,
    hasher: sha2::Sha256,
    len: u64,
}

impl<R: io::Read> io::Read for HashReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.len += read as u64;
        Ok(read)
    }
}

/// Writes a stream into files of [`Part::BYTES`], each durable and hashed.
struct PartWriter<'a> {
    dir: &'a OwnedFd,
    parts: Vec<Part>,
    file: File,
    len: u64,
    hasher: sha2::Sha256,
}

impl<'a> PartWriter<'a> {
    fn new(dir: &'a OwnedFd) -> io::Result<Self> {
        let file = beneath::create(dir, &part_name(0), FILE_MODE)?;
        Ok(Self { dir, parts: Vec::new(), file, len: 0, hasher: sha2::Sha256::new() })
    }

    fn close(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let sha256 = Sha256(self.hasher.finalize_reset().into());
        self.parts.push(Part { name: part_name(self.parts.len()), len: self.len, sha256 });
        self.len = 0;
        Ok(())
    }

    fn finish(mut self) -> io::Result<Vec<Part>> {
        self.close()?;
        Ok(self.parts)
    }
}

fn part_name(index: usize) -> String {
    format!("part-{index:04}")
}

impl Write for PartWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.len == Part::BYTES {
            self.close()?;
            self.file = beneath::create(self.dir, &part_name(self.parts.len()), FILE_MODE)?;
        }
        let room = usize::try_from(Part::BYTES - self.len).unwrap_or(usize::MAX);
        let written = self.file.write(&bytes[..bytes.len().min(room)])?;
        self.hasher.update(&bytes[..written]);
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Counts a log whose writer did not live to tell. Numbers that are missing in between were dropped over the limit.
fn count_log(root: &OwnedFd) -> LogSummary {
    let mut summary = LogSummary::default();
    let mut lines = 0;
    for found in list(root, files::LOG).unwrap_or_default() {
        let Ok(bytes) = beneath::read(root, &found.path, MAX_SEGMENT_BYTES) else { continue };
        for line in Frames::new(&bytes) {
            lines += 1;
            summary.last_seq = summary.last_seq.max(line.seq);
            summary.bytes += line.bytes.len() as u64;
        }
    }
    summary.dropped = summary.last_seq.saturating_sub(lines);
    summary
}
