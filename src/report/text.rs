//! Texts from outside, made fit for a terminal.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Takes out what could act on a terminal or deceive its reader: escape sequences whole, control characters, line ends,
/// marks that turn the direction of writing, and characters without width that hide among others. White space of any kind
/// becomes one space.
pub fn clean(text: &str) -> Cow<'_, str> {
    // Most texts are plain, and there are millions of them.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.chars().any(|c| c.is_control() || is_deceptive(c))
    {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_until(&mut chars, is_final),
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' if !cleaned.ends_with(' ') => cleaned.push(' '),
            c if c.is_control() || is_deceptive(c) => {}
            c => cleaned.push(c),
        }
    }
    Cow::Owned(cleaned)
}

/// Direction marks and overrides, separators, joiners without width, tags.
const fn is_deceptive(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{61c}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// ECMA-48: `ESC [` … final byte; `ESC ]`, `P`, `X`, `^`, `_` … BEL or `ESC \`; else one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => skip_until(chars, is_final),
        Some(']' | 'P' | 'X' | '^' | '_') => {
            skip_until(chars, |c| matches!(c, '\u{7}' | '\u{1b}' | '\u{9c}'));
            chars.next_if_eq(&'\\');
        }
        _ => {}
    }
}

fn is_final(c: char) -> bool {
    ('@'..='~').contains(&c)
}

fn skip_until(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, end: impl Fn(char) -> bool) {
    for c in chars.by_ref() {
        if end(c) {
            return;
        }
    }
}

/// Cuts a cleaned text to a number of columns, with `…` at its end.
pub fn fit(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let kept = take(text.chars(), width.saturating_sub(1));
    Cow::Owned(format!("{}…", kept.trim_end()))
}

/// Cuts a cleaned path to a number of columns, with `…` at its start: the end names the file and the line.
pub fn fit_end(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let kept: String = take(text.chars().rev(), width.saturating_sub(1)).chars().rev().collect();
    Cow::Owned(format!("…{kept}"))
}

/// Takes out of a text of several lines what [`clean`] takes out of one; the line ends stay, as `\n`.
pub(super) fn clean_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.lines().map(clean).collect();
    lines.join("\n")
}

/// Cuts a text to a number of characters, with `…` at its end; formats count characters, not columns.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.chars().take(most.saturating_sub(1)).chain(['…']).collect()),
    }
}

/// Whether a text is an address of the web that may become a link: nothing in it ends an attribute or a line.
pub(super) fn is_web_address(text: &str) -> bool {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    is_web && clean(text) == text && !text.contains(|c: char| c.is_whitespace() || "<>\"\\^`{|}".contains(c))
}

/// Writes a text so that a reader of Markdown takes nothing in it for markup: no HTML, no link, no image, no emphasis. A
/// reader that knows no Markdown sees backslashes.
pub(super) fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '!' | '|' | '~' | '#' | '@' | '&') {
            inert.push('\\');
        }
        inert.push(c);
    }
    inert
}

fn take(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(clean("plain ünïcode"), "plain ünïcode");
        assert_eq!(clean("a\x1b[31mred\x1b[0m\x07"), "ared");
        assert_eq!(clean("a\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c"), "abc");
        assert_eq!(clean("one\r\ntwo\tthree"), "one two three");
        assert_eq!(clean("user\u{202e}gpj.exe\u{200b}"), "usergpj.exe");
        assert_eq!(clean("a\u{9b}2Jb\x1b"), "ab");
    }

    #[test]
    fn cuts_count_columns_not_bytes() {
        assert_eq!(fit("日本語テキスト", 7), "日本語…");
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit_end("src/deep/path/file.py:12", 14), "…th/file.py:12");
    }

    #[test]
    fn cuts_count_characters_too() {
        assert_eq!(cut("日本語", 3), "日本語");
        assert_eq!(cut("日本語x", 3), "日本…");
        assert_eq!(clean_lines("a\x1b[31m\r\n\tb\u{0}"), "a\n b");
        assert_eq!(inert("![x](y) <b> a_b"), "\\!\\[x\\](y) \\<b\\> a\\_b");
    }

    proptest! {
        #[test]
        fn cleaned_text_is_clean_and_stays_so(text in "(.|\\x1b\\[|\\x1b\\]|\\u{202e}){0,40}", width in 1usize..30) {
            let cleaned = clean(&text).into_owned();
            prop_assert!(!cleaned.chars().any(|c| c.is_control() || is_deceptive(c)));
            prop_assert_eq!(clean(&cleaned), cleaned.as_str());
            prop_assert!(fit(&cleaned, width).width() <= width);
            prop_assert!(fit_end(&cleaned, width).width() <= width);
        }
    }
}
