//! Which snippets of a SARIF document are secrets.

use serde_json::Value;

use super::super::mask::{Masker, Redaction, is_quoting_rule, is_secret_rule};
use super::super::value::{Node, at, first, text};

/// Tools that look for secrets and nothing else.
const SECRET_SCANNERS: [&str; 11] = [
    "gitleaks",
    "betterleaks",
    "kingfisher",
    "trufflehog",
    "detect-secrets",
    "noseyparker",
    "nosey parker",
    "secretlint",
    "ggshield",
    "whispers",
    "ripsecrets",
];

/// The key of semgrep's fingerprint.
const OF_SEMGREP: &str = "/fingerprints/matchBasedId~1v1";

const ROUTES: &[&str] = &["runs/[]/tool/driver/name", "runs/[]/results/[]", "runs/[]/artifacts/[]/contents"];

pub(super) static REDACTION: Redaction = Redaction::new(ROUTES, |masker, route, value| match (route, value) {
    ("runs/[]/tool/driver/name", Some(value)) => masker.tool = value.as_str().map(str::to_owned),
    ("runs/[]/results/[]", Some(value)) => hide(masker, value),
    // Whole files, in which the secrets are.
    ("runs/[]/artifacts/[]/contents", Some(value)) => masker.blank(value, &[""]),
    ("runs/[]", None) => masker.tool = None,
    _ => {}
})
.of_those(|masker, result| Kind::of(masker.tool.as_deref(), result) != Kind::Other);

/// Masks a result that may hold a secret.
fn hide(masker: &mut Masker<'_>, result: &mut Value) {
    if Kind::of(masker.tool.as_deref(), result) != Kind::Other {
        quoted(masker, result);
        let mut pointers =
            vec!["/properties/offender".to_owned(), "/properties/secret".to_owned(), "/properties/match".to_owned()];
        snippets(result, "", &mut pointers);
        let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
        masker.hide(result, &pointers);
    }
}

/// Masks the password that a message quotes.
fn quoted(masker: &mut Masker<'_>, result: &mut Value) {
    if rule_id(result).is_some_and(is_quoting_rule)
        && let Some(Value::String(message)) = result.pointer_mut("/message/text")
    {
        *message = masker.quoted(message);
    }
}

/// What a result is, as far as secrets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Tool or rule say that it is one.
    Secret,
    /// Nobody knows what it is of.
    Unknown,
    /// Something else.
    Other,
}

impl Kind {
    /// semgrep writes its results before its name, and a fingerprint of its own in each of them. A result of unknown origin without
    /// it is taken to hold a secret.
    fn new(tool: Option<&str>, rule: Option<&str>, semgrep: bool) -> Self {
        if tool.is_some_and(is_secret_scanner) || rule.is_some_and(is_secret_rule) {
            Self::Secret
        } else if tool.is_none() && !semgrep {
            Self::Unknown
        } else {
            Self::Other
        }
    }

    pub(super) fn of(tool: Option<&str>, result: &impl Node) -> Self {
        Self::new(tool, rule_id(result), at(result, OF_SEMGREP).is_some())
    }
}

fn rule_id(result: &impl Node) -> Option<&str> {
    first(result, &["/ruleId", "/rule/id"])
}

fn is_secret_scanner(tool: &str) -> bool {
    SECRET_SCANNERS.iter().any(|name| tool.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name)))
}

/// Pointers to all snippets of a value, wherever they are: regions, context regions, flows, fixes.
fn snippets(value: &Value, at: &str, found: &mut Vec<String>) {
    let below = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(map) => {
            for (key, item) in map {
                match key.as_str() {
                    "snippet" | "insertedContent" => found.push(below(key)),
                    _ => snippets(item, &below(key), found),
                }
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| snippets(item, &below(&i.to_string()), found));
        }
        _ => {}
    }
}

/// The code at a place.
pub(super) fn snippet(place: &impl Node) -> Option<&str> {
    text(place, "/physicalLocation/region/snippet/text")
}
