//! Discord: a webhook with an embed. Text is Markdown in which all markup is escaped, and nobody is mentioned, whatever is in it.

use serde_json::{Value, json};

use super::words::{Mood, cut, findings, fit, markdown, mood, unmentioned};
use crate::model::notify::Notice;

/// Most characters of a title, and of a description.
const TITLE: usize = 256;
const DESCRIPTION: usize = 4000;
/// Most characters of a line before it is escaped.
const LINE: usize = 600;

pub(super) fn escape(text: &str) -> String {
    unmentioned(&markdown(text))
}

pub(super) fn body(notice: &Notice, text: Option<&str>) -> Value {
    let description = text.map_or_else(
        || {
            let lines = notice.details.iter().cloned().chain(findings(notice));
            fit(&lines.map(|line| escape(&cut(&line, LINE))).collect::<Vec<_>>(), DESCRIPTION)
        },
        |text| cut(text, DESCRIPTION),
    );
    let colour = match mood(notice) {
        Mood::Good => 0x2e_a0_43,
        Mood::Neutral => 0x80_80_80,
        Mood::Bad => 0xd7_3a_49,
    };
    json!({
        "allowed_mentions": { "parse": [] },
        "embeds": [{
            // Escaped, a title is at most three times as long.
            "title": escape(&cut(&notice.title, TITLE / 3)),
            "description": description,
            "color": colour,
            "timestamp": notice.at,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hostile, long, texts};
    use super::*;

    #[test]
    fn hostile_text_stays_text_and_nobody_is_mentioned() {
        let body = body(&hostile(), None);
        assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
        assert!(texts(&body).iter().all(|text| !text.contains("@everyone") && !text.contains("http://")), "{body}");
        let description = body["embeds"][0]["description"].as_str().unwrap();
        assert!(description.contains(r"\<\!channel\>"), "{description}");
        assert!(description.contains(r"\*x\*") && description.contains(r"r\`1\`"), "{description}");
    }

    #[test]
    fn it_is_as_long_as_discord_takes_it() {
        let body = body(&long(), None);
        assert!(body["embeds"][0]["title"].as_str().unwrap().chars().count() <= TITLE);
        assert!(body["embeds"][0]["description"].as_str().unwrap().chars().count() <= DESCRIPTION);
    }
}
