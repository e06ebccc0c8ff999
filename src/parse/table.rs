//! Walks a table in CSV (RFC 4180): the first row names the columns, each further row is one result.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord};

use super::known::may_hold;
use super::mask::Masker;
use super::metered::{Budget, MAX_VALUE, Metered};
use super::{Context, ParseError, Parser, encoding};

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
/// A row may end in empty cells beyond the last column, as some scanners write it.
pub(super) fn walk(
    parser: &dyn Parser,
    context: &Context,
    input: &mut dyn Read,
    delimiter: u8,
    required: &[&str],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let (format, mut masker) = (parser.name(), Masker::new(&context.secret_key));
    let budget = Budget::default();
    let metered = Metered { inner: encoding::open(format, input)?, budget: budget.clone() };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(metered);
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
        visit(&Row { columns: &columns, cells: &cells })?;
        budget.renew();
    }
    Ok(())
}

pub(super) fn broken(format: &'static str, error: &csv::Error, budget: &Budget) -> ParseError {
    let place = error.position().map_or_else(|| "line 1".to_owned(), |at| format!("line {}", at.line()));
    if budget.is_spent() {
        let message = format!("a single row is longer than {} MiB", MAX_VALUE >> 20);
        return ParseError::Invalid { format, message, place };
    }
    match error.kind() {
        csv::ErrorKind::Io(error) => ParseError::Read(std::io::Error::new(error.kind(), error.to_string())),
        _ => ParseError::Invalid { format, message: error.to_string(), place },
    }
}

#[cfg(test)]
mod tests {
    use super::super::flawfinder::Flawfinder;
    use super::super::testing::context;
    use super::*;

    fn rows(text: &str) -> Result<Vec<String>, String> {
        let mut rows = Vec::new();
        walk(&Flawfinder, &context(), &mut text.as_bytes(), b',', &["id", "severity"], &mut |row| {
            rows.push(format!("{}:{}", row.owned("id"), row.first(&["none", "SEVERITY"]).unwrap_or("-")));
            Ok(())
        })
        .map(|()| rows)
        .map_err(|error| error.to_string())
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
}
