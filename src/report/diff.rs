//! What differs between two scans: a report of its own, for people and as `dragnet.diff/v1`.

use std::collections::BTreeMap;
use std::io::Write;

use super::{RenderError, Source, Style};
use crate::model::finding::{Location, SeverityCounts};
use crate::model::standing::{GoneView, Unseen};
use crate::model::view::{FindingView, ScanView};

/// A finding that is in both scans and has moved or changed its face.
#[derive(Debug, Clone, PartialEq)]
pub struct MovedView {
    /// As it is in the second scan.
    pub finding: FindingView,
    /// Where it was in the first.
    pub was: Location,
}

/// Everything that a comparison of two scans is made of. Lists come worst first.
pub struct DiffData<'d> {
    /// The first scan.
    pub before: &'d ScanView,
    /// The second.
    pub after: &'d ScanView,
    /// What a reader must know before comparing them, in words.
    pub warnings: &'d [String],
    /// How many there are of what.
    pub counts: &'d DiffCounts,
    /// Findings of the second scan that the first does not have.
    pub new: &'d mut dyn Source<FindingView>,
    /// Findings that both have, in another place or with another face.
    pub moved: &'d mut dyn Source<MovedView>,
    /// Findings of the first scan that the second does not have.
    pub gone: &'d mut dyn Source<GoneView>,
    /// Most findings that a report for people lists of a kind; none for all.
    pub limit: Option<u64>,
    /// How the report for people looks.
    pub style: Style,
}

/// How many findings differ how; each once, however many jobs brought it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiffCounts {
    /// In both, and as they were.
    pub unchanged: SeverityCounts,
    /// In both, and moved.
    pub moved: SeverityCounts,
    /// Only in the second.
    pub new: SeverityCounts,
    /// Only in the first, and the second would have brought them.
    pub fixed: SeverityCounts,
    /// Only in the first, and the second says nothing of them, by reason.
    pub not_observed: BTreeMap<Unseen, u64>,
}

/// How a comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Writes a comparison of two scans.
pub fn render(data: &mut DiffData<'_>, format: DiffFormat, out: &mut dyn Write) -> Result<(), RenderError> {
    match format {
        DiffFormat::Table => super::table::diff(data, out),
        DiffFormat::Json => super::json::diff(data, out),
    }
}
