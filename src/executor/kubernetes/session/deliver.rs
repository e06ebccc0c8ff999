//! Bringing a pod what its scanner needs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::{Session, SessionError, milliseconds, unexpected};
use crate::executor::tree;
use crate::failpoint;
use crate::model::id::Sha256;
use crate::model::wire::{Answer, Item, MAX_PAYLOAD, MAX_PIECE, Message, Request};

/// How long one request waits for the pod to have put all in its place.
const PLACING: Duration = Duration::from_secs(20);
/// Compression level: beyond it time grows faster than size shrinks.
const LEVEL: i32 = 3;

/// Something that a pod needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The shim's job, as JSON.
    Job(Vec<u8>),
    /// The chunk's assets, one per line.
    Input(Vec<u8>),
    /// A tree.
    Tree {
        /// Its place, as the pod's order has it.
        place: String,
        /// Its directory on this machine.
        tree: PathBuf,
    },
}

/// See [`Session::deliver`].
pub(super) async fn deliver<R, W>(session: &mut Session<R, W>, items: &[Delivery]) -> Result<(), SessionError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    if finish(session, Duration::ZERO).await? {
        return Ok(());
    }
    for item in items {
        match item {
            Delivery::Job(bytes) => offer(session, Item::Job, bytes).await?,
            Delivery::Input(bytes) => offer(session, Item::Input, bytes).await?,
            Delivery::Tree { place, tree } => deliver_tree(session, place, tree).await?,
        }
    }
    while !finish(session, PLACING).await? {}
    Ok(())
}

async fn finish<R, W>(session: &mut Session<R, W>, wait: Duration) -> Result<bool, SessionError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let finished = match session.ask(Request::Finish { wait_ms: milliseconds(wait) }).await? {
        Answer::Done => true,
        Answer::NotYet => false,
        other => return Err(unexpected(&other)),
    };
    session.busy = false;
    Ok(finished)
}

/// Offers something, and sends it if it is not there.
async fn offer<R, W>(session: &mut Session<R, W>, item: Item, bytes: &[u8]) -> Result<(), SessionError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let request = Request::Offer { item, len: bytes.len() as u64, sha256: Sha256::of(bytes) };
    match session.ask(request).await? {
        Answer::Have => {}
        Answer::Send => {
            for chunk in bytes.chunks(MAX_PAYLOAD) {
                session.send(&Message::Data(chunk.to_vec())).await?;
            }
            match session.answer().await? {
                Answer::Done => {}
                other => return Err(unexpected(&other)),
            }
        }
        other => return Err(unexpected(&other)),
    }
    session.busy = false;
    Ok(())
}

/// Packs a tree, the same to the last byte whenever it is packed, and offers piece after piece.
async fn deliver_tree<R, W>(session: &mut Session<R, W>, place: &str, tree: &Path) -> Result<(), SessionError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    if has_tree(session, place).await? {
        return Ok(());
    }
    let (sender, mut receiver) = mpsc::channel(1);
    let directory = tree.to_owned();
    let packing = tokio::task::spawn_blocking(move || pack(&directory, sender));
    let mut pieces = 0;
    while let Some(piece) = receiver.recv().await {
        offer(session, Item::Piece { place: place.to_owned(), index: pieces }, &piece).await?;
        failpoint::hit("kubernetes.deliver.piece");
        pieces += 1;
    }
    let packed = packing.await.map_err(io::Error::other).and_then(|packed| packed);
    packed.map_err(|error| SessionError::local(format!("pack {}", tree.display()), &error))?;
    offer(session, Item::End { place: place.to_owned(), pieces }, &[]).await
}

async fn has_tree<R, W>(session: &mut Session<R, W>, place: &str) -> Result<bool, SessionError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let request = Request::Offer { item: Item::Tree { place: place.to_owned() }, len: 0, sha256: Sha256::of([]) };
    let has = match session.ask(request).await? {
        Answer::Have => true,
        Answer::NotYet => false,
        other => return Err(unexpected(&other)),
    };
    session.busy = false;
    Ok(has)
}

/// Packs a tree into pieces, each sent as a whole; waits while nobody takes them, and ends when nobody will.
fn pack(tree: &Path, sender: mpsc::Sender<Vec<u8>>) -> io::Result<()> {
    let encoder = zstd::Encoder::new(PieceSender { sender, piece: Vec::new() }, LEVEL)?;
    let mut builder = tar::Builder::new(encoder);
    tree::pack(tree, &mut builder)?;
    builder.into_inner()?.finish()?.finish()
}

/// Cuts what is written to it into pieces.
struct PieceSender {
    sender: mpsc::Sender<Vec<u8>>,
    piece: Vec<u8>,
}

impl PieceSender {
    fn finish(mut self) -> io::Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> io::Result<()> {
        self.sender.blocking_send(std::mem::take(&mut self.piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for PieceSender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = usize::try_from(MAX_PIECE).unwrap_or(usize::MAX) - self.piece.len();
        let taken = bytes.len().min(room);
        self.piece.extend_from_slice(&bytes[..taken]);
        if taken == room {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
