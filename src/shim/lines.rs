//! Cutting a stream of bytes into lines. Pure.

use crate::model::frame::MAX_PAYLOAD;

/// Cuts lines at newlines and at [`MAX_PAYLOAD`] bytes.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// Takes some bytes; calls `emit` with each line that they end, and whether it is only a piece of one.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(&[u8], bool)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.extend(line, &mut emit);
            emit(&self.pending, false);
            self.pending.clear();
            bytes = &rest[1..];
        }
        self.extend(bytes, &mut emit);
    }

    /// Ends the stream.
    pub(super) fn finish(&mut self, mut emit: impl FnMut(&[u8], bool)) {
        if !self.pending.is_empty() {
            emit(&self.pending, true);
            self.pending.clear();
        }
    }

    fn extend(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(&[u8], bool)) {
        while self.pending.len() + bytes.len() > MAX_PAYLOAD {
            let (piece, rest) = bytes.split_at(MAX_PAYLOAD - self.pending.len());
            self.pending.extend_from_slice(piece);
            emit(&self.pending, true);
            self.pending.clear();
            bytes = rest;
        }
        self.pending.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(chunks: &[Vec<u8>]) -> Vec<(Vec<u8>, bool)> {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for chunk in chunks {
            lines.push(chunk, |line, partial| out.push((line.to_vec(), partial)));
        }
        lines.finish(|line, partial| out.push((line.to_vec(), partial)));
        out
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_however_the_stream_arrives(chunks in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..50), 0..20)) {
            let joined: Vec<u8> = cut(&chunks).into_iter().flat_map(|(mut line, partial)| {
                if !partial { line.push(b'\n'); }
                line
            }).collect();
            prop_assert_eq!(joined, chunks.concat());
        }
    }

    #[test]
    fn a_long_line_comes_in_pieces() {
        let sizes: Vec<_> = cut(&[[vec![b'x'; 2 * MAX_PAYLOAD + 5], b"\n".to_vec()].concat()])
            .into_iter()
            .map(|(line, partial)| (line.len(), partial))
            .collect();
        assert_eq!(sizes, [(MAX_PAYLOAD, true), (MAX_PAYLOAD, true), (5, false)]);
        assert_eq!(cut(&[vec![b'x'; MAX_PAYLOAD], b"\n".to_vec()]), [(vec![b'x'; MAX_PAYLOAD], false)]);
    }
}
