//! Delivering the trace of a scan, part by part.
//!
//! What is written down when the scan ends is the notification, as for every receiver. Jobs and attempts are read from the store when they
//! are delivered: of 100,000 jobs they are a hundred megabytes of spans, which no outbox wants a copy of for each route, and the rows of
//! an ended scan do not change. Retention leaves a scan alone until its trace was delivered or given up.

use serde::{Deserialize, Serialize};

use super::scans::{NAME, PLACE, short};
use super::{App, Secrets};
use crate::failpoint;
use crate::model::notify::{Notice, Route};
use crate::model::outcome;
use crate::model::trace::{JobPlace, TracePart};
use crate::notify::{Delivery, Failure, Taken, deliver};
use crate::store::{DueNotification, PartSize, StoreError};

/// Jobs of one request, with their attempts: with one attempt each 512 spans, which is what SDKs of OpenTelemetry send at once, and half a
/// MiB (measured with bandit in Docker). Receivers take a few.
const SIZE: PartSize = PartSize { jobs: 256, idle: 128 };

/// How far a delivery has come.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// The last job whose part the receiver has taken.
    after: Option<JobPlace>,
    /// How many requests those were.
    requests: u32,
}

/// Delivers what is left of a trace. A receiver that has taken some requests is asked for the others alone the next time.
pub(super) async fn send(
    app: &App,
    route: &Route,
    due: &mut DueNotification,
    notice: &Notice,
    secrets: &Secrets,
) -> Result<Taken, Failure> {
    let mut done: Progress =
        due.progress.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    loop {
        let part = part(app, notice, done.after).await?;
        let delivery =
            Delivery { route, secrets, template: None, notice, document: "", trace: Some(&part), at: app.clock.now() };
        let taken = deliver(delivery).await.map_err(|failure| placed(failure, &done, part.next.is_some()))?;
        let Some(next) = part.next else { return Ok(taken) };
        done = Progress { after: Some(next), requests: done.requests + 1 };
        let progress = serde_json::to_string(&done).map_err(|error| passing(error.to_string()))?;
        app.store.notification_progressed(due.row, progress).await.map_err(|error| passing(error.to_string()))?;
        due.attempts = 0;
        failpoint::hit("notify.part");
    }
}

/// Reads a part; what scanners and engines have written in it is cleaned and bounded.
async fn part(app: &App, notice: &Notice, after: Option<JobPlace>) -> Result<TracePart, Failure> {
    let lasting = |words: &str| Failure { words: words.to_owned(), passes: false, after: None };
    let Some(scan) = notice.scan.as_ref().and_then(|scan| scan.id.parse().ok()) else {
        return Err(lasting("it is about no scan"));
    };
    let store = app.store.clone();
    let read = tokio::task::spawn_blocking(move || store.trace(scan, after, SIZE)).await;
    match read.map_err(|error| passing(error.to_string()))? {
        Ok(part) => Ok(cleaned(part)),
        Err(StoreError::NotFound(_)) => Err(lasting("the scan was removed before its trace was delivered")),
        Err(error) => Err(passing(error.to_string())),
    }
}

const fn passing(words: String) -> Failure {
    Failure { words, passes: true, after: None }
}

/// Says of which request it is, where there are several.
fn placed(failure: Failure, done: &Progress, more: bool) -> Failure {
    if done.requests == 0 && !more {
        return failure;
    }
    Failure { words: format!("request {} of its trace: {}", done.requests + 1, failure.words), ..failure }
}

fn cleaned(mut part: TracePart) -> TracePart {
    let failure = |failure: Option<outcome::Failure>| {
        failure.map(|failure| outcome::Failure { message: short(&failure.message, PLACE), ..failure })
    };
    part.scan.executor = short(&part.scan.executor, PLACE);
    for idle in part.head.iter_mut().flat_map(|head| &mut head.idle) {
        idle.scanner = short(&idle.scanner, NAME);
    }
    for job in &mut part.jobs {
        job.scanner = short(&job.scanner, NAME);
        job.version = job.version.take().map(|version| short(&version, NAME));
        job.image = short(&job.image, PLACE);
        job.image_id = short(&job.image_id, PLACE);
        job.failure = failure(job.failure.take());
        for attempt in &mut job.attempts {
            attempt.engine_id = attempt.engine_id.take().map(|id| short(&id, NAME));
            attempt.failure = failure(attempt.failure.take());
        }
    }
    part
}
