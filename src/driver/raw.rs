//! One raw file of results: parsed in a stream, and its copy with masked secrets made in the same pass, or beside it.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, Write};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, ScopedJoinHandle};

use super::error::DriverError;
use super::ingest::{IngestError, is_full};
use crate::artifact::{ArtifactStore, Draft};
use crate::model::outcome::{Failure, FailureReason};
use crate::parse::{self, Context, Encoding, Input, ParseError, Sink, Summary};

/// Bytes that are handed to who compresses them at a time, and how often before they wait for that.
const CHUNK: usize = 256 << 10;
const CHUNKS: usize = 8;

/// A file of results.
pub(super) struct Raw {
    pub(super) path: PathBuf,
    /// What people know it by.
    pub(super) shown: String,
    pub(super) format: String,
    pub(super) context: Context,
    /// Where its copy goes, if it is to be kept.
    pub(super) artifacts: Option<ArtifactStore>,
}

/// What has come of a file: what its parser said, and the copy.
pub(super) type Outcome = (Result<Summary, ParseError>, Option<Draft>);

impl Raw {
    /// Parses the file. The copy is there if one is to be kept and the file was not refused: whole, also when its parser was stopped.
    pub(super) fn read(&self, sink: &mut dyn Sink) -> Result<Outcome, IngestError> {
        let parser =
            parse::parser(&self.format).ok_or_else(|| self.failed(ParseError::UnknownFormat(self.format.clone())))?;
        let read = |error: io::Error| self.failed(ParseError::Read(error));
        let mut file = BufReader::with_capacity(1 << 16, File::open(&self.path).map_err(read)?);
        let head = Input::new(&mut file).first_line().map_err(read)?;
        file.rewind().map_err(read)?;
        let Some(artifacts) = &self.artifacts else {
            return Ok((parser.parse(&mut Input::new(&mut file), &self.context, sink), None));
        };
        let (parsed, copied) = thread::scope(|threads| {
            if parser.encoding(&head) == Encoding::Json {
                let (mut pipe, chunks) = Pipe::new();
                let copier = threads.spawn(move || self.collect(&chunks, artifacts));
                let mut input = Input::copied_to(&mut file, &mut pipe);
                let parsed = parser.parse(&mut input, &self.context, sink);
                let whole = parsed.is_ok() && input.is_copied();
                pipe.finish();
                (parsed, join(copier).map(|draft| whole.then_some(draft)))
            } else {
                let copier = threads.spawn(|| self.mask(artifacts));
                let parsed = parser.parse(&mut Input::new(&mut file), &self.context, sink);
                (parsed, join(copier).map(Some))
            }
        });
        match (parsed, copied) {
            // Nothing can be read while nothing can be written.
            (Ok(_) | Err(ParseError::Read(_) | ParseError::Stopped), Err(error)) => Err(error),
            (parsed @ (Ok(_) | Err(ParseError::Stopped)), Ok(None)) => Ok((parsed, Some(self.mask(artifacts)?))),
            (parsed, copied) => Ok((parsed, copied.ok().flatten())),
        }
    }

    /// Says what a parser's refusal means for the attempt.
    pub(super) fn failed(&self, error: ParseError) -> IngestError {
        let reason = match error {
            ParseError::Read(error) => {
                let (message, full) = (error.to_string(), is_full(&error));
                return IngestError::Driver(DriverError::Local { action: "read results".to_owned(), message, full });
            }
            ParseError::Empty => FailureReason::ResultEmpty,
            _ => FailureReason::ResultInvalid,
        };
        IngestError::Attempt(Failure::new(reason, format!("{}: {error}", self.shown)))
    }

    /// Takes a copy that is made in passing.
    fn collect(&self, chunks: &Receiver<Vec<u8>>, artifacts: &ArtifactStore) -> Result<Draft, IngestError> {
        let mut draft = draft(artifacts)?;
        chunks.iter().try_for_each(|chunk| draft.write_all(&chunk)).map_err(|error| self.local(&error))?;
        Ok(draft)
    }

    /// Copies the whole file.
    fn mask(&self, artifacts: &ArtifactStore) -> Result<Draft, IngestError> {
        let mut input = BufReader::with_capacity(1 << 16, File::open(&self.path).map_err(|error| self.local(&error))?);
        // The copy is written token by token.
        let mut masked = BufWriter::with_capacity(1 << 16, draft(artifacts)?);
        parse::mask(&self.format, &mut input, &mut masked, &self.context.secret_key).map_err(|error| match error {
            ParseError::Read(error) => self.local(&error).into(),
            refused => self.failed(refused),
        })?;
        Ok(masked.into_inner().map_err(|error| self.local(error.error()))?)
    }

    fn local(&self, error: &io::Error) -> DriverError {
        DriverError::local("mask", &self.path, error)
    }
}

fn draft(artifacts: &ArtifactStore) -> Result<Draft, DriverError> {
    artifacts.draft().map_err(|error| DriverError::Artifact(error.to_string()))
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Hands what is written to it to another thread, much at a time.
struct Pipe {
    sender: SyncSender<Vec<u8>>,
    chunk: Vec<u8>,
}

impl Pipe {
    fn new() -> (Self, Receiver<Vec<u8>>) {
        let (sender, receiver) = sync_channel(CHUNKS);
        (Self { sender, chunk: Vec::with_capacity(CHUNK) }, receiver)
    }

    /// Hands over the rest. Who takes it says what becomes of it.
    fn finish(mut self) {
        self.flush().ok();
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() + bytes.len() > CHUNK {
            self.flush()?;
        }
        self.chunk.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        self.sender.send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
