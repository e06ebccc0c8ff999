//! What the engine saw: how often each container was started.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use bollard::query_parameters::EventsOptionsBuilder;
use dragnet::model::id::ScanId;
use futures::StreamExt as _;
use tokio::task::JoinHandle;

use super::cli::{Cli, until};

/// Starts and removals by name.
type Seen = BTreeMap<String, (usize, usize)>;

/// Follows an instance's scanner containers from now on. (The engine remembers its last 256 events only.)
pub(crate) struct Starts {
    seen: Arc<Mutex<Seen>>,
    follower: JoinHandle<()>,
}

impl Starts {
    pub(crate) fn follow(cli: &Cli<'_>) -> Self {
        let instance = format!("dragnet.dev/instance={}", cli.app.store.instance());
        let filters: HashMap<&str, Vec<String>> = HashMap::from([
            ("label", vec![instance, "dragnet.dev/role=scan".to_owned()]),
            ("event", vec!["start".to_owned(), "destroy".to_owned()]),
            ("type", vec!["container".to_owned()]),
        ]);
        // From a second ago: the stream itself takes a moment to begin.
        let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() - 1;
        let options = EventsOptionsBuilder::new().since(&since.to_string()).filters(&filters).build();
        let mut events = Box::pin(cli.bench.docker.events(Some(options)));
        let seen = Arc::<Mutex<Seen>>::default();
        let noted = Arc::clone(&seen);
        let follower = tokio::spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                let name = event.actor.unwrap().attributes.unwrap().remove("name").unwrap();
                let started = event.action.as_deref() == Some("start");
                noted
                    .lock()
                    .unwrap()
                    .entry(name)
                    .and_modify(|seen| add(seen, started))
                    .or_insert_with(|| once(started));
            }
        });
        Self { seen, follower }
    }

    /// Waits until the removal of every attempt of these scans was seen, and checks that each was started once.
    pub(crate) async fn check(self, cli: &Cli<'_>, scans: &[ScanId]) {
        for &scan in scans {
            for job in cli.app.store.jobs(scan).unwrap() {
                for (name, ..) in cli.app.store.attempts(scan, &job.name).unwrap() {
                    let look = || self.seen.lock().unwrap().get(name.as_str()).copied().filter(|seen| seen.1 > 0);
                    assert_eq!(until("its removal is told", look).await, (1, 1), "{name} was started or removed twice");
                }
            }
        }
        self.follower.abort();
    }
}

fn once(started: bool) -> (usize, usize) {
    (usize::from(started), usize::from(!started))
}

fn add(seen: &mut (usize, usize), started: bool) {
    let more = once(started);
    *seen = (seen.0 + more.0, seen.1 + more.1);
}
