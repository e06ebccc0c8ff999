//! Where state and configuration are.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::env::{CONFIG, Environment, STATE};

/// Why a directory cannot hold the state.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// Nothing says where it should be.
    #[error("there is no place for the state: give --state, or set {STATE}, XDG_STATE_HOME or HOME")]
    NoHome,
    /// It cannot be made or opened.
    #[error("the state directory {} cannot be used: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It cannot be written to.
    #[error("the state directory {} cannot be written to: {source}", path.display())]
    ReadOnly {
        /// The directory.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It is on another machine, where locks and shared memory do not hold.
    #[error("the state directory {} is on a network file system ({kind}): choose one on a local disk with --state", path.display())]
    Network {
        /// The directory.
        path: PathBuf,
        /// The file system.
        kind: &'static str,
    },
    /// It belongs to somebody else.
    #[error("the state directory {} belongs to user {owner}", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// The owner's id.
        owner: u32,
    },
    /// Others can read it, and it holds other things than state.
    #[error("the directory {} is open to others (mode {mode:04o}) and holds no state: choose an empty one", path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

/// Returns the directory of the state: the flag, `DRAGNET_STATE`, or one below `XDG_STATE_HOME` or `HOME`.
pub fn state_dir(flag: Option<&Path>, env: &Environment) -> Result<PathBuf, PathError> {
    let given = flag.map(Path::to_owned).or_else(|| Some(PathBuf::from(value(env, STATE)?)));
    let home = || Some(xdg(env, "XDG_STATE_HOME", ".local/state")?.join("dragnet"));
    given.or_else(home).ok_or(PathError::NoHome)
}

/// Returns the user's directory of configuration; none without a home.
pub fn config_dir(env: &Environment) -> Option<PathBuf> {
    Some(xdg(env, "XDG_CONFIG_HOME", ".config")?.join("dragnet"))
}

/// Returns the user's configuration file: `DRAGNET_CONFIG`, or the one in [`config_dir`].
pub fn user_config(env: &Environment) -> Option<PathBuf> {
    value(env, CONFIG).map(PathBuf::from).or_else(|| Some(config_dir(env)?.join("config.toml")))
}

fn value<'a>(env: &'a Environment, name: &str) -> Option<&'a str> {
    env.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// A base directory; its specification says that relative ones are to be ignored.
fn xdg(env: &Environment, name: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name| value(env, name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(name).or_else(|| Some(absolute("HOME")?.join(below_home)))
}

/// Makes the directory of the state, if need be, and checks that it can hold it: ours, closed to others, local, writable.
pub fn prepare_state(path: &Path) -> Result<(), PathError> {
    let failed = |source| PathError::Io { path: path.to_owned(), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            PathError::ReadOnly { path: path.to_owned(), source }
        }
        _ => failed(source),
    })?;
    let directory = std::fs::File::open(path).map_err(failed)?;
    let stat = rustix::fs::fstatfs(&directory).map_err(|error| failed(error.into()))?;
    if let Some(kind) = network(stat.f_type.cast_unsigned()) {
        return Err(PathError::Network { path: path.to_owned(), kind });
    }
    close_to_others(path, &directory)?;
    let probe = tempfile::Builder::new().prefix(".probe-").tempfile_in(path);
    probe.map(drop).map_err(|source| PathError::ReadOnly { path: path.to_owned(), source })
}

/// Takes rights from others, but not from a directory that somebody uses for something else.
fn close_to_others(path: &Path, directory: &std::fs::File) -> Result<(), PathError> {
    let failed = |source| PathError::Io { path: path.to_owned(), source };
    let meta = directory.metadata().map_err(failed)?;
    let us = rustix::process::geteuid();
    if meta.uid() != us.as_raw() && !us.is_root() {
        return Err(PathError::Foreign { path: path.to_owned(), owner: meta.uid() });
    }
    let mode = meta.mode() & 0o7777;
    if mode & 0o700 == mode {
        return Ok(());
    }
    let empty = path.read_dir().map_err(failed)?.next().is_none();
    if !empty && !path.join("dragnet.db").exists() {
        return Err(PathError::Open { path: path.to_owned(), mode });
    }
    directory.set_permissions(Permissions::from_mode(0o700)).map_err(failed)
}

/// Names a network file system by its magic number; see statfs(2).
fn network(magic: u64) -> Option<&'static str> {
    match magic & 0xffff_ffff {
        0x6969 => Some("nfs"),
        0x517b => Some("smb"),
        0xff53_4d42 => Some("cifs"),
        0xfe53_4d42 => Some("smb2"),
        0x00c3_6400 => Some("ceph"),
        0x0102_1997 => Some("9p"),
        0x5346_414f | 0x6b41_4653 => Some("afs"),
        0x7375_7245 => Some("coda"),
        0x0bd0_0bd0 => Some("lustre"),
        0x4750_4653 => Some("gpfs"),
        0x0116_1970 => Some("gfs2"),
        0x7461_636f => Some("ocfs2"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_state_is_where_the_strongest_word_says() {
        let all = env(&[(STATE, "/b"), ("XDG_STATE_HOME", "/c"), ("HOME", "/d")]);
        assert_eq!(state_dir(Some(Path::new("a")), &all).unwrap(), Path::new("a"));
        assert_eq!(state_dir(None, &all).unwrap(), Path::new("/b"));
        assert_eq!(
            state_dir(None, &env(&[("XDG_STATE_HOME", "/c"), ("HOME", "/d")])).unwrap(),
            Path::new("/c/dragnet")
        );
        let relative = env(&[("XDG_STATE_HOME", "c"), ("HOME", "/d")]);
        assert_eq!(state_dir(None, &relative).unwrap(), Path::new("/d/.local/state/dragnet"));
        assert!(matches!(state_dir(None, &env(&[(STATE, "")])), Err(PathError::NoHome)));
        assert_eq!(user_config(&all).unwrap(), Path::new("/d/.config/dragnet/config.toml"));
    }

    #[test]
    fn a_new_state_directory_is_closed_to_others() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        prepare_state(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        prepare_state(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(path.read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_directory_of_other_things_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("thesis.tex"), "").unwrap();
        std::fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(prepare_state(root.path()), Err(PathError::Open { mode: 0o755, .. })));
        assert_eq!(root.path().metadata().unwrap().mode() & 0o777, 0o755);
        assert!(matches!(prepare_state(&root.path().join("thesis.tex")), Err(PathError::Io { .. })));
    }

    #[test]
    fn a_directory_that_cannot_be_written_to_is_named() {
        // Nobody, root included, makes directories in /proc.
        let error = prepare_state(Path::new("/proc/dragnet")).unwrap_err().to_string();
        assert!(error.starts_with("the state directory /proc/dragnet cannot be"), "{error}");
        assert_eq!(network(0x6969), Some("nfs"));
        assert_eq!(network(0xef53), None);
    }
}
