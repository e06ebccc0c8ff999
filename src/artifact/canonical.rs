//! The canonical form of a tree, whose hash names a snapshot.
//!
//! ```text
//! "dragnet.snapshot/v1\n", then every entry below the root, each directory before what is in it, names in byte order:
//!   kind     one byte: d directory, f file, x executable file, l symbolic link
//!   path     length as u64, little endian; the bytes, relative, separated by /
//!   content  f, x: the SHA-256 of the bytes, 32 bytes; l: length as u64 and the bytes of its target; d: nothing
//! ```
//! Owners, times and all other mode bits are left out: they differ between checkouts of one commit.

use sha2::Digest as _;

use crate::model::id::Sha256;

/// An entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content<'a> {
    Directory,
    File { executable: bool, sha256: Sha256 },
    Link(&'a [u8]),
}

/// Takes the entries of a tree in canonical order.
#[derive(Debug)]
pub(super) struct TreeHasher(sha2::Sha256);

impl TreeHasher {
    pub(super) fn new() -> Self {
        Self(sha2::Sha256::new_with_prefix(b"dragnet.snapshot/v1\n"))
    }

    pub(super) fn entry(&mut self, path: &[u8], content: Content<'_>) {
        let kind = match content {
            Content::Directory => b"d",
            Content::File { executable: false, .. } => b"f",
            Content::File { executable: true, .. } => b"x",
            Content::Link(_) => b"l",
        };
        self.0.update(kind);
        self.bytes(path);
        match content {
            Content::Directory => {}
            Content::File { sha256, .. } => self.0.update(sha256.0),
            Content::Link(target) => self.bytes(target),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_cannot_run_into_one_another() {
        let hash = |entries: &[(&str, &str)]| {
            let mut hasher = TreeHasher::new();
            for (path, target) in entries {
                hasher.entry(path.as_bytes(), Content::Link(target.as_bytes()));
            }
            hasher.finish()
        };
        assert_ne!(hash(&[("ab", "c")]), hash(&[("a", "bc")]));
        assert_ne!(hash(&[("a", "b"), ("c", "d")]), hash(&[("a", "bc")]));
        // Fixed for all time: stored snapshots and plans are named by it.
        assert_eq!(
            hash(&[("a", "b")]),
            Sha256::of([b"dragnet.snapshot/v1\nl\x01\0\0\0\0\0\0\0a\x01\0\0\0\0\0\0\0b".as_slice()].concat())
        );
    }
}
