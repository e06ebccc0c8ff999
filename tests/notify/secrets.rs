//! Addresses of receivers are secrets: a planted one is nowhere but where the user has put it.

use std::path::Path;

use super::machine::{Machine, text};
use super::stub::{Answer, Stub};

const PLANTED: &str = "T0plantedP1anted";

fn holds(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds(&path, found);
        } else if std::fs::read(&path).unwrap().windows(PLANTED.len()).any(|bytes| bytes == PLANTED.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn an_address_is_nowhere_whatever_its_receiver_answers() {
    // It repeats what it was asked, and asks to be asked again.
    let stub = Stub::start(|_, request| {
        let status = if request.path.contains("refuse") { 404 } else { 503 };
        Answer::new(status)
            .header("Retry-After", "0")
            .body(format!("no hook at {} for {:?}", request.path, request.headers))
    });
    let host = &stub.host;
    let routes = [
        ("plain", "slack", format!("http://u:{PLANTED}@{host}/{PLANTED}?k={PLANTED}")),
        ("refused", "webhook", format!("http://{host}/refuse/{PLANTED}")),
        ("read", "discord", "file:address".to_owned()),
        ("away", "teams", format!("http://127.0.0.1:1/{PLANTED}")),
    ]
    .map(|(name, kind, url)| format!("[[notify]]\nname = '{name}'\nkind = '{kind}'\nurl = '{url}'\nevents = '*'\n"));
    let forge = format!(
        "[[notify]]\nname = 'forge'\nkind = 'github'\nurl = 'http://{host}'\nrepository = 'a/b'\ntoken = 'file:token'\n"
    );
    // With its secrets in the path, in a header, and behind the scheme of another.
    let traces = |name: &str, path: &str| {
        format!(
            "[[notify]]\nname = '{name}'\nkind = 'otlp'\nurl = 'http://{host}/{path}/{PLANTED}/v1/traces'\n\
             headers = {{ x-key = 'file:token', authorization = 'file:basic' }}\n"
        )
    };
    let machine = Machine::new(&(routes.concat() + &forge + &traces("traces", "busy") + &traces("untraced", "refuse")));
    machine.write("basic", &format!("Basic {PLANTED}"));
    machine.write("address", &format!("http://{host}/{PLANTED}\n"));
    machine.write("token", PLANTED);
    machine.import(3);
    let mut said = String::new();
    for args in [
        &["notify", "run", "-vv"][..],
        &["notify", "run", "-vv"],
        &["notify", "list"],
        &["notify", "list", "--format", "json"],
        &["notify", "test", "plain"],
        &["notify", "test", "refused"],
        &["notify", "test", "read"],
        &["notify", "test", "away"],
        &["notify", "test", "forge"],
        &["notify", "test", "traces"],
        &["notify", "test", "untraced"],
        &["config", "show"],
        &["config", "show", "--format", "json"],
        &["daemon", "--once", "-vv"],
        &["daemon", "status"],
        &["doctor"],
        &["notify", "resend", "--dead"],
    ] {
        let output = machine.run(args);
        said += &(text(&output.stdout) + &text(&output.stderr));
    }
    assert!(stub.seen().iter().filter(|request| request.path.contains(PLANTED)).count() > 4, "it was told");
    assert!(said.contains("‹hidden›") && said.contains(&format!("http://{host}")), "{said}");
    assert!(!said.contains(PLANTED), "{said}");
    let mut found = Vec::new();
    holds(&machine.path("state"), &mut found);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_broken_configuration_repeats_no_address() {
    for keys in
        ["kind = 'slack'\nurl = 'ftp://h/T0plantedP1anted'", "kind = 'slack'\nurl = ['https://h/T0plantedP1anted']"]
    {
        let machine = Machine::new(&format!("[[notify]]\nname = 'x'\n{keys}\n"));
        let output = machine.run(&["notify", "run"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("config.toml:"), "{}", text(&output.stderr));
        assert!(!text(&output.stderr).contains(PLANTED), "{}", text(&output.stderr));
    }
}
