//! Pulls of scanners' images.

use super::machine::{Machine, auths, text};
use super::registry::{PASSWORD, Registry, USER};

const PLAN: &[&str] = &["plan", "--scanner", "tool"];
const START: &[&str] = &["start", "--scanner", "tool"];

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_missing_is_pulled_and_it_is_said() {
    let Some(mut registry) = Registry::start().await else { return };
    registry.offer("scanner").await;
    let image = registry.image("scanner");
    let machine = Machine::logged_in(&registry, &image);
    let said = machine.succeeds(PLAN);
    assert!(said.contains(&format!("pulling {image}")), "{said}");
    assert!(registry.present().await.contains(&image));

    // What is there needs no registry.
    registry.stop();
    for verb in [PLAN, START] {
        let said = machine.succeeds(verb);
        assert!(!said.contains("pulling"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_pulls_what_its_plan_did_not() {
    let Some(registry) = Registry::start().await else { return };
    registry.offer("scanner").await;
    let image = registry.image("scanner");
    let machine = Machine::logged_in(&registry, &image);
    let said = machine.succeeds(START);
    assert!(said.contains(&format!("pulling {image}")), "{said}");
    // Quiet is quiet.
    registry.forget().await;
    let output = machine.run(&["--quiet", "start", "--scanner", "tool"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_come_from_where_the_docker_program_keeps_them() {
    let Some(registry) = Registry::start().await else { return };
    registry.offer("scanner").await;
    let host = registry.host.clone();
    let machine = Machine::new(&registry.image("scanner"));
    // It asks for the very key that the docker program would give it, and says what it was asked.
    let script = format!(
        "read -r key; echo \"$1 $key\" >>\"$DOCKER_CONFIG/asked\"\n\
         [ \"$key\" = {host} ] || {{ echo 'credentials not found in native keychain'; exit 1; }}\n\
         printf '{{\"ServerURL\":\"%s\",\"Username\":\"%s\",\"Secret\":\"%s\"}}' {host} {USER} '{PASSWORD}'\n"
    );
    machine.program("docker-credential-test", &script);
    // One that does not even listen.
    machine.program(
        "docker-credential-deaf",
        &format!("exec <&-\nprintf '{{\"Username\":\"%s\",\"Secret\":\"%s\"}}' {USER} '{PASSWORD}'\n"),
    );
    let fields = serde_json::json!({ "auths": { &host: { "username": USER, "password": PASSWORD } } });
    for config in [
        auths(&host, PASSWORD),
        // As older programs wrote it.
        auths(&format!("http://{host}/v1/"), PASSWORD),
        auths(&format!("https://{host}"), PASSWORD),
        fields.to_string(),
        serde_json::json!({ "credHelpers": { &host: "test" } }).to_string(),
        serde_json::json!({ "credHelpers": { &host: "deaf" } }).to_string(),
        serde_json::json!({ "credsStore": "test" }).to_string(),
        serde_json::json!({ "credHelpers": { &host: "test" }, "credsStore": "nowhere" }).to_string(),
    ] {
        machine.write("docker/config.json", &config);
        machine.succeeds(PLAN);
        assert!(!registry.present().await.is_empty(), "{config}");
        registry.forget().await;
    }
    let asked = std::fs::read_to_string(machine.path("docker/asked")).unwrap();
    assert_eq!(asked, format!("get {host}\n").repeat(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_image_without_credentials_is_one_clear_error() {
    let Some(registry) = Registry::start().await else { return };
    registry.offer("scanner").await;
    let image = registry.image("scanner");
    let machine = Machine::new(&image);
    let login = format!("docker login {}", registry.host);
    machine.refused(&["`tool`", &image, &registry.host, "credentials", &login]);

    // Why there are none is said too.
    machine.write("docker/config.json", r#"{ "credsStore": "nowhere" }"#);
    machine.refused(&[&image, &login, "docker-credential-nowhere"]);
    machine.program("docker-credential-broken", "echo 'the keychain is locked'; exit 1\n");
    machine.write("docker/config.json", r#"{ "credsStore": "broken" }"#);
    machine.refused(&[&image, &login, "docker-credential-broken", "the keychain is locked"]);
    machine.write("docker/config.json", "{ \"auths\": ");
    machine.refused(&[&image, &login, "config.json"]);
    assert_eq!(registry.present().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_from_none() {
    let Some(registry) = Registry::start().await else { return };
    registry.offer("scanner").await;
    let image = registry.image("scanner");
    let machine = Machine::new(&image);
    machine.write("docker/config.json", &auths(&registry.host, "wrong"));
    let said =
        machine.refused(&[&image, "does not accept the credentials", &format!("docker login {}", registry.host)]);
    assert!(!said.contains("wrong"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_registry_does_not_have_is_named() {
    let Some(mut registry) = Registry::start().await else { return };
    let digest = registry.offer("scanner").await;
    let host = registry.host.clone();
    let absent = format!("{}{}", &digest[..digest.len() - 8], "00000000");
    for image in [format!("{host}/scanner:2"), format!("{host}/nothing:1"), absent] {
        let machine = Machine::logged_in(&registry, &image);
        machine.refused(&[&image, &format!("{host} has no such image"), "[scanners.tool] image"]);
    }
    let machine = Machine::logged_in(&registry, &format!("{host}/Scanner:1"));
    machine.refused(&[&format!("{host}/Scanner:1"), "lowercase"]);

    registry.stop();
    let machine = Machine::logged_in(&registry, &format!("{host}/scanner:1"));
    machine.refused(&[&format!("{host}/scanner:1"), &format!("{host} does not answer"), "connection refused"]);
    assert_eq!(registry.present().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_to_be_scanned_is_pulled_like_any_other() {
    let Some(registry) = Registry::start().await else { return };
    registry.offer("tool").await;
    registry.offer("target").await;
    let (tool, target) = (registry.image("tool"), registry.image("target"));
    let machine = Machine::logged_in(&registry, &tool);
    let config = std::fs::read_to_string(machine.path("config.toml")).unwrap();
    // The image's archive is what the scanner is pointed at.
    let config = config.replace("'dir'", "'image'").replace("'sh'", "'printf'").replace("{target}/scan.sh", "[]");
    machine.write("config.toml", &config);
    machine.succeeds(&["start", &format!("image:{target}"), "--scanner", "tool"]);

    registry.forget().await;
    std::fs::remove_file(machine.path("docker/config.json")).unwrap();
    let output = machine.run(&["plan", &format!("image:{target}"), "--scanner", "tool"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&target) && said.contains("docker login"), "{said}");
    assert!(!said.contains("scanner `target`") && !said.contains("scanners.target"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_of_a_plan_wins_over_a_tag_that_moved() {
    let Some(registry) = Registry::start().await else { return };
    let planned = registry.offer("scanner").await;
    let image = registry.image("scanner");
    let machine = Machine::logged_in(&registry, &image);
    machine.succeeds(&["plan", "--scanner", "tool", "-o", "../plan.json"]);
    assert!(std::fs::read_to_string(machine.path("plan.json")).unwrap().contains(&planned));

    let moved = registry.offer("scanner").await;
    assert_ne!(planned, moved);
    // Whether the engine has nothing, or has what the tag means now.
    machine.succeeds(&["start", "../plan.json"]);
    assert_eq!(registry.present().await, std::slice::from_ref(&planned));
    registry.forget().await;
    machine.succeeds(PLAN);
    machine.succeeds(&["start", "../plan.json"]);
    let present = registry.present().await;
    assert!(present.contains(&planned) && present.contains(&moved), "{present:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_may_be_a_digest() {
    let Some(mut registry) = Registry::start().await else { return };
    let digest = registry.offer("scanner").await;
    let (repository, hash) = digest.split_once('@').unwrap();
    let machine = Machine::logged_in(&registry, &digest);
    for reference in [digest.clone(), format!("{repository}:1@{hash}")] {
        machine.configure(&reference);
        machine.succeeds(START);
        assert!(registry.present().await.contains(&digest));
        // It is found again by what it was asked for.
        machine.succeeds(&["plan", "--scanner", "tool", "-o", "../plan.json"]);
        assert!(std::fs::read_to_string(machine.path("plan.json")).unwrap().contains(&digest));
        let said = machine.succeeds(START);
        assert!(!said.contains("pulling"), "{reference}: {said}");
        registry.forget().await;
    }
    registry.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_two_repositories_is_known_by_the_one_that_was_asked_for() {
    let Some(registry) = Registry::start().await else { return };
    let digest = registry.offer("b").await;
    let image = registry.image("b");
    let machine = Machine::logged_in(&registry, &image);
    machine.succeeds(PLAN);
    // The same image under a name that sorts before its own, and one that no registry knows.
    let other = registry.push_again(&image, "a").await;
    for (reference, named) in [(&image, &digest), (&registry.image("a"), &other)] {
        machine.configure(reference);
        machine.succeeds(&["plan", "--scanner", "tool", "-o", "../plan.json"]);
        let plan = std::fs::read_to_string(machine.path("plan.json")).unwrap();
        assert!(plan.contains(named.as_str()), "{reference}: {named}: {plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_with_an_image_that_was_made_here_and_is_gone_asks_no_registry() {
    let Some(registry) = Registry::start().await else { return };
    let image = super::engine::import(&registry.docker, &format!("{}/mine", registry.host)).await;
    let machine = Machine::new(&image);
    machine.succeeds(&["plan", "--scanner", "tool", "-o", "../plan.json"]);
    registry.forget().await;
    let output = machine.run(&["start", "../plan.json"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("was made in an engine") && !said.contains("pulling"), "{said}");
}
