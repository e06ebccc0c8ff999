//! Disks that are small.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of memory, for as long as it is held.
pub(crate) struct Tmpfs(PathBuf);

impl Tmpfs {
    /// Mounts one with so many bytes.
    pub(crate) fn mount(at: &Path, size: &str) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let options = format!("size={size},mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).status().unwrap();
        assert!(mounted.success());
        Self(at.to_owned())
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}
