//! Words out: standard output carries data, standard error talk.

use std::fmt::Write as _;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use supports_hyperlinks::Stream;

use super::error::CliError;
use super::style::{self, BAD, DIM, WARN, paint};
use crate::config::Environment;
use crate::report::Style;
use crate::report::text::clean;

/// Columns where no terminal says how many there are.
const WIDTH: usize = 100;
/// How often the same thing is said again, with how far it has come, where nothing can move.
const REPEAT: Duration = Duration::from_secs(10);

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where a command's words go.
#[derive(Debug, Clone)]
pub(super) struct Ui {
    pub(super) out: Channel,
    pub(super) err: Channel,
    pub(super) quiet: bool,
    /// All that moves on standard error; what else is written there goes around it.
    pub(super) live: MultiProgress,
}

/// One of the standard streams.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel {
    pub(super) terminal: bool,
    pub(super) color: bool,
    /// Columns, if it is a terminal.
    pub(super) width: Option<usize>,
}

impl Channel {
    fn new(terminal: bool, size: Option<u16>, choice: ColorChoice, env: &Environment) -> Self {
        let set = |name| env.get(name).is_some_and(|value: &String| !value.is_empty());
        let dumb = env.get("TERM").is_some_and(|term| term == "dumb");
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !set("NO_COLOR") && (terminal && !dumb || set("CLICOLOR_FORCE")),
        };
        let columns = env.get("COLUMNS").and_then(|columns| columns.parse().ok());
        let width = columns.or_else(|| size.map(usize::from)).filter(|width| terminal && *width > 0);
        Self { terminal, color, width }
    }
}

impl Ui {
    /// Looks at the streams of this process.
    pub(super) fn new(choice: ColorChoice, quiet: bool, env: &Environment) -> Self {
        let columns = |size: rustix::io::Result<rustix::termios::Winsize>| size.ok().map(|size| size.ws_col);
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let out = Channel::new(stdout.is_terminal(), columns(rustix::termios::tcgetwinsize(&stdout)), choice, env);
        let err = Channel::new(stderr.is_terminal(), columns(rustix::termios::tcgetwinsize(&stderr)), choice, env);
        let target = if err.terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { out, err, quiet, live: MultiProgress::with_draw_target(target) }
    }

    /// Returns how reports for people look on standard output.
    pub(super) fn report_style(&self) -> Style {
        let (width, color) = (self.out.width.unwrap_or(WIDTH), self.out.color);
        let links = color && self.out.terminal && supports_hyperlinks::on(Stream::Stdout);
        Style { width, color, links, ..Style::default() }
    }

    /// Says something, unless the user wants quiet.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            self.talk(text);
        }
    }

    /// Warns.
    pub(super) fn warn(&self, text: &str) {
        self.talk(&format!("{} {}", paint(self.err.color, WARN, "warning:"), clean(text)));
    }

    /// Tells of an error, with what it comes from and what to do.
    pub(super) fn error(&self, error: &CliError) {
        let mut text = format!("{} {}", paint(self.err.color, BAD, "error:"), clean(&error.message()));
        for line in &error.excerpt {
            let _ = write!(text, "\n    {}", clean(line));
        }
        for cause in error.causes() {
            let _ = write!(text, "\n  because {}", clean(&cause));
        }
        for hint in &error.hints {
            let _ = write!(text, "\n  {} {hint}", paint(self.err.color, DIM, "help:"));
        }
        self.talk(&text);
    }

    /// Writes to standard error around what moves there. Nobody can be told when that fails.
    pub(super) fn talk(&self, text: &str) {
        self.live.suspend(|| drop(writeln!(io::stderr().lock(), "{text}")));
    }

    /// Opens standard output.
    pub(super) fn stdout() -> BufWriter<io::StdoutLock<'static>> {
        BufWriter::with_capacity(1 << 16, io::stdout().lock())
    }

    /// Writes one text to standard output.
    #[expect(clippy::unused_self, reason = "callers need not know which of the words depend on the terminal")]
    pub(super) fn print(&self, text: &str) -> Result<(), CliError> {
        let mut out = Self::stdout();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Writes rows in columns to standard output.
    pub(super) fn table(&self, header: &[&str], rows: &[Vec<String>]) -> Result<(), CliError> {
        let lines = style::columns(header, rows, self.out.width);
        let mut text = String::new();
        for (i, line) in lines.iter().enumerate() {
            let line = if i == 0 { paint(self.out.color, DIM, line) } else { line.clone() };
            let _ = writeln!(text, "{line}");
        }
        self.print(&text)
    }

    /// Writes a value to standard output as JSON, versioned by its schema.
    pub(super) fn json(&self, schema: &str, name: &str, value: &impl Serialize) -> Result<(), CliError> {
        let mut object = serde_json::Map::new();
        object.insert("schema".to_owned(), schema.into());
        object.insert(name.to_owned(), serde_json::to_value(value)?);
        self.print(&(serde_json::to_string_pretty(&object)? + "\n"))
    }

    /// Starts to show that something takes a while.
    pub(super) fn waiting(&self, text: &'static str) -> Waiting {
        let style =
            ProgressStyle::with_template("{spinner:.cyan} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = self.live.add(ProgressBar::new_spinner().with_style(style).with_message(text));
        bar.enable_steady_tick(Duration::from_millis(100));
        Waiting { bar, lines: (!self.err.terminal && !self.quiet).then(Mutex::default) }
    }
}

/// Something that takes a while; ends when dropped.
pub(super) struct Waiting {
    bar: ProgressBar,
    /// Where nothing can move, what was said last, and when.
    lines: Option<Mutex<Option<(String, Instant)>>>,
}

impl Waiting {
    /// Says what is being done now: up to the first comma, what; from there on, how far it has come.
    pub(super) fn say(&self, text: &str) {
        self.bar.set_message(clean(text).into_owned());
        let Some(lines) = &self.lines else { return };
        let what = text.split(", ").next().unwrap_or(text);
        let mut last = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_some_and(|(said, at)| said == what && at.elapsed() < REPEAT) {
            return;
        }
        *last = Some((what.to_owned(), Instant::now()));
        drop(last);
        // Nobody can be told when that fails.
        drop(writeln!(io::stderr().lock(), "{}", clean(text)));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let env = |pairs: &[(&str, &str)]| -> Environment {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let color = |terminal, choice, pairs: &[_]| Channel::new(terminal, Some(80), choice, &env(pairs)).color;
        assert!(color(true, ColorChoice::Auto, &[("NO_COLOR", "")]));
        assert!(!color(true, ColorChoice::Auto, &[("NO_COLOR", "1")]));
        assert!(!color(true, ColorChoice::Auto, &[("TERM", "dumb")]));
        assert!(!color(false, ColorChoice::Auto, &[]));
        assert!(color(false, ColorChoice::Always, &[("NO_COLOR", "1")]));
        assert!(!color(true, ColorChoice::Never, &[]));
    }

    #[test]
    fn only_terminals_have_a_width() {
        let width = |terminal| Channel::new(terminal, Some(80), ColorChoice::Auto, &Environment::new()).width;
        assert_eq!((width(true), width(false)), (Some(80), None));
    }
}
