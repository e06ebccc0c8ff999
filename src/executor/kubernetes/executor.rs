//! The executor: the contract's calls handed to where they are done.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::bucket::Bucket;
use super::cluster::{Cluster, Server};
use super::connect::ClusterPlace;
use super::core::Core;
use super::options::{KubernetesOptions, PodRules};
use super::s3::Storage;
use super::watch;
use crate::executor::{
    Ability, Capabilities, Executor, ExecutorError, Hardening, ImageInfo, Keeping, Launched, LogChunk, Observation,
    Observed, Owned, Probed, Progress, Proof, Sealed, Unmet, probe_name,
};
use crate::model::id::{AttemptName, InstanceKey, Key8, Sha256};
use crate::model::scanner::Network;
use crate::model::spec::{JobSpec, Launch, label};

/// One namespace of a cluster.
pub struct KubernetesExecutor {
    core: Arc<Core>,
    capabilities: Capabilities,
    /// The hash of where the cluster answers.
    address: Sha256,
    /// Who it was when it was connected to.
    identity: String,
}

impl KubernetesExecutor {
    /// Connects, and finds out who the cluster is.
    pub async fn connect(options: KubernetesOptions) -> Result<Self, ExecutorError> {
        let place = ClusterPlace::find(
            options.kubeconfig.as_deref(),
            options.context.as_deref(),
            options.namespace.as_deref(),
        )?;
        let bucket = Bucket::new(options.qps, options.burst);
        let (state, letters) = (options.state.clone(), options.letters.clone());
        let storage = options.s3.clone().map(Storage::new).transpose()?;
        let rules = PodRules::of(options)?;
        let (cluster, Server { version, platform, address }) = Cluster::connect(&place, bucket).await?;
        let identity = identity(&cluster, &address).await?;
        let keeping = keeping(&rules, storage.as_ref())?;
        let capabilities = Capabilities {
            kind: "kubernetes",
            version: format!("Kubernetes {version}, namespace {}", place.namespace),
            platform,
            freeze: false,
            transport: match (&storage, &letters) {
                (Some(_), _) => "s3, else exec",
                (None, Some(_)) => "exec, small results in the status of pods",
                (None, None) => "exec",
            },
            pulls_for_us: true,
            keeping,
            hardening: hardening(),
        };
        Ok(Self { core: Arc::new(Core::new(cluster, rules, state, storage, letters)), capabilities, address, identity })
    }
}

impl KubernetesExecutor {
    /// Returns how many requests were made since it connected, watches aside.
    pub fn calls(&self) -> u64 {
        self.core.cluster.calls()
    }

    /// Asks whether it is still the namespace that was connected to: of one that was made anew, nothing tells what the first held. In one
    /// that is gone there is nothing.
    async fn check(&self) -> Result<(), ExecutorError> {
        match self.server_identity().await {
            Ok(found) if found != self.identity => Err(ExecutorError::Unreachable(format!(
                "another one answers in its place: {found}, not {}",
                self.identity
            ))),
            Ok(_) | Err(ExecutorError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Asks who a cluster is, as far as we are concerned: a namespace that is made anew holds nothing of what we know.
async fn identity(cluster: &Cluster, address: &Sha256) -> Result<String, ExecutorError> {
    Ok(match cluster.namespace_uid().await? {
        Some(uid) => format!("namespace {uid}"),
        None => format!("address {address}"),
    })
}

/// Where results wait; refused where two places are named.
fn keeping(rules: &PodRules, storage: Option<&Storage>) -> Result<Keeping, ExecutorError> {
    let hold = rules.options.hold;
    match (storage, &rules.options.results_claim) {
        (None, None) => Ok(Keeping::Pod(hold)),
        (None, Some(claim)) => Ok(Keeping::Claim(hold, claim.clone())),
        (Some(storage), None) => Ok(Keeping::Storage(hold, storage.place().to_owned())),
        (Some(_), Some(_)) => Err(ExecutorError::Refused(
            "results go to one place: `[executor.kubernetes]` names both a results_claim and an s3 bucket".to_owned(),
        )),
    }
}

/// What the Kubernetes API promises, and what it only takes note of.
fn hardening() -> Vec<Hardening> {
    [
        ("user 65532", Proof::Enforced),
        ("no capabilities", Proof::Enforced),
        ("no new privileges", Proof::Enforced),
        ("seccomp", Proof::Requested),
        ("read-only root", Proof::Enforced),
        ("private /tmp", Proof::Enforced),
        ("no programs in /tmp", Proof::Unavailable),
        ("memory limit", Proof::Enforced),
        // The kubelet has one limit for all pods of a node; a pod cannot ask for its own.
        ("process limit", Proof::Unavailable),
        ("processor limit", Proof::Enforced),
        // Not every network heeds policies.
        (Hardening::NETWORK, Proof::Requested),
    ]
    .map(|(item, proof)| Hardening { item, proof })
    .to_vec()
}

#[async_trait]
impl Executor for KubernetesExecutor {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn server_identity(&self) -> Result<String, ExecutorError> {
        identity(&self.core.cluster, &self.address).await
    }

    async fn resolve_image(
        &self,
        reference: &str,
        _pull: bool,
        _progress: &Progress<'_>,
    ) -> Result<ImageInfo, ExecutorError> {
        // The node that gets the pod pulls; what a tag means is known then.
        Ok(ImageInfo {
            id: reference.to_owned(),
            digest: reference.contains('@').then(|| reference.to_owned()),
            size: 0,
            platform: self.capabilities.platform.clone(),
        })
    }

    async fn export_image(&self, reference: &str, _into: &Path) -> Result<(), ExecutorError> {
        Err(ExecutorError::Refused(format!("a cluster gives no images away: scan {reference} where Docker has it")))
    }

    async fn validate(&self, spec: &JobSpec) -> Result<Vec<Unmet>, ExecutorError> {
        let mut unmet = Vec::new();
        if let Network::Join(container) = &spec.network {
            let message = format!("a pod cannot join the network of {container}; use egress, or Docker");
            unmet.push(Unmet { item: "network".to_owned(), message });
        }
        let is_key = |name: &str| {
            let bytes = name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c));
            bytes && !name.is_empty() && !name.starts_with("..") && name != "." && name.len() <= 253
        };
        for name in spec.secrets.keys().filter(|name| !is_key(name)) {
            let message = "its name has other characters than letters, digits, `-`, `_` and `.`".to_owned();
            unmet.push(Unmet { item: format!("secret {name}"), message });
        }
        if let Some(storage) = &self.core.storage {
            storage.ready().await?;
            unmet.extend(self.core.too_short(storage, spec));
        }
        unmet.extend(self.core.claim_unmet().await?);
        Ok(unmet)
    }

    async fn abilities(&self) -> Vec<Ability> {
        match &self.core.storage {
            Some(storage) => storage.abilities().await,
            None => self.core.claim_ability().await.into_iter().collect(),
        }
    }

    async fn shortfalls(&self) -> Result<Vec<Unmet>, ExecutorError> {
        self.core.missing_rights().await
    }

    async fn probe_isolation(
        &self,
        instance: InstanceKey,
        probe: Key8,
        progress: &Progress<'_>,
    ) -> Result<Option<Probed>, ExecutorError> {
        Box::pin(self.core.probe_policy(instance, &probe_name(instance, probe), progress)).await.map(Some)
    }

    async fn provide_tree(&self, sha256: Sha256, tree: &Path) -> Result<(), ExecutorError> {
        let tree = tree
            .canonicalize()
            .map_err(|error| ExecutorError::local(format!("find the tree {}", tree.display()), &error))?;
        self.core.keep_tree(sha256, tree);
        Ok(())
    }

    async fn withdraw_tree(&self, _instance: InstanceKey, sha256: Sha256) -> Result<(), ExecutorError> {
        // Pods have copies of their own, which go with them.
        self.core.drop_tree(sha256);
        Ok(())
    }

    async fn launch(&self, launch: &Launch) -> Result<Launched, ExecutorError> {
        self.core.launch_attempt(launch).await
    }

    fn preview(&self, launch: &Launch) -> Vec<serde_json::Value> {
        self.core.preview(launch)
    }

    fn observe(&self, instance: InstanceKey) -> BoxStream<'static, Observation> {
        watch::observe(Arc::clone(&self.core), instance)
    }

    async fn inspect(&self, name: &AttemptName) -> Result<Option<Observed>, ExecutorError> {
        if let Some(look) = self.core.look(name).await? {
            return Ok(Some(look.standing.observed()));
        }
        self.check().await?;
        match self.core.rules.options.results_claim {
            Some(_) => self.core.inspect_kept(name).await,
            None => self.core.inspect_stored(name).await,
        }
    }

    async fn logs(&self, name: &AttemptName, from_seq: u64) -> Result<LogChunk, ExecutorError> {
        self.core.read_logs(name, from_seq).await
    }

    async fn fetch(&self, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError> {
        self.core.fetch_results(launch, into).await
    }

    async fn stop(&self, name: &AttemptName, grace: Duration) -> Result<(), ExecutorError> {
        self.core.stop_attempt(name, grace).await
    }

    async fn freeze(&self, _name: &AttemptName, _frozen: bool) -> Result<(), ExecutorError> {
        Err(ExecutorError::Refused("a cluster cannot freeze a pod".to_owned()))
    }

    async fn remove(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        self.core.remove_attempt(name).await
    }

    async fn list_owned(&self, instance: InstanceKey) -> Result<Vec<Owned>, ExecutorError> {
        let mut owned = self.core.list_labelled(&format!("{}={instance}", label::INSTANCE)).await?;
        owned.extend(self.core.list_stored(Some(instance)).await?);
        Ok(owned)
    }

    async fn list_foreign(&self) -> Result<Vec<Owned>, ExecutorError> {
        let mut owned = self.core.list_labelled(label::ROLE).await?;
        owned.extend(self.core.list_stored(None).await?);
        Ok(owned)
    }

    async fn remove_owned(&self, owned: &Owned) -> Result<(), ExecutorError> {
        self.core.remove_listed(owned).await
    }
}
