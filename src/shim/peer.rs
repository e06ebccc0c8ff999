//! The pod's side of a session: requests on standard input, answers on standard output.
//!
//! A session's process never ends before its client has closed: what is on its way when an engine sees a process end may be lost.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::error::{During as _, ShimError};
use super::patience::TICK;
use crate::model::wire::{self, Answer, Decoder, MAX_PAYLOAD, Message, OLDEST, Request, VERSION, negotiate};

/// How often a client that waits hears that somebody works for it.
const ALIVE: Duration = Duration::from_secs(5);

/// The client, as seen from the pod.
#[derive(Debug)]
pub(super) struct Peer {
    input: File,
    output: File,
    decoder: Decoder,
    buffer: Vec<u8>,
}

/// Talks with the client until it leaves: `answer` answers each request. An error is told to the client and ends the talk, for
/// nobody knows what the client has seen of the answer.
pub(super) fn converse(mut answer: impl FnMut(&mut Peer, Request) -> Result<(), ShimError>) -> Result<(), ShimError> {
    let mut peer = Peer::open().during("open the standard streams")?;
    match peer.talk(&mut answer) {
        Ok(()) | Err(ShimError::ClientLeft) => Ok(()),
        Err(error) => {
            let last_word = match &error {
                ShimError::NoCommonVersion => Answer::Versions { newest: VERSION, oldest: OLDEST },
                other => Answer::Refused { message: other.to_string() },
            };
            peer.answer(&last_word).ok();
            peer.see_off();
            Err(error)
        }
    }
}

impl Peer {
    fn open() -> io::Result<Self> {
        // Unbuffered, and so that a broken pipe is an error like any other.
        let input = io::stdin().as_fd().try_clone_to_owned()?.into();
        let output = io::stdout().as_fd().try_clone_to_owned()?.into();
        Ok(Self { input, output, decoder: Decoder::default(), buffer: vec![0; 64 * 1024] })
    }

    fn talk(&mut self, answer: &mut impl FnMut(&mut Self, Request) -> Result<(), ShimError>) -> Result<(), ShimError> {
        let Request::Hello { newest, oldest } = self.request()? else {
            return Err(ShimError::Garbled("the first word was no greeting".to_owned()));
        };
        let version = negotiate(newest, oldest).ok_or(ShimError::NoCommonVersion)?;
        self.answer(&Answer::Hello { version })?;
        loop {
            match self.request()? {
                Request::Bye => return Ok(()),
                Request::Ping { number } => self.answer(&Answer::Pong { number })?,
                request => answer(self, request)?,
            }
        }
    }

    fn request(&mut self) -> Result<Request, ShimError> {
        match self.message()? {
            Message::Request(request) => Ok(request),
            Message::Answer(_) | Message::Data(_) => Err(ShimError::Garbled("a request was due".to_owned())),
        }
    }

    fn message(&mut self) -> Result<Message, ShimError> {
        loop {
            match self.decoder.next_message() {
                Ok(Some(message)) => return Ok(message),
                Ok(None) => {}
                Err(error) => return Err(ShimError::Garbled(error.to_string())),
            }
            match self.input.read(&mut self.buffer) {
                Ok(0) => return Err(ShimError::ClientLeft),
                Ok(read) => self.decoder.push(&self.buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ShimError::Io { action: "read from the client", error }),
            }
        }
    }

    /// Answers.
    pub(super) fn answer(&mut self, answer: &Answer) -> Result<(), ShimError> {
        self.send(&Message::Answer(answer.clone()).to_bytes())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), ShimError> {
        self.output.write_all(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => ShimError::ClientLeft,
            _ => ShimError::Io { action: "write to the client", error },
        })
    }

    /// Sends the `len` bytes that were announced.
    pub(super) fn send_data(&mut self, mut content: impl Read, len: u64) -> Result<(), ShimError> {
        // Files of gigabytes go through one buffer.
        let (mut left, mut frame) = (len, Vec::new());
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(MAX_PAYLOAD).min(MAX_PAYLOAD);
            wire::fill_data(&mut frame, room, |chunk| content.read_exact(chunk)).during("read what is sent")?;
            self.send(&frame)?;
            left -= room as u64;
        }
        Ok(())
    }

    /// Takes `len` announced bytes, piece by piece.
    pub(super) fn take_data(
        &mut self,
        len: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), ShimError>,
    ) -> Result<(), ShimError> {
        let mut left = len;
        while left > 0 {
            let Message::Data(bytes) = self.message()? else {
                return Err(ShimError::Garbled("bytes were due".to_owned()));
            };
            left = left
                .checked_sub(bytes.len() as u64)
                .ok_or_else(|| ShimError::Garbled("more bytes came than were announced".to_owned()))?;
            take(&bytes)?;
        }
        Ok(())
    }

    /// Looks again and again until there is something to see, telling the client that somebody works; `None` after `wait`.
    pub(super) fn wait<T>(
        &mut self,
        wait: Option<Duration>,
        mut look: impl FnMut() -> Result<Option<T>, ShimError>,
    ) -> Result<Option<T>, ShimError> {
        let start = Instant::now();
        let mut told = start;
        loop {
            if let Some(seen) = look()? {
                return Ok(Some(seen));
            }
            if wait.is_some_and(|wait| start.elapsed() >= wait) {
                return Ok(None);
            }
            if told.elapsed() >= ALIVE {
                self.answer(&Answer::Alive)?;
                told = Instant::now();
            }
            self.pause()?;
        }
    }

    /// Lets a little time pass, and notices a client that leaves in it.
    fn pause(&self) -> Result<(), ShimError> {
        let tick = Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() };
        let mut streams = [PollFd::new(&self.input, PollFlags::empty()), PollFd::new(&self.output, PollFlags::empty())];
        match poll(&mut streams, Some(&tick)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(()),
            Ok(_) => Err(ShimError::ClientLeft),
            Err(error) => Err(ShimError::Io { action: "watch the client", error: error.into() }),
        }
    }

    /// Waits for the client to close.
    fn see_off(&mut self) {
        // Whatever it still says, nobody listens.
        io::copy(&mut self.input, &mut io::sink()).ok();
    }
}
