//! Speaking with a pod: sessions over exec, kept open where many short questions are asked.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use kube::api::AttachedProcess;
use tokio::io::{ReadHalf, SimplexStream, WriteHalf};
use tokio::time::Instant;

use super::core::{Core, lock};
use super::manifest::{KEEPER, PREPARE, speaker};
use super::session::Session;
use crate::executor::ExecutorError;
use crate::model::id::AttemptName;
use crate::model::pod::Role;

/// How long a session that nobody uses stays open.
const IDLE: Duration = Duration::from_secs(30);

/// A session with a process in a pod.
pub(super) struct Speech {
    pub session: Session<ReadHalf<SimplexStream>, WriteHalf<SimplexStream>>,
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

impl Core {
    /// Opens a session with the keeper of a pod.
    pub(super) async fn speak_with_keeper(&self, pod: &str) -> Result<Speech, ExecutorError> {
        self.speak(pod, KEEPER, Role::Serve).await
    }

    /// Opens a session with the container that waits for a delivery.
    pub(super) async fn speak_with_prepare(&self, pod: &str) -> Result<Speech, ExecutorError> {
        self.speak(pod, PREPARE, Role::Receive).await
    }

    async fn speak(&self, pod: &str, container: &str, role: Role) -> Result<Speech, ExecutorError> {
        let argv = speaker(role);
        let argv: Vec<_> = argv.iter().map(String::as_str).collect();
        let mut process = self.cluster.exec(pod, container, &argv).await?;
        let (Some(reader), Some(writer)) = (process.stdout(), process.stdin()) else {
            return Err(ExecutorError::bug("an exec without streams"));
        };
        let session = Session::open(reader, writer).await?;
        Ok(Speech { session, process })
    }
}
