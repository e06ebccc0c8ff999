//! The claim that keeps sealed results: a volume in the keeper and nobody else in the pod, and the Job that reads it when the pod is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::batch::v1::{Job, JobSpec as KubeJobSpec};
use k8s_openapi::api::core::v1::{PersistentVolumeClaimVolumeSource, PodSpec, PodTemplateSpec, Volume, VolumeMount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{KEEPER, MARGIN, PROGRAM, ROOT, UID, bare_pod, mount, seconds, waiting, with};
use crate::executor::kubernetes::options::PodRules;
use crate::model::id::AttemptName;
use crate::model::pod::{self, Role};
use crate::model::spec::label;

/// What the name of an attempt's lender has behind the attempt's.
pub(in super::super) const LENDER: &str = "-kept";
/// The volume.
const VOLUME: &str = "kept";
/// How long a lender stays that nobody removes.
const HOLD: Duration = Duration::from_hours(1);
/// How long the cluster keeps a lender that has ended, in seconds.
const TTL: i32 = 60;

/// Mounts the claim in the keeper.
pub(super) fn mount_claim(claim: &str, pod: &mut PodSpec) {
    pod.volumes.get_or_insert_default().push(volume(claim));
    // Whoever the scanner runs as: all attempts share the claim, and its files belong to one group.
    let rules = pod.security_context.get_or_insert_default();
    rules.fs_group = Some(UID);
    rules.fs_group_change_policy = Some("OnRootMismatch".to_owned());
    for keeper in pod.containers.iter_mut().filter(|container| container.name == KEEPER) {
        keeper.volume_mounts.get_or_insert_default().push(mounted());
    }
}

/// Returns the name of the Job that gives and removes what an attempt has on the claim.
pub(in super::super) fn lender_name(attempt: &AttemptName) -> String {
    format!("{attempt}{LENDER}")
}

/// Describes that Job: one container of ours, and nothing but the claim.
pub(in super::super) fn lender(attempt: &AttemptName, claim: &str, rules: &PodRules) -> Job {
    let labels = with(&rules.options.labels, labels(attempt));
    let meta = ObjectMeta { labels: Some(labels), ..Default::default() };
    let mut pod =
        PodSpec { containers: vec![waiting(KEEPER, Role::Lend { hold: HOLD }, rules)], ..bare_pod(UID, rules) };
    mount_claim(claim, &mut pod);
    Job {
        metadata: ObjectMeta { name: Some(lender_name(attempt)), ..meta.clone() },
        spec: Some(KubeJobSpec {
            active_deadline_seconds: Some(seconds(rules.options.start_timeout + HOLD + MARGIN)),
            backoff_limit: Some(0),
            ttl_seconds_after_finished: Some(TTL),
            template: PodTemplateSpec { metadata: Some(meta), spec: Some(pod) },
            ..Default::default()
        }),
        status: None,
    }
}

/// Returns the command that gives what an attempt has on the claim.
pub(in super::super) fn lent(attempt: &AttemptName) -> Vec<String> {
    let directory = format!("{ROOT}/{}/{attempt}", pod::paths::KEPT);
    std::iter::once(PROGRAM.to_owned()).chain(Role::Lent.arguments()).chain([directory]).collect()
}

/// All that is known of an attempt whose row may be gone is its name; what the labels of its own objects say stands in it.
fn labels(attempt: &AttemptName) -> BTreeMap<String, String> {
    let mut parts = attempt.as_str().splitn(4, '-').skip(1);
    let (instance, scan, rest) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let (job, number) = rest.rsplit_once("-a").unwrap_or((rest, ""));
    [
        (label::INSTANCE, instance.unwrap_or_default()),
        (label::SCAN, scan.unwrap_or_default()),
        (label::JOB, job),
        (label::ATTEMPT, number.trim_start_matches('0')),
        (label::ROLE, "kept"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn volume(claim: &str) -> Volume {
    Volume {
        name: VOLUME.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim.to_owned(),
            read_only: None,
        }),
        ..Default::default()
    }
}

fn mounted() -> VolumeMount {
    mount(VOLUME, &format!("{ROOT}/{}", pod::paths::KEPT), false)
}
