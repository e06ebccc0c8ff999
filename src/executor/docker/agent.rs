//! The program that is carried into the containers: this one, or one that the user names.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::executor::ExecutorError;
use crate::model::id::Sha256;
use crate::model::program;

/// This program's own file.
const OWN: &str = "/proc/self/exe";

/// The shim's program, copied to where a rebuild or an upgrade does not change it under a running container.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    /// The copy.
    pub path: PathBuf,
    /// First 12 digits of its hash.
    pub version: String,
}

impl Agent {
    /// Checks the program against the engine's architecture (`amd64`) and copies it to `dir`.
    pub(super) fn provide(file: Option<&Path>, dir: &Path, architecture: &str) -> Result<Self, ExecutorError> {
        let source = file.unwrap_or_else(|| Path::new(OWN));
        let action = || format!("read the program for containers {}", source.display());
        let content = fs::read(source).map_err(|error| ExecutorError::local(action(), &error))?;
        check(&content, architecture).map_err(|why| {
            ExecutorError::Refused(format!(
                "{} cannot run in the engine's containers: {why}; name another with --agent FILE",
                source.display()
            ))
        })?;
        let version = Sha256::of(&content).to_string()[..12].to_owned();
        let path = dir.join(format!("dragnet-{version}"));
        if !fs::metadata(&path).is_ok_and(|found| found.len() == content.len() as u64) {
            put(&path, &content).map_err(|error| ExecutorError::local(format!("write {}", path.display()), &error))?;
        }
        Ok(Self { path, version })
    }
}

fn put(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).open(&temporary)?;
    // Whatever our umask: the user of every container runs it.
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)
}

/// Says why a program cannot be the first process in any image of an architecture.
fn check(program: &[u8], architecture: &str) -> Result<(), String> {
    let found = program::architecture(program).map_err(|unfit| unfit.to_string())?;
    if found.as_str() == architecture {
        return Ok(());
    }
    Err(format!("it is for {found}, and the engine's architecture is {architecture}"))
}
