//! The first bytes of a file: nothing at all, a byte order mark, or an encoding that is not UTF-8.

use std::io::{Chain, Cursor, Read};

use memchr::memchr2;

use super::ParseError;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// How a file is written, which says how it is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON, one document or several.
    Json,
    /// XML.
    Xml,
    /// CSV, its cells parted by this.
    Table(u8),
    /// Lines of text.
    Lines,
}

/// Most that is looked at to tell how a file is written: the names of all columns are shorter.
const MAX_HEAD: usize = 8 << 10;

/// The file without its byte order mark.
pub(super) type Opened<'r> = Chain<Cursor<Vec<u8>>, &'r mut dyn Read>;

/// Refuses empty files and UTF-16 or UTF-32; skips a UTF-8 byte order mark.
pub(super) fn open<'r>(format: &'static str, input: &'r mut dyn Read) -> Result<Opened<'r>, ParseError> {
    let mut head = Vec::with_capacity(4);
    input.take(4).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(ParseError::Empty);
    }
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") || head.contains(&0) {
        let message = "it is UTF-16 or UTF-32; write it as UTF-8".to_owned();
        return Err(ParseError::Invalid { format, message, place: "byte 0".to_owned() });
    }
    if head.starts_with(BOM) {
        head.drain(..BOM.len());
    }
    Ok(Cursor::new(head).chain(input))
}

/// The first byte that is no white space, and the file as it was: formats of two encodings are told apart by it.
pub(super) fn first_byte(input: &mut dyn Read) -> Result<(Option<u8>, Opened<'_>), ParseError> {
    let (head, whole) = first_line(input)?;
    Ok((head.first().copied(), whole))
}

/// The first line that is not blank, or its first bytes, and the file as it was.
pub(super) fn first_line(input: &mut dyn Read) -> Result<(Vec<u8>, Opened<'_>), ParseError> {
    let mut head = Vec::new();
    loop {
        let read = input.take(64).read_to_end(&mut head)?;
        let text = head.strip_prefix(BOM).unwrap_or(&head).trim_ascii_start();
        let end = memchr2(b'\r', b'\n', text);
        if end.is_some() || read == 0 || head.len() >= MAX_HEAD {
            let line = text[..end.unwrap_or(text.len())].to_vec();
            return Ok((line, Cursor::new(head).chain(input)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(mut bytes: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        open("json", &mut bytes).map_err(|e| e.to_string())?.read_to_string(&mut text).map_err(|e| e.to_string())?;
        Ok(text)
    }

    #[test]
    fn marks_are_skipped_and_wide_encodings_refused() {
        assert_eq!(opened(b"\xEF\xBB\xBF{}").unwrap(), "{}");
        assert_eq!(opened(b"{").unwrap(), "{");
        assert_eq!(opened(b"").unwrap_err(), "the file is empty");
        assert!(opened(b"\xFF\xFE{\0}\0").unwrap_err().contains("UTF-16"));
        assert!(opened(b"{\0}\0").unwrap_err().contains("UTF-16"));
    }
}
