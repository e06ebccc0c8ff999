//! Archives: tar, plain or compressed by gzip or zstd, and zip; told apart by what is in them, not by their names.
//!
//! An archive is hostile: nothing is written outside of its directory, no link is followed, what leads outside is an error, what grows
//! without end is given up, and one that ends too early is no archive.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::EntryType;
use zip::ZipArchive;

use super::error::SourceError;
use crate::beneath;

/// Most bytes that an archive may unpack to.
const MAX_BYTES: u64 = 16 << 30;
/// Most entries.
const MAX_ENTRIES: u32 = 1_000_000;
/// Longest target of a symbolic link.
const MAX_LINK: u64 = 4096;
/// A block of a tar archive, in bytes; two of zeros are its end.
const BLOCK: u64 = 512;

/// Unpacks an archive into an empty directory. Returns the root of what it holds: a single directory at its top is left out, as
/// archives of releases have one named after the version.
pub(super) fn unpack(archive: &Path, into: &Path) -> Result<PathBuf, SourceError> {
    let failed = |error: io::Error| SourceError::Archive(format!("{}: {error}", archive.display()));
    let file = File::open(archive).map_err(|error| SourceError::io("cannot open", archive, error))?;
    unpack_file(file, into).map_err(failed)?;
    let mut names = into.read_dir().map_err(failed)?;
    match (names.next(), names.next()) {
        (Some(Ok(only)), None) if only.file_type().is_ok_and(|kind| kind.is_dir()) => Ok(only.path()),
        _ => Ok(into.to_owned()),
    }
}

fn unpack_file(mut file: File, into: &Path) -> io::Result<()> {
    let mut unpacker =
        Unpacker { root: beneath::root(into)?, made: HashSet::new(), bytes: MAX_BYTES, entries: MAX_ENTRIES };
    let mut head = Vec::new();
    (&mut file).take(BLOCK).read_to_end(&mut head)?;
    file.rewind()?;
    match head.as_slice() {
        [0x1f, 0x8b, ..] => unpacker.tar(MultiGzDecoder::new(io::BufReader::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => unpacker.tar(zstd::Decoder::new(file)?),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => unpacker.zip(file),
        head if head.get(257..262) == Some(b"ustar") => unpacker.tar(io::BufReader::new(file)),
        _ => Err(invalid("it is no tar (plain, gzip, zstd) and no zip archive")),
    }
}

fn invalid(words: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words.into())
}

struct Unpacker {
    root: OwnedFd,
    /// Directories that were made.
    made: HashSet<Vec<u8>>,
    /// How much more may come.
    bytes: u64,
    entries: u32,
}

impl Unpacker {
    fn tar(&mut self, reader: impl Read) -> io::Result<()> {
        let mut archive = tar::Archive::new(Tail { inner: reader, zeros: 0 });
        for entry in archive.entries()? {
            let mut entry = entry?;
            let (kind, mode) = (entry.header().entry_type(), entry.header().mode()?);
            let name = entry.path_bytes().into_owned();
            let link = entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
            let placed = self.place(&name)?;
            let done = match kind {
                EntryType::Directory => self.directory(&placed),
                EntryType::Symlink => self.link(&placed, &link),
                EntryType::Link => self.copy(&placed, &link),
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    self.file(&placed, mode, &mut entry)
                }
                // Pipes and devices: there is nothing to scan in them.
                _ => Ok(()),
            };
            done.map_err(|error| about(&name, &error))?;
        }
        // The rest is read for its checksum.
        let mut tail = archive.into_inner();
        io::copy(&mut (&mut tail).take(self.bytes), &mut io::sink())?;
        if tail.zeros < BLOCK {
            return Err(invalid("it ends too early"));
        }
        Ok(())
    }

    fn zip(&mut self, file: File) -> io::Result<()> {
        let mut archive = ZipArchive::new(io::BufReader::new(file))?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index)?;
            let (name, mode) = (entry.name_raw().to_vec(), entry.unix_mode().unwrap_or(0o644));
            let placed = self.place(&name)?;
            let done = if entry.is_dir() {
                self.directory(&placed)
            } else if entry.is_symlink() {
                let mut target = Vec::new();
                (&mut entry).take(MAX_LINK).read_to_end(&mut target)?;
                self.link(&placed, &target)
            } else {
                self.file(&placed, mode, &mut entry)
            };
            done.map_err(|error| about(&name, &error))?;
        }
        Ok(())
    }

    /// Returns where an entry goes, relative to the root and in its simplest form; refused when that is outside.
    fn place(&mut self, name: &[u8]) -> io::Result<Vec<u8>> {
        self.entries = self.entries.checked_sub(1).ok_or_else(|| invalid("it has more than a million entries"))?;
        inside(name)
    }

    /// Makes a directory and those above it.
    fn directory(&mut self, path: &[u8]) -> io::Result<()> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for end in ends.chain([path.len()]).filter(|end| *end > 0) {
            let path = &path[..end];
            if !self.made.contains(path) {
                beneath::make_directory(&self.root, path, 0o755)?;
                self.made.insert(path.to_vec());
            }
        }
        Ok(())
    }

    /// Makes room for an entry that is no directory: the last one of a name counts.
    fn room(&mut self, path: &[u8]) -> io::Result<()> {
        let above = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        self.directory(&path[..above])?;
        let parent = beneath::directory(&self.root, &path[..above])?;
        beneath::remove(&parent, path[above..].strip_prefix(b"/").unwrap_or(path))
    }

    fn file(&mut self, path: &[u8], mode: u32, content: &mut impl Read) -> io::Result<()> {
        self.room(path)?;
        let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
        let mut file = beneath::create(&self.root, path, mode)?;
        let written = io::copy(&mut content.take(self.bytes + 1), &mut file)?;
        self.bytes =
            self.bytes.checked_sub(written).ok_or_else(|| invalid("the archive unpacks to more than 16 GiB"))?;
        Ok(())
    }

    fn link(&mut self, path: &[u8], target: &[u8]) -> io::Result<()> {
        self.room(path)?;
        beneath::link(&self.root, path, target)
    }

    /// A hard link: what it names has come before.
    fn copy(&mut self, path: &[u8], target: &[u8]) -> io::Result<()> {
        let target = inside(target)?;
        if target == path {
            return Ok(());
        }
        let mut file = beneath::file(&self.root, &target)?;
        let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata()?);
        self.file(path, mode, &mut file)
    }
}

fn inside(name: &[u8]) -> io::Result<Vec<u8>> {
    let parts: Vec<&[u8]> = name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
    if parts.contains(&&b".."[..]) {
        return Err(invalid(format!("`{}` leads outside of the archive", name.escape_ascii())));
    }
    Ok(parts.join(&b'/'))
}

fn about(name: &[u8], error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", name.escape_ascii()))
}

/// Counts the zeros that a stream ends with.
struct Tail<R> {
    inner: R,
    zeros: u64,
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let zeros = buffer[..count].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == count { self.zeros + zeros as u64 } else { zeros as u64 };
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
