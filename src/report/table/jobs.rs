//! The table of jobs.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::super::facts::{found, listed, mark, saw};
use super::super::text::{clean, fit};
use super::super::words::{count, took};
use super::paint::Paint;
use crate::model::view::JobView;

/// Up to this many jobs have a row each; of more, those that did not see everything come first.
const MAX_ROWS: usize = 50;

/// Draws a row for each job, as far as people read.
pub(super) fn table(jobs: &[JobView], paint: Paint, width: usize, out: &mut dyn Write) -> io::Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    let columns = u16::try_from(width).unwrap_or(u16::MAX);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["JOB", "SCANNER", "STATE", "SAW", "FOUND", "TIME"]);
    let listed = listed(jobs, MAX_ROWS);
    table.add_rows(listed.iter().map(|job| row(job, width)));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if let Some(time) = table.column_mut(5) {
        time.set_cell_alignment(CellAlignment::Right);
        time.set_padding((0, 0));
    }
    for (i, line) in table.lines().enumerate() {
        let line = line.trim_end();
        let first = line.chars().next().unwrap_or(' ');
        match i {
            0 => writeln!(out, "{}", paint.faint(line))?,
            _ => writeln!(out, "{}{}", paint.mark(&first.to_string()), &line[first.len_utf8().min(line.len())..])?,
        }
    }
    if jobs.len() > listed.len() {
        writeln!(out, "… and {}", count((jobs.len() - listed.len()) as u64, "job", "jobs"))?;
    }
    writeln!(out)
}

fn row(job: &JobView, width: usize) -> [String; 6] {
    let scanner = match &job.scanner_version {
        Some(version) => format!("{} {}", job.scanner, version),
        None => job.scanner.clone(),
    };
    let name = format!("{} {}", mark(job), clean(&job.name));
    [
        fit(&name, width / 4).into_owned(),
        fit(&clean(&scanner), width / 4).into_owned(),
        job.state.to_string(),
        saw(job).to_owned(),
        found(job),
        took(job.started_at, job.finished_at),
    ]
}
