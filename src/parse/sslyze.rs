//! sslyze's JSON, versions 3 to 6. sslyze tells facts and judges few, so the weaknesses are read out of them here.
//!
//! Each check that was made at a server is a result: a record for each weakness that it shows, else counted as passed. Checks
//! that were not asked for are no results; checks that failed are errors of the report.
//!
//! Which server it was stands behind its checks in some versions, so what the checks of one server show is kept until then. Of the
//! rest only what is judged is read: keys are in there as numbers of a thousand digits.

use serde_json::{Map, Value};

use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::text::cut;
use super::tls::{Shown, protocol, renegotiation, robot, tell};
use super::value::{at, first, flag, number, text};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, net};

/// The format `sslyze`.
#[derive(Debug)]
pub(super) struct Sslyze;

/// Routes to facts, in both generations of the format.
macro_rules! routes {
    ($($fact:literal),* $(,)?) => {
        &[
            "sslyze_version",
            "server_connectivity_errors/[]",
            "invalid_server_strings/[]",
            "server_scan_results/[]/server_location",
            "server_scan_results/[]/server_info/server_location",
            "server_scan_results/[]/scan_status",
            "server_scan_results/[]/connectivity_error_trace",
            "server_scan_results/[]/scan_commands_errors/@",
            "server_scan_results/[]/scan_result/@/status",
            "server_scan_results/[]/scan_result/@/error_reason",
            $(concat!("server_scan_results/[]/scan_result/@/result/", $fact),)*
            $(concat!("server_scan_results/[]/scan_commands_results/@/", $fact),)*
        ]
    };
}

const ROUTES: &[&str] = routes![
    "is_vulnerable_to_heartbleed",
    "is_vulnerable_to_ccs_injection",
    "robot_result",
    "is_vulnerable_to_client_renegotiation_dos",
    "accepts_client_renegotiation",
    "supports_secure_renegotiation",
    "supports_compression",
    "supports_fallback_scsv",
    "supports_early_data",
    "supports_ems_extension",
    "strict_transport_security_header",
    "http_error_trace",
    "accepted_cipher_suites/[]/cipher_suite/name",
    "certificate_deployments/[]/leaf_certificate_subject_matches_hostname",
    "certificate_deployments/[]/received_chain_has_valid_order",
    "certificate_deployments/[]/verified_chain_has_sha1_signature",
    "certificate_deployments/[]/verified_chain_has_legacy_symantec_anchor",
    "certificate_deployments/[]/path_validation_results/[]/validation_error",
];

/// There are some 400 suites and 20 checks.
const MAX_SUITES: usize = 2000;
const MAX_SHOWN: usize = 1000;

impl Parser for Sslyze {
    fn name(&self) -> &'static str {
        "sslyze"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("server_scan_results")
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let mut server = Server::default();
        let mut seen = false;
        walk(self, context, input, ROUTES, &mut |route, event| {
            seen |= route == "server_scan_results";
            match (route.strip_prefix("server_scan_results/[]"), event) {
                (Some(""), Event::End) => std::mem::take(&mut server).tell(&mut output)?,
                (Some(route), event) => server.read(route, event),
                (None, Event::Value(value)) if route == "sslyze_version" => output.version(value.as_str()),
                (None, Event::Value(value)) => output.error(&problem(&value)),
                (None, Event::End) => {}
            }
            Ok(())
        })?;
        if seen { Ok(output.summary) } else { Err(super::xml::lacking(self.name(), "`server_scan_results`")) }
    }
}

fn problem(value: &Value) -> String {
    let server = first(value, &["/server_string", "/server_info/server_location/hostname"]).unwrap_or("a server");
    format!("{server}: {}", first(value, &["/error_message", "/error"]).unwrap_or("cannot be reached"))
}

/// A server, and what its checks showed.
#[derive(Default)]
struct Server {
    location: Value,
    status: Option<String>,
    trace: Option<String>,
    check: Check,
    checks: Vec<Vec<Shown>>,
    problems: Vec<String>,
}

/// The check that the walk is in.
#[derive(Default)]
struct Check {
    name: String,
    status: Option<String>,
    reason: Option<String>,
    facts: Map<String, Value>,
    accepted: Vec<String>,
    certificate: Map<String, Value>,
    shown: Vec<Shown>,
}

impl Server {
    fn read(&mut self, route: &'static str, event: Event) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let Event::Value(value) = event else {
            if route.ends_with("certificate_deployments/[]") {
                self.check.shown.extend(certificate(&Value::Object(std::mem::take(&mut self.check.certificate))));
            } else if route == "/scan_result/@" || route == "/scan_commands_results/@" {
                self.end_check();
            }
            return;
        };
        let (path, fact) = route.rsplit_once('/').unwrap_or(("", route));
        match (path, fact) {
            (_, "server_location") => self.location = value,
            (_, "scan_status") => self.status = text(&value),
            (_, "connectivity_error_trace") => self.trace = text(&value),
            ("/scan_commands_errors", _) => self.failed(&value),
            (_, "@") => self.check.name = text(&value).unwrap_or_default(),
            ("/scan_result/@", "status") => self.check.status = text(&value),
            ("/scan_result/@", "error_reason") => self.check.reason = text(&value),
            (path, "name") if path.ends_with("cipher_suite") && self.check.accepted.len() < MAX_SUITES => {
                self.check.accepted.extend(text(&value).map(|name| cut(&name, 100)));
            }
            (path, fact) if path.contains("certificate_deployments") => {
                self.check.certificate.insert(fact.to_owned(), value);
            }
            (_, fact) => {
                self.check.facts.insert(fact.to_owned(), value);
            }
        }
    }

    /// A key of `scan_commands_errors` and then what is wrong with it.
    fn failed(&mut self, value: &Value) {
        match value.as_str() {
            Some(name) => name.clone_into(&mut self.check.name),
            None => self.problems.push(format!("{}: {}", self.check.name, text(value, "/reason").unwrap_or("failed"))),
        }
    }

    fn end_check(&mut self) {
        let mut check = std::mem::take(&mut self.check);
        match check.status.as_deref() {
            None | Some("COMPLETED") if self.checks.len() < MAX_SHOWN => {
                check.shown.extend(judge(&check.name, &Value::Object(check.facts), &check.accepted));
                check.shown.truncate(MAX_SHOWN);
                self.checks.push(check.shown);
            }
            None | Some("COMPLETED") => self.problems.push(format!("{}: there are too many checks", check.name)),
            Some("NOT_SCHEDULED") => {}
            Some(status) => {
                self.problems.push(format!("{}: {}", check.name, check.reason.as_deref().unwrap_or(status)));
            }
        }
    }

    fn tell(self, output: &mut Output<'_>) -> Result<(), ParseError> {
        let host = first(&self.location, &["/hostname", "/ip_address"]).unwrap_or_default();
        let port = number(&self.location, "/port").and_then(|port| port.try_into().ok());
        let location = net::service(host, port, Some("tcp"));
        if let Some(status) = self.status.as_deref().filter(|status| *status != "COMPLETED") {
            let reason = self.trace.as_deref().and_then(|trace| trace.lines().last()).unwrap_or(status);
            output.error(&format!("{host}: {reason}"));
        }
        self.problems.iter().for_each(|problem| output.error(&format!("{host}: {problem}")));
        self.checks.into_iter().try_for_each(|shown| tell(output, &location, shown))
    }
}

fn judge(check: &str, result: &Value, accepted: &[String]) -> Vec<Shown> {
    let when = |shows: bool, rule: &'static str| shows.then(|| Shown::new(rule, "")).into_iter().collect();
    let is = |pointer: &str, wanted: bool| flag(result, pointer) == Some(wanted);
    match check {
        "heartbleed" => when(is("/is_vulnerable_to_heartbleed", true), "heartbleed"),
        "openssl_ccs_injection" => when(is("/is_vulnerable_to_ccs_injection", true), "openssl_ccs_injection"),
        "robot" => robot(text(result, "/robot_result").unwrap_or_default()),
        "session_renegotiation" => {
            let client =
                is("/is_vulnerable_to_client_renegotiation_dos", true) || is("/accepts_client_renegotiation", true);
            renegotiation(client, is("/supports_secure_renegotiation", false))
        }
        "tls_compression" => when(is("/supports_compression", true), "tls_compression"),
        "tls_fallback_scsv" => when(is("/supports_fallback_scsv", false), "tls_fallback_scsv"),
        "tls_1_3_early_data" => when(is("/supports_early_data", true), "tls_1_3_early_data"),
        "tls_extended_master_secret" => when(is("/supports_ems_extension", false), "tls_extended_master_secret"),
        "http_headers" => {
            let header = at(result, "/strict_transport_security_header");
            when(header.is_some_and(Value::is_null) && text(result, "/http_error_trace").is_none(), "http_headers")
        }
        suites => protocol(suites, accepted),
    }
}

/// A chain that could be verified says whether SHA-1 is in it; one that could not, says nothing.
fn certificate(deployment: &Value) -> Vec<Shown> {
    let is = |pointer: &str, wanted: bool| flag(deployment, pointer) == Some(wanted);
    let verified = flag(deployment, "/verified_chain_has_sha1_signature").is_some();
    let facts = [
        (!verified, "certificate_info/untrusted"),
        (is("/leaf_certificate_subject_matches_hostname", false), "certificate_info/hostname"),
        (is("/verified_chain_has_sha1_signature", true), "certificate_info/sha1"),
        (is("/received_chain_has_valid_order", false), "certificate_info/order"),
        (is("/verified_chain_has_legacy_symantec_anchor", true), "certificate_info/symantec"),
    ];
    let why = text(deployment, "/validation_error").filter(|_| !verified).unwrap_or_default();
    let shown = facts.into_iter().filter(|(shows, _)| *shows).map(|(_, rule)| rule);
    shown.map(|rule| Shown::new(rule, if rule.ends_with("untrusted") { why } else { "" })).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn checks_of_the_newer_generation_are_judged() {
        let text = r#"{"sslyze_version":"6.3.1","invalid_server_strings":[{"server_string":"nowhere","error_message":"cannot be resolved"}],"server_scan_results":[{"server_location":{"hostname":"Example.com","port":8443},"scan_status":"COMPLETED","scan_result":{
          "heartbleed":{"status":"COMPLETED","result":{"is_vulnerable_to_heartbleed":true}},
          "robot":{"status":"COMPLETED","result":{"robot_result":"NOT_VULNERABLE_NO_ORACLE"}},
          "tls_1_1_cipher_suites":{"status":"COMPLETED","result":{"accepted_cipher_suites":[{"cipher_suite":{"name":"TLS_RSA_WITH_AES_128_CBC_SHA"}}]}},
          "tls_1_2_cipher_suites":{"status":"COMPLETED","result":{"accepted_cipher_suites":[{"cipher_suite":{"name":"TLS_RSA_WITH_3DES_EDE_CBC_SHA"}},{"cipher_suite":{"name":"TLS_RSA_WITH_AES_128_GCM_SHA256"}}]}},
          "certificate_info":{"status":"COMPLETED","result":{"certificate_deployments":[{"received_chain_has_valid_order":true,"verified_chain_has_sha1_signature":null,"received_certificate_chain":[{"public_key":{"rsa_n":HUGE}}],"path_validation_results":[{"was_validation_successful":false,"validation_error":"self-signed"}]}]}},
          "elliptic_curves":{"status":"COMPLETED","result":{}},"session_resumption":{"status":"NOT_SCHEDULED","result":null},
          "http_headers":{"status":"ERROR","error_reason":"CONNECTIVITY_ISSUE","result":null}}}]}"#;
        let (summary, records) = parse("sslyze", &text.replace("HUGE", &"7".repeat(1000))).unwrap();
        let rules: Vec<_> = records.iter().map(|record| record.rule.as_str()).collect();
        assert_eq!(
            rules,
            ["heartbleed", "tls_1_1_cipher_suites", "tls_1_2_cipher_suites", "certificate_info/untrusted"]
        );
        assert_eq!(
            (records[2].evidence.as_deref(), records[3].message.as_str()),
            (Some("TLS_RSA_WITH_3DES_EDE_CBC_SHA"), "self-signed")
        );
        assert_eq!(
            (records[0].severity, records[0].location.to_string().as_str()),
            (Severity::High, "example.com:8443")
        );
        assert_eq!(summary.skipped["a check that shows no weakness"], 2);
        assert_eq!(summary.errors, ["nowhere: cannot be resolved", "Example.com: http_headers: CONNECTIVITY_ISSUE"]);
    }

    #[test]
    fn checks_of_the_older_generation_are_judged() {
        let text = r#"{"sslyze_version":"3.0.7","server_connectivity_errors":[],"server_scan_results":[{"server_info":{"server_location":{"hostname":"example.com","port":443}},
          "scan_commands_errors":{"robot":{"reason":"BUG_IN_SSLYZE"}},"scan_commands_results":{"session_renegotiation":{"accepts_client_renegotiation":true,"supports_secure_renegotiation":false},
          "tls_compression":{"supports_compression":false},"certificate_info":{"certificate_deployments":[{"leaf_certificate_subject_matches_hostname":false,"verified_chain_has_sha1_signature":false,"path_validation_results":[{"verified_certificate_chain":[{}]}]}]}}}]}"#;
        let (summary, records) = parse("sslyze", text).unwrap();
        let rules: Vec<_> = records.iter().map(|record| record.rule.as_str()).collect();
        assert_eq!(
            rules,
            ["session_renegotiation/client", "session_renegotiation/insecure", "certificate_info/hostname"]
        );
        assert_eq!(summary.errors, ["example.com: robot: BUG_IN_SSLYZE"]);
    }

    #[test]
    fn servers_that_could_not_be_reached_are_errors_and_other_documents_refused() {
        let text = r#"{"server_scan_results":[{"server_location":{"hostname":"h","port":1},"scan_status":"ERROR_NO_CONNECTIVITY","connectivity_error_trace":"Trace\nTimeout","scan_result":null}]}"#;
        assert_eq!(parse("sslyze", text).unwrap().0.errors, ["h: Timeout"]);
        assert_eq!(parse("sslyze", r#"{"server_scan_results":[]}"#).unwrap().0.records, 0);
        assert!(parse("sslyze", "{}").is_err());
    }
}
