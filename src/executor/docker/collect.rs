//! Bringing sealed results here: the manifest first, then each part until it verifies.

use std::fs;
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use sha2::Digest as _;

use super::archive;
use super::container;
use super::engine::from_io;
use super::executor::DockerExecutor;
use super::launch::{failed_start, observed};
use super::place::{Place, blocking};
use crate::beneath;
use crate::executor::{ExecutorError, Observed, Sealed};
use crate::failpoint;
use crate::model::id::Sha256;
use crate::model::manifest::{ExitCause, Manifest, Part};
use crate::model::spec::{Launch, ShimJob, files, paths};

/// The manifest's name where results are collected.
const MANIFEST: &str = "manifest.json";
/// How often a part that does not verify is fetched.
const TRIES: usize = 5;
/// No part is longer, in bytes.
const MAX_PART: u64 = 64 << 20;

impl DockerExecutor {
    /// See [`crate::executor::Executor::fetch`].
    pub(super) async fn fetch_results(&self, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError> {
        let place = self.place(&launch.name).await?;
        let container = self.engine.inspect(launch.name.as_str()).await?;
        if let Some(words) = container.as_ref().and_then(failed_start) {
            return Err(ExecutorError::NotStarted(words));
        }
        let state = container.as_ref().map(observed);
        match (&state, &place) {
            (Some(Observed::Running), _) => return Err(ExecutorError::Busy(format!("{} still runs", launch.name))),
            (Some(Observed::Created), _) => return Err(no_results(launch, "it was never started")),
            (None, Place::Spool(dir)) if !dir.exists() => return Err(ExecutorError::NotFound(launch.name.to_string())),
            (None, Place::Volume(name)) if self.engine.volume(name).await?.is_none() => {
                return Err(ExecutorError::NotFound(launch.name.to_string()));
            }
            _ => {}
        }
        let out_of_memory = matches!(&state, Some(Observed::Exited { out_of_memory: true, .. }));
        let mut reader = container.and_then(|found| found.id);
        if let Some(id) = &reader
            && let Some(sealed) = self.collect(launch, &place, id, into).await?
        {
            return Ok(told_of_memory(sealed, out_of_memory));
        }
        let sealer = self.seal(launch, &place).await?;
        let collected = self.collect(launch, &place, reader.get_or_insert_with(|| sealer.clone()), into).await;
        self.engine.remove(&sealer).await?;
        collected?.map(|sealed| told_of_memory(sealed, out_of_memory)).ok_or_else(|| {
            let words = match state {
                Some(Observed::Exited { code: Some(code), .. }) => {
                    format!("its shim exited with {code} and could not be made up for")
                }
                _ => "its container is gone and there was nothing to seal".to_owned(),
            };
            no_results(launch, &words)
        })
    }

    /// Collects results that are sealed; `None` when they are not.
    async fn collect(
        &self,
        launch: &Launch,
        place: &Place,
        id: &str,
        into: &Path,
    ) -> Result<Option<Sealed>, ExecutorError> {
        if let Place::Volume(_) = place
            && !into.join("part-0000").exists()
        {
            self.collect_all(id, into).await?;
        }
        let staged = into.join(format!("{MANIFEST}.staged"));
        let manifest = match fs::read(&staged) {
            Ok(bytes) => Some(bytes),
            Err(_) => place.read(&self.engine, id, files::MANIFEST, files::MAX_MANIFEST).await?,
        };
        let Some(manifest) = manifest else { return Ok(None) };
        let manifest = check(launch, &manifest)?;
        let mut parts = Vec::new();
        for part in &manifest.parts {
            self.collect_part(launch, place, id, part, into).await?;
            failpoint::hit("docker.fetch.part");
            parts.push(into.join(&part.name));
        }
        let text = serde_json::to_vec(&manifest).unwrap_or_default();
        let target = into.to_owned();
        blocking("write the collected manifest", move || {
            beneath::replace(&beneath::root(&target)?, MANIFEST, &text, 0o600)?;
            fs::remove_file(&staged)
                .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
        })
        .await?;
        Ok(Some(Sealed { manifest, parts }))
    }

    /// Brings manifest and parts in one call; what is wrong or missing afterwards is brought one by one.
    async fn collect_all(&self, id: &str, into: &Path) -> Result<(), ExecutorError> {
        let target = into.to_owned();
        let stream = self.engine.get(id, &format!("{}/{}", paths::OUT, files::SEAL));
        let unpacked = archive::unpack(stream, move |name, len, content| {
            let (name, limit) = match name {
                MANIFEST => (format!("{MANIFEST}.staged"), files::MAX_MANIFEST),
                part if is_part_name(part) => (part.to_owned(), MAX_PART),
                _ => return Ok(()),
            };
            if len > limit {
                return Err(ExecutorError::Refused(format!("{name} has {len} bytes, more than it can have")));
            }
            save(&target, &name, content).map(drop)
        });
        match unpacked.await {
            Err(ExecutorError::NotFound(_)) => Ok(()),
            result => result,
        }
    }

    async fn collect_part(
        &self,
        launch: &Launch,
        place: &Place,
        id: &str,
        part: &Part,
        into: &Path,
    ) -> Result<(), ExecutorError> {
        for _ in 0..TRIES {
            let (target, wanted) = (into.to_owned(), part.clone());
            if blocking("read a collected part", move || Ok(verifies(&target, &wanted))).await? {
                return Ok(());
            }
            let (target, wanted) = (into.to_owned(), part.clone());
            let relative = format!("{}/{}", files::SEAL, part.name);
            match place {
                Place::Spool(dir) => {
                    let out = dir.join("out");
                    let copied = tokio::task::spawn_blocking(move || {
                        let open = || beneath::file(&beneath::root(&out)?, &relative);
                        let file = open().map_err(|error| ExecutorError::local(format!("read {relative}"), &error))?;
                        save(&target, &wanted.name, &mut file.take(wanted.len + 1))
                    });
                    copied.await.map_err(|error| ExecutorError::local("copy a part", &io::Error::other(error)))??;
                }
                Place::Volume(_) => {
                    let stream = self.engine.get(id, &format!("{}/{relative}", paths::OUT));
                    archive::unpack(stream, move |_, _, content| {
                        save(&target, &wanted.name, &mut content.take(wanted.len + 1)).map(drop)
                    })
                    .await?;
                }
            }
        }
        Err(ExecutorError::Corrupt {
            name: launch.name.to_string(),
            message: format!("{} does not match its manifest after {TRIES} transfers", part.name),
        })
    }

    /// Runs the shim's sealing on the attempt's files and returns the ended container, which still mounts them.
    async fn seal(&self, launch: &Launch, place: &Place) -> Result<String, ExecutorError> {
        let name = sealer_name(launch.name.as_str());
        if let Some(old) = self.engine.inspect(&name).await?.and_then(|found| found.id) {
            self.engine.remove(&old).await?;
        }
        let body = container::of_sealing(launch, place.mounts(&self.agent));
        let id = self.engine.create(&name, body).await?;
        failpoint::hit("docker.seal.created");
        self.engine.start(&id).await?;
        // Whether it sealed is told by the manifest, not by its exit code.
        self.engine.wait(&id).await?;
        Ok(id)
    }
}

/// Adds what a shim that was itself killed for want of memory could not write down, and the engine knows.
fn told_of_memory(mut sealed: Sealed, out_of_memory: bool) -> Sealed {
    let exit = &mut sealed.manifest.exit;
    if out_of_memory && exit.cause == ExitCause::ShimKilled {
        exit.oom_kills = exit.oom_kills.max(1);
    }
    sealed
}

/// Returns the name of the container that seals an attempt.
pub(super) fn sealer_name(attempt: &str) -> String {
    format!("{attempt}-seal")
}

/// Reads a manifest and checks that it is this attempt's.
fn check(launch: &Launch, bytes: &[u8]) -> Result<Manifest, ExecutorError> {
    let corrupt = |message: String| ExecutorError::Corrupt { name: launch.name.to_string(), message };
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| corrupt(format!("its manifest does not read: {error}")))?;
    if manifest.version != ShimJob::VERSION || manifest.name != launch.name || manifest.spec != launch.spec_sha256 {
        return Err(corrupt("its manifest is another attempt's".to_owned()));
    }
    match manifest.parts.iter().find(|part| !is_part_name(&part.name) || part.len > MAX_PART) {
        Some(part) => Err(corrupt(format!("its manifest names a part {:?}", part.name))),
        None => Ok(manifest),
    }
}

fn is_part_name(name: &str) -> bool {
    name.strip_prefix("part-").is_some_and(|number| number.len() >= 4 && number.bytes().all(|c| c.is_ascii_digit()))
}

/// Writes a file as a whole; not being able to read what is copied is the engine's failure, the rest is ours.
fn save(into: &Path, name: &str, content: &mut dyn Read) -> Result<u64, ExecutorError> {
    let local = |error: &io::Error| ExecutorError::local(format!("write {}", into.join(name).display()), error);
    let temporary = into.join(format!("{name}.tmp"));
    let mut file = fs::File::create(&temporary).map_err(|error| local(&error))?;
    let (mut buffer, mut written) = (vec![0; 256 * 1024], 0);
    loop {
        let read = content.read(&mut buffer).map_err(|error| from_io(&error))?;
        if read == 0 {
            break;
        }
        file.write_all(&buffer[..read]).map_err(|error| local(&error))?;
        written += read as u64;
    }
    file.sync_all()
        .and_then(|()| fs::rename(&temporary, into.join(name)))
        .and_then(|()| fs::File::open(into)?.sync_all())
        .map_err(|error| local(&error))?;
    Ok(written)
}

/// Returns whether a part is here, whole and right.
fn verifies(into: &Path, part: &Part) -> bool {
    let hash = |root: OwnedFd| -> io::Result<bool> {
        let mut file = beneath::file(&root, &part.name)?;
        if file.metadata()?.len() != part.len {
            return Ok(false);
        }
        let mut hasher = sha2::Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
        Ok(Sha256(hasher.finalize().into()) == part.sha256)
    };
    beneath::root(into).and_then(hash).unwrap_or(false)
}

fn no_results(launch: &Launch, message: &str) -> ExecutorError {
    ExecutorError::NoResults { name: launch.name.to_string(), message: message.to_owned() }
}
