//! What all receivers for people say, before each escapes it for itself.

use crate::model::notify::{NewFinding, Notice, NoticeEvent};
use crate::model::view::Verdict;

/// Returns the findings, one a line, and how many more there are.
pub(super) fn findings(notice: &Notice) -> Vec<String> {
    let Some(findings) = &notice.findings else { return Vec::new() };
    let mut lines: Vec<String> = findings.worst.iter().map(finding).collect();
    if findings.more > 0 {
        lines.push(format!("… and {} more", findings.more));
    }
    lines
}

fn finding(finding: &NewFinding) -> String {
    let NewFinding { severity, scanner, rule, title, location, .. } = finding;
    let place = if location.is_empty() { String::new() } else { format!(" ({location})") };
    format!("{severity}: {title} [{scanner} {rule}]{place}")
}

/// Returns all of it as plain text.
pub(super) fn plain(notice: &Notice) -> String {
    let mut lines = vec![notice.title.clone()];
    lines.extend(notice.details.iter().cloned());
    let findings = findings(notice);
    if !findings.is_empty() {
        lines.push(String::new());
        lines.extend(findings);
    }
    lines.join("\n") + "\n"
}

/// How it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Good,
    Neutral,
    Bad,
}

pub(super) fn mood(notice: &Notice) -> Mood {
    match (notice.event, notice.scan.as_ref().map(|scan| scan.verdict)) {
        (NoticeEvent::ScanCompleted, Some(Verdict::Clean)) => Mood::Good,
        (NoticeEvent::ScanCancelled | NoticeEvent::Test, _) => Mood::Neutral,
        _ => Mood::Bad,
    }
}

/// Cuts a text to a number of characters, with `…` at its end.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Joins lines to a text of at most so many characters; lines that do not fit are left out whole, and counted.
pub(super) fn fit(lines: &[String], most: usize) -> String {
    const REST: usize = 40;
    let (mut text, mut used) = (String::new(), 0);
    for (at, line) in lines.iter().enumerate() {
        let line = cut(line, most.saturating_sub(REST));
        let length = line.chars().count() + 1;
        if used + length + REST > most && at + 1 < lines.len() || used + length > most {
            let left = lines.len() - at;
            text.extend(["… ", &left.to_string(), " more lines do not fit"]);
            break;
        }
        used += length;
        text.push_str(&line);
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// Breaks words that mention everybody in a channel.
pub(super) fn unmentioned(text: &str) -> String {
    // A word joiner: it is not seen, and the word is another.
    text.replace('@', "@\u{2060}")
}

/// Writes a text so that a reader of Markdown takes nothing in it for markup.
pub(super) fn markdown(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation()
            && !matches!(c, '.' | ',' | ';' | '%' | '\'' | '"' | '/' | '$' | '=' | '?' | '^' | ' ')
        {
            inert.push('\\');
        }
        inert.push(c);
    }
    // Addresses would become links by themselves.
    inert
        .replace("http\\://", "http\u{2060}\\://")
        .replace("https\\://", "https\u{2060}\\://")
        .replace("www.", "www\u{2060}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let lines: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
        let text = fit(&lines, 200);
        assert!(text.chars().count() <= 200, "{text}");
        assert!(text.ends_with("more lines do not fit"), "{text}");
        let kept = text.lines().count() - 1;
        assert!(text.contains(&format!("… {} more", 100 - kept)), "{text}");
        assert_eq!(fit(&lines[..3], 200), "line 0\nline 1\nline 2");
        assert!(fit(&["x".repeat(1000)], 100).chars().count() <= 100);
    }
}
