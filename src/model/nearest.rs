//! "Did you mean": the nearest known word to one that is not known.

use std::fmt;

/// The nearest known word, if one is near enough to be meant. Shown as ` (did you mean …?)`, or as nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hint(pub Option<String>);

impl Hint {
    /// Looks for the word of `known` that `text` was meant to be: at most a third of its letters differ.
    pub fn new<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let nearest = known
            .into_iter()
            .map(|word| (strsim::damerau_levenshtein(text, word), word))
            .filter(|(distance, word)| *distance <= text.len().max(word.len()).div_ceil(3))
            .min();
        Self(nearest.map(|(_, word)| word.to_owned()))
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(word) => write!(f, " (did you mean `{word}`?)"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(Hint::new("paralelism", ["parallelism", "depth"]).to_string(), " (did you mean `parallelism`?)");
        assert_eq!(Hint::new("zzz", ["parallelism", "depth"]).to_string(), "");
    }
}
