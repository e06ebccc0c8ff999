//! Prowler's JSON and tables: versions 2 and 3 with keys of their own, OCSF (versions 3 to 5), CSV of all versions.
//!
//! Checks that failed are records; passed, muted and manual ones are skipped. Version 2 names a resource in its message alone,
//! so that its results of one check, account and region are told apart by their order only.

use serde_json::Value;

use super::json::Event;
use super::masked::walk_all;
use super::output::Output;
use super::table::{self, Row};
use super::value::{at, first, items, missing, text};
use super::{Context, Encoding, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, results, severity};
use crate::model::finding::{Location, Record};

/// The format `prowler`.
#[derive(Debug)]
pub(super) struct Prowler;

/// What a resource is set to, value by value, of which no record shows anything.
static REDACTION: Redaction = Redaction::new(results::ROUTES, |masker, _, value| {
    let resources = value.and_then(|value| value.get_mut("resources")?.as_array_mut());
    for resource in resources.into_iter().flatten() {
        masker.blank(resource, &["/data"]);
    }
});

impl Parser for Prowler {
    fn name(&self) -> &'static str {
        "prowler"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        let table = |delimiter| {
            outline.has_columns(delimiter, &["TITLE_ID", "CHECK_RESULT"])
                || outline.has_columns(delimiter, &["CHECK_ID", "STATUS_EXTENDED"])
        };
        outline.has_all(&["[]/CheckID", "[]/StatusExtended"])
            || outline.has_all(&["[]/finding_info", "[]/metadata/event_code", "[]/status_code"])
            || outline.has_all(&["[]/finding", "[]/metadata/product/feature"])
            || outline.has_all(&["Control ID", "Account Number"])
            || table(';')
            || table(',')
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn encoding(&self, head: &[u8]) -> Encoding {
        match head {
            [b'{' | b'[', ..] => Encoding::Json,
            columns if columns.contains(&b';') => Encoding::Table(b';'),
            _ => Encoding::Table(b','),
        }
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let head = input.first_line()?;
        let head = String::from_utf8_lossy(&head);
        if head.starts_with(['{', '[']) {
            walk_all(self, context, input, &["", "[]"], &mut |_, event| match event {
                Event::Value(value) => tell(&of_json(&value)?, &mut output),
                Event::End => Ok(()),
            })?;
            return Ok(output.summary);
        }
        let columns = head;
        let delimiter = if columns.contains(';') { b';' } else { b',' };
        let required = if columns.contains("CHECK_RESULT") { OLD_COLUMNS } else { COLUMNS };
        table::walk(self, context, input, (delimiter, required), &mut output, &mut |row, output| {
            output.version(row.get("PROWLER_VERSION"));
            tell(&of_row(row), output)
        })?;
        Ok(output.summary)
    }
}

const COLUMNS: &[&str] = &["CHECK_ID", "STATUS"];
const OLD_COLUMNS: &[&str] = &["TITLE_ID", "CHECK_RESULT"];

/// What the formats have in common.
#[derive(Default)]
struct Check<'c> {
    status: &'c str,
    muted: bool,
    /// Version 2 has `[check11] Avoid the use …` for the rule and its title.
    rule: &'c str,
    title: Option<&'c str>,
    message: Option<&'c str>,
    severity: Option<&'c str>,
    account: Option<&'c str>,
    region: Option<&'c str>,
    resource: Option<&'c str>,
    risk: Option<&'c str>,
    fix: Option<&'c str>,
    references: Vec<&'c str>,
}

fn tell(check: &Check<'_>, output: &mut Output<'_>) -> Result<(), ParseError> {
    let status = check.status.to_ascii_uppercase();
    if check.muted {
        output.skip("muted");
        return Ok(());
    }
    if !matches!(status.as_str(), "FAIL" | "FAIL!" | "FAILURE") {
        output.skip(&format!("status {status}"));
        return Ok(());
    }
    output.record(record(check))
}

fn record(check: &Check<'_>) -> Record {
    let place: Vec<_> = check.account.into_iter().chain(check.region).collect();
    let place = place.join("/");
    let (rule, title) = match check.rule.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((rule, title)) => (rule, title.trim()),
        None => (check.rule, check.title.unwrap_or(check.rule)),
    };
    Record {
        rule: rule.to_owned(),
        title: title.to_owned(),
        message: check.message.into_iter().chain(check.risk).collect::<Vec<_>>().join("\n"),
        severity: check.severity.map_or_else(Default::default, severity::word),
        native_severity: check.severity.map(str::to_owned),
        location: match check.resource {
            Some(resource) => Location::running(resource),
            None if place.is_empty() => Location::Nowhere,
            None => Location::running(place.as_str()),
        },
        fix: check.fix.map(str::to_owned),
        references: check.references.iter().map(|&reference| reference.to_owned()).collect(),
        identity: place,
        ..Record::default()
    }
}

fn of_json(value: &Value) -> Result<Check<'_>, ParseError> {
    let check = if at(value, "/metadata/product").is_some() { of_ocsf(value) } else { of_own(value) };
    check.ok_or_else(|| missing("prowler", "check and status", "a result"))
}

fn of_own(value: &Value) -> Option<Check<'_>> {
    let get = |pointers: &[&str]| first(value, pointers);
    Some(Check {
        status: get(&["/Status"])?,
        rule: get(&["/CheckID", "/Control"])?,
        title: get(&["/CheckTitle"]),
        message: get(&["/StatusExtended", "/Message"]),
        severity: get(&["/Severity"]),
        account: get(&["/AccountId", "/Account Number", "/SubscriptionId", "/ProjectId"]),
        region: get(&["/Region", "/Location"]),
        resource: get(&["/ResourceArn", "/ResourceId", "/Resource ID", "/ResourceName"]),
        risk: get(&["/Risk"]),
        fix: get(&["/Remediation/Recommendation/Text", "/Remediation"]),
        references: ["/Remediation/Recommendation/Url", "/RelatedUrl", "/Doc link"]
            .iter()
            .filter_map(|p| text(value, p))
            .collect(),
        ..Check::default()
    })
}

fn of_ocsf(value: &Value) -> Option<Check<'_>> {
    let get = |pointers: &[&str]| first(value, pointers);
    let addresses =
        items(value, "/remediation/references").iter().chain(items(value, "/finding/remediation/kb_articles"));
    Some(Check {
        status: get(&["/status_code", "/compliance/status", "/status"])?,
        muted: get(&["/status"]) == Some("Suppressed"),
        rule: get(&["/metadata/event_code", "/metadata/product/feature/uid"])?,
        title: get(&["/finding_info/title", "/finding/title"]),
        message: get(&["/status_detail", "/message"]),
        severity: get(&["/severity"]),
        account: get(&["/cloud/account/uid", "/cloud/account_uid"]),
        region: get(&["/cloud/region", "/resources/0/region"]),
        resource: get(&["/resources/0/uid", "/resources/0/name"]),
        risk: get(&["/risk_details", "/finding/supporting_data/Risk"]),
        fix: get(&["/remediation/desc", "/finding/remediation/desc"]),
        references: addresses.filter_map(Value::as_str).filter(|text| text.starts_with("https://")).collect(),
    })
}

fn of_row<'r>(row: &Row<'r>) -> Check<'r> {
    let get = |columns: &[&str]| row.first(columns);
    let addresses = ["REMEDIATION_RECOMMENDATION_URL", "RELATED_URL", "CHECK_DOC"];
    Check {
        status: get(&["STATUS", "CHECK_RESULT"]).unwrap_or("unknown"),
        muted: row.get("MUTED").is_some_and(|muted| muted.eq_ignore_ascii_case("true")),
        rule: get(&["CHECK_ID", "TITLE_TEXT", "TITLE_ID"]).unwrap_or_default(),
        title: get(&["CHECK_TITLE"]),
        message: get(&["STATUS_EXTENDED", "CHECK_RESULT_EXTENDED"]),
        severity: get(&["SEVERITY", "CHECK_SEVERITY"]),
        account: get(&["ACCOUNT_UID", "ACCOUNT_ID", "ACCOUNT_NUM"]),
        region: get(&["REGION"]),
        resource: get(&["RESOURCE_UID", "RESOURCE_ARN", "RESOURCE_ID", "CHECK_RESOURCE_ID", "RESOURCE_NAME"]),
        risk: get(&["RISK", "CHECK_RISK"]),
        fix: get(&["REMEDIATION_RECOMMENDATION_TEXT", "CHECK_REMEDIATION"]),
        references: addresses.iter().filter_map(|column| row.get(column)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::mask;
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    fn only(text: &str) -> crate::model::finding::Record {
        let (_, mut records) = parse("prowler", text).unwrap();
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    #[test]
    fn what_resources_are_set_to_is_masked_in_the_kept_file() {
        let text = r#"[{"metadata":{"event_code":"c","product":{"name":"Prowler"}},"status_code":"FAIL","finding_info":{"title":"t"},"resources":[
            {"uid":"a","region":"r","data":{"details":"","metadata":{"environment":{"DB_PASSWORD":"hunter2"}}}}]}]"#;
        let mut masked = Vec::new();
        mask("prowler", &mut text.as_bytes(), &mut masked, b"key").unwrap();
        let masked = String::from_utf8(masked).unwrap();
        assert!(!masked.contains("hunter2"), "{masked}");
        assert_eq!(parse("prowler", &masked).unwrap(), parse("prowler", text).unwrap());
    }

    #[test]
    fn every_json_is_read() {
        let ocsf = only(
            r#"[{"metadata":{"event_code":"s3_public","product":{"name":"Prowler"}},"severity":"Critical","status":"New","status_code":"FAIL","status_detail":"is public",
                "finding_info":{"title":"S3 public","uid":"u"},"resources":[{"uid":"arn:aws:s3:::b","region":"eu-1"}],"cloud":{"account":{"uid":"1"},"region":"eu-1"},
                "remediation":{"desc":"block","references":["aws s3api","https://docs"]},"risk_details":"leak"}]"#,
        );
        assert_eq!(
            (ocsf.rule.as_str(), ocsf.severity, ocsf.location.to_string().as_str()),
            ("s3_public", Severity::Critical, "arn:aws:s3:::b")
        );
        assert_eq!((ocsf.identity.as_str(), ocsf.references.as_slice()), ("1/eu-1", &["https://docs".to_owned()][..]));
        let third = only(
            r#"[{"CheckID":"s3_public","CheckTitle":"S3 public","Status":"FAIL","StatusExtended":"is public","Severity":"critical","AccountId":"1","Region":"eu-1","ResourceArn":"arn:aws:s3:::b"}]"#,
        );
        assert_eq!((&third.rule, &third.location, &third.identity), (&ocsf.rule, &ocsf.location, &ocsf.identity));
        let early = only(
            r#"[{"finding":{"title":"S3 public","remediation":{"kb_articles":["https://docs"],"desc":"block"}},"metadata":{"product":{"feature":{"uid":"s3_public"}}},
                "resources":[{"name":"b","uid":"arn:aws:s3:::b"}],"cloud":{"account":{"uid":"1"},"region":"eu-1"},"severity":"Critical","status":"Failure","status_detail":"d"}]"#,
        );
        assert_eq!((&early.rule, &early.location, &early.identity), (&ocsf.rule, &ocsf.location, &ocsf.identity));
        let second = only(
            "{\"Control\":\"[check11] Avoid root\",\"Message\":\"m\",\"Severity\":\"High\",\"Status\":\"FAIL\",\"Control ID\":\"1.01\",\"Account Number\":\"1\"}\n{\"Control\":\"[check12] x\",\"Status\":\"Pass\"}\n",
        );
        assert_eq!((second.rule.as_str(), second.title.as_str()), ("check11", "Avoid root"));
    }

    #[test]
    fn every_table_is_read() {
        let new = only(
            "CHECK_ID;CHECK_TITLE;STATUS;MUTED;SEVERITY;RESOURCE_UID;REGION;ACCOUNT_UID;STATUS_EXTENDED\naks_rbac;RBAC;FAIL;False;medium;r1;west;a1;no; \na;b;PASS;False;low;;;;\nc;d;FAIL;True;low;;;;\n",
        );
        assert_eq!((new.rule.as_str(), new.severity, new.identity.as_str()), ("aks_rbac", Severity::Medium, "a1/west"));
        let old = only(
            "ACCOUNT_NUM,REGION,TITLE_ID,CHECK_RESULT,TITLE_TEXT,CHECK_SEVERITY\n1,us-1,1.1,FAIL,[check11] Avoid the \"root\" account,High\n",
        );
        assert_eq!((old.rule.as_str(), old.location.to_string().as_str()), ("check11", "1/us-1"));
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("prowler", "[\n]").unwrap().0.records, 0);
        assert!(parse("prowler", "{}").is_err());
        assert!(parse("prowler", r#"[{"status":"x"}]"#).is_err());
        assert!(parse("prowler", "a;b\n1;2\n").is_err());
        assert!(parse("prowler", "text").is_err());
    }
}
