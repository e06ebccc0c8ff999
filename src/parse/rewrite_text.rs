//! Copies tables and texts as a stream, known secrets masked in each cell and line.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder, WriterBuilder};

use super::mask::Masker;
use super::metered::{Budget, MAX_VALUE, Metered};
use super::table::Tail;
use super::{ParseError, encoding, lines, table};

/// Hands on all but a line feed at the very end.
struct Unended<'w> {
    inner: &'w mut dyn Write,
    held: bool,
}

impl Write for Unended<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if std::mem::take(&mut self.held) {
            self.inner.write_all(b"\n")?;
        }
        let kept = bytes.strip_suffix(b"\n");
        self.held = kept.is_some();
        self.inner.write_all(kept.unwrap_or(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Copies a table row by row. Quotes are written only where they are needed, and the last row has an end if it had one.
pub(super) fn rewrite_table(
    format: &'static str,
    input: &mut dyn Read,
    output: &mut dyn Write,
    delimiter: u8,
    masker: &mut Masker<'_>,
) -> Result<(), ParseError> {
    let budget = Budget::default();
    let end = Rc::default();
    let metered = Metered { inner: encoding::open(format, input)?, budget: budget.clone() };
    let tail = Tail { inner: metered, end: Rc::clone(&end) };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(tail);
    let mut unended = Unended { inner: output, held: false };
    let mut writer = WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(&mut unended);
    let mut row = ByteRecord::new();
    while reader.read_byte_record(&mut row).map_err(|error| table::broken(format, &error, &budget))? {
        let cells = row.iter().map(|cell| masker.known_bytes(cell));
        writer.write_record(cells).map_err(|error| ParseError::Read(error.into()))?;
        budget.renew();
    }
    writer.flush()?;
    drop(writer);
    if unended.held && end.get().is_whole() {
        unended.inner.write_all(b"\n")?;
    }
    Ok(unended.flush()?)
}

/// Copies a text line by line.
pub(super) fn rewrite_lines(
    format: &'static str,
    input: &mut dyn Read,
    output: &mut dyn Write,
    masker: &mut Masker<'_>,
) -> Result<(), ParseError> {
    let budget = Budget::default();
    let mut reader = BufReader::new(Metered { inner: input, budget: budget.clone() });
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(|error| {
            if budget.is_spent() {
                return lines::invalid(
                    format,
                    &format!("a single line is longer than {} MiB", MAX_VALUE >> 20),
                    number,
                );
            }
            ParseError::Read(error)
        })?;
        if read == 0 {
            break;
        }
        let end = line.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
        output.write_all(&masker.line(&line[..end]))?;
        output.write_all(&line[end..])?;
        budget.renew();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_masked_by_themselves() {
        let text = "\u{feff}a;b\r\n\"pwd = \"\"hunter2\"\"\";2\n\"\"\n;;\nx\"y;\"two\nlines\"\n";
        let (mut output, mut masker) = (Vec::new(), Masker::new(b"key"));
        rewrite_table("test", &mut text.as_bytes(), &mut output, b';', &mut masker).unwrap();
        let output = String::from_utf8(output).unwrap();
        let (start, end) =
            output.split_once("hunter2").map_or_else(|| output.split_once("‹secret:").unwrap(), |_| ("", ""));
        assert_eq!(start, "a;b\n\"pwd = \"\"");
        assert!(end.ends_with("›\"\"\";2\n\"\"\n;;\n\"x\"\"y\";\"two\nlines\"\n"), "{end}");
    }

    #[test]
    fn a_table_that_breaks_off_does_so_in_its_copy() {
        for (text, copy) in [("a,b\n1,2", "a,b\n1,2"), ("a,b\r\n1,2\r\n", "a,b\n1,2\n"), ("a,b\n1,\"2\"", "a,b\n1,2\n")]
        {
            let mut output = Vec::new();
            rewrite_table("test", &mut text.as_bytes(), &mut output, b',', &mut Masker::new(b"key")).unwrap();
            assert_eq!(String::from_utf8(output).unwrap(), copy);
        }
    }

    #[test]
    fn lines_keep_their_ends_and_keys_are_masked_to_their_last_line() {
        let text =
            b"a\r\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK=\n-----END RSA PRIVATE KEY-----\n\xFFb\nMIIEow";
        let (mut output, mut masker) = (Vec::new(), Masker::new(b"key"));
        rewrite_lines("test", &mut &text[..], &mut output, &mut masker).unwrap();
        assert!(output.starts_with(b"a\r\n-----BEGIN RSA PRIVATE KEY-----\n\xE2\x80\xB9secret:"));
        assert!(output.ends_with(b"\n-----END RSA PRIVATE KEY-----\n\xFFb\nMIIEow"));
        assert!(!String::from_utf8_lossy(&output).contains("IBAAK"));
        let mut again = Vec::new();
        rewrite_lines("test", &mut &output[..], &mut again, &mut Masker::new(b"key")).unwrap();
        assert_eq!(again, output);
    }
}
