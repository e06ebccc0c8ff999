//! The first bytes of a file: nothing at all, a byte order mark, or an encoding that is not UTF-8.

use std::io::{Chain, Cursor, Read};

use super::ParseError;

pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

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

/// The file without its byte order mark.
type Opened<'r> = Chain<Cursor<Vec<u8>>, &'r mut dyn Read>;

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
