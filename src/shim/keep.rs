//! Keeping an attempt's results: beside its scanner and after it.

use std::path::Path;
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::error::{During as _, ShimError};
use super::patience::{FAREWELL, Stop};
use super::{lock, seal};
use crate::beneath;
use crate::model::spec::files;

/// Waits for the attempt in the directory `out` to be claimed and to end, seals what its shim could not, and stays until the
/// results were acknowledged or nobody came for them in `hold`. An attempt that is not claimed within `start` leaves nothing to keep.
pub(super) fn keep(out: &Path, start: Duration, hold: Duration) -> Result<(), ShimError> {
    let stop = Stop::listen().during("listen to signals")?;
    rustix::process::umask(rustix::fs::Mode::empty());
    let attempt = Attempt::open(out)?;
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
    drop(lock);
    let acknowledged = || beneath::file(&attempt.root, files::ACKNOWLEDGED).is_ok().then_some(());
    stop.wait(Instant::now().checked_add(hold), acknowledged);
    let last_words = || lock::sessions_ended(&attempt.root).unwrap_or(true).then_some(());
    stop.wait(Instant::now().checked_add(FAREWELL), last_words);
    Ok(())
}
