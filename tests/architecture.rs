//! The layers of `src/lib.rs` hold: a module names lower ones only, an outside crate stays in its module, files stay small.

#![expect(
    clippy::unwrap_used,
    clippy::redundant_closure_for_method_calls,
    reason = "a test fails by panicking, and is written for its reader"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each module with what it may name beside itself; all may name [`BASE`].
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("beneath", &[]),
    ("failpoint", &[]),
    ("hashing", &[]),
    ("letter", &[]),
    ("web", &[]),
    ("artifact", &[]),
    ("catalog", &[]),
    ("config", &[]),
    ("executor", &[]),
    ("exploits", &[]),
    ("lifecycle", &[]),
    ("notify", &[]),
    ("oci", &[]),
    ("parse", &[]),
    ("plan", &["catalog"]),
    ("report", &[]),
    ("shim", &[]),
    ("store", &[]),
    ("suppress", &["parse"]),
    ("driver", LAYER_1),
    (
        "app",
        &[
            "artifact",
            "catalog",
            "config",
            "executor",
            "exploits",
            "lifecycle",
            "notify",
            "oci",
            "parse",
            "plan",
            "report",
            "shim",
            "store",
            "suppress",
            "driver",
        ],
    ),
    ("api", &["config", "executor", "store", "app"]),
    ("daemon", BELOW_DAEMON),
    (
        "cli",
        &[
            "artifact",
            "catalog",
            "config",
            "executor",
            "exploits",
            "lifecycle",
            "notify",
            "oci",
            "parse",
            "plan",
            "report",
            "shim",
            "store",
            "suppress",
            "driver",
            "app",
            "api",
            "daemon",
        ],
    ),
];
const BELOW_DAEMON: &[&str] = &["config", "driver", "executor", "store", "app", "api"];
const LAYER_1: &[&str] = &[
    "artifact",
    "catalog",
    "config",
    "executor",
    "exploits",
    "lifecycle",
    "notify",
    "oci",
    "parse",
    "plan",
    "report",
    "shim",
    "store",
    "suppress",
];
const BASE: &[&str] = &["model", "beneath", "failpoint", "hashing", "letter", "web"];

/// Outside crates and where they may be named.
const CONFINED: &[(&str, &[&str])] = &[
    ("rusqlite", &["store/"]),
    ("axum", &["api/"]),
    ("hyper", &["api/"]),
    ("hyper_util", &["api/"]),
    ("tower", &["api/"]),
    ("prometheus_client", &["api/"]),
    ("subtle", &["api/"]),
    ("aws_lc_rs", &["letter.rs"]),
    ("http_auth", &["oci/"]),
    ("lettre", &["notify/email.rs"]),
    ("reqwest", &["web/", "oci/", "notify/", "executor/kubernetes/s3/", "shim/upload.rs"]),
    ("rusty_s3", &["executor/kubernetes/s3/"]),
    ("webpki_root_certs", &["web/"]),
    ("rustls_native_certs", &["web/"]),
    ("bollard", &["executor/docker/"]),
    ("kube", &["executor/kubernetes/"]),
    ("k8s_openapi", &["executor/kubernetes/"]),
    ("croner", &["model/schedule/"]),
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("quick_xml", &["parse/", "report/junit.rs"]),
    ("minijinja", &["report/template.rs", "notify/template.rs"]),
    ("aho_corasick", &["parse/"]),
    ("serde_json_borrow", &["parse/value.rs"]),
    ("mimalloc", &["main.rs"]),
    ("supports_hyperlinks", &["cli/"]),
    ("regex", &["parse/"]),
    ("hmac", &["parse/", "notify/webhook.rs"]),
    ("cvss", &["parse/"]),
    ("comfy_table", &["report/", "cli/"]),
    ("sd_notify", &["daemon/"]),
    ("opentelemetry_proto", &["notify/otlp/"]),
    ("toml", &["config/", "catalog/", "cli/", "suppress/", "model/notify/route/tests.rs"]),
];

const MOST_LINES: usize = 600;

/// Returns the files below a folder, as paths under it.
fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// Returns the code lines of a file with their numbers: no comments, and nothing of its unit tests, which close each file.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
    lines.map(|(number, line)| (number + 1, line.split("//").next().unwrap_or(line)))
}

/// Returns the module that a file of `src` belongs to; none for the roots.
fn module(path: &Path) -> Option<String> {
    let first = path.components().next()?.as_os_str().to_string_lossy().into_owned();
    let name = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
    (!matches!(name.as_str(), "lib" | "main")).then_some(name)
}

/// Returns the modules that a line names by `crate::name`, also in braces.
fn named(line: &str) -> Vec<&str> {
    let word = |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut names = Vec::new();
    for (at, marker) in line.match_indices("crate::") {
        let rest = &line[at + marker.len()..];
        match rest.strip_prefix('{') {
            None => names.push(&rest[..word(rest)]),
            Some(list) => names.extend(list.split(',').map(|part| part.trim_start()).map(|part| &part[..word(part)])),
        }
    }
    names
}

/// Whether a line names an outside crate: `name::` that is not the end of a longer path.
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') || line[..at].ends_with(" ::")
    })
}

fn check(rule: impl Fn(&Path, &str, &str, &mut dyn FnMut(usize, String))) {
    let mut broken = Vec::new();
    for path in files(&root("src")) {
        let text = fs::read_to_string(root("src").join(&path)).unwrap();
        let Some(module) = module(&path) else { continue };
        rule(&path, &module, &text, &mut |line, what| broken.push(format!("src/{}:{line}: {what}", path.display())));
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn a_module_names_lower_layers_only() {
    check(|_, module, text, complain| {
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            return complain(1, format!("module `{module}` is in no layer; add it to tests/architecture.rs"));
        };
        for (number, line) in code(text) {
            for name in named(line) {
                let known = LAYERS.iter().any(|(layer, _)| *layer == name);
                if known && name != module && !BASE.contains(&name) && !allowed.contains(&name) {
                    complain(number, format!("`{module}` may not name `{name}`"));
                }
            }
        }
    });
}

#[test]
fn an_outside_crate_stays_in_its_module() {
    check(|path, _, text, complain| {
        for (number, line) in code(text) {
            for (name, homes) in CONFINED.iter().filter(|(name, _)| names_crate(line, name)) {
                if !homes.iter().any(|home| path.starts_with(home)) {
                    complain(number, format!("`{name}` may be named in {} only", homes.join(", ")));
                }
            }
        }
    });
}

#[test]
fn files_stay_small() {
    check(|_, _, text, complain| {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            complain(lines, format!("{lines} lines; a file over {MOST_LINES} wants to be two"));
        }
    });
}

#[test]
fn every_file_is_part_of_the_build() {
    let mut lost = Vec::new();
    for (folder, roots) in [("src", vec!["lib.rs", "main.rs"]), ("tests", Vec::new())] {
        let all = files(&root(folder));
        let texts: Vec<String> = all.iter().map(|path| fs::read_to_string(root(folder).join(path)).unwrap()).collect();
        for path in all.iter().filter(|path| !roots.iter().any(|root| path.ends_with(root))) {
            let stem = path.file_stem().unwrap().to_string_lossy();
            // Files at the top of `tests`, and their `main.rs`, are binaries that cargo finds by itself.
            if folder == "tests" && (path.components().count() == 1 || stem == "main") {
                continue;
            }
            let name = if stem == "mod" { path.parent().unwrap().file_name().unwrap().to_string_lossy() } else { stem };
            let declared = [format!("mod {name};"), format!("{}\"]", path.file_name().unwrap().to_string_lossy())];
            if !texts.iter().any(|text| declared.iter().any(|line| text.contains(line))) {
                lost.push(format!("{folder}/{}:1: no `mod {name};` leads to it", path.display()));
            }
        }
    }
    assert!(lost.is_empty(), "\n{}", lost.join("\n"));
}
