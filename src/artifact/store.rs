//! Stored files, named by their content: `<artifacts>/blobs/<ab>/<sha256>.zst`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::Digest as _;
use tempfile::NamedTempFile;

use super::error::StoreError;
use crate::failpoint;
use crate::model::clock::Timestamp;
use crate::model::id::Sha256;

/// The fastest but for those that hardly compress: on JSON of scanners level 3 is a twentieth smaller at best, and larger at times.
const LEVEL: i32 = 1;

/// How long a file may be stored before the row that names it is written, in milliseconds: one day.
const YOUNG: i64 = 24 * 60 * 60 * 1000;

/// A store of files in one directory.
#[derive(Debug, Clone)]
pub struct ArtifactStore {
    root: PathBuf,
}

/// A file that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Hash of its plain bytes: its name.
    pub sha256: Sha256,
    /// Their number.
    pub len: u64,
}

impl ArtifactStore {
    /// Opens the store below `artifacts`; makes nothing yet.
    pub fn new(artifacts: &Path) -> Self {
        Self { root: artifacts.join("blobs") }
    }

    /// Begins a file; what is written to it is stored when it is kept.
    pub fn draft(&self) -> Result<Draft, StoreError> {
        let failed = |source| StoreError::Io { action: "cannot write", path: self.root.clone(), source };
        let begin = || {
            fs::create_dir_all(&self.root)?;
            let file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(&self.root)?;
            let mut encoder = zstd::Encoder::new(file, LEVEL)?;
            encoder.include_checksum(true)?;
            Ok(Draft { store: self.clone(), encoder, hasher: sha2::Sha256::new(), len: 0 })
        };
        begin().map_err(failed)
    }

    /// Opens a stored file. The reader fails at the end if the bytes are not those that were stored.
    pub fn open(&self, sha256: Sha256) -> Result<impl Read + use<>, StoreError> {
        let place = self.place(sha256);
        let failed = |source| StoreError::Io { action: "cannot read", path: place.clone(), source };
        let file = File::open(&place).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::NotFound(sha256),
            _ => failed(error),
        })?;
        let plain = zstd::Decoder::new(file).map_err(failed)?;
        Ok(Verified { plain, hasher: sha2::Sha256::new(), expected: sha256 })
    }

    /// Whether a file is stored.
    pub fn contains(&self, sha256: Sha256) -> bool {
        self.place(sha256).exists()
    }

    /// Returns how many bytes a stored file takes on the disk; 0 when there is none.
    pub fn size(&self, sha256: Sha256) -> u64 {
        self.place(sha256).metadata().map_or(0, |meta| meta.len())
    }

    /// Removes the stored files that are not in `used` and older than a day: a younger one may be about to be used. Returns how many, and
    /// their bytes. Safe while others store: whoever stores a file anew makes it young again.
    pub fn remove_unused(&self, used: &HashSet<Sha256>, now: Timestamp) -> io::Result<(u64, u64)> {
        let (mut files, mut bytes) = (0, 0);
        for folder in entries(&self.root)? {
            if !folder.is_dir() {
                continue;
            }
            for path in entries(&folder)? {
                let sha256 = path.file_stem().and_then(|name| name.to_str()?.parse().ok());
                if sha256.is_some_and(|sha256| !used.contains(&sha256)) && is_old(&path, now)? {
                    let removed = self.remove(&path, now)?;
                    files += u64::from(removed.is_some());
                    bytes += removed.unwrap_or(0);
                }
            }
        }
        Ok((files, bytes))
    }

    /// Removes a file, unless it has been stored anew meanwhile; returns its bytes.
    fn remove(&self, path: &Path, now: Timestamp) -> io::Result<Option<u64>> {
        failpoint::hit("artifact.unused");
        // Under another name nobody can store it anew any more. If the process dies here it goes with the old drafts.
        let aside = tempfile::Builder::new().prefix(".tmp-").tempfile_in(&self.root)?.into_temp_path();
        match fs::rename(path, &aside) {
            // Another process has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            done => done?,
        }
        failpoint::hit("artifact.aside");
        if !is_old(&aside, now)? {
            fs::rename(&aside, path)?;
            return Ok(None);
        }
        Ok(Some(aside.metadata()?.len()))
    }

    fn place(&self, sha256: Sha256) -> PathBuf {
        let name = sha256.to_string();
        self.root.join(&name[..2]).join(format!("{name}.zst"))
    }
}

fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match dir.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}

/// Whether a file is old; one that is gone meanwhile is not.
fn is_old(path: &Path, now: Timestamp) -> io::Result<bool> {
    let stored = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        meta => Timestamp(meta?.mtime().saturating_mul(1000)),
    };
    Ok(now.since(stored) > YOUNG)
}

/// A file on its way into the store; nothing is left of it if it is not kept.
pub struct Draft {
    store: ArtifactStore,
    encoder: zstd::Encoder<'static, NamedTempFile>,
    hasher: sha2::Sha256,
    len: u64,
}

impl Draft {
    /// Stores what has been written. When it returns, the file survives a loss of power.
    pub fn keep(self) -> Result<Stored, StoreError> {
        let stored = Stored { sha256: Sha256(self.hasher.finalize().into()), len: self.len };
        let (root, place) = (&self.store.root, self.store.place(stored.sha256));
        let folder = place.parent().unwrap_or(root);
        let publish = || {
            let draft = self.encoder.finish()?;
            fs::create_dir_all(folder)?;
            draft.as_file().sync_all()?;
            draft.persist(&place).map_err(|error| error.error)?;
            File::open(folder)?.sync_all()?;
            File::open(root)?.sync_all()
        };
        publish().map_err(|source| StoreError::Io { action: "cannot write", path: place.clone(), source })?;
        Ok(stored)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.encoder.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush()
    }
}

/// Hashes what it passes on and compares at the end.
struct Verified<R> {
    plain: R,
    hasher: sha2::Sha256,
    expected: Sha256,
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() {
            let found = Sha256(self.hasher.clone().finalize().into());
            if found != self.expected {
                let message = format!("a stored file is damaged: expected sha-256 {}, found {found}", self.expected);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::Clock;

    fn put(store: &ArtifactStore, bytes: &[u8]) -> Stored {
        let mut draft = store.draft().unwrap();
        draft.write_all(bytes).unwrap();
        draft.keep().unwrap()
    }

    fn read(store: &ArtifactStore, sha256: Sha256) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let mut reader = store.open(sha256).map_err(|error| error.to_string())?;
        reader.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    #[test]
    fn what_is_stored_comes_back() {
        let root = tempfile::tempdir().unwrap();
        let store = ArtifactStore::new(root.path());
        for bytes in [b"".as_slice(), b"text", &vec![7; 1_000_000]] {
            let stored = put(&store, bytes);
            assert_eq!((stored.sha256, stored.len), (Sha256::of(bytes), bytes.len() as u64));
            assert_eq!(put(&store, bytes), stored);
            assert_eq!(read(&store, stored.sha256).unwrap(), bytes);
        }
        assert!(!store.contains(Sha256::of("other")));
        assert!(read(&store, Sha256::of("other")).unwrap_err().contains("no file with sha-256"));
    }

    #[test]
    fn a_damaged_file_is_not_passed_off_as_whole() {
        let root = tempfile::tempdir().unwrap();
        let store = ArtifactStore::new(root.path());
        let (one, two) = (put(&store, b"one"), put(&store, b"two"));
        fs::copy(store.place(one.sha256), store.place(two.sha256)).unwrap();
        assert!(read(&store, two.sha256).unwrap_err().contains("damaged"));
        let whole = fs::read(store.place(one.sha256)).unwrap();
        fs::write(store.place(one.sha256), &whole[..whole.len() - 1]).unwrap();
        read(&store, one.sha256).unwrap_err();
    }

    #[test]
    fn what_nobody_uses_is_removed_once_it_is_old() {
        let root = tempfile::tempdir().unwrap();
        let store = ArtifactStore::new(root.path());
        let (used, unused) = (put(&store, b"used").sha256, put(&store, b"unused").sha256);
        let (now, all) = (Clock::System.now(), HashSet::from([used]));
        assert_eq!(store.remove_unused(&all, now).unwrap(), (0, 0), "it may be about to be used");
        let size = store.size(unused);
        assert_eq!(store.remove_unused(&all, now.plus_ms(YOUNG + 60_000)).unwrap(), (1, size));
        assert!(store.contains(used) && !store.contains(unused));
        assert_eq!(
            root.path()
                .join("blobs")
                .read_dir()
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().path().is_file())
                .count(),
            0
        );
    }

    #[test]
    fn what_is_not_kept_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let mut draft = ArtifactStore::new(root.path()).draft().unwrap();
        draft.write_all(b"begin").unwrap();
        drop(draft);
        assert_eq!(root.path().join("blobs").read_dir().unwrap().count(), 0);
    }
}
