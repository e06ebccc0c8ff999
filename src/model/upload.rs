//! What a pod needs to bring its results to object storage: addresses that were signed for it, and nothing that opens more.

use serde::{Deserialize, Serialize};

use super::scanner::Limits;

/// Addresses for the results of one attempt. Whoever has them may read and write these objects until they expire, so they are
/// passed in a Secret, and have no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// [`Self::VERSION`].
    pub version: u32,
    /// The archive's pieces, in order; most attempts leave fewer than there are slots.
    pub parts: Vec<Slot>,
    /// The manifest: it is there when everything is.
    pub manifest: Slot,
    /// Whether the storage refuses to replace what is there when it is asked to (`If-None-Match: *`).
    pub conditional: bool,
    /// Certificates of authorities (PEM) to trust beside those of the web.
    pub ca: Option<String>,
}

/// The addresses of one object.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Takes the object by one PUT.
    pub put: String,
    /// Gives it.
    pub get: String,
}

impl Upload {
    /// The only version yet.
    pub const VERSION: u32 = 1;
    /// Longest text of them all, in bytes: a Secret may have 1 MiB.
    pub const MAX_BYTES: u64 = 900 << 10;

    /// Returns how many parts of `part` bytes results within these limits have at most, as far as as many slots of `slot` bytes fit;
    /// results with more stay in the pod. What does not compress grows a little; so does what is many small files, which seldom
    /// fill their limit.
    pub fn slots(limits: &Limits, part: u64, slot: u64) -> u64 {
        let bytes = limits.output.0.saturating_add(limits.log.0);
        let framed = bytes.saturating_add(bytes / 50).saturating_add(1 << 20);
        framed.div_ceil(part.max(1)).clamp(1, Self::MAX_BYTES / slot.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::unit::ByteSize;

    #[test]
    fn there_is_a_slot_for_every_part_that_fits_the_limits() {
        let limits =
            |output: u64, log: u64| Limits { output: ByteSize(output), log: ByteSize(log), ..Limits::default() };
        assert_eq!(Upload::slots(&limits(0, 0), 16 << 20, 1000), 1);
        assert_eq!(Upload::slots(&limits(512 << 20, 64 << 20), 16 << 20, 1000), 37);
        assert_eq!(Upload::slots(&limits(u64::MAX, u64::MAX), 16 << 20, 1000), Upload::MAX_BYTES / 1000);
    }
}
