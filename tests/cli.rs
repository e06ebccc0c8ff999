//! The program from outside: one clear message, the right exit code, and nothing but data on standard output.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use stub::{Answer, Stub};

#[expect(dead_code, reason = "others ask for more of it")]
#[path = "common/stub.rs"]
mod stub;

#[path = "cli/gate.rs"]
mod gate;
#[path = "cli/schedule.rs"]
mod schedule;
#[path = "cli/targets.rs"]
mod targets;

/// A new user's machine: no configuration, no state, no engine.
struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("project")).unwrap();
        std::fs::write(dir.path().join("project/app.py"), "print(1)\n").unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("dragnet").unwrap();
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path()).env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        command.current_dir(self.path("project")).args(args);
        command
    }

    /// Runs what must succeed, with this on standard input; returns what is printed and what is said.
    fn done(&self, args: &[&str], input: &str) -> (String, String) {
        let mut command = self.command(args);
        let output = command.write_stdin(input).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
        (text(&output.stdout), said)
    }

    /// Runs what must be refused; returns what is said, with this machine's paths taken out.
    fn refused(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{args:?}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
        said.replace(&*self.dir.path().to_string_lossy(), "~")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_is_data_and_touches_nothing() {
    let machine = Machine::new();
    for args in [&["--help"][..], &["start", "--help"], &["config", "trust", "--help"], &["--version"]] {
        let output = machine.run(args);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{args:?}");
        assert!(!output.stdout.is_empty());
    }
    assert!(!machine.path(".local").exists());
}

#[test]
fn wrong_words_are_refused_with_the_nearest_right_ones() {
    let machine = Machine::new();
    for (args, hint) in [
        (&["strat"][..], "start"),
        (&["start", "--fail-onn", "high"], "--fail-on"),
        (&["start", "--fail-on", "hihg"], "high"),
        (&["report", "--format", "jsn"], "json"),
        (&["start", "--report", "jsn=x"], "there is no format `jsn`"),
        (&["start", "--max-duration", "soon"], "`soon` is not a duration"),
    ] {
        let said = machine.refused(2, args);
        assert!(said.contains(hint), "{said}");
    }
    assert_eq!(machine.run(&[]).status.code(), Some(2));
}

#[test]
fn an_unknown_key_is_named_with_its_place() {
    let machine = Machine::new();
    machine.write("project/dragnet.toml", "[scan]\n\nparalelism = 3\n");
    insta::assert_snapshot!(machine.refused(2, &["plan", "--no-engine"]), @r"
    error: dragnet.toml:3: there is no key `scan.paralelism` (did you mean `parallelism`?)
      help: `dragnet config schema` describes every key; `dragnet config show --defaults` shows them with comments
    ");
}

#[test]
fn a_project_may_not_say_what_runs_until_it_is_trusted() {
    let machine = Machine::new();
    machine.write("project/dragnet.toml", "[scanners.gitleaks]\nimage = 'evil:1'\n");
    insta::assert_snapshot!(machine.refused(2, &["plan", "--no-engine"]), @r"
    error: dragnet.toml:2: `scanners.gitleaks.image` is for trusted files only: read the file, then run `dragnet config trust dragnet.toml`
      help: --trust-project-config trusts it for this one command
    ");
    let trusting = machine.run(&["plan", "--no-engine", "--trust-project-config"]);
    assert!(text(&trusting.stdout).contains("evil:1"));
    assert_eq!(machine.run(&["config", "trust"]).status.code(), Some(0));
    assert_eq!(machine.run(&["plan", "--no-engine"]).status.code(), Some(0));
    // Trust is in the bytes.
    machine.write("project/dragnet.toml", "[scanners.gitleaks]\nimage = 'evil:2'\n");
    machine.refused(2, &["plan", "--no-engine"]);
    // Scans that exist already are nothing of this project's.
    assert_eq!(machine.run(&["list"]).status.code(), Some(0));
}

#[test]
fn a_target_that_is_not_there_is_named() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.refused(2, &["plan", "--no-engine", "nowhere"]), @r"
    error: cannot open nowhere: No such file or directory (os error 2)
      help: a target is a path, or KIND:VALUE, as in host:example.org
    ");
    assert!(machine.refused(2, &["plan", "--no-engine", "host:"]).contains("names nothing"));
}

#[test]
fn steps_that_need_one_another_are_named() {
    let machine = Machine::new();
    let step = |id, need| format!("[[steps]]\nid = '{id}'\nscanner = 'gitleaks'\nneeds = ['{need}']\n");
    machine.write("project/loop.toml", &[step("a", "b"), step("b", "a")].concat());
    insta::assert_snapshot!(machine.refused(2, &["plan", "--no-engine", "-t", "loop.toml"]), @r"
    error: steps need one another: a → b → a
      help: see the steps of the template: `dragnet templates NAME`
    ");
}

#[test]
fn an_edited_plan_is_refused() {
    let machine = Machine::new();
    let planned = machine.run(&["plan", "--no-engine", "-o", "plan.json", "--scanner", "gitleaks"]);
    assert_eq!(planned.status.code(), Some(0), "{}", text(&planned.stderr));
    let plan = std::fs::read_to_string(machine.path("project/plan.json")).unwrap();
    machine.write("project/plan.json", &plan.replace("\"parallelism\": 4", "\"parallelism\": 400"));
    let said = machine.refused(2, &["start", "plan.json"]);
    assert!(said.starts_with("error: plan.json: the plan was changed after it was written"), "{said}");
    machine.write("project/plan.json", "{}");
    assert!(machine.refused(2, &["start", "plan.json"]).contains("not a plan"));
    machine.write("project/plan.json", &plan);
    let said = machine.refused(2, &["start", "plan.json", "--parallelism", "2"]);
    assert!(said.contains("--parallelism cannot change the plan"), "{said}");
}

#[test]
fn a_plan_in_json_is_the_file_that_start_runs() {
    let machine = Machine::new();
    let printed = machine.run(&["plan", "--no-engine", "--format", "json", "--scanner", "gitleaks"]);
    let plan = dragnet::plan::read(&text(&printed.stdout)).unwrap();
    assert_eq!(plan.steps[0].scanner.name, "gitleaks");
}

#[test]
fn without_an_engine_the_code_is_6() {
    let machine = Machine::new();
    for args in [&["start"][..], &["plan"], &["gc"]] {
        let said = machine.refused(6, args);
        assert!(said.contains("the engine cannot be reached") && said.contains("dragnet doctor"), "{said}");
    }
    let doctor = machine.run(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(6));
    assert!(text(&doctor.stdout).contains("✗ engine"));
}

#[test]
fn scans_that_do_not_exist_are_no_mystery() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.refused(2, &["report", "zzzz"]), @r"
    error: there is no scan `zzzz`
      help: `dragnet list` shows the scans of this state; `latest` stands for the newest
    ");
    assert!(machine.refused(2, &["watch"]).contains("there is no scan yet"));
    for args in [
        &["cancel", "zzzz"][..],
        &["show", "zzzz"],
        &["logs", "zzzz", "x"],
        &["findings", "zzzz"],
        &["pause", "zzzz"],
        &["resume", "zzzz"],
    ] {
        machine.refused(2, args);
    }
}

#[test]
fn a_newer_database_is_left_alone() {
    let machine = Machine::new();
    assert_eq!(machine.run(&["--state", "state", "list"]).status.code(), Some(0));
    let database = machine.path("project/state/dragnet.db");
    // The schema's version is the big-endian number at offset 60 of the file (sqlite.org/fileformat2, 1.3).
    let mut bytes = std::fs::read(&database).unwrap();
    bytes[60..64].copy_from_slice(&999_u32.to_be_bytes());
    for leftover in ["dragnet.db-wal", "dragnet.db-shm"] {
        drop(std::fs::remove_file(machine.path("project/state").join(leftover)));
    }
    std::fs::write(&database, bytes).unwrap();
    let said = machine.refused(6, &["--state", "state", "list"]);
    assert!(said.contains("schema version 999") && said.contains("--state"), "{said}");
}

#[test]
fn a_state_that_cannot_be_written_to_is_named() {
    let machine = Machine::new();
    // Nobody, root included, makes directories in /proc.
    let said = machine.refused(6, &["--state", "/proc/dragnet", "list"]);
    assert!(said.contains("the state directory /proc/dragnet cannot be"), "{said}");
}

#[test]
fn a_report_that_has_no_place_is_refused_before_anything_runs() {
    let machine = Machine::new();
    let said = machine.refused(2, &["start", "--report", "json=no/such/place.json"]);
    assert!(said.contains("no/such/place.json cannot be written"), "{said}");
}

#[test]
fn the_state_comes_back_from_a_backup() {
    let machine = Machine::new();
    assert_eq!(machine.run(&["state", "backup", "copy"]).status.code(), Some(0));
    assert_eq!(machine.run(&["--state", "other", "state", "restore", "copy"]).status.code(), Some(0));
    assert_eq!(machine.run(&["--state", "other", "state", "verify"]).status.code(), Some(0));
    machine.refused(2, &["--state", "other", "state", "restore", "copy"]);
    assert!(Path::new(text(&machine.run(&["state", "path"]).stdout).trim()).join("dragnet.db").exists());
}

#[test]
fn tables_have_json_beside_them() {
    let machine = Machine::new();
    for (args, schema) in [
        (&["list"][..], "dragnet.scans/v1"),
        (&["scanners"], "dragnet.scanners/v1"),
        (&["scanners", "bandit"], "dragnet.scanner/v1"),
        (&["templates"], "dragnet.templates/v1"),
        (&["config", "show"], "dragnet.config/v1"),
        (&["doctor"], "dragnet.doctor/v1"),
    ] {
        let output = machine.run(&[args, &["--format", "json"]].concat());
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(value["schema"], schema, "{args:?}");
    }
}

#[test]
fn a_template_that_is_printed_can_be_planned() {
    let machine = Machine::new();
    let template = machine.run(&["templates", "code"]);
    machine.write("project/mine.toml", &text(&template.stdout));
    let planned = machine.run(&["plan", "--no-engine", "-t", "mine.toml"]);
    assert_eq!(planned.status.code(), Some(0), "{}", text(&planned.stderr));
}

const REPORT: &str = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"mine"}},"results":[
  {"ruleId":"R1","level":"error","message":{"text":"bad"},"locations":[{"physicalLocation":
    {"artifactLocation":{"uri":"app.py"},"region":{"startLine":1}}}]}]}]}"#;

#[test]
fn imported_results_are_a_scan_like_any_other() {
    let machine = Machine::new();
    machine.write("project/results.sarif", REPORT);
    let import = |extra: &[&str]| machine.run(&[&["import", "--scanner", "mine", "results.sarif"], extra].concat());
    let refused = import(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("there is no scanner called `mine`"));
    let clean = import(&["--as", "sarif", "--quiet"]);
    assert_eq!((clean.status.code(), text(&clean.stderr)), (Some(0), String::new()));
    let gated = import(&["--as", "sarif", "--fail-on", "high", "--format", "json"]);
    assert_eq!(gated.status.code(), Some(1), "{}", text(&gated.stderr));
    let report: serde_json::Value = serde_json::from_slice(&gated.stdout).unwrap();
    assert_eq!(report["findings"][0]["rule"], "R1");

    // The same finding in both scans.
    let fingerprint = |scan: &str| {
        let output = machine.run(&["findings", scan, "--format", "jsonl"]);
        let finding: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (finding["fingerprint"].clone(), finding["standing"].clone())
    };
    let scans: serde_json::Value = serde_json::from_slice(&machine.run(&["list", "--format", "json"]).stdout).unwrap();
    let ids: Vec<&str> = scans["scans"].as_array().unwrap().iter().map(|scan| scan["id"].as_str().unwrap()).collect();
    let ((again, existing), (first, new)) = (fingerprint(ids[0]), fingerprint(ids[1]));
    assert_eq!((again, existing, new), (first, "existing".into(), "new".into()));
    assert_eq!(machine.run(&["report", ids[0], "--fail-on", "new:high"]).status.code(), Some(0));
    assert_eq!(machine.run(&["report", ids[1], "--fail-on", "new:high"]).status.code(), Some(1));

    // What has ended can be asked for and not be changed.
    assert_eq!(machine.run(&["report"]).status.code(), Some(0));
    assert_eq!(machine.run(&["report", "--fail-on", "high"]).status.code(), Some(1));
    assert_eq!(machine.run(&["report", "--require-complete"]).status.code(), Some(0));
    for verb in ["cancel", "pause", "resume"] {
        let output = machine.run(&[verb, "latest"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stderr).contains("has ended already: completed"));
    }
    let watched = machine.run(&["watch", "--format", "json"]);
    assert_eq!(watched.status.code(), Some(0), "{}", text(&watched.stderr));
    let printed = text(&watched.stdout);
    let events = printed.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let end = events.rev().find(|event| event["event"] == "scan_state").unwrap();
    assert_eq!(end["to"], "completed");
    assert!(text(&machine.run(&["show", "latest/mine"]).stdout).contains("cleaned"));
}

#[test]
fn results_that_do_not_read_never_look_clean() {
    let machine = Machine::new();
    machine.write("project/cut.sarif", &REPORT[..REPORT.len() / 2]);
    let output = machine.run(&["import", "--scanner", "mine", "--as", "sarif", "cut.sarif"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("INCOMPLETE"));
    assert_eq!(machine.run(&["report", "--require-complete"]).status.code(), Some(3));
}

#[test]
fn an_ambiguous_beginning_of_an_id_is_refused() {
    let machine = Machine::new();
    machine.write("project/results.sarif", REPORT);
    // Of 33 ids two begin with the same of 32 letters.
    let mut seen = std::collections::HashSet::new();
    let twice = (0..33).find_map(|_| {
        let output =
            machine.run(&["import", "--scanner", "mine", "--as", "sarif", "--format", "json", "results.sarif"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let first = report["scan"]["id"].as_str().unwrap()[..1].to_owned();
        (!seen.insert(first.clone())).then_some(first)
    });
    let said = machine.refused(2, &["report", &twice.unwrap()]);
    assert!(said.contains("several ids begin so"), "{said}");
}

/// An archive of the project, with a directory around it as releases have.
fn archive_of(machine: &Machine) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_dir_all("project-1.0", machine.path("project")).unwrap();
    zstd::encode_all(builder.into_inner().unwrap().as_slice(), 1).unwrap()
}

/// Returns the hash of the source that a plan of the target names.
fn planned(machine: &Machine, target: &str) -> String {
    let output = machine.run(&["--state", "../state", "plan", target, "--no-engine", "--format", "json"]);
    assert!(output.status.success(), "{target}: {}", text(&output.stderr));
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    plan["plan"]["source"]["sha256"].as_str().unwrap().to_owned()
}

#[test]
fn an_archive_is_scanned_like_the_tree_in_it() {
    let machine = Machine::new();
    let archive = archive_of(&machine);
    std::fs::write(machine.path("a.tar.zst"), &archive).unwrap();
    let tree = planned(&machine, ".");
    assert_eq!(planned(&machine, "archive:../a.tar.zst"), tree);

    // Over the network: once cut off, once led on.
    let tries = std::sync::atomic::AtomicU32::new(0);
    let server = Stub::start(move |host, request| match request.path.as_str() {
        "/release?key=1" => Answer::new(302).header("Location", format!("http://{host}/a")),
        "/a" if tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => {
            Answer::new(200).body(&archive[..archive.len() / 2]).cut(archive.len())
        }
        "/a" => Answer::new(200).body(archive.clone()),
        _ => Answer::new(404),
    });
    assert_eq!(planned(&machine, &format!("archive:http://{}/release?key=1", server.host)), tree);
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn an_archive_that_is_none_is_refused_and_nothing_of_it_stays() {
    let machine = Machine::new();
    let server = Stub::start(|host, request| match request.path.as_str() {
        "/circle" => Answer::new(302).header("Location", "/circle"),
        "/page" => Answer::new(200).body("<html>please log in</html>"),
        "/file" => Answer::new(302).header("Location", "file:///etc/passwd"),
        _ => Answer::new(404).body(format!("{host} has no such thing")),
    });
    machine.write("short.tar.gz", "\u{1f}not really");
    for (target, words) in [
        ("archive:../short.tar.gz".to_owned(), "it is no tar"),
        ("archive:../absent.tar".to_owned(), "cannot open"),
        (format!("archive:http://{}/page", server.host), "it is no tar"),
        (format!("archive:http://{}/circle", server.host), "on and on"),
        (format!("archive:http://{}/file", server.host), "not encrypted"),
        (format!("archive:http://{}/absent?key=s3cret", server.host), "404"),
        (format!("archive:http://user:s3cret@{}/a", server.host), "stand in every report"),
        ("archive:ftp://h.example/a.tar".to_owned(), "https and http only"),
    ] {
        let said = machine.refused(2, &["--state", "../state", "plan", &target, "--no-engine"]);
        assert!(said.contains(words), "{target}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    let left = std::fs::read_dir(machine.path("state/artifacts/src"));
    assert_eq!(left.into_iter().flatten().count(), 0);
}

#[test]
fn what_was_decided_of_a_finding_holds_in_the_scans_that_follow() {
    let machine = Machine::new();
    machine.write("project/results.sarif", REPORT);
    let import =
        || machine.run(&["import", "--scanner", "mine", "--as", "sarif", "results.sarif", "--fail-on", "high"]);
    assert_eq!(import().status.code(), Some(1));
    let json = |args: &[&str]| -> serde_json::Value { serde_json::from_slice(&machine.run(args).stdout).unwrap() };
    let list = json(&["findings", "--format", "json"]);
    let name = list["findings"][0]["fingerprint"].as_str().unwrap().to_owned();

    // A wrong name, or a day that is over, changes nothing.
    let wrong = machine.run(&["findings", "suppress", "v1:00ff00ff", "--reason", "x"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text(&wrong.stderr).contains("no finding's fingerprint begins with `v1:00ff00ff`"),
        "{}",
        text(&wrong.stderr)
    );
    let late = machine.run(&["findings", "accept", &name[..9], "--reason", "x", "--until", "2020-01-01"]);
    assert_eq!(late.status.code(), Some(2), "{}", text(&late.stderr));
    assert_eq!(machine.run(&["report", "--fail-on", "high"]).status.code(), Some(1));

    let accepted = machine.run(&["findings", "accept", &name[..9], "--reason", "next release", "--until", "30d"]);
    assert_eq!(accepted.status.code(), Some(0), "{}", text(&accepted.stderr));
    assert_eq!(machine.run(&["report", "--fail-on", "high"]).status.code(), Some(0));
    assert_eq!(import().status.code(), Some(0), "it holds for the next scan");
    let report = json(&["report", "--format", "json", "--fail-on", "high"]);
    assert_eq!(report["findings"][0]["muting"]["decision"], "accepted");
    assert_eq!(report["summary"]["muted"], serde_json::json!({"person": 1}));
    let sarif = json(&["report", "--format", "sarif"]);
    let suppression = &sarif["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!((&suppression["kind"], &suppression["justification"]), (&"external".into(), &"next release".into()));
    assert!(text(&machine.run(&["findings", "show", &name]).stdout).contains("accepted by"));

    assert_eq!(machine.run(&["findings", "reopen", &name]).status.code(), Some(0));
    assert_eq!(machine.run(&["report", "--fail-on", "high"]).status.code(), Some(1));
    let history = json(&["findings", "history", &name, "--format", "json"]);
    let steps: Vec<&str> =
        history["history"].as_array().unwrap().iter().map(|step| step["what"].as_str().unwrap()).collect();
    assert_eq!(steps, ["new", "accepted", "opened"]);
}
