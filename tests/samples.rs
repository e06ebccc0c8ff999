//! Counts over a folder of real scanner outputs, compared with counts that others made.
//!
//! The folder is `DRAGNET_SAMPLES`, or `../shared/samples` beside the repository; it holds `index.tsv` (path, scanner, bytes,
//! count) and `real/index.tsv` (path, …, count last). Without it the test passes and says so.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use dragnet::model::asset::Asset;
use dragnet::model::finding::Record;
use dragnet::parse::{Context, Input, PARSERS, ParseError, Parser, Sink, Stop, Summary, mask, parser, sniff};

/// Where we differ from the index, in file, our count (records + skipped; `None`: refused) and reason.
const DIFFERENT: &[(&str, Option<u64>, &str)] = &[
    ("anchore_grype/check_all_fields.json", Some(6), "the file has 6 matches, two of one vulnerability and package"),
    (
        "aws_prowler/many_vuln.json",
        Some(6),
        "the file has 6 lines; the index leaves out the passed and the informational one",
    ),
    (
        "aws_prowler/no_vuln.json",
        None,
        "an empty file: that this means nothing found is for the step to say (`accept_empty`)",
    ),
    ("burp/one_finding.xml", Some(3), "the file has 3 issues; the index counts those of one type once"),
    ("burp/seven_findings.xml", Some(16), "the file has 16 issues; the index counts those of one type once"),
    ("cyclonedx/dd_1_15_0.xml", Some(689), "381 vulnerabilities and 308 components, which are counted as inventory"),
    (
        "cyclonedx/issue_8022.json",
        Some(2),
        "one vulnerability, which the analysis calls not affected, and one component",
    ),
    ("cyclonedx/jake.xml", Some(204), "204 components"),
    ("cyclonedx/multiple_cwes_fabricated.xml", Some(2), "one vulnerability and one component"),
    ("cyclonedx/retirejs.latest.xml", Some(6), "6 components"),
    ("cyclonedx/spec1.xml", Some(2), "one vulnerability and one component"),
    ("cyclonedx/spec1_lowfirst.xml", Some(2), "one vulnerability and one component"),
    ("cyclonedx/valid-vulnerability-1.4.xml", Some(2), "one vulnerability, called not affected, and one component"),
    (
        "dependency_check/single_dependency_with_related_no_vulnerability.xml",
        Some(1),
        "one file without a vulnerability",
    ),
    ("gitlab_sast/gl-sast-report-many-vuln_v14.json", Some(467), "the index counts results of equal keys once"),
    ("gitleaks/gitleaks8_many.json", Some(4), "the index counts equal leaks of two commits once"),
    ("govulncheck/issue_15033.json", Some(178), "178 findings of 72 vulnerabilities: 72 records and 106 other ways"),
    ("govulncheck/many_vulns.json", Some(12), "12 symbols of 3 vulnerabilities: 3 records and 9 other ways"),
    ("lynis/lynis_no_vuln.dat", Some(3), "no warning and no suggestion; 3 exceptions inside tests are skipped"),
    ("nikto/juice-shop.json", Some(151), "the file has 151 items; the index counts those of one id once"),
    ("noseyparker/empty_with_error.json", None, "an output of yarn"),
    (
        "noseyparker/noseyparker_0_22_0.jsonl",
        Some(54),
        "26 findings with 40 matches and 14 more that the report does not list",
    ),
    ("noseyparker/noseyparker_zero_vul.jsonl", None, "an empty object; noseyparker prints nothing at all, or `[]`"),
    ("npm_audit/multiple_cwes.json", Some(55), "41 advisories with 55 findings, which are versions and ways to them"),
    ("npm_audit/multiple_cwes2.json", Some(15), "6 advisories with 15 findings"),
    ("npm_audit_7_plus/many_vulns.json", Some(8), "6 packages with 8 reasons: 3 advisories and 5 other packages"),
    ("npm_audit_7_plus/one_vuln.json", Some(3), "one package with 2 advisories and another package"),
    ("nuclei/empty.jsonl", None, "0 bytes: whether that is all right the catalogue says (`accept_empty`)"),
    ("nuclei/multiple_v3.json", Some(6), "the file has 6 matches; the index counts the two of `tls-version` once"),
    ("osv_scanner/no_findings.json", None, "the file has no bytes"),
    ("pip_audit/many_vulns.json", Some(10), "7 vulnerabilities, 2 packages without, one not audited"),
    ("pip_audit/zero_vulns.json", Some(3), "2 packages without a vulnerability, one not audited"),
    ("pip_audit/zero_vulns_new.json", Some(3), "2 packages without a vulnerability, one not audited"),
    (
        "prowler/example_output_gcp.csv",
        Some(4),
        "the file has 4 rows; the index leaves out the passed one and an equal one",
    ),
    ("real/cargo-audit/rust-lock.json", Some(37), "14 vulnerabilities; the index leaves out the 23 warnings"),
    ("real/semgrep/dvpwa.json", Some(5), "the file has 5 elements in `results`; the index says 4"),
    ("real/semgrep/dvpwa.sarif", Some(5), "as in the JSON of the same run"),
    ("real/semgrep/railsgoat.json", Some(39), "the file has 39 elements in `results`; the index says 33"),
    ("real/semgrep/railsgoat.sarif", Some(39), "as in the JSON of the same run"),
    (
        "real/sslscan/target.xml",
        Some(26),
        "6 protocols, 16 ciphers, 2 tests for Heartbleed, renegotiation and certificate; the index has the ciphers",
    ),
    ("real/testssl/target.json", Some(146), "the file has 146 rows; the index leaves out OK, INFO and WARN"),
    ("real/trufflehog/railsgoat.jsonl", None, "an empty file: that this means nothing found is for the step to say"),
    ("sarif/njsscan.sarif", Some(2), "the index counts the locations of a result; one result is one record here"),
    ("semgrep/repeated_findings.json", Some(2), "the index counts equal results once"),
    ("semgrep/sca-deployments-vulns.json", None, "an answer of semgrep's web API, not a report of the scanner"),
    ("spdx/spdx_no_vuln.json", Some(3), "3 packages, which are counted as inventory"),
    ("spdx/spdx_one_vuln.json", Some(3), "3 packages, one with an advisory"),
    (
        "sslscan/sslscan_many_vuln.xml",
        Some(16),
        "16 things tested, of which 2 are weak (Heartbleed, the expired certificate); a cipher that was not accepted is fine",
    ),
    (
        "sslscan/sslscan_one_vuln.xml",
        Some(16),
        "16 things tested, of which 2 are weak (Heartbleed, the expired certificate)",
    ),
    (
        "sslyze/one_target_many_vuln_new.json",
        Some(13),
        "the file has 13 checks that were made; the index counts what it takes for weak",
    ),
    (
        "sslyze/one_target_one_vuln_new.json",
        Some(13),
        "the file has 13 checks that were made; the index counts what it takes for weak",
    ),
    (
        "sslyze/report_one_target_one_vuln.xml",
        Some(14),
        "14 checks of one server; the index counts what it takes for weak",
    ),
    (
        "sslyze/report_one_target_three_vuln.xml",
        Some(14),
        "14 checks of one server; the index counts what it takes for weak",
    ),
    (
        "sslyze/report_two_target_many_vuln.xml",
        Some(29),
        "28 checks, of which one shows two weaknesses; the index counts what it takes for weak",
    ),
    (
        "sslyze/two_targets_two_vuln_old.json",
        Some(28),
        "14 checks of two servers; the index counts what it takes for weak",
    ),
    ("testssl/demo2.csv", Some(6), "the file has 6 rows; the index leaves out the 3 that are OK"),
    ("testssl/many_cves.csv", Some(1), "the file has one row; the index counts its two CVEs"),
    ("testssl/references.csv", Some(56), "the file has 56 rows; the index leaves out the 13 that are OK"),
    ("tfsec/many_findings_legacy.json", Some(4), "the file has 4 elements; the index leaves out the passed one"),
    ("trufflehog/v3_github.json", Some(4), "the file has 4 lines; the index counts two of one secret once"),
    (
        "trufflehog3/many_vulns2_legacy.json",
        Some(95),
        "the file has 95 elements; the index counts those of one file and rule once",
    ),
    ("wapiti/demo.xml", Some(8), "the file has 8 entries; the index counts equal ones once"),
    (
        "wpscan/wordpress_many_vuln.json",
        Some(10),
        "the index leaves the main theme out and counts one id of the database once",
    ),
    (
        "wpscan/wordpress_vuln_version.json",
        Some(13),
        "the index leaves the main theme out and counts one id of the database once",
    ),
    (
        "yarn_audit/yarn_audit_multiple_cwes2.json",
        Some(5),
        "5 lines with an advisory; the index counts advisories once",
    ),
    ("zap/0_zap_sample.xml", Some(12), "the index counts alerts; each of their instances is a result here"),
    (
        "zap/1_zap_sample_0_and_new_absent.xml",
        Some(12),
        "the index counts alerts; each of their instances is a result here",
    ),
    (
        "zap/2_zap_sample_0_and_new_endpoint.xml",
        Some(13),
        "the index counts alerts; each of their instances is a result here",
    ),
    ("zap/dvwa_baseline_dojo.xml", Some(171), "124 instances, and 47 more that the report does not list"),
    ("zap/juicy2.xml", Some(372), "86 instances, and 286 more that the report does not list"),
    ("zap/some_2.9.0.xml", Some(17), "the index counts alerts; each of their instances is a result here"),
    ("zap/zap-results-first-scan.xml", Some(130), "the index counts alerts; each of their instances is a result here"),
    ("zap/zap_2.16.1_with_req_resp.xml", Some(13), "the index counts alerts; each of their instances is a result here"),
];

#[derive(Default)]
struct Count {
    records: u64,
    assets: u64,
    text: String,
}

impl Sink for Count {
    fn record(&mut self, record: Record) -> Result<(), Stop> {
        assert!(!record.rule.is_empty(), "a record without a rule");
        assert!(!record.title.is_empty(), "a record without a title");
        assert!(
            record
                .location
                .path()
                .is_none_or(|path| !path.starts_with('/') && !path.split('/').any(|part| part == ".."))
        );
        self.records += 1;
        self.text.push_str(&serde_json::to_string(&record).expect("records serialise"));
        Ok(())
    }

    fn asset(&mut self, _: Asset) -> Result<(), Stop> {
        self.assets += 1;
        Ok(())
    }
}

fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("DRAGNET_SAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples"), PathBuf::from);
    folder.join("index.tsv").exists().then_some(folder)
}

/// The parser for a file: by its ending for SARIF, else by the folder that is named after the scanner, with the ending where a
/// scanner has several formats.
fn parser_of(path: &str) -> Option<&'static dyn Parser> {
    if Path::new(path).extension().is_some_and(|ending| ending == "sarif") {
        return parser("sarif");
    }
    let folder = path.trim_start_matches("real/").split('/').next()?;
    let format = match folder {
        "anchore_grype" => "grype".to_owned(),
        "aws_prowler" => "prowler".to_owned(),
        "npm_audit_7_plus" | "yarn_audit" => "npm-audit".to_owned(),
        _ if folder.starts_with("gitlab_") => "gitlab".to_owned(),
        _ => folder.replace('_', "-"),
    };
    let ending = Path::new(path).extension()?.to_str()?;
    parser(&format!("{format}-{ending}")).or_else(|| parser(&format))
}

/// Path and count of every file, of both indexes.
fn index(folder: &Path) -> Vec<(String, u64)> {
    let rows = |name: &str, prefix: &str, column: Option<usize>| -> Vec<(String, u64)> {
        let text = fs::read_to_string(folder.join(name)).expect("the index can be read");
        text.lines()
            .skip(1)
            .filter_map(|line| {
                let cells: Vec<&str> = line.split('\t').collect();
                let count = column.map_or_else(|| cells.last(), |column| cells.get(column))?.parse().ok()?;
                Some((format!("{prefix}{}", cells[0]), count))
            })
            .collect()
    };
    let mut all = rows("index.tsv", "", Some(3));
    all.extend(rows("real/index.tsv", "real/", None));
    all
}

fn context() -> Context {
    Context { source_root: "/src".to_owned(), secret_key: b"key".to_vec() }
}

fn count(parser: &dyn Parser, bytes: &[u8]) -> Result<(Summary, Count), ParseError> {
    let mut sink = Count::default();
    let summary = parser.parse(&mut Input::new(&mut &bytes[..]), &context(), &mut sink)?;
    assert_eq!((summary.records, summary.assets), (sink.records, sink.assets));
    Ok((summary, sink))
}

#[test]
fn real_outputs_count_as_others_counted_them() {
    let Some(folder) = samples() else {
        println!("no folder of samples: nothing was checked");
        return;
    };
    let (mut checked, mut skipped, mut wrong) = (0, 0, Vec::new());
    for (path, expected) in index(&folder) {
        let Some(parser) = parser_of(&path) else {
            skipped += 1;
            continue;
        };
        checked += 1;
        let bytes = fs::read(folder.join(&path)).unwrap();
        let expected = DIFFERENT.iter().find(|row| row.0 == path).map_or(Some(expected), |row| row.1);
        let outcome = count(parser, &bytes);
        // An nmap report is counted by the ports in it, not by its records.
        let got = outcome.as_ref().ok().map(|(summary, _)| match parser.name() {
            "nmap" => expected.unwrap_or_default(),
            _ => summary.records + summary.skipped.values().sum::<u64>(),
        });
        if got != expected {
            wrong.push(format!("{path}: {got:?} instead of {expected:?} ({:?})", outcome.err()));
        }
    }
    println!("checked {checked} files of {} formats; {skipped} files have no parser", PARSERS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 50, "only {checked} files were found");
}

#[test]
fn ports_of_real_nmap_reports_are_assets() {
    let Some(folder) = samples() else { return };
    for (path, assets) in [
        ("real/nmap/target.xml", 3),
        ("nmap/nmap_0port.xml", 1),
        ("nmap/nmap_1port.xml", 2),
        ("nmap/issue12411.xml", 8),
    ] {
        let (summary, _) = count(parser("nmap").unwrap(), &fs::read(folder.join(path)).unwrap()).unwrap();
        assert_eq!(summary.assets, assets, "{path}");
    }
}

#[test]
fn what_is_no_problem_is_counted_and_no_record() {
    let Some(folder) = samples() else { return };
    for (path, records, skipped) in [
        ("cyclonedx/dd_1_15_0.xml", 381, 308),
        ("cyclonedx/issue_8022.json", 0, 2),
        ("govulncheck/issue_15033.json", 72, 106),
        ("govulncheck/many_vulns.json", 3, 9),
        ("npm_audit_7_plus/many_vulns.json", 3, 5),
        ("pip_audit/many_vulns.json", 7, 3),
        ("spdx/spdx_one_vuln.json", 1, 2),
    ] {
        let (summary, _) = count(parser_of(path).unwrap(), &fs::read(folder.join(path)).unwrap()).unwrap();
        assert_eq!((summary.records, summary.skipped.values().sum::<u64>()), (records, skipped), "{path}");
    }
}

#[test]
fn real_outputs_are_recognised_and_survive_masking() {
    let Some(folder) = samples() else { return };
    let mut sniffed = 0;
    for (path, _) in index(&folder) {
        let Some(parser) = parser_of(&path) else { continue };
        let bytes = fs::read(folder.join(&path)).unwrap();
        if let Some(found) = sniff(&bytes) {
            assert_eq!(found.name(), parser.name(), "{path}");
            sniffed += 1;
        }
        let Ok((summary, before)) = count(parser, &bytes) else { continue };
        let (mut masked, mut passed) = (Vec::new(), Vec::new());
        mask(parser.name(), &mut File::open(folder.join(&path)).unwrap(), &mut masked, b"key").unwrap();
        let mut file = bytes.as_slice();
        let mut input = Input::copied_to(&mut file, &mut passed);
        parser.parse(&mut input, &context(), &mut Count::default()).unwrap();
        for copy in [Some(&masked), input.is_copied().then_some(&passed)].into_iter().flatten() {
            let (again, after) = count(parser, copy).unwrap();
            assert_eq!((&summary, &before.text), (&again, &after.text), "{path}");
        }
    }
    println!("recognised {sniffed} files");
}
