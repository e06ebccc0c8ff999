//! Masks known secrets in the strings of JSON that is being written; all else passes as it is.

use std::io::{self, Write};

use memchr::{memchr, memchr2, memrchr};

use super::known::{hides, may_hold, may_hold_written};
use super::mask::Masker;
use super::metered::MAX_VALUE;

/// A writer that holds one string at a time.
pub(super) struct Strings<'w, 'k> {
    output: &'w mut dyn Write,
    masker: &'w mut Masker<'k>,
    /// What has come of a string so far, as it is written.
    string: Vec<u8>,
    inside: bool,
    /// Whether a backslash came last.
    escaped: bool,
    /// Whether there is one in the string.
    escapes: bool,
}

impl<'w, 'k> Strings<'w, 'k> {
    pub(super) fn new(output: &'w mut dyn Write, masker: &'w mut Masker<'k>) -> Self {
        Self { output, masker, string: Vec::new(), inside: false, escaped: false, escapes: false }
    }

    /// Writes a whole value that has no secret.
    pub(super) fn write_clean(&mut self, value: &[u8]) -> io::Result<()> {
        self.output.write_all(value)
    }

    /// Writes a whole value: most can be told to have no secret without a look at each of their strings.
    pub(super) fn write_value(&mut self, value: &[u8]) -> io::Result<()> {
        if may_hold_written(value) { self.write_all(value) } else { self.write_clean(value) }
    }

    /// Writes what a document that breaks off has left.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.put()
    }

    /// Takes bytes of a string; returns how many, and whether it ends with them.
    fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        if self.escaped {
            self.escaped = false;
            at = 1;
        }
        while let Some(place) = memchr2(b'"', b'\\', &bytes[at..]) {
            at += place;
            if bytes[at] == b'"' {
                self.string.extend_from_slice(&bytes[..at]);
                return (at, true);
            }
            self.escaped = at + 1 == bytes.len();
            self.escapes = true;
            at = bytes.len().min(at + 2);
        }
        self.string.extend_from_slice(bytes);
        (bytes.len(), false)
    }

    fn put(&mut self) -> io::Result<()> {
        if may_hold(&self.string) || (self.escapes && hides(&self.string)) {
            self.put_masked()?;
        } else {
            self.output.write_all(&self.string)?;
        }
        self.string.clear();
        self.escapes = false;
        Ok(())
    }

    fn put_masked(&mut self) -> io::Result<()> {
        let quoted = [b"\"", self.string.as_slice(), b"\""].concat();
        let Ok(mut text) = serde_json::from_slice::<String>(&quoted) else {
            // No parser takes such a string; a mask fits into it as it is.
            let mut text = String::from_utf8_lossy(&self.string).into_owned();
            let masked = self.masker.known(&mut text);
            return self.output.write_all(if masked { text.as_bytes() } else { &self.string });
        };
        if !self.masker.known(&mut text) {
            return self.output.write_all(&self.string);
        }
        let written = serde_json::to_string(&text)?;
        self.output.write_all(written.trim_start_matches('"').strip_suffix('"').unwrap_or_default().as_bytes())
    }

    /// No parser takes a string that is longer than a value may be: it goes on in pieces, parted where no secret is.
    fn shorten(&mut self) -> io::Result<()> {
        if self.string.len() <= MAX_VALUE {
            return Ok(());
        }
        let end = memrchr(b' ', &self.string).filter(|end| *end > 0).unwrap_or(self.string.len());
        let rest = self.string.split_off(end);
        self.put()?;
        self.string = rest;
        Ok(())
    }
}

impl Write for Strings<'_, '_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let mut rest = buffer;
        while !rest.is_empty() {
            if self.inside {
                let (taken, ended) = self.take(rest);
                rest = &rest[taken..];
                if ended {
                    self.put()?;
                    self.output.write_all(b"\"")?;
                    self.inside = false;
                    rest = &rest[1..];
                }
                self.shorten()?;
            } else {
                let end = memchr(b'"', rest).map_or(rest.len(), |quote| quote + 1);
                self.output.write_all(&rest[..end])?;
                self.inside = rest[end - 1] == b'"';
                rest = &rest[end..];
            }
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, piece: usize) -> String {
        let (mut output, mut masker) = (Vec::new(), Masker::new(b"key"));
        let mut strings = Strings::new(&mut output, &mut masker);
        for piece in text.as_bytes().chunks(piece) {
            strings.write_all(piece).unwrap();
        }
        strings.finish().unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn strings_are_found_however_the_text_arrives() {
        let text = r#"{ "a\"\\": ["url://u:p\u0061ss\\w@h", -1e400, "password = \"hunter2\""], "\u004bkey": "x\/y" }"#;
        let whole = written(text, text.len());
        assert!(!whole.contains("hunter2") && whole.matches("‹secret:").count() == 2, "{whole}");
        assert!(whole.starts_with(r#"{ "a\"\\": ["url://u:‹secret:"#) && whole.ends_with(r#""\u004bkey": "x\/y" }"#));
        for piece in 1..text.len() {
            assert_eq!(written(text, piece), whole);
        }
        assert_eq!(written(&whole, 7), whole, "masking a masked text changes nothing");
    }

    #[test]
    fn a_string_that_breaks_off_is_masked_too() {
        assert!(!written(r#"["password='hunter2'"#, 3).contains("hunter2"));
        assert_eq!(written(r#"["plain \"#, 2), r#"["plain \"#);
    }

    #[test]
    fn one_string_cannot_fill_the_memory() {
        let huge = format!("[\"{} password='hunter2' {}\"]", "x ".repeat(10 << 20), "y".repeat(20 << 20));
        let text = written(&huge, 1 << 16);
        assert!(!text.contains("hunter2") && text.len() > huge.len());
    }
}
