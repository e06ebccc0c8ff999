//! Quantities and times in words.

use std::time::Duration;

use crate::model::clock::Timestamp;

/// `1 job`, `2 jobs`.
pub(super) fn count(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// `350 B`, `8.3 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (u128::from(bytes) * 10 / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `0.4s`, `12s`, `3m 05s`, `2h 07m`.
pub(super) fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("0.{}s", duration.subsec_millis() / 100),
        seconds @ 1..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// The time between two moments, in words; `-` when there is none.
pub(super) fn took(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => duration(Duration::from_millis(u64::try_from(to.since(from)).unwrap_or(0))),
        _ => "-".to_owned(),
    }
}

/// `2026-05-01 13:00:00` on the user's clock.
pub(super) fn moment(at: Timestamp) -> String {
    let Ok(moment) = jiff::Timestamp::from_millisecond(at.0) else { return "-".to_owned() };
    moment.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_easily() {
        assert_eq!((size(1023), size(8_700_000)), ("1023 B".to_owned(), "8.2 MiB".to_owned()));
        let words = [400, 12_000, 185_000, 7_620_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(words, ["0.4s", "12s", "3m 05s", "2h 07m"]);
        assert_eq!((count(1, "job"), count(0, "job")), ("1 job".to_owned(), "0 jobs".to_owned()));
    }
}
