//! Images: looked up, pulled only when they are missing.

use std::path::Path;

use bollard::query_parameters::ImportImageOptionsBuilder;
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

use super::engine::{Engine, TRANSFER};
use super::error::from_engine;
use crate::executor::{ExecutorError, ImageInfo, Progress};

/// How a reference begins that is the engine's own id of an image.
const ID: &str = "sha256:";

/// See [`crate::executor::Executor::resolve_image`].
pub(super) async fn resolve(
    engine: &Engine,
    platform: &str,
    reference: &str,
    pull: bool,
    progress: &Progress<'_>,
) -> Result<ImageInfo, ExecutorError> {
    let found = match look_up(engine, reference).await? {
        Some(found) => found,
        None if reference.starts_with(ID) => {
            return Err(missing(reference, "it was made in an engine, which has it no more, and no registry knows it"));
        }
        None if pull => {
            super::pull::pull(engine, reference, progress).await?;
            look_up(engine, reference).await?.ok_or_else(|| missing(reference, "it was pulled and is not there"))?
        }
        None => return Err(missing(reference, "it is not in the engine and must not be pulled")),
    };
    if found.platform != platform {
        let (image, platform, engine) = (reference.to_owned(), found.platform, platform.to_owned());
        return Err(ExecutorError::Platform { image, platform, engine });
    }
    Ok(found)
}

fn missing(reference: &str, message: &str) -> ExecutorError {
    ExecutorError::Image { image: reference.to_owned(), message: message.to_owned() }
}

async fn look_up(engine: &Engine, reference: &str) -> Result<Option<ImageInfo>, ExecutorError> {
    let found = match engine.docker.inspect_image(reference).await.map_err(|error| from_engine(&error)) {
        Err(ExecutorError::Image { .. } | ExecutorError::NotFound(_)) => return Ok(None),
        result => result?,
    };
    let (os, architecture) = (found.os.unwrap_or_default(), found.architecture.unwrap_or_default());
    Ok(Some(ImageInfo {
        id: found.id.unwrap_or_default(),
        // The same image may be known in several repositories; only the one that was asked for is asked again.
        digest: found
            .repo_digests
            .into_iter()
            .flatten()
            .find(|digest| repository_of(digest) == repository_of(reference)),
        size: found.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        platform: format!("{os}/{architecture}"),
    }))
}

/// See [`crate::executor::Executor::export_image`].
pub(super) async fn export(engine: &Engine, reference: &str, into: &Path) -> Result<(), ExecutorError> {
    let local = |error: std::io::Error| ExecutorError::local(format!("write {}", into.display()), &error);
    let mut file = tokio::fs::File::create_new(into).await.map_err(local)?;
    let mut archive = Box::pin(engine.docker.export_image(reference));
    while let Some(chunk) = archive.next().await {
        let chunk = chunk.map_err(|error| from_engine(&error))?;
        file.write_all(&chunk).await.map_err(local)?;
    }
    file.sync_all().await.map_err(local)
}

/// See [`crate::executor::Executor::load_image`].
pub(super) async fn load(engine: &Engine, archive: std::fs::File) -> Result<(), ExecutorError> {
    let archive = bollard::body_try_stream(ReaderStream::new(tokio::fs::File::from_std(archive)));
    let patient = engine.docker.clone().with_timeout(TRANSFER);
    let options = ImportImageOptionsBuilder::new().quiet(true).build();
    let mut steps = Box::pin(patient.import_image(options, archive, None));
    while let Some(step) = steps.next().await {
        step.map_err(|error| from_engine(&error))?;
    }
    Ok(())
}

/// Returns the repository of a reference, as engines shorten it.
fn repository_of(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or(reference);
    let tag = name.rfind(':').filter(|&colon| !name[colon..].contains('/'));
    let name = &name[..tag.unwrap_or(name.len())];
    let name = name.strip_prefix("index.").unwrap_or(name);
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_has_many_names() {
        for reference in
            ["a", "a:1", "a@sha256:00", "a:1@sha256:00", "docker.io/library/a", "index.docker.io/library/a:1"]
        {
            assert_eq!(repository_of(reference), "a", "{reference}");
        }
        assert_eq!(repository_of("docker.io/b/a:1"), "b/a");
        assert_eq!(repository_of("r:5000/library/a"), "r:5000/library/a");
    }
}
