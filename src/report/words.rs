//! Numbers and times in words.

use std::fmt::Write as _;
use std::time::Duration;

use crate::model::clock::Timestamp;
use crate::model::finding::SeverityCounts;
use crate::model::id::Sha256;
use crate::model::severity::Severity;

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `8.3 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return count(bytes, "byte", "bytes");
    }
    let (mut tenths, mut unit) = (u128::from(bytes) * 10 / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `350ms`, `12s`, `10m 05s`, `3h 20m`; `-` while there is no end.
pub(super) fn took(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    let (Some(from), Some(to)) = (from, to) else { return "-".to_owned() };
    let elapsed = Duration::from_millis(u64::try_from(to.since(from)).unwrap_or(0));
    match elapsed.as_secs() {
        0 => format!("{}ms", elapsed.as_millis()),
        seconds @ 1..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// `2 critical, 1 low`; severities without a record are left out.
pub(super) fn counts(counts: &SeverityCounts, separator: &str) -> String {
    let named = Severity::ALL.into_iter().filter(|severity| counts.of(*severity) > 0);
    let parts: Vec<String> = named.map(|severity| format!("{} {severity}", grouped(counts.of(severity)))).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(separator) }
}

/// A UUID of version 8 (RFC 9562, section 5.8) that is the same for the same parts.
pub(super) fn uuid(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        let _ = write!(text, "{}:{part}", part.len());
    }
    let mut bytes = Sha256::of(text).0;
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let hex = Sha256(bytes).to_string();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

/// `2026-11-21T03:55:46Z`: to the second, as most formats want it.
pub(super) fn to_the_second(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_easily() {
        assert_eq!((grouped(0), grouped(999), grouped(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!(
            (size(1), size(1023), size(8_700_000), size(u64::MAX)),
            ("1 byte".into(), "1,023 bytes".into(), "8.2 MiB".into(), "16383.9 PiB".into())
        );
        let took = |ms| took(Some(Timestamp(0)), Some(Timestamp(ms)));
        assert_eq!(
            (took(350), took(12_000), took(605_000), took(12_000_000)),
            ("350ms".into(), "12s".into(), "10m 05s".into(), "3h 20m".into())
        );
        assert_eq!(took(-5), "0ms");
    }

    #[test]
    fn identifiers_are_of_their_parts_alone() {
        let id = uuid(&["a", "b"]);
        assert_eq!(id, uuid(&["a", "b"]));
        assert_ne!(id, uuid(&["ab", ""]));
        assert_eq!((id.len(), &id[14..15]), (36, "8"));
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
    }
}
