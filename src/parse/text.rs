//! Small work on texts that scanners write.

use crate::model::id::Sha256;

/// The text, or its first `max` bytes (at a character's end) and `…`.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.len() <= max { text.to_owned() } else { format!("{}…", &text[..text.floor_char_boundary(max)]) }
}

/// What mends a package, when any version is known to.
pub(super) fn upgrade(versions: &[String]) -> Option<String> {
    (!versions.is_empty()).then(|| format!("upgrade to {}", versions.join(" or ")))
}

/// An identity made of code: a hash over it without white space, so that neither indentation nor wrapping matters. Empty for
/// no code.
pub(super) fn code_identity(code: &str) -> String {
    let dense: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if dense.is_empty() {
        return String::new();
    }
    Sha256::of(dense).to_string()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_keep_characters_whole() {
        assert_eq!(cut("añb", 2), "a…");
        assert_eq!(cut("añb", 4), "añb");
    }

    #[test]
    fn layout_does_not_change_the_identity() {
        assert_eq!(code_identity("a = 1\n  b"), code_identity("a=1 b"));
        assert_ne!(code_identity("a = 1"), code_identity("a = 2"));
        assert_eq!(code_identity(" \n"), "");
    }
}
