//! Colours and links, or none.

use anstyle::{AnsiColor, Style};

use super::super as report;
use crate::model::severity::Severity;

/// Paints words when colours are wanted.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    color: bool,
    links: bool,
}

/// Longest address of a link, in bytes: no terminal takes longer ones.
const MAX_LINK: usize = 2083;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

impl Paint {
    pub(super) const fn new(style: report::Style) -> Self {
        Self { color: style.color, links: style.links }
    }

    /// Makes words lead to an address, if it is one of the web and nothing but that: reports are written by others.
    pub(super) fn link(self, text: &str, address: Option<&String>) -> String {
        let is_web = |address: &&String| {
            let plain = address.bytes().all(|byte| byte.is_ascii_graphic());
            plain && address.len() <= MAX_LINK && (address.starts_with("https://") || address.starts_with("http://"))
        };
        match address.filter(is_web).filter(|_| self.links) {
            Some(address) => format!("\u{1b}]8;;{address}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\"),
            None => text.to_owned(),
        }
    }

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
