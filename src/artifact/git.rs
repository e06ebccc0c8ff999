//! What git says of a tree, and clones. The user's own `git` is run; a repository's configuration is hostile: no hooks, no
//! filters, no file-system monitor, no prompts, and none of its commands.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use super::error::SourceError;
use crate::model::facts::GitFacts;
use crate::web::without_credentials;

/// Longest message of git's that is passed on, in characters.
const MAX_MESSAGE: usize = 400;

/// A repository to be cloned, `URL` or `URL@rev`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSource {
    /// Its address.
    pub url: String,
    /// A branch, tag or commit; the default branch if none.
    pub rev: Option<String>,
}

impl FromStr for GitSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        // An `@` before the path names a user.
        let path = match text.split_once("://") {
            Some((scheme, rest)) => scheme.len() + 3 + rest.find('/').unwrap_or(rest.len()),
            None => text.find(':').filter(|colon| !text[..*colon].contains('/')).unwrap_or(0),
        };
        let (url, rev) = match text[path..].rfind('@') {
            Some(at) => (&text[..path + at], Some(text[path + at + 1..].to_owned())),
            None => (text, None),
        };
        let unusable = |text: &str| text.is_empty() || text.starts_with('-') || text.chars().any(char::is_control);
        if unusable(url) || rev.as_deref().is_some_and(unusable) {
            return Err(SourceError::Address(text.escape_debug().to_string()));
        }
        Ok(Self { url: url.to_owned(), rev })
    }
}

impl GitSource {
    /// Returns the source as it may be stored and shown. Over HTTP the user's name may be a token, too; SSH needs it.
    pub fn public(&self) -> String {
        let url = match self.url.split_once("://") {
            Some(("ssh", rest)) => {
                let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
                let host = match host.rsplit_once('@') {
                    Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or(user)),
                    None => host.to_owned(),
                };
                format!("ssh://{host}{path}")
            }
            _ => without_credentials(&self.url),
        };
        self.rev.iter().fold(url, |url, rev| format!("{url}@{rev}"))
    }
}

/// Git at work in one directory.
struct Git<'a> {
    directory: &'a Path,
    /// Settings that override every configuration file.
    settings: Vec<String>,
    /// Whether it may speak with other machines.
    remote: bool,
}

impl<'a> Git<'a> {
    fn new(directory: &'a Path, remote: bool) -> Self {
        let settings = [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.untrackedCache=false",
            "protocol.ext.allow=never",
            "submodule.recurse=false",
            "http.lowSpeedLimit=1000",
            "http.lowSpeedTime=60",
        ];
        Self { directory, settings: settings.map(str::to_owned).to_vec(), remote }
    }

    /// Turns off every filter that some configuration defines. False if one cannot be.
    fn without_filters(&mut self) -> bool {
        const KEYS: &str = r"^filter\..*\.(clean|smudge|process|required)$";
        let Some(names) = self.text(&["config", "--null", "--name-only", "--get-regexp", KEYS]) else {
            return true;
        };
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            // Git ends the name of a setting at the first `=`.
            if name.contains('=') {
                return false;
            }
            let off = if name.ends_with(".required") { "false" } else { "" };
            self.settings.push(format!("{name}={off}"));
        }
        true
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        // Set where dragnet is run from a hook; they would lead away from the directory.
        const LEADING_AWAY: [&str; 6] =
            ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE"];
        let mut command = Command::new("git");
        command.arg("-C").arg(self.directory);
        for setting in &self.settings {
            command.arg("-c").arg(setting);
        }
        command.args(arguments).stdin(Stdio::null());
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("LC_ALL", "C");
        if !self.remote {
            // A repository can ask for objects to be fetched by a command of its choice.
            command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "");
        }
        for name in LEADING_AWAY {
            command.env_remove(name);
        }
        command
    }

    /// Returns what a command prints, without the newline; none if it fails.
    fn text<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Option<String> {
        let output =
            self.command(arguments).stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
    }

    fn run<S: AsRef<OsStr>>(&self, what: &'static str, arguments: &[S]) -> Result<(), SourceError> {
        let output = self.command(arguments).stdout(Stdio::null()).output().map_err(SourceError::NoGit)?;
        if output.status.success() {
            return Ok(());
        }
        Err(SourceError::Git { command: what, message: last_words(&output.stderr) })
    }

    fn commit(&self, rev: &str) -> Option<String> {
        self.text(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{rev}^{{commit}}")])
    }
}

/// The end of what a command said, on one line.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("; ");
    let clean: Vec<char> = line.chars().filter(|c| !c.is_control()).collect();
    clean[clean.len().saturating_sub(MAX_MESSAGE)..].iter().collect()
}

/// Asks git about a directory, or about a file's. None when it is in no repository, has no commit, or git is absent.
pub fn facts(path: &Path) -> Option<GitFacts> {
    let directory = if path.is_dir() {
        path
    } else {
        path.parent().filter(|parent| *parent != Path::new("")).unwrap_or_else(|| Path::new("."))
    };
    let mut git = Git::new(directory, false);
    let commit = git.commit("HEAD")?;
    let branch = git.text(&["symbolic-ref", "--short", "--quiet", "HEAD"]);
    let line = branch.or_else(|| git.text(&["describe", "--tags", "--exact-match", "HEAD"]));
    let remote = git.text(&["config", "--get", "remote.origin.url"]).map(|url| without_credentials(&url));
    let prefix = git.text(&["rev-parse", "--show-prefix"]).unwrap_or_default().trim_end_matches('/').to_owned();
    let dirty = !git.without_filters() || is_dirty(&git);
    Some(GitFacts { commit: Some(commit), line, remote, prefix, dirty })
}

/// Whether something differs from the commit; also when git cannot tell.
fn is_dirty(git: &Git<'_>) -> bool {
    let status = ["status", "--porcelain", "-z", "--untracked-files=normal", "--ignore-submodules=dirty", "--", "."];
    git.text(&status).is_none_or(|changes| !changes.is_empty())
}

/// Clones a repository with its whole history into `directory`, which must be empty.
pub(super) fn clone(source: &GitSource, directory: &Path) -> Result<GitFacts, SourceError> {
    let mut git = Git::new(directory, true);
    let options = ["clone", "--quiet", "--no-checkout", "--no-local", "--no-recurse-submodules", "--template="];
    let own = ["--config", "core.logAllRefUpdates=false", "--", &source.url, "."];
    let remote = without_credentials(&source.url);
    git.run("clone", &[&options[..], &own[..]].concat()).map_err(|error| match error {
        SourceError::Git { command, message } => {
            SourceError::Git { command, message: message.replace(&source.url, &remote) }
        }
        error => error,
    })?;
    git.run("remote", &["remote", "set-url", "origin", &remote])?;
    let default = git.text(&["symbolic-ref", "--short", "--quiet", "HEAD"]);
    let (commit, line) = find(&git, source.rev.as_deref(), default).ok_or_else(|| SourceError::Git {
        command: "rev-parse",
        message: format!("{remote} has no revision `{}`", source.rev.as_deref().unwrap_or("HEAD")),
    })?;
    if !git.without_filters() {
        return Err(SourceError::Git { command: "config", message: "a filter's name has a `=` in it".to_owned() });
    }
    git.run("checkout", &["checkout", "--quiet", "--detach", &commit])?;
    Ok(GitFacts { commit: Some(commit), line, remote: Some(remote), prefix: String::new(), dirty: false })
}

/// Finds the commit of a branch, tag or hash, and the line it is on.
fn find(git: &Git<'_>, rev: Option<&str>, default: Option<String>) -> Option<(String, Option<String>)> {
    let Some(rev) = rev else {
        return Some((git.commit("HEAD")?, default));
    };
    let named = [format!("refs/remotes/origin/{rev}"), format!("refs/tags/{rev}")];
    match named.iter().find_map(|name| git.commit(name)) {
        Some(commit) => Some((commit, Some(rev.to_owned()))),
        None => Some((git.commit(rev)?, None)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Runs git for a test, apart from the user's configuration.
    pub(in crate::artifact) fn run(directory: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false"];
        let output = Command::new("git")
            .current_dir(directory)
            .args(identity)
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A repository with one commit of `a.txt` on `main`.
    pub(in crate::artifact) fn repository() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        run(directory.path(), &["init", "--quiet", "--initial-branch=main"]);
        std::fs::write(directory.path().join("a.txt"), "one\n").unwrap();
        run(directory.path(), &["add", "."]);
        run(directory.path(), &["commit", "--quiet", "--message=one"]);
        directory
    }

    #[test]
    fn addresses_and_revisions_are_told_apart() {
        let parsed = |text: &str| text.parse::<GitSource>().map(|source| (source.url, source.rev));
        for (text, url, rev) in [
            ("https://u@h.example/o/r", "https://u@h.example/o/r", None),
            ("https://u@h.example/o/r@feature/x", "https://u@h.example/o/r", Some("feature/x")),
            ("git@h.example:o/r.git", "git@h.example:o/r.git", None),
            ("git@h.example:o/r.git@v1", "git@h.example:o/r.git", Some("v1")),
            ("/srv/r@v1", "/srv/r", Some("v1")),
        ] {
            assert_eq!(parsed(text).unwrap(), (url.to_owned(), rev.map(str::to_owned)), "{text}");
        }
        for bad in ["--upload-pack=x", "/srv/r@-x", "/srv/r@", "@v1"] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn credentials_are_neither_stored_nor_shown() {
        let public = |text: &str| text.parse::<GitSource>().unwrap().public();
        for (text, shown) in [
            ("https://user:token@h.example/o/r@v1", "https://h.example/o/r@v1"),
            ("https://token@h.example/o/r", "https://h.example/o/r"),
            ("ssh://git:secret@h.example/o/r", "ssh://git@h.example/o/r"),
            ("git@h.example:o/r.git@main", "git@h.example:o/r.git@main"),
            ("/srv/r@v1", "/srv/r@v1"),
        ] {
            assert_eq!(public(text), shown);
        }
    }

    #[test]
    fn a_changed_tree_is_dirty() {
        let repository = repository();
        let path = repository.path();
        run(path, &["remote", "add", "origin", "https://user:secret@h.example/o/r.git"]);
        let clean = facts(path).unwrap();
        assert_eq!((clean.dirty, clean.line.as_deref()), (false, Some("main")));
        assert_eq!(clean.remote.as_deref(), Some("https://h.example/o/r.git"));
        assert_eq!(clean.commit.unwrap().len(), 40);
        std::fs::create_dir(path.join("sub")).unwrap();
        std::fs::write(path.join("sub/new"), "").unwrap();
        assert!(facts(path).unwrap().dirty);
        assert_eq!(facts(&path.join("sub")).unwrap().prefix, "sub");
        assert_eq!(facts(tempfile::tempdir().unwrap().path()), None);
    }

    #[test]
    fn no_command_of_the_repository_is_run() {
        let repository = repository();
        let path = repository.path();
        let canary = path.join(".git/canary");
        let command = format!("touch {}; cat", canary.display());
        for key in ["filter.x.clean", "filter.x.process", "core.fsmonitor", "filter.y.clean", "core.sshCommand"] {
            run(path, &["config", key, &command]);
        }
        run(path, &["config", "filter.x.required", "true"]);
        std::fs::write(path.join(".gitattributes"), "a.txt filter=x\n.gitattributes filter=y\n").unwrap();
        std::fs::write(path.join("a.txt"), "two\n").unwrap();
        assert!(facts(path).unwrap().dirty);
        assert!(!canary.exists());
        run(path, &["config", "filter.a=b.clean", &command]);
        assert!(facts(path).unwrap().dirty);
        assert!(!canary.exists());
    }

    #[test]
    fn clones_check_out_what_was_asked_for_without_hooks() {
        let origin = repository();
        run(origin.path(), &["tag", "v1"]);
        run(origin.path(), &["checkout", "--quiet", "-b", "feature/x"]);
        std::fs::write(origin.path().join("b.txt"), "").unwrap();
        run(origin.path(), &["add", "."]);
        run(origin.path(), &["commit", "--quiet", "--message=two"]);
        let cloned = |rev: &str| {
            let into = tempfile::tempdir().unwrap();
            let source: GitSource = format!("{}{rev}", origin.path().display()).parse().unwrap();
            clone(&source, into.path())
                .map(|facts| (facts.line, into.path().join("b.txt").exists(), into.path().join(".git/hooks").exists()))
        };
        assert_eq!(cloned("@v1").unwrap(), (Some("v1".to_owned()), false, false));
        assert_eq!(cloned("").unwrap(), (Some("feature/x".to_owned()), true, false));
        assert_eq!(cloned("@feature/x").unwrap(), (Some("feature/x".to_owned()), true, false));
        let commit = facts(origin.path()).unwrap().commit.unwrap();
        assert_eq!(cloned(&format!("@{commit}")).unwrap(), (None, true, false));
        assert!(cloned("@nope").unwrap_err().to_string().contains("has no revision `nope`"));
    }
}
