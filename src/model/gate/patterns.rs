//! Which scanners, rules and paths a rule of the gate is about.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::threshold::OneOrMany;

/// Longest path that a file can have, in bytes: `PATH_MAX` of Linux.
const MAX_PATH: usize = 4096;

/// A list of patterns that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// It has no pattern, or an empty one: it would match nothing, or be taken for no condition.
    #[error("a list of patterns is not empty, and none of its patterns is")]
    Empty,
    /// A pattern is no glob.
    #[error("`{text}` is no pattern: {message}")]
    Glob {
        /// The pattern.
        text: String,
        /// What is wrong with it.
        message: String,
    },
}

fn checked(form: OneOrMany) -> Result<Vec<String>, InvalidPattern> {
    let texts: Vec<String> = form.into();
    let blank = texts.is_empty() || texts.iter().any(|text| text.trim().is_empty());
    if blank { Err(InvalidPattern::Empty) } else { Ok(texts) }
}

/// Globs over names, in either case of letters: `*` stands for any letters, `/` among them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "OneOrMany", into = "OneOrMany")]
#[schemars(with = "OneOrMany")]
pub struct Names {
    texts: Vec<String>,
    set: GlobSet,
}

impl Names {
    /// Reads one glob.
    pub fn one(text: &str) -> Result<Self, InvalidPattern> {
        Self::try_from(OneOrMany::One(text.to_owned()))
    }

    /// Whether a name matches one of them.
    pub fn contain(&self, name: &str) -> bool {
        self.set.is_match(name)
    }

    /// The globs, as they were written.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl TryFrom<OneOrMany> for Names {
    type Error = InvalidPattern;

    fn try_from(form: OneOrMany) -> Result<Self, InvalidPattern> {
        let texts = checked(form)?;
        let refused = |text: &str, error: &globset::Error| InvalidPattern::Glob {
            text: text.to_owned(),
            message: error.kind().to_string(),
        };
        let mut builder = GlobSetBuilder::new();
        for text in &texts {
            let glob = GlobBuilder::new(text).case_insensitive(true).build();
            builder.add(glob.map_err(|error| refused(text, &error))?);
        }
        let set = builder.build().map_err(|error| refused(&texts.join(" "), &error))?;
        Ok(Self { texts, set })
    }
}

impl From<Names> for OneOrMany {
    fn from(names: Names) -> Self {
        names.texts.into()
    }
}

/// Patterns over paths, each with the meaning of a line of `.gitignore` (gitignore(5)) in the target's root: `tests/` is everything in
/// directories of this name, `/tests/` in the root's alone; after `!` it takes back what those before it match.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "OneOrMany", into = "OneOrMany")]
#[schemars(with = "OneOrMany")]
pub struct Paths {
    texts: Vec<String>,
    set: Gitignore,
}

impl Paths {
    /// Reads one pattern.
    pub fn one(text: &str) -> Result<Self, InvalidPattern> {
        OneOrMany::One(text.to_owned()).try_into()
    }

    /// Whether a scanner's path, which may be written in any way, is one of them; none if it is longer than paths can be.
    pub fn contain(&self, path: &str) -> Option<bool> {
        if path.len() > MAX_PATH {
            return None;
        }
        let path = plain(path);
        Some(!path.is_empty() && self.set.matched_path_or_any_parents(&path, false).is_ignore())
    }

    /// The patterns, as they were written.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

/// Takes out what only looks like a place: `tests/../src/app.py` is not in `tests`. What leads out of the root keeps its `..`.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

impl PartialEq for Paths {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl TryFrom<OneOrMany> for Paths {
    type Error = InvalidPattern;

    fn try_from(form: OneOrMany) -> Result<Self, InvalidPattern> {
        let texts = checked(form)?;
        let refused = |text: &str, message: String| InvalidPattern::Glob { text: text.to_owned(), message };
        let mut builder = GitignoreBuilder::new("");
        if let Some(first) = texts.first().filter(|text| text.starts_with('!')) {
            return Err(refused(first, "it takes back what no pattern before it matches".to_owned()));
        }
        for text in &texts {
            // A comment is a line of `.gitignore` too, and would match nothing without a word.
            if text.starts_with('#') {
                return Err(refused(text, "it is a comment; write `\\#` for a name that begins so".to_owned()));
            }
            // A line of `.gitignore` with half a class is taken, and matches nothing.
            GlobBuilder::new(text).build().map_err(|error| refused(text, error.kind().to_string()))?;
            builder.add_line(None, text).map_err(|error| refused(text, error.to_string()))?;
        }
        let set = builder.build().map_err(|error| refused(&texts.join(" "), error.to_string()))?;
        Ok(Self { texts, set })
    }
}

impl From<Paths> for OneOrMany {
    fn from(paths: Paths) -> Self {
        paths.texts.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Paths {
        OneOrMany::Many(texts.iter().map(|text| (*text).to_owned()).collect()).try_into().unwrap()
    }

    #[test]
    fn paths_match_as_in_gitignore() {
        for (patterns, path, expected) in [
            (&["tests/"][..], "tests/a.py", true),
            (&["tests/"], "shop/tests/deep/a.py", true),
            (&["/tests/"], "shop/tests/a.py", false),
            (&["tests/"], "tests", false),
            (&["*.lock"], "web/yarn.lock", true),
            (&["docs/**/*.md"], "docs/a/b/c.md", true),
            (&["tests/", "!tests/smoke.py"], "tests/smoke.py", false),
            (&["tests/*", "!tests/smoke.py"], "tests/smoke.py", false),
            (&["tests/"], "/tests/a.py", true),
            (&["tests/"], "./tests/a.py", true),
            (&["tests/"], "tests/../src/a.py", false),
            (&["src/"], "tests/../src/a.py", true),
            (&["src/"], "../src/a.py", true),
            (&["/src/"], "../src/a.py", false),
            (&["*"], "", false),
            (&["*"], "//", false),
            (&["*"], "a\u{0}b", true),
        ] {
            assert_eq!(paths(patterns).contain(path), Some(expected), "{patterns:?} {path}");
        }
        assert_eq!(paths(&["*"]).contain(&"a/".repeat(3000)), None);
    }

    #[test]
    fn names_match_across_slashes_and_in_either_case() {
        let names = Names::try_from(OneOrMany::One("python.*.SQL-*".to_owned())).unwrap();
        assert!(names.contain("python.lang/security.sql-injection") && names.contain("Python.x.sql-y"));
        assert!(!names.contain("python.sql") && !names.contain("x.python.a.sql-b"));
    }

    #[test]
    fn what_matches_nothing_is_refused() {
        let refused = |form| Names::try_from(form).is_err();
        assert!(
            refused(OneOrMany::Many(Vec::new()))
                && refused(OneOrMany::One(" ".into()))
                && refused(OneOrMany::One("[".into()))
        );
        for text in ["", "# all", "[z-a]", "!tests/"] {
            assert!(Paths::try_from(OneOrMany::One(text.to_owned())).is_err(), "{text}");
        }
    }
}
