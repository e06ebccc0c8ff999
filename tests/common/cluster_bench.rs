//! Scans in a cluster: a state, a source tree, scanners that are small scripts in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::cli::Home;
use super::cluster::Cluster;
use super::tool::Tool;

/// How long a kubelet may take to remove the containers of a pod that was deleted: its own 30 seconds for one that the cluster
/// itself collects, and what a busy machine adds.
const KUBELET: Duration = Duration::from_mins(2);

/// A state and a source tree, and the namespace that is used.
pub(crate) struct ClusterBench<'c> {
    pub cluster: &'c Cluster,
    /// How the program reaches the cluster.
    pub kubeconfig: PathBuf,
    /// More lines of the executor's table.
    pub more: &'static str,
    dir: tempfile::TempDir,
}

impl<'c> ClusterBench<'c> {
    pub(crate) fn of(cluster: &'c Cluster) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("tree")).unwrap();
        Self { cluster, kubeconfig: cluster.kubeconfig.clone(), more: "", dir }
    }

    /// What bears the instance's labels now; pods that are being removed are there until the kubelet has done it.
    async fn labelled(&self) -> Vec<String> {
        let labels = ListParams::default().labels(&format!("dragnet.dev/instance={}", self.app("").store.instance()));
        let (client, namespace) = (&self.cluster.client, &self.cluster.namespace);
        let jobs = Api::<Job>::namespaced(client.clone(), namespace).list(&labels).await.unwrap();
        let pods = Api::<Pod>::namespaced(client.clone(), namespace).list(&labels).await.unwrap();
        let secrets = Api::<Secret>::namespaced(client.clone(), namespace).list(&labels).await.unwrap();
        let named = |kind: &str, name: String| format!("{kind} {name}");
        let jobs = jobs.into_iter().map(|job| named("job", job.name_any()));
        let pods = pods.into_iter().map(|pod| named("pod", pod.name_any()));
        jobs.chain(pods).chain(secrets.into_iter().map(|secret| named("secret", secret.name_any()))).collect()
    }

    /// Checks that nothing is left, in the cluster and in the spool, and that the database is whole.
    pub(crate) async fn finish(self) {
        assert_eq!(self.left().await, Vec::<String>::new(), "left in the cluster");
        let spool = std::fs::read_dir(self.state().join("spool")).into_iter().flatten();
        let spool: Vec<_> = spool.map(|entry| entry.unwrap().path()).collect();
        let spool: Vec<_> =
            spool.iter().filter(|path| !path.ends_with("secrets") && !path.ends_with("trees")).collect();
        assert!(spool.is_empty(), "left in the spool: {spool:?}");
        assert_eq!(self.app("").store.verify().unwrap(), Vec::<String>::new());
    }
}

impl Home for ClusterBench<'_> {
    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn config(&self, tools: &[Tool]) -> String {
        let Cluster { namespace, agent_image, image, .. } = self.cluster;
        let kubeconfig = self.kubeconfig.display();
        let mut text = format!(
            "[scan]\ngrace = \"2s\"\n[executor]\nkind = \"kubernetes\"\n[executor.kubernetes]\nkubeconfig = \"{kubeconfig}\"\n\
             namespace = \"{namespace}\"\nagent_image = \"{agent_image}\"\nimage_pull_policy = \"never\"\nqps = 100\n\
             burst = 200\nstart_timeout = \"2m\"\n{}",
            self.more
        );
        for tool in tools {
            self.write(&format!("{}.sh", tool.name), &tool.script);
            text.push_str(&tool.table(image));
        }
        text
    }

    /// Jobs, pods and Secrets, once a kubelet has had its time.
    async fn left(&self) -> Vec<String> {
        let gone = async {
            while !self.labelled().await.is_empty() {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        };
        match tokio::time::timeout(KUBELET, gone).await {
            Ok(()) => Vec::new(),
            Err(_) => self.labelled().await,
        }
    }
}
