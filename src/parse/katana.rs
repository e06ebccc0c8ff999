//! katana's JSON Lines (`katana -jsonl`): each request that the crawler found is an address or, where it is no plain reading of a
//! page, an endpoint.
//!
//! Its plain lines are not read: a message among them would be an address.

use serde_json::Value;

use super::output::Output;
use super::value::{first, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, results};
use crate::model::asset::{Asset, AssetKind};

/// The format `katana`.
#[derive(Debug)]
pub(super) struct Katana;

/// Headers that the crawler was given, forms that it filled in, answers of the site.
const TRAFFIC: &[&str] =
    &["/request/headers", "/request/body", "/request/raw", "/response/headers", "/response/body", "/response/raw"];

static REDACTION: Redaction = Redaction::new(results::ROUTES, |masker, _, value| {
    if let Some(value) = value {
        masker.blank(value, TRAFFIC);
    }
});

impl Parser for Katana {
    fn name(&self) -> &'static str {
        "katana"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("request/endpoint") || outline.has_all(&["timestamp", "endpoint"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        results::each(self, context, input, &["/request", "/endpoint"], &mut |value| request(&mut output, &value))?;
        Ok(output.summary)
    }
}

fn request(output: &mut Output<'_>, value: &Value) -> Result<(), ParseError> {
    if text(value, "/error").is_some() {
        output.skip("the crawler could not fetch it");
        return Ok(());
    }
    let read = first(value, &["/request/method", "/method"]).is_none_or(|method| method.eq_ignore_ascii_case("GET"));
    let kind = if read { AssetKind::Url } else { AssetKind::Endpoint };
    let address = first(value, &["/request/endpoint", "/endpoint"]).and_then(|address| Asset::new(kind, address));
    let Some(address) = address else {
        output.skip("no usable address");
        return Ok(());
    };
    output.asset(address)
}

#[cfg(test)]
mod tests {
    use super::super::mask;
    use super::super::testing::keep;

    #[test]
    fn requests_of_both_generations_are_assets() {
        let text = r#"{"timestamp":"2025-01-01T00:00:00Z","request":{"method":"GET","endpoint":"https://example.com/a?b=1","tag":"a"},"response":{"status_code":200}}
{"timestamp":"2025-01-01T00:00:00Z","request":{"method":"POST","endpoint":"https://example.com/login","body":"p=1"}}
{"timestamp":"2022-11-01T00:00:00Z","endpoint":"https://example.com/old","source":"https://example.com","tag":"a"}
{"timestamp":"2025-01-01T00:00:00Z","request":{"method":"GET","endpoint":"https://example.com/slow"},"error":"timed out"}
"#;
        let (summary, kept) = keep("katana", text).unwrap();
        let assets: Vec<_> = kept.assets.iter().map(ToString::to_string).collect();
        let expected =
            ["url:https://example.com/a?b=1", "endpoint:https://example.com/login", "url:https://example.com/old"];
        assert_eq!(assets, expected);
        assert_eq!(summary.skipped["the crawler could not fetch it"], 1);
    }

    #[test]
    fn traffic_is_masked_in_the_kept_file() {
        let text = r#"{"request":{"endpoint":"https://a","headers":{"Authorization":"Bearer hunter2hunter2"},"raw":"GET hunter2hunter2"}}"#;
        let mut masked = Vec::new();
        mask("katana", &mut text.as_bytes(), &mut masked, b"k").unwrap();
        assert!(!String::from_utf8(masked).unwrap().contains("hunter2"));
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(keep("katana", "{}").is_err());
        assert!(keep("katana", "https://example.com/\n").is_err());
    }
}
