//! The log of an attempt, from where it was unpacked to where `logs` finds it: line by line, known secrets masked.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use super::error::DriverError;
use crate::model::frame::{Frames, MAX_SEGMENT_BYTES, encode, segment_name};
use crate::model::manifest::LogStream;
use crate::parse::LineMask;

/// Keeps a log; what an earlier driver has kept of it is replaced.
pub(super) fn keep(unpacked: &Path, log: &Path, key: &[u8]) -> Result<(), DriverError> {
    if !unpacked.is_dir() {
        return Ok(());
    }
    let masked = unpacked.with_extension("masked");
    mask(unpacked, &masked, key).map_err(|error| DriverError::local("mask", unpacked, &error))?;
    if log.exists() {
        std::fs::remove_dir_all(log).map_err(|error| DriverError::local("replace", log, &error))?;
    }
    if let Some(parent) = log.parent() {
        std::fs::create_dir_all(parent).map_err(|error| DriverError::local("make", parent, &error))?;
    }
    std::fs::rename(&masked, log).map_err(|error| DriverError::local("move the log to", log, &error))
}

/// Copies all segments, one in memory at a time. Damage is not copied: its lines are missing by their numbers.
fn mask(from: &Path, to: &Path, key: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    // A key that goes over many lines is written by one stream, and another may speak between them.
    let (mut output, mut errors, mut ours) = (LineMask::new(key), LineMask::new(key), LineMask::new(key));
    for index in 0.. {
        let name = segment_name(index);
        let mut bytes = Vec::new();
        match File::open(from.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            opened => opened?.take(MAX_SEGMENT_BYTES).read_to_end(&mut bytes)?,
        };
        let mut frames = Vec::with_capacity(bytes.len());
        for line in Frames::new(&bytes) {
            let mask = match line.stream {
                LogStream::Stdout => &mut output,
                LogStream::Stderr => &mut errors,
                LogStream::Shim => &mut ours,
            };
            encode(line.seq, line.at, line.stream, line.partial, &mask.line(&line.bytes), &mut frames);
        }
        File::create(to.join(name))?.write_all(&frames)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::Timestamp;
    use crate::shim::{Entry, LogReader};

    #[test]
    fn lines_keep_their_numbers_and_lose_their_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let (unpacked, log) = (dir.path().join("log"), dir.path().join("logs/scan/attempt"));
        std::fs::create_dir(&unpacked).unwrap();
        let lines: [(u64, LogStream, &[u8]); 5] = [
            (1, LogStream::Stderr, b"-----BEGIN PRIVATE KEY-----"),
            (2, LogStream::Stdout, b"cloning https://u:hunter2@h/x"),
            (3, LogStream::Stderr, b"MIIEowIBAAKCAQEA"),
            (5, LogStream::Stderr, b"-----END PRIVATE KEY-----"),
            (6, LogStream::Shim, b"\xFFended"),
        ];
        for (index, (seq, stream, bytes)) in (0..).zip(lines) {
            let mut frame = Vec::new();
            encode(seq, Timestamp(7), stream, false, bytes, &mut frame);
            std::fs::write(unpacked.join(segment_name(index)), [b"damage", frame.as_slice()].concat()).unwrap();
        }
        keep(&unpacked, &log, b"key").unwrap();
        keep(&unpacked, &log, b"key").unwrap();
        let kept: Vec<_> = LogReader::open(&log, 1).unwrap().map(Result::unwrap).collect();
        let text = format!(
            "{:?}",
            kept.iter()
                .map(|entry| match entry {
                    Entry::Line(line) => format!("{} {}", line.seq, String::from_utf8_lossy(&line.bytes)),
                    Entry::Hole(hole) => format!("{hole:?}"),
                })
                .collect::<Vec<_>>()
        );
        assert!(!text.contains("hunter2") && !text.contains("MIIE") && text.matches("‹secret:").count() == 2, "{text}");
        assert!(
            text.contains("4..5") && text.contains("5 -----END PRIVATE KEY-----") && text.ends_with("ended\"]"),
            "{text}"
        );
        assert!(keep(&dir.path().join("none"), &log, b"key").is_ok() && log.exists());
    }
}
