//! Keeping an attempt's results: beside its scanner and after it.

use std::path::Path;
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::error::{During as _, ShimError};
use super::patience::{FAREWELL, Stop};
use super::upload::{self, UploadError};
use super::{command, kept, lock, seal};
use crate::beneath;
use crate::model::pod::paths;
use crate::model::spec::files;

/// Waits for the attempt of the pod below `root` to be claimed and to end, and seals what its shim could not. Brings the results to
/// object storage if the pod was told where; otherwise, and when that cannot be done, stays until they were acknowledged or nobody
/// came for them in `hold`, with a copy on the volume that outlives the pod if there is one; but not for what the shim has left in a
/// letter that is sure to be read. An attempt that is not claimed within `start` leaves nothing to keep.
pub(super) fn keep(root: &Path, start: Duration, hold: Duration) -> Result<(), ShimError> {
    let stop = Stop::listen().during("listen to signals")?;
    rustix::process::umask(rustix::fs::Mode::empty());
    let attempt = Attempt::open(&root.join(paths::OUT))?;
    let claimed = || (!matches!(attempt.claimed_at(), Err(ShimError::NeverClaimed))).then_some(());
    if stop.wait(Instant::now().checked_add(start), claimed).is_none() {
        return Ok(());
    }
    // The time of the scanner is its shim's to keep.
    let Some(lock) = stop.wait(None, || lock::take(&attempt.root).transpose()) else { return Ok(()) };
    let lock = lock.during("lock the attempt's directory")?;
    if seal::manifest(&attempt).is_none() {
        seal::seal_killed(&attempt)?;
    }
    // Sessions give no results while the lock is held: whoever asks learns where they went.
    let stored = store(root, &attempt, &stop);
    // A pod that is told to end is not wanted any more, nor is what it leaves.
    let wanted = !stop.is_ordered();
    if wanted && let Err(error) = kept::keep(&attempt, &root.join(paths::KEPT)) {
        command::say(&format!("the results are in the pod alone: {error}"));
    }
    drop(lock);
    // Where results are in a letter that is shown whole, the pod ends with its scanner: it takes no room, and nobody has to stop it.
    let posted = beneath::file(&attempt.root, files::POSTED).is_ok();
    if !stored && !posted {
        let acknowledged = || beneath::file(&attempt.root, files::ACKNOWLEDGED).is_ok().then_some(());
        stop.wait(Instant::now().checked_add(hold), acknowledged);
    }
    let last_words = || lock::sessions_ended(&attempt.root).unwrap_or(true).then_some(());
    stop.wait(Instant::now().checked_add(FAREWELL), last_words);
    Ok(())
}

/// Brings the results to object storage; returns whether they are there.
fn store(root: &Path, attempt: &Attempt, stop: &Stop) -> bool {
    let send = || match upload::read(&root.join(paths::UPLOAD))? {
        Some(upload) => upload::send(attempt, &upload, stop).map(|()| true),
        None => Ok::<_, UploadError>(false),
    };
    send().unwrap_or_else(|error| {
        command::say(&format!("the results stay in the pod: {error}"));
        false
    })
}
