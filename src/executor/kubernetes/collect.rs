//! Bringing results and log lines here: through the keeper, but for results that are in the pod's status.

use std::path::Path;

use super::core::{Core, Seen};
use super::session::{SEALING, collect};
use super::status::Standing;
use crate::executor::collected::told_of_memory;
use crate::executor::{ExecutorError, LogChunk, Sealed};
use crate::model::id::AttemptName;
use crate::model::spec::Launch;

/// Bytes of text in one answer.
const CHUNK: u64 = 1 << 20;

impl Core {
    /// Fetches what the pod holds.
    pub(super) async fn fetch_held(&self, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError> {
        let name = &launch.name;
        if let Some(sealed) = self.fetch_letter(launch, into).await? {
            return Ok(sealed);
        }
        // Where the watch has seen the end, one call will do; a keeper that does not answer any more is a reason to look.
        if let Some(Seen { pod, ended: Some(out_of_memory), .. }) = self.seen(name) {
            match self.collect_from(&pod.name, launch, into).await {
                Err(error) if error.is_transient() => {}
                done => return Ok(told_of_memory(done?, out_of_memory)),
            }
        }
        let Some(look) = self.look(name).await? else { return Err(ExecutorError::NotFound(name.to_string())) };
        let out_of_memory = match look.standing {
            Standing::Ended { out_of_memory, .. } => out_of_memory,
            Standing::Lost { error, .. } => return Err(error),
            Standing::Running => return Err(ExecutorError::Busy(format!("{name} still runs"))),
            Standing::Waiting { .. } | Standing::Unexplained | Standing::Preparing => {
                return Err(ExecutorError::Busy(format!("{name} has not begun")));
            }
        };
        // One that was not seen before.
        if let Some(sealed) = self.fetch_letter(launch, into).await? {
            return Ok(sealed);
        }
        let Some(pod) = look.speaking() else {
            return Err(ExecutorError::Busy(format!("the keeper of {name} does not run")));
        };
        Ok(told_of_memory(self.collect_from(&pod, launch, into).await?, out_of_memory))
    }

    async fn collect_from(&self, pod: &str, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError> {
        let mut speech = self.speak_with_keeper(pod).await?;
        if self.storage.is_some() && speech.session.manifest(SEALING).await?.is_some() {
            // Only now the keeper has done with the storage, one way or the other.
            if let Some(sealed) = self.fetch_stored(launch, into).await? {
                return Ok(sealed);
            }
        }
        collect(&mut speech.session, launch, into).await
    }

    /// See [`crate::executor::Executor::logs`].
    pub(super) async fn read_logs(&self, name: &AttemptName, from_seq: u64) -> Result<LogChunk, ExecutorError> {
        if let Some(mut speech) = self.sessions.take(name)
            && let Ok(chunk) = speech.session.logs(from_seq, CHUNK).await
        {
            self.sessions.give_back(name, speech);
            return Ok(chunk);
        }
        let Some(look) = self.look(name).await? else { return Err(ExecutorError::NotFound(name.to_string())) };
        if let Standing::Lost { .. } = look.standing {
            return Ok(LogChunk { lines: Vec::new(), end: true });
        }
        let Some(pod) = look.speaking() else { return Ok(LogChunk::default()) };
        let mut speech = self.speak_with_keeper(&pod).await?;
        let chunk = speech.session.logs(from_seq, CHUNK).await?;
        self.sessions.give_back(name, speech);
        Ok(chunk)
    }
}
