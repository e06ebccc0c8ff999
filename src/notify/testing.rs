//! Notifications for tests.

use serde_json::Value;

use crate::model::notify::{Counts, NewFinding, NewFindings, Notice, NoticeEvent, SCHEMA};
use crate::model::severity::Severity;

/// One whose texts try what they can.
pub(super) fn hostile() -> Notice {
    Notice {
        schema: SCHEMA.to_owned(),
        id: "msg_1".to_owned(),
        event: NoticeEvent::FindingNew,
        at: "2026-11-22T10:00:00.000Z".to_owned(),
        project: "default".to_owned(),
        title: "42 new findings in dir:<@U1> @everyone <!here> **x** http://evil \"q\"".to_owned(),
        details: vec!["Scan 28t5cy4t: <!subteam^S1> [a](http://evil) @here".to_owned()],
        scan: None,
        findings: Some(NewFindings {
            counts: Counts::from([(Severity::High, 42)]),
            first: false,
            worst: vec![NewFinding {
                fingerprint: "v1:00".to_owned(),
                severity: Severity::High,
                scanner: "semgrep".to_owned(),
                rule: "r`1`".to_owned(),
                title: r"<!channel> <https://evil|click> *x* \[y\](http://evil) <script>".to_owned(),
                location: "a&b/@everyone.py:3".to_owned(),
            }],
            more: 41,
        }),
        schedule: None,
    }
}

/// One that is as long as one can be, of letters that become longer when they are escaped.
pub(super) fn long() -> Notice {
    let mut notice = hostile();
    notice.title = "&".repeat(400);
    notice.details = vec!["<".repeat(400); 8];
    if let Some(findings) = &mut notice.findings {
        let one = findings.worst[0].clone();
        findings.worst = vec![NewFinding { title: "&".repeat(200), location: "<".repeat(300), ..one }; 20];
    }
    notice
}

/// Returns every text in a document.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
