//! What every command works with: the flags of all commands, the environment, the configuration, the state.

use std::io;
use std::path::{Path, PathBuf};

use toml::Table;

use super::args::GlobalArgs;
use super::error::CliError;
use super::suspend;
use super::telemetry::Telemetry;
use super::ui::Ui;
use crate::app::{App, AppError};
use crate::catalog::Catalog;
use crate::config::trust::TrustList;
use crate::config::{self, ConfigError, Environment, File, Layers, Project, Resolved};

/// The project's file, looked for where the command runs.
pub(super) const PROJECT_FILE: &str = "dragnet.toml";

/// What a command works with.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) global: GlobalArgs,
    pub(super) env: Environment,
    pub(super) ui: Ui,
    pub(super) telemetry: Telemetry,
    /// The user's umask, for files that the user asks for; all else is closed to others.
    pub(super) umask: u32,
}

/// Whether a command looks at the project's own file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// It plans something here.
    Project,
    /// It is about scans that exist already, whatever directory it runs in.
    User,
}

impl Context {
    /// Reads all configuration.
    pub(super) fn resolve(&self, flags: Table, scope: Scope) -> Result<Resolved, CliError> {
        let layers = Layers {
            flags,
            policy: self.policy_path().as_deref().map(read).transpose()?,
            env: Some(&self.env),
            project: if scope == Scope::Project { self.project()? } else { None },
            user: self.user_file()?,
        };
        self.warn_of_unknown_variables();
        Ok(config::resolve(layers)?)
    }

    /// Returns the policy file, if there is to be one.
    pub(super) fn policy_path(&self) -> Option<PathBuf> {
        let variable = || self.env.get("DRAGNET_POLICY").filter(|value| !value.is_empty()).map(PathBuf::from);
        self.global.policy.clone().or_else(variable)
    }

    /// Returns the files that are configuration of a command outside any project, whether they exist or not.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let user = self.global.config.clone().or_else(|| config::user_config(&self.env));
        user.into_iter().chain(self.policy_path()).collect()
    }

    /// Returns the catalogue as the configuration changes it; needs no state.
    pub(super) fn catalog(&self, flags: Table, scope: Scope) -> Result<Catalog, CliError> {
        let config = self.resolve(flags, scope)?.config;
        let mut catalog = Catalog::builtin()?;
        catalog.configure(&config.scanners, &config.templates)?;
        Ok(catalog)
    }

    fn project(&self) -> Result<Option<Project>, CliError> {
        let Some(file) = read_if_there(Path::new(PROJECT_FILE))? else { return Ok(None) };
        let trusted = self.global.trust_project_config
            || match config::config_dir(&self.env) {
                Some(dir) => TrustList::load(&dir)?.contains(&file.text),
                None => false,
            };
        Ok(Some(Project { file, trusted }))
    }

    /// Reads the user's file. One that was named must be there.
    fn user_file(&self) -> Result<Option<File>, CliError> {
        match &self.global.config {
            Some(path) => Ok(Some(read(path)?)),
            None => match config::user_config(&self.env) {
                Some(path) => Ok(read_if_there(&path)?),
                None => Ok(None),
            },
        }
    }

    fn warn_of_unknown_variables(&self) {
        for (name, hint) in config::unknown_variables(&self.env) {
            if name != "DRAGNET_LOG" && hint.0.is_some() {
                self.ui.warn(&format!("the variable {name} is not known{hint}"));
            }
        }
    }

    /// Returns the directory of the state.
    pub(super) fn state_dir(&self) -> Result<PathBuf, CliError> {
        Ok(config::state_dir(self.global.state.as_deref(), &self.env)?)
    }

    /// Opens the state with the configuration that these flags make.
    pub(super) fn app_with(&self, flags: Table, scope: Scope) -> Result<App, CliError> {
        let config = self.resolve(flags, scope)?.config;
        let app = App::open(&self.state_dir()?, config, self.env.clone())?;
        suspend::between_writes(&app.store).map_err(CliError::threads)?;
        Ok(app)
    }

    /// Opens the state for a command that is about scans that exist already.
    pub(super) fn app(&self) -> Result<App, CliError> {
        self.app_with(Table::new(), Scope::User)
    }

    /// Opens the state for a command that needs no configuration, and works even where that is broken.
    pub(super) fn unconfigured(&self) -> Result<App, CliError> {
        Ok(App::open(&self.state_dir()?, config::Config::default(), self.env.clone())?)
    }

    /// Returns who asks, for the log of events.
    pub(super) fn actor(&self) -> String {
        let name = ["USER", "LOGNAME"].into_iter().find_map(|name| self.env.get(name).filter(|name| !name.is_empty()));
        name.cloned().unwrap_or_else(|| format!("uid:{}", rustix::process::getuid()))
    }

    /// Runs a future to its end. What it leaves behind on other threads is not waited for.
    pub(super) fn block_on<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(CliError::threads)?;
        let value = runtime.block_on(future);
        runtime.shutdown_background();
        value
    }
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Io { path: path.to_owned(), source })?;
    Ok(File { path: path.to_owned(), text })
}

fn read_if_there(path: &Path) -> Result<Option<File>, ConfigError> {
    match read(path) {
        Err(ConfigError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

impl From<crate::artifact::SourceError> for CliError {
    fn from(error: crate::artifact::SourceError) -> Self {
        AppError::from(error).into()
    }
}
