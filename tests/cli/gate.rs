//! Gates: thresholds, rules over findings, and what they ask of local copies of EPSS and KEV.

use serde_json::{Value, json};

use super::{Machine, text};

/// Results at these places: rule, level, file.
fn sarif(results: &[(&str, &str, &str)]) -> String {
    let result = |(rule, level, path): &(&str, &str, &str)| {
        json!({ "ruleId": rule, "level": level, "message": { "text": "bad" }, "locations": [
            { "physicalLocation": { "artifactLocation": { "uri": path }, "region": { "startLine": 1 } } }
        ] })
    };
    let results: Vec<Value> = results.iter().map(result).collect();
    json!({ "version": "2.1.0", "runs": [{ "tool": { "driver": { "name": "mine" } }, "results": results }] })
        .to_string()
}

/// A machine with results of three severities to import; `error` is high, `warning` medium, `note` low.
fn machine() -> Machine {
    let machine = Machine::new();
    let results = [
        ("CVE-2021-44228", "error", "src/pom.xml"),
        ("CVE-2019-0708", "warning", "src/pom.xml"),
        ("B101", "error", "tests/app.py"),
        ("B303", "note", "src/app.py"),
    ];
    machine.write("project/results.sarif", &sarif(&results));
    machine
}

/// Imports with a configuration, and other flags.
fn import(machine: &Machine, config: &str, flags: &[&str]) -> std::process::Output {
    machine.write("gate.toml", config);
    let args = ["import", "--config", "../gate.toml", "--scanner", "mine", "--as", "sarif", "results.sarif"];
    machine.run(&[&args[..], flags].concat())
}

fn code(machine: &Machine, config: &str, flags: &[&str]) -> i32 {
    let output = import(machine, config, flags);
    output.status.code().ok_or_else(|| text(&output.stderr)).unwrap()
}

fn gate_of(machine: &Machine, config: &str) -> Value {
    let output = import(machine, config, &["--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["summary"].clone()
}

#[test]
fn thresholds_allow_so_many_and_all_must_hold() {
    let machine = machine();
    for (flags, expected) in [
        (&["--fail-on", "high"][..], 1),
        (&["--fail-on", "high=1"], 1),
        (&["--fail-on", "high=2"], 0),
        (&["--fail-on", "critical", "--fail-on", "low=3"], 1),
        (&["--fail-on", "critical,low=4"], 0),
    ] {
        assert_eq!(code(&machine, "", flags), expected, "{flags:?}");
    }
    assert_eq!(code(&machine, "gate.fail_on = ['critical', 'medium=2']", &[]), 1);
    assert_eq!(code(&machine, "gate.fail_on = 'critical,medium=2'", &["--fail-on", "critical"]), 0, "flags win");
    for wrong in ["hihg=1", "high=many", "high=-1", "new:"] {
        assert_eq!(code(&machine, "", &["--fail-on", wrong]), 2, "{wrong}");
    }
}

/// Fails on what is high outside of tests.
const RULES: &str = "
[[gate.rules]]
name = 'production code'
severity = 'high'
[[gate.rules]]
name = 'test code'
action = 'ignore'
path = 'tests/'
";

#[test]
fn rules_say_what_they_ask_and_what_they_found() {
    let machine = machine();
    let output = import(&machine, RULES, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let gate = &printed[printed.find("Gate").unwrap()..];
    insta::assert_snapshot!(gate, @r"
    Gate      FAILED: 1 of 1 rule
              fail on high or worse (production code): FAILED: 1 high
                high mine CVE-2021-44228 src/pom.xml:1
              ignore in tests/ (test code): 1 high not counted
                high mine B101 tests/app.py:1
              1 medium, 1 low: in none of them
    Verdict   gate failed
    ");
    let summary = gate_of(&machine, RULES);
    assert_eq!((&summary["verdict"], &summary["gate"]["failed"]), (&json!("gate_failed"), &json!(true)));
    let rules = &summary["gate"]["rules"];
    assert_eq!((&rules[0]["result"], &rules[0]["max"], &rules[0]["matched"]), (&json!("failed"), &json!(0), &json!(1)));
    assert_eq!(rules[0]["examples"][0]["place"], "src/pom.xml:1");
    assert_eq!((&rules[1]["result"], &rules[1]["name"]), (&json!("ignored"), &json!("test code")));
}

#[test]
fn a_scan_keeps_the_gate_that_it_was_started_with() {
    let machine = machine();
    assert_eq!(code(&machine, RULES, &["--quiet"]), 1);
    // None of these reads that configuration.
    assert_eq!(machine.run(&["watch"]).status.code(), Some(1));
    assert_eq!(machine.run(&["report"]).status.code(), Some(0), "a report alone succeeds");
    assert_eq!(machine.run(&["report", "--gate"]).status.code(), Some(1));
    assert_eq!(machine.run(&["report", "--fail-on", "critical"]).status.code(), Some(1), "the rules stay");
    assert_eq!(code(&machine, &RULES.replace("'high'", "'critical'"), &[]), 0);
    assert_eq!(machine.run(&["report", "--gate"]).status.code(), Some(0));
    assert_eq!(machine.run(&["report", "--fail-on", "medium"]).status.code(), Some(1));
}

#[test]
fn what_was_decided_of_a_finding_holds_for_rules_too() {
    let machine = machine();
    assert_eq!(code(&machine, RULES, &[]), 1);
    let list: Value = serde_json::from_slice(&machine.run(&["findings", "--format", "json"]).stdout).unwrap();
    let findings = list["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["rule"] == "CVE-2021-44228").unwrap();
    let name = finding["fingerprint"].as_str().unwrap();
    assert_eq!(machine.run(&["findings", "accept", name, "--reason", "x"]).status.code(), Some(0));
    assert_eq!(machine.run(&["report", "--gate"]).status.code(), Some(0));
    assert_eq!(code(&machine, "rules = 1", &[]), 2);
    assert_eq!(code(&machine, RULES, &[]), 0);
}

/// A catalogue of this day with one CVE.
fn kev(day: &str) -> String {
    json!({ "catalogVersion": "1", "dateReleased": format!("{day}T10:00:00.0000Z"), "count": 1,
            "vulnerabilities": [{ "cveID": "CVE-2021-44228" }] })
    .to_string()
}

fn epss(day: &str) -> String {
    format!("#model_version:v1,score_date:{day}T00:00:00Z\ncve,epss,percentile\nCVE-2021-44228,0.94358,0.99956\n")
}

fn today() -> String {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

#[test]
fn a_gate_that_asks_what_is_not_known_never_passes() {
    let machine = machine();
    let config =
        |rule: &str| format!("[data]\nkev = '{}'\n[[gate.rules]]\n{rule}\n", machine.path("kev.json").display());
    let asks = config("kev = true\nscanner = 'other'");
    for (copy, why) in [
        (None, "it cannot be read: No such file"),
        (Some("{}".to_owned()), "it does not read: missing field"),
        (Some(kev("2020-01-01")), "it is of 2020-01-01,"),
        (Some(kev(&today()).replace("\"count\":1", "\"count\":2")), "it should have 2 vulnerabilities, and has 1"),
    ] {
        if let Some(copy) = copy {
            machine.write("kev.json", &copy);
        }
        let output = import(&machine, &asks, &[]);
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{printed}");
        assert!(printed.contains(why) && printed.contains("NOT DECIDED") && !printed.contains("clean"), "{printed}");
        let summary = gate_of(&machine, &asks);
        assert_eq!((&summary["verdict"], &summary["complete"]), (&json!("incomplete"), &json!(true)));
        assert_eq!(
            (&summary["gate"]["decided"], &summary["gate"]["rules"][0]["result"]),
            (&json!(false), &json!("undecided"))
        );
        assert_eq!(code(&machine, &config("severity = 'critical'"), &[]), 0, "what asks nothing of it is decided");
    }
    machine.write("kev.json", &kev(&today()));
    assert_eq!(code(&machine, &asks, &[]), 0);
    // A process that has no copy cannot decide what another could.
    let output = machine.run(&["watch"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("set data.kev"), "{}", text(&output.stderr));
    assert_eq!(machine.run(&["report", "--gate"]).status.code(), Some(3));
    assert_eq!(machine.run(&["report", "--require-complete"]).status.code(), Some(3));
}

#[test]
fn scores_and_the_catalogue_decide_and_are_shown() {
    let machine = machine();
    machine.write("kev.json", &kev(&today()));
    machine.write("epss.csv", &epss(&today()));
    let data = format!(
        "[data]\nkev = '{}'\nepss = '{}'\n",
        machine.path("kev.json").display(),
        machine.path("epss.csv").display()
    );
    for (rule, expected) in [
        ("kev = true", 1),
        ("kev = true\npath = 'tests/'", 0),
        ("kev = true\nmax = 1", 0),
        ("epss = 0.9", 1),
        ("epss = 0.95", 0),
        ("action = 'ignore'\nkev = false\n[gate]\nfail_on = 'low'", 1),
    ] {
        let config = match rule.split_once("\n[gate]\n") {
            None => format!("{data}[[gate.rules]]\n{rule}\n"),
            Some((rule, gate)) => format!("{data}[gate]\n{gate}\n[[gate.rules]]\n{rule}\n"),
        };
        assert_eq!(code(&machine, &config, &[]), expected, "{rule}");
    }
    let output = import(&machine, &data, &["--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let known: Vec<Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| json!([finding["rule"], finding["epss"]["score"], finding["kev"]]))
        .collect();
    let expected = [
        json!(["CVE-2021-44228", 0.94358, true]),
        json!(["B101", null, false]),
        json!(["CVE-2019-0708", null, false]),
        json!(["B303", null, false]),
    ];
    assert_eq!(known, expected);
    let copies = &report["summary"]["gate"]["data"];
    assert_eq!(
        (&copies[0]["dataset"], &copies[0]["date"], &copies[0]["problem"]),
        (&json!("epss"), &json!(today()), &json!(null))
    );
    let untold = gate_of(&machine, &format!("{data}[[gate.rules]]\nepss = 0.5\n"));
    assert_eq!(untold["gate"]["rules"][0]["untold"], 1, "CVE-2019-0708 has no score");
}

#[test]
fn a_gate_that_cannot_be_is_refused_before_anything_runs() {
    let machine = machine();
    let refused = |config: &str| {
        let output = import(&machine, config, &[]);
        assert_eq!(output.status.code(), Some(2), "{config}");
        text(&output.stderr)
    };
    for (config, why) in [
        (
            "[[gate.rules]]\nsevrity = 'high'",
            "gate.toml:2: there is no key `gate.rules.sevrity` (did you mean `severity`?)",
        ),
        ("[gate]\nfail-on = 'high'", "gate.toml:2: there is no key `gate.fail-on` (did you mean `fail_on`?)"),
        ("[[gate.rules]]\naction = 'ignore'", "needs a condition"),
        ("[[gate.rules]]\npath = 'a['", "`a[` is no pattern"),
        ("[[gate.rules]]\npath = []", "a list of patterns is not empty"),
        ("[[gate.rules]]\nepss = 50", "50 is no score"),
        ("gate.unknown = 'bad'", "`gate.unknown`: "),
        ("data.max_age = 'long'", "`long` is not a duration"),
    ] {
        let said = refused(config);
        assert!(said.contains(why), "{config}: {said}");
    }
    machine.write("project/dragnet.toml", "[[gate.rules]]\naction = 'ignore'\npath = '*'\n");
    assert!(refused("").contains("`gate.rules` is for trusted files only"));
}

#[test]
fn a_plan_tells_its_gate() {
    let machine = machine();
    machine.write("gate.toml", &format!("gate.fail_on = 'new:high'\n{RULES}"));
    let output = machine.run(&["plan", "--no-engine", "--config", "../gate.toml", "--scanner", "bandit"]);
    let printed = text(&output.stdout);
    for line in ["fail on new high or worse", "fail on high or worse (production code)", "ignore in tests/ (test code)"]
    {
        assert!(printed.contains(line), "{printed}{}", text(&output.stderr));
    }
}
