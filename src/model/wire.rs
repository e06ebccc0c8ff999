//! What a client and the shim in a pod say to each other over a pair of byte streams.
//!
//! ```text
//! length of the payload 4 │ kind 1 │ crc32 4 │ payload of at most 256 KiB
//! ```
//! Numbers are little-endian; the checksum covers everything but itself. The client asks, the shim answers each request once, in
//! order. Requests and answers are JSON; bytes follow in frames of their own, as many as the message before them announced. A
//! stream that does not verify is broken for good: there is nothing behind an error that could be trusted.
//!
//! Each side speaks [`VERSION`] and the version before it, and the first exchange chooses the newest that both know. That exchange
//! itself never changes.

use serde::{Deserialize, Serialize};

use super::id::Sha256;

/// The version that this program speaks.
pub const VERSION: u32 = 1;
/// The oldest version that it still speaks.
pub const OLDEST: u32 = if VERSION > 1 { VERSION - 1 } else { VERSION };
/// Longest payload of a frame, in bytes.
pub const MAX_PAYLOAD: usize = 256 * 1024;
/// Longest piece of a tree that is delivered as one, in bytes.
pub const MAX_PIECE: u64 = 16 << 20;

/// The kind of frames with data.
const DATA: u8 = 3;
const CRC_AT: usize = 5;
const HEADER: usize = 9;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// The first of all: which versions the client speaks. [`Answer::Hello`] or [`Answer::Versions`].
    Hello {
        /// The newest.
        newest: u32,
        /// The oldest.
        oldest: u32,
    },
    /// Are you there? [`Answer::Pong`].
    Ping {
        /// Comes back.
        number: u64,
    },
    /// The end; there is no answer.
    Bye,
    /// The sealed manifest: [`Answer::Bytes`], or [`Answer::NotYet`] when it is not there after a while.
    Manifest {
        /// How long to wait for it, in milliseconds.
        wait_ms: u64,
    },
    /// The rest of a part of the sealed archive: [`Answer::Bytes`].
    Part {
        /// Its file name.
        name: String,
        /// The first byte that is wanted.
        from: u64,
    },
    /// Lines of the log, as frames of [`super::frame`]: [`Answer::Lines`].
    Log {
        /// The first number that is wanted, from 1.
        from_seq: u64,
        /// About how many bytes at most; one line comes however long it is.
        max_bytes: u64,
    },
    /// Stop the scanner: [`Answer::Done`] once the order is durable.
    Cancel {
        /// Time between the request and the kill, in milliseconds.
        grace_ms: u64,
    },
    /// The results were taken over and need not be kept: [`Answer::Done`] once that is durable.
    Acknowledge,
    /// Something that the pod needs: [`Answer::Have`]; or [`Answer::Send`], whereupon its bytes follow, then [`Answer::Done`].
    Offer {
        /// What.
        item: Item,
        /// Its length in bytes.
        len: u64,
        /// Its hash.
        sha256: Sha256,
    },
    /// Everything was offered: [`Answer::Done`] once all is in its place, or [`Answer::NotYet`].
    Finish {
        /// How long to wait for it, in milliseconds.
        wait_ms: u64,
    },
}

/// What is delivered to a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum Item {
    /// [`super::spec::ShimJob`].
    Job,
    /// The assets of the chunk.
    Input,
    /// A whole tree, asked about before it is packed: [`Answer::Have`] or [`Answer::NotYet`]. It has no bytes of its own.
    Tree {
        /// Its place, as the pod's order has it.
        place: String,
    },
    /// A piece of a tree's archive (tar, compressed with zstd), offered in order.
    Piece {
        /// The tree's place.
        place: String,
        /// Its number, from 0.
        index: u32,
    },
    /// The end of a tree: [`Answer::Have`]. It has no bytes of its own.
    End {
        /// The tree's place.
        place: String,
        /// How many pieces it has.
        pieces: u32,
    },
}

/// What the shim answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The version that is spoken from here on.
    Hello {
        /// The version.
        version: u32,
    },
    /// There is no version that both speak.
    Versions {
        /// The newest that the shim speaks.
        newest: u32,
        /// The oldest.
        oldest: u32,
    },
    /// I am.
    Pong {
        /// As it was asked.
        number: u64,
    },
    /// No answer yet, but somebody works on it. May come any number of times before an answer.
    Alive,
    /// So many bytes follow.
    Bytes {
        /// How many.
        len: u64,
    },
    /// So many bytes follow, whole frames of log lines.
    Lines {
        /// How many.
        len: u64,
        /// Whether the log is complete and these were its last lines.
        end: bool,
    },
    /// It is not there, or not done, after the time that was given.
    NotYet,
    /// What was offered is here.
    Have,
    /// What was offered is wanted.
    Send,
    /// It is done.
    Done,
    /// It cannot be done.
    Refused {
        /// Why.
        message: String,
    },
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// From the client.
    Request(Request),
    /// From the shim.
    Answer(Answer),
    /// Bytes that were announced.
    Data(Vec<u8>),
}

/// Why a stream is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A length that no frame has: most likely somebody else is speaking.
    #[error("a frame of {0} bytes is announced, more than one can have")]
    TooLong(u32),
    /// Bytes were changed on the way.
    #[error("a frame does not match its checksum")]
    Checksum,
    /// A frame that verifies and cannot be read.
    #[error("a frame does not read: {0}")]
    Unreadable(String),
}

/// Returns the newest version that both sides speak.
pub fn negotiate(newest: u32, oldest: u32) -> Option<u32> {
    let common = newest.min(VERSION);
    (common >= oldest.max(OLDEST)).then_some(common)
}

impl Message {
    /// Appends the frame to `out`. Data beyond [`MAX_PAYLOAD`] is the caller's mistake and is cut; use [`chunks`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Request(request) => frame(1, &serde_json::to_vec(request).unwrap_or_default(), out),
            Self::Answer(answer) => frame(2, &serde_json::to_vec(answer).unwrap_or_default(), out),
            Self::Data(bytes) => frame(DATA, bytes, out),
        }
    }

    /// Returns the frame.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// Reads the frame at the start of `bytes` and its length; `None` when it is not all there.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireError> {
        let word = |at: usize| bytes.get(at..)?.first_chunk::<4>().copied().map(u32::from_le_bytes);
        let Some(announced) = word(0) else { return Ok(None) };
        let length = usize::try_from(announced).unwrap_or(usize::MAX);
        if length > MAX_PAYLOAD {
            return Err(WireError::TooLong(announced));
        }
        let (Some(crc), Some(payload)) = (word(CRC_AT), bytes.get(HEADER..HEADER + length)) else { return Ok(None) };
        if crc != checksum(&bytes[..CRC_AT], payload) {
            return Err(WireError::Checksum);
        }
        let unreadable = |error: serde_json::Error| WireError::Unreadable(error.to_string());
        let message = match bytes[4] {
            1 => Self::Request(serde_json::from_slice(payload).map_err(unreadable)?),
            2 => Self::Answer(serde_json::from_slice(payload).map_err(unreadable)?),
            DATA => Self::Data(payload.to_vec()),
            other => return Err(WireError::Unreadable(format!("there is no kind {other}"))),
        };
        Ok(Some((message, HEADER + length)))
    }
}

/// Writes a frame of `len` bytes of data, which `fill` brings, over what `out` holds. At most [`MAX_PAYLOAD`] bytes.
pub fn fill_data<E>(out: &mut Vec<u8>, len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<(), E> {
    let len = len.min(MAX_PAYLOAD);
    out.resize(HEADER + len, 0);
    let (header, payload) = out.split_at_mut(HEADER);
    fill(payload)?;
    header[..4].copy_from_slice(&u32::try_from(len).unwrap_or(0).to_le_bytes());
    header[4] = DATA;
    let crc = checksum(&header[..CRC_AT], payload);
    header[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// Appends frames of data for all of `bytes`.
pub fn chunks(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.chunks(MAX_PAYLOAD) {
        frame(DATA, chunk, out);
    }
}

fn frame(kind: u8, payload: &[u8], out: &mut Vec<u8>) {
    let payload = &payload[..payload.len().min(MAX_PAYLOAD)];
    let start = out.len();
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(0).to_le_bytes());
    out.push(kind);
    let crc = checksum(&out[start..], payload);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(payload);
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

/// Cuts a stream into messages, however its bytes arrive.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    start: usize,
    broken: Option<WireError>,
}

impl Decoder {
    /// Takes some bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..std::mem::take(&mut self.start));
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next message, if it has arrived; after an error always that error.
    pub fn next_message(&mut self) -> Result<Option<Message>, WireError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        match Message::decode(&self.buffer[self.start..]) {
            Ok(Some((message, length))) => {
                self.start += length;
                Ok(Some(message))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.broken = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Whether the stream could end here: nothing of an unfinished frame has arrived.
    pub const fn is_between_messages(&self) -> bool {
        self.start == self.buffer.len() && self.broken.is_none()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn messages() -> impl Strategy<Value = Vec<Message>> {
        let number = any::<u64>();
        let text = ".{0,20}";
        let message = prop_oneof![
            (any::<u32>(), any::<u32>())
                .prop_map(|(newest, oldest)| Message::Request(Request::Hello { newest, oldest })),
            (text, number).prop_map(|(name, from)| Message::Request(Request::Part { name, from })),
            (text, any::<u32>(), number, any::<[u8; 32]>()).prop_map(|(place, index, len, hash)| {
                Message::Request(Request::Offer { item: Item::Piece { place, index }, len, sha256: Sha256(hash) })
            }),
            Just(Message::Request(Request::Bye)),
            (number, any::<bool>()).prop_map(|(len, end)| Message::Answer(Answer::Lines { len, end })),
            text.prop_map(|message| Message::Answer(Answer::Refused { message })),
            Just(Message::Answer(Answer::Alive)),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Message::Data),
        ];
        prop::collection::vec(message, 1..6)
    }

    fn encoded(messages: &[Message]) -> Vec<u8> {
        let mut out = Vec::new();
        for message in messages {
            message.encode(&mut out);
        }
        out
    }

    /// Returns what a stream that arrives in pieces gives, and the error that ends it.
    fn decoded(bytes: &[u8], piece: usize) -> (Vec<Message>, Option<WireError>, Decoder) {
        let (mut decoder, mut messages) = (Decoder::default(), Vec::new());
        for chunk in bytes.chunks(piece) {
            decoder.push(chunk);
            loop {
                match decoder.next_message() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(error) => return (messages, Some(error), decoder),
                }
            }
        }
        (messages, None, decoder)
    }

    proptest! {
        #[test]
        fn what_is_sent_arrives_however_it_is_cut(messages in messages(), piece in 1_usize..200) {
            let (read, error, decoder) = decoded(&encoded(&messages), piece);
            prop_assert_eq!((read, error, decoder.is_between_messages()), (messages, None, true));
        }

        #[test]
        fn a_cut_stream_gives_whole_messages_and_shows_the_cut(messages in messages(), cut in any::<prop::sample::Index>()) {
            let bytes = encoded(&messages);
            let end = cut.index(bytes.len());
            let (read, error, decoder) = decoded(&bytes[..end], 64);
            prop_assert_eq!(&read[..], &messages[..read.len()]);
            prop_assert_eq!(error, None);
            prop_assert_eq!(decoder.is_between_messages(), encoded(&read).len() == end);
        }

        #[test]
        fn a_flipped_bit_never_gives_another_message(messages in messages(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut bytes = encoded(&messages);
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let (read, error, decoder) = decoded(&bytes, 64);
            prop_assert!(read.len() < messages.len());
            prop_assert_eq!(&read[..], &messages[..read.len()]);
            prop_assert!(error.is_some() || !decoder.is_between_messages());
        }

        #[test]
        fn garbage_is_no_message(garbage in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(decoded(&garbage, 100).0, []);
        }
    }

    #[test]
    fn an_error_stays() {
        let mut decoder = Decoder::default();
        decoder.push(b"sh: dragnet: not found");
        let error = decoder.next_message().unwrap_err();
        assert!(matches!(error, WireError::TooLong(_)));
        decoder.push(&Message::Answer(Answer::Done).to_bytes());
        assert_eq!(decoder.next_message(), Err(error));
    }

    #[test]
    fn a_frame_that_is_filled_is_one_of_data() {
        let mut out = vec![9; 500];
        for length in [3, 0, 5] {
            let fill = |payload: &mut [u8]| {
                payload.fill(7);
                Ok::<_, ()>(())
            };
            fill_data(&mut out, length, fill).unwrap();
            assert_eq!(out, Message::Data(vec![7; length]).to_bytes());
        }
        assert_eq!(fill_data(&mut out, 1, |_| Err("cut")), Err("cut"));
    }

    #[test]
    fn long_data_comes_in_several_frames() {
        let (bytes, mut out) = (vec![7; MAX_PAYLOAD + 1], Vec::new());
        chunks(&bytes, &mut out);
        let lengths: Vec<_> =
            decoded(&out, 100_000).0.iter().map(|m| matches!(m, Message::Data(d) if d.len() > 1)).collect();
        assert_eq!(lengths, [true, false]);
    }

    #[test]
    fn the_newest_common_version_is_chosen() {
        assert_eq!(negotiate(VERSION, OLDEST), Some(VERSION));
        assert_eq!(negotiate(VERSION + 1, VERSION), Some(VERSION));
        assert_eq!(negotiate(VERSION + 2, VERSION + 1), None);
        assert_eq!(negotiate(OLDEST - 1, 0), None);
    }
}
