//! The suite against Docker, once for each transport, and what only Docker can show.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptions, RemoveContainerOptionsBuilder, RemoveImageOptions,
    RemoveVolumeOptions,
};
use dragnet::executor::docker::{DockerExecutor, DockerOptions, Transport};
use dragnet::executor::{Executor, ExecutorError, Observation, Observed};
use dragnet::model::id::{AttemptName, InstanceKey, Key8, Sha256};
use futures::StreamExt as _;

use super::cases;
use super::engine::{self, AGENT};
use super::harness::{Attempt, Harness};

struct DockerHarness {
    docker: Docker,
    executor: DockerExecutor,
    instance: InstanceKey,
    image: String,
    state: tempfile::TempDir,
    /// Held while the shim's volume is in use: it is shared, and each test removes it.
    shim_volume: Option<tokio::sync::MutexGuard<'static, ()>>,
}

static SHIM_VOLUME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[async_trait]
impl Harness for DockerHarness {
    fn executor(&self) -> &dyn Executor {
        &self.executor
    }

    fn instance(&self) -> InstanceKey {
        self.instance
    }

    fn image(&self) -> &str {
        &self.image
    }

    fn state(&self) -> &Path {
        self.state.path()
    }

    async fn kill(&self, name: &AttemptName) {
        self.docker.kill_container(name.as_str(), None::<KillContainerOptions>).await.unwrap();
    }

    async fn destroy(&self, name: &AttemptName) {
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        self.docker.remove_container(name.as_str(), Some(options)).await.unwrap();
    }
}

impl DockerHarness {
    /// Connects, imports an image of its own, and makes an executor with a fresh state.
    async fn start(transport: Option<Transport>) -> Option<Arc<Self>> {
        let docker = engine::local().await?;
        let shim_volume = if transport == Some(Transport::Volume) { Some(SHIM_VOLUME.lock().await) } else { None };
        let state = tempfile::tempdir().unwrap();
        let executor = connect(state.path(), transport).await;
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let instance = Key8::from_bits(u64::try_from(nanos & 0xff_ffff_ffff).unwrap());
        let repository = format!("dragnet-conformance-{instance}");
        let image = engine::import(&docker, &repository).await;
        Some(Arc::new(Self { docker, executor, instance, image, state, shim_volume }))
    }

    /// Removes the shim's volume, unless another process uses it: programs under test are built often.
    async fn remove_shim_volume(&self) {
        if self.shim_volume.is_none() {
            return;
        }
        let version = Sha256::of(std::fs::read(AGENT).unwrap()).to_string()[..12].to_owned();
        for name in [format!("dragnet-shim-{version}-complete"), format!("dragnet-shim-{version}")] {
            self.docker.remove_volume(&name, None::<RemoveVolumeOptions>).await.ok();
        }
    }

    /// Removes what the cases share, and checks that nothing else is left.
    async fn finish(&self) {
        let owned = self.executor.list_owned(self.instance).await.unwrap();
        for one in owned.iter().filter(|one| matches!(one.role.as_str(), "source" | "data")) {
            self.executor.remove_owned(one).await.unwrap();
        }
        self.remove_shim_volume().await;
        let left = self.executor.list_owned(self.instance).await.unwrap();
        assert!(left.is_empty(), "left behind: {left:?}");
        self.docker.remove_image(&self.image, None::<RemoveImageOptions>, None).await.unwrap();
        let spool: Vec<_> = std::fs::read_dir(self.state.path().join("spool"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name != "secrets" && name != "trees")
            .collect();
        assert!(spool.is_empty(), "left in the spool: {spool:?}");
    }
}

async fn connect(state: &Path, transport: Option<Transport>) -> DockerExecutor {
    connect_to(None, state, transport).await
}

async fn connect_to(host: Option<String>, state: &Path, transport: Option<Transport>) -> DockerExecutor {
    let (agent, grace) = (Some(PathBuf::from(AGENT)), Duration::from_secs(2));
    let options = DockerOptions { host, context: None, state: state.to_owned(), agent, transport, grace };
    DockerExecutor::connect(options).await.unwrap()
}

async fn conformance(transport: Transport) {
    let Some(harness) = DockerHarness::start(Some(transport)).await else { return };
    let shared: Arc<dyn Harness> = harness.clone();
    let failed = cases::run_all(&shared).await;
    if failed.is_empty() {
        harness.finish().await;
    } else {
        for one in harness.executor.list_owned(harness.instance).await.unwrap() {
            harness.executor.remove_owned(&one).await.unwrap();
        }
        harness.remove_shim_volume().await;
        harness.docker.remove_image(&harness.image, None::<RemoveImageOptions>, None).await.unwrap();
    }
    assert!(failed.is_empty(), "{}: {failed:#?}", transport.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_with_mounts_of_the_spool_conforms() {
    conformance(Transport::Bind).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_with_volumes_conforms() {
    conformance(Transport::Volume).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_engine_is_proven_to_see_our_files() {
    let Some(harness) = DockerHarness::start(None).await else { return };
    assert_eq!(harness.executor.capabilities().transport, "bind");
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_of_hardening_is_in_the_container() {
    let Some(harness) = DockerHarness::start(Some(Transport::Bind)).await else { return };
    let attempt = Attempt::script(
        &*harness,
        "cat /proc/self/status >{out}/r; (: >/tmp/x && chmod +x /tmp/x && /tmp/x) || echo noexec >>{out}/r",
    );
    attempt.launch(&*harness).await;
    attempt.ended(&*harness).await;
    let found =
        harness.docker.inspect_container(attempt.name().as_str(), None::<InspectContainerOptions>).await.unwrap();
    let (config, host) = (found.config.unwrap(), found.host_config.unwrap());
    assert_eq!(config.user.as_deref(), Some("65532:65532"));
    assert_eq!(config.entrypoint.unwrap(), ["/dragnet/bin/dragnet", "shim", "run"]);
    assert_eq!(host.cap_drop.unwrap(), ["ALL"]);
    assert!(host.cap_add.is_none_or(|added| added.is_empty()));
    assert_eq!(host.security_opt.unwrap(), ["no-new-privileges"]);
    assert_eq!((host.privileged, host.readonly_rootfs, host.init), (Some(false), Some(true), Some(false)));
    assert_eq!(host.tmpfs.unwrap(), HashMap::from([("/tmp".into(), "rw,nosuid,nodev,noexec,mode=1777".into())]));
    assert_eq!((host.memory, host.memory_swap), (Some(64 << 20), Some(64 << 20)));
    assert_eq!((host.pids_limit, host.nano_cpus), (Some(128), Some(1_000_000_000)));
    assert_eq!((host.network_mode.as_deref(), host.auto_remove), (Some("none"), Some(false)));
    assert_eq!(host.log_config.unwrap().typ.as_deref(), Some("json-file"));
    assert!(
        found
            .mounts
            .unwrap()
            .iter()
            .all(|mount| mount.rw == Some(mount.destination.as_deref() == Some("/dragnet/out")))
    );
    // And as the scanner sees it.
    let status = attempt.fetch(&*harness).await.unwrap().text("work/r");
    let has = |line: &str| status.lines().any(|found| found.split_whitespace().eq(line.split_whitespace()));
    for line in [
        "Uid: 65532 65532 65532 65532",
        "CapEff: 0000000000000000",
        "CapBnd: 0000000000000000",
        "NoNewPrivs: 1",
        "Seccomp: 2",
        "noexec",
    ] {
        assert!(has(line), "{line} in {status}");
    }
    attempt.remove(&*harness).await;
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_results_are_refused_and_closed_ones_removed() {
    let Some(harness) = DockerHarness::start(Some(Transport::Bind)).await else { return };
    let attempt = Attempt::script(&*harness, "head -c 100000 /dev/urandom >{out}/r");
    attempt.launch(&*harness).await;
    attempt.ended(&*harness).await;
    let part = harness.state().join("spool").join(attempt.name().as_str()).join("out/seal/part-0000");
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[50_000] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    let error = attempt.fetch(&*harness).await.map(drop).unwrap_err();
    assert!(matches!(error, ExecutorError::Corrupt { .. }), "{error}");
    attempt.remove(&*harness).await;

    let attempt =
        Attempt::script(&*harness, "mkdir {out}/d; echo x >{out}/d/f; chmod 0 {out}/d; echo ready; sleep 1000");
    attempt.launch(&*harness).await;
    attempt.says(&*harness, "ready").await;
    attempt.remove(&*harness).await;
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_not_there_is_unreachable() {
    let state = tempfile::tempdir().unwrap();
    let host = Some(format!("unix://{}", state.path().join("nobody").display()));
    let (context, agent, transport) = (None, Some(PathBuf::from(AGENT)), None);
    let grace = Duration::ZERO;
    let options = DockerOptions { host, context, state: state.path().to_owned(), agent, transport, grace };
    let error = DockerExecutor::connect(options).await.map(drop).unwrap_err();
    assert!(matches!(error, ExecutorError::Unreachable(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_the_engine_refuses_is_an_end() {
    let Some(harness) = DockerHarness::start(Some(Transport::Bind)).await else { return };
    for entry in std::fs::read_dir(harness.state().join("shim")).unwrap() {
        std::fs::set_permissions(entry.unwrap().path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let executor = &harness.executor;
    let attempt = Attempt::script(&*harness, "true");
    let name = attempt.name().clone();
    for _ in 0..2 {
        let result = executor.launch(&attempt.0).await;
        assert!(matches!(result, Err(ExecutorError::NotStarted(_))), "{result:?}");
    }
    let Some(ended @ Observed::Exited { error: Some(_), .. }) = executor.inspect(&name).await.unwrap() else {
        panic!("it looks as if it could still be started");
    };
    assert_eq!(executor.observe(harness.instance).next().await, Some(Observation::Listing(vec![(name, ended)])));
    let error = attempt.fetch(&*harness).await.map(drop).unwrap_err();
    assert!(matches!(error, ExecutorError::NotStarted(_)), "{error}");
    attempt.remove(&*harness).await;
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_outlives_its_connection() {
    let Some(harness) = DockerHarness::start(Some(Transport::Bind)).await else { return };
    let socket = harness.state().join("proxy");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let (cut, _) = tokio::sync::broadcast::channel::<()>(1);
    let proxied = cut.clone();
    let proxy = tokio::spawn(async move {
        loop {
            let (mut ours, _) = listener.accept().await.unwrap();
            let mut cut = proxied.subscribe();
            tokio::spawn(async move {
                let mut theirs = tokio::net::UnixStream::connect("/var/run/docker.sock").await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut ours, &mut theirs) => {}
                    _ = cut.recv() => {}
                }
            });
        }
    });
    let host = Some(format!("unix://{}", socket.display()));
    let executor = connect_to(host, harness.state(), Some(Transport::Bind)).await;
    let mut watch = executor.observe(harness.instance);
    assert!(matches!(watch.next().await, Some(Observation::Listing(_))));
    let attempt = Attempt::script(&*harness, "echo ready; sleep 1000");
    attempt.launch(&*harness).await;
    assert_eq!(watch.next().await, Some(Observation::Changed(attempt.name().clone(), Observed::Running)));
    cut.send(()).unwrap();
    assert!(matches!(watch.next().await, Some(Observation::Unreachable(_))));
    let listing = vec![(attempt.name().clone(), Observed::Running)];
    assert_eq!(watch.next().await, Some(Observation::Listing(listing)));
    proxy.abort();
    attempt.remove(&*harness).await;
    std::fs::remove_file(socket).unwrap();
    harness.finish().await;
}

/// Processes that die in the middle of a launch: whoever comes after them finishes it, and the scanner runs once.
#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_launch_survives_the_death_of_its_process_at_each_step() {
    let common =
        ["docker.launch.before_create", "docker.launch.created", "docker.launch.delivered", "docker.launch.started"];
    let volume = ["docker.volume.helper", "docker.volume.filled"];
    for transport in [Transport::Bind, Transport::Volume] {
        let Some(harness) = DockerHarness::start(Some(transport)).await else { return };
        let volume = volume.iter().filter(|_| transport == Transport::Volume);
        for point in volume.chain(&common) {
            let attempt = Attempt::script(&*harness, "echo run >>{out}/r");
            let into = tempfile::tempdir().unwrap();
            let died = in_another_process(&harness, transport, &attempt, &format!("{point}:abort"), into.path()).await;
            assert!(!died.success(), "{point}");
            let fetched = attempt.run(&*harness).await;
            assert_eq!(fetched.text("work/r"), "run\n", "{point}");
            // The helper of a process that died is nobody's; a sweep finds it by its labels.
            for one in harness.executor.list_owned(harness.instance).await.unwrap() {
                assert_eq!(one.role, "helper");
                harness.executor.remove_owned(&one).await.unwrap();
            }
            harness.remove_shim_volume().await;
        }
        harness.finish().await;
    }
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_survives_the_death_of_its_process_at_each_step() {
    for transport in [Transport::Bind, Transport::Volume] {
        let Some(harness) = DockerHarness::start(Some(transport)).await else { return };
        for point in ["docker.seal.created:abort", "docker.fetch.part:abort@1", "docker.fetch.part:abort@2"] {
            let attempt = Attempt::script(&*harness, "head -c 20000000 /dev/urandom >{out}/r; echo ready; sleep 1000");
            attempt.launch(&*harness).await;
            attempt.says(&*harness, "ready").await;
            harness.kill(attempt.name()).await;
            attempt.ended(&*harness).await;
            let into = tempfile::tempdir().unwrap();
            let died = in_another_process(&harness, transport, &attempt, point, into.path()).await;
            assert!(!died.success(), "{point}");
            assert!(!into.path().join("manifest.json").exists(), "{point}");
            let sealed = harness.executor.fetch(&attempt.0, into.path()).await.unwrap();
            let fetched = super::harness::Fetched { into, sealed };
            assert_eq!(fetched.file("work/r").unwrap().len(), 20_000_000, "{point}");
            attempt.remove(&*harness).await;
        }
        harness.finish().await;
    }
}

/// Launches the attempt, and fetches it if it has ended, in a process that dies at a point.
#[cfg(feature = "failpoints")]
async fn in_another_process(
    harness: &DockerHarness,
    transport: Transport,
    attempt: &Attempt,
    point: &str,
    into: &Path,
) -> std::process::ExitStatus {
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "docker::launches_and_dies"])
        .env("DRAGNET_FAIL", point)
        .env("CONFORMANCE_STATE", harness.state())
        .env("CONFORMANCE_TRANSPORT", transport.as_str())
        .env("CONFORMANCE_SPEC", serde_json::to_string(&*attempt.0.spec).unwrap())
        .env("CONFORMANCE_KEYS", format!("{} {}", attempt.0.instance, attempt.0.scan))
        .env("CONFORMANCE_INTO", into)
        .output()
        .await
        .unwrap();
    output.status
}

/// Not a test of its own: what the other tests run as a process, and whose death they demand.
#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn launches_and_dies() {
    let Ok(state) = std::env::var("CONFORMANCE_STATE") else { return };
    let variable = |name: &str| std::env::var(name).unwrap();
    let transport = if variable("CONFORMANCE_TRANSPORT") == "bind" { Transport::Bind } else { Transport::Volume };
    let executor = connect(Path::new(&state), Some(transport)).await;
    let spec = serde_json::from_str(&variable("CONFORMANCE_SPEC")).unwrap();
    let keys = variable("CONFORMANCE_KEYS");
    let (instance, scan) = keys.split_once(' ').unwrap();
    let launch = super::harness::launch(instance.parse().unwrap(), scan.parse().unwrap(), spec);
    executor.launch(&launch).await.unwrap();
    if matches!(executor.inspect(&launch.name).await.unwrap(), Some(Observed::Exited { .. })) {
        executor.fetch(&launch, Path::new(&variable("CONFORMANCE_INTO"))).await.unwrap();
    }
}
