//! Frames: how a line of a job's log is written to disk, so that a reader can tell what it has and what is missing.
//!
//! ```text
//! magic 4 │ sequence 8 │ milliseconds since the epoch 8 │ stream 1 │ flags 1 │ length 4 │ crc32 4 │ payload
//! ```
//! All numbers are little-endian; the checksum covers everything but itself. A reader that meets damage goes on at the
//! next frame that verifies: a torn tail or a bad block costs the lines in it, not those behind it.

use super::clock::Timestamp;
use super::manifest::{LogLine, LogStream};

/// Longest payload; longer lines are cut into several frames.
pub const MAX_PAYLOAD: usize = 64 * 1024;
/// A segment is closed when it has grown to this length.
pub const SEGMENT_BYTES: u64 = 8 << 20;
/// No segment is longer: the limit, and the frames of one read that went over it.
pub const MAX_SEGMENT_BYTES: u64 = 2 * SEGMENT_BYTES;

const MAGIC: [u8; 4] = *b"dnL1";
const CRC_AT: usize = 26;
const HEADER: usize = 30;
const PARTIAL: u8 = 1;

/// Returns the file name of a segment, from 0.
pub fn segment_name(index: u32) -> String {
    format!("seg-{index:06}")
}

/// Appends a line to `out`. `payload` beyond [`MAX_PAYLOAD`] is the caller's mistake and is cut.
pub fn encode(seq: u64, at: Timestamp, stream: LogStream, partial: bool, payload: &[u8], out: &mut Vec<u8>) {
    let payload = &payload[..payload.len().min(MAX_PAYLOAD)];
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&at.0.to_le_bytes());
    out.push(stream_to_byte(stream));
    out.push(if partial { PARTIAL } else { 0 });
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(0).to_le_bytes());
    let crc = checksum(&out[start..], payload);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(payload);
}

/// Reads the frames in some bytes, in order, stepping over damage.
#[derive(Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    offset: usize,
    damaged: usize,
}

impl<'a> Frames<'a> {
    /// Starts at the beginning of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, damaged: 0 }
    }

    /// Returns how many bytes have been read; what follows is an unfinished frame, or nothing.
    pub const fn consumed(&self) -> usize {
        self.offset
    }

    /// Returns how many bytes were stepped over because they are no frames.
    pub const fn damaged(&self) -> usize {
        self.damaged
    }
}

impl Iterator for Frames<'_> {
    type Item = LogLine;

    fn next(&mut self) -> Option<LogLine> {
        // A damaged length may point behind the end, and look like an unfinished frame in front of good ones.
        let mut start = self.offset;
        while start < self.bytes.len() {
            if let Some((line, length)) = decode(&self.bytes[start..]) {
                self.damaged += start - self.offset;
                self.offset = start + length;
                return Some(line);
            }
            start += 1 + find_magic(&self.bytes[start + 1..]);
        }
        None
    }
}

/// Returns the place of the next magic, or the length when there is none.
fn find_magic(bytes: &[u8]) -> usize {
    bytes.windows(MAGIC.len()).position(|window| window == MAGIC).unwrap_or(bytes.len())
}

/// Reads the frame at the start of `bytes`, if a whole one that verifies is there.
fn decode(bytes: &[u8]) -> Option<(LogLine, usize)> {
    let header = bytes.first_chunk::<HEADER>().filter(|header| header.starts_with(&MAGIC))?;
    let field = |at: usize| header[at..].first_chunk::<8>().copied().map(u64::from_le_bytes);
    let word = |at: usize| header[at..].first_chunk::<4>().copied().map(u32::from_le_bytes);
    let length = usize::try_from(word(22)?).ok().filter(|length| *length <= MAX_PAYLOAD)?;
    let payload = bytes.get(HEADER..HEADER + length)?;
    if word(CRC_AT)? != checksum(&header[..CRC_AT], payload) {
        return None;
    }
    let line = LogLine {
        seq: field(4)?,
        at: Timestamp(field(12)?.cast_signed()),
        stream: stream_from_byte(header[20])?,
        partial: header[21] & PARTIAL != 0,
        bytes: payload.to_vec(),
    };
    Some((line, HEADER + length))
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

const fn stream_to_byte(stream: LogStream) -> u8 {
    match stream {
        LogStream::Stdout => 1,
        LogStream::Stderr => 2,
        LogStream::Shim => 3,
    }
}

const fn stream_from_byte(byte: u8) -> Option<LogStream> {
    match byte {
        1 => Some(LogStream::Stdout),
        2 => Some(LogStream::Stderr),
        3 => Some(LogStream::Shim),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines() -> impl Strategy<Value = Vec<LogLine>> {
        let stream = prop_oneof![Just(LogStream::Stdout), Just(LogStream::Stderr), Just(LogStream::Shim)];
        let line = (any::<u64>(), any::<i64>(), stream, any::<bool>(), prop::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(seq, at, stream, partial, bytes)| LogLine { seq, at: Timestamp(at), stream, partial, bytes });
        prop::collection::vec(line, 0..8)
    }

    fn encoded(lines: &[LogLine]) -> Vec<u8> {
        let mut out = Vec::new();
        for line in lines {
            encode(line.seq, line.at, line.stream, line.partial, &line.bytes, &mut out);
        }
        out
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(lines in lines()) {
            let bytes = encoded(&lines);
            let mut frames = Frames::new(&bytes);
            prop_assert_eq!(frames.by_ref().collect::<Vec<_>>(), lines);
            prop_assert_eq!((frames.consumed(), frames.damaged()), (bytes.len(), 0));
        }

        #[test]
        fn a_torn_tail_costs_only_the_last_line(lines in lines(), cut in any::<prop::sample::Index>()) {
            let bytes = encoded(&lines);
            let end = cut.index(bytes.len() + 1);
            let mut frames = Frames::new(&bytes[..end]);
            let read: Vec<_> = frames.by_ref().collect();
            prop_assert_eq!(&read[..], &lines[..read.len()]);
            prop_assert_eq!(encoded(&read).len(), frames.consumed());
        }

        #[test]
        fn lines_behind_garbage_are_found(before in lines(), garbage in prop::collection::vec(any::<u8>(), 0..300), after in lines()) {
            let bytes = [encoded(&before), garbage, encoded(&after)].concat();
            let read: Vec<_> = Frames::new(&bytes).collect();
            prop_assert_eq!(read, [before, after].concat());
        }

        #[test]
        fn a_flipped_bit_costs_one_line(lines in lines(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
            prop_assume!(!lines.is_empty());
            let mut bytes = encoded(&lines);
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(Frames::new(&bytes).count() >= lines.len() - 1);
        }
    }
}
