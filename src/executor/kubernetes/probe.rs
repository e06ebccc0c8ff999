//! Whether the cluster's network heeds policies: the scanners' own is tried on a pod that can reach another.
//!
//! ```text
//! near pod ──connects again and again──▶ far pod
//!   without the policy   it must get through, or nothing follows from the rest
//!   with the policy      cut off: enforced; as before: not enforced
//!   without it again     it must get through again, or something else has cut it off
//! ```
//! A network may take its time to heed a policy, so the tries under it go on until they agree or [`HEED`] has passed.

use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::ResourceExt as _;
use kube::api::AttachedProcess;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, timeout_at};

use super::cluster::{Change, Removal};
use super::core::{Core, JOB_NAME};
use super::manifest::probe::{PROBE, Side, job, job_name, policy, program};
use super::status::runs;
use super::stream::{Reader, Writer, streams};
use crate::executor::{ExecutorError, Probed, Progress};
use crate::model::id::InstanceKey;
use crate::model::pod::Role;
use crate::model::pod::reach::{PORT, REACHED};

/// Longest wait for both pods to run.
const START: Duration = Duration::from_secs(30);
/// Longest wait for a try that gets through, where no policy keeps it.
const OPEN: Duration = Duration::from_secs(8);
/// Time that the network has to heed a policy.
const HEED: Duration = Duration::from_secs(12);
/// Tries in a row that have to agree.
const AGREE: usize = 3;

/// How one try went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Try {
    Reached,
    Missed,
}

impl Core {
    /// See [`crate::executor::Executor::probe_isolation`]; `name` is what the names of all objects begin with.
    pub(super) async fn probe_policy(
        &self,
        instance: InstanceKey,
        name: &str,
        say: &Progress<'_>,
    ) -> Result<Probed, ExecutorError> {
        say("starting two pods");
        self.cluster.create(&job(name, instance, Side::Far, &self.rules)).await?;
        let near = self.cluster.create(&job(name, instance, Side::Near, &self.rules)).await?;
        let both = futures::future::try_join(self.running(name, Side::Far), self.running(name, Side::Near));
        let (far_pod, near_pod) = Box::pin(both).await?;
        let (far_pod, near_pod) = match (far_pod, near_pod) {
            (Ok(far), Ok(near)) => (far, near),
            (Err(why), _) | (_, Err(why)) => return Ok(Probed::Unclear(why)),
        };
        let Some(address) = address(&far_pod) else {
            return Ok(Probed::Unclear("a pod that runs has no address".to_owned()));
        };
        say("one pod tries to reach the other, without a network policy");
        let to = (address, PORT).into();
        let mut tries = self.tries(&near_pod.name_any(), Role::Reach { to, span: OPEN + HEED + OPEN + START }).await?;
        if !tries.get_through(OPEN).await? {
            return Ok(judge(false, None, false));
        }
        say("the policy of scanners without a network is put on it");
        let policy = self.cluster.create(&policy(name, instance, &near)).await?;
        let under = tries.agree(HEED).await?;
        say("the policy is taken away again");
        let uid = policy.uid().unwrap_or_default();
        if self.cluster.delete::<NetworkPolicy>(name, &uid, None).await? == Removal::NotThere {
            return Ok(Probed::Unclear("somebody has removed the policy while it was tried".to_owned()));
        }
        let after = tries.get_through(HEED).await?;
        Ok(judge(true, under, after))
    }

    /// Waits for the pod of one side to run; says what kept it if it does not in time.
    async fn running(&self, name: &str, side: Side) -> Result<Result<Pod, String>, ExecutorError> {
        let (labels, end) = (format!("{JOB_NAME}={}", job_name(name, side)), Instant::now() + START);
        let (pods, version) = self.cluster.list::<Pod>(&labels).await?;
        let mut changes = self.cluster.watch::<Pod>(&labels, version);
        let mut last = pods.into_iter().next();
        loop {
            if let Some(pod) = last.take_if(|pod| runs(pod, PROBE) && address(pod).is_some()) {
                return Ok(Ok(pod));
            }
            if last.as_ref().is_some_and(has_ended) {
                return Ok(Err("a pod has ended at once: its agent image may be older than this program".to_owned()));
            }
            match timeout_at(end, changes.next()).await {
                Ok(Some(change)) => match change? {
                    Change::Is(pod) => last = Some(*pod),
                    Change::Gone(_) => return Ok(Err("a pod was removed meanwhile".to_owned())),
                },
                Ok(None) | Err(_) => return self.hindrance(name, side, last.as_ref()).await.map(Err),
            }
        }
    }

    /// Says why a pod does not run, as far as the cluster does.
    async fn hindrance(&self, name: &str, side: Side, pod: Option<&Pod>) -> Result<String, ExecutorError> {
        let words = match pod {
            Some(pod) => self.hindered(pod).await?,
            None => match self.cluster.get::<Job>(&job_name(name, side)).await? {
                Some(job) => self.denied(&job).await?,
                None => "its Job is gone".to_owned(),
            },
        };
        let words = if words.is_empty() { "the cluster does not say why" } else { &words };
        Ok(format!("a pod did not run within {} s: {words}", START.as_secs()))
    }

    async fn tries(&self, pod: &str, role: Role) -> Result<Tries, ExecutorError> {
        let argv = program(role);
        let argv: Vec<_> = argv.iter().map(String::as_str).collect();
        let mut process = self.cluster.exec(pod, PROBE, &argv).await?;
        match streams(&mut process) {
            Some((marks, input)) => Ok(Tries { marks, _input: input, process }),
            None => Err(ExecutorError::bug("an exec without streams")),
        }
    }
}

/// The tries of a pod, as they come.
struct Tries {
    marks: Reader,
    /// The process may end when its input does.
    _input: Writer,
    process: AttachedProcess,
}

impl Drop for Tries {
    fn drop(&mut self) {
        // A connection of ours: the process in the pod ends when it has nobody to tell.
        self.process.abort();
    }
}

impl Tries {
    async fn next(&mut self) -> Result<Try, ExecutorError> {
        match self.marks.read_u8().await {
            Ok(REACHED) => Ok(Try::Reached),
            Ok(_) => Ok(Try::Missed),
            Err(error) => Err(ExecutorError::Busy(format!("the pod that tries says no more: {error}"))),
        }
    }

    /// Whether a try gets through in time.
    async fn get_through(&mut self, time: Duration) -> Result<bool, ExecutorError> {
        let end = Instant::now() + time;
        while let Ok(went) = timeout_at(end, self.next()).await {
            if went? == Try::Reached {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns how the tries go once they are cut off, or when the time has passed; `None` if they go now this way, now that.
    async fn agree(&mut self, time: Duration) -> Result<Option<Try>, ExecutorError> {
        let (end, mut gone) = (Instant::now() + time, Vec::new());
        while let Ok(went) = timeout_at(end, self.next()).await {
            gone.push(went?);
            if agreed(&gone) == Some(Try::Missed) {
                break;
            }
        }
        Ok(agreed(&gone))
    }
}

/// Returns how the last tries went, if they agree.
fn agreed(tries: &[Try]) -> Option<Try> {
    let last = tries.last_chunk::<AGREE>()?;
    last.iter().all(|went| *went == last[0]).then_some(last[0])
}

/// Judges by whether a try got through before the policy, how they went under it, and whether one got through after it.
fn judge(before: bool, under: Option<Try>, after: bool) -> Probed {
    match (before, under, after) {
        (false, _, _) => Probed::Unclear(
            "without the policy, too, one pod does not reach the other: other policies, or the network, keep them apart".to_owned(),
        ),
        (true, None, _) => Probed::Unclear("with the policy some tries got through, and some did not".to_owned()),
        (true, Some(Try::Reached), _) => Probed::NotEnforced,
        (true, Some(Try::Missed), true) => Probed::Enforced,
        (true, Some(Try::Missed), false) => Probed::Unclear(
            "one pod did not reach the other with the policy, and neither when it was gone: something else may keep them apart"
                .to_owned(),
        ),
    }
}

fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Failed" | "Succeeded"))
}

fn address(pod: &Pod) -> Option<std::net::IpAddr> {
    pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Try::{Missed, Reached};
    use super::*;

    #[test]
    fn only_a_cut_that_comes_and_goes_with_the_policy_is_its_doing() {
        let unclear = |probed| matches!(probed, Probed::Unclear(_));
        assert_eq!(judge(true, Some(Missed), true), Probed::Enforced);
        for after in [true, false] {
            assert_eq!(judge(true, Some(Reached), after), Probed::NotEnforced);
            assert!(unclear(judge(true, None, after)));
            for under in [None, Some(Missed), Some(Reached)] {
                assert!(unclear(judge(false, under, after)));
            }
        }
        assert!(unclear(judge(true, Some(Missed), false)));
    }

    #[test]
    fn one_try_that_differs_proves_nothing() {
        assert_eq!(agreed(&[Missed, Missed]), None);
        assert_eq!(agreed(&[Missed, Missed, Reached]), None);
        assert_eq!(agreed(&[Reached, Missed, Missed, Missed]), Some(Missed));
        assert_eq!(agreed(&[Missed, Reached, Reached, Reached]), Some(Reached));
        assert_eq!(agreed(&[Reached, Reached, Missed]), None);
    }
}
