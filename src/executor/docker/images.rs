//! Images: looked up, pulled only when they are missing.

use std::path::Path;

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::credentials;
use super::engine::Engine;
use super::error::from_engine;
use crate::executor::{ExecutorError, ImageInfo, Progress};

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
        None if pull => {
            self::pull(engine, reference, progress).await?;
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
        digest: found.repo_digests.and_then(|digests| digests.into_iter().next()),
        size: found.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        platform: format!("{os}/{architecture}"),
    }))
}

async fn pull(engine: &Engine, reference: &str, progress: &Progress<'_>) -> Result<(), ExecutorError> {
    let named = |error| match error {
        ExecutorError::Image { message, .. } | ExecutorError::NotFound(message) => missing(reference, &message),
        error => error,
    };
    // Without a tag the engine would pull all of them.
    let tagged = if is_tagged(reference) { reference.to_owned() } else { format!("{reference}:latest") };
    let options = CreateImageOptionsBuilder::new().from_image(&tagged).build();
    let credentials = credentials::find(reference).await;
    let mut steps = Box::pin(engine.docker.create_image(Some(options), None, credentials));
    while let Some(step) = steps.next().await {
        let step = step.map_err(|error| named(from_engine(&error)))?;
        let (id, status) = (step.id.unwrap_or_default(), step.status.unwrap_or_default());
        progress(format!("{id} {status}").trim());
    }
    Ok(())
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

fn is_tagged(reference: &str) -> bool {
    reference.contains('@') || reference.rsplit('/').next().is_some_and(|name| name.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        assert!(is_tagged("a:1") && is_tagged("r:5000/a:1") && is_tagged("a@sha256:00"));
        assert!(!is_tagged("a") && !is_tagged("r:5000/a"));
    }
}
