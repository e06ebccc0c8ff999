//! How a scan's findings stand to those known before, in words.

use super::words::{count, grouped};
use crate::model::view::ScanView;

/// How the findings stand to those known before; nothing for a first scan, to which all is new.
pub(super) fn since(scan: &ScanView) -> Vec<String> {
    let Some(standings) = scan.standings.as_ref().filter(|standings| !standings.first) else { return Vec::new() };
    let kinds = [
        (standings.new.total(), "new"),
        (standings.reopened.total(), "reopened"),
        (standings.existing.total(), "existing"),
        (standings.fixed.total(), "fixed"),
    ];
    let named: Vec<String> = kinds
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", grouped(*number)))
        .collect();
    let mut lines = vec![if named.is_empty() { "nothing changed".to_owned() } else { named.join(" · ") }];
    lines.extend(standings.not_observed.iter().map(|(reason, number)| {
        format!("{} not observed, and still open: {}", count(*number, "finding", "findings"), reason.explain())
    }));
    lines
}
