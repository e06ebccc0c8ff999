//! `[executor.kubernetes]`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::unit::Span;

/// `[executor.kubernetes]`: which cluster, and what the pods are like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KubernetesConfig {
    /// Kubeconfig files, separated by `:`; what `kubectl` would use if absent, or else the account of the pod we run in.
    pub kubeconfig: Option<String>,
    /// A context of the kubeconfig; its current one if absent.
    pub context: Option<String>,
    /// The namespace; the context's if absent.
    pub namespace: Option<String>,
    /// The image that holds dragnet itself, for the containers beside the scanner's; what `dragnet agent-image` makes if absent.
    pub agent_image: Option<String>,
    /// When nodes pull images.
    pub image_pull_policy: ImagePullPolicy,
    /// Secrets of the namespace with credentials for registries.
    pub image_pull_secrets: Vec<String>,
    /// The service account that pods run under; its token is never mounted.
    pub service_account: Option<String>,
    /// Labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Tolerations, written as the Kubernetes API does.
    pub tolerations: Vec<Value>,
    /// Affinity, written as the Kubernetes API does.
    pub affinity: Option<Value>,
    /// The pods' priority class.
    pub priority_class: Option<String>,
    /// Further labels on Jobs and pods.
    pub labels: BTreeMap<String, String>,
    /// Further annotations on Jobs and pods.
    pub annotations: BTreeMap<String, String>,
    /// Longest time until a pod begins, such as `15m`.
    #[schemars(with = "String")]
    pub start_timeout: Span,
    /// How long results wait in their pod to be fetched.
    #[schemars(with = "String")]
    pub hold: Span,
    /// How long the cluster keeps a Job that has ended.
    #[schemars(with = "String")]
    pub ttl: Span,
    /// Requests a second, in the long run.
    pub qps: u32,
    /// Requests at once.
    pub burst: u32,
}

/// When nodes pull images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImagePullPolicy {
    /// When they do not have them.
    #[default]
    IfNotPresent,
    /// For every container.
    Always,
    /// Never.
    Never,
}

impl Default for KubernetesConfig {
    fn default() -> Self {
        const DAY: Span = Span(Duration::from_hours(24));
        Self {
            kubeconfig: None,
            context: None,
            namespace: None,
            agent_image: None,
            image_pull_policy: ImagePullPolicy::default(),
            image_pull_secrets: Vec::new(),
            service_account: None,
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            affinity: None,
            priority_class: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            start_timeout: Span(Duration::from_mins(15)),
            hold: DAY,
            ttl: DAY,
            qps: 10,
            burst: 20,
        }
    }
}
