//! One attempt from claim to seal.

use std::sync::Arc;

use super::attempt::{Attempt, DIRECTORY_MODE, Ended};
use super::error::{During as _, ShimError};
use super::log::Log;
use super::supervise::{self, Orders};
use super::{command, copies, letter, lock, mirror, process, seal, usage};
use crate::beneath;
use crate::model::clock::Clock;
use crate::model::manifest::Exit;
use crate::model::spec::files;

/// Runs the attempt, unless it was run before, and seals it.
pub(super) fn run(attempt: &Attempt) -> Result<(), ShimError> {
    let orders = Orders::listen().during("listen to signals")?;
    let score = process::become_init();
    // Before the claim: whoever sees the claim and no lock knows that this process is gone.
    if !lock::hold(&attempt.root).during("lock the attempt's directory")? {
        return Err(ShimError::AlreadyClaimed);
    }
    attempt.claim()?;
    beneath::make_directory(&attempt.root, files::WORK, DIRECTORY_MODE).during("make the directory of results")?;
    copies::make(&attempt.root, &attempt.job.copies).during("copy a database")?;
    // Before the scanner runs, which could spoil the place.
    let outbox = letter::open(attempt);
    let log = Arc::new(Log::create(&attempt.root, attempt.job.log_limit).during("make the log")?);

    let started_at = Clock::System.now();
    let oom_before = usage::oom_kills();
    let outcome = supervise::run(attempt, &log, &orders, &score);
    let (cpu_ms, max_rss) = usage::of_children();
    let exit = Exit {
        cause: outcome.cause,
        code: outcome.status.and_then(rustix::process::WaitStatus::exit_status),
        signal: outcome.status.and_then(rustix::process::WaitStatus::terminating_signal),
        oom_kills: usage::oom_kills().unwrap_or(0).saturating_sub(oom_before.unwrap_or(0)),
        started_at,
        finished_at: Clock::System.now(),
        cpu_ms,
        max_rss,
    };
    attempt.note_end(&Ended { exit, log: log.finish() })?;
    seal::seal(attempt)?;
    if let Some(outbox) = outbox
        && let Err(error) = outbox.leave(attempt)
    {
        command::say(&format!("the results are with the keeper alone: {error}"));
    }
    std::thread::sleep(mirror::LAST_WORDS);
    Ok(())
}
