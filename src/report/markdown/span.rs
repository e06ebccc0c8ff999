//! Texts from outside as code spans: there no reader of Markdown looks for HTML, links, mentions of people or issues.

use super::super::text::{clean, cut};

/// A text as a code span of at most so many characters; `-` for a text of nothing.
pub(super) fn code(text: &str, most: usize) -> String {
    let text = clean(text);
    match text.trim() {
        "" => "-".to_owned(),
        text => span(&cut(text, most)),
    }
}

/// The same inside of a table, where `|` ends a cell even in a code span unless `\` is before it (GitHub Flavored Markdown,
/// section 4.10); a `\` that is there already is set apart, or it would take that meaning away.
pub(super) fn cell(text: &str, most: usize) -> String {
    let mut inside = String::with_capacity(text.len());
    for c in code(text, most).chars() {
        if c == '|' {
            inside.push_str(if inside.ends_with('\\') { " \\" } else { "\\" });
        }
        inside.push(c);
    }
    inside
}

/// Between more backticks than the text has in a row (`CommonMark` 0.31, section 6.1).
fn span(text: &str) -> String {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    if longest > 0 { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_code() {
        assert_eq!(code("a <b>\n@all", 20), "`a <b> @all`");
        assert_eq!(code("``x`", 20), "``` ``x` ```");
        assert_eq!(code(" \u{1b}[0m", 20), "-");
        assert_eq!(cell(r"a|b\|c", 20), r"`a\|b\ \|c`");
        assert_eq!(code("abcdef", 4), "`abc…`");
    }

    proptest! {
        #[test]
        fn nothing_leaves_its_span(text in "[`|\\\\ab\\n ]{0,30}") {
            let cell = cell(&text, 100);
            prop_assume!(cell != "-");
            let fence = cell.len() - cell.trim_start_matches('`').len();
            let inside = &cell[fence..cell.len() - fence];
            prop_assert!(cell.ends_with(&"`".repeat(fence)));
            prop_assert!(inside.split(|c| c != '`').all(|run| run.len() != fence));
            for (at, _) in inside.match_indices('|') {
                prop_assert!(inside[..at].ends_with('\\') && !inside[..at].ends_with("\\\\"));
            }
        }
    }
}
