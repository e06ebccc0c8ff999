//! The part of a JSON text that is held in memory: values are read where they lie, at the speed of a text that is held whole.

use std::io::{self, Read, Write as _};

use memchr::{memchr_iter, memrchr};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::Masked;
use crate::parse::ParseError;
use crate::parse::metered::MAX_VALUE;
use crate::parse::strings::Strings;
use crate::parse::value::Borrowed;

/// Bytes that are read at a time.
const CHUNK: usize = 256 << 10;
/// A value that is skipped is read where it lies up to this length; a longer one is gone into.
const MAX_SKIPPED: usize = 1 << 20;
/// How deep that goes, which is as deep as a value that is taken may be.
const MAX_DEPTH: u8 = 128;

/// A window on a text. What it passes over is copied to `copy`, if there is one.
pub(super) struct Window<'w, 's, 'k> {
    format: &'static str,
    input: &'w mut dyn Read,
    copy: Option<&'w mut Strings<'s, 'k>>,
    buffer: Vec<u8>,
    /// The next byte in the buffer.
    at: usize,
    /// Whether the input has ended.
    whole: bool,
    /// Lines that have ended before the buffer.
    lines: usize,
    /// Bytes of the line that the buffer begins in.
    column: usize,
}

impl<'w, 's, 'k> Window<'w, 's, 'k> {
    pub(super) fn new(format: &'static str, input: &'w mut dyn Read, copy: Option<&'w mut Strings<'s, 'k>>) -> Self {
        Self { format, input, copy, buffer: Vec::new(), at: 0, whole: false, lines: 0, column: 0 }
    }

    /// Returns the next byte that is no white space; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, ParseError> {
        loop {
            let rest = &self.buffer[self.at..];
            let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
            let next = rest.get(blank).copied();
            self.pass(blank)?;
            if next.is_some() || !self.fill()? {
                return Ok(next);
            }
        }
    }

    /// Passes over a byte that must come next; `within` is what it belongs to.
    pub(super) fn expect(&mut self, byte: u8, within: &str) -> Result<(), ParseError> {
        match self.peek()? {
            Some(next) if next == byte => self.pass(1),
            Some(_) => Err(self.invalid(&format!("expected `{}` in {within}", char::from(byte)))),
            None => Err(self.invalid(&format!("EOF while parsing {within}"))),
        }
    }

    /// Passes over the opening bracket of a container, and tells of each of its members: at its key, at its value.
    pub(super) fn members(
        &mut self,
        close: u8,
        member: &mut dyn FnMut(&mut Self) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        let within = if close == b'}' { "an object" } else { "a list" };
        self.pass(1)?;
        if self.peek()? == Some(close) {
            return self.pass(1);
        }
        loop {
            member(self)?;
            match self.peek()? {
                Some(b',') => self.pass(1)?,
                Some(next) if next == close => return self.pass(1),
                Some(_) => return Err(self.invalid(&format!("expected `,` or `{}`", char::from(close)))),
                None => return Err(self.invalid(&format!("EOF while parsing {within}"))),
            }
        }
    }

    /// Takes a key with the colon behind it.
    pub(super) fn key(&mut self) -> Result<String, ParseError> {
        if !matches!(self.peek()?, Some(b'"') | None) {
            return Err(self.invalid("key must be a string"));
        }
        let key = self.take()?;
        self.expect(b':', "an object")?;
        Ok(key)
    }

    fn take<T: DeserializeOwned>(&mut self) -> Result<T, ParseError> {
        let (value, length) = self.read()?;
        self.pass(length)?;
        Ok(value)
    }

    /// Reads the next value, of at most [`MAX_VALUE`], and does not pass over it; returns its length, too.
    pub(super) fn read<T: DeserializeOwned>(&mut self) -> Result<(T, usize), ParseError> {
        self.try_read(MAX_VALUE)?.ok_or_else(|| self.too_long(MAX_VALUE))
    }

    /// Shows the next value where it lies, with its bytes; returns what is said to it, and its length. Nothing if nothing is said, and
    /// for a value that cannot be read, or only in pieces.
    pub(super) fn peruse<R>(
        &mut self,
        look: impl FnOnce(&Borrowed<'_>, &[u8]) -> Option<R>,
    ) -> Result<Option<(R, usize)>, ParseError> {
        loop {
            let rest = &self.buffer[self.at..];
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter();
            let read = values.next();
            let length = values.byte_offset();
            match read {
                Some(Ok(value)) if length < rest.len() || self.whole => {
                    return Ok(look(&value, &rest[..length]).map(|said| (said, length)));
                }
                Some(Err(error)) if !error.is_eof() => return Ok(None),
                _ if self.whole || rest.len() > MAX_SKIPPED => return Ok(None),
                _ => {}
            }
            self.fill()?;
        }
    }

    /// Returns the length of the next value; nothing if it is more than [`MAX_VALUE`].
    pub(super) fn measure(&mut self) -> Result<Option<usize>, ParseError> {
        Ok(self.try_read(MAX_VALUE)?.map(|(IgnoredAny, length)| length))
    }

    /// The bytes of a value that was read.
    pub(super) fn next(&self, length: usize) -> &[u8] {
        &self.buffer[self.at..self.at + length]
    }

    /// Passes over a value that was read and masked.
    pub(super) fn pass_masked(&mut self, length: usize, masked: &Masked, value: &Value) -> Result<(), ParseError> {
        if let Some(copy) = &mut self.copy {
            let written = &self.buffer[self.at..self.at + length];
            match masked {
                Masked::AsWritten => copy.write_clean(written)?,
                Masked::ByString => copy.write_all(written)?,
                Masked::Anew => serde_json::to_writer(&mut **copy, value).map_err(io::Error::from)?,
            }
        }
        self.at += length;
        Ok(())
    }

    /// Passes over a value of any length, and copies something else in its place.
    pub(super) fn omit(&mut self, instead: &Value) -> Result<(), ParseError> {
        let copy = self.copy.take();
        let skipped = self.skip();
        self.copy = copy;
        skipped?;
        self.pass_masked(0, &Masked::Anew, instead)
    }

    /// Passes over a value of any length.
    pub(super) fn skip(&mut self) -> Result<(), ParseError> {
        self.skip_within(MAX_DEPTH)
    }

    fn skip_within(&mut self, depth: u8) -> Result<(), ParseError> {
        if let Some((IgnoredAny, length)) = self.try_read(MAX_SKIPPED)? {
            return self.pass_value(length);
        }
        let below = depth.checked_sub(1).ok_or_else(|| self.invalid("recursion limit exceeded"))?;
        match self.peek()? {
            Some(b'{') => self.members(b'}', &mut |window| {
                window.expect(b'"', "an object")?;
                window.skip_text()?;
                window.expect(b':', "an object")?;
                window.skip_within(below)
            }),
            Some(b'[') => self.members(b']', &mut |window| window.skip_within(below)),
            Some(b'"') => {
                self.pass(1)?;
                self.skip_text()
            }
            _ => Err(self.too_long(MAX_SKIPPED)),
        }
    }

    /// Passes over a text whose opening quote is behind us.
    fn skip_text(&mut self) -> Result<(), ParseError> {
        loop {
            let rest = &self.buffer[self.at..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '));
            self.pass(plain.unwrap_or(rest.len()))?;
            match self.buffer[self.at..] {
                [] | [b'\\'] if self.whole => return Err(self.invalid("EOF while parsing a string")),
                [] | [b'\\'] => drop(self.fill()?),
                [b'"', ..] => return self.pass(1),
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u', ..] => self.pass(2)?,
                [b'\\', _, ..] => return Err(self.invalid("invalid escape")),
                _ => return Err(self.invalid("control character (\\u0000-\\u001F) found while parsing a string")),
            }
        }
    }

    /// Reads the next value where it lies; returns it with its length, or nothing if it is longer than `most`.
    fn try_read<T: DeserializeOwned>(&mut self, most: usize) -> Result<Option<(T, usize)>, ParseError> {
        if self.peek()?.is_none() {
            return Err(self.invalid("EOF while parsing a value"));
        }
        loop {
            let rest = &self.buffer[self.at..];
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter();
            let read = values.next().transpose();
            let length = values.byte_offset();
            match read {
                Ok(_) if length > most => return Ok(None),
                // A number that ends with the window may go on behind it.
                Ok(Some(value)) if length < rest.len() || self.whole => return Ok(Some((value, length))),
                Err(error) if !error.is_eof() || self.whole => return Err(self.explain(&error)),
                _ if rest.len() > most => return Ok(None),
                _ => drop(self.fill()?),
            }
        }
    }

    /// Passes over a value that nobody has looked at.
    fn pass_value(&mut self, length: usize) -> Result<(), ParseError> {
        if let Some(copy) = &mut self.copy {
            copy.write_value(&self.buffer[self.at..self.at + length])?;
        }
        self.at += length;
        Ok(())
    }

    fn pass(&mut self, length: usize) -> Result<(), ParseError> {
        if let Some(copy) = &mut self.copy {
            copy.write_all(&self.buffer[self.at..self.at + length])?;
        }
        self.at += length;
        Ok(())
    }

    /// Reads more; returns whether there was any. What has been passed goes when half of what is held is behind.
    fn fill(&mut self) -> Result<bool, ParseError> {
        if self.at >= self.buffer.len() - self.at {
            (self.lines, self.column) = self.place();
            drop(self.buffer.drain(..self.at));
            self.at = 0;
        }
        // As much again as is held: a long value is looked at anew as often as its length doubles.
        let more = (self.buffer.len() - self.at).max(CHUNK);
        let read = (&mut *self.input).take(more as u64).read_to_end(&mut self.buffer)?;
        self.whole = read < more;
        Ok(read > 0)
    }

    /// Where the next byte is: lines before it, and bytes before it in its line.
    fn place(&self) -> (usize, usize) {
        let passed = &self.buffer[..self.at];
        match memrchr(b'\n', passed) {
            None => (self.lines, self.column + passed.len()),
            Some(last) => (self.lines + memchr_iter(b'\n', passed).count(), passed.len() - last - 1),
        }
    }

    /// An error at the next byte.
    pub(super) fn invalid(&self, message: &str) -> ParseError {
        self.error(message, 1, 1)
    }

    /// The library's error.
    pub(super) fn explain(&self, error: &serde_json::Error) -> ParseError {
        let text = error.to_string();
        let message = text.strip_suffix(&format!(" at line {} column {}", error.line(), error.column()));
        self.error(message.unwrap_or(&text), error.line(), error.column())
    }

    /// An error whose place is counted from the next byte, which is line 1, column 1.
    fn error(&self, message: &str, line: usize, column: usize) -> ParseError {
        let (lines, before) = self.place();
        let column = if line == 1 { before + column } else { column };
        let place = format!("line {} column {column}", lines + line);
        ParseError::Invalid { format: self.format, message: message.to_owned(), place }
    }

    fn too_long(&self, most: usize) -> ParseError {
        self.invalid(&format!("a single value is longer than {} MiB", most >> 20))
    }
}
