//! What the engine saw: how often each container was started.

use std::collections::{BTreeMap, HashMap};

use bollard::Docker;
use bollard::query_parameters::EventsOptionsBuilder;
use futures::StreamExt as _;

/// Counts the starts of an instance's scanner containers since a moment, by name.
pub(crate) async fn starts(docker: &Docker, instance: &str, since: i64) -> BTreeMap<String, usize> {
    let label = format!("dragnet.dev/instance={instance}");
    let filters: HashMap<&str, Vec<String>> = HashMap::from([
        ("label", vec![label, "dragnet.dev/role=scan".to_owned()]),
        ("event", vec!["start".to_owned()]),
        ("type", vec!["container".to_owned()]),
    ]);
    let options =
        EventsOptionsBuilder::new().since(&since.to_string()).until(&(now() + 1).to_string()).filters(&filters).build();
    let mut events = Box::pin(docker.events(Some(options)));
    let mut starts = BTreeMap::new();
    while let Some(event) = events.next().await {
        let attributes = event.unwrap().actor.unwrap().attributes.unwrap();
        *starts.entry(attributes["name"].clone()).or_default() += 1;
    }
    starts
}

/// Seconds since 1970, as the engine counts.
pub(crate) fn now() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
}
