//! What a plan says of images that nodes pull.

use super::lab::Lab;
use super::registry::Registry;
use super::scans::{Program, left, ran, said};

/// Lets nodes pull the scanner's image from somewhere else.
fn scan_with(program: &Program, lab: &Lab, image: &str) {
    let text = std::fs::read_to_string(&program.config).unwrap();
    let before = text.lines().find(|line| line.starts_with("image = ")).unwrap().to_owned();
    assert!(before.contains(&lab.cluster.image) || before.contains("127.0.0.1"), "{before}");
    let text = text.replace(&before, &format!("image = \"{image}\""));
    let text = text.replace("image_pull_policy = \"never\"", "image_pull_policy = \"if_not_present\"");
    std::fs::write(&program.config, text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_of_a_plan_is_what_nodes_pull() {
    let Some(lab) = Lab::start().await else { return };
    let Some(mut registry) = Registry::open().await else { return };
    let planned = registry.offer("probe").await;
    let program = Program::new(&lab, "cat /src/report.json; exit 1");
    let tree = program.tree();
    let plan = ["plan", tree.to_str().unwrap(), "--scanner", "probe"];
    scan_with(&program, &lab, &registry.image("probe"));
    let file = tree.parent().unwrap().join("plan.json");
    let file = file.to_str().unwrap();
    let output = ran(program.command(&[&plan[..], &["-o", file]].concat())).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let (_, hash) = planned.split_once("@sha256:").unwrap();
    assert!(said(&output).contains(&format!("probe:1 ({})", &hash[..12])), "{}", said(&output));
    assert!(std::fs::read_to_string(file).unwrap().contains(&planned));
    let yaml = ran(program.command(&[&plan[..], &["--format", "yaml"]].concat())).await;
    assert!(said(&yaml).contains(&planned), "{}", said(&yaml));

    // The tag moves on; the plan does not.
    assert_ne!(registry.offer("probe").await, planned);
    let output = ran(program.command(&["start", file])).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(program.findings().await.len(), 5);
    assert_eq!(registry.present().await, std::slice::from_ref(&planned));
    assert_eq!(left(&lab).await, Vec::<String>::new());

    // Who is not there is told from what is not there.
    scan_with(&program, &lab, &format!("{}/probe:2", registry.host));
    let output = ran(program.command(&plan)).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains(&format!("{} has no such image", registry.host)), "{}", said(&output));
    registry.stop();
    let output = ran(program.command(&plan)).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let words = format!("by tag, not resolved: {} does not answer", registry.host);
    assert!(said(&output).contains(&words), "{}", said(&output));
    lab.finish().await;
}
