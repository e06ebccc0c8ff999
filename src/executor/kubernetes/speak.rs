//! Speaking with a pod: sessions over exec, kept open where many short questions are asked.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use kube::api::AttachedProcess;
use tokio::time::Instant;

use super::core::{Core, lock};
use super::manifest::{KEEPER, PREPARE, speaker};
use super::session::Session;
use super::stream::{Reader, Writer, streams};
use crate::executor::ExecutorError;
use crate::model::id::AttemptName;
use crate::model::pod::Role;

/// How long a session that nobody uses stays open.
const IDLE: Duration = Duration::from_secs(30);

/// How long the cluster may fail to reach a pod's node before what the pod holds is given up. A node that is gone for good is told
/// of by the cluster, sooner or later; a way to it that was never open is told of by nobody.
const NO_WAY: Duration = Duration::from_mins(10);

/// A session with a process in a pod.
pub(super) struct Speech {
    pub session: Session<Reader, Writer>,
    process: AttachedProcess,
}

impl Drop for Speech {
    fn drop(&mut self) {
        // A connection of ours, nothing of the attempt's: the process in the pod ends when its input does.
        self.process.abort();
    }
}

/// Sessions with keepers that are open and not in use, with the time since when.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<AttemptName, (Speech, Instant)>>);

impl Sessions {
    /// Takes an open session with an attempt's keeper, if there is one; those that are idle for long are closed.
    pub(super) fn take(&self, name: &AttemptName) -> Option<Speech> {
        let mut open = lock(&self.0);
        open.retain(|_, (_, since)| since.elapsed() < IDLE);
        open.remove(name).map(|(speech, _)| speech)
    }

    /// Gives a session back that is of further use.
    pub(super) fn give_back(&self, name: &AttemptName, speech: Speech) {
        lock(&self.0).insert(name.clone(), (speech, Instant::now()));
    }

    pub(super) fn close(&self, name: &AttemptName) {
        lock(&self.0).remove(name);
    }
}

/// Pods that the cluster does not reach, with the time since when.
#[derive(Default)]
pub(super) struct Silences(Mutex<HashMap<String, Instant>>);

impl Silences {
    /// Judges how an exec in a pod went: the cluster's word that it does not reach the pod counts as silence for [`NO_WAY`].
    fn judge<T>(&self, pod: &str, went: Result<T, ExecutorError>, now: Instant) -> Result<T, ExecutorError> {
        match went {
            Err(ExecutorError::Busy(message)) => {
                let silent = now.saturating_duration_since(*lock(&self.0).entry(pod.to_owned()).or_insert(now));
                if silent < NO_WAY {
                    return Err(ExecutorError::Unreachable(message));
                }
                let limit = crate::model::unit::Span(NO_WAY);
                Err(ExecutorError::NodeLost(format!("the cluster has not reached {pod} for {limit}: {message}")))
            }
            Ok(spoken) => {
                lock(&self.0).remove(pod);
                Ok(spoken)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns how long a pod has not been reached.
    pub(super) fn since(&self, pod: &str) -> Duration {
        lock(&self.0).get(pod).map_or(Duration::ZERO, Instant::elapsed)
    }

    /// Forgets the pods of an attempt.
    pub(super) fn forget(&self, name: &AttemptName) {
        lock(&self.0).retain(|pod, _| !pod.starts_with(name.as_str()));
    }
}

impl Core {
    /// Opens a session with the keeper of a pod.
    pub(super) async fn speak_with_keeper(&self, pod: &str) -> Result<Speech, ExecutorError> {
        self.speak(pod, KEEPER, &speaker(Role::Serve)).await
    }

    /// Opens a session with the container that waits for a delivery.
    pub(super) async fn speak_with_prepare(&self, pod: &str) -> Result<Speech, ExecutorError> {
        self.speak(pod, PREPARE, &speaker(Role::Receive)).await
    }

    /// Opens a session with a process of ours that is started in a container.
    pub(super) async fn speak(&self, pod: &str, container: &str, argv: &[String]) -> Result<Speech, ExecutorError> {
        let argv: Vec<_> = argv.iter().map(String::as_str).collect();
        let began = self.cluster.exec(pod, container, &argv).await;
        let mut process = self.silences.judge(pod, began, Instant::now())?;
        let Some((reader, writer)) = streams(&mut process) else {
            return Err(ExecutorError::bug("an exec without streams"));
        };
        let session = Session::open(reader, writer).await?;
        Ok(Speech { session, process })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_is_not_reached_is_given_up_after_a_time_and_forgotten_when_it_answers() {
        let silences = Silences::default();
        let start = Instant::now();
        let at = |after: Duration, went| silences.judge::<()>("pod", went, start + after);
        let busy = || Err(ExecutorError::Busy("exec was answered with 500".to_owned()));
        let almost = NO_WAY.saturating_sub(Duration::from_secs(1));
        assert!(matches!(at(Duration::ZERO, busy()), Err(ExecutorError::Unreachable(_))));
        assert!(matches!(at(almost, busy()), Err(ExecutorError::Unreachable(_))));
        // The API server's own silence is not the node's.
        let away = || Err(ExecutorError::Unreachable("connection refused".to_owned()));
        assert!(matches!(at(NO_WAY, away()), Err(ExecutorError::Unreachable(_))));
        assert!(matches!(at(NO_WAY, busy()), Err(ExecutorError::NodeLost(_))));
        assert!(at(NO_WAY, Ok(())).is_ok());
        assert!(matches!(at(NO_WAY, busy()), Err(ExecutorError::Unreachable(_))));
    }
}
