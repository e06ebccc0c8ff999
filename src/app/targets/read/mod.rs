//! Lists of targets: CSV, JSON, JSON lines, and plain lines. They are hostile: nothing in them takes more memory than
//! [`MOST_BYTES`], however long they are.

mod csv;
mod json;
mod lines;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, BufRead};
use std::path::Path;

use super::entry::RawEntry;
use super::import::Stop;
use crate::model::nearest::Hint;

/// Most bytes of one entry.
pub(super) const MOST_BYTES: u64 = 64 << 10;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListFormat {
    /// Rows of values; the first one names the columns.
    Csv,
    /// A list of objects, alone or as `targets` of an object.
    Json,
    /// One object a line.
    Jsonl,
    /// One target a line.
    Lines,
}

impl ListFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Json, Self::Jsonl, Self::Lines];

    /// Returns the format's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Lines => "lines",
        }
    }
}

/// A list that cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Where.
    pub line: Option<u64>,
    /// Why.
    pub message: String,
}

impl Malformed {
    pub(super) fn at(line: u64, message: impl Into<String>) -> Self {
        Self { line: Some(line), message: message.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Takes an entry and the line that it begins on, or the reason why it is none.
pub(super) type Take<'a> = &'a mut dyn FnMut(u64, Result<RawEntry, String>) -> Result<(), Stop>;

/// Reads a list.
pub(super) fn read(
    mut input: impl BufRead,
    name: &str,
    format: Option<ListFormat>,
    take: Take<'_>,
) -> Result<(), Stop> {
    if input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    let format = match format.or_else(|| by_name(name)) {
        Some(format) => format,
        None => by_content(input.fill_buf()?),
    };
    match format {
        ListFormat::Csv => csv::read(input, take),
        ListFormat::Json => json::read(input, take),
        ListFormat::Jsonl => lines::read_json(input, take),
        ListFormat::Lines => lines::read(input, take),
    }
}

fn by_name(name: &str) -> Option<ListFormat> {
    match Path::new(name).extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(ListFormat::Csv),
        "json" => Some(ListFormat::Json),
        "jsonl" | "ndjson" => Some(ListFormat::Jsonl),
        _ => None,
    }
}

/// Tells a format by how the list begins.
fn by_content(head: &[u8]) -> ListFormat {
    let head = head.trim_ascii_start();
    let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match head.first() {
        Some(b'[') => ListFormat::Json,
        Some(b'{') => match serde_json::from_slice::<serde_json::Value>(first) {
            // An object that ends with its line, and is no list of them.
            Ok(object) if object.get("targets").is_none() => ListFormat::Jsonl,
            _ => ListFormat::Json,
        },
        _ if is_header(first) => ListFormat::Csv,
        _ => ListFormat::Lines,
    }
}

fn is_header(line: &[u8]) -> bool {
    let words = line.split(|byte| *byte == b',');
    words
        .map(|word| word.trim_ascii().trim_ascii_end())
        .any(|word| word.eq_ignore_ascii_case(b"target") || word == b"\"target\"")
}

/// What can be said of a target, in the order in which it is explained.
pub(super) const FIELDS: [&str; 8] =
    ["name", "target", "tags", "enabled", "template", "note", "organisation", "project"];
/// What our own lists say beside that.
pub(super) const TOLD: [&str; 4] = ["schema", "created_at", "updated_at", "actor"];

/// Sets a field to a text. An empty one takes away what can be taken away, and says nothing of the rest.
pub(super) fn set(entry: &mut RawEntry, field: &str, text: String) -> Result<(), String> {
    let said = (!text.trim().is_empty()).then(|| text.clone());
    match field {
        "name" => entry.name = said,
        "target" => entry.target = text,
        "tags" => {
            entry.tags = Some(text.split([';', ' ', '\t']).filter(|tag| !tag.is_empty()).map(str::to_owned).collect());
        }
        "enabled" => entry.enabled = said.as_deref().map(enabled).transpose()?,
        "template" => entry.template = Some(text),
        "note" => entry.note = Some(text),
        "organisation" => entry.organisation = said,
        "project" => entry.project = said,
        told if TOLD.contains(&told) => {}
        unknown => return Err(unknown_field(unknown)),
    }
    Ok(())
}

pub(super) fn unknown_field(name: &str) -> String {
    let short: String = name.chars().take(64).collect();
    format!(
        "`{short}` is nothing that can be said of a target{}; there are {}",
        Hint::new(&short, FIELDS),
        FIELDS.join(", ")
    )
}

fn enabled(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        other => Err(format!("`enabled` is true or false, not {other:?}")),
    }
}

pub(super) fn too_long() -> String {
    format!("the entry has more than {MOST_BYTES} bytes")
}

/// A reader that counts lines, and ends with an error where one entry takes too much.
pub(super) struct Metered<R> {
    inner: R,
    meter: std::rc::Rc<Meter>,
}

/// What a [`Metered`] has read.
pub(super) struct Meter {
    /// The line that is being read.
    pub(super) line: std::cell::Cell<u64>,
    left: std::cell::Cell<u64>,
    allowance: u64,
}

impl Meter {
    /// A new entry begins.
    pub(super) fn renew(&self) {
        self.left.set(self.allowance);
    }
}

impl<R> Metered<R> {
    /// `ahead` is how much a reader may read before it is needed.
    pub(super) fn new(inner: R, ahead: u64) -> (Self, std::rc::Rc<Meter>) {
        let allowance = MOST_BYTES + ahead;
        let meter = Meter { line: std::cell::Cell::new(1), left: std::cell::Cell::new(allowance), allowance };
        let meter = std::rc::Rc::new(meter);
        (Self { inner, meter: meter.clone() }, meter)
    }
}

impl<R: io::Read> io::Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.meter.left.get();
        if left == 0 {
            return Err(io::Error::other(too_long()));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        self.meter.left.set(left - read as u64);
        let lines = memchr::memchr_iter(b'\n', &buffer[..read]).count();
        self.meter.line.set(self.meter.line.get() + lines as u64);
        Ok(read)
    }
}
