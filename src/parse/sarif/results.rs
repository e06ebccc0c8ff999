//! Results of one run → records.

use serde_json::Value;

use super::super::mask::token_identity;
use super::super::output::Output;
use super::super::text::{code_identity, cut};
use super::super::value::{Borrowed, Node, at, first, items, number, owned, region, text, texts};
use super::super::{Context, ParseError, ids, path, score, severity};
use super::rules::{Rule, Rules};
use super::secrets::Kind;
use super::{level, secrets};
use crate::model::finding::{Confidence, Cvss, Location, Record};

/// Bytes of results that may wait for their rules.
pub(super) const MAX_WAITING: usize = 64 << 20;

/// A run while it is read.
pub(in crate::parse) struct Run<'c> {
    context: &'c Context,
    tool: Option<String>,
    pub(in crate::parse) rules: Rules,
    tool_known: bool,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    overflow: u64,
}

/// A masked result that waits for its rule; as text, which takes a fraction of the memory of a value.
struct Waiting {
    result: Box<str>,
    kind: Kind,
}

impl<'c> Run<'c> {
    pub(in crate::parse) fn new(context: &'c Context) -> Self {
        Self {
            context,
            tool: None,
            rules: Rules::default(),
            tool_known: false,
            waiting: Vec::new(),
            waiting_bytes: 0,
            overflow: 0,
        }
    }

    pub(in crate::parse) fn named(&mut self, tool: Option<&str>) {
        self.tool = tool.map(str::to_owned);
    }

    /// Takes a result: to the sink if its rules are known, else to those that wait.
    pub(in crate::parse) fn result(&mut self, mut result: Value, output: &mut Output<'_>) -> Result<(), ParseError> {
        if let Some(reason) = no_problem(&result) {
            output.skip(reason);
            return Ok(());
        }
        let kind = Kind::of(self.tool.as_deref(), &result);
        if self.tool_known {
            return output.record(self.record(&result, kind, kind == Kind::Secret));
        }
        trim(&mut result);
        let text = result.to_string().into_boxed_str();
        if self.waiting_bytes + text.len() > MAX_WAITING {
            self.overflow += 1;
            return output.record(self.record(&result, kind, kind == Kind::Secret));
        }
        self.waiting_bytes += text.len();
        self.waiting.push(Waiting { result: text, kind });
        Ok(())
    }

    /// Whether results go on as they come.
    pub(super) const fn takes_results(&self) -> bool {
        self.tool_known
    }

    /// Takes a result that has no secret, to the sink.
    pub(super) fn plain_result(&self, result: &Borrowed<'_>, output: &mut Output<'_>) -> Result<(), ParseError> {
        if let Some(reason) = no_problem(result) {
            output.skip(reason);
            return Ok(());
        }
        output.record(self.record(result, Kind::Other, false))
    }

    /// Hands on those that waited.
    pub(in crate::parse) fn tool_is_known(&mut self, output: &mut Output<'_>) -> Result<(), ParseError> {
        self.tool_known = true;
        self.waiting_bytes = 0;
        for Waiting { result, kind } in std::mem::take(&mut self.waiting) {
            let result: Value = serde_json::from_str(&result).map_err(std::io::Error::from)?;
            // What tells that it is a secret may have come since.
            let secret = kind == Kind::Secret || Kind::of(self.tool.as_deref(), &result) == Kind::Secret;
            output.record(self.record(&result, kind, secret))?;
        }
        Ok(())
    }

    /// Whether results have overtaken those that wait for their rules: they come in another order than they stand in.
    pub(in crate::parse) const fn has_overflowed(&self) -> bool {
        self.overflow > 0
    }

    /// Ends the run; a document may hold several.
    pub(in crate::parse) fn finish(&mut self, output: &mut Output<'_>) -> Result<(), ParseError> {
        self.tool_is_known(output)?;
        if self.overflow > 0 {
            output.error(&format!(
                "{} results stood too far before their rules; their severities may be unknown",
                self.overflow
            ));
        }
        *self = Self::new(self.context);
        Ok(())
    }

    /// `kind` is what was known where the result stands, `secret` what is known now.
    fn record(&self, result: &impl Node, kind: Kind, secret: bool) -> Record {
        let (rule, properties) = (self.rules.of(result), at(result, "/properties"));
        let (severity, native) = level::severity(result, rule, secret);
        let severity =
            if self.tool_known || native.is_some() { severity } else { crate::model::severity::Severity::Unknown };
        let id =
            first(result, &["/ruleId", "/rule/id"]).or_else(|| rule.map(|rule| rule.id.as_str())).unwrap_or_default();
        let message = message(result, rule);
        let snippet = secrets::snippet(result);
        Record {
            title: rule
                .map(|rule| rule.title.clone())
                .filter(|title| !title.is_empty())
                .unwrap_or_else(|| message.clone()),
            severity,
            native_severity: native,
            confidence: confidence(properties, rule),
            location: at(result, "/locations/0")
                .map_or(Location::Nowhere, |place| location(place, &self.context.source_root)),
            cwe: weaknesses(result, properties, rule),
            vulnerabilities: vulnerabilities(id, properties, rule),
            cvss: cvss(properties),
            suppressed: suppressed(result),
            muting: None,
            fix: first(result, &["/fixes/0/description/text"]).map(str::to_owned),
            references: references(result, rule),
            identity: match snippet {
                Some(token) if kind != Kind::Other => token_identity(token),
                _ => identity(result, snippet),
            },
            evidence: snippet.map(str::to_owned),
            rule: id.to_owned(),
            message: message + &other_places(result, &self.context.source_root),
        }
    }
}

/// Why a result is no problem to report, when it is none.
pub(in crate::parse) fn no_problem(result: &impl Node) -> Option<&'static str> {
    match (text(result, "/kind"), text(result, "/baselineState")) {
        (Some("pass"), _) => Some("kind pass"),
        (Some("notApplicable"), _) => Some("kind notApplicable"),
        (_, Some("absent")) => Some("absent from this run"),
        _ => None,
    }
}

/// Why a result does not count (section 3.35): only if all its suppressions hold, of which a report may hold several.
fn suppressed<N: Node>(result: &N) -> Option<String> {
    let suppressions = items(result, "/suppressions");
    let holds = |suppression: &N| !matches!(text(suppression, "/status"), Some("rejected" | "underReview"));
    (!suppressions.is_empty() && suppressions.iter().all(holds))
        .then(|| suppressions.iter().find_map(|one| text(one, "/justification")).unwrap_or_default().to_owned())
}

/// Drops what no record shows and may be long, before a result waits.
fn trim(result: &mut Value) {
    if let Some(map) = result.as_object_mut() {
        for key in
            ["codeFlows", "threadFlows", "graphs", "graphTraversals", "stacks", "relatedLocations", "attachments"]
        {
            map.remove(key);
        }
    }
}

/// The message with its arguments put in (section 3.11.5).
fn message(result: &impl Node, rule: Option<&Rule>) -> String {
    let by_rule = || rule.and_then(|rule| rule.message.as_deref());
    let template = first(result, &["/message/text", "/message/markdown"]).or_else(by_rule).unwrap_or_default();
    let arguments = items(result, "/message/arguments");
    let mut message = template.to_owned();
    for (i, argument) in arguments.iter().enumerate().take(20) {
        message = cut(&message.replace(&format!("{{{i}}}"), argument.as_text().unwrap_or_default()), 16 << 10);
    }
    message
}

/// A result with several locations is one problem (section 3.27.12); those beyond the first are told in words.
fn other_places(result: &impl Node, root: &str) -> String {
    let others = items(result, "/locations").iter().skip(1).take(100);
    others.flat_map(|place| ["\nalso at ".to_owned(), location(place, root).to_string()]).collect()
}

fn confidence(properties: Option<&impl Node>, rule: Option<&Rule>) -> Option<Confidence> {
    let own = properties.and_then(|all| first(all, &["/issue_confidence", "/confidence", "/precision"]));
    own.or_else(|| rule?.precision.as_deref()).and_then(severity::confidence)
}

fn location(place: &impl Node, root: &str) -> Location {
    let lines = at(place, "/physicalLocation/region");
    let part = |name: &str| number(lines?, name);
    let region = region(part("/startLine"), part("/endLine"), part("/startColumn"), part("/endColumn"));
    match text(place, "/physicalLocation/artifactLocation/uri") {
        Some(uri) if is_web(uri) => Location::Url { url: uri.to_owned(), parameter: None },
        Some(uri) => Location::File { path: path::from_uri(uri, root), region },
        None => match first(place, &["/logicalLocations/0/fullyQualifiedName", "/logicalLocations/0/name"]) {
            Some(name) => Location::Resource { name: name.to_owned(), path: String::new(), region: None },
            None => Location::Nowhere,
        },
    }
}

fn is_web(uri: &str) -> bool {
    uri.starts_with("http://") || uri.starts_with("https://")
}

fn weaknesses<N: Node>(result: &N, properties: Option<&N>, rule: Option<&Rule>) -> Vec<u32> {
    let mut texts_of_result =
        properties.map(|all| [texts(all, "/tags"), texts(all, "/cwe")].concat()).unwrap_or_default();
    texts_of_result.extend(items(result, "/taxa").iter().filter_map(|taxon| {
        let of_cwe = text(taxon, "/toolComponent/name").is_some_and(|name| name.eq_ignore_ascii_case("cwe"));
        let id = text(taxon, "/id")?;
        Some(if of_cwe && !id.to_ascii_lowercase().starts_with("cwe") { format!("CWE-{id}") } else { id.to_owned() })
    }));
    let mut cwe = ids::weaknesses(texts_of_result.iter().map(String::as_str));
    let of_rule = rule.map_or(&[][..], |rule| &rule.cwe);
    cwe.extend(of_rule.iter().filter(|number| !cwe.contains(number)).copied().collect::<Vec<_>>());
    cwe
}

fn vulnerabilities(id: &str, properties: Option<&impl Node>, rule: Option<&Rule>) -> Vec<String> {
    let tags = properties.map(|all| texts(all, "/tags")).unwrap_or_default();
    let of_rule = rule.map_or(&[][..], |rule| &rule.vulnerabilities);
    ids::vulnerabilities(std::iter::once(id).chain(tags.iter().chain(of_rule).map(String::as_str)))
}

fn cvss(properties: Option<&impl Node>) -> Option<Cvss> {
    let vector = first(properties?, &["/cvssV3_vector", "/cvss_vector", "/cvss"])?;
    score::of_vector(vector)
}

fn references(result: &impl Node, rule: Option<&Rule>) -> Vec<String> {
    let help = rule.and_then(|rule| rule.help.clone());
    help.into_iter().chain(text(result, "/hostedViewerUri").map(str::to_owned)).collect()
}

/// The code; without it, the hash of the line that `CodeQL` and its kin compute in one agreed way. Other fingerprints are
/// not trusted: some tools write the same words into all of them.
fn identity(result: &impl Node, snippet: Option<&str>) -> String {
    if let Some(snippet) = snippet {
        return code_identity(snippet);
    }
    let line_hash = owned(result, "/partialFingerprints/primaryLocationLineHash");
    line_hash.split(':').next().unwrap_or_default().to_owned()
}
