//! Diagnostics of our own: of commands on standard error, of a daemon there or in a file that is rotated. `DRAGNET_LOG` chooses what is
//! told, as in `DRAGNET_LOG=dragnet=debug`, whatever else says otherwise.

mod rotate;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::MultiProgress;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layered, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use crate::config::{LogConfig, LogFormat};
use crate::parse::LineMask;
use rotate::Rotating;

type Format = Box<dyn Layer<Registry> + Send + Sync>;
type Formatted = Layered<reload::Layer<Format, Registry>, Registry>;

/// What is told, and where; changes while the program runs.
#[derive(Clone)]
pub(super) struct Telemetry {
    format: reload::Handle<Format, Registry>,
    filter: reload::Handle<EnvFilter, Formatted>,
    live: MultiProgress,
    color: bool,
    /// Added to the level that is configured.
    verbose: u8,
}

/// Begins to show diagnostics: warnings, and with `verbose` more.
pub(super) fn init(verbose: u8, color: bool, live: &MultiProgress) -> Telemetry {
    let level = match verbose {
        0 => "warn",
        1 => "warn,dragnet=info",
        _ => "warn,dragnet=debug",
    };
    let sink = Sink { output: Output::Stderr(live.clone()), key: Arc::default() };
    let (format, of_format) = reload::Layer::new(format(LogFormat::Text, color, sink));
    let filter = EnvFilter::builder().parse_lossy(chosen().as_deref().unwrap_or(level));
    let (filter, of_filter) = reload::Layer::new(filter);
    // Only a second call could fail, and there is none.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(format).with(filter));
    Telemetry { format: of_format, filter: of_filter, live: live.clone(), color, verbose }
}

/// What the environment chooses.
fn chosen() -> Option<String> {
    std::env::var("DRAGNET_LOG").ok().filter(|filter| !filter.is_empty())
}

impl Telemetry {
    /// Tells what a daemon's configuration says, where it says; known secrets are masked under the key of the state. Refused, and all is as
    /// before, when the file cannot be written to or the level is none.
    pub(super) fn apply(&self, config: &LogConfig, key: &[u8]) -> Result<(), String> {
        let level = match self.verbose {
            0 => config.level.clone(),
            _ => format!("{},dragnet=debug", config.level),
        };
        let filter = EnvFilter::builder().parse(chosen().as_ref().unwrap_or(&level));
        let filter = filter.map_err(|error| format!("daemon.log.level: {error}"))?;
        let (output, color) = match &config.file {
            None => (Output::Stderr(self.live.clone()), self.color),
            Some(path) => {
                let file = Rotating::open(path, config.max_size.0, config.max_age.0, config.keep)
                    .map_err(|error| format!("the log {} cannot be written to: {error}", path.display()))?;
                (Output::File(Arc::new(Mutex::new(Log { file, path: path.clone(), broken: false }))), false)
            }
        };
        let sink = Sink { output, key: key.into() };
        let gone = |error: reload::Error| error.to_string();
        self.format.reload(format(config.format, color, sink)).map_err(gone)?;
        self.filter.reload(filter).map_err(gone)
    }
}

fn format(format: LogFormat, color: bool, sink: Sink) -> Format {
    let layer = tracing_subscriber::fmt::layer().with_ansi(color).with_writer(sink);
    match format {
        LogFormat::Text => layer.with_target(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

/// Where lines go.
#[derive(Clone)]
struct Sink {
    output: Output,
    /// Known secrets are masked under this key; empty where there is no state.
    key: Arc<[u8]>,
}

#[derive(Clone)]
enum Output {
    /// Standard error, around what moves there.
    Stderr(MultiProgress),
    File(Arc<Mutex<Log>>),
}

/// A log file, and whether it takes lines.
struct Log {
    file: Rotating,
    path: PathBuf,
    broken: bool,
}

impl Log {
    /// Writes a line; to standard error while the file takes none, for its disk may be full.
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let (path, was) = (self.path.display(), self.broken);
        let written = self.file.line(line);
        self.broken = written.is_err();
        let mut stderr = io::stderr().lock();
        match written {
            Ok(()) if was => writeln!(stderr, "the log {path} can be written to again"),
            Ok(()) => Ok(()),
            Err(error) => {
                if !was {
                    writeln!(stderr, "the log {path} cannot be written to: {error}; until it can its lines come here")?;
                }
                stderr.write_all(line)
            }
        }
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Write for &Sink {
    /// Takes whole lines: that is how the formats above write.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let masked = if self.key.is_empty() { bytes.into() } else { LineMask::new(&self.key).line(bytes) };
        match &self.output {
            Output::Stderr(live) => live.suspend(|| io::stderr().write_all(&masked))?,
            Output::File(log) => log.lock().unwrap_or_else(PoisonError::into_inner).line(&masked)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
