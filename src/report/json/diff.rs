//! `dragnet.diff/v1`, frozen as `dragnet.report/v1` is.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::super::RenderError;
use super::super::diff::{DiffData, MovedView};
use super::super::source::for_each;
use super::Array;
use super::v1::{Finding, Gone, Place, Scan, by_severity};

const SCHEMA: &str = "dragnet.diff/v1";

/// How many findings differ how.
#[derive(Serialize)]
struct Summary<'s> {
    /// Whether both scans saw all that they should.
    complete: bool,
    unchanged: BTreeMap<&'static str, u64>,
    moved: BTreeMap<&'static str, u64>,
    new: BTreeMap<&'static str, u64>,
    fixed: BTreeMap<&'static str, u64>,
    not_observed: BTreeMap<&'static str, u64>,
    warnings: &'s [String],
}

/// A finding that moved: as it is, and where it was.
#[derive(Serialize)]
struct Moved<'m> {
    was: Place<'m>,
    #[serde(flatten)]
    finding: Finding<'m>,
}

impl<'m> Moved<'m> {
    fn new(moved: &'m MovedView) -> Self {
        Self { was: Place::new(&moved.was), finding: Finding::new(&moved.finding) }
    }
}

pub(in crate::report) fn diff(data: &mut DiffData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
    write!(out, "{{\"schema\":\"{SCHEMA}\",\n\"before\":")?;
    serde_json::to_writer(&mut *out, &Scan::new(data.before, None))?;
    write!(out, ",\n\"after\":")?;
    serde_json::to_writer(&mut *out, &Scan::new(data.after, None))?;
    write!(out, ",\n\"summary\":")?;
    let counts = data.counts;
    let summary = Summary {
        complete: data.before.is_complete() && data.after.is_complete(),
        unchanged: by_severity(&counts.unchanged),
        moved: by_severity(&counts.moved),
        new: by_severity(&counts.new),
        fixed: by_severity(&counts.fixed),
        not_observed: counts.not_observed.iter().map(|(reason, count)| (reason.as_str(), *count)).collect(),
        warnings: data.warnings,
    };
    serde_json::to_writer(&mut *out, &summary)?;
    write!(out, ",\n\"new\":")?;
    let mut new = Array::open(out)?;
    for_each(data.new, |finding| new.item(&Finding::new(&finding)).map(|()| true))?;
    new.close()?;
    write!(out, ",\n\"moved\":")?;
    let mut moved = Array::open(out)?;
    for_each(data.moved, |one| moved.item(&Moved::new(&one)).map(|()| true))?;
    moved.close()?;
    write!(out, ",\n\"gone\":")?;
    let mut gone = Array::open(out)?;
    for_each(data.gone, |finding| gone.item(&Gone::new(&finding)).map(|()| true))?;
    gone.close()?;
    Ok(writeln!(out, "}}")?)
}
