//! Many words looked for at once, in either case.

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, Input, Match, MatchKind};

/// Parts of a text that are searched side by side.
const LANES: usize = 4;

/// Words, as an automaton.
pub(super) struct Words {
    automaton: DFA,
    start: StateID,
}

impl Words {
    /// None if the words are too many.
    pub(super) fn new<'w>(words: impl Iterator<Item = &'w str>) -> Option<Self> {
        let automaton =
            DFA::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(words).ok()?;
        let start = automaton.start_state(Anchored::No).ok()?;
        Some(Self { automaton, start })
    }

    /// The first word from a place on, the longest where several begin; its pattern is its number.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<Match> {
        self.automaton.try_find(&Input::new(text).range(from..)).ok()?
    }

    /// Whether a text has any of the words. Every byte of every file comes by here: an automaton waits for memory at each of them, and
    /// one of several goes on meanwhile.
    pub(super) fn is_any_in(&self, text: &[u8]) -> bool {
        let (step, overlap) = (text.len().div_ceil(LANES), self.automaton.max_pattern_len().saturating_sub(1));
        let lanes: [&[u8]; LANES] = std::array::from_fn(|lane| {
            let begin = text.len().min(lane * step);
            &text[begin..text.len().min(begin + step + overlap)]
        });
        let common = lanes.iter().map(|lane| lane.len()).min().unwrap_or_default();
        let mut states = [self.start; LANES];
        for at in 0..common {
            let mut special = false;
            for (state, lane) in states.iter_mut().zip(&lanes) {
                *state = self.automaton.next_state(Anchored::No, *state, lane[at]);
                special |= self.automaton.is_special(*state);
            }
            if special && states.iter().any(|state| self.automaton.is_match(*state)) {
                return true;
            }
        }
        states.into_iter().zip(lanes).any(|(state, lane)| self.goes_on_to_word(state, &lane[common..]))
    }

    fn goes_on_to_word(&self, mut state: StateID, rest: &[u8]) -> bool {
        rest.iter().any(|byte| {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            self.automaton.is_match(state)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: [&str; 6] =
        ["token", "tok", "SK", "secret_key", "://", "a very long word, longer than most texts are"];

    proptest! {
        #[test]
        fn a_word_is_seen_wherever_it_stands(
            text in prop::collection::vec(prop::sample::select(b"aeskptw-_:/ \n\xC3".to_vec()), 0..300),
            word in prop::sample::select(&WORDS[..]),
            at in any::<prop::sample::Index>(),
            planted in any::<bool>(),
        ) {
            let (words, mut text) = (Words::new(WORDS.into_iter()).unwrap(), text);
            if planted {
                let at = at.index(text.len() + 1);
                text.splice(at..at, word.to_ascii_uppercase().bytes());
            }
            let found = words.find(&text, 0).is_some();
            prop_assert_eq!(words.is_any_in(&text), found);
            prop_assert!(found || !planted);
        }
    }

    #[test]
    fn the_longest_word_is_found_first() {
        let words = Words::new(WORDS.into_iter()).unwrap();
        let found = words.find(b"a TOKEN, tok", 0).unwrap();
        assert_eq!((found.pattern().as_usize(), found.range()), (0, 2..7));
        assert_eq!(words.find(b"a TOKEN, tok", 3).map(|found| found.range()), Some(9..12));
        assert!(words.find(b"a TOKEN", 3).is_none() && !words.is_any_in(b""));
    }
}
