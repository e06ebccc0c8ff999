//! The client's side of a pod's session: over any pair of byte streams, knowing nothing of the cluster that carries them.
//!
//! Nothing is believed because a stream ended well. A part is complete when its hash says so, a delivery when the pod says that
//! all is in its place. Every wait has a deadline, which any byte from the other side renews: a shim that works on something says
//! so, and a connection of which only one half is left is an error after [`STALL`], never a hang. After an error, and after a call
//! that was dropped before its end, a session is of no more use; what was transferred is resumed by the next one.

mod collect;
mod deliver;
mod error;

use std::io::Write;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

pub(super) use collect::SEALING;
pub use collect::collect;
pub use deliver::Delivery;
pub use error::SessionError;

use crate::executor::LogChunk;
use crate::model::frame::{Frames, MAX_PAYLOAD as MAX_LINE};
use crate::model::manifest::Part;
use crate::model::spec::files;
use crate::model::wire::{Answer, Decoder, Message, OLDEST, Request, VERSION, WireError};

/// Longest silence of the other side.
pub const STALL: Duration = Duration::from_secs(45);

/// How much is read at once.
const READ: usize = 64 * 1024;

/// A session with a shim in a pod.
#[derive(Debug)]
pub struct Session<R, W> {
    reader: R,
    writer: W,
    decoder: Decoder,
    buffer: Vec<u8>,
    stall: Duration,
    /// Whether a call is under way, or ended before its answer was read.
    busy: bool,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Session<R, W> {
    /// Opens a session: both sides agree on a version.
    pub async fn open(reader: R, writer: W) -> Result<Self, SessionError> {
        Self::open_with(reader, writer, STALL).await
    }

    /// As [`Self::open`], with another longest silence.
    pub async fn open_with(reader: R, writer: W, stall: Duration) -> Result<Self, SessionError> {
        let mut session =
            Self { reader, writer, decoder: Decoder::default(), buffer: vec![0; READ], stall, busy: false };
        match session.ask(Request::Hello { newest: VERSION, oldest: OLDEST }).await? {
            Answer::Hello { version } if (OLDEST..=VERSION).contains(&version) => {}
            Answer::Hello { version } => return Err(SessionError::Version { newest: version, oldest: version }),
            Answer::Versions { newest, oldest } => return Err(SessionError::Version { newest, oldest }),
            other => return Err(unexpected(&other)),
        }
        session.busy = false;
        Ok(session)
    }

    /// Returns the sealed manifest as it was written; `None` when it is not there within `wait`.
    pub async fn manifest(&mut self, wait: Duration) -> Result<Option<Vec<u8>>, SessionError> {
        let manifest = match self.ask(Request::Manifest { wait_ms: milliseconds(wait) }).await? {
            Answer::NotYet => None,
            Answer::Bytes { len } if len <= files::MAX_MANIFEST => {
                let mut bytes = Vec::new();
                self.data(len, &mut bytes).await?;
                Some(bytes)
            }
            other => return Err(unexpected(&other)),
        };
        self.busy = false;
        Ok(manifest)
    }

    /// Writes a part of the sealed archive, from byte `from` on, to `sink`. Whether it is right is for the caller to verify.
    pub async fn part(&mut self, part: &Part, from: u64, sink: &mut impl Write) -> Result<(), SessionError> {
        match self.ask(Request::Part { name: part.name.clone(), from }).await? {
            Answer::Bytes { len } if Some(len) == part.len.checked_sub(from) => self.data(len, sink).await?,
            Answer::Bytes { .. } => return Err(SessionError::Refused(format!("{} has another length", part.name))),
            other => return Err(unexpected(&other)),
        }
        self.busy = false;
        Ok(())
    }

    /// Reads log lines from number `from_seq` on, about `max_bytes` of them.
    pub async fn logs(&mut self, from_seq: u64, max_bytes: u64) -> Result<LogChunk, SessionError> {
        let (len, end) = match self.ask(Request::Log { from_seq, max_bytes }).await? {
            Answer::Lines { len, end } if len <= max_bytes.saturating_add(2 * MAX_LINE as u64) => (len, end),
            other => return Err(unexpected(&other)),
        };
        let mut bytes = Vec::new();
        self.data(len, &mut bytes).await?;
        let mut frames = Frames::new(&bytes);
        let lines = frames.by_ref().collect();
        if frames.consumed() != bytes.len() || frames.damaged() > 0 {
            return Err(SessionError::Broken("lines of the log do not read".to_owned()));
        }
        self.busy = false;
        Ok(LogChunk { lines, end })
    }

    /// Asks the scanner to stop, and kills it after `grace_ms`. Returns when the order is durable in the pod.
    pub async fn cancel(&mut self, grace_ms: u64) -> Result<(), SessionError> {
        self.order(Request::Cancel { grace_ms }).await
    }

    /// Says that the results were taken over: the pod need not keep them any longer.
    pub async fn acknowledge(&mut self) -> Result<(), SessionError> {
        self.order(Request::Acknowledge).await
    }

    /// Makes sure that the other side is there.
    pub async fn ping(&mut self) -> Result<(), SessionError> {
        match self.ask(Request::Ping { number: 1 }).await? {
            Answer::Pong { number: 1 } => {}
            other => return Err(unexpected(&other)),
        }
        self.busy = false;
        Ok(())
    }

    /// Brings what a pod needs before its scanner can start, and returns when all is in its place. What an earlier call has
    /// brought, also one of another process, is not sent again; bytes of an unfinished tree are.
    pub async fn deliver(&mut self, items: &[Delivery]) -> Result<(), SessionError> {
        deliver::deliver(self, items).await
    }

    /// Says good-bye, so that the other side ends; a session that is merely dropped ends it too, when the stream is closed.
    pub async fn close(mut self) -> Result<(), SessionError> {
        self.send(&Message::Request(Request::Bye)).await?;
        let closed = within(self.stall, self.writer.shutdown()).await?;
        closed.map_err(|error| SessionError::Cut(error.to_string()))
    }

    /// Asks for something that is either done or refused.
    async fn order(&mut self, request: Request) -> Result<(), SessionError> {
        match self.ask(request).await? {
            Answer::Done => {}
            other => return Err(unexpected(&other)),
        }
        self.busy = false;
        Ok(())
    }

    /// Sends a request and waits for its answer. The caller clears [`Self::busy`] when it has read all that belongs to it.
    async fn ask(&mut self, request: Request) -> Result<Answer, SessionError> {
        if self.busy {
            return Err(SessionError::Broken("an earlier call on this session did not end".to_owned()));
        }
        self.busy = true;
        self.send(&Message::Request(request)).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Answer, SessionError> {
        loop {
            match self.receive().await? {
                Message::Answer(Answer::Alive) => {}
                Message::Answer(Answer::Refused { message }) => return Err(SessionError::Refused(message)),
                Message::Answer(answer) => return Ok(answer),
                Message::Request(_) | Message::Data(_) => {
                    return Err(SessionError::Broken("something else came instead of an answer".to_owned()));
                }
            }
        }
    }

    /// Writes `len` announced bytes to `sink`.
    async fn data(&mut self, len: u64, sink: &mut impl Write) -> Result<(), SessionError> {
        let mut left = len;
        while left > 0 {
            let Message::Data(bytes) = self.receive().await? else {
                return Err(SessionError::Broken("something else came instead of bytes".to_owned()));
            };
            left = left
                .checked_sub(bytes.len() as u64)
                .ok_or_else(|| SessionError::Broken("more bytes came than were announced".to_owned()))?;
            sink.write_all(&bytes).map_err(|error| SessionError::local("write what was received", &error))?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Message, SessionError> {
        loop {
            if let Some(message) = self.decoder.next_message()? {
                return Ok(message);
            }
            let read = within(self.stall, self.reader.read(&mut self.buffer)).await?;
            match read.map_err(|error| SessionError::Cut(error.to_string()))? {
                0 => return Err(SessionError::Cut("the stream ended".to_owned())),
                read => self.decoder.push(&self.buffer[..read]),
            }
        }
    }

    async fn send(&mut self, message: &Message) -> Result<(), SessionError> {
        self.write(&message.to_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let writer = &mut self.writer;
        let written = within(self.stall, async {
            writer.write_all(bytes).await?;
            writer.flush().await
        });
        written.await?.map_err(|error| SessionError::Cut(error.to_string()))
    }
}

/// Waits no longer than the longest silence.
async fn within<T>(stall: Duration, work: impl Future<Output = T>) -> Result<T, SessionError> {
    tokio::time::timeout(stall, work).await.map_err(|_| SessionError::Stalled(stall))
}

fn unexpected(answer: &Answer) -> SessionError {
    SessionError::Broken(format!(
        "an answer that was not asked for: {}",
        serde_json::to_string(answer).unwrap_or_default()
    ))
}

fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

impl From<WireError> for SessionError {
    fn from(error: WireError) -> Self {
        Self::Broken(error.to_string())
    }
}
