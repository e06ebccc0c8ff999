//! Targets as CSV, with a header row.

use std::io::BufRead;

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::{FIELDS, Malformed, Metered, TOLD, Take, set, unknown_field};
use crate::app::targets::entry::RawEntry;
use crate::app::targets::import::Stop;

/// Bytes that the reader takes at once.
const BUFFER: usize = 32 << 10;

pub(super) fn read(input: impl BufRead, take: Take<'_>) -> Result<(), Stop> {
    let (input, meter) = Metered::new(input, BUFFER as u64);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .buffer_capacity(BUFFER)
        .from_reader(input);
    let mut record = ByteRecord::new();
    let mut columns: Option<Vec<String>> = None;
    loop {
        meter.renew();
        if !reader.read_byte_record(&mut record).map_err(|error| malformed(&error, reader.position().line()))? {
            return if columns.is_some() { Ok(()) } else { Err(Malformed::at(1, "it is empty").into()) };
        }
        let line = record.position().map_or(0, csv::Position::line);
        match &columns {
            None => columns = Some(header(&record).map_err(|message| Malformed::at(line, message))?),
            Some(columns) => take(line, entry(columns, &record))?,
        }
    }
}

fn malformed(error: &csv::Error, line: u64) -> Malformed {
    let line = error.position().map_or(line, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Io(error) => Malformed::at(line, error.to_string()),
        _ => Malformed::at(line, error.to_string()),
    }
}

fn header(record: &ByteRecord) -> Result<Vec<String>, String> {
    let mut columns: Vec<String> = Vec::new();
    for name in record {
        let name = std::str::from_utf8(name).map_err(|_| "the header is no UTF-8".to_owned())?.to_ascii_lowercase();
        if !FIELDS.contains(&name.as_str()) && !TOLD.contains(&name.as_str()) {
            return Err(unknown_field(&name));
        }
        if columns.contains(&name) {
            return Err(format!("the column `{name}` is there twice"));
        }
        columns.push(name);
    }
    if !columns.iter().any(|name| name == "target") {
        return Err("the header has no column `target`".to_owned());
    }
    Ok(columns)
}

fn entry(columns: &[String], record: &ByteRecord) -> Result<RawEntry, String> {
    if record.len() != columns.len() {
        return Err(format!("it has {} values, and there are {} columns", record.len(), columns.len()));
    }
    let mut entry = RawEntry::default();
    for (column, value) in columns.iter().zip(record) {
        let value = std::str::from_utf8(value).map_err(|_| format!("`{column}` is no UTF-8"))?;
        set(&mut entry, column, value.to_owned())?;
    }
    Ok(entry)
}
