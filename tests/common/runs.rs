//! What the nodes saw: how often each attempt's scanner container was started, in whatever pod.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use bollard::query_parameters::EventsOptionsBuilder;
use dragnet::store::ScanFilter;
use futures::StreamExt as _;
use tokio::task::JoinHandle;

use super::cli::{Cli, until};
use super::cluster_bench::ClusterBench;

/// Follows the scanner containers of a namespace from now on.
pub(crate) struct Runs {
    seen: Arc<Mutex<BTreeMap<String, usize>>>,
    follower: JoinHandle<()>,
}

impl Runs {
    pub(crate) fn follow(cli: &Cli<'_, ClusterBench<'_>>) -> Self {
        let cluster = cli.bench.cluster;
        let labels = vec![
            format!("io.kubernetes.pod.namespace={}", cluster.namespace),
            "io.kubernetes.container.name=scan".to_owned(),
        ];
        let filters: HashMap<&str, Vec<String>> = HashMap::from([
            ("label", labels),
            ("event", vec!["start".to_owned()]),
            ("type", vec!["container".to_owned()]),
        ]);
        // From a second ago: the stream itself takes a moment to begin.
        let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() - 1;
        let options = EventsOptionsBuilder::new().since(&since.to_string()).filters(&filters).build();
        let mut events = Box::pin(cluster.docker.events(Some(options)));
        let seen = Arc::<Mutex<BTreeMap<String, usize>>>::default();
        let noted = Arc::clone(&seen);
        let follower = tokio::spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                let pod = event.actor.unwrap().attributes.unwrap().remove("io.kubernetes.pod.name").unwrap();
                // A Job's pods have its name and a suffix of their own.
                let job = pod.rsplit_once('-').unwrap().0.to_owned();
                *noted.lock().unwrap().entry(job).or_default() += 1;
            }
        });
        Self { seen, follower }
    }

    /// Checks that each attempt of every scan was run at most once, and once if it won.
    pub(crate) async fn check(self, cli: &Cli<'_, ClusterBench<'_>>) {
        for scan in cli.app.store.scans(&ScanFilter { limit: 1000, ..ScanFilter::default() }).unwrap() {
            let scan = cli.app.store.find_scan(scan.id.as_str()).unwrap();
            let finished = cli.app.store.scan(scan).unwrap().records.total() > 0;
            for job in cli.app.store.jobs(scan).unwrap() {
                for (name, ..) in cli.app.store.attempts(scan, &job.name).unwrap() {
                    let count = || self.seen.lock().unwrap().get(name.as_str()).copied();
                    if finished && job.attempts == 1 {
                        until("its start is told", count).await;
                    }
                    assert!(count().unwrap_or_default() <= 1, "{name} was started {:?} times", count());
                }
            }
        }
        self.follower.abort();
    }
}
