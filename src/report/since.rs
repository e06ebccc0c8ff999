//! How a scan's findings stand to those known before, in words.

use super::text::clean;
use super::words::{count, grouped};
use super::{Reference, ReportData};
use crate::model::standing::Standings;

/// How the findings stand to those known before; nothing for a first scan, to which all is new, unless something else was asked for.
pub(super) fn since(data: &ReportData<'_>) -> Vec<String> {
    let known = |standings: &&Standings| !standings.first || data.reference.is_some();
    let Some(standings) = data.scan.standings.as_ref().filter(known) else { return Vec::new() };
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
    let mut lines: Vec<String> = data.reference.map(reference).into_iter().collect();
    lines.push(if named.is_empty() { "nothing changed".to_owned() } else { named.join(" · ") });
    lines.extend(standings.not_observed.iter().map(|(reason, number)| {
        format!("{} not observed, and still open: {}", count(*number, "finding", "findings"), reason.explain())
    }));
    lines
}

/// Names what the standings relate to.
pub(super) fn reference(reference: &Reference) -> String {
    match reference {
        Reference::Baseline { file, findings } => {
            format!("the baseline {} with {}", clean(file), count(*findings, "finding", "findings"))
        }
        Reference::Since { asked, scans } if scans.is_empty() => {
            format!("{}: no scan is so old, so everything is new", clean(asked))
        }
        Reference::Since { asked, scans } => format!("{} (scan {})", clean(asked), scans.join(", ")),
    }
}
