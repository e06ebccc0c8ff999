//! Documents of every format with the secrets in them: the parsers' own examples with planted texts, and traffic that was captured.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dragnet::parse::PARSERS;
use serde_json::Value;

use super::planted::{MARKER, lines, secrets};

/// A name and a document.
pub(crate) type Document = (String, String);

/// What is planted: the harmless words and all lines.
fn text(between: &str) -> String {
    [vec![format!("note: {MARKER}")], lines()].concat().join(between)
}

/// One of each format.
pub(crate) fn of_every_format() -> Vec<Document> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/parse/examples");
    let documents = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(PARSERS.iter().any(|parser| parser.name() == name), "{name}");
        let example = std::fs::read_to_string(&path).unwrap();
        let planted = match path.extension().unwrap().to_str().unwrap() {
            "json" => in_json(&example),
            "xml" => in_xml(&example),
            "csv" => in_table(&example),
            _ => in_lines(&example),
        };
        (name, planted)
    });
    let mut documents: Vec<Document> = documents.collect();
    documents.sort();
    documents
}

/// Into every text for people, and a key of its own that no parser reads.
fn in_json(example: &str) -> String {
    let documents = serde_json::Deserializer::from_str(example).into_iter::<Value>();
    let planted = documents.map(|document| {
        let mut document = document.unwrap();
        plant(&mut document);
        match &mut document {
            Value::Array(items) => items.iter_mut().for_each(note),
            other => note(other),
        }
        document.to_string()
    });
    planted.collect::<Vec<_>>().join("\n")
}

fn note(value: &mut Value) {
    if let Value::Object(map) = value {
        map.insert("remark".to_owned(), Value::from(text("\n")));
    }
}

fn plant(value: &mut Value) {
    const PROSE: [&str; 9] = ["message", "desc", "title", "text", "detail", "info", "summary", "msg", "evidence"];
    match value {
        Value::Array(items) => items.iter_mut().for_each(plant),
        Value::Object(map) => {
            for (key, item) in map {
                match item {
                    Value::String(words) if PROSE.iter().any(|prose| key.to_lowercase().contains(prose)) => {
                        words.push('\n');
                        words.push_str(&text("\n"));
                    }
                    other => plant(other),
                }
            }
        }
        _ => {}
    }
}

/// Into an element before the end, an attribute of it, and a comment.
fn in_xml(example: &str) -> String {
    let (before, end) = example.rsplit_once("</").unwrap();
    let escaped = text("\n").replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let attribute = escaped.replace('\n', "&#10;");
    // The lines around a key are no part of a comment.
    let comment = secrets().into_iter().map(|secret| secret.line).collect::<Vec<_>>().join("\n");
    format!("{before}<remark is=\"{attribute}\">{escaped}<![CDATA[{}]]></remark><!-- {comment} --></{end}", text("\n"))
}

/// Into the last cell of the first row.
fn in_table(example: &str) -> String {
    let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(example.as_bytes());
    let mut planted = csv::Writer::from_writer(Vec::new());
    for (number, row) in rows.records().enumerate() {
        let mut cells: Vec<String> = row.unwrap().iter().map(String::from).collect();
        if number == 1 {
            cells.last_mut().unwrap().push_str(&text("\n"));
        }
        planted.write_record(cells).unwrap();
    }
    String::from_utf8(planted.into_inner().unwrap()).unwrap()
}

/// A line for each.
fn in_lines(example: &str) -> String {
    let (head, rest) = example.split_once('\n').unwrap();
    format!("{head}\n{}\n{rest}", text("\n"))
}

/// Requests with the secrets, as those keep them who stand between: in base64, in elements, in values.
pub(crate) fn captured() -> Vec<Document> {
    let request = format!("POST /login HTTP/1.1\r\nHost: example.com\r\n\r\n{}", text("\r\n"));
    let (base64, escaped) = (STANDARD.encode(&request), request.replace('&', "&amp;").replace('<', "&lt;"));
    let burp = format!(
        r#"<?xml version="1.0"?><issues burpVersion="2024.1"><issue><type>1</type><name>n</name><host ip="192.0.2.7">https://example.com</host><path>/</path>
        <severity>Low</severity><issueDetail>{MARKER}</issueDetail><requestresponse><request base64="true"><![CDATA[{base64}]]></request><response base64="true">{base64}</response></requestresponse></issue></issues>"#
    );
    let zap = format!(
        r#"<?xml version="1.0"?><OWASPZAPReport version="2.16.1"><site name="http://h"><alerts><alertitem><pluginid>10105</pluginid><name>{MARKER}</name><riskcode>2</riskcode>
        <instances><instance><uri>http://h/</uri><method>GET</method><evidence>{escaped}</evidence><requestheader>{escaped}</requestheader><responsebody>{base64}</responsebody></instance></instances></alertitem></alerts></site></OWASPZAPReport>"#
    );
    let wapiti = format!(
        r#"<report type="security"><report_infos><info name="generatorName">wapiti</info></report_infos><vulnerabilities><vulnerability name="{MARKER}"><entries><entry><method>GET</method><path>/</path><level>1</level>
        <parameter>a</parameter><info>Credentials found for URL /: {escaped}</info><http_request>{base64}</http_request><curl_command>curl "http://h/" -d "{base64}"</curl_command></entry></entries></vulnerability></vulnerabilities></report>"#
    );
    let nuclei = serde_json::json!({"template-id": "t", "info": {"name": MARKER, "severity": "low"}, "type": "http", "matched-at": "http://h/",
        "request": request, "response": base64, "curl-command": request});
    let sarif = serde_json::json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": MARKER}}, "results": [],
        "artifacts": [{"location": {"uri": "a"}, "contents": {"text": request, "binary": base64}}]}]});
    vec![
        ("burp's traffic".to_owned(), burp),
        ("zap's traffic".to_owned(), zap),
        ("wapiti's traffic".to_owned(), wapiti),
        ("nuclei's traffic".to_owned(), nuclei.to_string()),
        ("whole files in SARIF".to_owned(), sarif.to_string()),
    ]
}
