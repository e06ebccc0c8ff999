//! Delivering what is due on one route.

use std::time::Duration;

use super::{App, AppError, ready, traces};
use crate::failpoint;
use crate::model::notify::{Notice, Receiver, Route};
use crate::model::retry::RetryPolicy;
use crate::notify::{Delivery, Failure, Taken, deliver};
use crate::store::DueNotification;

/// Most deliveries of one pass on a route.
const MOST: usize = 100;
/// Waits between deliveries that failed, in milliseconds: up to 10 s after the first, three hours at most.
const WAITS: RetryPolicy = RetryPolicy { max_attempts: u32::MAX, base_ms: 10_000, cap_ms: 3 * 3_600_000 };
/// Least wait: a receiver that has just failed is given a moment.
const LEAST: Duration = Duration::from_secs(1);
/// Longest time for which a failure holds up what else is to be delivered on its route: it may be that one alone.
const HOLD: Duration = Duration::from_mins(1);

/// What became of the deliveries on a route.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Taken by the receiver.
    pub taken: usize,
    /// Given up.
    pub dead: usize,
    /// To be tried again.
    pub postponed: usize,
    /// Why the last one failed. Holds no address and no secret.
    pub error: Option<String>,
    /// Whether another process delivers on the route.
    pub held: bool,
}

/// Delivers what is due on a route, oldest first, until the receiver fails. What is about one scan is delivered in order.
pub async fn deliver_due(app: &App, name: &str) -> Result<Delivered, AppError> {
    let mut done = Delivered::default();
    let Some(route) = app.config.notify.get(name) else { return Ok(done) };
    let Some(_lock) = app.store.begin_delivery(name)? else { return Ok(Delivered { held: true, ..done }) };
    for _ in 0..MOST {
        let Some(mut due) = app.store.due_notification(name, app.clock.now())? else { break };
        let sent = send(app, route, &mut due).await;
        failpoint::hit("notify.sent");
        match sent {
            Ok(_) => {
                app.store.notification_delivered(due.row, app.clock.now()).await?;
                done.taken += 1;
            }
            Err(failure) => {
                done.error = Some(failure.words.clone());
                if failed(app, route, &due, failure).await? {
                    done.postponed += 1;
                    break;
                }
                done.dead += 1;
            }
        }
    }
    Ok(done)
}

async fn send(app: &App, route: &Route, due: &mut DueNotification) -> Result<Taken, Failure> {
    let (secrets, template) = ready(app, route).await?;
    let notice: Notice = serde_json::from_str(&due.body)
        .map_err(|error| Failure::lasting(format!("it was written down by another version: {error}")))?;
    if route.kind == Receiver::Otlp {
        return traces::send(app, route, due, &notice, &secrets).await;
    }
    let (notice, template, document) = (&notice, template.as_ref(), due.body.as_str());
    deliver(Delivery { route, secrets: &secrets, template, notice, document, trace: None, at: app.clock.now() }).await
}

/// Writes down that a delivery failed; returns whether it is tried again.
async fn failed(app: &App, route: &Route, due: &DueNotification, failure: Failure) -> Result<bool, AppError> {
    let (now, attempts) = (app.clock.now(), due.attempts.saturating_add(1));
    if !failure.passes || attempts >= route.attempts {
        tracing::info!(route = route.name, id = due.key, "a notification was given up: {}", failure.words);
        app.store.notification_dead(due.row, failure.words, now).await?;
        return Ok(false);
    }
    let wait = wait(&failure, attempts, due.row);
    // What a receiver asks for holds for all that it is told.
    let hold = failure.after.unwrap_or_else(|| wait.min(HOLD));
    let (next, hold) = (now.plus_ms(ms(wait)), now.plus_ms(ms(hold)));
    app.store.notification_postponed(due.row, failure.words, next, hold).await?;
    Ok(true)
}

/// How long to wait after so many deliveries that failed; what the receiver asks for is respected.
fn wait(failure: &Failure, attempts: u32, row: i64) -> Duration {
    failure.after.unwrap_or_else(|| WAITS.wait(attempts, row.cast_unsigned()).max(LEAST))
}

fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_number_of_deliveries_takes_about_a_day() {
        let failure = Failure { words: String::new(), passes: true, after: None };
        let days: Vec<f64> = (0..200)
            .map(|row| (1..25).map(|n| wait(&failure, n, row)).sum::<Duration>().as_secs_f64() / 86_400.0)
            .collect();
        let mean = days.iter().sum::<f64>() / 200.0;
        assert!((0.6..1.4).contains(&mean), "{mean}");
    }

    #[test]
    fn waits_are_those_that_the_receiver_asks_for_if_it_asks() {
        let failure = Failure { words: String::new(), passes: true, after: Some(Duration::from_secs(77)) };
        assert_eq!(wait(&failure, 9, 1), Duration::from_secs(77));
        let failure = Failure { after: None, ..failure };
        assert_eq!(wait(&failure, 3, 1), wait(&failure, 3, 1));
        assert!(wait(&failure, 1, 1) >= LEAST && wait(&failure, 30, 1) <= Duration::from_hours(3));
    }
}
