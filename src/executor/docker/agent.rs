//! The program that is carried into the containers: this one, or one that the user names.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::executor::ExecutorError;
use crate::model::id::Sha256;

/// This program's own file.
const OWN: &str = "/proc/self/exe";

/// The shim's program, copied to where a rebuild or an upgrade does not change it under a running container.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    /// The copy.
    pub path: PathBuf,
    /// First 12 digits of its hash.
    pub version: String,
}

impl Agent {
    /// Checks the program against the engine's architecture (`amd64`) and copies it to `dir`.
    pub(super) fn provide(file: Option<&Path>, dir: &Path, architecture: &str) -> Result<Self, ExecutorError> {
        let source = file.unwrap_or_else(|| Path::new(OWN));
        let action = || format!("read the program for containers {}", source.display());
        let content = fs::read(source).map_err(|error| ExecutorError::local(action(), &error))?;
        check(&content, architecture).map_err(|why| {
            ExecutorError::Refused(format!(
                "{} cannot run in the engine's containers: {why}; name another with --agent FILE",
                source.display()
            ))
        })?;
        let version = Sha256::of(&content).to_string()[..12].to_owned();
        let path = dir.join(format!("dragnet-{version}"));
        if !fs::metadata(&path).is_ok_and(|found| found.len() == content.len() as u64) {
            put(&path, &content).map_err(|error| ExecutorError::local(format!("write {}", path.display()), &error))?;
        }
        Ok(Self { path, version })
    }
}

fn put(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).open(&temporary)?;
    // Whatever our umask: the user of every container runs it.
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)
}

/// Says why a program cannot be the first process in any image of an architecture.
fn check(program: &[u8], architecture: &str) -> Result<(), String> {
    let elf = Elf::parse(program).ok_or("it is no 64-bit Linux program")?;
    let wanted = match architecture {
        "amd64" | "x86_64" => 62,
        "arm64" | "aarch64" => 183,
        other => return Err(format!("the engine's architecture {other} is not supported")),
    };
    if elf.machine != wanted {
        return Err(format!("it is for another architecture than the engine's, {architecture}"));
    }
    if elf.interpreted {
        return Err("it is not linked statically".to_owned());
    }
    Ok(())
}

/// What matters of an executable's header (System V ABI, chapters 4 and 5).
struct Elf {
    machine: u16,
    interpreted: bool,
}

impl Elf {
    fn parse(bytes: &[u8]) -> Option<Self> {
        const CLASS_64_LITTLE: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
        const PT_INTERP: u32 = 3;
        let half = |at: usize| bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
        let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let long = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        if !bytes.starts_with(&CLASS_64_LITTLE) {
            return None;
        }
        let (table, size, count) = (usize::try_from(long(32)?).ok()?, half(54)?, half(56)?);
        let interpreted = (0..usize::from(count))
            .filter_map(|index| word(table.checked_add(index * usize::from(size))?))
            .any(|kind| kind == PT_INTERP);
        Some(Self { machine: half(18)?, interpreted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u16, segment: u32) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
        bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
        bytes[56..58].copy_from_slice(&1_u16.to_le_bytes());
        bytes[64..68].copy_from_slice(&segment.to_le_bytes());
        bytes
    }

    #[test]
    fn only_static_programs_of_the_engines_kind_pass() {
        assert_eq!(check(&elf(62, 1), "amd64"), Ok(()));
        assert_eq!(check(&elf(183, 1), "arm64"), Ok(()));
        assert!(check(&elf(62, 1), "arm64").unwrap_err().contains("another architecture"));
        assert!(check(&elf(62, 3), "amd64").unwrap_err().contains("statically"));
        assert!(check(b"#!/bin/sh", "amd64").is_err());
        assert!(check(&elf(62, 1)[..40], "amd64").is_err());
    }
}
