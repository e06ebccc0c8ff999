//! The executor: its state, and the contract's calls handed to where they are done.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bollard::models::SystemInfo;
use futures::stream::BoxStream;

use super::agent::Agent;
use super::connect::Surroundings;
use super::engine::Engine;
use super::error::from_engine;
use super::identity::Identity;
use super::launch::observed;
use super::logs::Cursor;
use super::place::Place;
use super::transport::{self, Transport};
use super::{credentials, images, watch};
use crate::executor::{
    Capabilities, Executor, ExecutorError, Hardening, ImageInfo, Keeping, Launched, LogChunk, Observation, Observed,
    Owned, Progress, Proof, Sealed, Unmet,
};
use crate::model::id::{AttemptName, InstanceKey, Sha256};
use crate::model::spec::{JobSpec, Launch, label};

/// The only item of hardening that many engines lack.
const SWAP: &str = "swap limit";

/// How an engine is reached and where its files are kept.
#[derive(Debug, Clone)]
pub struct DockerOptions {
    /// `unix://…`, `tcp://…` or `ssh://…`; by default what the `docker` program would use.
    pub host: Option<String>,
    /// A context of the `docker` program.
    pub context: Option<String>,
    /// The state directory; `spool` and `shim` in it are the executor's.
    pub state: PathBuf,
    /// The program to carry into containers; by default this one.
    pub agent: Option<PathBuf>,
    /// How files reach containers; by default what a probe proves.
    pub transport: Option<Transport>,
    /// Time between SIGTERM and SIGKILL when the shim stops a scanner of its own accord.
    pub grace: Duration,
}

/// An engine that speaks Docker's interface.
#[derive(Debug)]
pub struct DockerExecutor {
    pub(super) engine: Engine,
    pub(super) agent: Agent,
    pub(super) state: PathBuf,
    pub(super) transport: Transport,
    pub(super) grace_ms: u64,
    pub(super) cursors: Mutex<HashMap<AttemptName, Cursor>>,
    trees: Mutex<HashMap<Sha256, PathBuf>>,
    capabilities: Capabilities,
}

impl DockerExecutor {
    /// Connects, and finds out what the engine can do and how files reach it.
    pub async fn connect(options: DockerOptions) -> Result<Self, ExecutorError> {
        let config = credentials::directory();
        let surroundings = Surroundings {
            host: options.host.as_deref(),
            context: options.context.as_deref(),
            variable: &|name| std::env::var(name).ok(),
            config: config.as_deref(),
        };
        let engine = surroundings.endpoint()?.connect().await?;
        let info = engine.docker.info().await.map_err(|error| from_engine(&error))?;
        let version = engine.docker.version().await.map_err(|error| from_engine(&error))?;
        let identity = Identity::of(&info, &version);
        let product = identity.product;
        let engine = engine.known_as(identity.clone());
        let state = prepare(&options.state)?;
        let architecture = architecture(&info);
        let agent = Agent::provide(options.agent.as_deref(), &state.join("shim"), architecture)?;
        let transport = match options.transport {
            Some(transport) => transport,
            None => transport::choose(&engine, identity.as_str(), &state).await?,
        };
        let capabilities = Capabilities {
            kind: "docker",
            version: format!("{product} {}", info.server_version.as_deref().unwrap_or("of unknown version")),
            platform: format!("{}/{architecture}", info.os_type.as_deref().unwrap_or("linux")),
            freeze: true,
            transport: transport.as_str(),
            pulls_for_us: false,
            keeping: Keeping::Object,
            hardening: hardening(&info),
        };
        Ok(Self {
            engine,
            agent,
            state,
            transport,
            grace_ms: u64::try_from(options.grace.as_millis()).unwrap_or(u64::MAX),
            cursors: Mutex::default(),
            trees: Mutex::default(),
            capabilities,
        })
    }

    /// Returns where an attempt's files are; also of one that was launched when the other transport was in use.
    pub(super) async fn place(&self, name: &AttemptName) -> Result<Place, ExecutorError> {
        let dir = Place::spool(&self.state, name);
        let in_spool =
            dir.exists() || self.transport == Transport::Bind && self.engine.volume(name.as_str()).await?.is_none();
        Ok(if in_spool { Place::Spool(dir) } else { Place::Volume(name.to_string()) })
    }

    /// Returns the directory of a tree that was provided.
    pub(super) fn tree(&self, sha256: Sha256) -> Result<PathBuf, ExecutorError> {
        let tree = self.trees.lock().unwrap_or_else(PoisonError::into_inner).get(&sha256).cloned();
        tree.ok_or_else(|| ExecutorError::Refused(format!("tree {sha256} was not provided to this executor")))
    }

    /// Looks at an attempt's container: id and state.
    pub(super) async fn inspect_attempt(
        &self,
        name: &AttemptName,
    ) -> Result<Option<(String, Observed)>, ExecutorError> {
        let found = self.engine.inspect(name.as_str()).await?;
        Ok(found.map(|found| (found.id.clone().unwrap_or_default(), observed(&found))))
    }
}

/// Makes the executor's directories; the engine wants absolute paths.
fn prepare(state: &Path) -> Result<PathBuf, ExecutorError> {
    let local = |error| ExecutorError::local(format!("make {}", state.display()), &error);
    for name in ["spool", "shim"] {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(state.join(name)).map_err(local)?;
    }
    state.canonicalize().map_err(local)
}

/// Returns the engine's processor by the name that images use.
fn architecture(info: &SystemInfo) -> &'static str {
    match info.architecture.as_deref() {
        Some("aarch64" | "arm64") => "arm64",
        Some("x86_64" | "amd64") => "amd64",
        _ => "unknown",
    }
}

fn hardening(info: &SystemInfo) -> Vec<Hardening> {
    let can = |supported: Option<bool>| if supported.unwrap_or(false) { Proof::Enforced } else { Proof::Unavailable };
    let security = info.security_options.iter().flatten().any(|option| option.starts_with("name=seccomp"));
    [
        ("user 65532", Proof::Enforced),
        ("no capabilities", Proof::Enforced),
        ("no new privileges", Proof::Enforced),
        ("seccomp", can(Some(security))),
        ("read-only root", Proof::Enforced),
        ("private /tmp", Proof::Enforced),
        ("memory limit", can(info.memory_limit)),
        (SWAP, can(info.swap_limit)),
        ("process limit", can(info.pids_limit)),
        ("processor limit", can(info.cpu_cfs_quota)),
        (Hardening::NETWORK, Proof::Enforced),
    ]
    .map(|(item, proof)| Hardening { item, proof })
    .to_vec()
}

#[async_trait]
impl Executor for DockerExecutor {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn server_identity(&self) -> Result<String, ExecutorError> {
        self.engine.identity().await
    }

    async fn resolve_image(
        &self,
        reference: &str,
        pull: bool,
        progress: &Progress<'_>,
    ) -> Result<ImageInfo, ExecutorError> {
        images::resolve(&self.engine, &self.capabilities.platform, reference, pull, progress).await
    }

    async fn export_image(&self, reference: &str, into: &Path) -> Result<(), ExecutorError> {
        images::export(&self.engine, reference, into).await
    }

    async fn load_image(&self, archive: fs::File) -> Result<(), ExecutorError> {
        images::load(&self.engine, archive).await
    }

    async fn validate(&self, spec: &JobSpec) -> Result<Vec<Unmet>, ExecutorError> {
        // Without accounting for swap the limit on memory still holds for memory.
        let unavailable = |item: &&Hardening| item.proof == Proof::Unavailable && item.item != SWAP;
        let unavailable = self.capabilities.hardening.iter().filter(unavailable);
        let mut unmet: Vec<_> = unavailable
            .map(|hardening| Unmet {
                item: hardening.item.to_owned(),
                message: "the engine says that it cannot give it".to_owned(),
            })
            .collect();
        for name in spec.secrets.keys().filter(|name| name.contains('/') || name.starts_with('.')) {
            unmet.push(Unmet { item: format!("secret {name}"), message: "its name is no file name".to_owned() });
        }
        if let crate::model::scanner::Network::Join(container) = &spec.network
            && self.engine.inspect(container).await?.is_none()
        {
            let message = format!("the container {container} does not exist");
            unmet.push(Unmet { item: "network".to_owned(), message });
        }
        Ok(unmet)
    }

    async fn provide_tree(&self, sha256: Sha256, tree: &Path) -> Result<(), ExecutorError> {
        // Where the engine does not see the tree, the first launch fills a volume: it takes an image to do that.
        let tree = tree
            .canonicalize()
            .map_err(|error| ExecutorError::local(format!("find the tree {}", tree.display()), &error))?;
        self.trees.lock().unwrap_or_else(PoisonError::into_inner).insert(sha256, tree);
        Ok(())
    }

    async fn withdraw_tree(&self, instance: InstanceKey, sha256: Sha256) -> Result<(), ExecutorError> {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner).remove(&sha256);
        self.remove_tree_volumes(instance, sha256).await
    }

    async fn launch(&self, launch: &Launch) -> Result<Launched, ExecutorError> {
        self.launch_attempt(launch).await
    }

    fn observe(&self, instance: InstanceKey) -> BoxStream<'static, Observation> {
        watch::observe(self.engine.clone(), instance)
    }

    async fn inspect(&self, name: &AttemptName) -> Result<Option<Observed>, ExecutorError> {
        Ok(self.inspect_attempt(name).await?.map(|(_, state)| state))
    }

    async fn logs(&self, name: &AttemptName, from_seq: u64) -> Result<LogChunk, ExecutorError> {
        self.read_logs(name, from_seq).await
    }

    async fn fetch(&self, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError> {
        self.fetch_results(launch, into).await
    }

    async fn stop(&self, name: &AttemptName, grace: Duration) -> Result<(), ExecutorError> {
        self.stop_attempt(name, grace).await
    }

    async fn freeze(&self, name: &AttemptName, frozen: bool) -> Result<(), ExecutorError> {
        self.freeze_attempt(name, frozen).await
    }

    async fn remove(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        self.remove_attempt(name).await
    }

    async fn list_owned(&self, instance: InstanceKey) -> Result<Vec<Owned>, ExecutorError> {
        self.list_of_instance(instance).await
    }

    async fn list_foreign(&self) -> Result<Vec<Owned>, ExecutorError> {
        self.list_labelled(label::ROLE.to_owned()).await
    }

    async fn remove_owned(&self, owned: &Owned) -> Result<(), ExecutorError> {
        self.remove_listed(owned).await
    }
}
