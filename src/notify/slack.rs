//! Slack: an incoming webhook, in blocks. Text is `mrkdwn` in which `&`, `<` and `>` are escaped, so that nothing becomes a link or a
//! mention, and `verbatim`, so that nothing becomes one by itself.

use serde_json::{Value, json};

use super::words::{cut, findings, fit, unmentioned};
use crate::model::notify::Notice;

/// Most characters of a header, and of a section.
const HEADER: usize = 150;
const SECTION: usize = 3000;
/// Most characters before they are escaped, which makes at most five of one.
const BEFORE: usize = SECTION / 5;

pub(super) fn escape(text: &str) -> String {
    unmentioned(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

pub(super) fn body(notice: &Notice, text: Option<&str>) -> Value {
    let mut blocks = Vec::new();
    if let Some(text) = text {
        blocks.push(section(&cut(text, SECTION)));
    } else {
        blocks.push(json!({
            "type": "header",
            "text": { "type": "plain_text", "text": cut(&unmentioned(&notice.title), HEADER), "emoji": false },
        }));
        for lines in [notice.details.clone(), findings(notice)] {
            // Each line is cut before it is escaped: an entity is never cut in two.
            let lines: Vec<String> = lines.iter().map(|line| escape(&cut(line, BEFORE))).collect();
            if !lines.is_empty() {
                blocks.push(section(&fit(&lines, SECTION)));
            }
        }
    }
    json!({ "text": escape(&cut(&notice.title, BEFORE)), "parse": "none", "link_names": false, "blocks": blocks })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hostile, long, texts};
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let body = body(&hostile(), None);
        for text in texts(&body) {
            assert!(!text.contains('<') && !text.contains('>') || body["blocks"][0]["text"]["text"] == text, "{text}");
            assert!(!text.contains("@channel") && !text.contains("@everyone"), "{text}");
        }
        assert_eq!(
            body["blocks"][2]["text"]["text"],
            "high: &lt;!channel&gt; &lt;https://evil|click&gt; *x* \\[y\\](http://evil) &lt;script&gt; [semgrep r`1`] (a&amp;b/@\u{2060}everyone.py:3)\n… and 41 more"
        );
        assert_eq!(body["blocks"][2]["text"]["verbatim"], true);
    }

    #[test]
    fn it_is_as_long_as_slack_takes_it() {
        let body = body(&long(), None);
        assert!(body["blocks"][0]["text"]["text"].as_str().unwrap().chars().count() <= HEADER);
        for block in body["blocks"].as_array().unwrap() {
            assert!(block["text"]["text"].as_str().unwrap().chars().count() <= SECTION);
        }
        assert!(texts(&body).iter().any(|text| text.contains("more lines do not fit")));
    }
}
