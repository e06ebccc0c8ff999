//! Secrets: read from where their references point, spooled for the life of the scan, never stored or shown.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::Command;

use super::{App, AppError};
use crate::executor::types::secret_file;
use crate::model::id::ScanKey;
use crate::model::plan::Plan;
use crate::model::scanner::SecretRef;
use crate::store::StoreError;

/// The secrets of a plan, by name. Shows nothing when debugged.
pub(super) struct Secrets(BTreeMap<String, Vec<u8>>);

/// Reads every secret of the plan, so that what is missing is known before anything is written.
pub(super) fn read(app: &App, plan: &Plan) -> Result<Secrets, AppError> {
    let mut secrets = BTreeMap::new();
    for step in &plan.steps {
        for (name, reference) in &step.scanner.secrets {
            let content = resolve(app, reference).map_err(|message| AppError::Secret {
                scanner: step.scanner.name.clone(),
                secret: name.clone(),
                message,
            })?;
            secrets.insert(name.clone(), content);
        }
    }
    Ok(Secrets(secrets))
}

/// Reads the token that those who ask the daemon must bear, if the configuration wants one.
pub fn daemon_token(app: &App) -> Result<Option<String>, AppError> {
    let Some(reference) = &app.config.daemon.token else { return Ok(None) };
    let refused = |message: &str| AppError::Token { message: message.to_owned() };
    let bytes = resolve(app, reference).map_err(|message| AppError::Token { message })?;
    let text = String::from_utf8(bytes).map_err(|_| refused("it is not text"))?;
    // Files mostly end with a line.
    let token = text.trim();
    if token.is_empty() {
        return Err(refused("it is empty"));
    }
    // RFC 6750, section 2.1, allows even less.
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refused("it holds spaces or characters beyond ASCII, which no header can bear"));
    }
    Ok(Some(token.to_owned()))
}

pub(super) fn resolve(app: &App, reference: &SecretRef) -> Result<Vec<u8>, String> {
    match reference {
        SecretRef::Env(name) => {
            let value = app.environment.get(name).filter(|value| !value.is_empty());
            value.map(|value| value.clone().into_bytes()).ok_or_else(|| format!("the variable {name} is not set"))
        }
        SecretRef::File(path) => std::fs::read(path).map_err(|error| format!("{path}: {error}")),
        SecretRef::Command(argv) => run(argv),
    }
}

fn run(argv: &[String]) -> Result<Vec<u8>, String> {
    let [program, arguments @ ..] = argv else { return Err("the command is empty".to_owned()) };
    let output = Command::new(program).args(arguments).stdin(std::process::Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program} ended with {}", output.status));
    }
    let mut content = output.stdout;
    while content.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        content.pop();
    }
    Ok(content)
}

impl Secrets {
    /// Writes the secrets where executors find them.
    pub(super) fn spool(&self, state: &Path, scan: ScanKey) -> Result<(), StoreError> {
        self.0.iter().try_for_each(|(name, content)| spool(state, scan, name, content))
    }
}

/// Writes what a scan's driver needs and others may not see, durably and closed to them.
pub(super) fn spool(state: &Path, scan: ScanKey, name: &str, content: &[u8]) -> Result<(), StoreError> {
    let path = secret_file(state, scan, name);
    let written = path.parent().map_or(Ok(()), |dir| {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o400).open(&path)?;
        file.write_all(content)?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull => StoreError::Full,
        _ => StoreError::Unusable { path, message: error.to_string() },
    })
}
