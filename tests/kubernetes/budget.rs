//! How many calls an attempt costs the cluster: what the watch has told, small results among it, is not asked for again.

use std::time::Duration;

use dragnet::executor::{Executor as _, Observation, Observed};
use dragnet::model::id::Sha256;
use dragnet::model::scanner::{Network, SecretRef};
use futures::StreamExt as _;

use super::harness::Attempt;
use super::lab::Lab;

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs an attempt as a driver does, and returns what it cost.
async fn cost(lab: &Lab, attempt: &Attempt) -> u64 {
    let mut watch = lab.executor.observe(lab.instance);
    assert!(matches!(watch.next().await, Some(Observation::Listing(_))));
    let before = lab.executor.calls();
    attempt.launch(lab).await;
    let ended = async {
        loop {
            match watch.next().await.unwrap() {
                Observation::Changed(name, ended @ Observed::Exited { .. }) if name == *attempt.name() => return ended,
                Observation::Unreachable(message) => panic!("{message}"),
                _ => {}
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    assert_eq!(ended, Observed::Exited { code: Some(0), out_of_memory: false, error: None });
    assert_eq!(attempt.fetch(lab).await.unwrap().text("work/r"), "found\n");
    lab.executor.remove(attempt.name()).await.unwrap();
    let cost = lab.executor.calls() - before;
    assert_eq!(lab.executor.inspect(attempt.name()).await.unwrap(), None);
    cost
}

/// Runs attempts until one costs no more than `most`, three at most: on a busy node a pod may refuse an exec for a moment, and be
/// asked again.
async fn least(lab: &Lab, attempt: impl Fn() -> Attempt, most: u64) -> u64 {
    let mut least = u64::MAX;
    for _ in 0..3 {
        if least > most {
            least = least.min(cost(lab, &attempt()).await);
        }
    }
    least
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_costs_three_calls_with_small_results_and_six_at_most_with_large_ones_and_twelve_with_everything() {
    let Some(lab) = Lab::start().await else { return };
    let plain = |script: &str| Attempt::script(&lab, script).with(|spec| spec.network = Network::Egress);
    // The Job made, the Job removed, its pod removed: no exec, and nothing else that is asked.
    let small = least(&lab, || plain("echo found >{out}/r"), 3).await;
    assert_eq!(small, 3, "calls");
    // Too long for a letter: the keeper is asked.
    let large = least(&lab, || plain("echo found >{out}/r; head -c 5000 /dev/urandom >{out}/more"), 6).await;
    assert!((4..=6).contains(&large), "{large} calls");

    let tree = tempfile::tempdir().unwrap();
    std::fs::write(tree.path().join("text"), "found\n").unwrap();
    let sha256 = Sha256::of("a tree");
    lab.executor.provide_tree(sha256, tree.path()).await.unwrap();
    // The policy that cuts it off is made once for all attempts, and counted here.
    let full = || {
        let full = Attempt::script(&lab, "cat /src/text >{out}/r").with(|spec| {
            spec.source = Some(sha256);
            spec.secrets.insert("token".to_owned(), SecretRef::Env("UNUSED".to_owned()));
        });
        let spooled = dragnet::executor::types::secret_file(lab.state.path(), full.0.scan, "token");
        std::fs::create_dir_all(spooled.parent().unwrap()).unwrap();
        std::fs::write(&spooled, "s3cret").unwrap();
        full
    };
    let full = least(&lab, full, 12).await;
    assert!(full <= 12, "{full} calls");
    lab.finish().await;
}
