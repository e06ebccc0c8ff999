//! How a cluster is reached, and what the user wants of the pods.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Affinity, Toleration};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::s3::S3Options;
use crate::executor::ExecutorError;
use crate::letter::StateKey;

/// How a cluster is reached, and what its pods are like.
#[derive(Debug, Clone)]
pub struct KubernetesOptions {
    /// Kubeconfig files, separated by `:`; by default what `kubectl` would use, or the pod's own account.
    pub kubeconfig: Option<String>,
    /// A context of the kubeconfig; by default its current one.
    pub context: Option<String>,
    /// The namespace; by default the context's.
    pub namespace: Option<String>,
    /// The state directory, where secrets are spooled.
    pub state: PathBuf,
    /// The state's key: with it, small results come in the pod's status, for nobody else to read.
    pub letters: Option<StateKey>,
    /// Requests a second, in the long run.
    pub qps: u32,
    /// Requests at once.
    pub burst: u32,
    /// Object storage that results go through; without it they are fetched from the pod.
    pub s3: Option<S3Options>,
    /// The image that holds dragnet itself.
    pub agent_image: Option<String>,
    /// Tolerations, as the Kubernetes API writes them.
    pub tolerations: Vec<Value>,
    /// Affinity, as the Kubernetes API writes it.
    pub affinity: Option<Value>,
    /// The rest of what pods are like.
    pub pods: PodOptions,
}

/// What pods are like, as far as it needs no reading.
#[derive(Debug, Clone, Default)]
pub struct PodOptions {
    /// When images are pulled.
    pub pull_policy: PullPolicy,
    /// Secrets of the namespace with credentials for registries.
    pub pull_secrets: Vec<String>,
    /// The service account that pods run under; its token is never mounted.
    pub service_account: Option<String>,
    /// Labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
    /// The priority class.
    pub priority_class: Option<String>,
    /// Further labels on Jobs and pods.
    pub labels: BTreeMap<String, String>,
    /// Further annotations on Jobs and pods.
    pub annotations: BTreeMap<String, String>,
    /// Longest time until the scanner's container may begin.
    pub start_timeout: Duration,
    /// How long results wait in the pod to be fetched.
    pub hold: Duration,
    /// A claim of the namespace on whose volume sealed results outlive their pod.
    pub results_claim: Option<String>,
    /// How long a Job that has ended is kept by the cluster.
    pub ttl: Duration,
    /// Time between SIGTERM and SIGKILL when the shim stops a scanner of its own accord.
    pub grace: Duration,
}

/// When the cluster pulls an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicy {
    /// When the node does not have it.
    #[default]
    IfNotPresent,
    /// For every container.
    Always,
    /// Never: the node must have it.
    Never,
}

impl PullPolicy {
    /// Returns the word that the Kubernetes API uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IfNotPresent => "IfNotPresent",
            Self::Always => "Always",
            Self::Never => "Never",
        }
    }
}

/// What all pods of an executor have in common: options that were read and checked.
#[derive(Debug, Clone, Default)]
pub(super) struct PodRules {
    pub agent_image: String,
    pub tolerations: Vec<Toleration>,
    pub affinity: Option<Affinity>,
    pub options: PodOptions,
}

impl PodRules {
    pub(super) fn of(options: KubernetesOptions) -> Result<Self, ExecutorError> {
        let KubernetesOptions { agent_image, tolerations, affinity, pods, .. } = options;
        let agent_image = agent_image.ok_or_else(|| {
            ExecutorError::Refused(
                "the cluster needs an image that holds dragnet: name it in `[executor.kubernetes] agent_image`"
                    .to_owned(),
            )
        })?;
        Ok(Self {
            agent_image,
            tolerations: tolerations.iter().map(|value| read("tolerations", value)).collect::<Result<_, _>>()?,
            affinity: affinity.as_ref().map(|value| read("affinity", value)).transpose()?,
            options: pods,
        })
    }
}

/// Reads a part of the Kubernetes API. What the type does not know would be dropped in silence, so it is refused.
fn read<T: DeserializeOwned + Serialize>(key: &str, value: &Value) -> Result<T, ExecutorError> {
    let refused = |why: String| ExecutorError::Refused(format!("`executor.kubernetes.{key}` {why}"));
    let read: T = serde_json::from_value(value.clone()).map_err(|error| refused(format!("does not read: {error}")))?;
    match serde_json::to_value(&read) {
        Ok(again) if again == *value => Ok(read),
        _ => Err(refused(format!("holds what the Kubernetes API does not know: {value}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_interface_does_not_know_is_refused() {
        let good = json!({ "key": "scans", "operator": "Exists", "effect": "NoSchedule" });
        assert_eq!(read::<Toleration>("tolerations", &good).unwrap().key.as_deref(), Some("scans"));
        let misspelt = json!({ "key": "scans", "efect": "NoSchedule" });
        let error = read::<Toleration>("tolerations", &misspelt).unwrap_err().to_string();
        assert!(error.contains("executor.kubernetes.tolerations") && error.contains("efect"), "{error}");
    }
}
