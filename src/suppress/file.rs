//! A target's own rules: `.dragnet/suppress.toml`.

use serde::Deserialize;
use toml::Spanned;

use super::check;
use crate::model::suppress::{InvalidRule, SuppressRule, Suppression};
use crate::model::triage::Origin;

/// Why the rules of a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is no TOML, has a key that there is not, or a value that cannot be.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A rule that cannot be used.
    #[error("line {line}: {error}")]
    Rule {
        /// The line on which the rule begins, from 1.
        line: usize,
        /// What is wrong.
        error: InvalidRule,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    #[serde(default)]
    rules: Vec<Spanned<SuppressRule>>,
}

/// Reads `[[rules]]` tables from the text of the file `name`.
pub fn read_rules(name: &str, text: &str) -> Result<Vec<Suppression>, FileError> {
    let line = |at: usize| 1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count();
    let file: Rules = toml::from_str(text).map_err(|error| FileError::Syntax {
        line: line(error.span().unwrap_or_default().start),
        message: error.message().trim().to_owned(),
    })?;
    let mut rules = Vec::new();
    for rule in file.rules {
        let begin = rule.span().start;
        let suppression = Suppression { rule: rule.into_inner(), origin: Origin::File, file: name.to_owned() };
        check(&suppression).map_err(|error| FileError::Rule { line: line(begin), error })?;
        rules.push(suppression);
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::triage::Decision;

    #[test]
    fn rules_are_read_in_their_order() {
        let text = "[[rules]]\nrule = 'B101'\npath = 'tests/'\nreason = 'tests assert'\n\n[[rules]]\nvulnerability = 'CVE-2021-44228'\n\
                    reason = 'no lookups'\ndecision = 'false_positive'\nauthor = 'Ada'\nuntil = '2027-01-31'\n";
        let rules = read_rules("f", text).unwrap();
        assert_eq!(rules.len(), 2);
        assert_eq!(rules[1].rule.decision, Decision::FalsePositive);
        assert_eq!(rules[1].muting().author.as_deref(), Some("Ada"));
        assert_eq!(read_rules("f", "").unwrap(), []);
    }

    #[test]
    fn errors_name_the_line() {
        for (text, expected) in [
            ("[[rules]]\nrule = 'B101'\n", "line 1: missing field `reason`"),
            ("\n[[rules]]\nreason = 'so'\n", "line 2: it names nothing"),
            ("[[rules]]\nrule = 'B101'\nreason = 'so'\nuntil = 'soon'\n", "line 4: `soon` is not a day"),
            ("[[rules]]\nrul = 'B101'\n", "line 2: unknown field `rul`, expected one of"),
            ("[[rule]]\n", "line 1: unknown field `rule`, expected `rules`"),
            ("[[rules]]\npath = 'a[b'\nreason = 'so'", "line 1: `a[b` is not a pattern"),
            ("nothing", "line 1: "),
        ] {
            let error = read_rules("f", text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
