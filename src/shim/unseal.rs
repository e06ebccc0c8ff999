//! Unpacking sealed results on the host: everything in them is hostile until it matches the manifest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use super::untar::{self, Entries, MAX_PATH};
use crate::beneath;
use crate::hashing::Hashing;
use crate::model::id::Sha256;
use crate::model::manifest::{Manifest, Part, SealedFile};

/// Why sealed results were not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnsealError {
    /// The results are larger than allowed.
    #[error("the sealed files have {total} bytes, more than the {cap} allowed")]
    TooLarge {
        /// Their size by the manifest.
        total: u64,
        /// The limit.
        cap: u64,
    },
    /// The archive is not what the manifest says.
    #[error("the archive does not match its manifest: {0}")]
    Mismatch(String),
    /// A file could not be read or written.
    #[error("{action}: {error}")]
    Io {
        /// What was tried.
        action: String,
        /// The system's words.
        error: io::Error,
    },
}

/// Unpacks an archive into `into`, a directory that exists and is empty. On success exactly the files of the manifest are there,
/// each with its hash. `parts` are the paths of the manifest's parts, in order; `cap` bounds the sum of all files in bytes.
pub fn unseal(manifest: &Manifest, parts: &[PathBuf], into: &Path, cap: u64) -> Result<(), UnsealError> {
    let total = manifest.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.len));
    if total > cap {
        return Err(UnsealError::TooLarge { total, cap });
    }
    if parts.len() != manifest.parts.len() {
        return Err(mismatch(format!("{} parts are listed, {} were given", manifest.parts.len(), parts.len())));
    }
    let mut expected = BTreeMap::new();
    for file in &manifest.files {
        if !is_safe(&file.path) || expected.insert(file.path.as_str(), file).is_some() {
            return Err(mismatch(format!("{:?} is no path of a sealed file", file.path)));
        }
    }
    let reader = PartReader::new(&manifest.parts, parts);
    let mut archive = untar::decompress(reader).map_err(|error| io_error("start the decompressor", error))?;
    unpack(&mut archive, &mut expected, into)?;
    if let Some(missing) = expected.keys().next() {
        return Err(mismatch(format!("{missing} is not in it")));
    }
    untar::finish(archive).map_err(|error| broken(&error))
}

fn unpack(
    archive: &mut tar::Archive<impl Read>,
    expected: &mut BTreeMap<&str, &SealedFile>,
    into: &Path,
) -> Result<(), UnsealError> {
    let root = beneath::root(into).map_err(|error| io_error("open the directory to unpack into", error))?;
    for entry in Entries::of(archive).map_err(|error| broken(&error))? {
        let mut entry = entry.map_err(|error| broken(&error))?;
        let name = String::from_utf8(entry.name).map_err(|_| mismatch("a name is not text".to_owned()))?;
        let Some(file) = expected.remove(name.as_str()).filter(|_| entry.kind.is_file()) else {
            return Err(mismatch(format!("{name:?} is not listed")));
        };
        if entry.content.size() != file.len {
            return Err(mismatch(format!("{name} has another length")));
        }
        write(&root, file, &mut entry.content)?;
    }
    Ok(())
}

fn write(root: &std::os::fd::OwnedFd, file: &SealedFile, content: &mut impl Read) -> Result<(), UnsealError> {
    let path = &file.path;
    let write = |error| io_error(&format!("write {path}"), error);
    for (end, _) in path.match_indices('/') {
        beneath::make_directory(root, &path[..end], 0o700).map_err(write)?;
    }
    let (mut target, mut hash) = (beneath::create(root, path, 0o600).map_err(write)?, Hashing::default());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // Not `io::copy`: what cannot be read is a damaged archive, what cannot be written is a full disk.
        match content.read(&mut buffer).map_err(|error| broken(&error))? {
            0 => break,
            read => {
                hash.update(&buffer[..read]);
                io::Write::write_all(&mut target, &buffer[..read]).map_err(write)?;
            }
        }
    }
    if hash.finish() != file.sha256 {
        return Err(mismatch(format!("{path} has another content")));
    }
    Ok(())
}

/// Returns whether a path stays below the directory that it is unpacked into and can be shown.
fn is_safe(path: &str) -> bool {
    path.len() as u64 <= MAX_PATH
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

const fn mismatch(what: String) -> UnsealError {
    UnsealError::Mismatch(what)
}

fn broken(error: &io::Error) -> UnsealError {
    mismatch(error.to_string())
}

fn io_error(action: &str, error: io::Error) -> UnsealError {
    UnsealError::Io { action: action.to_owned(), error }
}

/// Reads the parts as one stream, each against its length and hash.
struct PartReader<'a> {
    next: std::iter::Zip<std::slice::Iter<'a, Part>, std::slice::Iter<'a, PathBuf>>,
    current: Option<(File, &'a Part, sha2::Sha256, u64)>,
}

impl<'a> PartReader<'a> {
    fn new(parts: &'a [Part], paths: &'a [PathBuf]) -> Self {
        Self { next: parts.iter().zip(paths), current: None }
    }
}

impl Read for PartReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some((file, part, hasher, len)) = &mut self.current else {
                let Some((part, path)) = self.next.next() else { return Ok(0) };
                self.current = Some((File::open(path)?, part, sha2::Sha256::new(), 0));
                continue;
            };
            let read = file.read(buffer)?;
            if read > 0 {
                hasher.update(&buffer[..read]);
                *len += read as u64;
                return Ok(read);
            }
            if *len != part.len || Sha256(hasher.finalize_reset().into()) != part.sha256 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged", part.name)));
            }
            self.current = None;
        }
    }
}
