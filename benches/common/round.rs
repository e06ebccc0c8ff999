//! A whole scan of trivial jobs, as benches measure it.

use std::time::{Duration, Instant};

use dragnet::driver::{Driver, Rest};
use dragnet::executor::SharedExecutor;
use dragnet::model::clock::Clock;
use dragnet::model::owner::Owner;
use dragnet::model::plan::{Plan, ScanOptions, Step};
use dragnet::model::spec::JobSpec;
use dragnet::model::target::TargetKey;
use dragnet::store::{NewScan, NewStep, Store};
use tokio_util::sync::CancellationToken;

/// Runs the steps in a state of their own, so many at once; returns the time from the first dispatch until all results were stored, and
/// that until the engine held nothing of the scan any more.
pub(crate) async fn scan(
    store: Store,
    executor: SharedExecutor,
    image: &str,
    steps: Vec<Step>,
    at_once: usize,
) -> (Duration, Duration) {
    let specify = |step: &Step| JobSpec::of(&step.scanner, image.to_owned(), "bench".to_owned());
    let specs = steps.iter().map(|step| NewStep { spec: specify(step), blocked: None }).collect();
    let options = ScanOptions { parallelism: u32::try_from(at_once).unwrap(), ..ScanOptions::default() };
    let plan = Plan {
        template: None,
        target: "host:bench".parse().unwrap(),
        target_key: TargetKey { key: "host:bench".to_owned(), line: None },
        owner: Owner::default(),
        source: None,
        options,
        steps,
        choices: Vec::new(),
    };
    let new = NewScan {
        plan,
        source: None,
        executor: "bench".to_owned(),
        profile: "{}".to_owned(),
        server_identity: String::new(),
        steps: specs,
        request_key: None,
        actor: "bench".to_owned(),
        at: Clock::System.now(),
    };
    let (scan, key) = store.submit(new).await.unwrap();
    let lease = store.acquire(scan, key, "bench", Clock::System.now(), None).await.unwrap();
    let driver = Driver {
        store: store.clone(),
        executor,
        clock: Clock::System,
        grace: Duration::from_secs(8),
        engine_timeout: Duration::from_mins(10),
        actor: "bench".to_owned(),
        slots: None,
        observer: None,
    };
    let (started, at) = (Instant::now(), Clock::System.now());
    assert_eq!(driver.run(&lease, CancellationToken::new()).await.unwrap(), Rest::Ended);
    let tidied = started.elapsed();
    let view = store.scan(scan).unwrap();
    assert_eq!(view.state.as_str(), "completed");
    let results = view.finished_at.unwrap().since(at);
    (Duration::from_millis(results.try_into().unwrap()), tidied)
}
