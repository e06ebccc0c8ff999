//! One result → its record.

use super::super::mask::token_identity;
use super::super::text::{code_identity, cut};
use super::super::value::{Node, at, first, float, items, number, owned, region, text, texts};
use super::super::{ids, path, score, severity};
use super::rules::{Rule, Rules, taxon};
use super::secrets::Kind;
use super::{level, secrets};
use crate::model::finding::{Confidence, Cvss, Location, Record};

/// What is read of a result (section 3.27), found in one pass over its members: of what could be there, most is not.
pub(super) struct Parts<'r, N> {
    rule_id: Option<&'r str>,
    rule_index: Option<&'r N>,
    rule: Option<&'r N>,
    kind: Option<&'r str>,
    level: Option<&'r str>,
    baseline_state: Option<&'r str>,
    message: Option<&'r N>,
    locations: &'r [N],
    fixes: Option<&'r N>,
    taxa: &'r [N],
    suppressions: &'r [N],
    properties: Option<&'r N>,
    partial_fingerprints: Option<&'r N>,
    hosted_viewer_uri: Option<&'r str>,
}

impl<'r, N: Node> Parts<'r, N> {
    pub(super) fn of(result: &'r N) -> Self {
        let mut parts = Self {
            rule_id: None,
            rule_index: None,
            rule: None,
            kind: None,
            level: None,
            baseline_state: None,
            message: None,
            locations: &[],
            fixes: None,
            taxa: &[],
            suppressions: &[],
            properties: None,
            partial_fingerprints: None,
            hosted_viewer_uri: None,
        };
        result.each_member(|key, value| match key {
            "ruleId" => parts.rule_id = text(value, ""),
            "ruleIndex" => parts.rule_index = Some(value),
            "rule" => parts.rule = Some(value),
            "kind" => parts.kind = text(value, ""),
            "level" => parts.level = text(value, ""),
            "baselineState" => parts.baseline_state = text(value, ""),
            "message" => parts.message = Some(value),
            "locations" => parts.locations = items(value, ""),
            "fixes" => parts.fixes = Some(value),
            "taxa" => parts.taxa = items(value, ""),
            "suppressions" => parts.suppressions = items(value, ""),
            "properties" => parts.properties = Some(value),
            "partialFingerprints" => parts.partial_fingerprints = Some(value),
            "hostedViewerUri" => parts.hosted_viewer_uri = text(value, ""),
            _ => {}
        });
        parts
    }

    /// Why it is no problem to report, when it is none.
    pub(super) fn no_problem(&self) -> Option<&'static str> {
        match (self.kind, self.baseline_state) {
            (Some("pass"), _) => Some("kind pass"),
            (Some("notApplicable"), _) => Some("kind notApplicable"),
            (_, Some("absent")) => Some("absent from this run"),
            _ => None,
        }
    }

    /// `kind` is what was known where the result stands, `secret` what is known now.
    pub(super) fn record(&self, rules: &Rules, root: &str, kind: Kind, secret: bool) -> Record {
        let rule = self.rule(rules);
        let own = self.properties.and_then(|all| float(all, "/security-severity"));
        let (severity, native_severity) = level::severity(own, self.kind, self.level, rule, secret);
        let id = self.id().or_else(|| rule.map(|rule| rule.id.as_str())).unwrap_or_default();
        let message = self.message(rule);
        let snippet = self.locations.first().and_then(secrets::snippet);
        Record {
            title: rule
                .map(|rule| rule.title.clone())
                .filter(|title| !title.is_empty())
                .unwrap_or_else(|| message.clone()),
            severity,
            native_severity,
            confidence: self.confidence(rule),
            location: self.locations.first().map_or(Location::Nowhere, |place| location(place, root)),
            cwe: self.weaknesses(rule),
            vulnerabilities: self.vulnerabilities(id, rule),
            cvss: self.cvss(),
            suppressed: self.suppressed(),
            muting: None,
            fix: self.fixes.and_then(|all| text(all, "/0/description/text")).map(str::to_owned),
            references: self.references(rule),
            identity: match snippet {
                Some(token) if kind != Kind::Other => token_identity(token),
                _ => self.identity(snippet),
            },
            evidence: snippet.map(str::to_owned),
            rule: id.to_owned(),
            message: message + &self.other_places(root),
        }
    }

    /// The id of its rule, which it may name in two places.
    fn id(&self) -> Option<&'r str> {
        self.rule_id.or_else(|| text(self.rule?, "/id"))
    }

    fn rule<'s>(&self, rules: &'s Rules) -> Option<&'s Rule> {
        let index = self.rule_index.or_else(|| at(self.rule?, "/index")).and_then(Node::as_whole);
        let of_driver = self.rule.is_none_or(|rule| at(rule, "/toolComponent").is_none());
        rules.of(self.id(), index.filter(|_| of_driver))
    }

    /// Why it does not count (section 3.35): only if all its suppressions hold, of which a report may hold several.
    fn suppressed(&self) -> Option<String> {
        let holds = |suppression: &N| !matches!(text(suppression, "/status"), Some("rejected" | "underReview"));
        let all = self.suppressions;
        (!all.is_empty() && all.iter().all(holds))
            .then(|| all.iter().find_map(|one| text(one, "/justification")).unwrap_or_default().to_owned())
    }

    /// The message with its arguments put in (section 3.11.5).
    fn message(&self, rule: Option<&Rule>) -> String {
        let by_rule = || rule.and_then(|rule| rule.message.as_deref());
        let own = self.message.and_then(|message| first(message, &["/text", "/markdown"]));
        let mut message = own.or_else(by_rule).unwrap_or_default().to_owned();
        let arguments = self.message.map_or(&[][..], |message| items(message, "/arguments"));
        for (i, argument) in arguments.iter().enumerate().take(20) {
            message = cut(&message.replace(&format!("{{{i}}}"), argument.as_text().unwrap_or_default()), 16 << 10);
        }
        message
    }

    /// Several locations are one problem (section 3.27.12); those beyond the first are told in words.
    fn other_places(&self, root: &str) -> String {
        let others = self.locations.iter().skip(1).take(100);
        others.flat_map(|place| ["\nalso at ".to_owned(), location(place, root).to_string()]).collect()
    }

    fn confidence(&self, rule: Option<&Rule>) -> Option<Confidence> {
        let own = self.properties.and_then(|all| first(all, &["/issue_confidence", "/confidence", "/precision"]));
        own.or_else(|| rule?.precision.as_deref()).and_then(severity::confidence)
    }

    fn weaknesses(&self, rule: Option<&Rule>) -> Vec<u32> {
        let mut own = self.property_texts("/tags");
        own.extend(self.property_texts("/cwe"));
        own.extend(self.taxa.iter().filter_map(taxon));
        let mut cwe = ids::weaknesses(own.iter().map(String::as_str));
        let of_rule = rule.map_or(&[][..], |rule| &rule.cwe);
        cwe.extend(of_rule.iter().filter(|number| !cwe.contains(number)).copied().collect::<Vec<_>>());
        cwe
    }

    fn vulnerabilities(&self, id: &str, rule: Option<&Rule>) -> Vec<String> {
        let tags = self.property_texts("/tags");
        let of_rule = rule.map_or(&[][..], |rule| &rule.vulnerabilities);
        ids::vulnerabilities(std::iter::once(id).chain(tags.iter().chain(of_rule).map(String::as_str)))
    }

    fn property_texts(&self, pointer: &str) -> Vec<String> {
        self.properties.map(|all| texts(all, pointer)).unwrap_or_default()
    }

    fn cvss(&self) -> Option<Cvss> {
        let vector = first(self.properties?, &["/cvssV3_vector", "/cvss_vector", "/cvss"])?;
        score::of_vector(vector)
    }

    fn references(&self, rule: Option<&Rule>) -> Vec<String> {
        let help = rule.and_then(|rule| rule.help.clone());
        help.into_iter().chain(self.hosted_viewer_uri.map(str::to_owned)).collect()
    }

    /// The code; without it, the hash of the line that `CodeQL` and its kin compute in one agreed way. Other fingerprints are
    /// not trusted: some tools write the same words into all of them.
    fn identity(&self, snippet: Option<&str>) -> String {
        if let Some(snippet) = snippet {
            return code_identity(snippet);
        }
        let line_hash = self.partial_fingerprints.map(|all| owned(all, "/primaryLocationLineHash")).unwrap_or_default();
        line_hash.split(':').next().unwrap_or_default().to_owned()
    }
}

/// Why a result is no problem to report, when it is none.
pub(in crate::parse) fn no_problem(result: &impl Node) -> Option<&'static str> {
    Parts::of(result).no_problem()
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
