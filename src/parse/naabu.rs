//! naabu's JSON Lines (`naabu -json`): each open port is an asset. A line without a port is a host that answered (`-sn`).
//!
//! Its plain lines (`host:port`) are not read: a message among them would be a host.

use serde_json::Value;

use super::output::Output;
use super::value::{at, first, number, text};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, net, results};

/// The format `naabu`.
#[derive(Debug)]
pub(super) struct Naabu;

impl Parser for Naabu {
    fn name(&self) -> &'static str {
        "naabu"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        let other = ["url", "template-id", "vulnerabilities", "policy"].iter().any(|key| outline.has(key));
        outline.has("port") && (outline.has("ip") || outline.has("host")) && !other
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        results::each(self, context, input, &["/port"], &mut |value| port(&mut output, &value))?;
        Ok(output.summary)
    }
}

fn port(output: &mut Output<'_>, value: &Value) -> Result<(), ParseError> {
    let host = first(value, &["/host", "/ip"]).unwrap_or_default();
    // For a while, the port was an object.
    let port = number(value, "/port").or_else(|| number(value, "/port/Port")).and_then(|port| u16::try_from(port).ok());
    let udp = at(value, "/port/Protocol").and_then(Value::as_u64) == Some(1);
    let protocol = text(value, "/protocol").unwrap_or(if udp { "udp" } else { "tcp" });
    let asset = match port {
        Some(0) => net::host_asset(host),
        Some(port) => net::port_asset(host, port, protocol),
        None => None,
    };
    let Some(asset) = asset else {
        output.skip("no usable host and port");
        return Ok(());
    };
    output.asset(asset)
}

#[cfg(test)]
mod tests {
    use super::super::testing::keep;

    fn assets(text: &str) -> Vec<String> {
        keep("naabu", text).unwrap().1.assets.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ports_of_every_generation_are_assets() {
        let text = r#"{"host":"Example.com","ip":"192.0.2.7","port":443,"protocol":"tcp","tls":true}
{"ip":"2001:db8::1","timestamp":"2023-02-01T00:00:00Z","port":{"Port":53,"Protocol":1,"TLS":false}}
{"host":"example.com","ip":"192.0.2.7","port":80}
{"ip":"192.0.2.8","port":0,"protocol":"","tls":false}
"#;
        let expected =
            ["port:example.com:443/tcp", "port:[2001:db8::1]:53/udp", "port:example.com:80/tcp", "ip:192.0.2.8"];
        assert_eq!(assets(text), expected);
    }

    #[test]
    fn what_cannot_be_used_is_counted_and_other_documents_are_refused() {
        let (summary, _) =
            keep("naabu", r#"{"host":"-oX","port":80}{"host":"","port":80}{"host":"a","port":70000}"#).unwrap();
        assert_eq!((summary.assets, summary.skipped["no usable host and port"]), (0, 3));
        assert!(keep("naabu", "{}").is_err());
        assert!(keep("naabu", "example.com:80\n").is_err());
    }
}
