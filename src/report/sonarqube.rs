//! SonarQube's generic issue data, the format since 10.3 with `rules` and `issues`
//! (<https://docs.sonarsource.com/sonarqube-server/analyzing-source-code/importing-external-issues/generic-issue-import-format>).
//!
//! An issue there is in a file, is open, and has the severity of its rule: findings without a file and findings that do not
//! count are left out and counted in the notes, and a rule has the worst severity of its findings. The server fails a whole
//! analysis over a column that a file does not have, so only the line is given. The format has no word for a scan that is not
//! complete; `dragnet`, which the server skips, says it to other readers. Only the rules are held.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::json::Array;
use super::source::for_each;
use super::text::{clean, cut};
use super::words::{count, uuid};
use super::{RenderError, Renderer, ReportData, unseen};
use crate::model::finding::Location;
use crate::model::severity::Severity;
use crate::model::view::FindingView;

/// The format `sonarqube`.
#[derive(Debug)]
pub(super) struct SonarQube;

/// Lengths of the server's columns, in characters.
const MAX_ID: usize = 200;
const MAX_NAME: usize = 200;
const MAX_MESSAGE: usize = 1333;

/// A rule.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    name: String,
    description: String,
    engine_id: String,
    clean_code_attribute: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    severity: &'static str,
    impacts: [Impact; 1],
    #[serde(skip)]
    worst: Severity,
}

/// What a rule bears on.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Impact {
    software_quality: &'static str,
    severity: &'static str,
}

/// An issue.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Issue {
    rule_id: String,
    primary_location: Place,
}

/// Where it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    message: String,
    file_path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_range: Option<Range>,
}

/// A line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Range {
    start_line: u32,
}

/// What the server skips.
#[derive(Serialize)]
struct About {
    scan: String,
    complete: bool,
    not_seen: Vec<String>,
    not_listed: Vec<String>,
}

impl Renderer for SonarQube {
    fn name(&self) -> &'static str {
        "sonarqube"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        write!(out, "{{\"rules\":")?;
        let mut rules = Array::open(out)?;
        gather(data)?.values().try_for_each(|rule| rules.item(rule))?;
        rules.close()?;
        write!(out, ",\n\"issues\":")?;
        let (mut elsewhere, mut muted) = (0, 0);
        let mut issues = Array::open(out)?;
        for_each::<FindingView, RenderError>(data.findings, |finding| {
            match finding.record.location.path() {
                _ if finding.muting.is_some() => muted += 1,
                Some(path) if !path.is_empty() => issues.item(&Issue::new(&finding, path))?,
                _ => elsewhere += 1,
            }
            Ok(true)
        })?;
        issues.close()?;
        let notes = notes(elsewhere, muted);
        let about = About {
            scan: data.scan.id.to_string(),
            complete: data.scan.is_complete(),
            not_seen: unseen::lines(data),
            not_listed: notes.clone(),
        };
        write!(out, ",\n\"dragnet\":")?;
        serde_json::to_writer(&mut *out, &about)?;
        if !about.complete {
            data.notes.push("SonarQube's format cannot say that a scan is not complete".to_owned());
        }
        data.notes.extend(notes);
        Ok(writeln!(out, "}}")?)
    }
}

fn notes(elsewhere: u64, muted: u64) -> Vec<String> {
    let note = |number: u64, why: &str| {
        let findings = count(number, "finding is", "findings are");
        (number > 0).then(|| format!("{findings} not listed: {why}"))
    };
    let notes = [
        note(elsewhere, "an issue of SonarQube is in a file"),
        note(muted, "suppressed, accepted or a false positive"),
    ];
    notes.into_iter().flatten().collect()
}

fn gather(data: &mut ReportData<'_>) -> Result<BTreeMap<String, Rule>, RenderError> {
    let mut rules = BTreeMap::<String, Rule>::new();
    for_each::<FindingView, RenderError>(data.rules, |finding| {
        let rule = Rule::new(&finding);
        let known = rules.get(&rule.id).is_some_and(|known| gravity(known.worst) <= gravity(rule.worst));
        if !known {
            rules.insert(rule.id.clone(), rule);
        }
        Ok(true)
    })?;
    Ok(rules)
}

/// A rule's id is unique in a report, whichever scanner has it; a long one ends with a hash of the whole.
fn rule_id(finding: &FindingView) -> String {
    let id = format!("{}:{}", plain(&finding.scanner), plain(&finding.record.rule));
    if id.chars().count() <= MAX_ID {
        return id;
    }
    let hash = uuid(&[&finding.scanner, &finding.record.rule]);
    format!("{}{hash}", cut(&id, MAX_ID - hash.len()))
}

impl Rule {
    fn new(finding: &FindingView) -> Self {
        let (record, id) = (&finding.record, rule_id(finding));
        let title = plain(&record.title);
        let name = if title.is_empty() { id.clone() } else { title };
        let (standard, impact) = severities(record.severity);
        Self {
            name: cut(&name, MAX_NAME).into_owned(),
            description: name,
            engine_id: match plain(&finding.scanner).as_str() {
                "" => "dragnet".to_owned(),
                scanner => cut(scanner, MAX_ID).into_owned(),
            },
            clean_code_attribute: "TRUSTWORTHY",
            kind: "VULNERABILITY",
            severity: standard,
            impacts: [Impact { software_quality: "SECURITY", severity: impact }],
            worst: record.severity,
            id,
        }
    }
}

impl Issue {
    fn new(finding: &FindingView, path: &str) -> Self {
        let record = &finding.record;
        let text = if record.message.is_empty() { &record.title } else { &record.message };
        let package = match &record.location {
            Location::Package { name, version, .. } => format!("{name} {version}: "),
            _ => String::new(),
        };
        let others = finding.also_by().map(|others| format!("{others} ")).unwrap_or_default();
        let message = plain(&format!("[{}] {package}{others}{text}", record.severity));
        let line = record.location.region().map(|region| region.start_line).filter(|line| *line > 0);
        Self {
            rule_id: rule_id(finding),
            primary_location: Place {
                message: cut(&message, MAX_MESSAGE).into_owned(),
                file_path: clean(path).trim_start_matches('/').to_owned(),
                text_range: line.map(|start_line| Range { start_line }),
            },
        }
    }
}

/// One line without tags: names and descriptions are shown as rich text.
fn plain(text: &str) -> String {
    clean(text).trim().replace('<', "‹").replace('>', "›")
}

/// The severity in the standard experience and as an impact, since 10.8; unknown counts as high, as it does in gates.
const fn severities(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Critical => ("BLOCKER", "BLOCKER"),
        Severity::High | Severity::Unknown => ("CRITICAL", "HIGH"),
        Severity::Medium => ("MAJOR", "MEDIUM"),
        Severity::Low => ("MINOR", "LOW"),
        Severity::Info => ("INFO", "INFO"),
    }
}

/// A rank in which unknown stands beside high.
const fn gravity(severity: Severity) -> u8 {
    match severity {
        Severity::Unknown => Severity::High.rank(),
        known => known.rank(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::testing::{
        HOSTILE, finding, findings, finished, hostile, muted, places, render, render_noted, troubled, unfinished,
    };
    use crate::model::severity::Severity;
    use crate::model::triage::Decision;

    #[test]
    fn an_issue_has_a_rule() {
        let text = render("sonarqube", &finished(), &[], findings()[..1].to_vec(), 80);
        insta::assert_snapshot!(text, @r#"
{"rules":[
{"id":"bandit:B608","name":"SQL built from strings","description":"SQL built from strings","engineId":"bandit","cleanCodeAttribute":"TRUSTWORTHY","type":"VULNERABILITY","severity":"BLOCKER","impacts":[{"softwareQuality":"SECURITY","severity":"BLOCKER"}]}],
"issues":[
{"ruleId":"bandit:B608","primaryLocation":{"message":"[critical] SQL built from strings, at length","filePath":"shop/db.py","textRange":{"startLine":12}}}],
"dragnet":{"scan":"28t5cy4t","complete":true,"not_seen":[],"not_listed":[]}}
"#);
    }

    #[test]
    fn what_has_no_file_or_does_not_count_is_told() {
        let mut all = places();
        all.push(muted(Decision::Suppressed));
        let (text, notes) = render_noted("sonarqube", &unfinished(), &troubled(), all);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["issues"].as_array().unwrap().len(), 3);
        assert_eq!(
            (&document["dragnet"]["complete"], document["dragnet"]["not_seen"].as_array().unwrap().len()),
            (&false.into(), 3)
        );
        let expected = [
            "SonarQube's format cannot say that a scan is not complete",
            "5 findings are not listed: an issue of SonarQube is in a file",
            "1 finding is not listed: suppressed, accepted or a false positive",
        ];
        assert_eq!(notes, expected);
    }

    #[test]
    fn a_rule_is_there_once_with_its_worst_severity() {
        let both = vec![
            finding(Severity::Low, "s", "r", "t", "a.py", 1),
            finding(Severity::Critical, "s", "r", "t", "b.py", 2),
            finding(Severity::Low, "other", "r", "t", "b.py", 0),
        ];
        let document: Value = serde_json::from_str(&render("sonarqube", &finished(), &[], both, 80)).unwrap();
        let rules: Vec<(&str, &str)> = document["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| (rule["id"].as_str().unwrap(), rule["severity"].as_str().unwrap()))
            .collect();
        assert_eq!(rules, [("other:r", "MINOR"), ("s:r", "BLOCKER")]);
        assert!(document["issues"][2]["primaryLocation"].get("textRange").is_none(), "there is no line 0");
    }

    #[test]
    fn hostile_words_have_no_tags_and_fit() {
        let mut view = hostile();
        view.muting = None;
        view.record.rule = HOSTILE.repeat(4);
        view.record.message = HOSTILE.repeat(40);
        let text = render("sonarqube", &finished(), &[], vec![view], 80);
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && !text.contains("\\u0000"));
        let document: Value = serde_json::from_str(&text).unwrap();
        let (rule, issue) = (&document["rules"][0], &document["issues"][0]);
        assert!(!rule.to_string().contains('<') && !issue["primaryLocation"]["message"].to_string().contains('<'));
        assert_eq!(rule["id"], issue["ruleId"]);
        assert_eq!(rule["id"].as_str().unwrap().chars().count(), 200);
        assert_eq!(issue["primaryLocation"]["message"].as_str().unwrap().chars().count(), 1333);
    }
}
