//! From a launch to the cluster's description of a Job, a Secret and a network policy. Pure; all hardening is here.
//!
//! The images of the cluster's own containers hold one file, `/dragnet`, so in `prepare` and `keeper` the pod's directories are
//! below [`ROOT`]; in `scan` they are where every executor has them.

mod kept;
pub(super) mod probe;
mod upload;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::batch::v1::{Job, JobSpec as KubeJobSpec};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, DownwardAPIVolumeFile, DownwardAPIVolumeSource, EmptyDirVolumeSource, EnvVar,
    LocalObjectReference, ObjectFieldSelector, PodSecurityContext, PodSpec, PodTemplateSpec, ResourceRequirements,
    SeccompProfile, Secret, SecretVolumeSource, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::options::PodRules;
use crate::model::id::InstanceKey;
use crate::model::pod::{self, Order, Role};
use crate::model::scanner::{HardeningItem, Network};
use crate::model::spec::{JobSpec, Launch, label, paths};

pub(super) use kept::{LENDER, lender, lender_name, lent};
pub(super) use upload::{ADDRESSES, addresses, addresses_name};

/// The container that prepares.
pub(super) const PREPARE: &str = "prepare";
/// The container of the scanner.
pub(super) const SCAN: &str = "scan";
/// The container that keeps the results.
pub(super) const KEEPER: &str = "keeper";
/// Where a kubelet finds what the scanner's container says at its end, which it shows in the pod's status.
pub(super) const LETTER: &str = "/dev/termination-log";
/// The program in the agent's image.
const PROGRAM: &str = "/dragnet";
/// Where the pod's directories are in our own containers.
const ROOT: &str = "/pod";
/// The label of a pod that says which network it may use.
const NETWORK: &str = "dragnet.dev/network";
/// User and group of all containers, by number: images need not know them.
const UID: i64 = 65532;
/// Longest wait of a pod for its source and its databases.
const DELIVERY: Duration = Duration::from_hours(1);
/// What the deadline of a Job adds to the sum of its parts.
const MARGIN: Duration = Duration::from_mins(5);
/// Time that the containers have after SIGTERM, in seconds.
const TERMINATION: i64 = 30;
/// Memory of our own containers.
const OWN_MEMORY: (u64, u64) = (32 << 20, 128 << 20);
/// Room in the results' volume beside what the limits allow: the job, its input, directories.
const ROOM: u64 = 64 << 20;

/// Describes the Job of an attempt; with `stored`, its keeper has the addresses of object storage.
pub(super) fn job(launch: &Launch, order: &Order, rules: &PodRules, stored: bool) -> Job {
    let labels = with(&rules.options.labels, launch.labels("scan"));
    let mut annotations = rules.options.annotations.clone();
    let meta = ObjectMeta {
        name: Some(launch.name.to_string()),
        labels: Some(labels.clone()),
        annotations: (!annotations.is_empty()).then(|| annotations.clone()),
        ..Default::default()
    };
    annotations.insert(pod::ANNOTATION.to_owned(), order.to_text());
    let mut pod = pod_spec(launch, rules);
    if stored {
        upload::mount_addresses(launch, &mut pod);
    }
    if let Some(claim) = &rules.options.results_claim {
        kept::mount_claim(claim, &mut pod);
    }
    let network = BTreeMap::from([(NETWORK.to_owned(), network_word(&launch.spec.network).to_owned())]);
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(with(&labels, network)),
            annotations: Some(annotations),
            ..Default::default()
        }),
        spec: Some(pod),
    };
    let spec = KubeJobSpec {
        active_deadline_seconds: Some(seconds(deadline(&launch.spec, rules))),
        // A retry is a new attempt with a new name, and ours alone.
        backoff_limit: Some(0),
        completions: Some(1),
        parallelism: Some(1),
        ttl_seconds_after_finished: Some(i32::try_from(rules.options.ttl.as_secs()).unwrap_or(i32::MAX)),
        template,
        ..Default::default()
    };
    Job { metadata: meta, spec: Some(spec), status: None }
}

/// Describes the Secret of an attempt: its values are in no other object.
pub(super) fn secret(launch: &Launch, values: BTreeMap<String, Vec<u8>>) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(launch.name.to_string()),
            labels: Some(launch.labels("secret")),
            ..Default::default()
        },
        data: Some(values.into_iter().map(|(name, value)| (name, ByteString(value))).collect()),
        immutable: Some(true),
        type_: Some("Opaque".to_owned()),
        ..Default::default()
    }
}

/// Describes the policy that lets no byte in or out of an instance's pods that have no network. It is up to the cluster's network
/// whether it heeds that.
pub(super) fn isolation(instance: InstanceKey) -> NetworkPolicy {
    let labels = [(label::INSTANCE, instance.to_string()), (label::ROLE, "policy".to_owned())];
    let labels = labels.map(|(label, value)| (label.to_owned(), value)).into();
    isolating(format!("dn-{instance}-isolated"), labels, instance, network_word(&Network::None))
}

/// Describes a policy that cuts off an instance's pods with one word as their network.
fn isolating(name: String, labels: BTreeMap<String, String>, instance: InstanceKey, network: &str) -> NetworkPolicy {
    let isolated =
        BTreeMap::from([(label::INSTANCE.to_owned(), instance.to_string()), (NETWORK.to_owned(), network.to_owned())]);
    NetworkPolicy {
        metadata: ObjectMeta { name: Some(name), labels: Some(labels), ..Default::default() },
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector { match_labels: Some(isolated), ..Default::default() }),
            policy_types: Some(["Ingress", "Egress"].map(str::to_owned).to_vec()),
            ..Default::default()
        }),
    }
}

/// Returns the command that speaks with us in one of our containers.
pub(super) fn speaker(role: Role) -> Vec<String> {
    let program = format!("{ROOT}/{}", pod::paths::SHIM);
    std::iter::once(program).chain(role.arguments()).chain([ROOT.to_owned()]).collect()
}

fn pod_spec(launch: &Launch, rules: &PodRules) -> PodSpec {
    let spec = &launch.spec;
    PodSpec {
        init_containers: Some(vec![ours(PREPARE, Role::Prepare { wait: DELIVERY }, spec, rules)]),
        containers: vec![
            scan(spec, rules),
            ours(
                KEEPER,
                Role::Keep { start: rules.options.start_timeout + DELIVERY, hold: rules.options.hold },
                spec,
                rules,
            ),
        ],
        volumes: Some(volumes(launch)),
        host_network: (spec.network == Network::Host).then_some(true),
        ..bare_pod(uid(spec), rules)
    }
}

/// The container of the scanner, under the shim.
fn scan(spec: &JobSpec, rules: &PodRules) -> Container {
    let mut env: Vec<_> = spec.env.iter().map(|(name, value)| variable(name, value)).collect();
    if !spec.env.contains_key("HOME") {
        env.push(variable("HOME", "/tmp"));
    }
    let mut mounts =
        vec![mount("bin", parent(paths::SHIM), true), mount("out", paths::OUT, false), mount("tmp", "/tmp", false)];
    if spec.source.is_some() {
        mounts.push(part("in", pod::SOURCE.to_owned(), paths::SOURCE));
    }
    mounts.extend(spec.data.iter().map(|data| part("in", pod::data_place(&data.name), &data.mount)));
    if !spec.secrets.is_empty() {
        mounts.push(mount("secrets", paths::SECRETS, true));
    }
    let limits = &spec.limits;
    let memory = bytes(limits.memory.0);
    Container {
        name: SCAN.to_owned(),
        image: Some(spec.image.clone()),
        image_pull_policy: Some(rules.options.pull_policy.as_str().to_owned()),
        command: Some([paths::SHIM, "shim", "run"].map(str::to_owned).to_vec()),
        args: Some(Vec::new()),
        env: Some(env),
        volume_mounts: Some(mounts),
        security_context: Some(security(
            !excepted(spec, HardeningItem::ReadOnlyRoot),
            excepted(spec, HardeningItem::DropNetRaw),
        )),
        // Memory that is promised twice kills scanners; a processor that is shared only slows them down.
        resources: Some(resources(
            [("memory", memory.clone()), ("cpu", cpus(limits.cpus.min(0.1)))],
            [("memory", memory), ("cpu", cpus(limits.cpus))],
        )),
        termination_message_path: Some(LETTER.to_owned()),
        ..Default::default()
    }
}

/// One of our own containers.
fn ours(name: &str, role: Role, spec: &JobSpec, rules: &PodRules) -> Container {
    let at = |name: &str| format!("{ROOT}/{name}");
    let mut mounts = vec![mount("bin", &at("bin"), name == KEEPER), mount("out", &at(pod::paths::OUT), false)];
    if name == PREPARE {
        mounts.push(mount("job", parent(&at(pod::paths::ORDER)), true));
        if spec.source.is_some() || !spec.data.is_empty() {
            mounts.push(mount("in", &at(pod::paths::TREES), false));
        }
    }
    Container {
        name: name.to_owned(),
        image: Some(rules.agent_image.clone()),
        image_pull_policy: Some(rules.options.pull_policy.as_str().to_owned()),
        // The image's own entry point is the program.
        args: Some(role.arguments().into_iter().chain([ROOT.to_owned()]).collect()),
        volume_mounts: Some(mounts),
        security_context: Some(security(true, false)),
        resources: Some(resources(
            [("memory", bytes(OWN_MEMORY.0)), ("cpu", cpus(0.01))],
            [("memory", bytes(OWN_MEMORY.1)), ("cpu", cpus(1.0))],
        )),
        ..Default::default()
    }
}

fn volumes(launch: &Launch) -> Vec<Volume> {
    let spec = &launch.spec;
    let empty = |name: &str, limit: Option<u64>, medium: Option<&str>| Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            medium: medium.map(str::to_owned),
            size_limit: limit.map(bytes),
            ..Default::default()
        }),
        ..Default::default()
    };
    // What was written and what is sealed of it are there at the same time.
    let out = 2 * (spec.limits.output.0 + spec.limits.log.0) + ROOM;
    let order = DownwardAPIVolumeFile {
        path: "job.json".to_owned(),
        field_ref: Some(ObjectFieldSelector {
            field_path: format!("metadata.annotations['{}']", pod::ANNOTATION),
            api_version: None,
        }),
        ..Default::default()
    };
    let mut volumes = vec![
        empty("bin", None, None),
        empty("out", Some(out), None),
        // In memory, as with Docker, and counted as the scanner's.
        empty("tmp", Some(spec.limits.memory.0), Some("Memory")),
        Volume {
            name: "job".to_owned(),
            downward_api: Some(DownwardAPIVolumeSource { items: Some(vec![order]), ..Default::default() }),
            ..Default::default()
        },
    ];
    if spec.source.is_some() || !spec.data.is_empty() {
        volumes.push(empty("in", None, None));
    }
    if !spec.secrets.is_empty() {
        volumes.push(Volume {
            name: "secrets".to_owned(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(launch.name.to_string()),
                default_mode: Some(0o400),
                ..Default::default()
            }),
            ..Default::default()
        });
    }
    volumes
}

/// What all pods of ours have in common, without a container.
fn bare_pod(uid: i64, rules: &PodRules) -> PodSpec {
    let options = &rules.options;
    PodSpec {
        restart_policy: Some("Never".to_owned()),
        termination_grace_period_seconds: Some(TERMINATION),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_user: Some(uid),
            run_as_group: Some(uid),
            fs_group: Some(uid),
            run_as_non_root: Some(uid != 0),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
            ..Default::default()
        }),
        service_account_name: options.service_account.clone(),
        image_pull_secrets: some(options.pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() })),
        node_selector: (!options.node_selector.is_empty()).then(|| options.node_selector.clone()),
        tolerations: some(rules.tolerations.iter().cloned()),
        affinity: rules.affinity.clone(),
        priority_class_name: options.priority_class.clone(),
        ..Default::default()
    }
}

/// A container of ours that waits for those who speak with it.
fn waiting(name: &str, role: Role, rules: &PodRules) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(rules.agent_image.clone()),
        image_pull_policy: Some(rules.options.pull_policy.as_str().to_owned()),
        args: Some(role.arguments()),
        security_context: Some(security(true, false)),
        resources: Some(resources(
            [("memory", bytes(OWN_MEMORY.0)), ("cpu", cpus(0.01))],
            [("memory", bytes(OWN_MEMORY.1)), ("cpu", cpus(1.0))],
        )),
        ..Default::default()
    }
}

fn security(read_only_root: bool, raw_sockets: bool) -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        privileged: Some(false),
        read_only_root_filesystem: Some(read_only_root),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: raw_sockets.then(|| vec!["NET_RAW".to_owned()]),
        }),
        ..Default::default()
    }
}

fn resources<const N: usize, const M: usize>(
    requests: [(&str, Quantity); N],
    limits: [(&str, Quantity); M],
) -> ResourceRequirements {
    let named = |(name, quantity): (&str, Quantity)| (name.to_owned(), quantity);
    ResourceRequirements {
        requests: Some(requests.into_iter().map(named).collect()),
        limits: Some(limits.into_iter().map(named).collect()),
        claims: None,
    }
}

/// Longest life of a Job: the shim keeps the scanner's own time, this ends what nobody comes back for.
fn deadline(spec: &JobSpec, rules: &PodRules) -> Duration {
    [rules.options.start_timeout, DELIVERY, spec.timeout.0, rules.options.grace, rules.options.hold, MARGIN]
        .into_iter()
        .fold(Duration::ZERO, Duration::saturating_add)
}

/// Returns the user that all containers of a specification run as: what the scanner wrote, the keeper has to read.
fn uid(spec: &JobSpec) -> i64 {
    if excepted(spec, HardeningItem::NonRoot) { 0 } else { UID }
}

fn excepted(spec: &JobSpec, item: HardeningItem) -> bool {
    spec.exceptions.iter().any(|exception| exception.item == item)
}

const fn network_word(network: &Network) -> &'static str {
    match network {
        Network::None => "none",
        Network::Egress => "egress",
        Network::Host => "host",
        Network::Join(_) => "join",
    }
}

fn variable(name: &str, value: &str) -> EnvVar {
    // Otherwise the cluster would put other variables in the place of $(NAME).
    EnvVar { name: name.to_owned(), value: Some(value.replace("$(", "$$(")), value_from: None }
}

fn mount(volume: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..Default::default()
    }
}

fn part(volume: &str, place: String, path: &str) -> VolumeMount {
    VolumeMount { sub_path: Some(place), ..mount(volume, path, true) }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(parent, _)| parent)
}

/// Lays our own names over the user's.
fn with(base: &BTreeMap<String, String>, over: BTreeMap<String, String>) -> BTreeMap<String, String> {
    base.clone().into_iter().chain(over).collect()
}

fn some<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then_some(items)
}

fn bytes(count: u64) -> Quantity {
    Quantity(count.to_string())
}

#[expect(clippy::cast_possible_truncation, reason = "a number of processors; floats saturate")]
fn cpus(count: f64) -> Quantity {
    Quantity(format!("{}m", ((count * 1000.0) as i64).max(1)))
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
