//! SHA-256 of what passes: of much on a thread of its own, for who packs or unpacks it has enough to do.

use std::mem;
use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use sha2::Digest as _;

use crate::model::id::Sha256;

/// Bytes from which on a thread is worth its while.
const MUCH: usize = 4 << 20;
/// Bytes that are handed over at a time, and how often before they are waited for.
const CHUNK: usize = 256 << 10;
const CHUNKS: usize = 4;

/// The hash of bytes that come one after the other.
#[derive(Debug)]
pub struct Hashing {
    place: Place,
    /// Bytes that were hashed here, or wait to be handed over.
    len: usize,
    chunk: Vec<u8>,
}

#[derive(Debug)]
enum Place {
    Here(sha2::Sha256),
    Beside(SyncSender<Vec<u8>>, JoinHandle<sha2::Sha256>),
}

impl Default for Hashing {
    fn default() -> Self {
        Self { place: Place::Here(sha2::Sha256::new()), len: 0, chunk: Vec::new() }
    }
}

impl Hashing {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.place {
            Place::Here(hasher) => {
                hasher.update(bytes);
                self.len += bytes.len();
                if self.len >= MUCH {
                    self.place = beside(mem::take(hasher));
                }
            }
            Place::Beside(sender, _) => {
                self.chunk.extend_from_slice(bytes);
                if self.chunk.len() >= CHUNK {
                    let next = Vec::with_capacity(CHUNK + bytes.len());
                    // Who does not take it any more has panicked, which shows at the end.
                    sender.send(mem::replace(&mut self.chunk, next)).ok();
                }
            }
        }
    }

    /// Returns the hash of all that came.
    pub fn finish(self) -> Sha256 {
        let mut hasher = match self.place {
            Place::Here(hasher) => hasher,
            Place::Beside(sender, thread) => {
                drop(sender);
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            }
        };
        hasher.update(&self.chunk);
        Sha256(hasher.finalize().into())
    }
}

fn beside(mut hasher: sha2::Sha256) -> Place {
    let (sender, chunks) = sync_channel::<Vec<u8>>(CHUNKS);
    let thread = thread::spawn(move || {
        for chunk in chunks {
            hasher.update(chunk);
        }
        hasher
    });
    Place::Beside(sender, thread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_hash_however_much_there_is_and_however_it_comes() {
        let bytes: Vec<u8> = (0..251).cycle().take(9 << 20).collect();
        for len in [0, 1, MUCH - 1, MUCH, MUCH + 1, MUCH + CHUNK, bytes.len()] {
            for piece in [1000, 8 << 10, 3 << 20] {
                let mut hashing = Hashing::default();
                bytes[..len].chunks(piece).for_each(|piece| hashing.update(piece));
                assert_eq!(hashing.finish(), Sha256::of(&bytes[..len]), "{len} in pieces of {piece}");
            }
        }
    }
}
