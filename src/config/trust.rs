//! Trust in a project's `dragnet.toml`.
//!
//! The file belongs to the target, and whoever wrote the target wrote it. Until the user has read and trusted what is in it,
//! it may choose a template, switch scanners off, set parameters and leave paths out; it may not say what is run, where, with
//! which secrets or network, nor when the gate fails. Trust is in the bytes: a changed file must be trusted anew.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::keys::{dotted, keys};
use super::resolve::File;
use crate::model::id::Sha256;

/// Keys that a file may set without trust; `*` stands for one name.
const OPEN: &[&[&str]] = &[
    &["scan", "template"],
    &["source", "exclude"],
    &["source", "gitignore"],
    &["scanners", "*", "enabled"],
    &["scanners", "*", "params", "*"],
];

/// Refuses a file that sets what only a trusted one may.
pub(super) fn check(file: &File) -> Result<(), ConfigError> {
    let open = |path: &[String]| OPEN.iter().any(|pattern| matches(pattern, path));
    match keys(&file.text).into_iter().find(|key| key.is_leaf && !open(&key.path)) {
        Some(key) => Err(ConfigError::Untrusted { path: file.path.clone(), line: key.line, key: dotted(&key.path) }),
        None => Ok(()),
    }
}

/// Refuses a project's file that has schedules: they run whatever directory somebody is in, so they would come and go with it.
pub(super) fn refuse_schedules(file: &File) -> Result<(), ConfigError> {
    match keys(&file.text).into_iter().find(|key| key.path[..] == ["schedules"]) {
        Some(key) => Err(ConfigError::Schedules { path: file.path.clone(), line: key.line }),
        None => Ok(()),
    }
}

fn matches(pattern: &[&str], path: &[String]) -> bool {
    pattern.len() == path.len() && pattern.iter().zip(path).all(|(name, part)| *name == "*" || name == part)
}

/// The files that the user trusts: lines of hash and path in the user's configuration directory.
#[derive(Debug, Clone)]
pub struct TrustList {
    path: PathBuf,
    text: String,
}

impl TrustList {
    /// Reads the list in the directory `config_dir`; one that does not exist is empty.
    pub fn load(config_dir: &Path) -> Result<Self, ConfigError> {
        let path = config_dir.join("trusted");
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self { path, text: String::new() }),
            Err(source) => Err(ConfigError::Io { path, source }),
        }
    }

    /// Whether these bytes are trusted, wherever they are.
    pub fn contains(&self, text: &str) -> bool {
        let hash = Sha256::of(text).to_string();
        self.text.lines().any(|line| line.split_whitespace().next() == Some(&hash))
    }

    /// Trusts a file's bytes, and remembers that at once.
    pub fn add(&mut self, file: &File) -> Result<(), ConfigError> {
        if self.contains(&file.text) {
            return Ok(());
        }
        let mut text = self.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let path = file.path.to_string_lossy().replace(char::is_control, "?");
        text.extend([Sha256::of(&file.text).to_string().as_str(), " ", &path, "\n"]);
        write(&self.path, &text).map_err(|source| ConfigError::Io { path: self.path.clone(), source })?;
        self.text = text;
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut draft = tempfile::NamedTempFile::new_in(directory)?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, Project, resolve};

    fn file(text: &str) -> File {
        File { path: "dragnet.toml".into(), text: text.to_owned() }
    }

    #[test]
    fn an_untrusted_file_may_choose_and_leave_out() {
        let text = "scan.template = 'code'\nsource = { exclude = ['x'], gitignore = true }\n[scanners.bandit]\nenabled = false\n\
                    [scanners.nmap.params]\ntop_ports = '5'\n[executor]\n";
        check(&file(text)).unwrap();
    }

    #[test]
    fn an_untrusted_file_may_set_nothing_that_runs_or_hides() {
        for key in [
            "executor.kind = 'docker'",
            "executor.docker.host = 'tcp://evil:1'",
            "executor.kubernetes.kubeconfig = 'evil'",
            "executor.kubernetes.namespace = 'evil'",
            "executor.kubernetes.agent_image = 'evil:1'",
            "executor.kubernetes.tolerations = []",
            "executor.agent = 'evil'",
            "gate.fail_on = 'critical'",
            "gate.unknown = 'info'",
            "gate.rules = [{ action = 'ignore', path = '*' }]",
            "data.epss = '/etc/shadow'",
            "notify = [{ name = 'x', kind = 'webhook', url = 'https://evil' }]",
            "scan.parallelism = 1000",
            "target.name = 'other'",
            "scanners.nmap.image = 'evil:1'",
            "scanners.nmap.program = 'evil'",
            "scanners.nmap.command = ['evil']",
            "scanners.nmap.env.LD_PRELOAD = 'evil'",
            "scanners.nmap.secrets.x = 'file:/etc/shadow'",
            "scanners.nmap.network = 'host'",
            "scanners.nmap.limits.memory = '1TiB'",
            "scanners.nmap.exceptions = []",
            "scanners.nmap.exit_codes.ok = [0, 1]",
            "scanners.nmap.accept_empty = true",
            "scanners.nmap.data.db.source = '/'",
            "templates.code.steps = []",
            "suppress.comments = false",
            "suppress.rules = []",
        ] {
            let text = format!("# a comment\n{key}\n");
            let layers =
                |trusted| Layers { project: Some(Project { file: file(&text), trusted }), ..Layers::default() };
            let error = resolve(layers(false)).unwrap_err().to_string();
            let name = key.split(" = ").next().unwrap();
            let expected = format!(
                "dragnet.toml:2: `{name}` is for trusted files only: read the file, then run `dragnet config trust dragnet.toml`"
            );
            assert_eq!(error, expected);
            resolve(layers(true)).unwrap();
        }
    }

    #[test]
    fn a_projects_file_has_no_schedules_whoever_trusts_it() {
        let text = "scan.depth = 3\n[[schedules]]\nname = 'n'\nevery = '1h'\ntarget = 'host:a'\n";
        for trusted in [false, true] {
            let layers = Layers { project: Some(Project { file: file(text), trusted }), ..Layers::default() };
            let error = resolve(layers).unwrap_err().to_string();
            assert_eq!(error, "dragnet.toml:2: `schedules` cannot be in a project's file, trusted or not");
        }
        let config = resolve(Layers { user: Some(file(text)), ..Layers::default() }).unwrap().config;
        assert_eq!(config.schedules.len(), 1);
    }

    #[test]
    fn trust_is_in_the_bytes_and_lasts() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("dragnet");
        let (old, new) = (file("scan.depth = 1"), file("scan.depth = 2"));
        let mut list = TrustList::load(&config).unwrap();
        assert!(!list.contains(&old.text));
        list.add(&old).unwrap();
        list.add(&old).unwrap();
        let list = TrustList::load(&config).unwrap();
        assert!(list.contains(&old.text) && !list.contains(&new.text));
        assert_eq!(std::fs::read_to_string(config.join("trusted")).unwrap().lines().count(), 1);
    }
}
