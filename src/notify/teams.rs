//! Microsoft Teams: a workflow's webhook, with an Adaptive Card. Text is in runs of rich text, which know no Markdown; a mention would need
//! an entity of its own, and there is none.

use serde_json::{Value, json};

use super::words::{Mood, cut, findings, fit, mood};
use crate::model::notify::Notice;

/// Most characters of the title, and of each other text: a message is at most 28 KB.
const TITLE: usize = 300;
const TEXT: usize = 5000;

pub(super) fn body(notice: &Notice, text: Option<&str>) -> Value {
    let colour = match mood(notice) {
        Mood::Good => "Good",
        Mood::Neutral => "Default",
        Mood::Bad => "Attention",
    };
    let mut blocks = vec![run(&cut(&notice.title, TITLE), "Bolder", colour)];
    match text {
        Some(text) => blocks.push(run(&cut(text, TEXT), "Default", "Default")),
        None => {
            for lines in [notice.details.clone(), findings(notice)] {
                if !lines.is_empty() {
                    blocks.push(run(&fit(&lines, TEXT), "Default", "Default"));
                }
            }
        }
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": blocks,
            },
        }],
    })
}

fn run(text: &str, weight: &str, colour: &str) -> Value {
    json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": text, "weight": weight, "color": colour }] })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hostile, long};
    use super::*;

    #[test]
    fn nothing_is_in_a_block_that_knows_markdown() {
        let body = body(&hostile(), None);
        let blocks = body["attachments"][0]["content"]["body"].as_array().unwrap();
        assert!(blocks.len() >= 3 && blocks.iter().all(|block| block["type"] == "RichTextBlock"), "{body}");
        assert!(blocks.iter().all(|block| block["inlines"][0]["type"] == "TextRun"), "{body}");
    }

    #[test]
    fn it_is_as_long_as_teams_takes_it() {
        assert!(body(&long(), None).to_string().len() < 28_000);
    }
}
