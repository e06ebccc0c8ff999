//! Requests, and what answers mean.

use std::time::Duration;

use jiff::Timestamp as Moment;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use super::outcome::{Failure, Taken};
use super::{Delivery, Secrets};
use crate::model::notify::Hidden;
use crate::web::{self, WebError};

/// Most bytes that are read of an answer that is only told.
const ANSWER: usize = 4 << 10;
/// Most bytes that are read of an answer that is understood.
const DOCUMENT: usize = 4 << 20;
/// Longest time that a receiver can ask to be left alone for.
const LONGEST: Duration = Duration::from_hours(3);

impl From<WebError> for Failure {
    fn from(error: WebError) -> Self {
        let words = error.to_string();
        // A name that resolves to a forbidden address: no delivery will change that.
        if error.passes() && !words.contains(web::FORBIDDEN) { Self::passing(words) } else { Self::lasting(words) }
    }
}

/// Returns the route's address, if it may be asked.
pub(super) fn address(secrets: &Secrets) -> Result<Url, Failure> {
    let Some(Hidden(url)) = &secrets.url else { return Err(Failure::lasting("it has no address")) };
    Ok(web::guarded(url.trim())?)
}

pub(super) fn client(delivery: &Delivery<'_>) -> Result<Client, Failure> {
    Ok(web::guarded_client(delivery.route.timeout.0)?)
}

/// Posts a document.
pub(super) async fn post_json(delivery: &Delivery<'_>, body: &Value) -> Result<Taken, Failure> {
    let request = client(delivery)?.post(address(delivery.secrets)?);
    tell(request.header("content-type", "application/json").body(body.to_string())).await
}

/// Sends a request whose answer says only whether it was taken.
pub(super) async fn tell(request: RequestBuilder) -> Result<Taken, Failure> {
    let (status, headers, body) = exchange(request).await?;
    let words = words(status, &body);
    if status.is_success() { Ok(Taken { words }) } else { Err(refusal(status, &headers, words)) }
}

/// Sends a request; returns the answer and as much of it as is told, whatever it means.
pub(super) async fn exchange(request: RequestBuilder) -> Result<(StatusCode, HeaderMap, String), Failure> {
    let answer = request.send().await.map_err(WebError::from)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = beginning(answer).await;
    Ok((status, headers, body))
}

/// Sends a request whose answer is a document.
pub(super) async fn ask(request: RequestBuilder) -> Result<Value, Failure> {
    let answer = request.header("accept", "application/json").send().await.map_err(WebError::from)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    if !status.is_success() {
        let words = words(status, &beginning(answer).await);
        return Err(refusal(status, &headers, words));
    }
    let body = web::body(answer, DOCUMENT).await?;
    serde_json::from_slice(&body).map_err(|_| Failure::lasting("it answers, and not with JSON: is the address right?"))
}

/// Reads the beginning of an answer; what cannot be read is not missed.
async fn beginning(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= ANSWER {
            bytes.truncate(ANSWER);
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Says an answer: its status, and what there is to read of it.
pub(super) fn words(status: StatusCode, body: &str) -> String {
    let body = web::clean(body.trim());
    if body.is_empty() { status.to_string() } else { format!("{status}: {body}") }
}

/// Returns what an answer means that is no success.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, words: String) -> Failure {
    let too_early = 425;
    let passes = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
        || status.as_u16() == too_early
        || is_rate_limit(status, headers);
    let words =
        if status.is_redirection() { format!("it leads elsewhere, which is not followed ({words})") } else { words };
    let after = passes.then(|| retry_after_now(headers)).flatten();
    Failure { words, passes, after }
}

/// Returns how long a receiver wants to be left alone from now on, if it says so.
pub(super) fn retry_after_now(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers, Moment::now())
}

/// GitHub says 403 to whoever asks too often, and when to come back.
fn is_rate_limit(status: StatusCode, headers: &HeaderMap) -> bool {
    let used_up = headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0");
    status == StatusCode::FORBIDDEN && (used_up || headers.contains_key(RETRY_AFTER))
}

/// Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Moment) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn passes(status: u16, pairs: &[(&'static str, &'static str)]) -> bool {
        refusal(StatusCode::from_u16(status).unwrap(), &headers(pairs), String::new()).passes
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(passes(status, &[]), "{status}");
        }
        for status in [301, 302, 307, 400, 401, 403, 404, 410, 413, 422] {
            assert!(!passes(status, &[]), "{status}");
        }
        assert!(passes(403, &[("x-ratelimit-remaining", "0")]));
    }

    #[test]
    fn a_receiver_says_how_long_to_leave_it_alone_and_not_for_ever() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let wait = |value| retry_after(&headers(&[("retry-after", value)]), now);
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 22 Nov 2026 10:01:00 GMT"), Some(Duration::from_mins(1)));
        assert_eq!(wait("Sun, 22 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("99999999999"), Some(LONGEST));
        assert_eq!(wait("soon"), None);
    }
}
