//! The files of the catalogue.

/// Name and text of every file.
type Files = &'static [(&'static str, &'static str)];

macro_rules! embed {
    ($folder:literal: $($name:literal)+) => { &[$(($name, include_str!(concat!($folder, "/", $name, ".toml")))),+] };
}

/// Every scanner.
pub(super) const SCANNERS: Files = embed!("scanners":
    "bandit" "cargo-audit" "checkov" "gitleaks" "hadolint" "kingfisher" "nmap" "nmap-ports" "nmap-service" "ruff" "semgrep"
    "trivy-config" "trivy-fs" "trivy-image" "zizmor"
);

/// Every template.
pub(super) const TEMPLATES: Files = embed!("templates": "code" "ports" "secrets");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::catalog::{Catalog, Manifest};

    /// Formats that have a parser.
    const FORMATS: [&str; 11] = [
        "bandit",
        "cargo-audit",
        "checkov",
        "gitleaks",
        "hadolint",
        "kingfisher",
        "nmap",
        "sarif",
        "semgrep",
        "trivy",
        "zizmor",
    ];

    fn on_disk(folder: &str) -> BTreeSet<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog").join(folder);
        let names = path.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.map(|name| name.strip_suffix(".toml").unwrap().to_owned()).collect()
    }

    #[test]
    fn every_file_is_embedded_once() {
        for (files, folder) in [(SCANNERS, "scanners"), (TEMPLATES, "templates")] {
            let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(names.iter().cloned().collect::<BTreeSet<_>>(), on_disk(folder));
            assert!(names.is_sorted(), "{names:?}");
        }
    }

    #[test]
    fn every_scanner_is_sound() {
        for (file, text) in SCANNERS {
            let scanner = Manifest::parse(text).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(scanner.name, *file);
            assert!(!scanner.title.is_empty() && !scanner.about.is_empty() && !scanner.license.is_empty(), "{file}");
            assert!(scanner.homepage.starts_with("https://"), "{file}");
            assert!(scanner.limits.pids >= 64, "{file}");
            assert!(scanner.results.iter().all(|result| FORMATS.contains(&result.format.as_str())), "{file}");
            let tag = scanner.image.rsplit('/').next().and_then(|name| name.split_once([':', '@']));
            assert!(tag.is_some_and(|(_, tag)| tag != "latest"), "{file}: {}", scanner.image);
            assert_eq!(scanner.applies.files.is_empty(), scanner.applies.reason.is_none(), "{file}");
        }
    }

    #[test]
    fn every_template_names_scanners_of_the_catalogue() {
        let catalog = Catalog::builtin().unwrap();
        for (name, template) in catalog.templates() {
            assert!(!template.about.is_empty() && !template.steps.is_empty(), "{name}");
            for step in &template.steps {
                catalog.scanner(&step.scanner).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }
}
