//! Small work on texts that scanners write.

use sha2::Digest as _;

use crate::model::id::Sha256;

/// The text, or its first `max` bytes (at a character's end) and `…`.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.len() <= max { text.to_owned() } else { format!("{}…", &text[..text.floor_char_boundary(max)]) }
}

/// Cuts a text where it stands, as [`cut`] does.
pub(super) fn shorten(text: &mut String, max: usize) {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
        text.push('…');
    }
}

/// Takes white space off both ends of a text where it stands.
pub(super) fn trim_in_place(text: &mut String) {
    text.truncate(text.trim_end().len());
    let blank = text.len() - text.trim_start().len();
    text.drain(..blank);
}

/// What mends a package, when any version is known to.
pub(super) fn upgrade(versions: &[String]) -> Option<String> {
    (!versions.is_empty()).then(|| format!("upgrade to {}", versions.join(" or ")))
}

/// The text of a piece of HTML: without tags, the commonest references resolved, one line for each block.
pub(super) fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        if !is_tag {
            text.push('<');
            rest = tag;
        } else if let Some((tag, after)) = tag.split_once('>') {
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
            if ["p", "br", "li", "ul", "ol", "div", "tr"].iter().any(|block| name.eq_ignore_ascii_case(block)) {
                text.push('\n');
            }
            rest = after;
        } else {
            // No tag ends behind here.
            rest = &rest[before.len()..];
            break;
        }
    }
    text.push_str(rest);
    for (reference, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
    {
        text = text.replace(reference, character);
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

const MAX_LINKS: usize = 100;

/// The web addresses in a text or a piece of HTML, each once, in their order; the first hundred.
pub(super) fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || "\"'<>|".contains(c)) {
        let word = word.trim_start_matches("URL:").trim_end_matches([',', ';', '.', ')']);
        if (word.starts_with("https://") || word.starts_with("http://")) && !found.iter().any(|known| known == word) {
            found.push(word.to_owned());
        }
        if found.len() == MAX_LINKS {
            break;
        }
    }
    found
}

/// An identity made of code: a hash over it without white space, so that neither indentation nor wrapping matters. Empty for
/// no code.
pub(super) fn code_identity(code: &str) -> String {
    let mut parts = code.split_whitespace().peekable();
    if parts.peek().is_none() {
        return String::new();
    }
    let mut hash = sha2::Sha256::new();
    parts.for_each(|part| hash.update(part));
    Sha256(hash.finalize().into()).to_string()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_keep_characters_whole() {
        assert_eq!(cut("añb", 2), "a…");
        assert_eq!(cut("añb", 4), "añb");
        for (text, max) in [("añb", 2), ("añb", 4), ("", 1)] {
            let mut shortened = text.to_owned();
            shorten(&mut shortened, max);
            assert_eq!(shortened, cut(text, max));
        }
        let mut text = " \na b\t ".to_owned();
        trim_in_place(&mut text);
        assert_eq!(text, "a b");
    }

    #[test]
    fn markup_is_taken_off() {
        assert_eq!(plain("<p>a &lt;b&gt; <B>c</B></p><ul><li>d &amp;amp;</li></ul> 1 < 2"), "a <b> c\nd &amp;\n1 < 2");
        assert_eq!(plain("<b>a <b"), "a <b");
        assert_eq!(plain(&"<a".repeat(1 << 20)).len(), 2 << 20, "in time that grows with the text");
        assert_eq!(links(r#"<a href="https://x/y">z</a> http://a, http://a "#), ["https://x/y", "http://a"]);
    }

    #[test]
    fn layout_does_not_change_the_identity() {
        assert_eq!(code_identity("a = 1\n  b"), code_identity("a=1 b"));
        assert_ne!(code_identity("a = 1"), code_identity("a = 2"));
        assert_eq!(code_identity(" \n"), "");
    }
}
