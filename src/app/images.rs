//! What the references of a plan's images mean: asked of the engine where it fetches images for us, of the registries where the
//! nodes of a cluster fetch their own.
//!
//! A registry that we cannot ask is no reason to refuse: nodes may reach one that we do not, with credentials that we do not have. Then
//! the plan keeps the tag, and says so. One that answers that there is no such image is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;

use super::{App, Say, agent_image};
use crate::config::ImagePullPolicy;
use crate::executor::{ExecutorError, ImageInfo, SharedExecutor, docker};
use crate::model::plan::Plan;
use crate::model::registry::RegistryFault;
use crate::oci::{self, Reference, RegistryError};

/// Longest wait for a registry to say what a tag means.
const PATIENCE: Duration = Duration::from_secs(5);
/// The tag of references that have none.
const TAG: &str = "latest";

/// A step's image.
#[derive(Debug, Clone)]
pub struct PlannedImage {
    /// The scanner.
    pub scanner: String,
    /// The reference.
    pub reference: String,
    /// What it means.
    pub found: FoundImage,
}

/// What a reference to an image means.
#[derive(Debug, Clone)]
pub enum FoundImage {
    /// The engine has it.
    Here(ImageInfo),
    /// Its digest is known, `name@sha256:…`; nodes will fetch it.
    Frozen(String),
    /// Whatever the tag means to the node that runs it; why nobody said what.
    ByTag(String),
    /// It cannot be had.
    Missing(ExecutorError),
}

impl FoundImage {
    /// Returns what a plan freezes.
    fn digest(&self) -> Option<String> {
        match self {
            Self::Here(image) => Some(image.digest.clone().unwrap_or_else(|| image.id.clone())),
            Self::Frozen(digest) => Some(digest.clone()),
            Self::ByTag(_) | Self::Missing(_) => None,
        }
    }
}

/// Looks the images up, and writes into the plan what their references mean.
pub(super) async fn look_up(app: &App, plan: &mut Plan, executor: &SharedExecutor, say: Say<'_>) -> Vec<PlannedImage> {
    let found = if executor.capabilities().pulls_for_us {
        ask_registries(app, plan, say).await
    } else {
        ask_engine(plan, executor, say).await
    };
    let mut images = Vec::with_capacity(plan.steps.len());
    for (step, found) in plan.steps.iter_mut().zip(found) {
        let scanner = &mut step.scanner;
        scanner.digest = found.digest();
        images.push(PlannedImage { scanner: scanner.name.clone(), reference: scanner.image.clone(), found });
    }
    images
}

/// The engine fetches what it does not have.
async fn ask_engine(plan: &Plan, executor: &SharedExecutor, say: Say<'_>) -> Vec<FoundImage> {
    let mut found = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let image = executor.resolve_image(&step.scanner.image, true, &|words| say(words)).await;
        found.push(image.map_or_else(FoundImage::Missing, FoundImage::Here));
    }
    found
}

/// All are asked at once, each for each image once.
async fn ask_registries(app: &App, plan: &Plan, say: Say<'_>) -> Vec<FoundImage> {
    let references: BTreeSet<&str> = plan.steps.iter().map(|step| step.scanner.image.as_str()).collect();
    let never = app.config.executor.kubernetes.image_pull_policy == ImagePullPolicy::Never;
    say("asking registries what tags mean");
    let asked = references.into_iter().map(async |reference| (reference, ask(reference, never).await));
    let found: BTreeMap<&str, FoundImage> = join_all(asked).await.into_iter().collect();
    plan.steps.iter().map(|step| found[step.scanner.image.as_str()].clone()).collect()
}

/// Asks what a reference means to nodes, which may `never` pull.
async fn ask(text: &str, never: bool) -> FoundImage {
    // A digest means itself.
    if text.contains('@') {
        return FoundImage::Frozen(text.to_owned());
    }
    if never {
        return FoundImage::ByTag(
            "nodes never pull (`image_pull_policy`): it is what they have by that name".to_owned(),
        );
    }
    let reference = match Reference::parse(text, TAG) {
        Ok(reference) => reference,
        Err(error) => {
            return FoundImage::Missing(ExecutorError::Image { image: text.to_owned(), message: error.to_string() });
        }
    };
    if reference.registry() == agent_image::NO_REGISTRY {
        return FoundImage::ByTag(format!(
            "{} is no registry: it stands for what nodes were given",
            reference.registry()
        ));
    }
    let asked = async {
        let login = docker::login(text).await;
        oci::resolve(&reference, &login).await
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(sha256)) => FoundImage::Frozen(format!("{}@sha256:{sha256}", reference.name())),
        Ok(Err(error)) => judge(text, error),
        Err(_) => {
            FoundImage::ByTag(format!("{} has not answered within {} s", reference.registry(), PATIENCE.as_secs()))
        }
    }
}

/// Tells what nodes cannot have either from what we cannot know.
fn judge(image: &str, error: RegistryError) -> FoundImage {
    match error.fault {
        RegistryFault::NoCredentials | RegistryFault::WrongCredentials | RegistryFault::Away => {
            FoundImage::ByTag(error.to_string())
        }
        RegistryFault::NoImage | RegistryFault::Refused | RegistryFault::Untrusted => {
            let RegistryError { registry, fault, message, .. } = error;
            FoundImage::Missing(ExecutorError::Registry { image: image.to_owned(), registry, fault, message })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(fault: RegistryFault) -> FoundImage {
        let (reference, registry) = ("r.example/a:1".to_owned(), "r.example".to_owned());
        judge("r.example/a", RegistryError { reference, registry, fault, message: "words".to_owned() })
    }

    #[test]
    fn only_what_nodes_cannot_have_either_is_missing() {
        use RegistryFault::{Away, NoCredentials, NoImage, Refused, Untrusted, WrongCredentials};
        for fault in [NoCredentials, WrongCredentials, Away] {
            let FoundImage::ByTag(why) = judged(fault) else { unreachable!("{fault:?}") };
            assert!(why.contains("r.example") && why.contains(&fault.to_string()) && why.contains("words"), "{why}");
        }
        for fault in [NoImage, Refused, Untrusted] {
            let FoundImage::Missing(error) = judged(fault) else { unreachable!("{fault:?}") };
            assert!(error.to_string().starts_with("image r.example/a cannot be had: r.example "), "{error}");
        }
    }

    #[tokio::test]
    async fn what_needs_no_registry_asks_none() {
        let ask = async |text: &str| ask(text, false).await;
        let digest = format!("r.example/a@sha256:{}", "0".repeat(64));
        assert!(matches!(ask(&digest).await, FoundImage::Frozen(frozen) if frozen == digest));
        assert!(matches!(ask("dragnet.local/a:1").await, FoundImage::ByTag(_)));
        assert!(matches!(super::ask("127.0.0.1:1/a:1", true).await, FoundImage::ByTag(why) if why.contains("never")));
        assert!(matches!(ask("r.example/A:1").await, FoundImage::Missing(ExecutorError::Image { .. })));
        assert_eq!(judged(RegistryFault::Away).digest(), None);
    }
}
