//! OpenTelemetry: a part of a scan's trace, posted as OTLP 1.x over HTTP in its JSON encoding.
//!
//! The specification says which answers may be asked again, and that a receiver may take a request and reject some of it: such a trace is
//! not whole, and is given up.

mod spans;
mod wire;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

use super::outcome::{Failure, Taken};
use super::{Delivery, Secrets, http};
use crate::model::notify::Hidden;

/// Where a receiver takes traces, when its address does not say.
const TRACES: &str = "/v1/traces";

pub(super) async fn send(delivery: &Delivery<'_>) -> Result<Taken, Failure> {
    let request = spans::request(delivery.notice, delivery.trace);
    let spans = request.resource_spans.iter().flat_map(|all| &all.scope_spans).map(|scope| scope.spans.len()).sum();
    let body = serde_json::to_vec(&request).map_err(|error| Failure::lasting(error.to_string()))?;
    let url = endpoint(http::address(delivery.secrets)?);
    let given = url.path().ends_with(TRACES);
    let post = http::client(delivery)?.post(url).headers(headers(delivery.secrets)?);
    let post = post.header("content-type", "application/json").header("accept", "application/json");
    let (status, answered, body) = http::exchange(post.body(body)).await?;
    if !status.is_success() {
        return Err(refusal(status, &answered, http::words(status, &body), given));
    }
    taken(&body, spans).map(|words| Taken { words: format!("{status}: {words}") })
}

/// Where traces go: an address with a path of its own is taken as it is, another one is that of the receiver as a whole.
fn endpoint(mut url: Url) -> Url {
    if matches!(url.path(), "" | "/") {
        url.set_path(TRACES);
    }
    url
}

/// What the receiver wants to see of us. Values are secrets: what is wrong with one is told without it.
fn headers(secrets: &Secrets) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| -> Result<(), Failure> {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| Failure::lasting(format!("the value of the header `{name}` cannot be sent")))?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    };
    if let Some(Hidden(token)) = &secrets.token {
        set(AUTHORIZATION, &format!("Bearer {}", token.trim()))?;
    }
    for (name, Hidden(value)) in &secrets.headers {
        let name = name.parse().map_err(|_| Failure::lasting(format!("`{name}` is no header")))?;
        set(name, value.trim())?;
    }
    Ok(headers)
}

/// Returns what an answer means that is no success. Only four of them are to be asked again (OTLP 1.x, "Retryable Response Codes").
fn refusal(status: StatusCode, headers: &HeaderMap, words: String, given: bool) -> Failure {
    let passes = matches!(status.as_u16(), 429 | 502..=504);
    let hint = match status.as_u16() {
        404 | 405 if !given => {
            format!("; receivers take traces at …{TRACES}, and an address with a path is used as it is")
        }
        300..=399 => "; it leads elsewhere, which is not followed".to_owned(),
        _ => String::new(),
    };
    Failure { words: words + &hint, passes, after: passes.then(|| http::retry_after_now(headers)).flatten() }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    partial_success: Option<PartialSuccess>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartialSuccess {
    /// A 64-bit number, which JSON of Protobuf writes as text or as a number.
    #[serde(default)]
    rejected_spans: Value,
    #[serde(default)]
    error_message: Option<String>,
}

/// Returns what a receiver says of a request that it has taken.
fn taken(body: &str, spans: usize) -> Result<String, Failure> {
    // Nothing is what the empty message is in Protobuf's own encoding.
    let text = if body.trim().is_empty() { "{}" } else { body };
    let answer: Answer = serde_json::from_str(text)
        .map_err(|_| Failure::lasting("it answers, and not as a receiver of traces does: is the address right?"))?;
    let partial = answer.partial_success.unwrap_or_default();
    let rejected = match &partial.rejected_spans {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => text.parse().unwrap_or(0),
        _ => 0,
    };
    let said = partial.error_message.filter(|said| !said.is_empty());
    let said = said.map(|said| format!(": {}", crate::web::clean(&said))).unwrap_or_default();
    if rejected > 0 {
        return Err(Failure::lasting(format!("it has rejected {rejected} of {spans} spans{said}")));
    }
    Ok(format!("{spans} spans{said}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_address_with_a_path_of_its_own_is_used_as_it_is() {
        for (address, asked) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://u:p@h/", "https://u:p@h/v1/traces"),
            ("https://h?key=1", "https://h/v1/traces?key=1"),
            ("https://h/otlp", "https://h/otlp"),
            ("https://h/otlp/v1/traces", "https://h/otlp/v1/traces"),
        ] {
            assert_eq!(endpoint(address.parse().unwrap()).as_str(), asked, "{address}");
        }
    }

    #[test]
    fn only_what_the_specification_says_is_asked_again() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("7"));
        for status in 300..600 {
            let failure = refusal(StatusCode::from_u16(status).unwrap(), &headers, String::new(), true);
            let passes = [429, 502, 503, 504].contains(&status);
            assert_eq!((failure.passes, failure.after.is_some()), (passes, passes), "{status}");
            assert!(!passes || failure.after == Some(Duration::from_secs(7)));
        }
        let lost = |given| refusal(StatusCode::NOT_FOUND, &HeaderMap::new(), "404".to_owned(), given).words;
        assert!(lost(false).contains("…/v1/traces") && !lost(true).contains("/v1/traces"));
    }

    #[test]
    fn what_a_receiver_has_rejected_is_a_failure_that_lasts() {
        for body in ["", " \n", "{}", r#"{"partialSuccess":null}"#, r#"{"partialSuccess":{}}"#, r#"{"new":1}"#] {
            assert_eq!(taken(body, 3), Ok("3 spans".to_owned()), "{body}");
        }
        let warned = taken(r#"{"partialSuccess":{"rejectedSpans":"0","errorMessage":"old\u001b[31m"}}"#, 3);
        assert_eq!(warned, Ok("3 spans: old[31m".to_owned()));
        for number in ["2", "\"2\""] {
            let body = format!(r#"{{"partialSuccess":{{"rejectedSpans":{number},"errorMessage":"too old"}}}}"#);
            let failure = taken(&body, 3).unwrap_err();
            assert_eq!((failure.words.as_str(), failure.passes), ("it has rejected 2 of 3 spans: too old", false));
        }
        for body in ["ok", "<html></html>", "[]x", "\"\"", "\u{a}\u{4}"] {
            assert!(!taken(body, 3).unwrap_err().passes, "{body:?}");
        }
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_told_without_its_value() {
        let secrets = Secrets {
            token: Some(Hidden("t".to_owned())),
            headers: vec![("X-Key".to_owned(), Hidden("planted\nplanted".to_owned()))],
            ..Secrets::default()
        };
        let failure = headers(&secrets).unwrap_err();
        assert_eq!(failure.words, "the value of the header `x-key` cannot be sent");
        let secrets = Secrets { headers: vec![("X-Key".to_owned(), Hidden(" k ".to_owned()))], ..secrets };
        let headers = headers(&secrets).unwrap();
        assert_eq!(
            (&headers["x-key"], &headers["authorization"]),
            (&"k".parse().unwrap(), &"Bearer t".parse().unwrap())
        );
        assert!(!format!("{headers:?}").contains("Bearer"), "{headers:?}");
    }
}
