//! Small results in a letter, which the scanner's container leaves for its engine to show.

use std::fs;

use dragnet::executor::kubernetes::session::collect;
use dragnet::letter::{Contents, LetterError, StateKey};
use dragnet::model::id::Sha256;
use dragnet::model::manifest::ExitCause;
use dragnet::model::pod::{Order, Role};
use dragnet::model::spec::{LetterBox, ShimJob};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{KEEP, Pod};

const MAX: usize = 4096;
/// Where the scanner, too, finds what the engine would mount.
const PLACE: &str = "../letter";

fn key() -> StateKey {
    StateKey::of(b"secret")
}

/// A pod whose shim is to leave a letter in a place that the engine has made.
fn ordered(script: &str) -> Pod {
    ordered_with(script, 0)
}

/// The same, where the keeper need not stay for a letter of so many bytes.
fn ordered_with(script: &str, sure: usize) -> Pod {
    let pod = Pod::new(script);
    fs::write(pod.path("letter"), "").unwrap();
    let path = pod.path("letter").to_str().unwrap().to_owned();
    let address = key().address(&pod.launch.name, pod.launch.spec_sha256).unwrap();
    let job =
        ShimJob { letter_box: Some(LetterBox { path, max: MAX, address, sure }), ..ShimJob::of(&pod.launch, 60_000) };
    pod.order(&Order::of(&pod.launch, job));
    pod.prepared()
}

fn letter(pod: &Pod) -> String {
    fs::read_to_string(pod.path("letter")).unwrap()
}

fn open(pod: &Pod, text: &str) -> Result<Contents, LetterError> {
    key().open(&pod.launch.name, pod.launch.spec_sha256, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_holds_the_sealed_results_for_their_attempt_alone() {
    let pod = ordered(&format!("echo s3cret >work/r; echo forged >{PLACE}; echo line; exit 3"));
    let keep = pod.start(KEEP);
    assert_eq!(pod.run().code(), 0);
    let letter = letter(&pod);
    assert!(letter.len() <= MAX && !letter.contains("s3cret"), "{letter}");
    let contents = open(&pod, &letter).unwrap();
    assert_eq!(contents.manifest, fs::read(pod.path("out/seal/manifest.json")).unwrap());
    assert_eq!(contents.parts, fs::read(pod.path("out/seal/part-0000")).unwrap());

    let (name, spec) = (&pod.launch.name, pod.launch.spec_sha256);
    let second = "dn-00000001-00000002-pod-0-a02".parse().unwrap();
    assert_ne!(*name, second);
    for refused in [
        StateKey::of(b"other").open(name, spec, &letter),
        key().open(&second, spec, &letter),
        key().open(name, Sha256::of("other"), &letter),
        open(&pod, &letter[..letter.len() - 4]),
        open(&pod, &letter[..3072.min(letter.len() / 2)]),
        open(&pod, "forged\n"),
        open(&pod, ""),
    ] {
        assert_eq!(refused, Err(LetterError::Foreign));
    }

    // It only spares a way: the keeper has them too.
    let (_server, mut session) = pod.session(Role::Serve).await;
    let into = tempfile::tempdir().unwrap();
    let sealed = collect(&mut session, &pod.launch, into.path()).await.unwrap();
    assert_eq!(sealed.manifest, serde_json::from_slice(&contents.manifest).unwrap());
    session.acknowledge().await.unwrap();
    session.close().await.unwrap();
    assert_eq!(keep.code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_stays_for_what_is_in_a_short_letter() {
    let pod = ordered_with("echo s3cret >work/r", MAX);
    let keep = pod.start(KEEP);
    assert_eq!(pod.run().code(), 0);
    assert_eq!(keep.code(), 0, "it has left by itself");
    open(&pod, &letter(&pod)).unwrap();

    let pod = ordered_with("head -c 1024 /dev/urandom >work/r", 1024);
    let keep = pod.start(KEEP);
    assert_eq!(pod.run().code(), 0);
    assert!(open(&pod, &letter(&pod)).is_ok() && !pod.path("out/posted").exists(), "it is too long to be sure");
    let (_server, mut session) = pod.session(Role::Serve).await;
    let into = tempfile::tempdir().unwrap();
    collect(&mut session, &pod.launch, into.path()).await.unwrap();
    session.acknowledge().await.unwrap();
    session.close().await.unwrap();
    assert_eq!(keep.code(), 0);
}

#[test]
fn results_that_are_too_long_leave_no_letter() {
    let pod = ordered(&format!("head -c {MAX} /dev/urandom >work/r; echo dn1.forged >{PLACE}"));
    assert_eq!(pod.run().code(), 0);
    assert_eq!(letter(&pod), "", "nor what the scanner has left in its place");
    // What compresses fits, whatever its length.
    let pod = ordered("head -c 1000000 /dev/zero >work/r");
    assert_eq!(pod.run().code(), 0);
    let contents = open(&pod, &letter(&pod)).unwrap();
    assert_eq!(contents.manifest, fs::read(pod.path("out/seal/manifest.json")).unwrap());
}

#[test]
fn a_shim_that_was_killed_leaves_no_letter() {
    let pod = ordered("echo found >work/r; echo $$ >pid; : >ready; exec sleep 1000");
    let keep = pod.start(KEEP);
    let run = pod.run();
    pod.wait_for("out/ready");
    run.kill();
    let pid: i32 = fs::read_to_string(pod.path("out/pid")).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    pod.wait_for("out/seal/manifest.json");
    assert_eq!((letter(&pod).as_str(), pod.manifest().exit.cause), ("", ExitCause::ShimKilled));
    keep.kill();
}

#[test]
fn without_its_place_a_letter_is_done_without() {
    let pod = ordered(&format!("echo found >work/r; rm {PLACE}"));
    assert_eq!(pod.run().code(), 0, "the scanner took it away");
    assert!(!pod.path("letter").exists() && pod.path("out/seal/manifest.json").exists());
    let pod = ordered("echo found >work/r");
    fs::remove_file(pod.path("letter")).unwrap();
    assert_eq!(pod.run().code(), 0, "the engine has made none");
    assert!(!pod.path("letter").exists() && pod.path("out/seal/manifest.json").exists());
}
