//! What went wrong, where, and what to do about it. Hints are given here and nowhere else.

mod advice;

use std::error::Error;
use std::io;
use std::path::Path;

use self::advice::{
    Advice, VERIFY, advice, app, catalog, config, daemon, output, plan_file, registered, state, store, target, template,
};
use super::exit;
use crate::app::AppError;
use crate::app::targets::TargetError;
use crate::catalog::CatalogError;
use crate::config::{ConfigError, PathError};
use crate::daemon::DaemonError;
use crate::model::target::InvalidTarget;
use crate::plan::PlanFileError;
use crate::report::{RenderError, TemplateError};
use crate::store::StoreError;

/// Whose fault it is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The user's: usage, configuration, a target or scan that does not exist.
    Usage,
    /// The scan's: it could not go on.
    Incomplete,
    /// The engine's or the state's: they cannot be reached or used.
    Unreachable,
    /// The reader of our output has left; that is no error.
    BrokenPipe,
}

/// An error as the command line tells it.
#[derive(Debug)]
pub(super) struct CliError {
    /// Whose fault it is.
    pub(super) kind: Kind,
    /// What happened, and where.
    source: Box<dyn Error + Send + Sync>,
    /// What it is about, in lines to be shown as they are.
    pub(super) excerpt: Vec<String>,
    /// What to do.
    pub(super) hints: Vec<String>,
}

impl CliError {
    /// Makes the error of wrong usage.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, source: message.into().into(), excerpt: Vec::new(), hints: Vec::new() }
    }

    /// Makes the error of an engine or a state that cannot be used.
    pub(super) fn unreachable(message: impl Into<String>) -> Self {
        Self { kind: Kind::Unreachable, source: message.into().into(), excerpt: Vec::new(), hints: Vec::new() }
    }

    /// Makes the error of a process that can have no threads.
    #[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
    pub(super) fn threads(error: io::Error) -> Self {
        Self::unreachable(format!("the program cannot start its threads: {error}"))
    }

    /// Adds what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Names the file that it is about.
    pub(super) fn at(mut self, path: &Path) -> Self {
        self.source = format!("{}: {}", path.display(), self.source).into();
        self
    }

    fn new(advice: Advice, source: impl Error + Send + Sync + 'static) -> Self {
        Self { kind: advice.0, source: Box::new(source), excerpt: Vec::new(), hints: advice.1 }
    }

    /// Returns what is wrong with a registered target, if that is what happened.
    pub(super) fn target(&self) -> Option<&TargetError> {
        self.source.downcast_ref::<TargetError>()
    }

    /// Returns the exit code.
    pub(super) const fn code(&self) -> u8 {
        match self.kind {
            Kind::Usage => exit::USAGE,
            Kind::Incomplete => exit::INCOMPLETE,
            Kind::Unreachable => exit::UNREACHABLE,
            Kind::BrokenPipe => exit::CLEAN,
        }
    }

    /// Returns what happened.
    pub(super) fn message(&self) -> String {
        self.source.to_string()
    }

    /// Returns what it comes from, where the message does not say so already.
    pub(super) fn causes(&self) -> Vec<String> {
        let (mut said, mut causes) = (self.message(), Vec::new());
        let mut next = self.source.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.contains(&text) {
                said.push_str(&text);
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }
}

macro_rules! advised {
    ($($error:ty => $advise:ident),+ $(,)?) => {$(
        impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::new($advise(&error), error)
            }
        }
    )+};
}

advised! {
    AppError => app,
    DaemonError => daemon,
    StoreError => store,
    PathError => state,
    CatalogError => catalog,
    PlanFileError => plan_file,
    TargetError => registered,
    InvalidTarget => target,
    io::Error => output,
    TemplateError => template,
}

impl From<RenderError> for CliError {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Write(error) => error.into(),
            RenderError::Source(error) => Self::new(advice(Kind::Unreachable, [VERIFY]), error),
            RenderError::Template(error) => (*error).into(),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        let excerpt = match &error {
            ConfigError::Value { excerpt, .. } => excerpt.clone(),
            _ => Vec::new(),
        };
        Self { excerpt, ..Self::new(config(&error), error) }
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::ExecutorError;

    #[test]
    fn a_cause_that_the_message_names_is_not_said_twice() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        let error = CliError::from(ConfigError::Io { path: "x.toml".into(), source: error });
        assert_eq!(error.message(), "x.toml: entity not found");
        assert!(error.causes().is_empty());
    }

    #[test]
    fn a_reader_that_leaves_is_no_error() {
        let error = CliError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((error.kind, error.code()), (Kind::BrokenPipe, 0));
    }

    #[test]
    fn an_engine_that_is_away_and_a_wrong_name_have_different_codes() {
        let away = CliError::from(AppError::Engine(ExecutorError::Unreachable("x".to_owned())));
        let wrong = CliError::from(StoreError::NotFound("scan `x`".to_owned()));
        assert_eq!((away.code(), wrong.code()), (6, 2));
        let image = |error| CliError::from(AppError::Image { scanner: "x".to_owned(), error }).code();
        assert_eq!(image(ExecutorError::Busy("no such host".to_owned())), 2);
        assert_eq!(image(ExecutorError::Unreachable("x".to_owned())), 6);
        assert!(!away.hints.is_empty() && !wrong.hints.is_empty());
    }
}
