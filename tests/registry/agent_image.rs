//! `dragnet agent-image`: into the engine, into a file, to a registry, always the same image.

use std::path::Path;
use std::process::{Command, Output};

use super::engine::AGENT;
use super::machine::{Machine, auths, text};
use super::registry::{PASSWORD, Registry, USER};

/// Runs a program to its end; returns what it prints.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs `agent-image`; returns the reference and the digest that it prints.
fn made(machine: &Machine, arguments: &[&str]) -> (String, String) {
    let output = machine.run(&[&["agent-image"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let line = text(&output.stdout);
    let (reference, digest) = line.strip_suffix('\n').and_then(|line| line.split_once(' ')).unwrap();
    (reference.to_owned(), digest.to_owned())
}

/// Runs the image as containers of scanners are run.
fn runs(reference: &str) -> String {
    let hardened = ["run", "--rm", "--pull=never", "--read-only", "--user", "65532", "--network", "none"];
    printed(Command::new("docker").args(hardened).args(["--cap-drop=ALL", reference, "--version"]))
}

fn version() -> String {
    format!("dragnet {}\n", env!("CARGO_PKG_VERSION"))
}

fn said(output: &Output) -> String {
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{}", text(&output.stderr));
    text(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_runs_the_image() {
    let Some(registry) = Registry::start().await else { return };
    let machine = Machine::new("unused:1");
    // A name that is removed with the registry's images, though no registry has it.
    let name = format!("{}/loaded", registry.host);
    let (reference, digest) = made(&machine, &["--load", "--reference", &name]);
    assert!(reference.starts_with(&format!("{name}:{}-", env!("CARGO_PKG_VERSION"))), "{reference}");
    assert_eq!(runs(&reference), version());
    let image = registry.docker.inspect_image(&reference).await.unwrap();
    let config = image.config.unwrap();
    assert_eq!(config.user.as_deref(), Some("65532:65532"));
    assert_eq!(config.entrypoint, Some(vec!["/dragnet".to_owned()]));

    // The same again is no other image.
    let output = machine.run(&["agent-image", "--load", "--reference", &name, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["schema"], "dragnet.agent-image/v1");
    let again = &json["images"][0];
    assert_eq!((again["reference"].as_str(), again["digest"].as_str()), (Some(&*reference), Some(&*digest)));
    assert_eq!(again["id"].as_str(), image.id.as_deref());
    assert_eq!(registry.docker.inspect_image(&reference).await.unwrap().id, image.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_suits_every_tool() {
    let Some(registry) = Registry::start().await else { return };
    let machine = Machine::new("unused:1");
    let name = format!("{}/file:2", registry.host);
    let (reference, digest) = made(&machine, &["-o", "agent.tar", "--reference", &name]);
    assert_eq!(reference, name);
    let file = machine.path("project/agent.tar");
    printed(Command::new("docker").arg("load").arg("-i").arg(&file));
    assert_eq!(runs(&name), version());
    let inspect = |transport: &str| {
        let source = format!("{transport}:{}", file.display());
        let words = printed(Command::new("skopeo").args(["inspect", &source]));
        serde_json::from_str::<serde_json::Value>(&words).unwrap()
    };
    assert_eq!(inspect("oci-archive")["Digest"], digest);
    // In the other reading the manifest is another document; configuration and layer are the same.
    let id = registry.docker.inspect_image(&name).await.unwrap().id.unwrap();
    let source = format!("docker-archive:{}", file.display());
    let raw = printed(Command::new("skopeo").args(["inspect", "--raw", &source]));
    assert!(raw.contains(&id), "{raw}");
    assert_eq!(inspect("docker-archive")["Layers"], inspect("oci-archive")["Layers"]);

    // Byte for byte, whenever it is written.
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(made(&machine, &["-o", "agent.tar", "--reference", &name]), (name, digest));
    assert!(bytes == std::fs::read(&file).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_takes_the_image_and_gives_it_back() {
    let Some(registry) = Registry::start().await else { return };
    let host = registry.host.clone();
    let machine = Machine::logged_in(&registry, "unused:1");
    let (local, digest) = made(&machine, &["-o", "agent.tar"]);
    let (_, tag) = local.rsplit_once(':').unwrap();
    assert!(local.starts_with("dragnet.local/agent:"));
    let (reference, pushed) = made(&machine, &["--push", &format!("{host}/agent")]);
    assert_eq!((&reference, &pushed), (&format!("{host}/agent:{tag}"), &digest));
    // What is there already is no error.
    assert_eq!(made(&machine, &["--push", &reference]), (reference.clone(), digest.clone()));

    let login = machine.path("docker");
    printed(Command::new("docker").arg("--config").arg(&login).args(["pull", "-q", &reference]));
    assert!(registry.present().await.contains(&format!("{host}/agent@{digest}")));
    assert_eq!(runs(&reference), version());
    let source = format!("docker://{host}/agent@{digest}");
    let credentials = format!("{USER}:{PASSWORD}");
    printed(Command::new("skopeo").args(["inspect", "--tls-verify=false", "--creds", &credentials, &source]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_does_not_take_it_is_one_clear_error() {
    let Some(mut registry) = Registry::start().await else { return };
    let host = registry.host.clone();
    let machine = Machine::new("unused:1");
    let push = |name: &str| said(&machine.run(&["agent-image", "--push", name]));
    let name = format!("{host}/agent:1");
    let words = push(&name);
    assert!(words.contains(&name) && words.contains("wants credentials"), "{words}");
    assert!(words.contains(&format!("docker login {host}")), "{words}");
    machine.write("docker/config.json", &auths(&host, "wrong"));
    let words = push(&name);
    assert!(words.contains("does not accept the credentials") && !words.contains("wrong"), "{words}");
    for bad in [format!("{host}/Agent"), format!("{host}/agent@sha256:{}", "0".repeat(64))] {
        assert!(push(&bad).contains("cannot be the name of an image"));
    }
    registry.stop();
    machine.write("docker/config.json", &auths(&host, PASSWORD));
    let words = push(&name);
    assert!(words.contains(&format!("{host} does not answer")) && words.contains("refused"), "{words}");
    assert!(!words.contains(PASSWORD), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_certificates_pushes_all_the_same() {
    let Some(registry) = Registry::open().await else { return };
    let machine = Machine::new("unused:1");
    let name = format!("{}/agent:1", registry.host);
    let mut command = machine.command(&["agent-image", "--push", &name]);
    command.env("SSL_CERT_FILE", machine.path("none")).env("SSL_CERT_DIR", machine.path("none"));
    assert!(printed(&mut command).starts_with(&name));
    // The authorities of the web are part of the program: it comes as far as the registry.
    let mut command = machine.command(&["agent-image", "--push", "registry.invalid/agent:1"]);
    command.env("SSL_CERT_FILE", machine.path("none")).env("SSL_CERT_DIR", machine.path("none"));
    let words = said(&command.output().unwrap());
    assert!(words.contains("registry.invalid does not answer") && !words.contains("certificate"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_static_program_for_the_engine_is_taken() {
    let Some(registry) = Registry::start().await else { return };
    let machine = Machine::new("unused:1");
    let put = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut program = std::fs::read(AGENT).unwrap();
        change(&mut program);
        std::fs::write(machine.path(&format!("project/{name}")), program).unwrap();
    };
    // The type of the first program header becomes that of one that names an interpreter; the machine becomes the other one.
    put("dynamic", &|program| program[64..68].copy_from_slice(&3_u32.to_le_bytes()));
    let other = if cfg!(target_arch = "x86_64") { 183_u16 } else { 62 };
    put("foreign", &|program| program[18..20].copy_from_slice(&other.to_le_bytes()));
    std::fs::write(machine.path("project/script"), "#!/bin/sh\n").unwrap();
    let name = format!("{}/refused", registry.host);
    let run = |agent: &str, to: &[&str]| {
        machine.run(&[&["agent-image", "--reference", &name, "--agent", agent], to].concat())
    };
    for (agent, why) in
        [("dynamic", "not linked statically"), ("script", "no 64-bit Linux program"), ("none", "No such")]
    {
        for to in [&["--load"][..], &["-o", "agent.tar"]] {
            let words = said(&run(agent, to));
            assert!(words.contains(why) && words.contains("--agent FILE"), "{words}");
        }
    }
    // For another engine it may be built; this one does not get it.
    assert_eq!(run("foreign", &["-o", "agent.tar"]).status.code(), Some(0));
    let words = said(&run("foreign", &["--load"]));
    assert!(words.contains("the engine is linux/"), "{words}");
    assert!(registry.present().await.is_empty());
    assert!(Path::new(&machine.path("project/agent.tar")).exists());
}

#[test]
fn it_must_go_somewhere() {
    let machine = Machine::new("unused:1");
    let words = said(&machine.run(&["agent-image"]));
    assert!(words.contains("--load") && words.contains("--push"), "{words}");
    assert!(!machine.path("state").exists());
}
