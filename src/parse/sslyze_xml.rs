//! sslyze's XML, versions 1 and 2: the same facts as in the JSON of later ones, judged in the same way.

use super::output::Output;
use super::tls::{Shown, protocol, renegotiation, robot, tell};
use super::xml::{Element, lacking, walk};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, net};

/// The format `sslyze-xml`.
#[derive(Debug)]
pub(super) struct SslyzeXml;

const ROUTES: &[&str] = &[
    "document@",
    "document/results/target",
    "document/invalidTargets/invalidTarget",
    "document/results/invalidTargets/invalidTarget",
];

impl Parser for SslyzeXml {
    fn name(&self) -> &'static str {
        "sslyze-xml"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.is_xml_with("document", "SSLyzeVersion")
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, &["document"], ROUTES, &mut |route, element| match route {
            "document@" => {
                output.version(element.attribute("SSLyzeVersion"));
                Ok(())
            }
            "document/results/target" => target(&mut output, &element),
            _ => {
                let reason = element.attribute("error").unwrap_or("cannot be reached");
                output.error(&format!("{}: {reason}", element.own_text().unwrap_or("a server")));
                Ok(())
            }
        })?;
        match output.summary.tool_version {
            Some(_) => Ok(output.summary),
            None => Err(lacking(self.name(), "`SSLyzeVersion`")),
        }
    }
}

/// The elements of checks and the names that these have in JSON.
const CHECKS: [(&str, &str); 14] = [
    ("certinfo", "certificate_info"),
    ("compression", "tls_compression"),
    ("fallback", "tls_fallback_scsv"),
    ("heartbleed", "heartbleed"),
    ("openssl_ccs", "openssl_ccs_injection"),
    ("reneg", "session_renegotiation"),
    ("resum", "session_resumption"),
    ("robot", "robot"),
    ("sslv2", "ssl_2_0_cipher_suites"),
    ("sslv3", "ssl_3_0_cipher_suites"),
    ("tlsv1", "tls_1_0_cipher_suites"),
    ("tlsv1_1", "tls_1_1_cipher_suites"),
    ("tlsv1_2", "tls_1_2_cipher_suites"),
    ("tlsv1_3", "tls_1_3_cipher_suites"),
];

fn target(output: &mut Output<'_>, target: &Element) -> Result<(), ParseError> {
    let host = target.attribute("host").or_else(|| target.attribute("ip")).unwrap_or_default();
    let location = net::service(host, target.attribute("port").and_then(|port| port.parse().ok()), Some("tcp"));
    for (element, check) in CHECKS {
        let Some(element) = target.at(element) else { continue };
        match element.attribute("exception") {
            Some(exception) => output.error(&format!("{host}: {check}: {exception}")),
            None => tell(output, &location, judge(check, element))?,
        }
    }
    Ok(())
}

fn judge(check: &str, element: &Element) -> Vec<Shown> {
    let is = |path: &str, attribute: &str, wanted: &str| {
        element
            .at(path)
            .and_then(|element| element.attribute(attribute))
            .is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    };
    let when = |shows: bool, rule: &'static str| shows.then(|| Shown::new(rule, "")).into_iter().collect();
    match check {
        "heartbleed" => when(is("openSslHeartbleed", "isVulnerable", "true"), "heartbleed"),
        "openssl_ccs_injection" => when(is("openSslCcsInjection", "isVulnerable", "true"), "openssl_ccs_injection"),
        "tls_compression" => when(is("compressionMethod", "isSupported", "true"), "tls_compression"),
        "tls_fallback_scsv" => when(is("tlsFallbackScsv", "isSupported", "false"), "tls_fallback_scsv"),
        "robot" => robot(element.at("robotAttack").and_then(|robot| robot.attribute("resultEnum")).unwrap_or_default()),
        "session_renegotiation" => renegotiation(
            is("sessionRenegotiation", "canBeClientInitiated", "true"),
            is("sessionRenegotiation", "isSecure", "false"),
        ),
        "certificate_info" => certificate(element),
        suites => {
            let accepted: Vec<String> = element
                .all("acceptedCipherSuites/cipherSuite")
                .into_iter()
                .filter_map(|suite| suite.attribute("name").map(str::to_owned))
                .collect();
            protocol(suites, &accepted)
        }
    }
}

fn certificate(element: &Element) -> Vec<Shown> {
    let attribute = |path: &str, name: &str| element.at(path).and_then(|element| element.attribute(name));
    let paths = element.all("certificateValidation/pathValidation");
    let trusted = paths.iter().any(|path| path.attribute("validationResult") == Some("ok"));
    let facts = [
        (!paths.is_empty() && !trusted, "certificate_info/untrusted"),
        (
            attribute("certificateValidation/hostnameValidation", "certificateMatchesServerHostname") == Some("False"),
            "certificate_info/hostname",
        ),
        (
            attribute("certificateValidation/verifiedCertificateChain", "hasSha1SignedCertificate") == Some("True"),
            "certificate_info/sha1",
        ),
        (attribute("receivedCertificateChain", "isChainOrderValid") == Some("False"), "certificate_info/order"),
    ];
    facts.into_iter().filter(|(shows, _)| *shows).map(|(_, rule)| Shown::new(rule, "")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;

    const REPORT: &str = r#"<?xml version="1.0"?><document SSLyzeVersion="2.0.6" title="SSLyze Scan Results"><invalidTargets><invalidTarget error="Could not resolve">nowhere</invalidTarget></invalidTargets>
      <results><target host="example.com" ip="192.0.2.7" port="443">
        <certinfo><receivedCertificateChain isChainOrderValid="True"/><certificateValidation><hostnameValidation certificateMatchesServerHostname="False"/><pathValidation validationResult="ok"/></certificateValidation></certinfo>
        <compression><compressionMethod isSupported="False"/></compression><heartbleed><openSslHeartbleed isVulnerable="True"/></heartbleed><robot exception="Timeout"/>
        <reneg><sessionRenegotiation canBeClientInitiated="True" isSecure="True"/></reneg>
        <sslv3><acceptedCipherSuites><cipherSuite name="TLS_RSA_WITH_RC4_128_SHA"/></acceptedCipherSuites></sslv3>
        <tlsv1_2><acceptedCipherSuites><cipherSuite name="TLS_RSA_WITH_AES_128_GCM_SHA256"/></acceptedCipherSuites></tlsv1_2></target></results></document>"#;

    #[test]
    fn checks_are_judged() {
        let (summary, records) = parse("sslyze-xml", REPORT).unwrap();
        let rules: Vec<_> = records.iter().map(|record| record.rule.as_str()).collect();
        assert_eq!(
            rules,
            ["certificate_info/hostname", "heartbleed", "session_renegotiation/client", "ssl_3_0_cipher_suites"]
        );
        assert_eq!(
            (summary.skipped["a check that shows no weakness"], records[0].location.to_string().as_str()),
            (2, "example.com:443")
        );
        assert_eq!(summary.errors, ["nowhere: Could not resolve", "example.com: robot: Timeout"]);
        assert_eq!(summary.tool_version.as_deref(), Some("2.0.6"));
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(parse("sslyze-xml", r#"<document title="SSLScan Results"/>"#).is_err());
        assert!(parse("sslyze-xml", "<nmaprun/>").is_err());
        assert!(parse("sslyze-xml", &REPORT[..REPORT.len() - 3]).is_err());
    }
}
