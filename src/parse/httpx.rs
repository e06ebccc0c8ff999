//! httpx' JSON Lines (`httpx -json`; of projectdiscovery): addresses that answer, what they run and where they are.
//!
//! Its plain lines are not read: a message among them would be an address.

use serde_json::Value;

use super::output::Output;
use super::value::{first, flag, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, net, results};
use crate::model::asset::{Asset, AssetKind};

/// The format `httpx`.
#[derive(Debug)]
pub(super) struct Httpx;

/// With `-irr` and the like. The request has the headers that the tool was given, `Authorization` among them.
const TRAFFIC: &[&str] = &[
    "/request",
    "/header",
    "/raw_header",
    "/body",
    "/body_preview",
    "/headless_body",
    "/response",
    "/response-header",
    "/response-body",
    "/chain",
    "/extract_regex",
    "/extracts",
];

static REDACTION: Redaction = Redaction::new(results::ROUTES, |masker, _, value| {
    if let Some(value) = value {
        masker.blank(value, TRAFFIC);
    }
});

impl Parser for Httpx {
    fn name(&self) -> &'static str {
        "httpx"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        let status = outline.has("status_code") || outline.has("status-code") || outline.has("failed");
        outline.has("url") && status && !outline.has("template-id")
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        results::each(self, context, input, &["/url", "/input"], &mut |value| answer(&mut output, &value))?;
        Ok(output.summary)
    }
}

fn answer(output: &mut Output<'_>, value: &Value) -> Result<(), ParseError> {
    if flag(value, "/failed") == Some(true) {
        output.skip("no answer");
        return Ok(());
    }
    let Some(url) = text(value, "/url").and_then(|url| Asset::new(AssetKind::Url, url)) else {
        output.skip("no usable address");
        return Ok(());
    };
    output.asset(url)?;
    // `host` was the address once, and is the name since `host_ip` is there.
    let ip = first(value, &["/host_ip", "/host"]).and_then(net::host_asset).filter(|asset| asset.kind == AssetKind::Ip);
    let named = ["/tech", "/technologies"].iter().flat_map(|pointer| texts(value, pointer));
    let technologies = named.filter_map(|name| Asset::new(AssetKind::Technology, &name));
    ip.into_iter().chain(technologies).try_for_each(|asset| output.asset(asset))
}

#[cfg(test)]
mod tests {
    use super::super::mask;
    use super::super::testing::keep;

    #[test]
    fn answers_are_assets() {
        let text = r#"{"url":"https://example.com","input":"example.com","host":"192.0.2.7","port":"443","tech":["Nginx:1.18","HSTS"],"status_code":200,"failed":false}
{"url":"https://new.example.com:8443","host":"new.example.com","host_ip":"192.0.2.8","status_code":301,"failed":false}
{"url":"http://old.example.com","status-code":200,"technologies":["PHP"]}
{"url":"http://dead.example.com","status_code":0,"failed":true,"error":"timeout"}
"#;
        let (summary, kept) = keep("httpx", text).unwrap();
        let assets: Vec<_> = kept.assets.iter().map(ToString::to_string).collect();
        let expected = [
            "url:https://example.com",
            "ip:192.0.2.7",
            "technology:Nginx:1.18",
            "technology:HSTS",
            "url:https://new.example.com:8443",
            "ip:192.0.2.8",
            "url:http://old.example.com",
            "technology:PHP",
        ];
        assert_eq!(assets, expected);
        assert_eq!(summary.skipped["no answer"], 1);
    }

    #[test]
    fn requests_are_masked_in_the_kept_file() {
        let text = r#"{"url":"https://a","status_code":200,"request":"GET / HTTP/1.1\r\nAuthorization: Bearer hunter2hunter2","header":{"set-cookie":"sid=hunter2hunter2"},
            "body_preview":"hunter2hunter2","headless_body":"hunter2hunter2","extract_regex":["hunter2hunter2"],"extracts":{"key":["hunter2hunter2"]}}"#;
        let mut masked = Vec::new();
        mask("httpx", &mut text.as_bytes(), &mut masked, b"k").unwrap();
        assert!(!String::from_utf8(masked).unwrap().contains("hunter2"));
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(keep("httpx", "{}").is_err());
        assert!(keep("httpx", "https://example.com [200]\n").is_err());
    }
}
