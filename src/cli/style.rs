//! How things look on a terminal.

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;
use comfy_table::{ContentArrangement, Table, presets};

use crate::model::state::{JobState, ScanState};

/// A label.
pub(super) const BOLD: Style = Style::new().bold();
/// What matters less.
pub(super) const DIM: Style = Style::new().dimmed();
/// An error.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// A warning.
pub(super) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// What went well.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// What is under way.
pub(super) const LIVE: Style = AnsiColor::Cyan.on_default();

/// The style of help texts.
pub(super) const HELP: Styles =
    Styles::styled().header(BOLD).usage(BOLD).literal(LIVE).error(BAD).valid(GOOD).invalid(WARN);

/// Paints a text, or not.
pub(super) fn paint(color: bool, style: Style, text: &str) -> String {
    if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// Returns the mark and the style of a job's state.
pub(super) const fn job(state: JobState) -> (&'static str, Style) {
    match state {
        JobState::Succeeded => ("✓", GOOD),
        JobState::Failed | JobState::Quarantined => ("✗", BAD),
        JobState::Cancelled | JobState::Backoff => ("!", WARN),
        JobState::Running => ("›", LIVE),
        JobState::Skipped | JobState::Pending | JobState::Ready => ("-", DIM),
    }
}

/// Returns the style of a scan's state.
pub(super) const fn scan(state: ScanState) -> Style {
    match state {
        ScanState::Completed => GOOD,
        ScanState::Failed => BAD,
        ScanState::Cancelled | ScanState::Cancelling | ScanState::Paused | ScanState::Pausing => WARN,
        ScanState::Created | ScanState::Queued | ScanState::Running => LIVE,
    }
}

/// Lays rows out in columns without lines, the header first; as wide as its content when there is no terminal.
pub(super) fn columns(header: &[&str], rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}
