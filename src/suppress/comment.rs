//! Comments in the source: `dragnet:ignore RULE, RULE until=2027-01-31 -- why`.
//!
//! One at the end of a line is about that line, one that has its line to itself about the next. Without rules it is about all.

use memchr::memmem;

use super::pattern::Wildcard;
use crate::model::clock::Timestamp;
use crate::model::suppress::Day;
use crate::model::triage::{Decision, Muting, Origin};

/// What a comment begins with.
pub const MARK: &str = "dragnet:ignore";

/// What ends a comment on its own line in one language or another.
const CLOSINGS: [&str; 5] = ["*/", "-->", "#}", "%>", "--%>"];

/// A comment that says that findings do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The line that it is about, from 1.
    pub line: u32,
    /// The line that it stands in, if it has that to itself.
    alone_in: Option<u32>,
    /// Rules; all if empty.
    rules: Vec<Wildcard>,
    until: Option<Day>,
    reason: Option<String>,
}

impl Comment {
    /// Whether it is about a rule.
    pub fn is_about(&self, rule: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|pattern| pattern.matches(rule))
    }

    /// Whether it holds no more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|day| day.end() <= now)
    }

    /// What it says of a finding.
    pub fn muting(&self) -> Muting {
        Muting {
            decision: Decision::Suppressed,
            origin: Origin::Comment,
            reason: self.reason.clone(),
            author: None,
            until: self.until.map(Day::end),
        }
    }
}

/// Finds the comments of a file.
pub fn comments(text: &[u8]) -> Vec<Comment> {
    let mut found: Vec<Comment> = Vec::new();
    let (mut counted, mut line) = (0, 1_u32);
    for at in memmem::find_iter(text, MARK) {
        let newlines = memchr::memchr_iter(b'\n', &text[counted..at]).count();
        line = line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        counted = at;
        let begin = memchr::memrchr(b'\n', &text[..at]).map_or(0, |newline| newline + 1);
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |len| at + len);
        found.extend(read(line, &text[begin..at], &text[at + MARK.len()..end]));
    }
    // Of comments one below the other all are about the line below the last.
    for index in (1..found.len()).rev() {
        if found[index - 1].alone_in.is_some() && found[index].alone_in == Some(found[index - 1].line) {
            found[index - 1].line = found[index].line;
        }
    }
    found
}

/// Reads what follows the mark; none if it is a longer word, or says something that it cannot say: then nothing is suppressed.
fn read(line: u32, before: &[u8], after: &[u8]) -> Option<Comment> {
    let after = String::from_utf8_lossy(after);
    let mut words = after.trim();
    if after.starts_with(|next: char| next.is_alphanumeric() || matches!(next, '-' | '_' | ':'))
        && !after.starts_with("--")
    {
        return None;
    }
    for closing in CLOSINGS {
        words = words.strip_suffix(closing).unwrap_or(words).trim_end();
    }
    let (words, reason) = match words.split_once("--") {
        Some((words, reason)) => (words, Some(reason.trim().to_owned())),
        None => (words, None),
    };
    let (mut rules, mut until) = (Vec::new(), None);
    for word in words.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        match word.strip_prefix("until=") {
            Some(day) => until = Some(day.parse().ok()?),
            None => rules.push(Wildcard::new(word)),
        }
    }
    let alone = !before.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    Some(Comment {
        line: if alone { line.saturating_add(1) } else { line },
        alone_in: alone.then_some(line),
        rules,
        until,
        reason: reason.filter(|reason| !reason.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Comment {
        let found = comments(text.as_bytes());
        assert_eq!(found.len(), 1, "{text}");
        found.into_iter().next().unwrap()
    }

    #[test]
    fn a_comment_names_rules_an_end_and_a_reason() {
        let comment =
            one("a\nb = eval(x)  # dragnet:ignore B101, semgrep.eval.* until=2027-01-31 -- the input is ours\n");
        assert_eq!(comment.line, 2);
        assert!(comment.is_about("B101") && comment.is_about("semgrep.eval.py") && !comment.is_about("B1011"));
        let muting = comment.muting();
        assert_eq!(muting.reason.as_deref(), Some("the input is ours"));
        assert!(!comment.is_over(Timestamp(0)) && comment.is_over(muting.until.unwrap()));
    }

    #[test]
    fn without_rules_it_is_about_all() {
        for text in [
            "x // dragnet:ignore",
            "x /* dragnet:ignore */",
            "x <!-- dragnet:ignore -->",
            "x # dragnet:ignore -- so\r\n",
        ] {
            let comment = one(text);
            assert!(comment.is_about("anything"), "{text}");
            assert_eq!(comment.line, 1);
        }
        assert_eq!(one("x # dragnet:ignore --").muting().reason, None);
    }

    #[test]
    fn one_with_its_line_to_itself_is_about_the_next() {
        assert_eq!(one("\n  # dragnet:ignore B1\ncode").line, 3);
        let stack: Vec<u32> =
            comments(b"# dragnet:ignore A\n# dragnet:ignore B\n# dragnet:ignore C\ncode # dragnet:ignore D\n")
                .iter()
                .map(|comment| comment.line)
                .collect();
        assert_eq!(stack, [4, 4, 4, 4]);
        let apart: Vec<u32> =
            comments(b"# dragnet:ignore A\n\n# dragnet:ignore B\n").iter().map(|comment| comment.line).collect();
        assert_eq!(apart, [2, 4]);
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in ["dragnet:ignored", "dragnet:ignore-next", "dragnet:ignore_all", "# dragnet:ignore B1 until=soon"] {
            assert_eq!(comments(text.as_bytes()), [], "{text}");
        }
    }
}
