//! What receivers are told, and what becomes of what they do not take.

use std::sync::{Arc, Mutex};

use super::machine::{Machine, flaky, ids, json, webhook, willing};
use super::stub::{Answer, Stub};

#[test]
fn only_what_happens_from_then_on_is_told_and_that_once() {
    let (machine, stub) = (Machine::new(""), willing());
    machine.import(1);
    machine.configure(&webhook("ops", &stub, ""));
    assert!(machine.say(&["notify", "run"]).contains("0 notifications written down, 0 delivered"));
    let scan = machine.import(2);
    assert!(machine.say(&["notify", "run"]).contains("1 notification written down, 1 delivered"));
    assert!(machine.say(&["notify", "run"]).contains("0 notifications written down, 0 delivered"));
    let seen = stub.seen();
    assert_eq!(seen.len(), 1);
    let (body, request) = (json(&seen[0]), &seen[0]);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook"));
    assert_eq!((&body["schema"], &body["event"]), (&"dragnet.notification/v1".into(), &"scan.completed".into()));
    assert_eq!((&body["scan"]["id"], &body["scan"]["verdict"]), (&scan.into(), &"clean".into()));
    assert_eq!(body["scan"]["new"], serde_json::json!({ "low": 1 }));
    assert_eq!(body["id"], request.header("webhook-id").unwrap());
}

#[test]
fn what_happens_while_a_route_is_switched_off_is_not_told() {
    let stub = willing();
    let machine = Machine::new(&webhook("ops", &stub, ""));
    machine.say(&["notify", "run"]);
    machine.configure(&webhook("ops", &stub, "enabled = false"));
    machine.import(1);
    machine.say(&["notify", "run"]);
    machine.configure(&webhook("ops", &stub, ""));
    machine.say(&["notify", "run"]);
    assert_eq!(stub.seen().len(), 0);
}

#[test]
fn a_scan_that_ended_before_the_first_run_is_told_if_the_route_was_there() {
    let stub = willing();
    let machine = Machine::new(&webhook("ops", &stub, ""));
    machine.import(1);
    machine.say(&["notify", "run"]);
    assert_eq!(stub.seen().len(), 1);
}

#[test]
fn new_findings_are_one_notification_with_the_worst_of_them() {
    let stub = willing();
    let config = format!(
        "[[notify]]\nname = 'new'\nkind = 'webhook'\nurl = 'http://{0}/new'\nevents = 'finding.new'\n\
         [[notify]]\nname = 'high'\nkind = 'slack'\nurl = 'http://{0}/high'\nevents = ['finding.*']\nmin_severity = 'high'\n",
        stub.host
    );
    let machine = Machine::new(&config);
    machine.import(50);
    machine.say(&["notify", "run"]);
    let seen = stub.seen();
    assert_eq!(seen.len(), 2);
    let of = |path: &str| json(seen.iter().find(|request| request.path == path).unwrap());
    let findings = of("/new")["findings"].clone();
    assert_eq!(findings["counts"], serde_json::json!({ "high": 25, "low": 25 }));
    assert_eq!((findings["worst"].as_array().unwrap().len(), &findings["more"]), (20, &30.into()));
    assert!(findings["worst"].as_array().unwrap().iter().all(|one| one["severity"] == "high"));
    let slack = of("/high").to_string();
    assert!(slack.contains("25 new findings: 25 high") && slack.contains("… and 5 more"), "{slack}");
    assert!(!slack.contains("<!channel>"), "{slack}");

    // The same findings are no news.
    machine.import(50);
    machine.say(&["notify", "run"]);
    assert_eq!(stub.seen().len(), 2);
}

#[test]
fn what_failed_is_delivered_again_with_its_id_and_its_body() {
    let again = |status| Answer::new(status).header("Retry-After", "0");
    let stub = flaky(vec![again(500), again(429), again(408), again(503).cut(10)]);
    let machine = Machine::new(&webhook("ops", &stub, "secret = 'file:key'"));
    machine.write("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    machine.import(1);
    for _ in 0..5 {
        machine.say(&["notify", "run"]);
    }
    let (ids, seen) = (ids(&stub), stub.seen());
    assert_eq!(ids.len(), 5);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(seen.iter().all(|request| request.body == seen[0].body));
    assert!(seen.iter().all(|request| request.header("webhook-signature").unwrap().starts_with("v1,")));
    let notification = machine.notifications().remove(0);
    assert_eq!((&notification["state"], &notification["attempts"]), (&"delivered".into(), &5.into()));
    assert_eq!(notification["id"], ids[0].as_str());
}

#[test]
fn what_is_refused_is_given_up_at_once_and_can_be_sent_again() {
    let (refusing, other) = (flaky(vec![Answer::new(404).body("no such hook")]), willing());
    let machine = Machine::new(&(webhook("bad", &refusing, "") + &webhook("good", &other, "")));
    machine.import(1);
    let said = machine.say(&["notify", "run"]);
    assert!(said.contains("route bad: 404 Not Found: no such hook; it was given up"), "{said}");
    assert_eq!(other.seen().len(), 1);
    assert!(machine.say(&["notify", "list", "--dead"]).contains("no such hook"));
    machine.say(&["notify", "run"]);
    assert_eq!(refusing.seen().len(), 1);
    machine.say(&["notify", "resend", "--dead"]);
    assert_eq!(ids(&refusing)[0], ids(&refusing)[1]);
    assert_eq!(machine.states(), ["delivered", "delivered"]);
    let delivered = machine.notifications()[0]["id"].as_str().unwrap().to_owned();
    machine.say(&["notify", "resend", &delivered]);
    assert_eq!(refusing.seen().len() + other.seen().len(), 4);
    let unknown = machine.run(&["notify", "resend", "msg_nothing"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn nobody_is_led_elsewhere() {
    let elsewhere = willing();
    let there = format!("http://{}/", elsewhere.host);
    let stub = Stub::start(move |_, _| Answer::new(307).header("Location", there.clone()));
    let machine = Machine::new(&webhook("ops", &stub, ""));
    machine.import(1);
    assert!(machine.say(&["notify", "run"]).contains("it leads elsewhere, which is not followed"));
    assert_eq!((stub.seen().len(), elsewhere.seen().len()), (1, 0));
    assert_eq!(machine.states(), ["dead"]);
}

#[test]
fn metadata_services_are_not_asked() {
    let route = "[[notify]]\nname = 'x'\nkind = 'webhook'\nurl = 'http://169.254.169.254/latest'\nevents = 'scan.*'\n";
    let machine = Machine::new(route);
    machine.import(1);
    let said = machine.say(&["notify", "run"]);
    assert!(said.contains("link-local or that of a metadata service; it was given up"), "{said}");
}

#[test]
fn a_receiver_that_hangs_holds_up_no_other() {
    let gate = Arc::new(Mutex::new(()));
    let (closed, of_stub) = (gate.lock().unwrap(), Arc::clone(&gate));
    let hanging = Stub::start(move |_, _| {
        drop(of_stub.lock());
        Answer::new(200)
    });
    let other = willing();
    let machine = Machine::new(&(webhook("a", &hanging, "timeout = '300ms'") + &webhook("b", &other, "")));
    machine.import(1);
    let said = machine.say(&["notify", "run"]);
    assert!(said.contains("route a: no answer within 300ms; it is tried again later"), "{said}");
    assert_eq!(other.seen().len(), 1);
    assert_eq!(machine.states().iter().filter(|state| *state == "pending").count(), 1);
    drop(closed);
}

#[test]
fn an_answer_without_end_is_an_answer() {
    let stub = Stub::start(|_, _| Answer::new(200).endless());
    let machine = Machine::new(&webhook("ops", &stub, ""));
    machine.import(1);
    machine.say(&["notify", "run"]);
    assert_eq!(machine.states(), ["delivered"]);
}

#[test]
fn a_receiver_is_left_alone_for_as_long_as_it_asks_and_no_longer_than_hours() {
    let stub = flaky(vec![Answer::new(429).header("Retry-After", "3600")]);
    let machine = Machine::new(&webhook("ops", &stub, ""));
    machine.import(1);
    machine.say(&["notify", "run"]);
    machine.import(1);
    machine.say(&["notify", "run"]);
    // The second one is written down after that, and waits too.
    assert_eq!((stub.seen().len(), machine.states()), (1, vec!["pending".to_owned(); 2]));
    let first = machine.notifications().remove(1);
    let wait = first["next_at"].as_i64().unwrap() - first["created_at"].as_i64().unwrap();
    assert!((3_500_000..3_700_000).contains(&wait), "{wait}");
    // Whoever sends by hand knows better.
    machine.say(&["notify", "resend", first["id"].as_str().unwrap()]);
    assert_eq!((stub.seen().len(), machine.states()), (3, vec!["delivered".to_owned(); 2]));
}

#[test]
fn what_is_about_one_scan_comes_in_order() {
    let again = || Answer::new(500).header("Retry-After", "0");
    let stub = flaky(vec![again(), again(), again()]);
    let route = format!(
        "[[notify]]\nname = 'all'\nkind = 'webhook'\nurl = 'http://{}/'\nevents = '*'\n[gate]\nfail_on = 'low'\n",
        stub.host
    );
    // The configuration's tables come before its routes' in no order that matters.
    let machine = Machine::new(&route);
    for _ in 0..2 {
        machine.run(&["import", "--scanner", "mine", "--as", "sarif", "nothing.sarif"]);
        machine.write("r.sarif", r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"m"}},"results":[{"ruleId":"R","level":"error","message":{"text":"x"}}]}]}"#);
        machine.run(&["import", "--scanner", "mine", "--as", "sarif", "r.sarif"]);
    }
    for _ in 0..6 {
        machine.say(&["notify", "run"]);
    }
    let mut taken: Vec<(String, String)> = Vec::new();
    for request in stub.seen().iter().skip(3) {
        let body = json(request);
        taken.push((body["scan"]["id"].as_str().unwrap().to_owned(), body["event"].as_str().unwrap().to_owned()));
    }
    let mut scans: Vec<String> = taken.iter().map(|(scan, _)| scan.clone()).collect();
    scans.dedup();
    let of = |scan: &String| taken.iter().filter(|one| one.0 == *scan).map(|one| one.1.as_str()).collect::<Vec<_>>();
    assert_eq!(of(&scans[0]), ["scan.completed", "gate.failed", "finding.new"]);
    assert_eq!(of(scans.last().unwrap()), ["scan.completed", "gate.failed"]);
    assert!(machine.states().iter().all(|state| state == "delivered"));
}

#[test]
fn a_test_tells_what_the_receiver_answered() {
    let stub = flaky(vec![Answer::new(200).body("ok"), Answer::new(401).body("who are you")]);
    let machine = Machine::new(&webhook("ops", &stub, ""));
    assert!(machine.say(&["notify", "test", "ops"]).contains("ops has taken it: 200 OK: ok"));
    assert_eq!(json(&stub.seen()[0])["event"], "test");
    let refused = machine.run(&["notify", "test", "ops"]);
    assert_eq!(refused.status.code(), Some(6));
    assert!(super::machine::text(&refused.stderr).contains("ops has not taken it: 401 Unauthorized: who are you"));
    let unknown = machine.run(&["notify", "test", "opps"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(super::machine::text(&unknown.stderr).contains("did you mean `ops`?"));
    assert!(machine.notifications().is_empty());
}

#[test]
fn a_template_makes_the_body() {
    let stub = willing();
    let machine = Machine::new(&webhook("ops", &stub, "template = 'mine.json.j2'"));
    machine.write("mine.json.j2", r#"{"says": {{ title }}, "low": {{ scan.findings.low }}}"#);
    machine.import(2);
    machine.say(&["notify", "run"]);
    let body = json(&stub.seen()[0]);
    assert!(body["says"].as_str().unwrap().contains("was scanned"), "{body}");
    assert_eq!(body["low"], 1);
    machine.write("mine.json.j2", "{{ broken");
    assert!(machine.say(&["notify", "run"]).contains("route ops: `template`: the template mine.json.j2, line 1"));
}
