//! What dragnet adds to a Kubernetes cluster, in three measurements; `cargo bench --bench kubernetes [-- JOBS [MIB]]`
//!
//! - JOBS trivial jobs, [`AT_ONCE`] at a time, from the first dispatch until the last result is stored and its Job removed, against a client
//!   that only creates, waits for and removes Jobs with pods of the same shape, and against Jobs of one container.
//! - The time from the scanner's own end to its verified results.
//! - Bringing MIB of results, such as scanners write and such as do not compress, against `kubectl exec … cat` of the same file, and
//!   the memory that it takes here.
//!
//! The parties take turns, a part of the jobs each time: what else the machine does meets all of them.
//! Needs the cluster that the tests use.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a measurement fails by panicking")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "and prints its table")]
#![expect(clippy::cast_precision_loss, reason = "numbers of jobs and of mebibytes")]

#[expect(dead_code, reason = "tests use the rest")]
#[path = "../tests/common/cluster.rs"]
mod cluster;
#[path = "../tests/common/engine.rs"]
mod engine;
#[expect(dead_code, reason = "the conformance suite uses the rest")]
#[path = "../tests/conformance/harness.rs"]
mod harness;
#[path = "../tests/common/lab.rs"]
mod lab;
#[path = "common/round.rs"]
mod round;

use std::collections::HashSet;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dragnet::executor::kubernetes::KubernetesExecutor;
use dragnet::executor::{Executor as _, Observation, Observed};
use dragnet::model::clock::Clock;
use dragnet::model::plan::Step;
use dragnet::model::scanner::Network;
use dragnet::model::unit::ByteSize;
use dragnet::store::Store;
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use tokio::sync::watch;

use harness::Attempt;
use lab::{Lab, options};

const AT_ONCE: usize = 8;
/// Turns that each party has; one more before them is not counted.
const TURNS: usize = 4;
/// Attempts of which the time to their results is taken.
const SAMPLES: usize = 9;
/// Results in lines of JSON, no two alike.
const WRITTEN: &str = r#"seq 1 9999999 | awk '{ printf "{\"check_id\":\"python.lang.security.audit.rule-%d\",\"path\":\"src/module_%d/file_%d.py\",\"start\":{\"line\":%d,\"col\":%d},\"extra\":{\"message\":\"Detected a dangerous call with user input (%d)\",\"severity\":\"WARNING\",\"fingerprint\":\"%08x%08x\"}}\n", $1 % 97, $1 % 61, $1 % 1009, $1 % 4001, $1 % 80, $1, ($1 * 40503) % 4294967291, ($1 * 2654435) % 4294967291 }'"#;
/// Results that do not compress.
const RANDOM: &str = "cat /dev/urandom";
/// The label of the bare client's Jobs.
const BARE: &str = "dragnet.dev/bench";

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let (jobs, mib) = (numbers.next().unwrap_or(200), numbers.next().unwrap_or(512));
    let lab = Lab::start().await.expect("a cluster");
    let load = || std::fs::read_to_string("/proc/loadavg").unwrap().split(' ').next().unwrap().to_owned();
    println!("{jobs} jobs in {TURNS} turns, {AT_ONCE} at a time; load {}", load());
    let (mut ours, mut tidied, mut same, mut one, mut calls) = (0.0, 0.0, 0.0, 0.0, 0);
    for turn in 0..=TURNS {
        let jobs = if turn == 0 { AT_ONCE } else { jobs.div_ceil(TURNS) };
        let ((results, gone), made) = scan(&lab, jobs).await;
        cleared(&lab).await;
        let three = bare(&lab, jobs, 3).await;
        cleared(&lab).await;
        let single = bare(&lab, jobs, 1).await;
        cleared(&lab).await;
        if turn > 0 {
            ours += results.as_secs_f64();
            tidied += gone.as_secs_f64();
            same += three.as_secs_f64();
            one += single.as_secs_f64();
            calls += made;
        }
    }
    let jobs = jobs.div_ceil(TURNS) * TURNS;
    println!(
        "dragnet              {ours:6.1} s   until all results are stored; {tidied:.1} s until nothing of it is left"
    );
    println!("{:29} {:.1} calls a job, watches aside", "", calls as f64 / jobs as f64);
    for (what, bare) in [("bare, same pods", same), ("bare, one container", one)] {
        println!("{what:20} {bare:6.1} s   dragnet takes {:.2} times as long", ours / bare);
    }
    let mut waits = latencies(&lab).await;
    waits.sort();
    println!(
        "\nfrom a scanner's end to its results, load {}: median {} ms, longest {} ms",
        load(),
        waits[SAMPLES / 2].as_millis(),
        waits[SAMPLES - 1].as_millis()
    );
    for (kind, write) in [("as scanners write them", WRITTEN), ("that do not compress", RANDOM)] {
        println!("\n{mib} MiB of results {kind}, load {}", load());
        let ((ours, memory), theirs) = (bring(&lab, write, mib).await, cat(&lab, write, mib).await);
        let rate = |took: Duration| mib as f64 / took.as_secs_f64();
        println!("dragnet              {:6.1} MiB/s, verified; {memory} MiB of memory more at most", rate(ours));
        println!(
            "kubectl exec … cat   {:6.1} MiB/s; dragnet is {:.2} times as fast",
            rate(theirs),
            rate(ours) / rate(theirs)
        );
    }
    lab.finish().await;
}

/// A whole scan of so many steps; returns how long it took until all results were stored, how long until nothing of it was left, and how
/// many calls.
async fn scan(lab: &Lab, jobs: usize) -> ((Duration, Duration), u64) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let executor = Arc::new(KubernetesExecutor::connect(options(&lab.cluster, dir.path())).await.unwrap());
    let steps: Vec<Step> = (0..jobs).map(|number| step(lab, number)).collect();
    let elapsed = round::scan(store, executor.clone(), &lab.cluster.image, steps, AT_ONCE).await;
    (elapsed, executor.calls())
}

fn step(lab: &Lab, number: usize) -> Step {
    let image = &lab.cluster.image;
    let step = json!({
        "id": format!("job-{number}"),
        "scanner": {
            "name": "sh", "image": image, "program": "sh", "command": ["-c", ":"], "input": ["host"], "results": [],
            "network": "egress", "timeout": "1m", "limits": { "memory": "64MiB" },
        },
    });
    serde_json::from_value(step).unwrap()
}

/// The least that a client can do: Jobs created, waited for with one watch, and removed.
async fn bare(lab: &Lab, jobs: usize, containers: usize) -> Duration {
    let api = Api::<Job>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    let (ended, _) = watch::channel(HashSet::new());
    let started = Instant::now();
    let follow = async {
        let mut changes = watcher(api.clone(), watcher::Config::default().labels(BARE)).applied_objects().boxed();
        while let Some(job) = changes.try_next().await.unwrap() {
            assert!(!is(&job, "Failed"), "{job:?}");
            if is(&job, "Complete") {
                ended.send_if_modified(|names| names.insert(job.name_any()));
            }
        }
    };
    let run = futures::stream::iter(0..jobs).for_each_concurrent(AT_ONCE, |number| {
        let (api, ended) = (api.clone(), ended.clone());
        async move {
            let job = trivial(lab, &format!("bare-{containers}-{number}"), containers);
            let name = api.create(&PostParams::default(), &job).await.unwrap().name_any();
            ended.subscribe().wait_for(|names| names.contains(&name)).await.unwrap();
            api.delete(&name, &DeleteParams::background()).await.unwrap();
        }
    });
    tokio::select! {
        () = run => started.elapsed(),
        () = follow => panic!("the watch ended"),
    }
}

/// Waits until the cluster has cleared up behind one party, so that the next does not pay for it.
async fn cleared(lab: &Lab) {
    let pods = Api::<Pod>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    while !pods.list(&ListParams::default()).await.unwrap().items.is_empty() {
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// A Job with the pod of a trivial attempt, whose containers leave at once.
fn trivial(lab: &Lab, name: &str, containers: usize) -> Job {
    let attempt = Attempt::script(lab, ":").with(|spec| spec.network = Network::Egress);
    let mut job = lab.executor.preview(&attempt.0).pop().unwrap();
    job["metadata"] = json!({ "name": name, "labels": { BARE: "" } });
    job["spec"]["template"]["metadata"]["labels"] = json!({ BARE: "" });
    let pod = &mut job["spec"]["template"]["spec"];
    for kind in ["initContainers", "containers"] {
        for container in pod[kind].as_array_mut().unwrap() {
            container["image"] = json!(lab.cluster.image);
            container["command"] = json!(["/bin/sh", "-c", ":"]);
            container.as_object_mut().unwrap().remove("args");
        }
    }
    if containers == 1 {
        pod.as_object_mut().unwrap().remove("initContainers");
        pod["containers"].as_array_mut().unwrap().truncate(1);
    }
    serde_json::from_value(job).unwrap()
}

fn is(job: &Job, condition: &str) -> bool {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|one| one.type_ == condition && one.status == "True")
}

/// Launches an attempt and waits until the watch tells of its end.
async fn ended(lab: &Lab, attempt: &Attempt) {
    let mut watch = lab.executor.observe(lab.instance);
    assert!(matches!(watch.next().await, Some(Observation::Listing(_))));
    attempt.launch(lab).await;
    while let Some(seen) = watch.next().await {
        match seen {
            Observation::Changed(name, Observed::Exited { error: None, .. }) if name == *attempt.name() => return,
            Observation::Changed(_, Observed::Exited { error, .. }) => panic!("{error:?}"),
            _ => {}
        }
    }
}

/// How long results are on their way, by the clock that this machine and its pods share.
async fn latencies(lab: &Lab) -> Vec<Duration> {
    let mut waits = Vec::new();
    for _ in 0..SAMPLES {
        let attempt = Attempt::script(lab, "echo found >{out}/r");
        ended(lab, &attempt).await;
        let fetched = attempt.fetch(lab).await.unwrap();
        let wait = Clock::System.now().since(fetched.manifest().exit.finished_at);
        waits.push(Duration::from_millis(u64::try_from(wait).unwrap()));
        attempt.remove(lab).await;
    }
    waits
}

/// Brings a large result here; returns how long that took, and by how many MiB this process grew.
async fn bring(lab: &Lab, write: &str, mib: usize) -> (Duration, u64) {
    let attempt = Attempt::script(lab, &format!("{write} | head -c {} >{{out}}/r", mib << 20));
    let attempt = attempt.with(|spec| spec.limits.output = ByteSize((mib as u64 + 1) << 20));
    ended(lab, &attempt).await;
    // From here on the peak is counted anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, started) = (peak(), Instant::now());
    let fetched = attempt.fetch(lab).await.unwrap();
    let (took, grown) = (started.elapsed(), peak() - before);
    assert_eq!(fetched.manifest().files.iter().map(|file| file.len).max(), Some((mib as u64) << 20));
    attempt.remove(lab).await;
    (took, grown >> 10)
}

/// The greatest resident memory of this process, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Brings as many bytes out of a pod with `kubectl exec`, to a file as well.
async fn cat(lab: &Lab, write: &str, mib: usize) -> Duration {
    let pods = Api::<Pod>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    let script = format!("{write} | head -c {} >/out/r; : >/out/ready; sleep 3600", mib << 20);
    let pod: Value = json!({
        "metadata": { "name": "cat" },
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "cat", "image": lab.cluster.image, "command": ["/bin/sh", "-c", script],
                "readinessProbe": { "exec": { "command": ["/bin/cat", "/out/ready"] }, "periodSeconds": 1 },
                "volumeMounts": [{ "name": "out", "mountPath": "/out" }],
            }],
            "volumes": [{ "name": "out", "emptyDir": {} }],
        },
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    await_condition(pods.clone(), "cat", |pod: Option<&Pod>| pod.is_some_and(is_ready)).await.unwrap();
    let file = tempfile::tempfile().unwrap();
    let mut exec = Command::new("kubectl");
    exec.arg("--kubeconfig").arg(&lab.cluster.kubeconfig).args(["-n", &lab.cluster.namespace, "exec", "cat", "--"]);
    exec.args(["/bin/cat", "/out/r"]).stdin(Stdio::null()).stdout(file.try_clone().unwrap());
    let started = Instant::now();
    assert!(exec.status().unwrap().success());
    file.sync_all().unwrap();
    let took = started.elapsed();
    assert_eq!(file.metadata().unwrap().len(), (mib as u64) << 20);
    pods.delete("cat", &DeleteParams::default()).await.unwrap();
    took
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True")
}
