//! An executor in a namespace of its own, for whatever tests it.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bollard::query_parameters::{KillContainerOptions, ListContainersOptionsBuilder};
use dragnet::executor::Executor;
use dragnet::executor::kubernetes::{KubernetesExecutor, KubernetesOptions, PodOptions, PullPolicy};
use dragnet::letter::StateKey;
use dragnet::model::id::{AttemptName, InstanceKey, Key8};
use k8s_openapi::api::batch::v1::Job;
use kube::Api;
use kube::api::DeleteParams;

use super::cluster::Cluster;
use super::harness::Harness;

/// Cases about what a cluster cannot do, or promises to nobody.
const NOT_HERE: [&str; 3] =
    ["a_missing_image_is_not_resolved", "nothing_is_reached_without_a_network", "a_frozen_attempt_thaws_and_stops"];

/// A namespace with an executor.
pub(crate) struct Lab {
    pub cluster: Cluster,
    pub executor: KubernetesExecutor,
    pub instance: InstanceKey,
    pub state: tempfile::TempDir,
}

#[async_trait]
impl Harness for Lab {
    fn executor(&self) -> &dyn Executor {
        &self.executor
    }

    fn instance(&self) -> InstanceKey {
        self.instance
    }

    fn image(&self) -> &str {
        &self.cluster.image
    }

    fn supports(&self, case: &str) -> bool {
        !NOT_HERE.contains(&case)
    }

    fn state(&self) -> &Path {
        self.state.path()
    }

    async fn kill(&self, name: &AttemptName) {
        let filters = HashMap::from([("name", vec![format!("k8s_scan_{name}-")])]);
        let options = ListContainersOptionsBuilder::new().filters(&filters).build();
        let containers = self.cluster.docker.list_containers(Some(options)).await.unwrap();
        let id = containers.first().unwrap().id.clone().unwrap();
        self.cluster.docker.kill_container(&id, None::<KillContainerOptions>).await.unwrap();
    }

    async fn destroy(&self, name: &AttemptName) {
        let jobs = Api::<Job>::namespaced(self.cluster.client.clone(), &self.cluster.namespace);
        jobs.delete(name.as_str(), &DeleteParams::background()).await.unwrap();
    }
}

impl Lab {
    /// Makes a lab; `None` where there is no cluster.
    pub(crate) async fn start() -> Option<Self> {
        Some(Self::of(Cluster::start().await?).await)
    }

    /// Makes a lab in a namespace.
    pub(crate) async fn of(cluster: Cluster) -> Self {
        let state = tempfile::tempdir().unwrap();
        let executor = KubernetesExecutor::connect(options(&cluster, state.path())).await.unwrap();
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let instance = Key8::from_bits(u64::try_from(nanos & 0xff_ffff_ffff).unwrap());
        Self { cluster, executor, instance, state }
    }

    /// Removes everything; what an attempt has left behind is a failure.
    pub(crate) async fn finish(&self) {
        let owned = self.executor.list_owned(self.instance).await.unwrap();
        let (shared, left): (Vec<_>, Vec<_>) = owned.into_iter().partition(|one| one.role == "policy");
        for one in &shared {
            self.executor.remove_owned(one).await.unwrap();
        }
        let unshared = self.executor.list_owned(self.instance).await.unwrap();
        self.cluster.finish().await;
        assert!(left.is_empty(), "left behind: {left:?}");
        assert!(unshared.is_empty(), "not removed: {unshared:?}");
        assert!(shared.len() <= 1, "one policy for all: {shared:?}");
    }
}

/// How the namespace is reached by the administrator.
pub(crate) fn options(cluster: &Cluster, state: &Path) -> KubernetesOptions {
    KubernetesOptions {
        kubeconfig: Some(cluster.kubeconfig.to_str().unwrap().to_owned()),
        context: None,
        namespace: Some(cluster.namespace.clone()),
        state: state.to_owned(),
        letters: Some(StateKey::of(b"lab")),
        qps: 100,
        burst: 200,
        s3: None,
        agent_image: Some(cluster.agent_image.clone()),
        tolerations: Vec::new(),
        affinity: None,
        pods: PodOptions {
            pull_policy: PullPolicy::Never,
            start_timeout: Duration::from_mins(2),
            hold: Duration::from_mins(10),
            ttl: Duration::from_mins(10),
            grace: Duration::from_secs(2),
            ..PodOptions::default()
        },
    }
}
