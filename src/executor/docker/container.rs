//! From a launch to the engine's description of a container. Pure; all hardening is here.

use std::collections::HashMap;

use bollard::models::{
    ContainerConfig, ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, ResourcesUlimits,
    RestartPolicy, RestartPolicyNameEnum,
};

use crate::model::scanner::{HardeningItem, Network};
use crate::model::spec::{JobSpec, Launch, label, paths};

/// User and group of scanners, by number: images need not know them.
pub(super) const UID: u64 = 65532;
/// Fewer processes and threads make scanners hang rather than fail.
const MIN_PIDS: u32 = 64;
/// Sealing needs this much, whatever the scanner was given.
const MIN_SEAL_MEMORY: i64 = 256 << 20;

/// Describes the container of an attempt.
pub(super) fn of_attempt(launch: &Launch, mounts: Vec<Mount>) -> ContainerCreateBody {
    let spec = &launch.spec;
    let mut environment: Vec<String> = spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !spec.env.contains_key("HOME") {
        environment.push("HOME=/tmp".to_owned());
    }
    ContainerCreateBody {
        env: Some(environment),
        host_config: Some(host_config(spec, mounts)),
        ..common(launch, "scan", "run")
    }
}

/// Describes the container that seals an attempt whose shim was killed.
pub(super) fn of_sealing(launch: &Launch, mounts: Vec<Mount>) -> ContainerCreateBody {
    let mut host = host_config(&launch.spec, mounts);
    host.network_mode = Some("none".to_owned());
    host.memory = host.memory.map(|memory| memory.max(MIN_SEAL_MEMORY));
    host.memory_swap = host.memory;
    ContainerCreateBody { host_config: Some(host), ..common(launch, "seal", "seal") }
}

/// Describes the container that opens an attempt's files up for their removal, from what its own container was.
pub(super) fn of_release(attempt: &ContainerConfig, mounts: Vec<Mount>) -> ContainerCreateBody {
    let mut labels = attempt.labels.clone().unwrap_or_default();
    labels.insert(label::ROLE.to_owned(), "helper".to_owned());
    let mut body = of_helper(attempt.image.as_deref().unwrap_or_default(), labels, mounts);
    body.entrypoint = Some([paths::SHIM, "shim", "open"].map(str::to_owned).to_vec());
    body.user.clone_from(&attempt.user);
    body
}

/// Describes a container that is never started: a handle on the volumes that it mounts.
pub(super) fn of_helper(image: &str, labels: HashMap<String, String>, mounts: Vec<Mount>) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec![paths::SHIM.to_owned()]),
        labels: Some(labels),
        host_config: Some(HostConfig {
            mounts: Some(mounts),
            network_mode: Some("none".to_owned()),
            cap_drop: Some(vec!["ALL".to_owned()]),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Returns the user that a specification's scanner runs as.
pub(super) fn uid(spec: &JobSpec) -> u64 {
    if excepted(spec, HardeningItem::NonRoot) { 0 } else { UID }
}

fn common(launch: &Launch, role: &str, verb: &str) -> ContainerCreateBody {
    let uid = uid(&launch.spec);
    ContainerCreateBody {
        image: Some(launch.spec.image.clone()),
        entrypoint: Some([paths::SHIM, "shim", verb].map(str::to_owned).to_vec()),
        cmd: Some(Vec::new()),
        user: Some(format!("{uid}:{uid}")),
        labels: Some(launch.labels(role).into_iter().collect()),
        // The image's own check would run beside the scanner.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..Default::default() }),
        stop_signal: Some("SIGTERM".to_owned()),
        ..Default::default()
    }
}

fn host_config(spec: &JobSpec, mounts: Vec<Mount>) -> HostConfig {
    let limits = &spec.limits;
    let memory = i64::try_from(limits.memory.0).unwrap_or(i64::MAX);
    let raw_sockets = excepted(spec, HardeningItem::DropNetRaw).then(|| vec!["NET_RAW".to_owned()]);
    HostConfig {
        readonly_rootfs: Some(!excepted(spec, HardeningItem::ReadOnlyRoot)),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: raw_sockets,
        privileged: Some(false),
        // Seccomp stays at the engine's default profile: naming none is how that is asked for.
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        tmpfs: Some(HashMap::from([("/tmp".to_owned(), tmpfs(spec))])),
        memory: Some(memory),
        memory_swap: Some(memory),
        nano_cpus: Some(nano_cpus(limits.cpus)),
        pids_limit: Some(limits.pids.max(MIN_PIDS).into()),
        ulimits: Some(vec![ResourcesUlimits { name: Some("core".to_owned()), soft: Some(0), hard: Some(0) }]),
        network_mode: Some(match &spec.network {
            Network::None => "none".to_owned(),
            Network::Egress => "default".to_owned(),
            Network::Host => "host".to_owned(),
            Network::Join(container) => format!("container:{container}"),
        }),
        // The shim is the first process and reaps.
        init: Some(false),
        auto_remove: Some(false),
        restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some([("max-size", "10m"), ("max-file", "3")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
        }),
        mounts: Some(mounts),
        ..Default::default()
    }
}

fn tmpfs(spec: &JobSpec) -> String {
    let exec = if excepted(spec, HardeningItem::NoexecTmp) { "exec" } else { "noexec" };
    format!("rw,nosuid,nodev,{exec},mode=1777")
}

#[expect(clippy::cast_possible_truncation, reason = "a number of processors; floats saturate")]
fn nano_cpus(cpus: f64) -> i64 {
    (cpus * 1e9) as i64
}

fn excepted(spec: &JobSpec, item: HardeningItem) -> bool {
    spec.exceptions.iter().any(|exception| exception.item == item)
}
