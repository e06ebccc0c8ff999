//! What dragnet adds to a Docker engine: a hundred trivial jobs, eight at a time, against a client that does nothing but create,
//! start, wait and remove with the same hardening and network, and against `docker run`. Ratios within one round; the
//! median round counts. `cargo bench --bench engine [-- ROUNDS]`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement fails by panicking and prints its table")]

#[path = "common/round.rs"]
mod round;

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptions,
    StartContainerOptions, WaitContainerOptions,
};
use dragnet::executor::Executor as _;
use dragnet::executor::docker::{DockerExecutor, DockerOptions, Transport};
use dragnet::model::plan::Step;
use dragnet::store::Store;
use futures::StreamExt as _;

const JOBS: usize = 100;
const AT_ONCE: usize = 8;
const IMAGE: &str = "dragnet-bench:1";

#[tokio::main]
async fn main() {
    let rounds: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(3);
    let docker = Docker::connect_with_local_defaults().unwrap();
    import(&docker).await;
    println!("{JOBS} jobs, {AT_ONCE} at a time; seconds, and ratios to the bare client of the same round\n");
    println!("round   bare   docker run      bind          volume");
    let mut ratios: [Vec<f64>; 3] = Default::default();
    for round in 1..=rounds {
        let bare = bare(&docker).await.as_secs_f64();
        let measured = [
            docker_run().as_secs_f64(),
            scan(Transport::Bind).await.as_secs_f64(),
            scan(Transport::Volume).await.as_secs_f64(),
        ];
        for (ratios, seconds) in ratios.iter_mut().zip(measured) {
            ratios.push(seconds / bare);
        }
        let [run, bind, volume] = measured.map(|seconds| format!("{seconds:5.1} ({:4.2})", seconds / bare));
        println!("{round:5}  {bare:5.1}  {run}  {bind}  {volume}");
    }
    let [run, bind, volume] = ratios.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    });
    println!("\nmedian: docker run {run:.2}, bind {bind:.2}, volume {volume:.2}");
    docker.remove_image(IMAGE, None::<RemoveImageOptions>, None).await.unwrap();
}

/// Makes an image that holds nothing but busybox.
async fn import(docker: &Docker) {
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_path_with_name("/bin/busybox", "bin/true").unwrap();
    let body = bollard::body_full(tar.into_inner().unwrap().into());
    let options = CreateImageOptionsBuilder::new().from_src("-").repo("dragnet-bench").tag("1").build();
    let mut steps = Box::pin(docker.create_image(Some(options), Some(body), None));
    while let Some(step) = steps.next().await {
        step.unwrap();
    }
}

/// The least that a client can do.
async fn bare(docker: &Docker) -> Duration {
    let started = Instant::now();
    futures::stream::iter(0..JOBS)
        .for_each_concurrent(AT_ONCE, |number| async move {
            let options = CreateContainerOptionsBuilder::new().name(&format!("dragnet-bench-{number}")).build();
            let id = docker.create_container(Some(options), hardened()).await.unwrap().id;
            docker.start_container(&id, None::<StartContainerOptions>).await.unwrap();
            Box::pin(docker.wait_container(&id, None::<WaitContainerOptions>)).next().await.unwrap().unwrap();
            docker.remove_container(&id, Some(RemoveContainerOptionsBuilder::new().build())).await.unwrap();
        })
        .await;
    started.elapsed()
}

fn hardened() -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(IMAGE.to_owned()),
        cmd: Some(vec!["/bin/true".to_owned()]),
        user: Some("65532:65532".to_owned()),
        host_config: Some(HostConfig {
            readonly_rootfs: Some(true),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            network_mode: Some("none".to_owned()),
            pids_limit: Some(128),
            memory: Some(512 << 20),
            tmpfs: Some(HashMap::from([("/tmp".to_owned(), String::new())])),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

fn docker_run() -> Duration {
    let started = Instant::now();
    let line = format!(
        "seq {JOBS} | xargs -P{AT_ONCE} -I@ docker run --rm --read-only --cap-drop ALL --network none --user 65532:65532 \
         --security-opt no-new-privileges --pids-limit 128 --memory 512m --tmpfs /tmp {IMAGE} /bin/true"
    );
    assert!(Command::new("sh").args(["-c", &line]).stdout(Stdio::null()).status().unwrap().success());
    started.elapsed()
}

/// A whole scan of a hundred steps, from the first dispatch until the engine holds nothing of it.
async fn scan(transport: Transport) -> Duration {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let executor = executor(dir.path(), transport).await;
    let image = executor.resolve_image(IMAGE, false, &|_| {}).await.unwrap().id;
    let steps: Vec<Step> = (0..JOBS).map(|number| step(&format!("job-{number}"))).collect();
    round::scan(store, Arc::new(executor), &image, steps, AT_ONCE).await.1
}

async fn executor(state: &Path, transport: Transport) -> DockerExecutor {
    let options = DockerOptions {
        host: None,
        context: None,
        state: state.to_owned(),
        agent: Some(env!("CARGO_BIN_EXE_dragnet").into()),
        transport: Some(transport),
        grace: Duration::from_secs(8),
    };
    DockerExecutor::connect(options).await.unwrap()
}

fn step(id: &str) -> Step {
    let scanner = r#"{"name": "true", "image": "dragnet-bench:1", "program": "/bin/true", "command": [], "input": ["host"],
        "results": [], "timeout": "1m"}"#;
    let step = format!(r#"{{"id": "{id}", "scanner": {scanner}}}"#);
    serde_json::from_str(&step).unwrap()
}
