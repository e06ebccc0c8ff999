//! sslscan's XML (`sslscan --xml=`), versions 1 and 2. Each thing it tested is a result: what is weak is a record, what is fine
//! is skipped.

use super::output::Output;
use super::value::missing;
use super::xml::{Element, walk};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary};
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;

/// The format `sslscan`.
#[derive(Debug)]
pub(super) struct Sslscan;

const ROUTES: &[&str] = &[
    "document@",
    "document/error",
    "document/ssltest@",
    "document/ssltest/error",
    "document/ssltest/protocol",
    "document/ssltest/fallback",
    "document/ssltest/renegotiation",
    "document/ssltest/compression",
    "document/ssltest/heartbleed",
    "document/ssltest/cipher",
    "document/ssltest/certificate",
    "document/ssltest/certificates/certificate",
];

impl Parser for Sslscan {
    fn name(&self) -> &'static str {
        "sslscan"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.is_xml("document") && !outline.is_xml_with("document", "SSLyzeVersion")
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let mut location = None;
        walk(self, context, input, &["document"], ROUTES, &mut |route, element| {
            match route {
                "document@" => output.version(element.attribute("version")),
                "document/ssltest@" => location = Some(host(&element)),
                "document/error" | "document/ssltest/error" => {
                    location.get_or_insert_default();
                    output.error(element.own_text().unwrap_or("an error without a text"));
                }
                _ => return tell(&element, location.as_ref(), &mut output),
            }
            Ok(())
        })?;
        location.map_or_else(|| Err(missing(self.name(), "<ssltest>", "the whole document")), |_| Ok(output.summary))
    }
}

fn host(test: &Element) -> Location {
    Location::Host {
        host: test.attribute("sniname").or_else(|| test.attribute("host")).unwrap_or_default().to_owned(),
        port: test.attribute("port").and_then(|port| port.parse().ok()),
        protocol: Some("tcp".to_owned()),
    }
}

fn tell(element: &Element, location: Option<&Location>, output: &mut Output<'_>) -> Result<(), ParseError> {
    let weak = weaknesses(element);
    if weak.is_empty() {
        output.skip(&format!("{} that is fine", element.name));
    }
    weak.into_iter().try_for_each(|weak| {
        output.record(Record {
            rule: weak.rule.to_owned(),
            title: weak.title,
            severity: weak.severity,
            location: location.cloned().unwrap_or_default(),
            cwe: weak.cwe.into_iter().collect(),
            vulnerabilities: weak.vulnerability.map(str::to_owned).into_iter().collect(),
            identity: weak.identity,
            ..Record::default()
        })
    })
}

#[derive(Default)]
struct Weakness {
    rule: &'static str,
    title: String,
    severity: Severity,
    cwe: Option<u32>,
    vulnerability: Option<&'static str>,
    identity: String,
}

impl Weakness {
    fn of(rule: &'static str, severity: Severity, cwe: u32, title: impl Into<String>) -> Self {
        Self { rule, severity, cwe: Some(cwe), title: title.into(), ..Self::default() }
    }

    fn about(self, identity: &str) -> Self {
        Self { identity: identity.to_owned(), ..self }
    }
}

fn weaknesses(element: &Element) -> Vec<Weakness> {
    let get = |name: &str| element.attribute(name).unwrap_or_default();
    let version = get("sslversion");
    match element.name.as_str() {
        "protocol" => protocol(get("type"), get("version"), get("enabled")).into_iter().collect(),
        "cipher" => cipher(get("status"), get("strength"), version, get("cipher")).into_iter().collect(),
        "certificate" => certificate(element),
        "heartbleed" if get("vulnerable") == "1" => vec![Weakness {
            vulnerability: Some("CVE-2014-0160"),
            ..Weakness::of("heartbleed", Severity::High, 125, format!("Heartbleed with {version}")).about(version)
        }],
        "renegotiation" if get("supported") == "1" && get("secure") == "0" => {
            vec![Weakness::of("insecure-renegotiation", Severity::High, 295, "insecure renegotiation")]
        }
        "compression" if get("supported") == "1" => {
            vec![Weakness::of("compression", Severity::Medium, 310, "TLS compression (CRIME)")]
        }
        "fallback" if get("supported") == "0" => {
            vec![Weakness::of("no-fallback-scsv", Severity::Medium, 757, "no protection against downgrades")]
        }
        _ => Vec::new(),
    }
}

fn protocol(kind: &str, version: &str, enabled: &str) -> Option<Weakness> {
    let severity = match (kind, version) {
        ("ssl", _) => Severity::High,
        ("tls", "1.0" | "1.1") => Severity::Medium,
        _ => return None,
    };
    let name = format!("{} {version}", kind.to_uppercase());
    (enabled == "1").then(|| Weakness::of("weak-protocol", severity, 327, format!("{name} is enabled")).about(&name))
}

fn cipher(status: &str, strength: &str, version: &str, name: &str) -> Option<Weakness> {
    let severity = match strength {
        "null" | "anonymous" => Severity::High,
        "weak" | "medium" => Severity::Medium,
        _ => return None,
    };
    let accepted = matches!(status, "accepted" | "preferred");
    let title = format!("{strength} cipher {name} with {version}");
    accepted.then(|| Weakness::of("weak-cipher", severity, 327, title).about(&format!("{version} {name}")))
}

fn certificate(element: &Element) -> Vec<Weakness> {
    let is = |name: &str| element.text(name) == Some("true");
    let subject = element.owned("subject");
    let mut weak = Vec::new();
    if is("expired") {
        weak.push(
            Weakness::of("certificate-expired", Severity::Medium, 298, "the certificate has expired").about(&subject),
        );
    }
    if is("self-signed") {
        weak.push(
            Weakness::of("certificate-self-signed", Severity::Medium, 295, "the certificate is self-signed")
                .about(&subject),
        );
    }
    let found = element.at("pk").and_then(key).into_iter().chain(signature(element));
    weak.extend(found.map(|found| found.about(&subject)));
    weak
}

/// What is wrong with the key of a certificate; fewer bits than 2048 are what the tool itself paints red.
fn key(key: &Element) -> Option<Weakness> {
    if key.attribute("error") == Some("true") {
        let title = "the key of the certificate cannot be read";
        return Some(Weakness::of("certificate-key", Severity::Medium, 326, title));
    }
    let kind = key.attribute("type").filter(|kind| matches!(*kind, "RSA" | "DSA"))?;
    let bits: u32 = key.attribute("bits")?.parse().ok()?;
    let title = format!("the {kind} key of the certificate has {bits} bits");
    (bits < 2048).then(|| Weakness::of("certificate-weak-key", Severity::Medium, 326, title))
}

fn signature(certificate: &Element) -> Option<Weakness> {
    let name = certificate.text("signature-algorithm")?;
    let lower = name.to_ascii_lowercase();
    let title = format!("the certificate is signed with {name}");
    ["md2", "md4", "md5", "sha1"]
        .iter()
        .any(|hash| lower.contains(hash))
        .then(|| Weakness::of("certificate-weak-signature", Severity::Medium, 328, title))
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn what_is_weak_is_a_record() {
        let text = r#"<document title="SSLScan Results" version="2.0.7"><ssltest host="10.0.0.1" sniname="a.example" port="443">
            <protocol type="ssl" version="3" enabled="1"/><protocol type="tls" version="1.0" enabled="0"/>
            <heartbleed sslversion="TLSv1.0" vulnerable="1"/><renegotiation supported="0" secure="0"/><compression supported="0"/>
            <cipher status="accepted" sslversion="TLSv1.2" cipher="RC4-SHA" strength="weak"/><cipher status="not accepted" cipher="X" strength="weak"/>
            <cipher status="preferred" sslversion="TLSv1.2" cipher="NULL-SHA" strength="null"/><group name="x25519"/>
            <certificates><certificate><signature-algorithm>sha1WithRSAEncryption</signature-algorithm><pk error="false" type="RSA" bits="1024"/><subject>a</subject><self-signed>true</self-signed><expired>true</expired></certificate>
              <certificate><signature-algorithm>ecdsa-with-SHA256</signature-algorithm><pk error="false" curve_name="prime256v1" type="EC" bits="128"/><subject>b</subject></certificate></certificates>
            </ssltest></document>"#;
        let (summary, records) = parse("sslscan", text).unwrap();
        let rules: Vec<_> = records.iter().map(|record| record.rule.as_str()).collect();
        let expected = [
            "weak-protocol",
            "heartbleed",
            "weak-cipher",
            "weak-cipher",
            "certificate-expired",
            "certificate-self-signed",
            "certificate-weak-key",
            "certificate-weak-signature",
        ];
        assert_eq!(rules, expected);
        assert_eq!(summary.skipped.values().sum::<u64>(), 5);
        assert_eq!((records[1].location.to_string().as_str(), records[1].vulnerabilities.len()), ("a.example:443", 1));
        assert_eq!((records[2].severity, records[3].severity), (Severity::Medium, Severity::High));
    }

    #[test]
    fn errors_and_other_documents_are_told_apart() {
        let text = "<document><error><![CDATA[Could not open a connection]]></error></document>";
        assert_eq!(parse("sslscan", text).unwrap().0.errors, ["Could not open a connection"]);
        assert!(parse("sslscan", "<document/>").unwrap_err().to_string().contains("<ssltest>"));
        assert!(parse("sslscan", "<html/>").is_err());
    }
}
