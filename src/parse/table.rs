//! Walks a table in CSV (RFC 4180): the first row names the columns, each further row is one result.
//!
//! Programs end every row. A table whose last one has no end may be cut off, which is no error where somebody may as well have
//! trimmed it: the caller says so in its summary, and the report is not taken for the whole.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ReaderBuilder, StringRecord};

use super::known::may_hold;
use super::mask::Masker;
use super::metered::{Budget, MAX_VALUE, Metered};
use super::output::Output;
use super::{Context, ParseError, Parser, encoding};

/// What a summary says of a table whose last row has no end.
const OPEN: &str = "the last row has no end: the table may be cut off";

/// How a table ends, as far as it was read.
#[derive(Clone, Copy, Default)]
pub(super) struct End {
    last: u8,
    /// Whether a quoted cell is open.
    quoted: bool,
}

impl End {
    /// Whether the last row ends: with its line, or with a cell in quotes.
    pub(super) fn is_whole(self) -> bool {
        matches!(self.last, b'\n' | b'\r') || (self.last == b'"' && !self.quoted)
    }
}

/// A reader that remembers the end of what it has read.
pub(super) struct Tail<R> {
    pub(super) inner: R,
    pub(super) end: Rc<Cell<End>>,
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut end = self.end.get();
        for byte in &buffer[..read] {
            end.quoted ^= *byte == b'"';
            end.last = *byte;
        }
        self.end.set(end);
        Ok(read)
    }
}

/// One row, with the names of its columns.
pub(super) struct Row<'r> {
    columns: &'r StringRecord,
    cells: &'r StringRecord,
}

impl<'r> Row<'r> {
    /// The cell of a column, trimmed; `None` when there is no such column or nothing in it. Capitals do not matter.
    pub(super) fn get(&self, column: &str) -> Option<&'r str> {
        let at = self.columns.iter().position(|name| name.trim().eq_ignore_ascii_case(column))?;
        self.cells.get(at).map(str::trim).filter(|cell| !cell.is_empty())
    }

    /// The first of several columns that holds something.
    pub(super) fn first(&self, columns: &[&str]) -> Option<&'r str> {
        columns.iter().find_map(|column| self.get(column))
    }

    /// A copy of a cell; empty when absent.
    pub(super) fn owned(&self, column: &str) -> String {
        self.get(column).unwrap_or_default().to_owned()
    }
}

/// Reads the table; it must have all the columns of `required`. Secrets are masked in the cells, which are parted by `delimiter`.
/// A row may end in empty cells beyond the last column, as some scanners write it. That the last row has no end is told to `output`.
pub(super) fn walk(
    parser: &dyn Parser,
    context: &Context,
    input: &mut dyn Read,
    (delimiter, required): (u8, &[&str]),
    output: &mut Output<'_>,
    visit: &mut dyn FnMut(&Row<'_>, &mut Output<'_>) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let (format, mut masker) = (parser.name(), Masker::new(&context.secret_key));
    let (budget, end) = (Budget::default(), Rc::new(Cell::new(End::default())));
    let metered = Metered { inner: encoding::open(format, input)?, budget: budget.clone() };
    let tail = Tail { inner: metered, end: Rc::clone(&end) };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(tail);
    let columns = reader.headers().map_err(|error| broken(format, &error, &budget))?.clone();
    let missing = required.iter().find(|name| !columns.iter().any(|column| column.trim().eq_ignore_ascii_case(name)));
    if let Some(missing) = missing {
        let message = format!("it has no column `{missing}`");
        return Err(ParseError::Invalid { format, message, place: "line 1".to_owned() });
    }
    let mut cells = StringRecord::new();
    while reader.read_record(&mut cells).map_err(|error| broken(format, &error, &budget))? {
        if cells.len() < columns.len() || cells.iter().skip(columns.len()).any(|cell| !cell.trim().is_empty()) {
            let message = format!("a row has {} cells, and the table {} columns", cells.len(), columns.len());
            let place = cells.position().map_or_else(String::new, |at| format!("line {}", at.line()));
            return Err(ParseError::Invalid { format, message, place });
        }
        if cells.iter().any(|cell| may_hold(cell.as_bytes())) {
            cells = cells.iter().map(|cell| masker.masked(cell)).collect();
        }
        visit(&Row { columns: &columns, cells: &cells }, output)?;
        budget.renew();
    }
    let place = || format!("line {}", reader.position().line());
    match end.get() {
        end if end.is_whole() => Ok(()),
        End { quoted: true, .. } => {
            let message = "it breaks off within a quoted cell".to_owned();
            Err(ParseError::Invalid { format, message, place: place() })
        }
        _ if output.counted() == 0 => {
            Err(ParseError::Invalid { format, message: "it breaks off in its first line".to_owned(), place: place() })
        }
        _ => {
            output.error(OPEN);
            Ok(())
        }
    }
}

pub(super) fn broken(format: &'static str, error: &csv::Error, budget: &Budget) -> ParseError {
    let place = error.position().map_or_else(|| "line 1".to_owned(), |at| format!("line {}", at.line()));
    if budget.is_spent() {
        let message = format!("a single row is longer than {} MiB", MAX_VALUE >> 20);
        return ParseError::Invalid { format, message, place };
    }
    match error.kind() {
        csv::ErrorKind::Io(error) => ParseError::Read(io::Error::new(error.kind(), error.to_string())),
        _ => ParseError::Invalid { format, message: error.to_string(), place },
    }
}

#[cfg(test)]
mod tests {
    use super::super::flawfinder::Flawfinder;
    use super::super::testing::{Kept, context};
    use super::*;

    fn read(text: &str) -> Result<(Vec<String>, Vec<String>), String> {
        let (mut rows, mut kept) = (Vec::new(), Kept::default());
        let mut output = Output::new(&mut kept);
        let shape = (b',', &["id", "severity"][..]);
        walk(&Flawfinder, &context(), &mut text.as_bytes(), shape, &mut output, &mut |row, output| {
            rows.push(format!("{}:{}", row.owned("id"), row.first(&["none", "SEVERITY"]).unwrap_or("-")));
            output.skip("row");
            Ok(())
        })
        .map(|()| (rows, output.summary.errors))
        .map_err(|error| error.to_string())
    }

    fn rows(text: &str) -> Result<Vec<String>, String> {
        read(text).map(|(rows, _)| rows)
    }

    #[test]
    fn columns_are_found_by_name_and_cells_may_hold_anything() {
        let text = "\u{feff}\"Severity\",id,text\r\nHIGH,a,\"x, \"\"y\"\"\nz\"\r\n,b,\n";
        assert_eq!(rows(text).unwrap(), ["a:HIGH", "b:-"]);
    }

    #[test]
    fn other_tables_and_rows_that_break_off_are_errors() {
        assert!(rows("id,other\n1,2\n").unwrap_err().contains("no column `severity`"));
        assert!(rows("id,severity\n1,2\n1\n").unwrap_err().contains("line 3"));
        assert!(rows("id,severity\n1,2,3\n").unwrap_err().contains("line 2"));
        assert_eq!(rows("id,severity\n1,2,,\n").unwrap(), ["1:2"]);
        assert!(rows("").unwrap_err().contains("empty"));
        assert_eq!(rows("id,severity\n").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_table_that_breaks_off_is_told_from_a_whole_one() {
        for whole in ["id,severity\n1,2\n", "id,severity\r\n1,2\r\n", "id,severity\n\"1\",\"2\"", "\"id\",\"severity\""]
        {
            assert!(read(whole).unwrap().1.is_empty(), "{whole}");
        }
        assert_eq!(
            read("id,severity\n1,2\n1,hig").unwrap(),
            (vec!["1:2".to_owned(), "1:hig".to_owned()], vec![OPEN.to_owned()])
        );
        assert!(read("id,severity").unwrap_err().contains("in its first line"));
        assert!(read("id,severity\n\"1\",\"hig").unwrap_err().contains("within a quoted cell (at line"));
    }
}
