//! The program that is carried into the containers: this one, or one that the user names.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::executor::ExecutorError;
use crate::model::id::Sha256;
use crate::model::program;

/// This program's own file.
const OWN: &str = "/proc/self/exe";

/// How much of a program is held in memory: its headers are in the first pages.
const HEAD: usize = 256 << 10;

/// The shim's program, copied to where a rebuild or an upgrade does not change it under a running container.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    /// The copy.
    pub path: PathBuf,
    /// First 12 digits of its hash.
    pub version: String,
}

impl Agent {
    /// Checks the program against the engine's architecture (`amd64`) and copies it to `dir`.
    pub(super) fn provide(file: Option<&Path>, dir: &Path, architecture: &str) -> Result<Self, ExecutorError> {
        let source = file.unwrap_or_else(|| Path::new(OWN));
        let failed = |error: &io::Error| {
            ExecutorError::local(format!("read the program for containers {}", source.display()), error)
        };
        let program = Program::read(source, &mut io::sink()).map_err(|error| failed(&error))?;
        check(&program.head, architecture).map_err(|why| {
            ExecutorError::Refused(format!(
                "{} cannot run in the engine's containers: {why}; name another with --agent FILE",
                source.display()
            ))
        })?;
        let version = program.sha256.to_string()[..12].to_owned();
        let path = dir.join(format!("dragnet-{version}"));
        if !fs::metadata(&path).is_ok_and(|found| found.len() == program.length) {
            put(&path, source, program.sha256)
                .map_err(|error| ExecutorError::local(format!("write {}", path.display()), &error))?;
        }
        Ok(Self { path, version })
    }
}

/// What is known of a program once it was read: it is large, and never in memory as a whole.
struct Program {
    /// Its beginning, with all of its headers.
    head: Vec<u8>,
    length: u64,
    sha256: Sha256,
}

impl Program {
    /// Reads a program, and copies it as it is read.
    fn read(source: &Path, copy: &mut impl Write) -> io::Result<Self> {
        let (mut file, mut head, mut buffer) = (File::open(source)?, Vec::new(), vec![0; HEAD]);
        let (mut hasher, mut length) = (sha2::Sha256::new(), 0);
        loop {
            let read = match file.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(Self { head, length, sha256: Sha256(hasher.finalize().into()) });
            }
            let more = (HEAD - head.len()).min(read);
            head.extend_from_slice(&buffer[..more]);
            hasher.update(&buffer[..read]);
            copy.write_all(&buffer[..read])?;
            length += read as u64;
        }
    }
}

fn put(path: &Path, source: &Path, sha256: Sha256) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).open(&temporary)?;
    // Whatever our umask: the user of every container runs it.
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    if Program::read(source, &mut file)?.sha256 != sha256 {
        return Err(io::Error::other("the program was changed while it was copied"));
    }
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)
}

/// Says why a program cannot be the first process in any image of an architecture.
fn check(program: &[u8], architecture: &str) -> Result<(), String> {
    let found = program::architecture(program).map_err(|unfit| unfit.to_string())?;
    if found.as_str() == architecture {
        return Ok(());
    }
    Err(format!("it is for {found}, and the engine's architecture is {architecture}"))
}
