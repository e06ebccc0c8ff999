//! Giving an attempt's results and log to a client, and taking its orders.

use std::io::{Seek as _, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::attempt::{Attempt, FILE_MODE};
use super::error::{During as _, ShimError};
use super::peer::{self, Peer};
use super::reader::{Entry, LogReader};
use super::{kept, lock, seal};
use crate::beneath;
use crate::model::frame;
use crate::model::manifest::Part;
use crate::model::pod::paths;
use crate::model::spec::files;
use crate::model::wire::{Answer, Request};

/// Most bytes of log in one answer.
const MAX_LOG: u64 = 8 << 20;

/// Longest wait for a keeper that is at work on what it is told to let go.
const LETTING_GO: Duration = Duration::from_secs(10);

/// Serves the attempt of the pod below `root` until the client leaves.
pub(super) fn serve(root: &Path) -> Result<(), ShimError> {
    let attempt = Attempt::open(&root.join(paths::OUT))?;
    let _session = lock::join_sessions(&attempt.root).during("join the sessions")?;
    let mut server = Server { attempt, kept: root.join(paths::KEPT), cursor: Cursor::default() };
    peer::converse(|peer, request| server.answer(peer, request))
}

struct Server {
    attempt: Attempt,
    /// Where the volume is that outlives the pod, if there is one.
    kept: PathBuf,
    cursor: Cursor,
}

/// Where the lines from a number on begin: a segment that has no line before it, as far as is known.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    seq: u64,
    segment: u32,
}

impl Server {
    fn answer(&mut self, peer: &mut Peer, request: Request) -> Result<(), ShimError> {
        match request {
            Request::Manifest { wait_ms } => {
                match peer.wait(Some(Duration::from_millis(wait_ms)), || self.manifest())? {
                    Some(manifest) => {
                        peer.answer(&Answer::Bytes { len: manifest.len() as u64 })?;
                        peer.send_data(&*manifest, manifest.len() as u64)
                    }
                    None => peer.answer(&Answer::NotYet),
                }
            }
            Request::Part { name, from } => {
                give_part(peer, &self.attempt.root, &format!("{}/", files::SEAL), &name, from)
            }
            Request::Log { from_seq, max_bytes } => self.log(peer, from_seq, max_bytes.min(MAX_LOG)),
            Request::Cancel { grace_ms } => self.note(peer, files::CANCEL, &grace_ms.to_string()),
            Request::Acknowledge => self.let_go(peer),
            _ => Err(ShimError::Garbled("results are served here".to_owned())),
        }
    }

    /// Returns the manifest of an attempt whose run is over; what a running scanner puts in its place is none.
    fn manifest(&self) -> Result<Option<Vec<u8>>, ShimError> {
        if matches!(self.attempt.claimed_at(), Err(ShimError::NeverClaimed)) {
            return Ok(None);
        }
        match lock::take(&self.attempt.root).during("look at the attempt's lock")? {
            Some(_over) => Ok(seal::manifest(&self.attempt)),
            None => Ok(None),
        }
    }

    fn log(&mut self, peer: &mut Peer, from_seq: u64, max_bytes: u64) -> Result<(), ShimError> {
        // Asked before the lines are read: what ends in between has more lines, and the next request finds them.
        let over = self.attempt.end().is_some();
        let (bytes, complete) = self.lines(from_seq, max_bytes)?;
        let len = bytes.len() as u64;
        peer.answer(&Answer::Lines { len, end: over && complete })?;
        peer.send_data(&*bytes, len)
    }

    /// Returns lines as frames, and whether these are all.
    fn lines(&mut self, from_seq: u64, max_bytes: u64) -> Result<(Vec<u8>, bool), ShimError> {
        let Ok(dir) = beneath::directory(&self.attempt.root, files::LOG) else { return Ok((Vec::new(), true)) };
        let segment = if self.cursor.seq <= from_seq { self.cursor.segment } else { 0 };
        let mut reader = LogReader::at(dir, segment, from_seq);
        let (mut bytes, mut next, mut complete) = (Vec::new(), from_seq, true);
        for entry in reader.by_ref() {
            if let Entry::Line(line) = entry.during("read the log")? {
                frame::encode(line.seq, line.at, line.stream, line.partial, &line.bytes, &mut bytes);
                next = line.seq.saturating_add(1);
            }
            if bytes.len() as u64 >= max_bytes {
                complete = false;
                break;
            }
        }
        self.cursor = Cursor { seq: next, segment: reader.segment() };
        Ok((bytes, complete))
    }

    /// Leaves a note for another process of the pod, durably.
    fn note(&self, peer: &mut Peer, name: &str, text: &str) -> Result<(), ShimError> {
        beneath::replace(&self.attempt.root, name, text.as_bytes(), FILE_MODE).during("leave a note")?;
        peer.answer(&Answer::Done)
    }

    /// Lets the keeper end, and removes its copy from the volume that would outlive it.
    fn let_go(&self, peer: &mut Peer) -> Result<(), ShimError> {
        if kept::is_mounted(&self.kept) {
            let idle = || lock::take(&self.attempt.root).during("look at the attempt's lock");
            if peer.wait(Some(LETTING_GO), idle)?.is_none() {
                return Err(ShimError::Refused("the attempt is at work".to_owned()));
            }
            kept::remove(&self.kept, self.attempt.job.name.as_str())?;
        }
        self.note(peer, files::ACKNOWLEDGED, "")
    }
}

/// Gives the rest of a part, which is in the directory `above` (which ends with `/`, or is empty) of `root`.
pub(super) fn give_part(peer: &mut Peer, root: &OwnedFd, above: &str, name: &str, from: u64) -> Result<(), ShimError> {
    if !Part::is_name(name) {
        return Err(ShimError::Refused("that is no name of a part".to_owned()));
    }
    let mut file = beneath::file(root, &format!("{above}{name}")).during("open a part")?;
    let len = file.metadata().during("open a part")?.len().saturating_sub(from);
    file.seek(SeekFrom::Start(from)).during("read a part")?;
    peer.answer(&Answer::Bytes { len })?;
    peer.send_data(file, len)
}
