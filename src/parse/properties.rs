//! What holds for every format: broken files are errors, and no planted secret comes through.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::testing::{Kept, context};
use super::{Encoding, Input, PARSERS, Parser, mask, parser};

/// One small document of each format, from `examples/`, named after it.
fn documents() -> Vec<(&'static str, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/parse/examples");
    let mut documents: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let format =
                PARSERS.iter().find(|parser| parser.name() == name).unwrap_or_else(|| panic!("{name}?")).name();
            (format, fs::read_to_string(&path).unwrap())
        })
        .collect();
    documents.sort();
    documents
}

/// Lines and tables may end behind any of them: that such a file was cut shows in nothing but its length, which the manifest of
/// an attempt has.
const WITHOUT_END: &[&str] = &[
    "dnsx",
    "flawfinder",
    "govulncheck",
    "httpx",
    "katana",
    "kube-bench",
    "kubeaudit",
    "naabu",
    "noseyparker",
    "nuclei",
    "openvas-csv",
    "prowler",
    "subfinder",
    "testssl-csv",
    "trufflehog",
];

/// How many results a format's parser comes upon, handed on or counted; `None` for an error.
fn found(format: &str, bytes: &[u8]) -> Option<u64> {
    let mut kept = Kept::default();
    let summary = parser(format).unwrap().parse(&mut Input::new(&mut &bytes[..]), &context(), &mut kept).ok()?;
    Some(summary.records + summary.assets + summary.skipped.values().sum::<u64>())
}

#[test]
fn every_format_has_a_document_here() {
    let documents = documents();
    assert!(PARSERS.iter().map(|parser| parser.name()).eq(documents.iter().map(|document| document.0)));
    for (format, text) in documents {
        let count = found(format, text.as_bytes());
        assert!(count > Some(0), "{format}: {count:?}");
        let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        assert_eq!(found(format, &marked), count, "{format} with a byte order mark");
        let sniffed = super::sniff(text.as_bytes()).map(Parser::name);
        assert_eq!(sniffed, Some(format), "the format is told from the document");
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    for (format, text) in documents() {
        let text = text.trim_end();
        let whole = found(format, text.as_bytes());
        for end in 0..text.len() {
            let cut = &text.as_bytes()[..end];
            if WITHOUT_END.contains(&format) {
                assert!(found(format, cut) <= whole, "{format} cut at byte {end}");
                continue;
            }
            assert_eq!(found(format, cut), None, "{format} cut at byte {end}");
            if parser(format).unwrap().redaction().is_some() {
                assert!(mask(format, &mut &cut[..], &mut Vec::new(), b"k").is_err(), "{format} cut at byte {end}");
            }
        }
    }
}

#[test]
fn what_follows_the_document_is_an_error() {
    for (format, text) in documents() {
        let text = text.trim_end();
        let garbage = format!("{text}\n\u{1}<[{{\"");
        assert_eq!(found(format, garbage.as_bytes()), None, "{format}");
        if !WITHOUT_END.contains(&format) {
            assert_eq!(found(format, format!("{text} {text}").as_bytes()), None, "{format}");
        }
        assert_eq!(found(format, format!("{text}\n\n").as_bytes()), found(format, text.as_bytes()), "{format}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(document in prop::sample::select(documents()), edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let (format, text) = document;
        let mut bytes = text.into_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        found(format, &bytes);
        drop(mask(format, &mut &bytes[..], &mut Vec::new(), b"k"));
        super::sniff(&bytes);
    }

    #[test]
    fn garbage_is_never_a_report(which in 0..PARSERS.len(), bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(found(PARSERS[which].name(), &bytes).is_none_or(|count| count == 0));
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
        "gitlab" => {
            json!({"version":"15.0.0","vulnerabilities":each(&|s| json!({"name":"n","description":format!("found {s}"),
            "raw_source_code_extract":s,"details":line(s),"location":{"file":"a"},"identifiers":[{"type":"r","name":"r","value":"r"}]})),"scan":{"type":"secret_detection"}})
        }
        "semgrep" => json!({"results": each(&|s| json!({"check_id":"generic.secrets.r","path":"a",
            "extra":{"message":"m","lines":line(s),"metavars":{"$X":{"abstract_content":s}}}}))}),
        "trufflehog" => each(&|s| {
            json!({"SourceMetadata":{"Data":{"Git":{"file":"a","commit":"c"}}},"DetectorType":2,"DetectorName":"AWS",
            "Raw":s,"RawV2":"","Redacted":s,"ExtraData":{"key":line(s)},"VerificationError":format!("{s} is refused")})
        }),
        "trufflehog3" => {
            each(&|s| json!({"rule":{"id":"r","message":"m"},"path":"a","line":"1","secret":s,"context":{"1":line(s)}}))
        }
        "detect-secrets" => {
            json!({"plugins_used":[],"results":{"a":each(&|s| json!({"type":"t","hashed_secret":s,"line_number":1}))}})
        }
        "noseyparker" => each(&|s| {
            json!({"rule_name":"r","match_content":s,"num_matches":1,"matches":[
            {"provenance":[{"kind":"file","path":"a"}],"match_content":s,"snippet":{"before":line(s),"matching":s,"after":s}}]})
        }),
        "gosec" => {
            json!({"Issues":each(&|s| json!({"rule_id":"G101","details":"d","file":"a","code":line(s),"line":"1"}))})
        }
        "brakeman" => {
            json!({"warnings":each(&|s| json!({"warning_type":"Basic Auth","message":"m","file":"a","code":line(s),"user_input":s}))})
        }
        "njsscan" => json!({"nodejs":{"node_password":{"metadata":{"cwe":"cwe-798"},
            "files":each(&|s| json!({"file_path":"a","match_string":line(s)}))}}}),
        "kics" => json!({"queries":[{"query_name":"q","category":"Secret Management",
            "files":each(&|s| json!({"file_name":"a","search_key":line(s),"actual_value":format!("{s} is there"),"expected_value":s}))}]}),
        "nuclei" => each(&|s| {
            json!({"template-id":"exposed-token","info":{"name":"n","severity":"high","description":format!("leaks {s}")},
            "type":"http","matched-at":"https://h/","request":line(s),"response":format!("{s}!"),"curl-command":line(s),"extracted-results":[s]})
        }),
        "nikto" => json!({"host":"h","vulnerabilities":each(&|s| json!({"id":"1","method":"GET","url":"/",
            "msg":format!("Default account found for 'A' (ID 'a', PW '{s}').")}))}),
        "wapiti" => {
            json!({"infos":{"version":"w"},"vulnerabilities":{"Weak credentials":each(&|s| json!({"method":"POST","path":"/","level":3,
            "info":format!("Credentials found for URL /login : admin / {s}"),"http_request":line(s),"curl_command":format!("curl \"http://u:{s}@h/\" -d \"{s}\"")}))}})
        }
        "wpscan" => {
            let users = secrets.iter().enumerate();
            let users: serde_json::Map<_, _> =
                users.map(|(i, s)| (format!("user{i}"), json!({"password":s}))).collect();
            json!({"target_url":"http://h/","password_attack":users})
        }
        "zap" => json!({"@generated":"g","site":[{"@name":"n","alerts":[{"pluginid":"10105","name":"Weak","instances":
            each(&|s| json!({"uri":"http://h/","method":"GET","evidence":format!("Basic {s}"),"otherinfo":line(s),"request-header":line(s),"response-body":s}))}]}]}),
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
    let formats = [
        "brakeman",
        "detect-secrets",
        "gitlab",
        "gitleaks",
        "gosec",
        "kics",
        "kingfisher",
        "nikto",
        "njsscan",
        "noseyparker",
        "nuclei",
        "sarif",
        "semgrep",
        "trivy",
        "trufflehog",
        "trufflehog3",
        "wapiti",
        "wpscan",
        "zap",
    ];
    for format in formats {
        let text = planted(format, &secrets);
        let mut masked = Vec::new();
        let report = mask(format, &mut text.as_bytes(), &mut masked, b"key").unwrap();
        assert!(report >= 20, "{report}");
        let (mut kept, mut passed) = (Kept::default(), Vec::new());
        let mut file = text.as_bytes();
        let mut input = Input::copied_to(&mut file, &mut passed);
        parser(format).unwrap().parse(&mut input, &context(), &mut kept).unwrap();
        assert!(input.is_copied(), "{format}");
        assert_eq!(kept.records.len(), 20);
        let identities: std::collections::BTreeSet<_> = kept.records.iter().map(|record| &record.identity).collect();
        assert_eq!(identities.len(), 20, "different secrets are different findings");
        let texts = [masked, passed].map(|text| String::from_utf8(text).unwrap());
        let stored = [&texts[0], &texts[1], &serde_json::to_string(&kept.records).unwrap()];
        for secret in &secrets {
            let escaped = serde_json::to_string(secret).unwrap();
            for stored in stored {
                assert!(!stored.contains(escaped.trim_matches('"')), "{format}: {secret} in {stored}");
            }
        }
    }
}

/// Texts with secrets that are known by their looks, without characters that any format escapes, and the secrets.
fn known_secrets() -> [(&'static str, String); 6] {
    [
        (" AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7".to_owned()),
        (" postgres://u:s3cr3tpassw0rd@db/x", "s3cr3tpassw0rd".to_owned()),
        (" password=hunter7hunter7", "hunter7hunter7".to_owned()),
        (" Authorization: Bearer 0123456789abcdef0123", "0123456789abcdef0123".to_owned()),
        (" db.passwd: 'geheimes wort'", "geheimes wort".to_owned()),
        (concat!("gl", "pat-0123456789abcdefABCD"), concat!("gl", "pat-0123456789abcdefABCD").to_owned()),
    ]
}

/// Where a text can be put into a document: behind the last character of each string, attribute, text, cell and line.
fn places(format: &str, text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    match text.trim_start().as_bytes()[0] {
        _ if ["clamav", "lynis"].contains(&format) => (1..bytes.len()).filter(|at| bytes[*at] == b'\n').collect(),
        b'{' | b'[' => quotes(bytes, b'\\'),
        b'<' => {
            let mut places: Vec<usize> = text.match_indices("</").map(|found| found.0).collect();
            for (start, _) in text.match_indices('<') {
                let end = start + text[start..].find('>').unwrap_or_default();
                places.extend(quotes(&bytes[start..end], 0).into_iter().map(|at| start + at));
            }
            places
        }
        _ => {
            let head = text.find('\n').unwrap_or_default() + 1;
            let bare = (head..bytes.len()).filter(|at| b",;\n".contains(&bytes[*at]) && bytes[at - 1] != b'"');
            bare.chain(quotes(&bytes[head..], 0).into_iter().map(|at| head + at)).collect()
        }
    }
}

/// Where strings end.
fn quotes(bytes: &[u8], escape: u8) -> Vec<usize> {
    let (mut ends, mut inside, mut at) = (Vec::new(), false, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                ends.extend(inside.then_some(at));
                inside = !inside;
            }
            byte if inside && byte == escape => at += 1,
            _ => {}
        }
        at += 1;
    }
    ends
}

/// All that a parser tells of a file.
type Told = (super::Summary, Vec<crate::model::finding::Record>, Vec<crate::model::asset::Asset>);

fn told(format: &str, bytes: &[u8]) -> Option<Told> {
    let mut kept = Kept::default();
    let summary = parser(format).unwrap().parse(&mut Input::new(&mut &bytes[..]), &context(), &mut kept).ok()?;
    Some((summary, kept.records, kept.assets))
}

/// The same, and the copy that is made in passing, which a parser makes of all that is JSON.
fn told_and_copied(format: &str, bytes: &[u8]) -> Option<(Told, Option<Vec<u8>>)> {
    let (mut kept, mut copy) = (Kept::default(), Vec::new());
    let (mut file, parser) = (bytes, parser(format).unwrap());
    let json = parser.encoding(&Input::new(&mut &bytes[..]).first_line().unwrap()) == Encoding::Json;
    let mut input = Input::copied_to(&mut file, &mut copy);
    let summary = parser.parse(&mut input, &context(), &mut kept).ok()?;
    assert_eq!(input.is_copied(), json, "{format}");
    Some(((summary, kept.records, kept.assets), json.then_some(copy)))
}

#[test]
fn a_masked_file_says_the_same_wherever_a_secret_stands() {
    for (format, text) in documents() {
        let places = places(format, &text);
        assert!(places.len() >= 5, "{format}: {places:?}");
        let mut read = 0;
        for place in places {
            for (planted, secret) in known_secrets() {
                let document = [&text[..place], planted, &text[place..]].concat();
                let before = told(format, document.as_bytes());
                let mut masked = Vec::new();
                let outcome = mask(format, &mut document.as_bytes(), &mut masked, b"key");
                assert!(!String::from_utf8_lossy(&masked).contains(&secret), "{format} with {secret} at byte {place}");
                let passed = told_and_copied(format, document.as_bytes());
                assert_eq!(passed.as_ref().map(|passed| &passed.0), before.as_ref(), "{format} while it is copied");
                let Some(before) = before else { continue };
                if let Some((_, Some(copy))) = passed {
                    let text = String::from_utf8_lossy(&copy);
                    assert!(!text.contains(&secret), "{format} with {secret} at byte {place}, copied: {text}");
                    assert_eq!(told(format, &copy).as_ref(), Some(&before), "{format} with {secret} at byte {place}");
                }
                assert!(outcome.unwrap() > 0, "{format} with {secret} at byte {place}");
                read += 1;
                assert!(!format!("{before:?}").contains(&secret), "{format} with {secret} at byte {place}");
                assert_eq!(told(format, &masked).as_ref(), Some(&before), "{format} with {secret} at byte {place}");
                let mut again = Vec::new();
                mask(format, &mut masked.as_slice(), &mut again, b"key").unwrap();
                assert_eq!(told(format, &again), Some(before), "{format}, masked twice");
            }
        }
        assert!(read >= 6, "{format}: only {read} documents were read");
    }
}

#[test]
fn what_no_parser_reads_can_be_masked_whatever_it_is() {
    let deep = format!("{}\"geheim\"{}", "[".repeat(1000), "]".repeat(1000));
    let long = format!("\"geheim{}\"", "x".repeat(17 << 20));
    for value in ["[\"geheim\",1e999]", "\"geheim\\ud800\"", &deep, &long] {
        for (format, before) in
            [("kingfisher", "{\"access_map\":"), ("sarif", "{\"runs\":[{\"artifacts\":[{\"contents\":")]
        {
            let example = documents().into_iter().find(|document| document.0 == format).unwrap().1;
            let (head, close) =
                if format == "sarif" { ("{\"version\":\"2.1.0\",\"runs\":[{", "}],") } else { ("{", ",") };
            let text = example.replacen(head, &format!("{before}{value}{close}"), 1);
            assert!(text.contains(value), "{format}: {example}");
            let (told, copied) = told_and_copied(format, text.as_bytes()).unwrap();
            let mut masked = Vec::new();
            mask(format, &mut text.as_bytes(), &mut masked, b"key").unwrap();
            for copy in [masked, copied.unwrap()] {
                assert!(!String::from_utf8_lossy(&copy).contains("geheim"), "{format}");
                assert_eq!(self::told(format, &copy).as_ref(), Some(&told), "{format}");
            }
        }
    }
}
