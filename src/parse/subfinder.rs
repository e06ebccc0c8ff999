//! subfinder's JSON Lines (`subfinder -oJ`): each name is a host.
//!
//! Its plain lines are not read: a message among them would be a host.

use super::output::Output;
use super::value::text;
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, net, results};

/// The format `subfinder`.
#[derive(Debug)]
pub(super) struct Subfinder;

impl Parser for Subfinder {
    fn name(&self) -> &'static str {
        "subfinder"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("host") && (outline.has("source") || outline.has("sources")) && !outline.has("port")
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        results::each(self, context, input, &["/host"], &mut |value| {
            let Some(host) = text(&value, "/host").and_then(net::host_asset) else {
                output.skip("no usable host");
                return Ok(());
            };
            output.asset(host)?;
            // With `-active -oI`, the address that it was found to have.
            text(&value, "/ip").and_then(net::host_asset).map_or(Ok(()), |ip| output.asset(ip))
        })?;
        Ok(output.summary)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::keep;

    #[test]
    fn names_and_addresses_are_assets() {
        let text = r#"{"host":"www.Example.com","input":"example.com","source":"crtsh"}
{"host":"api.example.com","input":"example.com","sources":["crtsh","hackertarget"]}
{"host":"mail.example.com","ip":"192.0.2.25","source":"crtsh"}
"#;
        let (summary, kept) = keep("subfinder", text).unwrap();
        let assets: Vec<_> = kept.assets.iter().map(ToString::to_string).collect();
        assert_eq!(assets, ["host:www.example.com", "host:api.example.com", "host:mail.example.com", "ip:192.0.2.25"]);
        assert_eq!((summary.records, summary.skipped.len()), (0, 0));
    }

    #[test]
    fn what_cannot_be_used_is_counted_and_other_documents_are_refused() {
        let (summary, _) = keep("subfinder", r#"{"host":"--all","source":"x"}"#).unwrap();
        assert_eq!(summary.skipped["no usable host"], 1);
        assert!(keep("subfinder", r#"{"name":"a"}"#).is_err());
        assert!(keep("subfinder", "www.example.com\n").is_err());
    }
}
