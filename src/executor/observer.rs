//! One watch of an engine for many readers: each sees the attempts of its own scan.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::stream::{BoxStream, Stream};
use futures::{StreamExt as _, future};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::AbortHandle;

use super::{Observation, Observed, SharedExecutor};
use crate::model::id::{AttemptName, InstanceKey, ScanKey};
use crate::model::wait::Wait;

/// Watches an engine while anybody reads, and hands each reader what is its own. Cheap to clone.
///
/// A reader that comes later is told first what is known already. That may be a moment old: whoever misses an attempt in a listing asks
/// the engine for it by name, as with any watch.
#[derive(Clone)]
pub struct Observer {
    executor: SharedExecutor,
    instance: InstanceKey,
    hub: Arc<Mutex<Hub>>,
}

#[derive(Default)]
struct Hub {
    readers: HashMap<ScanKey, (u64, UnboundedSender<Observation>)>,
    /// What is known of each scan's attempts; none before the first listing, and while the engine cannot be reached.
    known: Option<HashMap<ScanKey, BTreeMap<AttemptName, Observed>>>,
    waits: HashMap<AttemptName, Wait>,
    unreachable: Option<String>,
    task: Option<AbortHandle>,
    last: u64,
}

impl Observer {
    /// Makes an observer of what an instance has in the engine; watches nothing yet.
    pub fn new(executor: SharedExecutor, instance: InstanceKey) -> Self {
        Self { executor, instance, hub: Arc::default() }
    }

    /// Follows the attempts of one scan, as [`super::Executor::observe`] follows those of all. A second reader of one scan takes the place
    /// of the first. Call it within a runtime.
    pub fn follow(&self, scan: ScanKey) -> BoxStream<'static, Observation> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut hub = self.hub();
        hub.last += 1;
        let number = hub.last;
        hub.greet(scan, &sender);
        hub.readers.insert(scan, (number, sender));
        if hub.task.is_none() {
            let (stream, hub_of_task) = (self.executor.observe(self.instance), Arc::clone(&self.hub));
            let watch = stream.for_each(move |observation| {
                lock(&hub_of_task).take(observation);
                future::ready(())
            });
            hub.task = Some(tokio::spawn(watch).abort_handle());
        }
        drop(hub);
        Reader { scan, number, receiver, hub: Arc::clone(&self.hub) }.boxed()
    }

    fn hub(&self) -> MutexGuard<'_, Hub> {
        lock(&self.hub)
    }
}

fn lock(hub: &Mutex<Hub>) -> MutexGuard<'_, Hub> {
    hub.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Tells a new reader what is known.
    fn greet(&self, scan: ScanKey, reader: &UnboundedSender<Observation>) {
        // Whoever reads has its end of the channel.
        let tell = |observation| drop(reader.send(observation));
        if let Some(known) = &self.known {
            let own = known.get(&scan).into_iter().flatten();
            tell(Observation::Listing(own.map(|(name, observed)| (name.clone(), observed.clone())).collect()));
            let waits = self.waits.iter().filter(|(name, _)| name.scan() == Some(scan));
            for (name, wait) in waits {
                tell(Observation::Waiting(name.clone(), wait.clone()));
            }
        }
        if let Some(why) = &self.unreachable {
            tell(Observation::Unreachable(why.clone()));
        }
    }

    /// Takes note of what the engine tells, and tells it those whom it concerns.
    fn take(&mut self, observation: Observation) {
        match &observation {
            Observation::Listing(all) => {
                let mut known: HashMap<ScanKey, BTreeMap<AttemptName, Observed>> = HashMap::new();
                for (name, observed) in all {
                    if let Some(scan) = name.scan() {
                        known.entry(scan).or_default().insert(name.clone(), observed.clone());
                    }
                }
                self.unreachable = None;
                self.waits.clear();
                for (scan, (_, reader)) in &self.readers {
                    let own = known.get(scan).into_iter().flatten();
                    let own = own.map(|(name, observed)| (name.clone(), observed.clone())).collect();
                    drop(reader.send(Observation::Listing(own)));
                }
                self.known = Some(known);
            }
            Observation::Unreachable(why) => {
                self.unreachable = Some(why.clone());
                self.known = None;
                for (_, reader) in self.readers.values() {
                    drop(reader.send(observation.clone()));
                }
            }
            Observation::Changed(name, _) | Observation::Waiting(name, _) | Observation::Gone(name) => {
                let Some(scan) = name.scan() else { return };
                self.note(scan, &observation);
                if let Some((_, reader)) = self.readers.get(&scan) {
                    drop(reader.send(observation));
                }
            }
        }
    }

    fn note(&mut self, scan: ScanKey, observation: &Observation) {
        let Some(known) = &mut self.known else { return };
        match observation {
            Observation::Changed(name, observed) => {
                self.waits.remove(name);
                known.entry(scan).or_default().insert(name.clone(), observed.clone());
            }
            Observation::Waiting(name, wait) => {
                self.waits.insert(name.clone(), wait.clone());
            }
            Observation::Gone(name) => {
                self.waits.remove(name);
                let of_scan = known.get_mut(&scan);
                if of_scan.is_some_and(|of_scan| of_scan.remove(name).is_some() && of_scan.is_empty()) {
                    known.remove(&scan);
                }
            }
            Observation::Listing(_) | Observation::Unreachable(_) => {}
        }
    }
}

/// A reader's end; dropped, it reads no more, and the last one ends the watch.
struct Reader {
    scan: ScanKey,
    number: u64,
    receiver: UnboundedReceiver<Observation>,
    hub: Arc<Mutex<Hub>>,
}

impl Stream for Reader {
    type Item = Observation;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Observation>> {
        self.receiver.poll_recv(cx)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut hub = lock(&self.hub);
        if hub.readers.get(&self.scan).is_some_and(|(number, _)| *number == self.number) {
            hub.readers.remove(&self.scan);
        }
        if hub.readers.is_empty() {
            if let Some(task) = hub.task.take() {
                task.abort();
            }
            // Without a watch nothing is known.
            *hub = Hub { last: hub.last, ..Hub::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::executor::fake::{FakeExecutor, Outcome};
    use crate::model::id::{JobName, Key8};

    fn instance() -> InstanceKey {
        Key8::from_bits(1)
    }

    fn name(scan: u64, attempt: u32) -> AttemptName {
        let job = JobName { step: "probe".parse().unwrap(), chunk: 0 };
        AttemptName::new(instance(), Key8::from_bits(scan), &job, attempt)
    }

    fn observer() -> Observer {
        let engine = FakeExecutor::new(|_| Outcome::Hangs { files: Vec::new() });
        Observer::new(Arc::new(engine), instance())
    }

    async fn next(stream: &mut BoxStream<'static, Observation>) -> Observation {
        tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn each_reader_sees_its_own_scan() {
        let observer = observer();
        let (mut one, mut two) = (observer.follow(Key8::from_bits(1)), observer.follow(Key8::from_bits(2)));
        assert_eq!(
            (next(&mut one).await, next(&mut two).await),
            (Observation::Listing(vec![]), Observation::Listing(vec![]))
        );
        let changed = Observation::Changed(name(2, 1), Observed::Running);
        observer.hub().take(changed.clone());
        assert_eq!(next(&mut two).await, changed);
        observer
            .hub()
            .take(Observation::Listing(vec![(name(1, 1), Observed::Running), (name(2, 1), Observed::Running)]));
        assert_eq!(next(&mut one).await, Observation::Listing(vec![(name(1, 1), Observed::Running)]));
        assert_eq!(next(&mut two).await, Observation::Listing(vec![(name(2, 1), Observed::Running)]));
    }

    #[tokio::test]
    async fn who_comes_later_is_told_what_is_known() {
        let observer = observer();
        let mut first = observer.follow(Key8::from_bits(1));
        assert_eq!(next(&mut first).await, Observation::Listing(vec![]));
        observer.hub().take(Observation::Changed(name(2, 1), Observed::Running));
        observer.hub().take(Observation::Changed(name(2, 2), Observed::Running));
        observer.hub().take(Observation::Gone(name(2, 1)));
        let mut second = observer.follow(Key8::from_bits(2));
        assert_eq!(next(&mut second).await, Observation::Listing(vec![(name(2, 2), Observed::Running)]));
        observer.hub().take(Observation::Unreachable("gone".to_owned()));
        assert_eq!(next(&mut second).await, Observation::Unreachable("gone".to_owned()));
        let mut third = observer.follow(Key8::from_bits(3));
        assert_eq!(next(&mut third).await, Observation::Unreachable("gone".to_owned()));
    }

    #[tokio::test]
    async fn nobody_watches_for_no_reader() {
        let observer = observer();
        let first = observer.follow(Key8::from_bits(1));
        // The same scan is taken up again before its old reader has gone.
        let mut second = observer.follow(Key8::from_bits(1));
        drop(first);
        assert_eq!(next(&mut second).await, Observation::Listing(vec![]));
        drop(second);
        assert!(observer.hub().task.is_none() && observer.hub().known.is_none());
        assert_eq!(next(&mut observer.follow(Key8::from_bits(1))).await, Observation::Listing(vec![]));
        assert_eq!(observer.executor.list_owned(instance()).await.unwrap(), vec![]);
    }
}
