//! Watching all attempts of an instance: one stream of events, corrected by lists.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum, EventMessage};
use bollard::query_parameters::EventsOptionsBuilder;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{Instant, MissedTickBehavior};

use super::engine::Engine;
use super::error::from_engine;
use super::launch::observed;
use crate::executor::{ExecutorError, Observation, Observed};
use crate::model::id::{AttemptName, InstanceKey};
use crate::model::spec::label;

/// Between two lists while the stream of events lives.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// First and longest wait before the engine is asked again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// Observations that wait for their reader.
const QUEUE: usize = 256;

/// Follows an instance until the stream is dropped.
pub(super) fn observe(engine: Engine, instance: InstanceKey) -> BoxStream<'static, Observation> {
    let (sender, receiver) = channel(QUEUE);
    tokio::spawn(async move {
        let mut wait = BACKOFF.0;
        while !sender.is_closed() {
            let connected = Instant::now();
            let Err(error) = follow(&engine, instance, &sender).await else { return };
            if sender.send(Observation::Unreachable(error.to_string())).await.is_err() {
                return;
            }
            wait = if connected.elapsed() > HEARTBEAT { BACKOFF.0 } else { (wait * 2).min(BACKOFF.1) };
            tokio::time::sleep(wait).await;
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|next| (next, receiver)) })
        .boxed()
}

/// Follows one connection; returns `Ok` when nobody listens any more.
async fn follow(engine: &Engine, instance: InstanceKey, sender: &Sender<Observation>) -> Result<(), ExecutorError> {
    // Events from before the list are asked for too, by the engine's own clock: between list and stream nothing gets lost.
    let info = engine.docker.info().await.map_err(|error| from_engine(&error))?;
    engine.recognise(&info)?;
    let since = info.system_time.as_deref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let mut filters = filters(instance);
    filters.insert("type", vec!["container".to_owned()]);
    filters.insert("event", ["start", "oom", "die", "destroy"].map(str::to_owned).to_vec());
    let mut options = EventsOptionsBuilder::new().filters(&filters);
    if let Some(since) = since {
        options = options.since(&since.as_second().to_string());
    }
    let mut events = Box::pin(engine.docker.events(Some(options.build())));
    let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut view = View::default();
    if sender.send(Observation::Listing(view.list(engine, instance).await?)).await.is_err() {
        return Ok(());
    }
    loop {
        let observation = tokio::select! {
            biased;
            () = sender.closed() => return Ok(()),
            _ = heartbeat.tick() => Some(Observation::Listing(view.list(engine, instance).await?)),
            event = events.next() => match event {
                Some(Ok(event)) => view.take(&event),
                Some(Err(error)) => return Err(from_engine(&error)),
                None => return Err(ExecutorError::Unreachable("the stream of events ended".to_owned())),
            },
        };
        if let Some(observation) = observation
            && sender.send(observation).await.is_err()
        {
            return Ok(());
        }
    }
}

fn filters(instance: InstanceKey) -> HashMap<&'static str, Vec<String>> {
    let labels = vec![format!("{}={instance}", label::INSTANCE), format!("{}=scan", label::ROLE)];
    HashMap::from([("label", labels)])
}

/// What has been told, so that events from before the last list tell nothing older.
#[derive(Default)]
struct View {
    ended: HashMap<AttemptName, Observed>,
    out_of_memory: HashSet<AttemptName>,
}

impl View {
    async fn list(
        &mut self,
        engine: &Engine,
        instance: InstanceKey,
    ) -> Result<Vec<(AttemptName, Observed)>, ExecutorError> {
        let mut listing = Vec::new();
        for summary in engine.list(&filters(instance)).await? {
            let Some(name) = name_of(&summary) else { continue };
            let state = match summary.state {
                Some(
                    ContainerSummaryStateEnum::RUNNING
                    | ContainerSummaryStateEnum::PAUSED
                    | ContainerSummaryStateEnum::RESTARTING,
                ) => Observed::Running,
                _ => match self.ended.get(&name) {
                    Some(known) => known.clone(),
                    // Lists do not tell how one ended, nor whether one that looks new failed to start.
                    None => match engine.inspect(name.as_str()).await? {
                        Some(found) => observed(&found),
                        None => continue,
                    },
                },
            };
            listing.push((name, state));
        }
        let ended = |(name, state): &(AttemptName, Observed)| {
            matches!(state, Observed::Exited { .. }).then(|| (name.clone(), state.clone()))
        };
        self.ended = listing.iter().filter_map(ended).collect();
        Ok(listing)
    }

    fn take(&mut self, event: &EventMessage) -> Option<Observation> {
        let attributes = event.actor.as_ref()?.attributes.as_ref()?;
        let name: AttemptName = attributes.get("name")?.parse().ok()?;
        match event.action.as_deref()? {
            "oom" => {
                self.out_of_memory.insert(name);
                None
            }
            "destroy" => {
                self.ended.remove(&name);
                self.out_of_memory.remove(&name);
                Some(Observation::Gone(name))
            }
            _ if self.ended.contains_key(&name) => None,
            "start" => Some(Observation::Changed(name, Observed::Running)),
            "die" => {
                let code = attributes.get("exitCode").and_then(|code| code.parse().ok());
                let out_of_memory = self.out_of_memory.contains(&name);
                let state = Observed::Exited { code, out_of_memory, error: None };
                self.ended.insert(name.clone(), state.clone());
                Some(Observation::Changed(name, state))
            }
            _ => None,
        }
    }
}

fn name_of(summary: &ContainerSummary) -> Option<AttemptName> {
    summary.names.as_ref()?.iter().find_map(|name| name.trim_start_matches('/').parse().ok())
}

#[cfg(test)]
mod tests {
    use bollard::models::EventActor;

    use super::*;

    const NAME: &str = "dn-00000000-00000001-test-0-a01";

    fn event(action: &str) -> EventMessage {
        let attributes = [("name", NAME), ("exitCode", "137")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let actor = EventActor { id: None, attributes: Some(attributes) };
        EventMessage { action: Some(action.to_owned()), actor: Some(actor), ..Default::default() }
    }

    #[test]
    fn an_end_is_told_once_and_nothing_older_after_it() {
        let name: AttemptName = NAME.parse().unwrap();
        let mut view = View::default();
        assert_eq!(view.take(&event("start")), Some(Observation::Changed(name.clone(), Observed::Running)));
        assert_eq!(view.take(&event("oom")), None);
        let ended = Observed::Exited { code: Some(137), out_of_memory: true, error: None };
        assert_eq!(view.take(&event("die")), Some(Observation::Changed(name.clone(), ended)));
        assert_eq!(view.take(&event("start")), None);
        assert_eq!(view.take(&event("die")), None);
        assert_eq!(view.take(&event("destroy")), Some(Observation::Gone(name)));
    }
}
