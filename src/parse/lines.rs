//! Walks a text line by line. What is no UTF-8 is replaced: names of files may be of any bytes.

use std::io::{BufRead as _, BufReader, Read};

use super::mask::Masker;
use super::metered::{Budget, MAX_VALUE, Metered};
use super::{Context, ParseError, Parser, encoding};

/// Receives the number of a line, from 1, and the line without its end.
pub(super) type Visit<'v> = dyn FnMut(u64, &str) -> Result<(), ParseError> + 'v;

/// Walks a text from its first line to its last, secrets masked.
pub(super) fn walk(
    parser: &dyn Parser,
    context: &Context,
    input: &mut dyn Read,
    visit: &mut Visit<'_>,
) -> Result<(), ParseError> {
    let (format, mut masker) = (parser.name(), Masker::new(&context.secret_key));
    let budget = Budget::default();
    let mut reader = BufReader::new(Metered { inner: encoding::open(format, input)?, budget: budget.clone() });
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(|error| {
            if budget.is_spent() {
                return invalid(format, &format!("a single line is longer than {} MiB", MAX_VALUE >> 20), number);
            }
            ParseError::Read(error)
        })?;
        if read == 0 {
            break;
        }
        let end = line.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
        visit(number, &String::from_utf8_lossy(&masker.line(&line[..end])))?;
        budget.renew();
    }
    Ok(())
}

/// The error for what is wrong with a line.
pub(super) fn invalid(format: &'static str, message: &str, number: u64) -> ParseError {
    ParseError::Invalid { format, message: message.to_owned(), place: format!("line {number}") }
}

#[cfg(test)]
mod tests {
    use super::super::lynis::Lynis;
    use super::super::testing::context;
    use super::*;

    fn lines(bytes: &[u8]) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        walk(&Lynis, &context(), &mut &bytes[..], &mut |number, line| {
            lines.push(format!("{number}={line}"));
            Ok(())
        })
        .map(|()| lines)
        .map_err(|error| error.to_string())
    }

    #[test]
    fn every_line_comes_whole_and_without_its_end() {
        assert_eq!(lines(b"\xEF\xBB\xBFa\r\n\n b\xFF").unwrap(), ["1=a", "2=", "3= b\u{FFFD}"]);
        assert!(lines(b"").unwrap_err().contains("empty"));
    }

    #[test]
    fn one_line_cannot_fill_the_memory() {
        let huge = "x".repeat(MAX_VALUE + (1 << 20));
        assert!(lines(format!("a\n{huge}").as_bytes()).unwrap_err().contains("line 2"));
        assert_eq!(lines("xxxxxxxxxxxxxxx\n".repeat(1_200_000).as_bytes()).unwrap().len(), 1_200_000);
    }
}
