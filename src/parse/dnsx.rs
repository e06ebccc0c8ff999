//! dnsx' JSON Lines (`dnsx -json`): names that resolve are hosts, and their addresses are assets too.
//!
//! Its plain lines are not read: a message among them would be a host.

use serde_json::Value;

use super::output::Output;
use super::value::{text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, net, results};

/// The format `dnsx`.
#[derive(Debug)]
pub(super) struct Dnsx;

impl Parser for Dnsx {
    fn name(&self) -> &'static str {
        "dnsx"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        let answer = ["a", "aaaa", "cname", "resolver", "ptr"].iter().any(|key| outline.has(key));
        outline.has("host") && answer && !outline.has("url") && !outline.has("port")
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        results::each(self, context, input, &["/host"], &mut |value| answer(&mut output, &value))?;
        Ok(output.summary)
    }
}

fn answer(output: &mut Output<'_>, value: &Value) -> Result<(), ParseError> {
    // Older versions name no status: what did not resolve was not printed.
    if let Some(status) = text(value, "/status_code").filter(|status| *status != "NOERROR") {
        output.skip(&format!("status {status}"));
        return Ok(());
    }
    let Some(host) = text(value, "/host").and_then(net::host_asset) else {
        output.skip("no usable host");
        return Ok(());
    };
    output.asset(host)?;
    let found = ["/a", "/aaaa", "/ptr"].iter().flat_map(|pointer| texts(value, pointer));
    found.filter_map(|found| net::host_asset(&found)).try_for_each(|asset| output.asset(asset))
}

#[cfg(test)]
mod tests {
    use super::super::testing::keep;

    #[test]
    fn answers_are_assets_and_failures_are_counted() {
        let text = r#"{"host":"www.example.com","resolver":["192.0.2.53:53"],"a":["192.0.2.7"],"aaaa":["2001:db8::7"],"cname":["cdn.example.net"],"status_code":"NOERROR"}
{"host":"192.0.2.7","ptr":["Web.example.com."],"status_code":"NOERROR"}
{"host":"old.example.com","a":["192.0.2.9"]}
{"host":"gone.example.com","status_code":"NXDOMAIN"}
"#;
        let (summary, kept) = keep("dnsx", text).unwrap();
        let assets: Vec<_> = kept.assets.iter().map(ToString::to_string).collect();
        let expected = [
            "host:www.example.com",
            "ip:192.0.2.7",
            "ip:2001:db8::7",
            "ip:192.0.2.7",
            "host:web.example.com",
            "host:old.example.com",
            "ip:192.0.2.9",
        ];
        assert_eq!(assets, expected);
        assert_eq!(summary.skipped["status NXDOMAIN"], 1);
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(keep("dnsx", r#"{"name":"a"}"#).is_err());
        assert!(keep("dnsx", "www.example.com [192.0.2.7]\n").is_err());
    }
}
