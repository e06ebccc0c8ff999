//! Programs that can be the first process of any container: what an executable's header tells of them.

use std::fmt;

/// A processor that programs are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// 64 bits, of Intel and AMD.
    Amd64,
    /// 64 bits, of ARM.
    Arm64,
}

impl Architecture {
    /// Every architecture.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// Returns the name that images use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// `e_machine` of its executables (System V ABI, processor supplements).
    const fn machine(self) -> u16 {
        match self {
            Self::Amd64 => 62,
            Self::Arm64 => 183,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a program cannot be the first process of any container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitProgram {
    /// It is a script, another system's program, or none at all.
    #[error("it is no 64-bit Linux program")]
    NoProgram,
    /// It is for a processor that dragnet knows nothing of.
    #[error("it is for a processor that is neither amd64 nor arm64")]
    Processor,
    /// It wants libraries that images need not have.
    #[error("it is not linked statically")]
    Dynamic,
}

/// Tells which architecture a program is for; refuses one that needs anything of the image that it runs in.
pub fn architecture(program: &[u8]) -> Result<Architecture, UnfitProgram> {
    let elf = Elf::parse(program).ok_or(UnfitProgram::NoProgram)?;
    let architecture = Architecture::ALL.into_iter().find(|architecture| architecture.machine() == elf.machine);
    let architecture = architecture.ok_or(UnfitProgram::Processor)?;
    if elf.interpreted { Err(UnfitProgram::Dynamic) } else { Ok(architecture) }
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
        let word = |at: usize| bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes);
        let long = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        if !bytes.starts_with(&CLASS_64_LITTLE) {
            return None;
        }
        let (table, size, count) = (usize::try_from(long(32)?).ok()?, half(54)?, half(56)?);
        // A table that is not all there could hide anything.
        let kinds: Option<Vec<u32>> =
            (0..usize::from(count)).map(|index| word(table.checked_add(index * usize::from(size))?)).collect();
        Some(Self { machine: half(18)?, interpreted: kinds?.contains(&PT_INTERP) })
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
    fn only_static_programs_of_known_processors_pass() {
        assert_eq!(architecture(&elf(62, 1)), Ok(Architecture::Amd64));
        assert_eq!(architecture(&elf(183, 1)), Ok(Architecture::Arm64));
        assert_eq!(architecture(&elf(62, 3)), Err(UnfitProgram::Dynamic));
        assert_eq!(architecture(&elf(40, 1)), Err(UnfitProgram::Processor));
        assert_eq!(architecture(b"#!/bin/sh"), Err(UnfitProgram::NoProgram));
    }

    #[test]
    fn a_header_that_is_cut_or_points_nowhere_is_no_program() {
        assert_eq!(architecture(&elf(62, 1)[..40]), Err(UnfitProgram::NoProgram));
        assert_eq!(architecture(&elf(62, 1)[..66]), Err(UnfitProgram::NoProgram));
        let mut lost = elf(62, 1);
        lost[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(architecture(&lost), Err(UnfitProgram::NoProgram));
    }
}
