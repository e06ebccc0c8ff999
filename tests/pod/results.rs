//! Results and logs on their way out of a pod.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use dragnet::executor::Sealed;
use dragnet::executor::kubernetes::session::{Session, collect};
use dragnet::model::manifest::{ExitCause, LogLine};
use dragnet::model::pod::Role;
use dragnet::model::spec::Launch;
use dragnet::shim::unseal;
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Cut, KEEP, PATIENCE, Pod, Running, bytes_below, session};

/// Where a client that is a process finds its pod and leaves what it collects.
const CLIENT: &str = "DRAGNET_TEST_POD";
const INTO: &str = "DRAGNET_TEST_INTO";

async fn collected(pod: &Pod, into: &Path) -> Sealed {
    let (_server, mut session) = pod.session(Role::Serve).await;
    let sealed = collect(&mut session, &pod.launch, into).await.unwrap();
    session.close().await.unwrap();
    sealed
}

fn unsealed(sealed: &Sealed) -> tempfile::TempDir {
    let into = tempfile::tempdir().unwrap();
    unseal(&sealed.manifest, &sealed.parts, into.path(), 4 << 30).unwrap();
    into
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_what_sealing_gives_and_are_kept_until_acknowledged() {
    let pod = Pod::new("seq 1 1000; mkdir work/deep; echo found >work/deep/r; exit 3").prepared();
    let keep = pod.start(KEEP);
    // Asked for before there is anything, and answered when there is.
    let (mut server, mut session) = pod.session(Role::Serve).await;
    assert_eq!(session.manifest(Duration::from_millis(30)).await.unwrap(), None);
    assert_eq!(pod.run().code(), 0);
    let into = tempfile::tempdir().unwrap();
    let sealed = collect(&mut session, &pod.launch, into.path()).await.unwrap();
    assert_eq!((&sealed.manifest.exit.cause, sealed.manifest.exit.code), (&ExitCause::Ended, Some(3)));
    assert_eq!(fs::read(unsealed(&sealed).path().join("work/deep/r")).unwrap(), b"found\n");
    session.ping().await.unwrap();
    session.acknowledge().await.unwrap();
    session.close().await.unwrap();
    assert_eq!(server.wait().await.unwrap().code(), Some(0));
    assert_eq!(keep.code(), 0);

    let seal = Command::new(env!("CARGO_BIN_EXE_dragnet")).args(["shim", "seal"]).arg(pod.path("out")).status();
    assert!(seal.unwrap().success());
    assert_eq!(pod.manifest(), sealed.manifest);
    for part in &sealed.manifest.parts {
        let again = fs::read(pod.path("out/seal").join(&part.name)).unwrap();
        assert_eq!(again, fs::read(into.path().join(&part.name)).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_sealed_by_the_keeper() {
    let pod = Pod::new("echo $$ >pid; echo found >work/r; echo line; : >ready; exec sleep 1000").prepared();
    let keep = pod.start(KEEP);
    let run = pod.run();
    pod.wait_for("out/ready");
    let (_server, mut session) = pod.session(Role::Serve).await;
    while session.logs(1, 100).await.unwrap().lines.is_empty() {}
    assert_eq!(session.manifest(Duration::from_millis(50)).await.unwrap(), None, "it runs");
    let pid = fs::read_to_string(pod.path("out/pid")).unwrap().trim().parse().unwrap();
    run.kill();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    let into = tempfile::tempdir().unwrap();
    let sealed = collect(&mut session, &pod.launch, into.path()).await.unwrap();
    assert_eq!((&sealed.manifest.exit.cause, sealed.manifest.log.last_seq), (&ExitCause::ShimKilled, 1));
    assert_eq!(fs::read(unsealed(&sealed).path().join("work/r")).unwrap(), b"found\n");
    assert!(session.logs(2, 100).await.unwrap().end);
    keep.signal(Signal::TERM);
    drop(session);
    assert_eq!(keep.code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_to_stop_reaches_the_scanner() {
    let pod = Pod::new("trap 'echo late >work/r; exit 7' TERM; : >ready; while :; do sleep 0.02; done").prepared();
    let run = pod.run();
    pod.wait_for("out/ready");
    let (_server, mut session) = pod.session(Role::Serve).await;
    session.cancel(50_000).await.unwrap();
    assert_eq!(run.code(), 0);
    let sealed = collected(&pod, tempfile::tempdir().unwrap().path()).await;
    assert_eq!((sealed.manifest.exit.cause, sealed.manifest.exit.code), (ExitCause::Stopped, Some(7)));
}

#[test]
fn a_keeper_ends_when_there_is_nothing_to_wait_for() {
    let soon = Duration::from_millis(50);
    let pod = Pod::new("true").prepared();
    assert_eq!(pod.start(Role::Keep { start: soon, hold: PATIENCE }).code(), 0, "the scanner never starts");
    assert_eq!(pod.run().code(), 0);
    assert_eq!(pod.start(Role::Keep { start: soon, hold: soon }).code(), 0, "nobody comes for the results");
    assert!(pod.path("out/seal/manifest.json").exists());
}

/// Makes results that do not compress, of several parts.
fn with_large_results() -> Pod {
    let megabytes = if std::env::var_os("DRAGNET_FULL").is_some() { 512 } else { 64 };
    let pod = Pod::new(&format!("head -c {} /dev/urandom >work/r", megabytes << 20)).prepared();
    assert_eq!(pod.run().code(), 0);
    pod
}

fn assert_arrived(pod: &Pod, sealed: &Sealed) {
    assert_eq!(sealed.manifest, pod.manifest());
    let unsealed = unsealed(sealed);
    assert!(fs::read(unsealed.path().join("work/r")).unwrap() == fs::read(pod.path("out/work/r")).unwrap());
}

/// Not a test of its own: the client that the next test runs as a process and kills.
#[tokio::test(flavor = "multi_thread")]
async fn client() {
    let (Ok(root), Ok(into)) = (std::env::var(CLIENT), std::env::var(INTO)) else { return };
    let launch: Launch = Pod::new("true").launch;
    let manifest: dragnet::model::manifest::Manifest =
        serde_json::from_slice(&fs::read(Path::new(&root).join("out/seal/manifest.json")).unwrap()).unwrap();
    let launch = Launch { spec_sha256: manifest.spec, ..launch };
    let (_server, mut session) = session(Path::new(&root), Role::Serve).await;
    collect(&mut session, &launch, Path::new(&into)).await.unwrap();
    fs::copy("/proc/self/status", Path::new(&into).join("status")).unwrap();
}

fn start_client(pod: &Pod, into: &Path) -> Running {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["results::client", "--exact"]).env(CLIENT, pod.root()).env(INTO, into);
    Running(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_killed_twenty_times_gets_every_byte() {
    let pod = with_large_results();
    let into = tempfile::tempdir().unwrap();
    let total: u64 = pod.manifest().parts.iter().map(|part| part.len).sum();
    let mut killed = 0;
    for step in 1..=20 {
        let mut client = start_client(&pod, into.path());
        while bytes_below(into.path()) < total * step / 21 && client.0.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        killed += u32::from(client.0.try_wait().unwrap().is_none());
        client.kill();
    }
    assert_eq!(killed, 20);
    assert_eq!(start_client(&pod, into.path()).code(), 0);
    let status = fs::read_to_string(into.path().join("status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let peak: u64 = peak.unwrap().parse().unwrap();
    assert!(peak < 40 << 10, "{peak} KiB for {total} bytes");
    let parts: Vec<PathBuf> = pod.manifest().parts.iter().map(|part| into.path().join(&part.name)).collect();
    assert_arrived(&pod, &Sealed { manifest: pod.manifest(), parts, files: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_part_is_resumed_and_a_damaged_one_begins_anew() {
    let pod = with_large_results();
    let into = tempfile::tempdir().unwrap();
    let cut = |left| {
        let mut server = pod.speaker(Role::Serve);
        let (reader, writer) = (server.stdout.take().unwrap(), server.stdin.take().unwrap());
        (server, Cut { stream: reader, left }, writer)
    };
    let (mut server, reader, writer) = cut(25 << 20);
    let mut session = Session::open(reader, writer).await.unwrap();
    assert!(collect(&mut session, &pod.launch, into.path()).await.unwrap_err().is_transient());
    drop(session);
    assert_eq!(server.wait().await.unwrap().code(), Some(0), "a client that vanishes ends its process");
    assert!(into.path().join("part-0000").exists() && !into.path().join("manifest.json").exists());
    let begun = fs::metadata(into.path().join("part-0001.tmp")).unwrap().len();
    assert!(begun > 8 << 20, "{begun}");

    // What is left of the first transfer need not come again.
    let total: u64 = pod.manifest().parts.iter().map(|part| part.len).sum();
    let left = usize::try_from(total).unwrap() - (24 << 20) + (1 << 20);
    let (_server, reader, writer) = cut(left);
    let mut session = Session::open(reader, writer).await.unwrap();
    assert_arrived(&pod, &collect(&mut session, &pod.launch, into.path()).await.unwrap());

    let mut bytes = fs::read(into.path().join("part-0002")).unwrap();
    bytes[77] ^= 1;
    fs::write(into.path().join("part-0002"), &bytes).unwrap();
    fs::rename(into.path().join("part-0001"), into.path().join("part-0001.tmp")).unwrap();
    fs::write(into.path().join("part-0000"), "short").unwrap();
    assert_arrived(&pod, &collected(&pod, into.path()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_are_read_live_and_after_the_end_complete_and_in_order() {
    let pod = Pod::new("seq -f %040.0f 1 150000; : >half; while [ ! -e go ]; do sleep 0.02; done; seq 150001 150010");
    let pod = pod.prepared();
    let run = pod.run();
    let (_server, mut session) = pod.session(Role::Serve).await;
    let mut live: Vec<LogLine> = Vec::new();
    loop {
        let chunk = session.logs(live.len() as u64 + 1, 100_000).await.unwrap();
        live.extend(chunk.lines);
        if live.len() == 150_000 && !pod.path("out/go").exists() {
            assert!(!chunk.end);
            fs::write(pod.path("out/go"), "").unwrap();
        }
        if chunk.end {
            break;
        }
    }
    assert_eq!(run.code(), 0);
    assert!(live.iter().zip(1..).all(|(line, seq)| line.seq == seq && line_number(line) == seq));
    assert_eq!(live.len(), 150_010);

    let (_server, mut session) = pod.session(Role::Serve).await;
    let last = session.logs(149_990, 1 << 20).await.unwrap();
    assert_eq!((last.lines.as_slice(), last.end), (&live[149_989..], true));
    // Backwards too, and behind the end.
    assert_eq!(session.logs(1, 1).await.unwrap().lines, &live[..1]);
    let nothing = session.logs(150_011, 1).await.unwrap();
    assert!(nothing.lines.is_empty() && nothing.end);
}

fn line_number(line: &LogLine) -> u64 {
    std::str::from_utf8(&line.bytes).unwrap().parse().unwrap()
}
