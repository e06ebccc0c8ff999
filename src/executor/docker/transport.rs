//! How files reach containers, and the proof that one way works.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bollard::models::{Mount, MountType, MountVolumeOptions};
use bollard::query_parameters::{CreateImageOptionsBuilder, RemoveImageOptions};
use futures::StreamExt as _;

use super::archive;
use super::container;
use super::engine::Engine;
use super::error::from_engine;
use super::place::lock;
use crate::executor::ExecutorError;
use crate::failpoint;
use crate::model::id::{Key8, Sha256};
use crate::model::spec::label;

/// Where the probe's container sees our file.
const PROBE: &str = "/dragnet/out/token";

/// How the names of probes begin: directory, container and image alike.
const PROBES: &str = "dragnet-probe-";

/// How files reach containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The engine sees our files: directories of the spool are mounted.
    Bind,
    /// It does not: named volumes, filled and read through the archive calls.
    Volume,
}

impl Transport {
    /// Returns the name that is shown and stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Volume => "volume",
        }
    }
}

/// Finds out whether the engine sees the files in `state`; asked once per engine, then remembered in `state`.
pub(super) async fn choose(engine: &Engine, identity: &str, state: &Path) -> Result<Transport, ExecutorError> {
    let note = state.join(format!("shim/transport-{}", &Sha256::of(identity).to_string()[..12]));
    if let Some(known) = read_note(&note) {
        return Ok(known);
    }
    let _one_at_a_time = lock(state.join("shim/transport.lock"), "lock the choice of a transport").await?;
    if let Some(known) = read_note(&note) {
        return Ok(known);
    }
    remove_dead_probes(engine, state).await?;
    let chosen = if sees_our_files(engine, state).await? { Transport::Bind } else { Transport::Volume };
    fs::write(&note, chosen.as_str())
        .map_err(|error| ExecutorError::local(format!("write {}", note.display()), &error))?;
    Ok(chosen)
}

fn read_note(note: &Path) -> Option<Transport> {
    match fs::read_to_string(note).as_deref() {
        Ok("bind") => Some(Transport::Bind),
        Ok("volume") => Some(Transport::Volume),
        _ => None,
    }
}

/// Removes what a process that died in a probe has left; to be called with the lock.
async fn remove_dead_probes(engine: &Engine, state: &Path) -> Result<(), ExecutorError> {
    let spool = state.join("spool");
    let local = |error| ExecutorError::local(format!("look for dead probes in {}", spool.display()), &error);
    for entry in fs::read_dir(&spool).map_err(local)? {
        let entry = entry.map_err(local)?;
        let Some(name) = entry.file_name().to_str().filter(|name| name.starts_with(PROBES)).map(str::to_owned) else {
            continue;
        };
        if let Some(id) = engine.inspect(&name).await?.and_then(|found| found.id) {
            engine.remove(&id).await?;
        }
        let removed = engine.docker.remove_image(&name, None::<RemoveImageOptions>, None).await;
        match removed.map_err(|error| from_engine(&error)) {
            Ok(_) | Err(ExecutorError::NotFound(_) | ExecutorError::Image { .. }) => {}
            Err(error) => return Err(error),
        }
        fs::remove_dir_all(entry.path()).map_err(local)?;
    }
    Ok(())
}

/// Mounts a file with random content in a container that is never started, and reads it back through the engine.
async fn sees_our_files(engine: &Engine, state: &Path) -> Result<bool, ExecutorError> {
    let token = random().to_string();
    let name = format!("{PROBES}{token}");
    let dir = state.join("spool").join(&name);
    let local = |error| ExecutorError::local(format!("write {}", dir.display()), &error);
    fs::create_dir(&dir).and_then(|()| fs::write(dir.join("token"), &token)).map_err(local)?;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).map_err(local)?;
    failpoint::hit("docker.probe.written");
    let result = read_back(engine, &name, &dir).await;
    fs::remove_dir_all(&dir).map_err(local)?;
    Ok(result?.as_deref() == Some(token.as_bytes()))
}

async fn read_back(engine: &Engine, name: &str, dir: &Path) -> Result<Option<Vec<u8>>, ExecutorError> {
    // No image need be there yet: an empty one is made, and removed with the container.
    let image = format!("{name}:latest");
    let options = CreateImageOptionsBuilder::new().from_src("-").repo(name).tag("latest").build();
    let empty = archive::pack(&[]).unwrap_or_default();
    let mut import = Box::pin(engine.docker.create_image(Some(options), Some(bollard::body_full(empty)), None));
    while let Some(step) = import.next().await {
        step.map_err(|error| from_engine(&error))?;
    }
    let labels = HashMap::from([(label::ROLE.to_owned(), "helper".to_owned())]);
    let body = container::of_helper(&image, labels, vec![bind(dir, "/dragnet/out", true)]);
    let read = match engine.create(name, body).await {
        Ok(id) => {
            failpoint::hit("docker.probe.created");
            let read = archive::only_file(engine.get(&id, PROBE), 64).await;
            engine.remove(&id).await?;
            read
        }
        Err(ExecutorError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let removed = engine.docker.remove_image(&image, None::<RemoveImageOptions>, None).await;
    removed.map_err(|error| from_engine(&error))?;
    read
}

/// Mounts a directory or file of ours.
pub(super) fn bind(source: &Path, target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.to_string_lossy().into_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        ..Default::default()
    }
}

/// Mounts a named volume, without what the image has in its place.
pub(super) fn volume(name: &str, target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(name.to_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..Default::default() }),
        ..Default::default()
    }
}

/// Returns a random key for names that nobody looks up again.
pub(super) fn random() -> Key8 {
    let mut bytes = [0; 8];
    // Only Linux before 3.17 has no such call; the clock then makes the name unlikely enough to collide.
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
        bytes = crate::model::clock::Clock::System.now().0.to_le_bytes();
    }
    Key8::from_bits(u64::from_le_bytes(bytes))
}
