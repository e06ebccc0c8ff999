//! What every entry must keep to, whoever wrote it.

use std::path::Path;

use super::manifest::Manifest;
use super::placeholder::{Piece, Placeholder, UnknownPlaceholder, pieces};
use crate::model::asset::AssetKind;
use crate::model::id::{InvalidId, StepId};
use crate::model::nearest::Hint;
use crate::model::scanner::ResultSpec;

/// Fewest processes and threads a scanner may be limited to; with less, common runtimes do not start.
const MIN_PIDS: u32 = 64;

/// An entry that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scanner `{scanner}`: {problem}")]
pub struct InvalidManifest {
    /// Its name; empty when it could not be read so far.
    pub scanner: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not the TOML that it should be.
    #[error("{0}")]
    Syntax(String),
    /// A key is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A value is empty that must not be.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// The name is not usable as a step's id.
    #[error("the name {0}")]
    Name(InvalidId),
    /// The command is run by a shell.
    #[error("`{0} -c` runs a shell string: write program and arguments instead")]
    Shell(String),
    /// An argument has an unknown placeholder.
    #[error("in `command`: {0}")]
    Placeholder(#[from] UnknownPlaceholder),
    /// A parameter that the entry does not have.
    #[error("there is no parameter `{name}`{hint}")]
    UnknownParam {
        /// What was asked for.
        name: String,
        /// The nearest that exists.
        hint: Hint,
    },
    /// A database that the entry does not have.
    #[error("there is no database `{name}`{hint}")]
    UnknownData {
        /// What was asked for.
        name: String,
        /// The nearest that exists.
        hint: Hint,
    },
    /// A parameter's value that a program would read as an option, or that has control characters.
    #[error("the parameter `{0}` must not begin with a hyphen or have control characters in it")]
    ParamValue(String),
    /// A result's path.
    #[error("the result path `{0}` must be relative, without `..`, or `-`")]
    ResultPath(String),
    /// A result hands on what is no kind of asset.
    #[error("`produces` has `{0}`, which is neither `finding` nor a kind of asset")]
    Produces(String),
    /// Too few processes.
    #[error("`limits.pids` is {0}, and must be at least {MIN_PIDS}")]
    Pids(u32),
    /// Processors that are no positive number.
    #[error("`limits.cpus` must be greater than 0")]
    Cpus,
    /// A database's mount point.
    #[error("the database `{0}` needs an absolute `mount` without `..`")]
    Mount(String),
    /// An exit code in two lists.
    #[error("exit code {0} has two meanings")]
    ExitCode(i32),
}

impl Problem {
    pub(super) fn unknown_param<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::UnknownParam { name: name.to_owned(), hint: Hint::new(name, known) }
    }

    pub(super) fn unknown_data<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::UnknownData { name: name.to_owned(), hint: Hint::new(name, known) }
    }
}

impl Manifest {
    /// Checks all that can be checked without knowing the parsers and the target.
    pub fn check(&self) -> Result<(), InvalidManifest> {
        self.check_words()
            .and_then(|()| self.check_arguments())
            .and_then(|()| self.check_results())
            .and_then(|()| self.check_limits())
            .map_err(|problem| self.invalid(problem))
    }

    fn check_words(&self) -> Result<(), Problem> {
        self.name.parse::<StepId>().map_err(Problem::Name)?;
        let empty = [
            ("image", self.image.trim().is_empty()),
            ("program", self.program.trim().is_empty()),
            ("input", self.input.is_empty()),
            ("results", self.results.is_empty()),
        ];
        if let Some((key, _)) = empty.into_iter().find(|(_, empty)| *empty) {
            return Err(Problem::Empty(key));
        }
        let argv: Vec<&str> =
            [self.program.as_str()].into_iter().chain(self.command.iter().map(String::as_str)).collect();
        shell(&argv).map_or(Ok(()), |shell| Err(Problem::Shell(shell.to_owned())))
    }

    fn check_arguments(&self) -> Result<(), Problem> {
        for (name, value) in &self.params {
            if value.starts_with('-') || value.chars().any(char::is_control) {
                return Err(Problem::ParamValue(name.clone()));
            }
            self.check_placeholders(value, false)?;
        }
        self.command.iter().try_for_each(|argument| self.check_placeholders(argument, true))
    }

    fn check_placeholders(&self, text: &str, params: bool) -> Result<(), Problem> {
        for piece in pieces(text)? {
            match piece {
                Piece::Placeholder(Placeholder::Param(name)) if !params || !self.params.contains_key(name) => {
                    return Err(Problem::unknown_param(name, self.params.keys().map(String::as_str)));
                }
                Piece::Placeholder(Placeholder::Data(name)) if self.data.iter().all(|data| data.name != name) => {
                    return Err(Problem::unknown_data(name, self.data.iter().map(|data| data.name.as_str())));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_results(&self) -> Result<(), Problem> {
        for result in &self.results {
            if result.path != ResultSpec::STDOUT && !is_inner(&result.path) {
                return Err(Problem::ResultPath(result.path.clone()));
            }
            let unknown = |kind: &&String| *kind != "finding" && kind.parse::<AssetKind>().is_err();
            if let Some(kind) = result.produces.iter().find(unknown) {
                return Err(Problem::Produces(kind.clone()));
            }
        }
        let codes = &self.exit_codes;
        let mut all: Vec<i32> = [&codes.ok, &codes.findings, &codes.degraded].into_iter().flatten().copied().collect();
        all.sort_unstable();
        all.windows(2).find(|pair| pair[0] == pair[1]).map_or(Ok(()), |pair| Err(Problem::ExitCode(pair[0])))
    }

    fn check_limits(&self) -> Result<(), Problem> {
        if self.limits.pids < MIN_PIDS {
            return Err(Problem::Pids(self.limits.pids));
        }
        if !(self.limits.cpus.is_finite() && self.limits.cpus > 0.0) {
            return Err(Problem::Cpus);
        }
        let outside = |mount: &str| mount.strip_prefix('/').is_none_or(|rest| !is_inner(rest));
        match self.data.iter().find(|data| outside(&data.mount)) {
            Some(data) => Err(Problem::Mount(data.name.clone())),
            None => Ok(()),
        }
    }
}

/// Whether a path is relative and has only plain components.
fn is_inner(path: &str) -> bool {
    let mut components = Path::new(path).components().peekable();
    components.peek().is_some() && components.all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// Finds a shell in `argv` that is handed a string to run.
fn shell<'a>(argv: &[&'a str]) -> Option<&'a str> {
    const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "ksh", "zsh"];
    let place = argv.iter().position(|word| SHELLS.contains(&word.rsplit('/').next().unwrap_or(word)))?;
    let string = |word: &&str| word.starts_with('-') && !word.starts_with("--") && word.contains('c');
    argv[place + 1..].iter().take_while(|word| word.starts_with('-')).any(string).then_some(argv[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"
        name = "x"
        image = "example/x:1"
        program = "x"
        command = ["--rules={param.rules}", "{target}"]
        input = ["dir"]
        timeout = "1m"
        results = [{ path = "-", format = "sarif", produces = ["finding"] }]
        params = { rules = "all" }
    "#;

    fn refused(from: &str, to: &str) -> String {
        assert!(MINIMAL.contains(from), "{from}");
        Manifest::parse(&MINIMAL.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn a_minimal_entry_is_taken() {
        Manifest::parse(MINIMAL).unwrap();
    }

    #[test]
    fn what_could_not_run_or_would_escape_is_refused() {
        assert!(refused("param.rules", "param.rule").contains("no parameter `rule` (did you mean `rules`?)"));
        assert!(refused("{target}", "{taget}").contains("`{taget}` is no placeholder"));
        assert!(refused("{target}", "{data.db}").contains("no database `db`"));
        assert!(refused("path = \"-\"", "path = \"../x\"").contains("`../x`"));
        assert!(refused("path = \"-\"", "path = \"/x\"").contains("`/x`"));
        assert!(refused("[\"finding\"]", "[\"bug\"]").contains("`bug`"));
        assert!(refused("\"all\"", "\"--all\"").contains("hyphen"));
        assert!(refused("timeout =", "limits = { pids = 63 }\ntimeout =").contains("63"));
        assert!(refused("name = \"x\"", "name = \"X y\"").contains("step id"));
        assert!(refused("timeout =", "tiemout =").contains("unknown field `tiemout`"));
    }

    #[test]
    fn shell_strings_are_found_behind_other_programs() {
        assert_eq!(shell(&["/bin/sh", "-c", "x | y"]), Some("/bin/sh"));
        assert_eq!(shell(&["env", "bash", "-euc", "x"]), Some("bash"));
        assert_eq!(shell(&["bash", "script.sh", "-c"]), None);
        assert_eq!(shell(&["find", "-name", "sh"]), None);
    }
}
