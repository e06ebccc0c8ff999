//! Reaching the engine: from the configuration for a new scan, from the scan's own profile for one that exists.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{App, AppError, agent_image, storage};
use crate::config::{ExecutorKind, ImagePullPolicy, KubernetesConfig, Transport};
use crate::executor::docker::{self, DockerExecutor, DockerOptions};
use crate::executor::kubernetes::{ClusterPlace, KubernetesExecutor, KubernetesOptions, PodOptions, PullPolicy};
use crate::executor::{ExecutorError, SharedExecutor};
use crate::letter::StateKey;
use crate::model::id::{ScanId, ScanKey};
use crate::model::unit::Span;

/// What a successor needs to reach the same engine; stored with the scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Which kind of engine.
    pub kind: ExecutorKind,
    /// Address of a Docker engine; the environment's when absent.
    pub host: Option<String>,
    /// Context of the `docker` program.
    pub context: Option<String>,
    /// How files reach it.
    pub transport: Transport,
    /// The program that is carried into containers; this one when absent.
    pub agent: Option<PathBuf>,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Span,
    /// The cluster, where the kind is that: kubeconfig, context and namespace as they were at submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesConfig>,
}

impl Profile {
    /// Makes the profile that the configuration describes; refused when it names a cluster that cannot be found.
    pub fn of(app: &App) -> Result<Self, AppError> {
        let mut profile = Self::of_kind(app, app.config.executor.kind);
        if profile.kind == ExecutorKind::Kubernetes {
            profile.kubernetes = Some(pinned(&app.config.executor.kubernetes, profile.agent.as_deref())?);
        }
        Ok(profile)
    }

    /// Makes the profile of another kind than a cluster.
    pub(super) fn of_kind(app: &App, kind: ExecutorKind) -> Self {
        let executor = &app.config.executor;
        Self {
            kind,
            host: executor.docker.host.clone(),
            context: executor.docker.context.clone(),
            transport: executor.transport,
            agent: executor.agent.as_ref().map(PathBuf::from),
            grace: app.config.scan.grace,
            kubernetes: None,
        }
    }

    /// Whether such an engine is only asked to keep scanners without a network from every network.
    pub(super) const fn asks_for_isolation(&self) -> bool {
        matches!(self.kind, ExecutorKind::Kubernetes)
    }

    /// Whether such an engine can hold a running scanner still.
    pub(super) const fn freezes(&self) -> bool {
        !matches!(self.kind, ExecutorKind::Kubernetes)
    }
}

/// As it is stored with a scan: a JSON object.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Names what the configuration leaves to the surroundings, or to this program, which may be others when a successor comes.
fn pinned(config: &KubernetesConfig, agent: Option<&Path>) -> Result<KubernetesConfig, AppError> {
    let (kubeconfig, context, namespace) = (&config.kubeconfig, &config.context, &config.namespace);
    let place = ClusterPlace::find(kubeconfig.as_deref(), context.as_deref(), namespace.as_deref())?;
    let agent_image = match &config.agent_image {
        Some(image) => image.clone(),
        None => agent_image::usual(agent)?,
    };
    Ok(KubernetesConfig {
        agent_image: Some(agent_image),
        kubeconfig: place.kubeconfig,
        context: place.context,
        namespace: Some(place.namespace),
        ..config.clone()
    })
}

/// Connects to the engine of the configuration.
pub async fn connect(app: &App) -> Result<SharedExecutor, AppError> {
    open(app, &Profile::of(app)?, None).await
}

/// Connects to the engine that takes images from us: the configuration's, or the local one where scans run in a cluster.
pub async fn connect_for_images(app: &App) -> Result<SharedExecutor, AppError> {
    match app.config.executor.kind {
        ExecutorKind::Kubernetes => open(app, &Profile::of_kind(app, ExecutorKind::Docker), None).await,
        ExecutorKind::Docker | ExecutorKind::Fake => connect(app).await,
    }
}

/// Connects to a scan's own engine; refused when another one answers.
pub async fn engine_of(app: &App, scan: ScanId) -> Result<SharedExecutor, AppError> {
    let (profile, expected) = app.store.scan_engine(scan)?;
    let profile = read(&profile)?;
    let executor = match profile.kind {
        ExecutorKind::Fake => super::import::nothing(),
        ExecutorKind::Docker | ExecutorKind::Kubernetes => open(app, &profile, Some(app.store.scan_key(scan)?)).await?,
    };
    let found = executor.server_identity().await?;
    if found != expected {
        return Err(AppError::OtherEngine { expected, found });
    }
    Ok(executor)
}

/// Whether one connection serves all scans with this profile: not where each has keys of its own to object storage.
pub fn is_shareable(profile: &str) -> bool {
    read(profile).is_ok_and(|profile| profile.kubernetes.is_none_or(|cluster| cluster.s3.bucket.is_none()))
}

/// Returns where and how a scan runs.
pub(super) fn profile_of(app: &App, scan: ScanId) -> Result<Profile, AppError> {
    read(&app.store.scan_engine(scan)?.0)
}

fn read(profile: &str) -> Result<Profile, AppError> {
    let unreadable = |error| ExecutorError::Refused(format!("the scan's executor profile cannot be read: {error}"));
    Ok(serde_json::from_str(profile).map_err(unreadable)?)
}

async fn open(app: &App, profile: &Profile, scan: Option<ScanKey>) -> Result<SharedExecutor, AppError> {
    match profile.kind {
        ExecutorKind::Docker => Ok(Arc::new(DockerExecutor::connect(docker_options(app, profile)).await?)),
        ExecutorKind::Kubernetes => {
            let config = profile.kubernetes.as_ref().unwrap_or(&app.config.executor.kubernetes);
            let mut options = kubernetes_options(app, profile, config);
            options.s3 = storage::options(app, &config.s3, scan)?;
            Ok(Arc::new(KubernetesExecutor::connect(options).await?))
        }
        ExecutorKind::Fake => {
            let refused = "the fake engine lives in tests only; choose `docker` or `kubernetes`";
            Err(ExecutorError::Refused(refused.to_owned()).into())
        }
    }
}

fn docker_options(app: &App, profile: &Profile) -> DockerOptions {
    DockerOptions {
        host: profile.host.clone(),
        context: profile.context.clone(),
        state: app.store.dir().to_owned(),
        agent: profile.agent.clone(),
        transport: match profile.transport {
            Transport::Auto => None,
            Transport::Bind => Some(docker::Transport::Bind),
            Transport::Volume => Some(docker::Transport::Volume),
        },
        grace: profile.grace.0,
    }
}

fn kubernetes_options(app: &App, profile: &Profile, config: &KubernetesConfig) -> KubernetesOptions {
    let config = config.clone();
    KubernetesOptions {
        kubeconfig: config.kubeconfig,
        context: config.context,
        namespace: config.namespace,
        state: app.store.dir().to_owned(),
        letters: Some(StateKey::of(app.store.secret_key())),
        qps: config.qps,
        burst: config.burst,
        s3: None,
        agent_image: config.agent_image,
        tolerations: config.tolerations,
        affinity: config.affinity,
        pods: PodOptions {
            pull_policy: match config.image_pull_policy {
                ImagePullPolicy::IfNotPresent => PullPolicy::IfNotPresent,
                ImagePullPolicy::Always => PullPolicy::Always,
                ImagePullPolicy::Never => PullPolicy::Never,
            },
            pull_secrets: config.image_pull_secrets,
            service_account: config.service_account,
            node_selector: config.node_selector,
            priority_class: config.priority_class,
            labels: config.labels,
            annotations: config.annotations,
            start_timeout: config.start_timeout.0,
            hold: config.hold.0,
            results_claim: config.results_claim,
            ttl: config.ttl.0,
            grace: profile.grace.0,
        },
    }
}
