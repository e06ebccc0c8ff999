//! Room where the state is.

use std::path::Path;

/// Less than this part of a disk is little.
const LITTLE: u64 = 20;
/// Less than this part of a disk is none.
const NONE: u64 = 100;
/// Less than so many bytes are none, however small the disk: an ingest, a write-ahead log and a copy before a migration want room.
const LEAST: u64 = 100 << 20;

/// Room on a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Disk {
    /// What those without privileges may still write.
    pub(super) free: u64,
    /// All of it.
    pub(super) size: u64,
}

/// Whether there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Enough.
    Enough,
    /// Below 5 %.
    Little,
    /// Below 1 %, or below 100 MiB.
    None,
}

impl Disk {
    /// Asks the system.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(Self {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            size: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }

    pub(super) const fn room(self) -> Room {
        if self.free < LEAST || self.free < self.size / NONE {
            Room::None
        } else if self.free < self.size / LITTLE {
            Room::Little
        } else {
            Room::Enough
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_counts_and_a_least_amount_too() {
        let room = |free, size| Disk { free, size }.room();
        let gib = 1 << 30;
        assert_eq!(room(50 * gib, 1000 * gib), Room::Enough);
        assert_eq!(room(50 * gib - 1, 1000 * gib), Room::Little);
        assert_eq!(room(10 * gib - 1, 1000 * gib), Room::None);
        assert_eq!(room(LEAST, 200 << 20), Room::Enough);
        assert_eq!(room(LEAST - 1, 200 << 20), Room::None);
    }

    #[test]
    fn the_system_tells() {
        let disk = Disk::of(&std::env::temp_dir()).unwrap();
        assert!(disk.size > 0 && disk.free <= disk.size);
    }
}
