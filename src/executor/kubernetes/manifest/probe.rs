//! Two pods of a probe, as hardened as a scanner's, and the policy that is tried on one of them.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::batch::v1::{Job, JobSpec as KubeJobSpec};
use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::ResourceExt as _;

use super::super::options::PodRules;
use super::{NETWORK, PROGRAM, UID, bare_pod, isolating, network_word, seconds, waiting, with};
use crate::model::id::InstanceKey;
use crate::model::pod::Role;
use crate::model::scanner::Network;
use crate::model::spec::label;

/// The container of both pods.
pub(in super::super) const PROBE: &str = "probe";
/// Longest life of a probe's pods that nobody removes, and of their Jobs after that: the policy goes with them.
const LIFE: Duration = Duration::from_mins(3);

/// The two pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Side {
    /// It is to be reached, and may always be.
    Far,
    /// It tries, and is what the policy holds.
    Near,
}

impl Side {
    const fn word(self) -> &'static str {
        match self {
            Self::Far => "far",
            Self::Near => "near",
        }
    }
}

/// Describes one pod of the probe called `name`.
pub(in super::super) fn job(name: &str, instance: InstanceKey, side: Side, rules: &PodRules) -> Job {
    let network = match side {
        Side::Far => network_word(&Network::Egress).to_owned(),
        Side::Near => name.to_owned(),
    };
    let labels = with(&rules.options.labels, labels(instance));
    let container = waiting(PROBE, Role::Listen { span: LIFE }, rules);
    let annotations = (!rules.options.annotations.is_empty()).then(|| rules.options.annotations.clone());
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(with(&labels, BTreeMap::from([(NETWORK.to_owned(), network)]))),
            annotations: annotations.clone(),
            ..Default::default()
        }),
        spec: Some(PodSpec { containers: vec![container], ..bare_pod(UID, rules) }),
    };
    Job {
        metadata: ObjectMeta {
            name: Some(job_name(name, side)),
            labels: Some(labels),
            annotations,
            ..Default::default()
        },
        spec: Some(KubeJobSpec {
            active_deadline_seconds: Some(seconds(LIFE)),
            backoff_limit: Some(0),
            ttl_seconds_after_finished: i32::try_from(LIFE.as_secs()).ok(),
            template,
            ..Default::default()
        }),
        status: None,
    }
}

/// Returns the name of one pod's Job.
pub(in super::super) fn job_name(name: &str, side: Side) -> String {
    format!("{name}-{}", side.word())
}

/// Returns the command of a role in a container of a probe.
pub(in super::super) fn program(role: Role) -> Vec<String> {
    std::iter::once(PROGRAM.to_owned()).chain(role.arguments()).collect()
}

/// Describes the policy: the scanners' own in all but the pods that it holds. It goes with the Job `of` the pod that it holds.
pub(in super::super) fn policy(name: &str, instance: InstanceKey, of: &Job) -> NetworkPolicy {
    let mut policy = isolating(name.to_owned(), labels(instance), instance, name);
    policy.metadata.owner_references = Some(vec![OwnerReference {
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        name: of.name_any(),
        uid: of.uid().unwrap_or_default(),
        ..Default::default()
    }]);
    policy
}

fn labels(instance: InstanceKey) -> BTreeMap<String, String> {
    BTreeMap::from([(label::INSTANCE.to_owned(), instance.to_string()), (label::ROLE.to_owned(), "helper".to_owned())])
}
