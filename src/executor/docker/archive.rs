//! Archives as the engine takes and gives them.

use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use futures::{SinkExt as _, Stream, StreamExt as _};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::engine::from_io;
use crate::executor::ExecutorError;
use crate::executor::tree::header;

/// Length of the pieces in which an archive is sent.
const CHUNK: usize = 256 * 1024;

/// Something small to be packed.
#[derive(Debug)]
pub(super) enum Entry {
    /// A directory.
    Directory {
        /// Its path.
        path: String,
        /// Its mode.
        mode: u32,
        /// Its owner.
        uid: u64,
    },
    /// A file.
    File {
        /// Its path.
        path: String,
        /// Its mode.
        mode: u32,
        /// Its owner.
        uid: u64,
        /// Its content.
        content: Vec<u8>,
    },
}

/// Packs small entries.
pub(super) fn pack(entries: &[Entry]) -> io::Result<Bytes> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        match entry {
            Entry::Directory { path, mode, uid } => {
                builder.append_data(&mut header(tar::EntryType::Directory, *mode, *uid, 0), path, io::empty())?;
            }
            Entry::File { path, mode, uid, content } => {
                let mut header = header(tar::EntryType::Regular, *mode, *uid, content.len() as u64);
                builder.append_data(&mut header, path, content.as_slice())?;
            }
        }
    }
    builder.into_inner().map(Bytes::from)
}

/// Makes a stream of bytes that are there already.
pub(super) fn whole(bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    futures::stream::once(async { Ok(bytes) })
}

/// Makes a stream of an archive that `write` packs on a thread of its own.
pub(super) fn streamed(
    write: impl FnOnce(&mut tar::Builder<ChannelWriter>) -> io::Result<()> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (mut sender, receiver) = futures::channel::mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        let mut builder =
            tar::Builder::new(ChannelWriter { sender: sender.clone(), buffer: Vec::with_capacity(CHUNK) });
        builder.follow_symlinks(false);
        let packed = write(&mut builder).and_then(|()| io::Write::flush(&mut builder.into_inner()?));
        if let Err(error) = packed {
            // A receiver that is gone has its own error.
            futures::executor::block_on(sender.send(Err(error))).ok();
        }
    });
    receiver
}

/// Sends what is written to it.
pub(super) struct ChannelWriter {
    sender: futures::channel::mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl io::Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = Bytes::from(std::mem::take(&mut self.buffer));
        futures::executor::block_on(self.sender.send(Ok(chunk))).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Calls `take` with each regular file of an archive: its file name, its length and its content.
pub(super) async fn unpack(
    stream: impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
    mut take: impl FnMut(&str, u64, &mut dyn Read) -> Result<(), ExecutorError> + Send + 'static,
) -> Result<(), ExecutorError> {
    let reader = SyncIoBridge::new(StreamReader::new(stream.fuse()));
    let unpacking = tokio::task::spawn_blocking(move || {
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries().map_err(|error| from_io(&error))?.raw(true) {
            let mut entry = entry.map_err(|error| from_io(&error))?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = entry.path_bytes().into_owned();
            let name = Path::new(std::str::from_utf8(&path).unwrap_or_default()).file_name();
            let name = name.and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let len = entry.size();
            take(&name, len, &mut entry)?;
        }
        // The engine's side breaks off without the last blocks having been read.
        io::copy(&mut archive.into_inner().take(1 << 20), &mut io::sink()).map_err(|error| from_io(&error))?;
        Ok(())
    });
    unpacking.await.map_err(|error| ExecutorError::Unreachable(error.to_string()))?
}

/// Returns the content of the archive's only file; `None` when the path does not exist.
pub(super) async fn only_file(
    stream: impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
    limit: u64,
) -> Result<Option<Vec<u8>>, ExecutorError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let unpacked = unpack(stream, move |name, len, content| {
        if len > limit {
            return Err(ExecutorError::Refused(format!("{name} has {len} bytes, more than it can have")));
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(|error| from_io(&error))?;
        sender.send(bytes).ok();
        Ok(())
    });
    match unpacked.await {
        Ok(()) => Ok(receiver.try_recv().ok()),
        Err(ExecutorError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
