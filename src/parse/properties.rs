//! What holds for every format: broken files are errors, and no planted secret comes through.

use proptest::prelude::*;

use super::testing::{Kept, context};
use super::{PARSERS, mask, parser};

/// One small document of each format, with how many records and assets are in it.
const DOCUMENTS: &[(&str, usize, &str)] = &[
    (
        "bandit",
        1,
        r#"{"errors":[],"generated_at":"x","metrics":{},"results":[{"test_id":"B1","filename":"a","line_number":1,"code":"1 x"}]}"#,
    ),
    (
        "cargo-audit",
        2,
        r#"{"vulnerabilities":{"list":[{"advisory":{"id":"RUSTSEC-2021-0001"},"package":{"name":"a","version":"1"}}]},"warnings":{"yanked":[{"kind":"yanked"}]}}"#,
    ),
    (
        "checkov",
        1,
        r#"[{"check_type":"x","results":{"failed_checks":[{"check_id":"CKV_1","file_path":"/a.tf","file_line_range":[1,2]}]}}]"#,
    ),
    (
        "gitleaks",
        2,
        r#"[{"RuleID":"a","Secret":"hunter2hunter2","File":"a","StartLine":1},{"RuleID":"b","Secret":"x","File":"b"}]"#,
    ),
    ("hadolint", 1, r#"[{"code":"DL1","column":1,"file":"a","level":"error","line":1,"message":"m"}]"#),
    ("kingfisher", 1, r#"{"findings":[{"rule":{"id":"a"},"finding":{"snippet":"s3cr3ts3cr3t","path":"a","line":1}}]}"#),
    (
        "nmap",
        2,
        r#"<nmaprun><host><status state="up"/><address addr="::1"/><ports><port portid="1" protocol="tcp"><state state="open"/></port></ports></host></nmaprun>"#,
    ),
    (
        "sarif",
        1,
        r#"{"version":"2.1.0","runs":[{"results":[{"ruleId":"a","message":{"text":"m {0}","arguments":["é"]},"ruleIndex":0}],"tool":{"driver":{"name":"x","rules":[{"id":"a"}]}}}]}"#,
    ),
    (
        "semgrep",
        1,
        r#"{"results":[{"check_id":"a.b","path":"x","start":{"line":1},"extra":{"message":"m"}}],"errors":[],"paths":{}}"#,
    ),
    (
        "trivy",
        2,
        r#"{"SchemaVersion":2,"Results":[{"Target":"t","Class":"lang-pkgs","Vulnerabilities":[{"VulnerabilityID":"CVE-2020-1234"}],"Secrets":[{"RuleID":"r","Match":"m"}]}]}"#,
    ),
    (
        "zizmor",
        1,
        r#"[{"ident":"a","desc":"d","determinations":{},"locations":[{"symbolic":{"key":{"Local":{"given_path":"a"}}}}]}]"#,
    ),
];

/// How many records and assets a format's parser finds; `None` for an error.
fn found(format: &str, bytes: &[u8]) -> Option<usize> {
    let mut kept = Kept::default();
    parser(format).unwrap().parse(&mut &bytes[..], &context(), &mut kept).ok()?;
    Some(kept.records.len() + kept.assets.len())
}

#[test]
fn every_format_has_a_document_here() {
    assert!(PARSERS.iter().map(|parser| parser.name()).eq(DOCUMENTS.iter().map(|document| document.0)));
    for (format, count, text) in DOCUMENTS {
        assert_eq!(found(format, text.as_bytes()), Some(*count), "{format}");
        let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        assert_eq!(found(format, &marked), Some(*count), "{format} with a byte order mark");
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    for (format, _, text) in DOCUMENTS {
        for end in 0..text.len() {
            assert_eq!(found(format, &text.as_bytes()[..end]), None, "{format} cut at byte {end}");
            if parser(format).unwrap().redaction().is_some() {
                assert!(mask(format, &mut &text.as_bytes()[..end], &mut Vec::new(), b"k").is_err(), "{format}");
            }
        }
    }
}

#[test]
fn what_follows_the_document_is_an_error() {
    for (format, _, text) in DOCUMENTS {
        assert_eq!(found(format, format!("{text} {text}").as_bytes()), None, "{format}");
        assert_eq!(found(format, format!("{text}\n\n").as_bytes()), found(format, text.as_bytes()), "{format}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(which in 0..DOCUMENTS.len(), edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let (format, _, text) = DOCUMENTS[which];
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        found(format, &bytes);
        drop(mask(format, &mut &bytes[..], &mut Vec::new(), b"k"));
        super::sniff(&bytes);
    }

    #[test]
    fn garbage_is_never_a_report(which in 0..DOCUMENTS.len(), bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(found(DOCUMENTS[which].0, &bytes).is_none_or(|count| count == 0));
    }
}

/// Twenty secrets of many makes: short, long, with quotes, spaces, line ends, and characters that JSON escapes.
fn secrets() -> Vec<String> {
    let mut secrets: Vec<String> = (0..14).map(|i| format!("AKIA{i:02}SECRET{}", "x7Q".repeat(i))).collect();
    secrets.extend(
        [
            "pa\"ss\\word",
            "two words",
            "line\none-line\ntwo",
            "ünïcödé-geheim",
            "tab\tseparated",
            "-----BEGIN KEY-----\nMIIC",
        ]
        .map(String::from),
    );
    secrets
}

fn planted(format: &str, secrets: &[String]) -> String {
    use serde_json::{Value, json};
    let each =
        |make: &dyn Fn(&str) -> Value| Value::from(secrets.iter().map(|secret| make(secret)).collect::<Vec<_>>());
    let line = |secret: &str| format!("  token = '{secret}'");
    let document = match format {
        "gitleaks" => each(
            &|s| json!({"RuleID":"r","Description":format!("found {s}"),"Match":line(s),"Secret":s,"File":"a","Message":format!("add {s}")}),
        ),
        "trivy" => json!({"SchemaVersion":2,"Results":[{"Target":"a","Secrets":
            each(&|s| json!({"RuleID":"r","Title":"t","Match":s,"Code":{"Lines":[{"Content":line(s),"Highlighted":line(s)}]}}))}]}),
        "kingfisher" => json!({"findings": each(&|s| json!({"rule":{"id":"r"},"finding":{"snippet":s,"path":"a",
            "validation":{"status":"Active","response":format!("ok {s}")}},"command":line(s)}))}),
        "semgrep" => json!({"results": each(&|s| json!({"check_id":"generic.secrets.r","path":"a",
            "extra":{"message":"m","lines":line(s),"metavars":{"$X":{"abstract_content":s}}}}))}),
        _ => {
            json!({"version":"2.1.0","runs":[{"tool":{"driver":{"name":"gitleaks"}},"results":each(&|s| json!({"ruleId":"r",
            "message":{"text":format!("{s} was found")},"properties":{"offender":s},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a"},
              "region":{"startLine":1,"snippet":{"text":s}},"contextRegion":{"snippet":{"text":line(s)}}}}]}))}]})
        }
    };
    document.to_string()
}

#[test]
fn planted_secrets_come_through_nowhere() {
    let secrets = secrets();
    assert_eq!(secrets.len(), 20);
    for format in ["gitleaks", "trivy", "kingfisher", "semgrep", "sarif"] {
        let text = planted(format, &secrets);
        let mut masked = Vec::new();
        let report = mask(format, &mut text.as_bytes(), &mut masked, b"key").unwrap();
        assert!(report.masked >= 20 && report.sha256_original == crate::model::id::Sha256::of(&text), "{report:?}");
        let mut kept = Kept::default();
        parser(format).unwrap().parse(&mut text.as_bytes(), &context(), &mut kept).unwrap();
        assert_eq!(kept.records.len(), 20);
        let identities: std::collections::BTreeSet<_> = kept.records.iter().map(|record| &record.identity).collect();
        assert_eq!(identities.len(), 20, "different secrets are different findings");
        let stored = [String::from_utf8(masked).unwrap(), serde_json::to_string(&kept.records).unwrap()];
        for secret in &secrets {
            let escaped = serde_json::to_string(secret).unwrap();
            for stored in &stored {
                assert!(!stored.contains(escaped.trim_matches('"')), "{format}: {secret} in {stored}");
            }
        }
    }
}
