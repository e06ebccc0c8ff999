//! Files to begin with: the parsers' own examples, and real outputs.

use std::path::{Path, PathBuf};

use dragnet::parse::{PARSERS, parser};

/// Larger files say nothing that smaller ones do not.
const MAX_FILE: u64 = 48 << 10;

/// A format and its files, the example first.
#[derive(Debug, Clone)]
pub(crate) struct Corpus {
    pub format: &'static str,
    pub files: Vec<Vec<u8>>,
}

impl Corpus {
    pub(crate) fn example(&self) -> &str {
        std::str::from_utf8(&self.files[0]).unwrap()
    }
}

/// What there is of each format.
pub(crate) fn all() -> Vec<Corpus> {
    let examples = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/parse/examples"));
    let samples = std::env::var_os("DRAGNET_SAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples"), PathBuf::from);
    let samples: Vec<_> = files(&samples).into_iter().filter_map(|path| Some((format_of(&path)?, path))).collect();
    let corpora = PARSERS.iter().map(|parser| {
        let format = parser.name();
        let example = examples.iter().find(|path| path.file_stem().is_some_and(|stem| stem == format)).unwrap();
        let small = |path: &&PathBuf| path.metadata().is_ok_and(|meta| meta.len() <= MAX_FILE);
        let real = samples.iter().filter(|sample| sample.0 == format).map(|sample| &sample.1).filter(small);
        let files = std::iter::once(example).chain(real).map(|path| std::fs::read(path).unwrap());
        Corpus { format, files: files.filter(|bytes| !bytes.is_empty()).collect() }
    });
    corpora.collect()
}

/// The format of a sample, which lies in a folder that is named after its scanner.
fn format_of(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?;
    if ending == "sarif" {
        return Some("sarif");
    }
    let folder = path.parent()?.file_name()?.to_str()?;
    let format = match folder {
        "anchore_grype" => "grype".to_owned(),
        "aws_prowler" => "prowler".to_owned(),
        "npm_audit_7_plus" | "yarn_audit" => "npm-audit".to_owned(),
        _ if folder.starts_with("gitlab_") => "gitlab".to_owned(),
        _ => folder.replace('_', "-"),
    };
    Some(parser(&format!("{format}-{ending}")).or_else(|| parser(&format))?.name())
}

fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
