//! Taking a delivery from a client: whole files and pieces of trees, each verified before it has a name.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use sha2::Digest as _;

use super::attempt::FILE_MODE;
use super::error::{During as _, ShimError};
use super::inbox::{self, Inbox, Pieces};
use super::lock;
use super::peer::{self, Peer};
use crate::beneath;
use crate::model::id::Sha256;
use crate::model::pod::{Order, paths};
use crate::model::wire::{Answer, Item, MAX_PIECE, Request};

/// Most bytes of a job or an input.
const MAX_FILE: u64 = 1 << 30;
/// How many pieces may wait to be unpacked while another one is received: the disk they take is bounded by that.
const WINDOW: u32 = 2;

/// Receives what the pod below `root` was ordered, until the client leaves.
pub(super) fn receive(root: &Path) -> Result<(), ShimError> {
    rustix::process::umask(rustix::fs::Mode::empty());
    let mut receiver = None;
    peer::converse(|peer, request| {
        if receiver.is_none() {
            let inbox = peer.wait(None, || Inbox::open(root).during("open the delivery"))?;
            let out = beneath::root(&root.join(paths::OUT)).during("open the attempt's directory")?;
            let session = lock::join_sessions(&out).during("join the sessions")?;
            let order = inbox::read_order(root)?;
            receiver = inbox.map(|inbox| Receiver { inbox, order, _session: session });
        }
        receiver.as_ref().map_or(Err(ShimError::NotDelivered), |receiver| receiver.answer(peer, &request))
    })
}

struct Receiver {
    inbox: Inbox,
    order: Order,
    _session: File,
}

/// Something with bytes that is offered.
#[derive(Clone, Copy)]
struct Offered {
    len: u64,
    sha256: Sha256,
}

impl Receiver {
    fn answer(&self, peer: &mut Peer, request: &Request) -> Result<(), ShimError> {
        match request {
            Request::Offer { item, len, sha256 } => self.offer(peer, item, Offered { len: *len, sha256: *sha256 }),
            Request::Finish { wait_ms } => {
                let complete = || Ok(self.inbox.is_complete()?.then_some(()));
                let done = peer.wait(Some(Duration::from_millis(*wait_ms)), complete)?;
                peer.answer(if done.is_some() { &Answer::Done } else { &Answer::NotYet })
            }
            _ => Err(ShimError::Garbled("deliveries are taken here".to_owned())),
        }
    }

    fn offer(&self, peer: &mut Peer, item: &Item, offered: Offered) -> Result<(), ShimError> {
        match item {
            Item::Job | Item::Input if self.order.job.is_some() => peer.answer(&Answer::Have),
            Item::Job => self.file(peer, inbox::JOB, offered),
            Item::Input => self.file(peer, inbox::INPUT, offered),
            Item::Tree { place } => {
                let ended = self.tree(place)?.count().during("look at a tree")?.is_some();
                peer.answer(if ended { &Answer::Have } else { &Answer::NotYet })
            }
            Item::Piece { place, index } => self.piece(peer, place, *index, offered),
            Item::End { place, pieces } => self.end(peer, place, *pieces),
        }
    }

    fn tree(&self, place: &str) -> Result<Pieces, ShimError> {
        let number = self.order.trees.iter().position(|ordered| ordered == place);
        let number = number.ok_or_else(|| ShimError::Refused(format!("no tree was ordered for {place:?}")))?;
        self.inbox.tree(number).during("open a tree's delivery")
    }

    fn file(&self, peer: &mut Peer, name: &'static str, offered: Offered) -> Result<(), ShimError> {
        if let Some(file) = self.inbox.file(name).during("look at what was delivered")? {
            return if hash(file).during("read what was delivered")? == offered.sha256 {
                peer.answer(&Answer::Have)
            } else {
                Err(ShimError::Refused(format!("another {name} was delivered")))
            };
        }
        if offered.len > MAX_FILE {
            return Err(ShimError::Refused(format!("{name} has {} bytes, more than it can have", offered.len)));
        }
        take(peer, self.inbox.directory(), name, offered)
    }

    fn piece(&self, peer: &mut Peer, place: &str, index: u32, offered: Offered) -> Result<(), ShimError> {
        let pieces = self.tree(place)?;
        let name = Pieces::name(index, offered.sha256);
        let find = |index| pieces.find(index).during("look at a tree");
        match find(index)? {
            Some(found) if found == name => return peer.answer(&Answer::Have),
            Some(_) => return Err(ShimError::Refused(format!("{place} was begun with other pieces"))),
            None => {}
        }
        if !(1..=MAX_PIECE).contains(&offered.len) || index > 0 && find(index - 1)?.is_none() {
            return Err(ShimError::Refused(format!("piece {index} of {place} cannot be taken")));
        }
        if let Some(before) = index.checked_sub(WINDOW).map(find).transpose()?.flatten() {
            peer.wait(None, || {
                // Nobody empties pieces of a delivery that failed.
                self.inbox.is_complete()?;
                Ok(pieces.is_empty(&before).during("look at a tree")?.then_some(()))
            })?;
        }
        take(peer, pieces.directory(), &name, offered)
    }

    fn end(&self, peer: &mut Peer, place: &str, count: u32) -> Result<(), ShimError> {
        let pieces = self.tree(place)?;
        let last = count.checked_sub(1).map(|last| pieces.find(last)).transpose().during("look at a tree")?;
        if last.flatten().is_none() || pieces.find(count).during("look at a tree")?.is_some() {
            return Err(ShimError::Refused(format!("{place} does not end after {count} pieces")));
        }
        pieces.end(count).during("note the end of a tree")?;
        peer.answer(&Answer::Have)
    }
}

/// Takes announced bytes into a file that gets its name when they verify.
fn take(peer: &mut Peer, dir: &OwnedFd, name: &str, offered: Offered) -> Result<(), ShimError> {
    let temporary = format!("{name}.{}.tmp", std::process::id());
    // A process of an earlier life of the container may have had this number.
    beneath::remove(dir, &temporary).during("remove an unfinished delivery")?;
    let received = receive_into(peer, dir, &temporary, offered);
    if received.is_err() {
        beneath::remove(dir, &temporary).during("remove an unfinished delivery")?;
    }
    received?;
    beneath::publish(dir, &temporary, name).during("keep what was delivered")?;
    peer.answer(&Answer::Done)
}

fn receive_into(peer: &mut Peer, dir: &OwnedFd, temporary: &str, offered: Offered) -> Result<(), ShimError> {
    let mut file = beneath::create(dir, temporary, FILE_MODE).during("write what is delivered")?;
    let mut hasher = sha2::Sha256::new();
    peer.answer(&Answer::Send)?;
    peer.take_data(offered.len, |bytes| {
        hasher.update(bytes);
        file.write_all(bytes).during("write what is delivered")
    })?;
    if Sha256(hasher.finalize().into()) != offered.sha256 {
        return Err(ShimError::Garbled("what came is not what was offered".to_owned()));
    }
    Ok(())
}

fn hash(mut file: File) -> io::Result<Sha256> {
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(Sha256(hasher.finalize().into())),
            read => hasher.update(&buffer[..read]),
        }
    }
}
