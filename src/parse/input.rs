//! What a parser reads.

use std::io::{self, Cursor, Read, Write};

use memchr::memchr2;

use super::encoding::BOM;

/// Most that is looked at to tell how a file is written: the names of all columns are shorter.
const MAX_HEAD: usize = 8 << 10;

/// A file of results; and where its copy with masked secrets goes, if one is to be made in the same pass.
pub struct Input<'i> {
    /// What was looked at and has not been read.
    head: Cursor<Vec<u8>>,
    file: &'i mut dyn Read,
    copy: Option<&'i mut dyn Write>,
}

impl<'i> Input<'i> {
    /// Reads a file.
    pub fn new(file: &'i mut dyn Read) -> Self {
        Self { head: Cursor::default(), file, copy: None }
    }

    /// Reads a file and copies it, as far as it is JSON ([`Self::is_copied`]).
    pub fn copied_to(file: &'i mut dyn Read, copy: &'i mut dyn Write) -> Self {
        Self { copy: Some(copy), ..Self::new(file) }
    }

    /// Whether a parser that has read the file to its end has copied it, too.
    pub fn is_copied(&self) -> bool {
        self.copy.is_none()
    }

    /// Gives up where the copy goes, to who makes it, and the file.
    pub(super) fn part(&mut self) -> (&mut dyn Read, Option<&'i mut dyn Write>) {
        let copy = self.copy.take();
        (self, copy)
    }

    /// The first byte that is no white space: formats of two encodings are told apart by it.
    pub(super) fn first_byte(&mut self) -> io::Result<Option<u8>> {
        Ok(self.first_line()?.first().copied())
    }

    /// The first line that is not blank, or its first bytes.
    pub fn first_line(&mut self) -> io::Result<Vec<u8>> {
        let (head, mut ended) = (self.head.get_mut(), false);
        loop {
            let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
            let end = memchr2(b'\r', b'\n', text);
            if end.is_some() || ended || head.len() >= MAX_HEAD {
                return Ok(text[..end.unwrap_or(text.len())].to_vec());
            }
            ended = (&mut *self.file).take(64).read_to_end(head)? == 0;
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.head.read(buffer)? {
            0 => self.file.read(buffer),
            read => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_read_all_the_same() {
        for text in ["", " \n\u{feff}", "\u{feff} {\n\"a\": 1}", "a;b\r\nc;d", &"x".repeat(20_000)] {
            let mut file = text.as_bytes();
            let mut input = Input::new(&mut file);
            let line = input.first_line().unwrap();
            assert_eq!(input.first_byte().unwrap(), line.first().copied());
            let mut read = String::new();
            input.read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
        }
        let first = |text: &str| Input::new(&mut text.as_bytes()).first_byte().unwrap();
        assert_eq!((first("\u{feff} \n{"), first(" <"), first("")), (Some(b'{'), Some(b'<'), None));
    }
}
