//! Targets line by line: plain, or each an object of JSON.

use std::io::{self, BufRead};

use super::{MOST_BYTES, Take, json, too_long};
use crate::app::targets::entry::RawEntry;
use crate::app::targets::import::Stop;

/// Reads one target a line; `#` begins a comment at the begin of a line, or after white space.
pub(super) fn read(input: impl BufRead, take: Take<'_>) -> Result<(), Stop> {
    each(input, &mut |line, text| {
        let Ok(text) = text else { return take(line, text.map(|_| RawEntry::default())) };
        let plain = without_comment(text).trim();
        if plain.is_empty() {
            return Ok(());
        }
        take(line, Ok(RawEntry { target: plain.to_owned(), ..RawEntry::default() }))
    })
}

/// Reads one object a line.
pub(super) fn read_json(input: impl BufRead, take: Take<'_>) -> Result<(), Stop> {
    each(input, &mut |line, text| {
        let Ok(text) = text else { return take(line, text.map(|_| RawEntry::default())) };
        if text.trim().is_empty() {
            return Ok(());
        }
        let value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"));
        take(line, value.and_then(json::entry))
    })
}

fn without_comment(line: &str) -> &str {
    let comment = line.match_indices('#').find(|(at, _)| *at == 0 || line[..*at].ends_with(char::is_whitespace));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Takes each line, or the reason why it is none.
type TakeLine<'a> = &'a mut dyn FnMut(u64, Result<&str, String>) -> Result<(), Stop>;

fn each(mut input: impl BufRead, take: TakeLine<'_>) -> Result<(), Stop> {
    let mut buffer = Vec::new();
    for number in 1.. {
        buffer.clear();
        // One byte more than there may be tells that there are too many.
        let read = io::Read::take(&mut input, MOST_BYTES + 1).read_until(b'\n', &mut buffer)?;
        if read == 0 {
            break;
        }
        let is_long = buffer.last() != Some(&b'\n') && read as u64 > MOST_BYTES;
        if is_long {
            input.skip_until(b'\n')?;
            take(number, Err(too_long()))?;
            continue;
        }
        match std::str::from_utf8(&buffer) {
            Ok(text) => take(number, Ok(text))?,
            Err(_) => take(number, Err("it is no UTF-8".to_owned()))?,
        }
    }
    Ok(())
}
