//! Files that the user asks for: written beside their place and moved there whole.

use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tempfile::NamedTempFile;

use crate::cli::error::CliError;
use crate::report::RENDERERS;

/// A file that is being written.
pub(super) struct Output {
    path: PathBuf,
    draft: NamedTempFile,
    umask: u32,
}

impl Output {
    /// Begins a file; fails when it could not be put into its place.
    pub(super) fn create(path: &Path, umask: u32) -> Result<Self, CliError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        if path.is_dir() {
            return Err(failed(path, "it is a directory"));
        }
        let draft = tempfile::Builder::new().prefix(".dragnet-").tempfile_in(folder);
        let draft = draft.map_err(|error| failed(path, error.kind()))?;
        Ok(Self { path: path.to_owned(), draft, umask })
    }

    /// Writes all of it and puts it into its place.
    pub(super) fn write(self, write: impl FnOnce(&mut dyn Write) -> Result<(), CliError>) -> Result<(), CliError> {
        let Self { path, draft, umask } = self;
        let mut out = BufWriter::with_capacity(1 << 16, draft.as_file());
        write(&mut out)?;
        out.flush().map_err(|error| failed(&path, error))?;
        drop(out);
        let mode = Permissions::from_mode(0o666 & !umask);
        draft.as_file().set_permissions(mode).map_err(|error| failed(&path, error))?;
        draft.persist(&path).map_err(|error| failed(&path, error.error))?;
        Ok(())
    }
}

fn failed(path: &Path, error: impl std::fmt::Display) -> CliError {
    CliError::usage(format!("{} cannot be written: {error}", path.display()))
}

/// `FORMAT=PATH`: a report to be written.
#[derive(Debug, Clone)]
pub(in crate::cli) struct ReportFile {
    /// The format's name.
    pub(super) format: String,
    /// Where it goes.
    pub(super) path: PathBuf,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = text.split_once('=').filter(|(_, path)| !path.is_empty()).ok_or("write FORMAT=PATH")?;
        if crate::report::renderer(format).is_none() {
            return Err(format!("there is no format `{format}`; there are {}", formats().join(", ")));
        }
        Ok(Self { format: format.to_owned(), path: PathBuf::from(path) })
    }
}

/// Returns the names of the formats of reports.
pub(in crate::cli) fn formats() -> Vec<&'static str> {
    let mut names: Vec<&str> = RENDERERS.iter().map(|renderer| renderer.name()).collect();
    names.sort_unstable();
    names
}

/// Reads the name of a format of reports.
pub(in crate::cli) fn format() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(formats())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_needs_a_known_format_and_a_place() {
        assert_eq!("json=a=b".parse::<ReportFile>().unwrap().path, Path::new("a=b"));
        assert!("jsn=x".parse::<ReportFile>().unwrap_err().contains("there is no format `jsn`"));
        assert!("json=".parse::<ReportFile>().is_err());
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report");
        let output = Output::create(&path, 0o022).unwrap();
        assert!(output.write(|_| Err(CliError::usage("no"))).is_err());
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
        Output::create(&path, 0o022).unwrap().write(|out| Ok(out.write_all(b"all")?)).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        assert!(Output::create(&dir.path().join("no/report"), 0).is_err());
    }
}
