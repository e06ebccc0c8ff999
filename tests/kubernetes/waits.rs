//! Attempts that cannot begin yet: whoever follows the scan is told why, at once and once.

use std::process::Output;
use std::time::Duration;

use dragnet::model::clock::Timestamp;
use dragnet::model::event::{Event, EventBody};
use dragnet::model::state::JobState;
use dragnet::model::wait::WaitReason;
use k8s_openapi::api::core::v1::{ResourceQuota, Secret};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use super::lab::Lab;
use super::scans::{PATIENCE, Program, left, ran, said};

/// A scan of a script that succeeds at once, if only it begins.
fn program(lab: &Lab, changes: &[(&str, &str)]) -> Program {
    let program = Program::new(lab, "cat /src/report.json; exit 1");
    let mut config = std::fs::read_to_string(&program.config).unwrap();
    for (from, to) in changes {
        assert!(config.contains(from), "{from} in {config}");
        config = config.replace(from, to);
    }
    std::fs::write(&program.config, config).unwrap();
    program
}

/// Returns the events so far.
async fn events(program: &Program) -> Vec<Event> {
    let mut watch = program.command(&["watch", "latest", "--no-drive", "--format", "json"]);
    let mut watching = watch.spawn().unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(watching.stdout.take().unwrap()));
    let mut events = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        events.push(serde_json::from_str(&line).unwrap());
    }
    assert!(watching.wait().await.unwrap().code().is_some());
    events
}

/// Returns the waits that were told, and how many milliseconds after the job's beginning each was.
fn waits(events: &[Event]) -> Vec<(WaitReason, i64)> {
    let mut running = Timestamp(0);
    let mut waits = Vec::new();
    for event in events {
        match &event.body {
            EventBody::JobState { to: JobState::Running, .. } => running = event.at,
            EventBody::AttemptWaits { wait, .. } => waits.push((wait.reason, event.at.since(running))),
            _ => {}
        }
    }
    waits
}

/// What `show` says of the job.
async fn shown(program: &Program) -> Value {
    let output = ran(program.command(&["show", "latest/probe", "--format", "json"])).await;
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// Waits until `show` tells of a wait for this reason; returns its words.
async fn waiting(program: &Program, reason: &str) -> String {
    let look = async {
        loop {
            let job = &shown(program).await["job"]["job"];
            if job["wait"]["reason"] == reason {
                return job["wait"]["message"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("no wait for {reason}"))
}

/// Starts, sees why it waits while it does, and lets it end.
async fn start(program: &Program, reason: &str) -> (Output, String) {
    tokio::join!(ran(program.start()), waiting(program, reason))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_cannot_begin_says_why_while_there_is_time_to_mend_it() {
    let Some(lab) = Lab::start().await else { return };
    let short = ("start_timeout = \"2m\"", "start_timeout = \"30s\"");
    let nowhere =
        program(&lab, &[short, ("[scanners.probe]", "node_selector = { nowhere = \"true\" }\n[scanners.probe]")]);
    let image = format!("image = {:?}", lab.cluster.image);
    let no_image = program(
        &lab,
        &[
            short,
            ("image_pull_policy = \"never\"", "image_pull_policy = \"if_not_present\""),
            (&image, "image = \"dragnet.invalid/missing:1\""),
        ],
    );
    let rows = [
        (&nowhere, "place", WaitReason::Place, "Unschedulable: ", "never_scheduled"),
        (&no_image, "image", WaitReason::Image, "Pull", "image_unavailable"),
    ];
    let started = futures::future::join_all(rows.iter().map(|(program, reason, ..)| start(program, reason))).await;
    for ((program, _, reason, words, failure), (output, message)) in rows.iter().zip(started) {
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(message.contains(words), "{words} in {message}");
        let line = format!("probe-0          waits       {message}");
        assert_eq!(said.matches(&line).count(), 1, "{line} in {said}");
        assert!(said.contains(failure), "{failure} in {said}");
        let told = waits(&events(program).await);
        assert!(matches!(told[..], [(told, after)] if told == *reason && after < 25_000), "{told:?}");
        // What has ended waits for nothing.
        assert_eq!(shown(program).await["job"]["job"]["wait"], Value::Null);
    }
    assert_eq!(left(&lab).await, Vec::<String>::new());
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_events_say_is_told_too() {
    let Some(lab) = Lab::start().await else { return };
    let quotas = Api::<ResourceQuota>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    let quota = json!({ "metadata": { "name": "none" }, "spec": { "hard": { "pods": "0" } } });
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    let full = async {
        while quotas.get("none").await.unwrap().status.and_then(|status| status.hard).is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, full).await.unwrap();
    let program = program(&lab, &[]);
    let disturb = async {
        let words = waiting(&program, "quota").await;
        assert!(words.contains("exceeded quota"), "{words}");
        // The pod comes, and what it is to read is gone by then.
        let secrets = Api::<Secret>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
        let ours = ListParams::default().labels("dragnet.dev/role");
        for secret in secrets.list(&ours).await.unwrap() {
            secrets.delete(&secret.name_any(), &DeleteParams::default()).await.unwrap();
        }
        quotas.delete("none", &DeleteParams::default()).await.unwrap();
        let words = waiting(&program, "machine").await;
        assert!(words.starts_with("FailedMount: ") && words.contains("not found"), "{words}");
        let cancelled = ran(program.command(&["cancel", "latest"])).await;
        assert_eq!(cancelled.status.code(), Some(0), "{}", said(&cancelled));
    };
    let (output, ()) = tokio::join!(ran(program.start()), disturb);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    let told: Vec<_> = waits(&events(&program).await).into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(told, [WaitReason::Quota, WaitReason::Machine]);
    assert_eq!(left(&lab).await, Vec::<String>::new());
    lab.finish().await;
}
