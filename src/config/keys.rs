//! Where in a file each key is, so that errors can say so.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::types::Config;
use crate::model::nearest::Hint;

/// A key of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// The names of the tables it is in, and its own.
    pub(super) path: Vec<String>,
    /// The line, from 1.
    pub(super) line: usize,
    /// Whether it has a value rather than a table.
    pub(super) is_leaf: bool,
    name: Range<usize>,
    value: Range<usize>,
}

/// Reads a file and checks that every key exists and every value can be.
pub(super) fn parse(path: &Path, text: &str) -> Result<toml::Table, ConfigError> {
    let table = toml::from_str::<toml::Table>(text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        line: line_of(text, error.span()),
        message: error.message().to_owned(),
    })?;
    match toml::from_str::<Config>(text) {
        Ok(_) => Ok(table),
        Err(error) => Err(explain(path, text, &error)),
    }
}

fn explain(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let (span, message) = (error.span().unwrap_or_default(), error.message());
    let all = keys(text);
    let at = |key: &&Key| key.name == span || key.value == span;
    let around = |key: &&Key| key.value.start <= span.start && span.end <= key.value.end;
    let key = all.iter().rfind(at).or_else(|| all.iter().rfind(around));
    let key = key.map(|key| dotted(&key.path)).unwrap_or_default();
    let (path, line) = (path.to_owned(), line_of(text, Some(span)));
    let Some((unknown, known)) = unknown_field(message) else {
        let mut lines = message.trim().lines().map(str::to_owned);
        let message = lines.next().unwrap_or_default();
        return ConfigError::Value { path, line, key, message, excerpt: lines.collect() };
    };
    ConfigError::UnknownKey { path, line, key, hint: Hint::new(unknown, known) }
}

/// Takes "unknown field `a`, expected one of `b`, `c`" apart.
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let quoted: Vec<&str> = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2).collect();
    let (unknown, known) = quoted.split_first()?;
    Some((unknown, known.to_vec()))
}

/// Lists the keys of a file, each table before what is in it, those of all tables of an array under the array's name; empty if
/// it is no TOML.
pub(super) fn keys(text: &str) -> Vec<Key> {
    let mut found = Vec::new();
    if let Ok(table) = DeTable::parse(text) {
        collect(text, table.get_ref(), &mut Vec::new(), &mut found);
    }
    found
}

fn collect(text: &str, table: &DeTable<'_>, path: &mut Vec<String>, found: &mut Vec<Key>) {
    for (name, value) in table {
        path.push(name.get_ref().to_string());
        found.push(Key {
            path: path.clone(),
            line: line_of(text, Some(name.span())),
            is_leaf: !value.get_ref().is_table(),
            name: name.span(),
            value: value.span(),
        });
        let tables: Vec<&DeTable<'_>> = match value.get_ref() {
            DeValue::Table(inner) => vec![inner],
            DeValue::Array(items) => items.iter().filter_map(|item| item.get_ref().as_table()).collect(),
            _ => Vec::new(),
        };
        for inner in tables {
            collect(text, inner, path, found);
        }
        path.pop();
    }
}

fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.unwrap_or_default().start;
    1 + text.bytes().take(start).filter(|&c| c == b'\n').count()
}

/// Writes a key as TOML does.
pub(super) fn dotted(path: &[String]) -> String {
    let bare = |name: &str| !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c));
    let quoted = |name: &String| if bare(name) { name.clone() } else { format!("{name:?}") };
    path.iter().map(quoted).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("dragnet.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn unknown_keys_are_named_with_their_place_and_the_nearest() {
        assert_eq!(
            error("[scan]\ndepth = 3\nparalelism = 4\n"),
            "dragnet.toml:3: there is no key `scan.paralelism` (did you mean `parallelism`?)"
        );
        assert_eq!(error("\n[scann]\n"), "dragnet.toml:2: there is no key `scann` (did you mean `scan`?)");
        assert_eq!(
            error("[scanners.nmap]\nlimits.memroy = '1GiB'"),
            "dragnet.toml:2: there is no key `scanners.nmap.limits.memroy` (did you mean `memory`?)"
        );
        assert_eq!(
            error("[[templates.x.steps]]\nid = 'a'\nscaner = 'b'"),
            "dragnet.toml:3: there is no key `templates.x.steps.scaner` (did you mean `scanner`?)"
        );
        assert_eq!(
            error("[[gate.rules]]\nkev = true\n\n[[gate.rules]]\nsevrity = 'high'"),
            "dragnet.toml:5: there is no key `gate.rules.sevrity` (did you mean `severity`?)"
        );
    }

    #[test]
    fn values_that_cannot_be_are_named_with_their_place() {
        assert_eq!(
            error("[scan]\n\ngrace = 'soon'"),
            "dragnet.toml:3: `scan.grace`: `soon` is not a duration: write numbers with ms, s, m, h or d, such as 90s or 1h30m"
        );
        assert!(
            error("[scan]\ndepth = -1").starts_with("dragnet.toml:2: `scan.depth`: "),
            "{}",
            error("[scan]\ndepth = -1")
        );
        assert!(error("gate.fail_on = 'bad'").starts_with("dragnet.toml:1: `gate.fail_on`: `bad` is no gate"));
        assert_eq!(
            error("[gate]\n[[gate.rules]]\naction = 'ignore'"),
            "dragnet.toml:2: `gate.rules`: a rule with `action = \"ignore\"` needs a condition: without one nothing would count"
        );
        assert_eq!(
            error("[[gate.rules]]\nkev = true\nepss = 2"),
            "dragnet.toml:3: `gate.rules.epss`: 2 is no score: they go from 0 to 1"
        );
        assert!(error("[scan\n").starts_with("dragnet.toml:1: "));
        let schedule = |more: &str| error(&format!("[[schedules]]\nname = 'a'\n{more}\ntarget = 'host:a'\n"));
        assert_eq!(
            schedule("cron = '61 * * * *'"),
            "dragnet.toml:3: `schedules.cron`: `61` is no minute: 0-59, as in 5, 0,30 or */15"
        );
        assert_eq!(
            schedule("every = '1h'\ntime_zone = 'Europe/Berlim'"),
            "dragnet.toml:4: `schedules.time_zone`: there is no time zone `Europe/Berlim` (did you mean `Europe/Berlin`?); write one as in Europe/Berlin"
        );
        assert_eq!(schedule("evry = '1h'"), "dragnet.toml:3: there is no key `schedules.evry` (did you mean `every`?)");
        assert_eq!(
            schedule(""),
            "dragnet.toml:1: `schedules`: schedule `a` needs one of `cron` and `every`, and not both"
        );
        let twice = "[[schedules]]\nname = 'a'\nevery = '1h'\ntarget = 'host:a'\n".repeat(2);
        assert_eq!(error(&twice), "dragnet.toml:1: `schedules`: two schedules are called `a`");
        assert!(error("scanners.x.secrets.t = 'plain'").contains("a secret is written as env:NAME"));
    }
}
