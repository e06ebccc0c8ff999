//! Bringing sealed results here: the manifest first, then each part until it verifies.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use super::archive;
use super::container;
use super::engine::from_io;
use super::error::from_failed_start;
use super::executor::DockerExecutor;
use super::launch::{failed_start, observed};
use super::place::Place;
use crate::beneath;
use crate::executor::collected::{self, MANIFEST, MAX_PART, TRIES, save, told_of_memory};
use crate::executor::{ExecutorError, Observed, Sealed, blocking};
use crate::failpoint;
use crate::model::manifest::Part;
use crate::model::spec::{Launch, files, paths};

impl DockerExecutor {
    /// See [`crate::executor::Executor::fetch`].
    pub(super) async fn fetch_results(&self, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError> {
        let place = self.place(&launch.name).await?;
        let container = self.engine.inspect(launch.name.as_str()).await?;
        if let Some(words) = container.as_ref().and_then(failed_start) {
            return Err(from_failed_start(launch.name.as_str(), words));
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
        let manifest = collected::check(launch, &manifest)?;
        let mut parts = Vec::new();
        for part in &manifest.parts {
            self.collect_part(launch, place, id, part, into).await?;
            failpoint::hit("docker.fetch.part");
            parts.push(into.join(&part.name));
        }
        collected::finish(&manifest, into).await?;
        blocking("remove the staged manifest", move || {
            fs::remove_file(&staged)
                .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
        })
        .await?;
        Ok(Some(Sealed { manifest, parts, files: None }))
    }

    /// Brings manifest and parts in one call; what is wrong or missing afterwards is brought one by one.
    async fn collect_all(&self, id: &str, into: &Path) -> Result<(), ExecutorError> {
        let target = into.to_owned();
        let stream = self.engine.get(id, &format!("{}/{}", paths::OUT, files::SEAL));
        let unpacked = archive::unpack(stream, move |name, len, content| {
            let (name, limit) = match name {
                MANIFEST => (format!("{MANIFEST}.staged"), files::MAX_MANIFEST),
                part if Part::is_name(part) => (part.to_owned(), MAX_PART),
                _ => return Ok(()),
            };
            if len > limit {
                return Err(ExecutorError::Refused(format!("{name} has {len} bytes, more than it can have")));
            }
            save(&target, &name, content, from_io)
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
            if collected::is_here(part, into).await? {
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
                        save(&target, &wanted.name, &mut file.take(wanted.len + 1), from_io)
                    });
                    copied.await.map_err(|error| ExecutorError::local("copy a part", &io::Error::other(error)))??;
                }
                Place::Volume(_) => {
                    let stream = self.engine.get(id, &format!("{}/{relative}", paths::OUT));
                    archive::unpack(stream, move |_, _, content| {
                        save(&target, &wanted.name, &mut content.take(wanted.len + 1), from_io)
                    })
                    .await?;
                }
            }
        }
        Err(collected::damaged(launch, part))
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

/// Returns the name of the container that seals an attempt.
pub(super) fn sealer_name(attempt: &str) -> String {
    format!("{attempt}-seal")
}

fn no_results(launch: &Launch, message: &str) -> ExecutorError {
    ExecutorError::NoResults { name: launch.name.to_string(), message: message.to_owned() }
}
