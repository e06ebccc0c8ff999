//! Colours, or none.

use anstyle::{AnsiColor, Style};

use crate::model::severity::Severity;

/// Paints words when colours are wanted.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    pub(super) color: bool,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub(super) fn label(self, text: &str) -> String {
        self.with(BOLD, text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.with(DIM, text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.with(GREEN.bold(), text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.with(RED.bold(), text)
    }

    /// A banner that cannot be overlooked.
    pub(super) fn alarm(self, text: &str) -> String {
        self.with(AnsiColor::White.on(AnsiColor::Red).bold(), text)
    }

    /// The gate's outcome.
    pub(super) fn outcome(self, failed: bool, text: &str) -> String {
        if failed { self.bad(text) } else { text.to_owned() }
    }

    /// A severity's heading.
    pub(super) fn severity(self, severity: Severity, text: &str) -> String {
        let style = match severity {
            Severity::Critical => AnsiColor::Magenta.on_default(),
            Severity::High => RED,
            Severity::Medium | Severity::Unknown => YELLOW,
            Severity::Low => AnsiColor::Cyan.on_default(),
            Severity::Info => DIM,
        };
        self.with(style.bold(), text)
    }

    /// The mark before a job.
    pub(super) fn mark(self, mark: &str) -> String {
        match mark {
            "✓" => self.with(GREEN, mark),
            "✗" => self.with(RED, mark),
            "!" => self.with(YELLOW, mark),
            _ => self.with(DIM, mark),
        }
    }
}
