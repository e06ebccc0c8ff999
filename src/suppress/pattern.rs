//! Patterns of rules: `*` stands for anything, also for nothing; all else for itself, in either case of letters.

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wildcard(Vec<String>);

impl Wildcard {
    pub(super) fn new(pattern: &str) -> Self {
        Self(pattern.split('*').map(str::to_ascii_lowercase).collect())
    }

    /// Whether a text is meant. Takes time by its length, whatever the pattern.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let Some((first, rest)) = self.0.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else { return text == *first };
        let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
        // The first place of each part leaves the most for those after it.
        for part in middle {
            match text.find(part.as_str()) {
                Some(at) => text = &text[at + part.len()..],
                None => return false,
            }
        }
        text.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, matches) in [
            ("B101", "b101", true),
            ("B101", "B1011", false),
            ("B1*", "B101", true),
            ("B1*", "B1", true),
            ("*.eval.*", "python.eval.use", true),
            ("*.eval.*", "eval", false),
            ("a*b*b", "ab", false),
            ("a*b*b", "abb", true),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("**", "x", true),
            ("é*", "ÉX", false),
        ] {
            assert_eq!(Wildcard::new(pattern).matches(text), matches, "{pattern} {text}");
        }
    }
}
