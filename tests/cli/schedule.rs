//! `dragnet schedule` without an engine.

use super::{Machine, text};

const NIGHTLY: &str =
    "[[schedules]]\nname = 'nightly'\ncron = '0 3 * * *'\ntime_zone = 'Europe/Berlin'\ntarget = 'host:a.example'\n";
const CONFIG: &str = ".config/dragnet/config.toml";

fn machine(config: &str) -> Machine {
    let machine = Machine::new();
    std::fs::create_dir_all(machine.path(".config/dragnet")).unwrap();
    machine.write(CONFIG, config);
    machine
}

#[test]
fn what_is_wrong_with_a_schedule_is_pointed_at() {
    let machine = machine("[[schedules]]\nname = 'a'\ncron = '0 25 * * *'\ntarget = 'host:a'\n");
    insta::assert_snapshot!(machine.refused(2, &["schedule", "list"]), @r"
    error: ~/.config/dragnet/config.toml:3: `schedules.cron`: `25` is no hour: 0-23, as in 3, 8-17 or */6
        0 25 * * *
          ^^
      help: `dragnet config schema` describes every key; `dragnet config show --defaults` shows them with comments
    ");
    machine.write(CONFIG, &NIGHTLY.replace("Berlin", "Berlim"));
    insta::assert_snapshot!(machine.refused(2, &["schedule", "run-due"]), @r"
    error: ~/.config/dragnet/config.toml:4: `schedules.time_zone`: there is no time zone `Europe/Berlim` (did you mean `Europe/Berlin`?); write one as in Europe/Berlin
      help: `dragnet config schema` describes every key; `dragnet config show --defaults` shows them with comments
    ");
    machine.write(CONFIG, NIGHTLY);
    insta::assert_snapshot!(machine.refused(2, &["schedule", "run", "nigthly"]), @r"
    error: there is no schedule `nigthly` (did you mean `nightly`?)
      help: `dragnet schedule list` shows them; they are `[[schedules]]` of your configuration, `dragnet config path` names the file
    ");
    machine.write(CONFIG, "");
    machine.write("project/dragnet.toml", NIGHTLY);
    insta::assert_snapshot!(machine.refused(2, &["plan", "--no-engine", "--trust-project-config"]), @r"
    error: dragnet.toml:1: `schedules` cannot be in a project's file, trusted or not
      help: schedules run whatever directory you are in: put them into your own configuration, `dragnet config path` names it
    ");
}

#[test]
fn schedules_are_listed_with_what_comes() {
    let machine = machine(NIGHTLY);
    let output = machine.run(&["schedule", "next", "nightly", "-n", "3", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["schema"], "dragnet.ticks-to-come/v1");
    let ticks = told["ticks"].as_array().unwrap();
    assert_eq!(ticks.len(), 3);
    for tick in ticks {
        let local = tick["local"].as_str().unwrap();
        assert!(local.contains(" 03:00:00 CE"), "{local}");
        assert_eq!(tick["due"], tick["starts"]);
    }
    let output = machine.run(&["schedule", "list", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let schedule = &told["schedules"][0];
    assert_eq!(
        (&schedule["name"], &schedule["when"], &schedule["state"]),
        (&"nightly".into(), &"at 03:00".into(), &"new".into())
    );
    assert_eq!(schedule["next"], ticks[0]["starts"]);
    let table = text(&machine.run(&["schedule", "list"]).stdout);
    assert!(table.starts_with("SCHEDULE  WHEN"), "{table}");
    assert!(table.contains("nightly   at 03:00"), "{table}");
}

#[test]
fn without_schedules_there_is_nothing_to_do() {
    let machine = machine("");
    for args in [&["schedule", "list"][..], &["schedule", "next"], &["schedule", "history"], &["schedule", "run-due"]] {
        let output = machine.run(args);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), String::new()), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn a_schedule_rests_and_goes_on() {
    let machine = machine(NIGHTLY);
    let state = || {
        let output = machine.run(&["schedule", "list", "--format", "json"]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["schedules"][0].clone()
    };
    let said = |args: &[&str]| {
        let output = machine.run(args);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    assert!(said(&["schedule", "run-due"]).starts_with("nothing is due; next 20"));
    assert_eq!(state()["state"], "active");
    assert!(said(&["schedule", "pause", "nightly"]).starts_with("schedule nightly rests"));
    assert!(said(&["schedule", "pause", "nightly"]).contains("rested already"));
    assert_eq!((&state()["state"], &state()["next"]), (&"paused".into(), &serde_json::Value::Null));
    assert!(said(&["schedule", "run-due"]).starts_with("nothing is due, ever"));
    assert!(said(&["schedule", "resume", "nightly"]).starts_with("schedule nightly goes on"));
    assert_eq!(state()["state"], "active");
}

#[test]
fn a_scan_that_cannot_be_started_is_recorded() {
    let machine = machine(NIGHTLY);
    let said = machine.refused(6, &["schedule", "run", "nightly"]);
    assert!(said.contains("docker.sock"), "{said}");
    let output = machine.run(&["schedule", "history", "nightly", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let tick = &told["ticks"][0];
    assert_eq!((&tick["state"], &tick["reason"], &tick["manual"]), (&"skipped".into(), &"failed".into(), &true.into()));
    assert!(tick["message"].as_str().unwrap().contains("docker.sock"), "{tick}");
}
