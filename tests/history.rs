//! Findings over time, from outside: baselines, what differs between two scans, what is new since then.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where it panics")]

use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use serde_json::{Value, json};

/// A machine whose state is thrown away at will, as those of pipelines are.
struct Machine {
    dir: tempfile::TempDir,
}

/// A result of a scanner of code: rule, file, line, code.
type Place = (&'static str, &'static str, u32, &'static str);

const EVAL: Place = ("eval", "app.py", 10, "result = eval(user_input, context)");
const SQL: Place = ("sql", "db.py", 20, "cursor.execute(query % name)");
const SHELL: Place = ("shell", "run.py", 4, "subprocess.call(command, shell=True)");

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("project")).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("project").join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, state: &str, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("dragnet").unwrap();
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path()).env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        command.current_dir(self.path("")).args(["--state", &format!("../{state}")]).args(args);
        command
    }

    fn run(&self, state: &str, args: &[&str]) -> Output {
        self.command(state, args).output().unwrap()
    }

    /// Imports results into a state, and returns the code and what was said.
    fn import(&self, state: &str, results: &[Place], args: &[&str]) -> Said {
        self.write("results.sarif", sarif("checker", results));
        self.import_file(state, "results.sarif", args)
    }

    fn import_file(&self, state: &str, file: &str, args: &[&str]) -> Said {
        let import = ["import", "--scanner", "checker", "--as", "sarif", file, "--format", "json"];
        Said::of(&self.run(state, &[&import[..], args].concat()))
    }

    fn report(&self, state: &str, args: &[&str]) -> Said {
        Said::of(&self.run(state, &[&["report", "--format", "json"], args].concat()))
    }

    /// Writes a report of the newest scan to a file, and returns the file's name.
    fn keep(&self, state: &str, format: &str) -> String {
        let name = format!("known.{format}");
        let output = self.run(state, &["report", "--format", format, "-o", &name]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        name
    }

    /// The ids of a state's scans, newest first.
    fn scans(&self, state: &str) -> Vec<String> {
        let list: Value = serde_json::from_slice(&self.run(state, &["list", "--format", "json"]).stdout).unwrap();
        list["scans"].as_array().unwrap().iter().map(|scan| scan["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// What a report says.
struct Said {
    code: Option<i32>,
    words: String,
    report: Value,
}

impl Said {
    fn of(output: &Output) -> Self {
        let words = text(&output.stderr);
        let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
        Self { code: output.status.code(), words, report }
    }

    fn count(&self, what: &str) -> u64 {
        let standings = &self.report["summary"]["standings"];
        standings[what].as_u64().unwrap_or_else(|| panic!("{what}: {} {}", self.report, self.words))
    }

    /// New, existing, gone.
    fn counts(&self) -> (u64, u64, usize) {
        (self.count("new"), self.count("existing"), self.report["gone"].as_array().unwrap().len())
    }

    /// Rules of what is listed as new, in their order.
    fn new_rules(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        let new = findings.iter().filter(|finding| finding["standing"] == "new");
        let mut rules: Vec<&str> = new.map(|finding| finding["rule"].as_str().unwrap()).collect();
        rules.sort_unstable();
        rules
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn sarif(tool: &str, results: &[Place]) -> String {
    let result = |(rule, file, line, code): &Place| {
        json!({"ruleId": rule, "level": "error", "message": {"text": format!("{rule} at line {line}")}, "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": line, "snippet": {"text": code}}}}]})
    };
    let results: Vec<Value> = results.iter().map(result).collect();
    let tool = json!({"driver": {"name": tool, "version": "1.0", "rules": []}});
    // The tool comes first, as most write it.
    format!(r#"{{"version": "2.1.0", "runs": [{{"tool": {tool}, "results": {}}}]}}"#, Value::from(results))
}

/// A history of two scans of machines without a common state: what the first found, what the second did; new, existing and gone.
type Scenario = (&'static str, Vec<Place>, Vec<Place>, (u64, u64, usize));

fn scenarios() -> Vec<Scenario> {
    let at = |line: u32| (EVAL.0, EVAL.1, line, EVAL.3);
    let in_file = |file: &'static str, line: u32| (EVAL.0, file, line, EVAL.3);
    let edited = (SQL.0, SQL.1, 22, "cursor.execute(query % user_name)");
    vec![
        ("the same again", vec![EVAL, SQL], vec![SQL, EVAL], (0, 2, 0)),
        ("moved lines", vec![EVAL], vec![at(90)], (0, 1, 0)),
        ("an edited line", vec![SQL], vec![edited], (0, 1, 0)),
        ("another problem in its place", vec![EVAL], vec![(EVAL.0, EVAL.1, 10, "eval(open('x').read())")], (1, 0, 1)),
        ("a renamed file", vec![EVAL], vec![in_file("main.py", 10)], (0, 1, 0)),
        ("a copied file", vec![EVAL], vec![EVAL, in_file("copy.py", 10)], (1, 1, 0)),
        ("a file that became two", vec![EVAL], vec![in_file("a.py", 1), in_file("b.py", 1)], (2, 0, 1)),
        ("two equal lines", vec![at(10), at(30)], vec![at(11), at(31)], (0, 2, 0)),
        ("one of two equal lines", vec![at(10), at(30)], vec![at(30)], (0, 1, 1)),
        ("a third equal line", vec![at(10), at(30)], vec![at(5), at(10), at(30)], (1, 2, 0)),
        ("one more", vec![EVAL], vec![EVAL, SHELL], (1, 1, 0)),
        ("one less", vec![EVAL, SHELL], vec![EVAL], (0, 1, 1)),
        ("nothing was known", vec![], vec![EVAL], (1, 0, 0)),
        ("nothing is there", vec![EVAL], vec![], (0, 0, 1)),
    ]
}

#[test]
fn a_baseline_says_what_is_new_on_machines_without_a_state() {
    let mut wrong = Vec::new();
    for (name, before, after, expected) in scenarios() {
        let machine = Machine::new();
        machine.import("one", &before, &[]);
        machine.write("foreign.sarif", sarif("Some Checker", &before));
        let known = [machine.keep("one", "json"), machine.keep("one", "sarif"), "foreign.sarif".to_owned()];
        for file in known {
            let said = machine.import("two", &after, &["--baseline", &file, "--fail-on", "new:low"]);
            let code = Some(i32::from(expected.0 > 0));
            if said.counts() != expected || said.code != code {
                wrong.push(format!("{name}, {file}: {:?} {:?}, not {expected:?}", said.code, said.counts()));
            }
            // Afterwards it says the same.
            let again = machine.report("two", &["--baseline", &file, "--fail-on", "new:low"]);
            assert_eq!((again.counts(), again.code, &again.report), (said.counts(), said.code, &said.report), "{name}");
            std::fs::remove_dir_all(machine.dir.path().join("two")).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_baseline_leaves_the_state_as_it_is() {
    let machine = Machine::new();
    machine.import("one", &[EVAL], &[]);
    let known = machine.keep("one", "json");
    machine.import("two", &[EVAL, SQL], &["--baseline", &known]);
    let plain = machine.report("two", &["--fail-on", "new:low"]);
    assert_eq!((plain.code, plain.new_rules()), (Some(1), vec!["eval", "sql"]), "to this state both are new");
    let related = machine.report("two", &["--baseline", &known, "--new"]);
    assert_eq!(related.new_rules(), ["sql"]);
    assert_eq!(related.report["findings"].as_array().unwrap().len(), 1, "--new lists nothing else");
    assert_eq!(related.report["summary"]["total"], 2, "and counts all");
    assert_eq!(related.report["summary"]["listed"], "new");
    let reference = &related.report["summary"]["reference"];
    assert_eq!((&reference["kind"], &reference["findings"]), (&json!("baseline"), &json!(1)));
}

#[test]
fn what_a_baseline_had_is_never_said_to_be_fixed() {
    let machine = Machine::new();
    machine.import("one", &[EVAL, SQL], &[]);
    let known = machine.keep("one", "json");
    let said = machine.import("two", &[EVAL], &["--baseline", &known]);
    assert_eq!((said.count("fixed"), &said.report["gone"][0]["fate"]), (0, &json!("not_observed")));
    assert_eq!(said.report["gone"][0]["rule"], "sql");
    let table = text(&machine.run("two", &["report", "--baseline", &known]).stdout);
    assert!(table.contains("the baseline known.json with 2 findings"), "{table}");
    assert!(table.contains("1 finding not observed, and still open"), "{table}");
}

#[test]
fn a_baseline_that_cannot_be_read_is_an_error_before_anything_runs() {
    let machine = Machine::new();
    machine.import("one", &[EVAL, SQL], &[]);
    let known = std::fs::read_to_string(machine.path(&machine.keep("one", "json"))).unwrap();
    let part = machine.run("one", &["report", "--new", "--format", "json"]).stdout;
    machine.write("cut.json", &known[..known.len() - 3]);
    machine.write("part.json", part);
    machine.write("other.json", "[{\"a\": 1}]");
    machine.write("empty.json", "");
    machine.write("no-results.sarif", r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}}]}"#);
    for file in ["cut.json", "part.json", "other.json", "empty.json", "no-results.sarif", "nowhere.json"] {
        let said = machine.import("two", &[EVAL], &["--baseline", file]);
        assert_eq!((said.code, &said.report), (Some(2), &Value::Null), "{file}: {}", said.words);
        assert!(said.words.contains("error: the baseline") && said.words.contains(file), "{}", said.words);
        assert_eq!(machine.run("one", &["report", "--baseline", file]).status.code(), Some(2), "{file}");
        let start = machine.run("two", &["start", "--baseline", file]);
        assert_eq!(start.status.code(), Some(2), "{}", text(&start.stderr));
    }
    assert!(machine.scans("two").is_empty(), "nothing was imported");
}

#[test]
fn a_baseline_of_something_else_is_told() {
    let machine = Machine::new();
    machine.import("one", &[EVAL], &["--target", "host:a.example"]);
    for format in ["json", "sarif"] {
        let known = machine.keep("one", format);
        let said = machine.import("two", &[EVAL], &["--baseline", &known, "--target", "host:b.example"]);
        assert!(said.words.contains("the baseline is of another target, host:a.example"), "{}", said.words);
    }
    machine.write("foreign.sarif", sarif("checker", &[SHELL]));
    let said = machine.import("two", &[EVAL], &["--baseline", "foreign.sarif"]);
    assert!(said.words.contains("is it of this target?"), "{}", said.words);
    let failed = r#""invocations": [{"executionSuccessful": false}], "results""#;
    machine.write("failed.sarif", sarif("checker", &[EVAL]).replacen(r#""results""#, failed, 1));
    let said = machine.import("two", &[EVAL, SQL], &["--baseline", "failed.sarif"]);
    assert!(said.words.contains("did not see everything"), "{}", said.words);
    assert_eq!(said.new_rules(), ["sql"]);
}

#[test]
fn what_does_not_count_is_not_new_to_a_gate() {
    let machine = Machine::new();
    machine.import("one", &[EVAL], &[]);
    let known = machine.keep("one", "sarif");
    let said = machine.import("two", &[EVAL, SQL], &["--baseline", &known, "--fail-on", "new:high"]);
    assert_eq!(said.code, Some(1));
    let findings = said.report["findings"].as_array().unwrap();
    let sql = findings.iter().find(|finding| finding["rule"] == "sql").unwrap()["fingerprint"].as_str().unwrap();
    assert_eq!(machine.run("two", &["findings", "suppress", sql, "--reason", "x"]).status.code(), Some(0));
    assert_eq!(machine.report("two", &["--baseline", &known, "--fail-on", "new:high"]).code, Some(0));
}

/// Reports of a scanner of secrets, under another key in each state.
fn leaks(secrets: &[(&str, u32, &str)]) -> String {
    let leak = |(file, line, secret): &(&str, u32, &str)| {
        json!({"RuleID": "key", "Description": "a secret", "StartLine": line, "EndLine": line, "StartColumn": 1, "EndColumn": 9,
               "Match": format!("key = {secret}"), "Secret": secret, "File": file, "Commit": ""})
    };
    Value::from(secrets.iter().map(leak).collect::<Vec<_>>()).to_string()
}

#[test]
fn secrets_are_recognised_across_states_by_what_shows_of_them() {
    let machine = Machine::new();
    let (long, other, short) = ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLF", "hunter2");
    let import = |state: &str, secrets: &[(&str, u32, &str)], args: &[&str]| {
        machine.write("leaks.json", leaks(secrets));
        let import = ["import", "--scanner", "gitleaks", "leaks.json", "--format", "json"];
        Said::of(&machine.run(state, &[&import[..], args].concat()))
    };
    import("one", &[("a.tf", 3, long)], &[]);
    let known = machine.keep("one", "json");
    assert_eq!(import("two", &[("a.tf", 9, long)], &["--baseline", &known]).counts(), (0, 1, 0));
    assert_eq!(import("two", &[("a.tf", 3, other)], &["--baseline", &known]).counts(), (1, 0, 1));
    assert_eq!(import("two", &[("a.tf", 3, long), ("a.tf", 4, long)], &["--baseline", &known]).counts(), (1, 1, 0));
    // Of a short one nothing shows: it is called new, and that is told; where the key is the same, its hash says what it is.
    import("one", &[("a.tf", 3, short)], &[]);
    let known = machine.keep("one", "json");
    let said = import("two", &[("a.tf", 3, short)], &["--baseline", &known]);
    assert_eq!(said.counts(), (1, 0, 1));
    assert!(said.words.contains("1 secrets of the baseline were not recognised"), "{}", said.words);
    assert_eq!(machine.report("one", &["--baseline", &known]).counts(), (0, 1, 0));
}

#[test]
fn two_scans_side_by_side() {
    let machine = Machine::new();
    let edited = (SQL.0, SQL.1, 22, "cursor.execute(query % user_name)");
    machine.import("one", &[EVAL, SQL, ("old", "old.py", 1, "old()")], &[]);
    machine.import("one", &[EVAL, SQL], &[]);
    machine.import("one", &[EVAL, edited, SHELL], &[]);
    let scans = machine.scans("one");
    let ask = |range: &str, args: &[&str]| {
        Said::of(&machine.run("one", &[&["report", "--diff", range, "--format", "json"], args].concat()))
    };
    let said = ask(&format!("{}..latest", scans[2]), &[]);
    assert_eq!(said.code, Some(0), "{}", said.words);
    let report = &said.report;
    assert_eq!(report["schema"], "dragnet.diff/v1");
    let total =
        |what: &str| report["summary"][what].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
    let told = (total("new"), total("moved"), total("fixed"), total("not_observed"), total("unchanged"));
    assert_eq!(told, (1, 1, 1, 0, 1));
    assert_eq!(report["new"][0]["rule"], "shell");
    assert_eq!((&report["moved"][0]["rule"], &report["moved"][0]["was"]["start_line"]), (&json!("sql"), &json!(20)));
    assert_eq!((&report["gone"][0]["rule"], &report["gone"][0]["fate"]), (&json!("old"), &json!("fixed")));
    // The other way round what was new is gone.
    let back = ask(&format!("latest..{}", scans[2]), &[]);
    assert_eq!((&back.report["new"][0]["rule"], &back.report["gone"][0]["rule"]), (&json!("old"), &json!("shell")));
    assert_eq!(ask("latest..latest", &[]).report["summary"]["unchanged"]["high"], 3);

    let table = machine.run("one", &["report", "--diff", &format!("{}..{}", scans[2], scans[0])]);
    let table = text(&table.stdout);
    for words in ["NEW · 1", "MOVED · 1", "was at db.py:20", "GONE · 1", "fixed", "Unchanged  1 high"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    // Nothing was written.
    assert_eq!(machine.report("one", &[]).count("new"), 1);
    for range in ["latest", "latest..", "zzzz..latest"] {
        assert_eq!(ask(range, &[]).code, Some(2), "{range}");
    }
    assert_eq!(machine.run("one", &["report", "--diff", "latest..latest", "--format", "sarif"]).status.code(), Some(2));
}

#[test]
fn scans_that_cannot_be_compared_are_told() {
    let machine = Machine::new();
    machine.import("one", &[EVAL], &["--target", "host:a.example"]);
    machine.import("one", &[SQL], &["--target", "host:b.example"]);
    machine.write("cut.sarif", &sarif("checker", &[EVAL])[..60]);
    machine.import_file("one", "cut.sarif", &["--target", "host:b.example"]);
    let scans = machine.scans("one");
    let ask = |range: &str| Said::of(&machine.run("one", &["report", "--diff", range, "--format", "json"]));
    let other = ask(&format!("{}..{}", scans[2], scans[1]));
    assert!(other.report["summary"]["warnings"][0].as_str().unwrap().contains("two targets"), "{}", other.report);
    assert_eq!(other.report["gone"][0]["fate"], "not_observed", "another target says nothing of it");
    let cut = ask(&format!("{}..{}", scans[1], scans[0]));
    assert_eq!(
        (&cut.report["gone"][0]["fate"], &cut.report["gone"][0]["reason"]),
        (&json!("not_observed"), &json!("coverage"))
    );
    assert_eq!(cut.report["summary"]["complete"], false);
    let since = machine.report("one", &["--since", &scans[2]]);
    assert_eq!(since.code, Some(2), "{}", since.words);
    assert!(since.words.contains("is of another target"), "{}", since.words);
}

#[test]
fn what_is_new_since_then() {
    let machine = Machine::new();
    let edited = (EVAL.0, EVAL.1, 12, "result = eval(user_input, other_context)");
    machine.import("one", &[EVAL], &[]);
    machine.import("one", &[EVAL, SQL], &[]);
    machine.import("one", &[edited, SQL, SHELL], &[]);
    machine.import("one", &[edited, SQL, SHELL], &[]);
    let scans = machine.scans("one");
    assert_eq!(machine.report("one", &["--fail-on", "new:low"]).code, Some(0), "to the scan before nothing is new");
    let first = machine.report("one", &["--since", &scans[3], "--fail-on", "new:low"]);
    assert_eq!((first.new_rules(), first.counts(), first.code), (vec!["shell", "sql"], (2, 1, 0), Some(1)));
    assert_eq!(first.report["summary"]["reference"], json!({"kind": "since", "asked": scans[3], "scans": [scans[3]]}));
    assert_eq!(machine.report("one", &["--since", &scans[2][..7]]).new_rules(), ["shell"]);
    assert_eq!(machine.report("one", &["--since", &scans[1], "--fail-on", "new:low"]).code, Some(0));
    // All of it is of today: no scan is older.
    for span in ["7d", "1h", "2000-01-01"] {
        let all = machine.report("one", &["--since", span, "--new"]);
        assert_eq!(all.new_rules(), ["eval", "shell", "sql"], "{span}: {}", all.words);
        assert_eq!(all.report["summary"]["reference"]["scans"], json!([]));
    }
    // The last scan before this moment is the one before it.
    assert_eq!(machine.report("one", &["--since", "0m"]).new_rules(), Vec::<&str>::new());
    assert_eq!(machine.report("one", &["--since", "7d", "--baseline", "x"]).code, Some(2));
    let table = text(&machine.run("one", &["report", "--since", &scans[3], "--new"]).stdout);
    assert!(table.contains("only what is new or reopened") && table.contains("2 new · 1 existing"), "{table}");
    assert!(!table.contains("app.py"), "{table}");
}

/// Makes the first scan of a state look as if an older parser had read it: that missed `sql`, and took `eval` for something else.
fn age(machine: &Machine, state: &str) {
    let database = machine.dir.path().join(state).join("dragnet.db");
    let connection = rusqlite::Connection::open(database).unwrap();
    connection
        .execute_batch(
            "CREATE TEMP TABLE missed AS SELECT attempt_id, severity, ordinal FROM record
               WHERE attempt_id = 1 AND json_extract(body, '$.rule') = 'sql';
             DELETE FROM record WHERE (attempt_id, severity, ordinal) IN missed;
             DELETE FROM rule WHERE (attempt_id, severity, ordinal) IN missed;
             DELETE FROM appearance WHERE (attempt_id, severity, ordinal) IN missed;
             UPDATE record SET fingerprint = zeroblob(16) WHERE attempt_id = 1;
             UPDATE appearance SET fingerprint = zeroblob(16) WHERE attempt_id = 1;
             UPDATE job SET records = '[0,1,0,0,0,0]' WHERE winning_attempt = 1;
             UPDATE scan SET records = '[0,1,0,0,0,0]' WHERE id = 1;",
        )
        .unwrap();
}

const AGED: &str = "v1:00000000000000000000000000000000";

/// A scan that an older parser has read, a decision on its finding, and a scan that the parser of today has read.
fn aged() -> (Machine, Vec<String>) {
    let machine = Machine::new();
    machine.import("one", &[EVAL, SQL], &[]);
    age(&machine, "one");
    assert_eq!(machine.run("one", &["findings", "suppress", AGED, "--reason", "reviewed"]).status.code(), Some(0));
    let second = machine.import("one", &[EVAL, SQL], &[]);
    assert_eq!((second.new_rules(), second.count("existing")), (vec!["sql"], 1), "{}", second.report);
    let scans = machine.scans("one");
    (machine, scans)
}

/// What a state says of its scans: everything but what no reader looks at.
fn told(machine: &Machine, scans: &[String]) -> Vec<(Value, Value, Value, Value)> {
    let told = |scan: &String| {
        let mut said = machine.report("one", &[scan]);
        let mut part = |name: &str| said.report[name].take();
        (part("summary"), part("findings"), part("gone"), part("jobs"))
    };
    scans.iter().map(told).collect()
}

#[test]
fn results_are_read_again_and_findings_keep_their_names() {
    let (machine, scans) = aged();
    let reparsed = machine.run("one", &["findings", "reparse", &scans[1], "--format", "json"]);
    assert_eq!(reparsed.status.code(), Some(0), "{}", text(&reparsed.stderr));
    let reparsed: Value = serde_json::from_slice(&reparsed.stdout).unwrap();
    let scan = &reparsed["scans"][0];
    let job = &scan["jobs"][0];
    assert_eq!((&job["outcome"], &job["before"], &job["after"]), (&json!("read"), &json!(1), &json!(2)), "{reparsed}");
    assert_eq!((&scan["renamed"], &scan["compared"]), (&json!(1), &json!(1)));

    let first = machine.report("one", &[&scans[1]]);
    assert_eq!((first.report["summary"]["total"].as_u64(), first.count("new")), (Some(2), 2));
    let second = machine.report("one", &[&scans[0]]);
    assert_eq!((second.count("new"), second.count("existing")), (0, 2), "{}", second.report);
    for said in [&first, &second] {
        let findings = said.report["findings"].as_array().unwrap();
        let eval = findings.iter().find(|finding| finding["rule"] == "eval").unwrap();
        assert_eq!((&eval["fingerprint"], &eval["muting"]["decision"]), (&json!(AGED), &json!("suppressed")));
    }
    assert_eq!(machine.import("one", &[EVAL, SQL], &["--fail-on", "new:low"]).code, Some(0));

    // Once more changes nothing.
    let before = told(&machine, &scans);
    let again = machine.run("one", &["findings", "reparse", "--all", "--format", "json"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["scans"].as_array().unwrap().len(), 3);
    assert_eq!(told(&machine, &scans), before);
    assert_eq!(machine.run("one", &["state", "verify"]).status.code(), Some(0));
    let table = machine.run("one", &["findings", "reparse", &scans[0]]);
    assert!(text(&table.stdout).contains("checker"), "{}", text(&table.stdout));
}

#[test]
fn what_cannot_be_read_again_stays_and_is_told() {
    let machine = Machine::new();
    machine.write("leaks.json", leaks(&[("a.tf", 3, "AKIAIOSFODNN7EXAMPLE")]));
    machine.run("one", &["import", "--scanner", "gitleaks", "leaks.json"]);
    machine.import("one", &[EVAL], &[]);
    let scans = machine.scans("one");
    let before = told(&machine, &scans);
    let ask = || -> Value {
        let output = machine.run("one", &["findings", "reparse", "--all", "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let masked = ask();
    assert_eq!(masked["scans"][0]["jobs"][0]["masked"], json!(["0"]), "{masked}");
    assert_eq!(masked["scans"][1]["jobs"][0]["masked"], json!([]));
    assert_eq!(told(&machine, &scans), before, "a masked file reads as the one that it was made of");
    std::fs::remove_dir_all(machine.dir.path().join("one/artifacts/blobs")).unwrap();
    let lost = ask();
    for scan in lost["scans"].as_array().unwrap() {
        let job = &scan["jobs"][0];
        assert_eq!(job["outcome"], "kept", "{lost}");
        assert!(job["why"].as_str().unwrap().contains("its raw file is not kept any more"), "{lost}");
    }
    assert_eq!(told(&machine, &scans), before);
    assert_eq!(machine.run("one", &["findings", "reparse", "zzzz"]).status.code(), Some(2));
    // A scan that runs is none of it.
    let connection = rusqlite::Connection::open(machine.dir.path().join("one/dragnet.db")).unwrap();
    connection.execute("UPDATE scan SET state = 'running' WHERE id = 2", []).unwrap();
    for args in [&["findings", "reparse"][..], &["report", "--since", "7d"], &["report", "--diff", "latest..latest"]] {
        let refused = machine.run("one", args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("has not ended"), "{}", text(&refused.stderr));
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn a_death_while_results_are_read_again_leaves_the_old_or_the_new() {
    let (old, new) = {
        let (machine, scans) = aged();
        let old = told(&machine, &scans);
        assert_eq!(machine.run("one", &["findings", "reparse", &scans[1]]).status.code(), Some(0));
        (old, told(&machine, &scans))
    };
    assert_ne!(old, new);
    // Whether the scan that is read again says the new, and whether the one after it does.
    for (point, first, second) in [
        ("ingest.batch", false, false),
        ("ingest.identified", false, false),
        ("reparse.read", false, false),
        ("reparse.replaced", true, false),
        ("reparse.compared", true, true),
    ] {
        let (machine, scans) = aged();
        let old = told(&machine, &scans);
        let mut command = machine.command("one", &["findings", "reparse", &scans[1]]);
        let died = command.env("DRAGNET_FAIL", format!("{point}:abort")).output().unwrap();
        assert_eq!(died.status.code(), None, "{point} was reached: {}", text(&died.stderr));
        let now = told(&machine, &scans);
        let fresh = &new;
        for (at, is_new) in [(1, first), (0, second)] {
            let expected = if is_new { &fresh[at] } else { &old[at] };
            assert_eq!(stripped(&now[at]), stripped(expected), "{point}: scan {at}");
        }
        assert_eq!(machine.run("one", &["findings", "reparse", &scans[1]]).status.code(), Some(0), "{point}");
        let ended: Vec<_> = told(&machine, &scans).iter().map(stripped).collect();
        assert_eq!(ended, fresh.iter().map(stripped).collect::<Vec<_>>(), "{point}: the next one ends it");
        assert_eq!(machine.run("one", &["state", "verify"]).status.code(), Some(0), "{point}");
    }
}

/// What is told but for the times, which differ from machine to machine.
#[cfg(feature = "failpoints")]
fn stripped((summary, findings, gone, jobs): &(Value, Value, Value, Value)) -> (Value, Value, Value, Value) {
    let mut jobs = jobs.clone();
    for job in jobs.as_array_mut().unwrap() {
        job["started_at"] = Value::Null;
        job["finished_at"] = Value::Null;
    }
    (summary.clone(), findings.clone(), gone.clone(), jobs)
}

#[test]
fn all_findings_are_exported_with_their_history() {
    let machine = Machine::new();
    machine.import("one", &[EVAL, SQL], &[]);
    let name = |report: &Value, rule: &str| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().find(|one| one["rule"] == rule).unwrap()["fingerprint"].as_str().unwrap().to_owned()
    };
    let report = machine.report("one", &[]).report;
    let (eval, sql) = (name(&report, "eval"), name(&report, "sql"));
    machine.run("one", &["findings", "accept", &eval, "--reason", "known"]);
    let edited = (EVAL.0, EVAL.1, 12, "result = eval(user_input, other_context)");
    machine.import("one", &[edited, SHELL], &[]);
    machine.import("one", &[EVAL], &["--target", "host:b.example"]);
    let ask = |args: &[&str]| -> Vec<Value> {
        let output = machine.run("one", &[&["findings", "export"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = ask(&[]);
    assert_eq!(all.len(), 4, "{all:?}");
    let scans = machine.scans("one");
    let of_first = ask(&["--target-of", &scans[1]]);
    assert_eq!(of_first.len(), 3);
    let find = |name: &str| of_first.iter().find(|one| one["fingerprint"] == name).unwrap();
    let whats = |one: &Value| -> Vec<String> {
        one["history"].as_array().unwrap().iter().map(|step| step["what"].as_str().unwrap().to_owned()).collect()
    };
    let (eval, sql) = (find(&eval), find(&sql));
    assert_eq!((&eval["state"], &eval["decision"]["decision"]), (&json!("open"), &json!("accepted")));
    assert_eq!(whats(eval), ["new", "accepted", "drifted"]);
    assert_eq!(eval["last_seen"]["location"]["start_line"], 12);
    assert_eq!((&sql["state"], &sql["lines"][0]["scan"]), (&json!("fixed"), &json!(scans[1])));
    assert_eq!((whats(sql), &sql["last_seen"]["rule"]), (vec!["new".to_owned(), "fixed".to_owned()], &json!("sql")));
    let document = machine.run("one", &["findings", "export", "--format", "json"]).stdout;
    let document: Value = serde_json::from_slice(&document).unwrap();
    assert_eq!((&document["schema"], document["findings"].as_array().unwrap().len()), (&json!("dragnet.export/v1"), 4));
    let written = machine.run("one", &["findings", "export", "-o", "all.jsonl"]);
    assert!(text(&written.stderr).contains("4 findings written to all.jsonl"), "{}", text(&written.stderr));
}
