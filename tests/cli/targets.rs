//! The registry of targets, and scans of what is in it.

use serde_json::Value;

use super::{Machine, text};

impl Machine {
    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[args, &["--format", "json"]].concat(), "").0).unwrap()
    }

    /// The names of the targets that a list has.
    fn names(&self, args: &[&str]) -> Vec<String> {
        let list = self.json(&[&["targets", "list"], args].concat());
        assert_eq!(list["schema"], "dragnet.targets/v1");
        let targets = list["targets"].as_array().unwrap().iter();
        targets.map(|target| target["name"].as_str().unwrap().to_owned()).collect()
    }

    fn add(&self, args: &[&str]) -> String {
        self.done(&[&["targets", "add"], args].concat(), "").1.replace(&*self.dir.path().to_string_lossy(), "~")
    }

    fn import(&self, list: &str, args: &[&str]) -> Value {
        let (summary, _) = self.done(&[&["targets", "import", "-", "--summary", "json"], args].concat(), list);
        serde_json::from_str::<Value>(&summary).unwrap()["import"].clone()
    }
}

/// What came of an import: added, updated, unchanged, repeated, refused.
fn tally(summary: &Value) -> [u64; 5] {
    ["added", "updated", "unchanged", "repeated", "refused"].map(|key| summary[key].as_u64().unwrap())
}

#[test]
fn a_target_is_registered_shown_changed_and_removed() {
    let machine = Machine::new();
    let said =
        machine.add(&[".", "--name", "shop", "--tag", "web", "--tag", "team/a", "-t", "secrets", "--note", "ours"]);
    assert_eq!(said, "`shop` is registered; `dragnet start @shop` scans it\n");
    insta::assert_snapshot!(machine.refused(2, &["targets", "add", "host:a", "--name", "shop"]), @r"
    error: the target `shop` is registered already, in project default
      help: `dragnet targets show shop` tells what it is; --update changes it
      help: --name NAME registers the target beside it
    ");
    let shown = machine.json(&["targets", "show", "shop"]);
    let target = &shown["target"]["target"];
    let tree = machine.path("project").canonicalize().unwrap();
    assert_eq!(target["target"], format!("dir:{}", tree.display()), "absolute");
    assert_eq!(target["tags"], serde_json::json!(["team/a", "web"]));
    assert_eq!((target["template"].as_str(), target["enabled"].as_bool()), (Some("secrets"), Some(true)));
    assert_eq!((target["project"].as_str(), target["organisation"].as_str()), (Some("default"), Some("default")));
    assert_eq!(shown["target"]["scans"], serde_json::json!([]));

    assert_eq!(
        machine.add(&[".", "--name", "shop", "--tag", "web", "--tag", "team/a", "--update"]),
        "`shop` is as it was\n"
    );
    assert_eq!(machine.add(&[".", "--name", "shop", "--tag", "api", "--note", "", "--update"]), "`shop` is changed\n");
    let (page, said) = machine.done(&["targets", "show", "shop"], "");
    assert!(
        page.contains("Tags        api\n") && page.contains("Template    secrets\n") && !page.contains("Note"),
        "{page}"
    );
    assert_eq!(said, "it was not scanned yet; `dragnet start @shop` scans it\n");

    assert_eq!(machine.done(&["targets", "disable", "shop"], "").1, "1 target disabled\n");
    assert_eq!(machine.done(&["targets", "disable", "shop"], "").1, "nothing to do: all are disabled\n");
    assert_eq!(machine.names(&["--enabled"]), [""; 0]);
    insta::assert_snapshot!(machine.refused(2, &["plan", "--no-engine", "@shop"]), @r"
    error: the target `shop` is disabled
      help: `dragnet targets enable shop` lets it be scanned
      help: `dragnet targets show shop` tells more
    ");
    assert_eq!(machine.done(&["targets", "enable", "shop"], "").1, "1 target enabled\n");
    assert_eq!(machine.done(&["targets", "remove", "shop"], "").1, "1 target removed; scans and findings stay\n");
    assert!(machine.refused(2, &["targets", "remove", "shop"]).contains("no target is registered as `shop`"));
}

#[test]
fn what_cannot_be_registered_is_refused_with_advice() {
    let machine = Machine::new();
    for (args, expected) in [
        (&["example.org"][..], "write KIND:VALUE, as in domain:example.org or host:example.org"),
        (&["host:a", "--tag", "Web"], "\"Web\" is no tag: lower-case letters"),
        (&["host:a", "--name", "all"], "a target cannot be named `all`"),
        (&["host:a", "--name", "tag:web"], "means something else"),
        (&["cidr:10.0.0.0/99"], "`10.0.0.0/99` is no cidr"),
        (&["host:"], "names nothing"),
        (&["git:https://me:token@h.example/r.git"], "git uses your own credentials"),
        (&["host:a", "-t", "secrts"], "there is no template called `secrts` (did you mean `secrets`?)"),
        (&["host:a", "--project", "a/b"], "is no name of an organisation or project"),
    ] {
        let said = machine.refused(2, &[&["targets", "add"], args].concat());
        assert!(said.contains(expected), "{args:?}: {said}");
    }
    let state = std::fs::read(machine.path(".local/state/dragnet/dragnet.db")).unwrap();
    assert!(!text(&state).contains("token"), "a refused password is in no file");
    assert_eq!(machine.names(&[]), [""; 0]);
    assert!(machine.add(&["dir:/nowhere/at all"]).contains("warning: /nowhere/at all is not there now"));
    assert!(machine.add(&["dir:/nowhere/at all", "--update"]).contains("as it was"));
}

#[test]
fn lists_are_filtered_and_come_in_every_format() {
    let machine = Machine::new();
    let (list, said) = machine.done(&["targets", "list"], "");
    assert_eq!((list.as_str(), said.contains("`dragnet targets add TARGET` registers one")), ("", true));
    for (target, more) in [
        ("domain:a.example", &["--tag", "x", "--tag", "y"][..]),
        ("domain:b.example", &["--tag", "x", "--disabled"]),
        ("host:c.example", &["--tag", "y", "--project", "web"]),
        (
            "host:d.example",
            &["--name", "\u{202e}evil", "--project", "web", "--organisation", "acme", "--template", "ports"],
        ),
    ] {
        machine.add(&[&[target], more].concat());
    }
    for (filter, expected) in [
        (&["--tag", "x"][..], &["domain:a.example", "domain:b.example"][..]),
        (&["--tag", "x", "--tag", "y"], &["domain:a.example"]),
        (&["--tag", "x", "--enabled"], &["domain:a.example"]),
        (&["--disabled"], &["domain:b.example"]),
        (&["--kind", "host", "--limit", "1"], &["host:c.example"]),
        (&["--project", "web", "--organisation", "default"], &["host:c.example"]),
        (&["--project", "web"], &["host:c.example", "\u{202e}evil"]),
        (&["--project", "none"], &[]),
        (&["--limit", "0"], &[]),
    ] {
        assert_eq!(machine.names(filter), expected, "{filter:?}");
    }
    insta::assert_snapshot!(machine.done(&["targets", "list"], "").0, @r"
    NAME              TARGET            STATE     TAGS  TEMPLATE  PROJECT
    domain:a.example  domain:a.example  enabled   x y   -         default
    domain:b.example  domain:b.example  disabled  x     -         default
    host:c.example    host:c.example    enabled   y     -         web
    evil              host:d.example    enabled   -     ports     acme/web
    ");
    assert!(machine.refused(2, &["targets", "list", "--kind", "hots"]).contains("host"));
    let said = machine.done(&["targets", "list", "--tag", "none"], "").1;
    assert_eq!(said, "no registered target is like that\n");
}

/// The targets of a list by their names, without the times.
fn timeless(list: &str) -> std::collections::BTreeMap<String, Value> {
    let values: Vec<Value> = match serde_json::from_str::<Value>(list) {
        Ok(document) => document["targets"].as_array().unwrap().clone(),
        Err(_) => list.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
    };
    assert_eq!(values.len(), 2);
    let target = |mut value: Value| {
        let fields = value.as_object_mut().unwrap();
        assert!(fields.remove("created_at").is_some() && fields.remove("updated_at").is_some());
        (fields["name"].to_string(), value)
    };
    values.into_iter().map(target).collect()
}

#[test]
fn a_list_that_we_wrote_is_one_that_we_read() {
    let machine = Machine::new();
    machine.add(&["host:a", "--name", "one", "--tag", "x", "--note", "a, \"b\"", "-t", "ports", "--project", "web"]);
    machine.add(&["domain:b.example", "--disabled"]);
    for format in ["json", "jsonl"] {
        let (list, _) = machine.done(&["targets", "list", "--format", format], "");
        assert_eq!(tally(&machine.import(&list, &[])), [0, 0, 2, 0, 0]);
        let other = machine.path(format);
        let state = other.to_str().unwrap();
        assert_eq!(tally(&machine.import(&list, &["--state", state])), [2, 0, 0, 0, 0]);
        let (again, _) = machine.done(&["--state", state, "targets", "list", "--format", format], "");
        // Merged in the order of projects and names, and when is another matter.
        assert_eq!(timeless(&again), timeless(&list));
    }
}

#[test]
fn imports_are_whole_and_can_be_repeated() {
    let machine = Machine::new();
    let list = "name,target,tags,enabled\none,host:a,x;y,\ntwo,host:b,x y,no\n,domain:c.example,,yes\n";
    machine.write("project/list.csv", list);
    let file = |args: &[&str]| machine.done(&[&["targets", "import", "list.csv"], args].concat(), "").1;
    assert_eq!(file(&["--dry-run"]), "nothing was written; it would be: 3 added, 0 updated, 0 unchanged\n");
    assert_eq!(machine.names(&[]), [""; 0]);
    assert_eq!(file(&["--tag", "inv"]), "3 added, 0 updated, 0 unchanged\n");
    assert_eq!(file(&["--tag", "inv"]), "0 added, 0 updated, 3 unchanged\n");
    assert_eq!(file(&[]), "0 added, 3 updated, 0 unchanged\n", "a list that names tags names all of them");
    assert_eq!(machine.names(&["--tag", "inv"]), [""; 0]);
    assert_eq!(machine.names(&["--tag", "x", "--disabled"]), ["two"]);
    // Plain lines say nothing of tags or states: what there is stays.
    let plain = "# ours\nc.example\nd.example # new\nd.example\n";
    let summary = machine.import(plain, &["--kind", "domain", "--tag", "plain"]);
    assert_eq!(tally(&summary), [1, 1, 0, 1, 0]);
    assert_eq!(machine.names(&["--tag", "plain"]), ["domain:c.example", "domain:d.example"]);

    let wrong = "name,target\nfive,host:e\nsix,f\none,cidr:x\nfive,host:f\n";
    machine.write("project/wrong.csv", wrong);
    insta::assert_snapshot!(machine.refused(2, &["targets", "import", "wrong.csv"]), @r"
    wrong.csv:3: `f` says no kind, and there is no such file or directory here
    wrong.csv:4: `x` is no cidr
    wrong.csv:5: line 2 says something else of the target `five`
    error: wrong.csv: 3 entries cannot be registered; nothing was written
      help: --skip-invalid leaves them out and registers the rest
    ");
    assert_eq!(machine.names(&[]).len(), 4);
    let summary = machine.import(wrong, &["--skip-invalid"]);
    assert_eq!(tally(&summary), [1, 0, 0, 0, 3]);
    assert_eq!(summary["refusals"][0]["line"], 3);
    for (list, args, expected) in [
        ("nme,target\nx,y\n", &[][..], "line 1: `nme` is nothing that can be said of a target (did you mean `name`?)"),
        ("[{\"target\":", &[], "line 1: EOF while parsing"),
        ("[\"host:a\"]", &["--format", "csv"], "line 1: "),
    ] {
        let mut command = machine.command(&[&["targets", "import", "-"], args].concat());
        let output = command.write_stdin(list).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), said.contains(expected)), (Some(2), true), "{said}");
        assert!(said.contains("standard input: ") && said.contains("nothing was written"), "{said}");
    }
    assert!(machine.refused(2, &["targets", "import", "nowhere.csv"]).contains("nowhere.csv cannot be read"));
    assert!(machine.refused(2, &["targets", "import", "."]).contains("it is a directory"));
}

#[cfg(feature = "failpoints")]
#[test]
fn a_long_list_lets_others_write_and_is_made_up_for_after_a_death() {
    let machine = Machine::new();
    let list = (0..12_000).map(|n| format!("{n}.example")).collect::<Vec<_>>().join("\n");
    let mut command = machine.command(&["targets", "import", "-", "--kind", "domain"]);
    let died = command.env("DRAGNET_FAIL", "targets.written:abort@1").write_stdin(list.as_str()).output().unwrap();
    assert_eq!(died.status.code(), None);
    assert_eq!(machine.names(&[]).len(), 5000, "the first slice");
    assert_eq!(tally(&machine.import(&list, &["--kind", "domain"])), [7000, 0, 5000, 0, 0]);
}

#[test]
fn what_a_list_says_does_not_reach_the_terminal() {
    let machine = Machine::new();
    machine.write(
        "project/evil.jsonl",
        "{\"target\":\"host:a\",\"\\u001b]0;owned\\u0007x\":1}\n{\"target\":\"\\u001b[2Jz\"}\n",
    );
    let said = machine.refused(2, &["targets", "import", "evil.jsonl"]);
    assert!(!said.contains('\u{1b}') && said.contains("evil.jsonl:2:"), "{said:?}");
}

#[test]
fn a_registered_target_is_planned_by_its_name() {
    let machine = Machine::new();
    machine.add(&[".", "--name", "shop", "--tag", "web", "-t", "secrets", "--project", "sales"]);
    // Whatever directory it is planned in: the file there is about that directory.
    machine.write("project/dragnet.toml", "[target]\nname = 'other'\n[scan]\ntemplate = 'code'\n");
    let plan = |args: &[&str]| machine.json(&[&["plan", "--no-engine"], args].concat())["plan"].clone();
    for text in ["@shop", "@tag:web", "@all"] {
        let plan = plan(&[text]);
        assert_eq!(
            (plan["template"].as_str(), plan["target_key"]["key"].as_str()),
            (Some("secrets"), Some("name:shop"))
        );
        assert_eq!(plan["owner"]["project"], "sales");
    }
    assert_eq!(plan(&["@shop", "-t", "code"])["template"], "code");
    assert!(text(&machine.run(&["plan", "--no-engine", "@shop"]).stdout).contains("Project   sales\n"));
    let own = plan(&[".", "--trust-project-config"]);
    assert_eq!((own["target_key"]["key"].as_str(), own.get("owner")), (Some("name:other"), None));

    machine.add(&["host:a.example", "--tag", "web"]);
    for (args, expected) in [
        (&["plan", "--no-engine", "@tag:web"][..], "@tag:web stands for 2 enabled targets"),
        (&["start", "@tag:web"], "--detach leaves their scans to drivers in the background"),
        (&["start", "@all", "--detach", "--max-targets", "1"], "--max-targets N starts more at once"),
        (&["plan", "--no-engine", "@tag:none"], "no enabled target is registered with the tag `none`"),
        (&["plan", "--no-engine", "@web"], "`web` is a tag: @tag:web stands for its targets"),
        (&["plan", "--no-engine", "@a.example"], "there is `host:a.example`"),
        (&["plan", "--no-engine", "@tag:Web"], "is no tag"),
        (&["plan", "--no-engine", "@"], "is no name for a target"),
        (
            &["plan", "--no-engine", ".", "--trust-project-config", "--project", "sales"],
            "choose among registered targets",
        ),
        (&["plan", "--no-engine", "@shop", "--project", "default"], "no target is registered as `shop`"),
    ] {
        let said = machine.refused(2, args);
        assert!(said.contains(expected), "{args:?}: {said}");
    }
    machine.add(&["host:b.example", "--name", "shop"]);
    let said = machine.refused(2, &["plan", "--no-engine", "@shop"]);
    assert!(said.contains("`shop` is registered in several projects: default, sales"), "{said}");
    assert_eq!(plan(&["@shop", "--project", "sales"])["owner"]["project"], "sales");
    std::fs::create_dir(machine.path("project/@types")).unwrap();
    let said = machine.refused(2, &["plan", "--no-engine", "@types"]);
    assert!(said.contains("the file or directory of that name is ./@types"), "{said}");
}

#[test]
fn scans_belong_to_the_target_and_its_project() {
    let machine = Machine::new();
    machine.add(&[".", "--name", "shop", "--project", "sales"]);
    machine.write(
        "project/out.sarif",
        r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"mine"}},"results":[
        {"ruleId":"r","level":"error","message":{"text":"bad"}}]}]}"#,
    );
    let import = |target: &str| {
        let args =
            ["import", "--scanner", "mine", "--as", "sarif", "--target", target, "out.sarif", "--format", "json"];
        serde_json::from_str::<Value>(&machine.done(&args, "").0).unwrap()
    };
    let first = import("@shop");
    assert_eq!((&first["scan"]["project"], &first["scan"]["target_key"]), (&"sales".into(), &"name:shop".into()));
    let second = import("@shop");
    assert_eq!(second["findings"][0]["standing"], "existing", "compared within the target: {second}");
    assert_eq!(import(".")["findings"][0]["standing"], "new", "the tree itself is another target");

    let shown = machine.json(&["targets", "show", "shop", "--limit", "5"]);
    let scans = shown["target"]["scans"].as_array().unwrap();
    let ids: Vec<&Value> = scans.iter().map(|scan| &scan["id"]).collect();
    assert_eq!(ids, [&second["scan"]["id"], &first["scan"]["id"]], "newest first");
    assert!(machine.done(&["targets", "show", "shop"], "").0.contains(ids[0].as_str().unwrap()));
    machine.done(&["targets", "remove", "shop"], "");
    assert_eq!(machine.json(&["list"])["scans"].as_array().unwrap().len(), 3, "no scan went with it");
}

#[test]
fn targets_are_changed_by_their_tags() {
    let machine = Machine::new();
    machine.import("a\nb\nc\n", &["--kind", "host", "--tag", "x"]);
    machine.import("d\n", &["--kind", "host", "--tag", "x", "--project", "web"]);
    assert_eq!(
        machine.done(&["targets", "disable", "--tag", "x", "--project", "default"], "").1,
        "3 targets disabled\n"
    );
    assert_eq!(machine.names(&["--enabled"]), ["host:d"]);
    assert!(
        machine.refused(2, &["targets", "enable", "--tag", "y"]).contains("no target is registered with the tag `y`")
    );
    assert!(
        machine.refused(2, &["targets", "enable", "host:a", "host:z"]).contains("no target is registered as `host:z`")
    );
    assert_eq!(machine.names(&["--enabled"]), ["host:d"], "all or none");
    assert_eq!(machine.run(&["targets", "remove"]).status.code(), Some(2));
    assert_eq!(
        machine.done(&["targets", "remove", "--tag", "x"], "").1,
        "4 targets removed; scans and findings stay\n"
    );
}
