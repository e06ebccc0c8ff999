//! VEX documents: what a supplier says of vulnerabilities in packages. OpenVEX 0.2.0 and before, CycloneDX 1.4 and later
//! (`vulnerabilities[].analysis`), CSAF 2.0 (`csaf_vex`).
//!
//! A statement counts where it names the package; one that names a product alone may be about another product, and is left out.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::model::suppress::{SuppressRule, Suppression};
use crate::model::triage::{Decision, Origin};

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// It is no JSON, or not as its format says.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It is of no format that is known.
    #[error("it is no VEX document: OpenVEX, CycloneDX and CSAF are known")]
    Unknown,
}

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vex {
    /// A rule for each vulnerability and package that does not count.
    pub rules: Vec<Suppression>,
    /// Statements that would make something not count but name no package.
    pub unused: usize,
}

/// Reads the document `name`.
pub fn read_vex(name: &str, text: &[u8]) -> Result<Vex, VexError> {
    let document: Value = serde_json::from_slice(text)?;
    let has = |key: &str| document.get(key).is_some();
    let said = if document["@context"].as_str().is_some_and(|context| context.starts_with("https://openvex.dev/ns")) {
        open_vex(serde_json::from_value(document)?)
    } else if document["bomFormat"] == "CycloneDX" {
        cyclonedx(serde_json::from_value(document)?)
    } else if has("document") && has("vulnerabilities") && document["document"]["csaf_version"].is_string() {
        csaf(serde_json::from_value(document)?)
    } else {
        return Err(VexError::Unknown);
    };
    Ok(said.into_vex(name))
}

/// What was said last of a vulnerability in a package.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    decision: Decision,
    reason: String,
}

/// What a document says, in its order: what comes later counts.
#[derive(Default)]
struct Said {
    author: Option<String>,
    order: Vec<(String, String)>,
    verdicts: HashMap<(String, String), Option<Verdict>>,
    unused: usize,
}

impl Said {
    /// Notes a statement about vulnerabilities, which are names of one, and packages; none where they do count.
    fn say<'s>(&mut self, ids: &[String], packages: impl IntoIterator<Item = &'s str>, verdict: Option<&Verdict>) {
        let mut named = false;
        for package in packages.into_iter().filter(|package| package.starts_with("pkg:")) {
            named = true;
            for id in ids {
                let key = (id.clone(), package.to_owned());
                if self.verdicts.insert(key.clone(), verdict.cloned()).is_none() {
                    self.order.push(key);
                }
            }
        }
        if !named && verdict.is_some() {
            self.unused += 1;
        }
    }

    fn into_vex(self, name: &str) -> Vex {
        let Self { author, order, mut verdicts, unused } = self;
        let mut rules = Vec::new();
        for key in order {
            let Some(Some(Verdict { decision, reason })) = verdicts.remove(&key) else { continue };
            let (vulnerability, package) = (Some(key.0), Some(key.1));
            let rule = SuppressRule {
                vulnerability,
                package,
                decision,
                reason,
                author: author.clone(),
                ..SuppressRule::default()
            };
            rules.push(Suppression { rule, origin: Origin::Vex, file: name.to_owned() });
        }
        Vex { rules, unused }
    }
}

/// `status: justification: text`, as far as there is any.
fn reason(parts: &[&Option<String>]) -> String {
    let parts: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).filter(|part| !part.is_empty()).collect();
    parts.join(": ")
}

#[derive(Deserialize)]
struct OpenVex {
    #[serde(default)]
    author: Option<String>,
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    vulnerability: Named,
    #[serde(default)]
    products: Vec<Product>,
    status: String,
    #[serde(default)]
    justification: Option<String>,
    #[serde(rename = "impact_statement", default)]
    impact: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
}

/// A vulnerability: its name (0.0), or an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Name(String),
    Object {
        #[serde(default)]
        name: Option<String>,
        #[serde(rename = "@id", default)]
        id: Option<String>,
        #[serde(default)]
        aliases: Vec<String>,
    },
}

/// A product: its id (0.0), or an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Product {
    Id(String),
    Object {
        #[serde(rename = "@id", default)]
        id: Option<String>,
        #[serde(default)]
        identifiers: HashMap<String, String>,
        #[serde(default)]
        subcomponents: Vec<Self>,
    },
}

impl Product {
    /// The packages that it names: its parts, where it has any.
    fn packages<'p>(&'p self, into: &mut Vec<&'p str>) {
        match self {
            Self::Id(id) => into.push(id),
            Self::Object { subcomponents, .. } if !subcomponents.is_empty() => {
                for part in subcomponents {
                    part.packages(into);
                }
            }
            Self::Object { id, identifiers, .. } => {
                into.extend(identifiers.get("purl").or(id.as_ref()).map(String::as_str));
            }
        }
    }
}

fn open_vex(document: OpenVex) -> Said {
    let mut said = Said { author: document.author, ..Said::default() };
    let mut statements = document.statements;
    // Those without a time of their own were made with the document: they keep their order, before the others.
    statements.sort_by(|a, b| a.timestamp.cmp(&b.timestamp));
    for statement in statements {
        let ids = match statement.vulnerability {
            Named::Name(name) => vec![name],
            Named::Object { name, id, aliases } => name.or(id).into_iter().chain(aliases).collect(),
        };
        let mut packages = Vec::new();
        for product in &statement.products {
            product.packages(&mut packages);
        }
        let verdict = matches!(statement.status.as_str(), "not_affected" | "fixed").then(|| Verdict {
            decision: Decision::Suppressed,
            reason: reason(&[&Some(statement.status), &statement.justification, &statement.impact]),
        });
        said.say(&ids, packages, verdict.as_ref());
    }
    said
}

#[derive(Deserialize)]
struct Bom {
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref", default)]
    reference: Option<String>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    components: Vec<Self>,
}

impl Component {
    fn gather(&self, into: &mut HashMap<String, String>) {
        if let (Some(reference), Some(purl)) = (&self.reference, &self.purl) {
            into.insert(reference.clone(), purl.clone());
        }
        for part in &self.components {
            part.gather(into);
        }
    }
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    references: Vec<Alias>,
    #[serde(default)]
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Vec<Affected>,
}

#[derive(Deserialize)]
struct Alias {
    id: String,
}

#[derive(Deserialize)]
struct Analysis {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

#[derive(Deserialize)]
struct Affected {
    #[serde(rename = "ref")]
    reference: String,
}

fn cyclonedx(bom: Bom) -> Said {
    let (mut said, mut packages) = (Said::default(), HashMap::new());
    for component in &bom.components {
        component.gather(&mut packages);
    }
    for vulnerability in bom.vulnerabilities {
        let Some(Analysis { state: Some(state), justification, detail }) = vulnerability.analysis else { continue };
        let decision = match state.as_str() {
            "not_affected" | "resolved" | "resolved_with_pedigree" => Some(Decision::Suppressed),
            "false_positive" => Some(Decision::FalsePositive),
            _ => None,
        };
        let verdict =
            decision.map(|decision| Verdict { decision, reason: reason(&[&Some(state), &justification, &detail]) });
        let ids: Vec<String> =
            vulnerability.id.into_iter().chain(vulnerability.references.into_iter().map(|alias| alias.id)).collect();
        // A BOM-Link names the component of another document behind its last `#`.
        let references: Vec<String> = vulnerability
            .affects
            .iter()
            .map(|affected| {
                let reference = &affected.reference;
                let inner = reference.rsplit_once('#').filter(|_| reference.starts_with("urn:cdx:"));
                let inner = inner.map_or(reference.as_str(), |(_, inner)| inner);
                packages.get(inner).cloned().unwrap_or_else(|| inner.to_owned())
            })
            .collect();
        said.say(&ids, references.iter().map(String::as_str), verdict.as_ref());
    }
    said
}

#[derive(Deserialize)]
struct Csaf {
    document: CsafHead,
    #[serde(default)]
    product_tree: ProductTree,
    vulnerabilities: Vec<CsafVulnerability>,
}

#[derive(Deserialize)]
struct CsafHead {
    #[serde(default)]
    publisher: Option<Publisher>,
}

#[derive(Deserialize)]
struct Publisher {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize, Default)]
struct ProductTree {
    #[serde(default)]
    branches: Vec<Branch>,
    #[serde(default)]
    full_product_names: Vec<FullName>,
    #[serde(default)]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    branches: Vec<Self>,
    #[serde(default)]
    product: Option<FullName>,
}

#[derive(Deserialize)]
struct FullName {
    product_id: String,
    #[serde(default)]
    product_identification_helper: Helper,
}

#[derive(Deserialize, Default)]
struct Helper {
    #[serde(default)]
    purl: Option<String>,
}

#[derive(Deserialize)]
struct Relationship {
    product_reference: String,
    full_product_name: FullName,
}

#[derive(Deserialize)]
struct CsafVulnerability {
    #[serde(default)]
    cve: Option<String>,
    #[serde(default)]
    ids: Vec<CsafId>,
    #[serde(default)]
    product_status: HashMap<String, Vec<String>>,
    #[serde(default)]
    flags: Vec<Flag>,
}

#[derive(Deserialize)]
struct CsafId {
    text: String,
}

#[derive(Deserialize)]
struct Flag {
    label: String,
    #[serde(default)]
    product_ids: Vec<String>,
}

impl FullName {
    fn gather(&self, into: &mut HashMap<String, String>) {
        if let Some(purl) = &self.product_identification_helper.purl {
            into.insert(self.product_id.clone(), purl.clone());
        }
    }
}

impl Branch {
    fn gather(&self, into: &mut HashMap<String, String>) {
        if let Some(product) = &self.product {
            product.gather(into);
        }
        for branch in &self.branches {
            branch.gather(into);
        }
    }
}

impl ProductTree {
    /// The package that each product is, or is a part of.
    fn packages(&self) -> HashMap<String, String> {
        let mut packages = HashMap::new();
        for branch in &self.branches {
            branch.gather(&mut packages);
        }
        for product in &self.full_product_names {
            product.gather(&mut packages);
        }
        for Relationship { product_reference, full_product_name } in &self.relationships {
            if let Some(part) = packages.get(product_reference).cloned() {
                packages.insert(full_product_name.product_id.clone(), part);
            }
        }
        packages
    }
}

/// Product statuses of which nothing counts, and those of which all does: the latter win.
const CSAF_MUTED: [&str; 2] = ["known_not_affected", "fixed"];
const CSAF_OPEN: [&str; 3] = ["under_investigation", "known_affected", "last_affected"];

fn csaf(document: Csaf) -> Said {
    let author = document.document.publisher.and_then(|publisher| publisher.name);
    let mut said = Said { author, ..Said::default() };
    let packages = document.product_tree.packages();
    for vulnerability in document.vulnerabilities {
        let ids: Vec<String> =
            vulnerability.cve.into_iter().chain(vulnerability.ids.into_iter().map(|id| id.text)).collect();
        for status in CSAF_MUTED.into_iter().chain(CSAF_OPEN) {
            for product in vulnerability.product_status.get(status).into_iter().flatten() {
                let flag = vulnerability.flags.iter().find(|flag| flag.product_ids.contains(product));
                let verdict = CSAF_MUTED.contains(&status).then(|| Verdict {
                    decision: Decision::Suppressed,
                    reason: reason(&[&Some(status.to_owned()), &flag.map(|flag| flag.label.clone())]),
                });
                said.say(&ids, packages.get(product).map(String::as_str), verdict.as_ref());
            }
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(document: &Value) -> Vex {
        read_vex("app.vex.json", document.to_string().as_bytes()).unwrap()
    }

    /// Vulnerability, package and reason of each rule.
    fn rules(vex: &Vex) -> Vec<[&str; 3]> {
        vex.rules
            .iter()
            .map(|suppression| {
                let rule = &suppression.rule;
                [rule.vulnerability.as_deref().unwrap(), rule.package.as_deref().unwrap(), rule.reason.as_str()]
            })
            .collect()
    }

    #[test]
    fn openvex_names_packages_and_its_last_word_counts() {
        let vex = read(&json!({
            "@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "Ada", "version": 1,
            "statements": [
                { "vulnerability": { "name": "CVE-1", "aliases": ["GHSA-1"] }, "products": [{ "@id": "pkg:npm/a@1" }],
                  "status": "not_affected", "justification": "vulnerable_code_not_present" },
                { "vulnerability": { "name": "CVE-2" }, "status": "fixed",
                  "products": [{ "@id": "pkg:oci/app", "subcomponents": [{ "@id": "b", "identifiers": { "purl": "pkg:npm/b@2" } }] }] },
                { "vulnerability": { "name": "CVE-3" }, "status": "affected", "timestamp": "2026-02-01T00:00:00Z",
                  "products": [{ "@id": "pkg:npm/c@3" }] },
                { "vulnerability": { "name": "CVE-3" }, "status": "not_affected", "timestamp": "2026-01-01T00:00:00Z",
                  "products": [{ "@id": "pkg:npm/c@3" }] },
                { "vulnerability": { "name": "CVE-4" }, "status": "under_investigation", "products": [{ "@id": "pkg:npm/d@4" }] },
                { "vulnerability": { "name": "CVE-5" }, "status": "not_affected", "products": [{ "@id": "https://example.com/app" }] },
            ],
        }));
        let code = "not_affected: vulnerable_code_not_present";
        let expected =
            [["CVE-1", "pkg:npm/a@1", code], ["GHSA-1", "pkg:npm/a@1", code], ["CVE-2", "pkg:npm/b@2", "fixed"]];
        assert_eq!(rules(&vex), expected);
        assert_eq!((vex.unused, vex.rules[0].rule.author.as_deref()), (1, Some("Ada")));
        let old = read(&json!({
            "@context": "https://openvex.dev/ns", "statements": [{ "vulnerability": "CVE-1", "products": ["pkg:npm/a"], "status": "fixed" }],
        }));
        assert_eq!(rules(&old), [["CVE-1", "pkg:npm/a", "fixed"]]);
    }

    #[test]
    fn cyclonedx_names_components_by_reference() {
        let vex = read(&json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6",
            "components": [{ "type": "library", "name": "a", "bom-ref": "ref-a", "purl": "pkg:npm/a@1" }],
            "vulnerabilities": [
                { "id": "CVE-1", "references": [{ "id": "GHSA-1", "source": {} }], "affects": [{ "ref": "ref-a" }],
                  "analysis": { "state": "false_positive", "detail": "no such call" } },
                { "id": "CVE-2", "affects": [{ "ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:npm/b@2" }],
                  "analysis": { "state": "not_affected", "justification": "code_not_reachable" } },
                { "id": "CVE-3", "affects": [{ "ref": "ref-a" }], "analysis": { "state": "in_triage" } },
                { "id": "CVE-4", "affects": [{ "ref": "ref-a" }] },
            ],
        }));
        let expected = [
            ["CVE-1", "pkg:npm/a@1", "false_positive: no such call"],
            ["GHSA-1", "pkg:npm/a@1", "false_positive: no such call"],
            ["CVE-2", "pkg:npm/b@2", "not_affected: code_not_reachable"],
        ];
        assert_eq!(rules(&vex), expected);
        assert_eq!(vex.rules[0].rule.decision, Decision::FalsePositive);
    }

    #[test]
    fn csaf_names_products_of_its_tree() {
        let vex = read(&json!({
            "document": { "category": "csaf_vex", "csaf_version": "2.0", "publisher": { "name": "Example" } },
            "product_tree": {
                "branches": [{ "name": "Example", "branches": [{ "name": "a",
                    "product": { "name": "a", "product_id": "A", "product_identification_helper": { "purl": "pkg:npm/a@1" } } }] }],
                "full_product_names": [{ "name": "app", "product_id": "APP" }],
                "relationships": [{ "category": "default_component_of", "product_reference": "A", "relates_to_product_reference": "APP",
                    "full_product_name": { "name": "a in app", "product_id": "APP:A" } }],
            },
            "vulnerabilities": [
                { "cve": "CVE-1", "product_status": { "known_not_affected": ["APP:A"] },
                  "flags": [{ "label": "component_not_present", "product_ids": ["APP:A"] }] },
                { "cve": "CVE-2", "product_status": { "fixed": ["A"], "known_affected": ["A"] } },
                { "cve": "CVE-3", "product_status": { "known_not_affected": ["APP"] } },
            ],
        }));
        assert_eq!(rules(&vex), [["CVE-1", "pkg:npm/a@1", "known_not_affected: component_not_present"]]);
        assert_eq!((vex.unused, vex.rules[0].rule.author.as_deref()), (1, Some("Example")));
    }

    #[test]
    fn other_documents_are_refused() {
        for text in [
            "",
            "{}",
            "[]",
            "{\"@context\": \"https://schema.org\"}",
            "{\"bomFormat\": \"CycloneDX\", \"components\": 1}",
        ] {
            assert!(read_vex("x", text.as_bytes()).is_err(), "{text}");
        }
    }
}
