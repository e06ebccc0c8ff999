//! Why an attempt that its engine has taken does not begin.
//!
//! An engine repeats itself, with counters and times in its words: so a wait is known by its reason, and each reason is told once
//! for an attempt, whatever the words are then.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest message, in characters.
const LONGEST: usize = 300;

/// What an attempt waits for; the whole space that users will meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The engine has not made the container, and does not say more.
    Engine,
    /// The quota is used up.
    Quota,
    /// There is no machine with room for it, or none that it may run on.
    Place,
    /// Its machine has not prepared what the container needs: volumes, a network.
    Machine,
    /// Its image is being pulled.
    Pull,
    /// Its image could not be had, and is tried again.
    Image,
    /// Something that it refers to does not exist.
    Reference,
    /// The container could not be made, and is tried again.
    Container,
}

/// Why an attempt waits, with the words of whoever said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// What for.
    pub reason: WaitReason,
    /// The engine's own words. Free of control characters, at most 300 characters long.
    pub message: String,
}

impl Wait {
    /// Makes a wait; control characters in `message` are replaced and what is too long is cut, for it comes from outside.
    pub fn new(reason: WaitReason, message: impl AsRef<str>) -> Self {
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let mut chars = message.as_ref().trim().chars().map(printable);
        let mut message: String = chars.by_ref().take(LONGEST - 1).collect();
        match (chars.next(), chars.next()) {
            (Some(last), None) => message.push(last),
            (Some(_), Some(_)) => message.push('…'),
            (None, _) => {}
        }
        Self { reason, message }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What was told of an attempt's waits: it outlives the process that told it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Waits {
    /// Each reason's first wait, oldest first.
    told: Vec<Wait>,
    /// Whether the attempt has begun after all.
    begun: bool,
}

impl Waits {
    /// Takes note of a wait; returns whether it is to be told: it is the first of its reason, and the attempt has not begun.
    pub fn tell(&mut self, wait: &Wait) -> bool {
        let news = !self.begun && self.told.iter().all(|told| told.reason != wait.reason);
        if news {
            self.told.push(wait.clone());
        }
        news
    }

    /// Takes note that the attempt has begun; returns whether that ends a wait that was told.
    pub fn end(&mut self) -> bool {
        let waits = !self.told.is_empty() && !self.begun;
        self.begun |= waits;
        waits
    }

    /// Returns what the attempt was last said to wait for; `None` once it has begun.
    pub fn now(&self) -> Option<&Wait> {
        self.told.last().filter(|_| !self.begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_short_and_cannot_act() {
        let message = |words: &str| Wait::new(WaitReason::Image, words).message;
        assert_eq!(message(" one\r\n\x1b[2Jtwo\n"), "one   [2Jtwo");
        assert_eq!(message(&"é".repeat(300)), "é".repeat(300));
        assert_eq!(message(&"é".repeat(301)), format!("{}…", "é".repeat(299)));
        assert_eq!(message(""), "");
    }

    #[test]
    fn each_reason_is_told_once_and_none_after_the_beginning() {
        let mut waits = Waits::default();
        assert!(!waits.end(), "nothing was told");
        let (image, place) = (Wait::new(WaitReason::Image, "1s"), Wait::new(WaitReason::Place, "0/1"));
        assert!(waits.tell(&image) && waits.tell(&place));
        assert!(!waits.tell(&Wait::new(WaitReason::Image, "2s")) && !waits.tell(&place));
        assert_eq!(waits.now(), Some(&place));
        assert!(waits.end() && !waits.end());
        assert_eq!(waits.now(), None);
        assert!(!waits.tell(&Wait::new(WaitReason::Quota, "")));
    }
}
