//! `[executor.kubernetes]`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::scanner::SecretRef;
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
    /// A `PersistentVolumeClaim` of the namespace, which exists, on whose volume sealed results outlive their pod; not beside `s3`. All
    /// pods that run at once must be able to write to it: `ReadWriteMany`, or `ReadWriteOnce` with a `node_selector` for one node.
    pub results_claim: Option<String>,
    /// How long the cluster keeps a Job that has ended, and with it small results, whose pods end with their scanner unless this is less
    /// than `hold`.
    #[schemars(with = "String")]
    pub ttl: Span,
    /// Requests a second, in the long run.
    pub qps: u32,
    /// Requests at once.
    pub burst: u32,
    /// Object storage that results go through.
    pub s3: S3Config,
}

/// `[executor.kubernetes.s3]`: object storage that pods bring results to, by addresses that are signed for them; used if a bucket is
/// named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// Its address, such as `https://s3.example`; pods must reach it by the same.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// The bucket, which exists.
    pub bucket: Option<String>,
    /// What the names of all objects begin with.
    pub prefix: String,
    /// Whether the bucket is named in the path of addresses rather than in the host.
    pub path_style: bool,
    /// Reference to the key's id: `env:NAME`, `file:PATH` or `command:PROGRAM ARGUMENT…`.
    #[schemars(with = "Option<String>")]
    pub access_key_id: Option<SecretRef>,
    /// Reference to the key.
    #[schemars(with = "Option<String>")]
    pub secret_access_key: Option<SecretRef>,
    /// Reference to the token that temporary keys have beside.
    #[schemars(with = "Option<String>")]
    pub session_token: Option<SecretRef>,
    /// How long the addresses of one pod are good, at most 7 days.
    #[schemars(with = "String")]
    pub expires: Span,
    /// A file with certificates of authorities (PEM) to trust beside those of the web.
    pub ca: Option<String>,
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: "us-east-1".to_owned(),
            bucket: None,
            prefix: "dragnet".to_owned(),
            path_style: true,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            expires: Span(Duration::from_hours(3 * 24)),
            ca: None,
        }
    }
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
            results_claim: None,
            ttl: DAY,
            qps: 10,
            burst: 20,
            s3: S3Config::default(),
        }
    }
}
