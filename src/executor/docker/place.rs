//! Where an attempt's files are: in our spool, or in a volume of the engine.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bollard::models::Mount;

use super::agent::Agent;
use super::archive::{self, Entry};
use super::engine::Engine;
use super::transport::{bind, volume};
use crate::beneath;
use crate::executor::{ExecutorError, blocking};
use crate::model::id::AttemptName;
use crate::model::spec::{files, paths};

/// Where the attempt's volume is mounted: above its directories.
const VOLUME_ROOT: &str = "/dragnet";
/// Where the shim's volume is mounted.
const SHIM_DIR: &str = "/dragnet/bin";

/// The files of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A directory of ours that the engine sees.
    Spool(PathBuf),
    /// A volume, by name.
    Volume(String),
}

/// What a container gets at its start.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The shim's job.
    pub job: Vec<u8>,
    /// The assets.
    pub input: Vec<u8>,
    /// Secrets by file name.
    pub secrets: Vec<(String, Vec<u8>)>,
    /// Who reads them.
    pub uid: u64,
}

impl Place {
    /// Returns the spool's directory of an attempt.
    pub(super) fn spool(state: &Path, name: &AttemptName) -> PathBuf {
        state.join("spool").join(name.as_str())
    }

    /// Makes the directories that are mounted; volumes are made by the caller, who knows their labels.
    pub(super) fn make_directories(&self) -> Result<(), ExecutorError> {
        let Self::Spool(dir) = self else { return Ok(()) };
        let made = [("out", 0o777), ("secrets", 0o755)].into_iter().try_for_each(|(name, mode)| {
            let path = dir.join(name);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
            // The scanner is another user; strangers on this machine are kept out by the directories above.
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))
        });
        made.map_err(|error| ExecutorError::local(format!("make {}", dir.display()), &error))
    }

    /// Returns the mounts of the attempt's own files and of the shim.
    pub(super) fn mounts(&self, agent: &Agent) -> Vec<Mount> {
        match self {
            Self::Spool(dir) => vec![
                bind(&dir.join("out"), paths::OUT, false),
                bind(&dir.join("secrets"), paths::SECRETS, true),
                bind(&agent.path, paths::SHIM, true),
            ],
            Self::Volume(name) => {
                vec![volume(name, VOLUME_ROOT, false), volume(&shim_volume(agent), SHIM_DIR, true)]
            }
        }
    }

    /// Puts the job and its inputs in place; may be repeated.
    pub(super) async fn deliver(&self, engine: &Engine, id: &str, delivery: Delivery) -> Result<(), ExecutorError> {
        match self {
            Self::Spool(dir) => {
                let dir = dir.clone();
                blocking("write the job to the spool", move || write_delivery(&dir, &delivery)).await
            }
            Self::Volume(_) => {
                let packed = archive::pack(&delivery.entries())
                    .map_err(|error| ExecutorError::local("pack the job".to_owned(), &error))?;
                engine.put(id, VOLUME_ROOT, archive::whole(packed)).await
            }
        }
    }

    /// Asks the shim to stop, in a way that also reaches one that is not listening to signals yet.
    pub(super) async fn cancel(&self, engine: &Engine, id: &str, grace_ms: u64) -> Result<(), ExecutorError> {
        let text = grace_ms.to_string().into_bytes();
        match self {
            Self::Spool(dir) => {
                let out = dir.join("out");
                let write = move || beneath::replace(&beneath::root(&out)?, files::CANCEL, &text, 0o644);
                blocking("write the order to stop", write).await
            }
            Self::Volume(_) => {
                let entry = Entry::File { path: format!("out/{}", files::CANCEL), mode: 0o644, uid: 0, content: text };
                let packed = archive::pack(&[entry])
                    .map_err(|error| ExecutorError::local("pack the order to stop".to_owned(), &error))?;
                engine.put(id, VOLUME_ROOT, archive::whole(packed)).await
            }
        }
    }

    /// Reads a small file below [`paths::OUT`]; `None` when it does not exist.
    pub(super) async fn read(
        &self,
        engine: &Engine,
        id: &str,
        relative: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, ExecutorError> {
        match self {
            Self::Spool(dir) => {
                let (out, relative) = (dir.join("out"), relative.to_owned());
                blocking("read the spool", move || {
                    match beneath::root(&out).and_then(|root| beneath::read(&root, &relative, limit)) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                        read => read.map(Some),
                    }
                })
                .await
            }
            Self::Volume(_) => archive::only_file(engine.get(id, &format!("{}/{relative}", paths::OUT)), limit).await,
        }
    }
}

/// Returns the name of the volume that holds the shim.
pub(super) fn shim_volume(agent: &Agent) -> String {
    format!("dragnet-shim-{}", agent.version)
}

impl Delivery {
    fn entries(&self) -> Vec<Entry> {
        let uid = self.uid;
        let file = |path: String, mode, content: &[u8]| Entry::File { path, mode, uid, content: content.to_vec() };
        let mut entries = vec![
            Entry::Directory { path: "out".to_owned(), mode: 0o777, uid },
            file(format!("out/{}", files::JOB), 0o644, &self.job),
            file(format!("out/{}", files::INPUT), 0o644, &self.input),
        ];
        if !self.secrets.is_empty() {
            entries.push(Entry::Directory { path: "secrets".to_owned(), mode: 0o500, uid });
            let secrets = self.secrets.iter();
            entries.extend(secrets.map(|(name, content)| file(format!("secrets/{name}"), 0o400, content)));
        }
        entries
    }
}

fn write_delivery(dir: &Path, delivery: &Delivery) -> io::Result<()> {
    let secrets = beneath::root(&dir.join("secrets"))?;
    for (name, content) in &delivery.secrets {
        beneath::replace(&secrets, name, content, 0o444)?;
    }
    let out = beneath::root(&dir.join("out"))?;
    beneath::replace(&out, files::INPUT, &delivery.input, 0o644)?;
    beneath::replace(&out, files::JOB, &delivery.job, 0o644)
}

/// Waits for the lock on a file; the kernel frees that of a process that dies.
pub(super) async fn lock(path: PathBuf, action: &'static str) -> Result<fs::File, ExecutorError> {
    blocking(action, move || {
        let file = fs::File::create(path)?;
        file.lock()?;
        Ok(file)
    })
    .await
}
