//! What an attempt leaves, sealed as the shim would seal it.

use std::fs::File;
use std::io::{BufWriter, Read, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::executor::types::Sealed;
use crate::hashing::Hashing;
use crate::model::id::Sha256;
use crate::model::manifest::{Exit, LogSummary, Manifest, Part, SealedFile};
use crate::model::spec::ShimJob;

/// What is in a file that an attempt leaves.
#[derive(Debug, Clone)]
pub enum Content {
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// All that is in a file on disk, however long; for results, not for a log.
    File(Arc<File>),
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Content {
    pub(super) fn in_memory(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::File(_) => &[],
        }
    }

    fn len(&self) -> std::io::Result<u64> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::File(file) => Ok(file.metadata()?.len()),
        }
    }
}

/// Reads a content from its start and hashes what passes.
struct ContentReader<'c> {
    content: &'c Content,
    offset: u64,
    hash: Hashing,
}

impl<'c> ContentReader<'c> {
    fn new(content: &'c Content) -> Self {
        Self { content, offset: 0, hash: Hashing::default() }
    }
}

impl Read for ContentReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = match self.content {
            Content::Bytes(bytes) => {
                let rest = usize::try_from(self.offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
                let read = rest.len().min(buffer.len());
                buffer[..read].copy_from_slice(&rest[..read]);
                read
            }
            // Clones of an engine share the file: each reader has a place of its own in it.
            Content::File(file) => file.read_at(buffer, self.offset)?,
        };
        self.hash.update(&buffer[..read]);
        self.offset += read as u64;
        Ok(read)
    }
}

/// It is read again at once by the same process: no time is spent on making it small.
const LEVEL: i32 = -7;

/// The file that is the log.
pub(super) const LOG: &str = "log";

/// Writes what the shim would have sealed.
pub(super) fn seal(job: &ShimJob, exit: Exit, files: &[(String, Content)], into: &Path) -> std::io::Result<Sealed> {
    let log = files.iter().find(|(path, _)| path == LOG).map_or(&[][..], |(_, log)| log.in_memory());
    let lines = log.split(|&b| b == b'\n').filter(|line| !line.is_empty()).count();
    let mut manifest = Manifest {
        version: ShimJob::VERSION,
        name: job.name.clone(),
        spec: job.spec,
        exit,
        files: Vec::new(),
        dropped: Vec::new(),
        log: LogSummary { last_seq: lines as u64, ..LogSummary::default() },
        parts: Vec::new(),
    };
    let files: Vec<_> = files.iter().filter(|(path, _)| path != LOG).collect();
    if files.is_empty() {
        return Ok(Sealed { manifest, parts: Vec::new(), files: None });
    }
    if files.iter().any(|(_, content)| matches!(content, Content::File(_))) {
        let (parts, files) = (Vec::new(), Some(lay_out(&mut manifest, &files, into)?));
        return Ok(Sealed { manifest, parts, files });
    }
    let path = into.join("part-0000");
    let mut archive = tar::Builder::new(zstd::Encoder::new(File::create(&path)?, LEVEL)?);
    for (path, content) in files {
        let mut reader = ContentReader::new(content);
        let len = content.len()?;
        let mut header = tar::Header::new_ustar();
        header.set_size(len);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, &mut reader)?;
        let sha256 = reader.hash.finish();
        manifest.files.push(SealedFile { path: path.clone(), len, sha256 });
    }
    archive.into_inner()?.finish()?;
    let (len, sha256) = measure(&path)?;
    manifest.parts.push(Part { name: "part-0000".to_owned(), len, sha256 });
    Ok(Sealed { manifest, parts: vec![path], files: None })
}

/// Copies files that are on this machine already, which spares packing them. They may be somebody else's, who writes to them: what is
/// copied counts.
fn lay_out(manifest: &mut Manifest, files: &[&(String, Content)], into: &Path) -> std::io::Result<PathBuf> {
    let open = into.join("open");
    for (path, content) in files {
        let target = open.join(path);
        std::fs::create_dir_all(target.parent().unwrap_or(&open))?;
        let (mut reader, mut copy) =
            (ContentReader::new(content), BufWriter::with_capacity(1 << 18, File::create(target)?));
        let len = std::io::copy(&mut reader, &mut copy)?;
        copy.flush()?;
        manifest.files.push(SealedFile { path: path.clone(), len, sha256: reader.hash.finish() });
    }
    Ok(open)
}

/// Returns a file's length and hash.
fn measure(path: &Path) -> std::io::Result<(u64, Sha256)> {
    let content = Content::File(Arc::new(File::open(path)?));
    let mut reader = ContentReader::new(&content);
    let len = std::io::copy(&mut reader, &mut std::io::sink())?;
    Ok((len, reader.hash.finish()))
}
