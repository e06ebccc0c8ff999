//! What results need to know of their rules.

use std::collections::HashMap;

use serde_json::Value;

use super::super::ids;
use super::super::text::cut;
use super::super::value::{Node, at, first, float, items, owned, text, texts};

/// More rules than any tool has; those beyond are unknown to their results.
const MAX_RULES: usize = 100_000;

/// One rule (section 3.49), reduced to what records show.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) level: Option<String>,
    pub(super) security_severity: Option<f64>,
    pub(super) precision: Option<String>,
    pub(super) cwe: Vec<u32>,
    pub(super) vulnerabilities: Vec<String>,
    pub(super) help: Option<String>,
    pub(super) message: Option<String>,
}

/// The rules of one run.
#[derive(Debug, Default)]
pub(in crate::parse) struct Rules {
    all: Vec<Rule>,
    by_id: HashMap<String, usize>,
    extended: bool,
}

impl Rules {
    /// Takes a rule of the driver; results may name it by its position.
    pub(in crate::parse) fn add(&mut self, value: &Value) {
        if self.all.len() < MAX_RULES {
            let rule = Rule::new(value);
            self.by_id.entry(rule.id.clone()).or_insert(self.all.len());
            self.all.push(rule);
        }
    }

    /// Takes a rule of an extension; positions count anew in each extension, so only the id leads to it.
    pub(in crate::parse) fn add_of_extension(&mut self, value: &Value) {
        self.extended = true;
        self.add(value);
    }

    /// Finds a result's rule by id, by the id of which it is a part (section 3.27.5: `CA1000/1`), or by position.
    pub(super) fn of(&self, id: Option<&str>, index: Option<u64>) -> Option<&Rule> {
        let by_id = |id: &str| self.by_id.get(id).map(|at| &self.all[*at]);
        if let Some(rule) = id.and_then(|id| by_id(id).or_else(|| by_id(id.rsplit_once('/')?.0))) {
            return Some(rule);
        }
        self.all.get(usize::try_from(index?).ok()?).filter(|_| !self.extended)
    }
}

impl Rule {
    fn new(value: &Value) -> Self {
        let id = owned(value, "/id");
        let mut tags = texts(value, "/properties/tags");
        tags.extend(texts(value, "/properties/cwe"));
        tags.extend(items(value, "/relationships").iter().filter_map(|relation| taxon(at(relation, "/target")?)));
        let words = [
            id.as_str(),
            text(value, "/name").unwrap_or_default(),
            text(value, "/shortDescription/text").unwrap_or_default(),
        ];
        Self {
            title: cut(title(value), 300),
            level: text(value, "/defaultConfiguration/level").map(str::to_owned),
            security_severity: float(value, "/properties/security-severity"),
            precision: text(value, "/properties/precision").map(str::to_owned),
            cwe: ids::weaknesses(tags.iter().map(String::as_str)),
            vulnerabilities: ids::vulnerabilities(words),
            help: text(value, "/helpUri").map(|uri| cut(uri, 2048)),
            message: first(value, &["/messageStrings/default/text", "/fullDescription/text"])
                .map(|text| cut(text, 2048)),
            id,
        }
    }
}

/// The id of an entry of a taxonomy (section 3.54), written as CWE-79 where the taxonomy is the CWE and the number stands alone.
pub(super) fn taxon<N: Node>(taxon: &N) -> Option<String> {
    let of_cwe = text(taxon, "/toolComponent/name").is_some_and(|name| name.eq_ignore_ascii_case("cwe"));
    let id = text(taxon, "/id")?;
    let bare = of_cwe && !id.to_ascii_lowercase().starts_with("cwe");
    Some(if bare { format!("CWE-{id}") } else { id.to_owned() })
}

fn title(value: &Value) -> &str {
    first(value, &["/shortDescription/text", "/name", "/fullDescription/text", "/id"]).unwrap_or_default()
}
