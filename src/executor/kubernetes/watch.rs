//! Watching all attempts of an instance: one watch of Jobs and one of pods, judged together, and a timer for what passes no event.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::Instant;

use super::cluster::Change;
use super::core::{Core, JOB_NAME};
use super::status::Standing;
use crate::executor::{ExecutorError, Observation, Observed};
use crate::model::clock::Timestamp;
use crate::model::id::{AttemptName, InstanceKey};
use crate::model::spec::label;
use crate::model::wait::{Wait, WaitReason};

/// First and longest wait before the cluster is asked again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// A connection that lasted this long was a good one.
const LASTING: Duration = Duration::from_secs(30);
/// Observations that wait for their reader.
const QUEUE: usize = 256;
/// No timer runs shorter than this: judging has a cost, and clocks differ by more.
const TICK: Duration = Duration::from_millis(200);

/// Follows an instance until the stream is dropped.
pub(super) fn observe(core: Arc<Core>, instance: InstanceKey) -> BoxStream<'static, Observation> {
    let (sender, receiver) = channel(QUEUE);
    tokio::spawn(async move {
        let mut wait = BACKOFF.0;
        while !sender.is_closed() {
            let connected = Instant::now();
            let Err(error) = follow(&core, instance, &sender).await else { return };
            // A version that has become too old is no silence: a new list mends it.
            let silent = !matches!(error, ExecutorError::Busy(_));
            if silent && sender.send(Observation::Unreachable(error.to_string())).await.is_err() {
                return;
            }
            wait = if connected.elapsed() > LASTING { BACKOFF.0 } else { (wait * 2).min(BACKOFF.1) };
            tokio::time::sleep(wait).await;
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|next| (next, receiver)) })
        .boxed()
}

/// Follows one connection; returns `Ok` when nobody listens any more.
async fn follow(core: &Core, instance: InstanceKey, sender: &Sender<Observation>) -> Result<(), ExecutorError> {
    let labels = format!("{}={instance},{}=scan", label::INSTANCE, label::ROLE);
    let had = core.with_pods();
    // First the pods: a pod whose Job is not known is none of ours, a Job whose pod was not listed yet will be told of it.
    let (pods, pods_version) = core.cluster.list::<Pod>(&labels).await?;
    let (jobs, jobs_version) = core.cluster.list::<Job>(&labels).await?;
    core.learn_first_pods(&jobs).await?;
    let mut view = View::new(core, had);
    for pod in pods {
        view.take_pod(pod);
    }
    for job in jobs {
        view.take_job(job);
    }
    for observation in view.listing().await? {
        if sender.send(observation).await.is_err() {
            return Ok(());
        }
    }
    let mut pods = core.cluster.watch::<Pod>(&labels, pods_version);
    let mut jobs = core.cluster.watch::<Job>(&labels, jobs_version);
    loop {
        let touched = tokio::select! {
            biased;
            () = sender.closed() => return Ok(()),
            change = jobs.next() => match change {
                Some(Ok(Change::Is(job))) => named(&job.name_any()).inspect(|_| view.take_job(*job)),
                Some(Ok(Change::Gone(job))) => match named(&job.name_any()) {
                    Some(name) if view.drop_job(&name) => {
                        if sender.send(Observation::Gone(name)).await.is_err() {
                            return Ok(());
                        }
                        None
                    }
                    _ => None,
                },
                Some(Err(error)) => return Err(error),
                None => return Err(ExecutorError::Unreachable("the watch of Jobs ended".to_owned())),
            },
            change = pods.next() => match change {
                Some(Ok(Change::Is(pod))) => owner(&pod).inspect(|_| view.take_pod(*pod)),
                Some(Ok(Change::Gone(pod))) => owner(&pod).inspect(|name| view.drop_pod(name, &pod)),
                Some(Err(error)) => return Err(error),
                None => return Err(ExecutorError::Unreachable("the watch of pods ended".to_owned())),
            },
            () = tokio::time::sleep(view.pause()) => None,
        };
        let touched: Vec<_> = touched.into_iter().chain(view.overdue()).collect();
        for name in touched {
            for observation in view.news(&name).await? {
                if sender.send(observation).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// What the cluster shows of an instance, and what of it was told.
struct View<'c> {
    core: &'c Core,
    jobs: HashMap<AttemptName, Job>,
    pods: HashMap<AttemptName, Vec<Pod>>,
    /// Attempts whose pod this watch has shown, or was there before it.
    had: HashSet<AttemptName>,
    told: HashMap<AttemptName, Observed>,
    /// Why attempts wait, as it was told last.
    waits: HashMap<AttemptName, WaitReason>,
    /// When an attempt is to be judged again although nothing happens.
    due: HashMap<AttemptName, Timestamp>,
}

impl<'c> View<'c> {
    fn new(core: &'c Core, had: HashSet<AttemptName>) -> Self {
        let (jobs, pods, told, waits, due) = Default::default();
        Self { core, jobs, pods, had, told, waits, due }
    }

    fn take_job(&mut self, mut job: Job) {
        let Some(name) = named(&job.name_any()) else { return };
        if job.metadata.deletion_timestamp.is_some() {
            return;
        }
        // Of thousands of Jobs only what is judged is kept.
        let deadline = job.spec.take().and_then(|spec| spec.active_deadline_seconds);
        job.spec = Some(JobSpec { active_deadline_seconds: deadline, ..JobSpec::default() });
        job.metadata.annotations = None;
        job.metadata.managed_fields = None;
        self.jobs.insert(name, job);
    }

    /// Forgets a Job; returns whether it was known.
    fn drop_job(&mut self, name: &AttemptName) -> bool {
        self.core.forget(name);
        self.told.remove(name);
        self.waits.remove(name);
        self.due.remove(name);
        self.had.remove(name);
        self.jobs.remove(name).is_some()
    }

    fn take_pod(&mut self, mut pod: Pod) {
        let Some(name) = owner(&pod) else { return };
        pod.metadata.annotations = None;
        pod.metadata.managed_fields = None;
        self.had.insert(name.clone());
        let pods = self.pods.entry(name).or_default();
        pods.retain(|one| one.metadata.uid != pod.metadata.uid);
        pods.push(pod);
    }

    fn drop_pod(&mut self, name: &AttemptName, pod: &Pod) {
        let Some(pods) = self.pods.get_mut(name) else { return };
        pods.retain(|one| one.metadata.uid != pod.metadata.uid);
        if pods.is_empty() {
            self.pods.remove(name);
        }
    }

    /// Returns the listing, and what keeps those waiting that do.
    async fn listing(&mut self) -> Result<Vec<Observation>, ExecutorError> {
        let names: HashSet<_> = self.jobs.keys().cloned().collect();
        let (mut listing, mut waiting) = (Vec::new(), Vec::new());
        for name in names {
            let (observed, wait) = self.judge(&name).await?;
            self.told.insert(name.clone(), observed.clone());
            waiting.extend(self.new_wait(&name, wait));
            listing.push((name, observed));
        }
        listing.sort_by(|a, b| a.0.cmp(&b.0));
        waiting.insert(0, Observation::Listing(listing));
        Ok(waiting)
    }

    /// Returns what is new of an attempt. An end is told once, and nothing after it.
    async fn news(&mut self, name: &AttemptName) -> Result<Vec<Observation>, ExecutorError> {
        let told = self.told.get(name);
        if !self.jobs.contains_key(name) || matches!(told, Some(Observed::Exited { .. })) {
            self.due.remove(name);
            return Ok(Vec::new());
        }
        let (observed, wait) = self.judge(name).await?;
        let mut news = Vec::new();
        if self.told.get(name) != Some(&observed) {
            self.told.insert(name.clone(), observed.clone());
            news.push(Observation::Changed(name.clone(), observed));
        }
        news.extend(self.new_wait(name, wait));
        Ok(news)
    }

    /// Returns why an attempt waits, if the reason is another than the one told last: the words have counters in them.
    fn new_wait(&mut self, name: &AttemptName, wait: Option<Wait>) -> Option<Observation> {
        let wait = wait?;
        let told = self.waits.insert(name.clone(), wait.reason);
        (told != Some(wait.reason)).then(|| Observation::Waiting(name.clone(), wait))
    }

    async fn judge(&mut self, name: &AttemptName) -> Result<(Observed, Option<Wait>), ExecutorError> {
        let Some(job) = self.jobs.get(name) else { return Ok((Observed::Created, None)) };
        let pod = self.core.choose(name, self.pods.get(name).cloned().unwrap_or_default());
        let standing = self.core.judge_with_events(name, job, pod.as_ref(), self.had.contains(name)).await?;
        let observed = standing.observed();
        let Standing::Waiting { until, why } = standing else {
            self.due.remove(name);
            return Ok((observed, None));
        };
        self.due.insert(name.clone(), until);
        Ok((observed, why))
    }

    /// Returns how long nothing is due.
    fn pause(&self) -> Duration {
        let now = self.core.cluster.now();
        let left = |due: &Timestamp| Duration::from_millis(u64::try_from(due.since(now)).unwrap_or(0));
        self.due.values().min().map_or(LASTING, left).max(TICK)
    }

    /// Returns the attempts whose time has come.
    fn overdue(&self) -> Vec<AttemptName> {
        let now = self.core.cluster.now();
        self.due.iter().filter(|(_, due)| **due <= now).map(|(name, _)| name.clone()).collect()
    }
}

fn named(name: &str) -> Option<AttemptName> {
    name.parse().ok()
}

fn owner(pod: &Pod) -> Option<AttemptName> {
    pod.labels().get(JOB_NAME)?.parse().ok()
}
