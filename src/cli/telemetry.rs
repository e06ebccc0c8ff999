//! Diagnostics of our own, on standard error: `DRAGNET_LOG` chooses, as in `DRAGNET_LOG=dragnet=debug`.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Begins to show diagnostics: warnings, and with `verbose` more.
pub(super) fn init(verbose: u8, color: bool, live: &MultiProgress) {
    let chosen = std::env::var("DRAGNET_LOG").ok().filter(|filter| !filter.is_empty());
    let default = match verbose {
        0 => "warn",
        1 => "warn,dragnet=info",
        _ => "warn,dragnet=debug",
    };
    let filter = EnvFilter::builder().parse_lossy(chosen.as_deref().unwrap_or(default));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(color)
        .with_target(false)
        .with_writer(Around(live.clone()))
        .finish();
    // Only a second call could fail, and there is none.
    drop(tracing::subscriber::set_global_default(subscriber));
}

/// Writes to standard error around what moves there.
struct Around(MultiProgress);

impl<'a> MakeWriter<'a> for Around {
    type Writer = AroundWriter<'a>;

    fn make_writer(&'a self) -> AroundWriter<'a> {
        AroundWriter(&self.0)
    }
}

struct AroundWriter<'a>(&'a MultiProgress);

impl Write for AroundWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
