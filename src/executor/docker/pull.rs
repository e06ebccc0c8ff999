//! Pulls: how far one has come, in words, and what it means when it fails.

use std::collections::HashMap;

use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::StreamExt as _;

use super::credentials;
use super::engine::Engine;
use super::error::from_engine;
use crate::executor::{ExecutorError, Progress};
use crate::model::registry::{Login, RegistryFault};

/// Pulls an image, with the credentials that the `docker` program would use.
pub(super) async fn pull(engine: &Engine, reference: &str, progress: &Progress<'_>) -> Result<(), ExecutorError> {
    // Without a tag the engine would pull all of them.
    let tagged = if is_tagged(reference) { reference.to_owned() } else { format!("{reference}:latest") };
    let options = CreateImageOptionsBuilder::new().from_image(&tagged).build();
    let login = credentials::login(reference).await;
    let given = login.credentials.clone().map(|credentials| credentials::for_engine(credentials, reference));
    let mut steps = Box::pin(engine.docker.create_image(Some(options), None, given));
    let mut layers = Layers::default();
    progress(&format!("pulling {reference}"));
    while let Some(step) = steps.next().await {
        let step = step.map_err(|error| explain(reference, &login, from_engine(&error)))?;
        if layers.take(&step) {
            progress(&format!("pulling {reference}, {}", layers.words()));
        }
    }
    Ok(())
}

fn is_tagged(reference: &str) -> bool {
    reference.contains('@') || reference.rsplit('/').next().is_some_and(|name| name.contains(':'))
}

/// Tells by the engine's words, which are the registry's in most cases, what is wrong with whom.
fn explain(reference: &str, login: &Login, error: ExecutorError) -> ExecutorError {
    let (ExecutorError::Image { message, .. }
    | ExecutorError::NotFound(message)
    | ExecutorError::Busy(message)
    | ExecutorError::Refused(message)) = error
    else {
        return error;
    };
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let image = reference.to_owned();
    if says(&["invalid reference format", "no matching manifest"]) {
        return ExecutorError::Image { image, message };
    }
    // To those who may not see an image, some registries deny that there is one.
    let fault = if says(&["manifest unknown", "name unknown", "not found", "does not exist"]) {
        RegistryFault::NoImage
    } else if says(&["basic auth credentials", "unauthorized", "authentication required", "denied", "forbidden"]) {
        login.fault()
    } else {
        RegistryFault::Away
    };
    let message = if fault == RegistryFault::Away { message } else { login.explain(&message) };
    ExecutorError::Registry { image, registry: credentials::host_of(reference).to_owned(), fault, message }
}

/// The layers of an image that is being pulled: bytes that are here, and all its bytes.
#[derive(Debug, Default)]
struct Layers(HashMap<String, Layer>);

#[derive(Debug, Default, Clone, Copy)]
struct Layer {
    here: u64,
    all: u64,
    done: bool,
}

impl Layers {
    /// Takes a step of the pull; tells whether it changes anything.
    fn take(&mut self, step: &CreateImageInfo) -> bool {
        let (Some(id), Some(status)) = (&step.id, &step.status) else { return false };
        let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
        let detail = step.progress_detail.as_ref();
        let (current, total) = detail.map_or((0, 0), |detail| (number(detail.current), number(detail.total)));
        match status.as_str() {
            "Pulling fs layer" => drop(self.0.insert(id.clone(), Layer::default())),
            "Already exists" => drop(self.0.insert(id.clone(), Layer { done: true, ..Layer::default() })),
            "Downloading" => {
                let layer = self.0.entry(id.clone()).or_default();
                (layer.here, layer.all) = (current, total.max(current));
            }
            "Pull complete" => {
                let layer = self.0.entry(id.clone()).or_default();
                (layer.here, layer.done) = (layer.all, true);
            }
            _ => return false,
        }
        true
    }

    fn words(&self) -> String {
        let sum = |part: fn(&Layer) -> u64| self.0.values().map(part).sum::<u64>() >> 20;
        let done = self.0.values().filter(|layer| layer.done).count();
        format!("{done} of {} layers, {} of {} MiB", self.0.len(), sum(|layer| layer.here), sum(|layer| layer.all))
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;
    use crate::model::registry::Credentials;

    #[test]
    fn a_port_is_no_tag() {
        assert!(is_tagged("a:1") && is_tagged("r:5000/a:1") && is_tagged("a@sha256:00"));
        assert!(!is_tagged("a") && !is_tagged("r:5000/a"));
    }

    #[test]
    fn a_pull_tells_how_far_it_is() {
        let mut layers = Layers::default();
        let mut step = |id: &str, status: &str, detail: Option<(i64, i64)>| {
            let progress_detail = detail
                .map(|(current, total)| ProgressDetail { current: Some(current << 20), total: Some(total << 20) });
            let (id, status) = (Some(id.to_owned()), Some(status.to_owned()));
            layers.take(&CreateImageInfo { id, status, progress_detail, ..Default::default() }).then(|| layers.words())
        };
        assert_eq!(step("3.19", "Pulling from library/alpine", None), None);
        assert_eq!(step("aa", "Already exists", None).unwrap(), "1 of 1 layers, 0 of 0 MiB");
        step("bb", "Pulling fs layer", None);
        assert_eq!(step("bb", "Downloading", Some((3, 40))).unwrap(), "1 of 2 layers, 3 of 40 MiB");
        assert_eq!(step("bb", "Extracting", Some((1, 40))), None);
        assert_eq!(step("bb", "Pull complete", None).unwrap(), "2 of 2 layers, 40 of 40 MiB");
    }

    #[test]
    fn what_registries_say_is_told_apart() {
        use RegistryFault::{Away, NoCredentials, NoImage, WrongCredentials};
        let fault = |login: &Login, message: &str| match explain("r:1/a", login, from_words(message)) {
            ExecutorError::Registry { registry, fault, .. } => {
                assert_eq!(registry, "r:1");
                fault
            }
            other => unreachable!("{message}: {other}"),
        };
        let from = Login { credentials: Some(Credentials::Token(String::new())), trouble: None };
        for (message, without, with) in [
            ("Head \"https://r/v2/a/manifests/1\": no basic auth credentials", NoCredentials, WrongCredentials),
            ("unauthorized: authentication required", NoCredentials, WrongCredentials),
            ("error parsing HTTP 403 response body: denied: no permission", NoCredentials, WrongCredentials),
            ("manifest for r/a:1 not found: manifest unknown: manifest unknown", NoImage, NoImage),
            (
                "pull access denied for a, repository does not exist or may require 'docker login': denied",
                NoImage,
                NoImage,
            ),
            ("dial tcp 127.0.0.1:1: connect: connection refused", Away, Away),
            ("dial tcp: lookup r on 10.0.0.1:53: no such host", Away, Away),
            ("net/http: TLS handshake timeout", Away, Away),
            ("x509: certificate signed by unknown authority", Away, Away),
            ("toomanyrequests: You have reached your pull rate limit", Away, Away),
        ] {
            assert_eq!((fault(&Login::default(), message), fault(&from, message)), (without, with), "{message}");
        }
        let spoilt = explain("A", &from, from_words("invalid reference format"));
        assert!(matches!(spoilt, ExecutorError::Image { image, .. } if image == "A"));
        let gone = explain("a", &from, ExecutorError::Unreachable("no engine".to_owned()));
        assert!(matches!(gone, ExecutorError::Unreachable(_)));
    }

    fn from_words(message: &str) -> ExecutorError {
        from_engine(&bollard::errors::Error::DockerStreamError { error: message.to_owned() })
    }
}
