//! A server that stands for GitHub, and one for GitLab.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::machine::Machine;
use super::stub::{Answer, Request, Stub};

/// The issues of a repository.
#[derive(Clone, Default)]
struct Issues(Arc<Mutex<Vec<Value>>>);

impl Issues {
    fn open(&self, key: &str, state: &str) -> Vec<Value> {
        self.0.lock().unwrap().iter().filter(|issue| issue[key] == state).cloned().collect()
    }

    /// Does what a request asks, by the names that a forge has for things.
    fn serve(&self, request: &Request, names: (&str, &str, &str)) -> Answer {
        let (open, number, base) = names;
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let path = request.path.split('?').next().unwrap();
        let Some(rest) = path.strip_prefix(base) else { return Answer::new(404) };
        let ok = |value: &Value| Answer::new(200).body(value.to_string());
        let mut issues = self.0.lock().unwrap();
        let answer = match (request.method.as_str(), rest) {
            ("GET", "") => ok(&json!({})),
            ("GET", "/issues") => ok(&issues.iter().filter(|issue| issue["state"] == open).cloned().collect()),
            ("POST", "/issues") => {
                let mut issue = body;
                issue["state"] = open.into();
                issue[number] = (issues.len() + 7).into();
                issues.push(issue);
                Answer::new(201).body("{}")
            }
            ("PATCH" | "PUT", rest) => {
                let wanted: u64 = rest.strip_prefix("/issues/").unwrap().parse().unwrap();
                let issue = issues.iter_mut().find(|issue| issue[number] == wanted).unwrap();
                for (key, value) in body.as_object().unwrap() {
                    let key = if key == "state_event" { "state" } else { key };
                    issue[key] = if value == "close" { "closed".into() } else { value.clone() };
                }
                ok(&json!({}))
            }
            _ => Answer::new(404),
        };
        drop(issues);
        answer
    }
}

fn one_issue_for_a_target(
    kind: &str,
    base: &'static str,
    open: &'static str,
    number: &'static str,
    header: &str,
    token: &str,
) {
    let issues = Issues::default();
    let of_stub = issues.clone();
    let stub = Stub::start(move |_, request| of_stub.serve(request, (open, number, base)));
    let machine = Machine::new(&format!(
        "[gate]\nfail_on = 'high'\n[[notify]]\nname = 'forge'\nkind = '{kind}'\nurl = 'http://{}'\nrepository = 'acme/shop'\n\
         token = 'file:token'\n",
        stub.host
    ));
    machine.write("token", "t0ken-value\n");
    assert!(machine.say(&["notify", "test", "forge"]).contains("the repository can be read"));
    let import = |findings: &str| {
        machine.write(
            "r.sarif",
            &format!(r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"m"}}}},"results":[{findings}]}}]}}"#),
        );
        machine.run(&["import", "--scanner", "mine", "--as", "sarif", "--quiet", "r.sarif"]);
        machine.say(&["notify", "run"]);
    };
    let bad = r#"{"ruleId":"R","level":"error","message":{"text":"x"}}"#;
    import(bad);
    import(bad);
    assert_eq!(issues.open("state", open).len(), 1, "{:?}", machine.notifications());
    // What was delivered is delivered once more: the issue is the same.
    let id = machine.notifications()[0]["id"].as_str().unwrap().to_owned();
    machine.say(&["notify", "resend", &id]);
    assert_eq!(issues.open("state", open).len(), 1);
    import("");
    assert_eq!((issues.open("state", open).len(), issues.open("state", "closed").len()), (0, 1));
    assert!(stub.seen().iter().all(|request| request.header(header) == Some(token)));
    assert!(machine.states().iter().all(|state| state == "delivered"));
}

#[test]
fn github_has_one_issue_for_a_target_until_it_is_clean() {
    one_issue_for_a_target("github", "/repos/acme/shop", "open", "number", "authorization", "Bearer t0ken-value");
}

#[test]
fn gitlab_has_one_issue_for_a_target_until_it_is_clean() {
    one_issue_for_a_target("gitlab", "/projects/acme%2Fshop", "opened", "iid", "private-token", "t0ken-value");
}
