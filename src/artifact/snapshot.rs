//! Makes an immutable copy of a source tree, named by the hash of what is in it ([`super::canonical`]).
//!
//! Directories and executables have mode 0755, other files 0644, so that any user of a scanner's container can read them. The
//! directory around the tree is read-only. Files are copied, or share blocks where the file system can do that, but are never
//! hard links: a later edit of the user's must not reach the snapshot.

use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::fs::Permissions;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType};
use rustix::io::Errno;

use super::canonical::{Content, TreeHasher};
use super::copy::Copier;
use super::dir::{MAX_DEPTH, make_dir, names, open_dir};
use super::error::SourceError;
use super::ignored::Rules;
use super::tree::{self, Hold};
use crate::model::id::Sha256;
use crate::model::plan::SourceFacts;

/// What is left out of a snapshot.
#[derive(Debug, Clone, Copy, Default)]
pub struct SnapshotOptions<'a> {
    /// Globs as in `.gitignore`.
    pub exclude: &'a [String],
    /// Whether `.gitignore` files count.
    pub gitignore: bool,
    /// Directories that are never copied, such as the program's own state.
    pub skip: &'a [PathBuf],
}

/// A snapshot.
#[derive(Debug)]
pub struct Snapshot {
    /// Its root.
    pub tree: PathBuf,
    /// Keeps it from being removed.
    pub hold: Hold,
    /// What is in it, without what git says.
    pub facts: SourceFacts,
    /// What is not in it although nobody asked for that.
    pub left_out: Vec<LeftOut>,
}

/// Something that is not in a snapshot, or not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path in the tree, control characters escaped.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// Why something is not in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It cannot be read; the system's words.
    Unreadable(String),
    /// A symbolic link that leads out of the tree.
    LinkOutside,
    /// A socket, pipe or device: there is nothing to scan in it.
    Special,
    /// It changed whenever it was read; the copy is there, and may be of no single moment.
    Changing,
    /// The program's own state.
    Skipped,
    /// It lies in too many directories.
    TooDeep,
}

impl Reason {
    /// Whether a scanner misses something of the target by it. What a link outside leads to is not of the target.
    pub const fn is_gap(&self) -> bool {
        !matches!(self, Self::Special | Self::Skipped | Self::LinkOutside)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => f.write_str(error),
            Self::LinkOutside => f.write_str("a link that leads outside"),
            Self::Special => f.write_str("a socket, pipe or device"),
            Self::Skipped => f.write_str("dragnet's own state"),
            Self::Changing => f.write_str("changed while it was read"),
            Self::TooDeep => write!(f, "more than {MAX_DEPTH} directories deep"),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path, self.reason)
    }
}

/// Copies the directory or file `root` to `<artifacts>/src/<sha256>/tree`.
pub fn snapshot(artifacts: &Path, root: &Path, options: SnapshotOptions<'_>) -> Result<Snapshot, SourceError> {
    let home = artifacts.join("src");
    let failed = |error| SourceError::io("cannot write", &home, error);
    std::fs::create_dir_all(&home).map_err(failed)?;
    let draft = tempfile::Builder::new().prefix(".tmp-").tempdir_in(&home).map_err(failed)?;
    let tree = draft.path().join("tree");
    std::fs::create_dir(&tree).map_err(failed)?;
    std::fs::set_permissions(&tree, Permissions::from_mode(0o755)).map_err(failed)?;

    let mut walk = Walk::new(options)?;
    walk.root(root, &tree)?;
    let sha256 = walk.hasher.finish();
    if walk.files == 0 {
        return Err(SourceError::Empty(root.to_owned()));
    }
    let (tree, hold) = publish(draft, artifacts, sha256)?;
    let unreadable = walk.left_out.iter().filter(|out| out.reason.is_gap()).map(ToString::to_string).collect();
    let (files, bytes, rules) = (walk.files, walk.bytes, walk.rules.hash());
    let facts = SourceFacts { sha256, files, bytes, commit: None, dirty: false, rules, unreadable };
    Ok(Snapshot { tree, hold, facts, left_out: walk.left_out })
}

/// Makes a finished draft durable, then visible under its name; one that is there already is the same.
fn publish(draft: tempfile::TempDir, artifacts: &Path, sha256: Sha256) -> Result<(PathBuf, Hold), SourceError> {
    let home = artifacts.join("src");
    let place = home.join(sha256.to_string());
    let failed = |error| SourceError::io("cannot write", &place, error);
    let mut held = tree::hold(artifacts, sha256).map_err(failed)?;
    if held.is_some() {
        tree::touch(&place).map_err(failed)?;
    } else {
        let directory = std::fs::File::open(&home).map_err(failed)?;
        fs::syncfs(&directory).map_err(|error| failed(error.into()))?;
        std::fs::set_permissions(draft.path(), Permissions::from_mode(0o555)).map_err(failed)?;
        match std::fs::rename(draft.path(), &place) {
            Ok(()) => drop(draft.keep()),
            Err(_) if place.exists() => {
                std::fs::set_permissions(draft.path(), Permissions::from_mode(0o755)).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        directory.sync_all().map_err(failed)?;
        held = tree::hold(artifacts, sha256).map_err(failed)?;
    }
    let hold = held.ok_or_else(|| failed(std::io::Error::other("it was removed while it was being made")))?;
    Ok((place.join("tree"), hold))
}

/// The state of one walk.
struct Walk {
    rules: Rules,
    /// Device and inode of directories that are skipped.
    skip: Vec<(u64, u64)>,
    copier: Copier,
    hasher: TreeHasher,
    files: u64,
    bytes: u64,
    left_out: Vec<LeftOut>,
}

impl Walk {
    fn new(options: SnapshotOptions<'_>) -> Result<Self, SourceError> {
        let identity = |path: &PathBuf| fs::stat(path).ok().map(|stat| (stat.st_dev, stat.st_ino));
        Ok(Self {
            rules: Rules::new(options.exclude, options.gitignore)?,
            skip: options.skip.iter().filter_map(identity).collect(),
            copier: Copier::new(),
            hasher: TreeHasher::new(),
            files: 0,
            bytes: 0,
            left_out: Vec::new(),
        })
    }

    /// Copies a directory's content, or a single file, into `tree`. Links in the path of the root itself are followed.
    fn root(&mut self, root: &Path, tree: &Path) -> Result<(), SourceError> {
        let real = root.canonicalize().map_err(|error| SourceError::io("cannot open", root, error))?;
        let to = std::fs::File::open(tree).map_err(|error| SourceError::io("cannot open", tree, error))?;
        let unreadable = |error| SourceError::io("cannot read", root, error);
        if real.is_dir() {
            let from = std::fs::File::open(&real).map_err(unreadable)?;
            return self.directory(from.as_fd(), to.as_fd(), Path::new(""), 0).map_err(unreadable);
        }
        let (Some(parent), Some(name)) = (real.parent(), real.file_name()) else {
            return Err(unreadable(std::io::ErrorKind::InvalidInput.into()));
        };
        let from = std::fs::File::open(parent).map_err(unreadable)?;
        let name_c = CString::new(name.as_bytes()).map_err(|_| unreadable(std::io::ErrorKind::InvalidInput.into()))?;
        self.file(from.as_fd(), to.as_fd(), &name_c, Path::new(name)).map_err(unreadable)
    }

    fn directory(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        path: &Path,
        depth: usize,
    ) -> Result<(), std::io::Error> {
        let names = names(from)?;
        self.rules.enter(from, path);
        for name in names {
            let path = path.join(OsStr::from_bytes(name.to_bytes()));
            if let Err(error) = self.entry(from, to, &name, &path, depth) {
                if is_ours(&error) {
                    return Err(error);
                }
                self.leave_out(&path, Reason::Unreadable(error.to_string()));
            }
        }
        self.rules.leave();
        Ok(())
    }

    fn entry(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &CStr,
        path: &Path,
        depth: usize,
    ) -> Result<(), std::io::Error> {
        let stat = match fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW) {
            // It went away since the directory was listed.
            Err(Errno::NOENT) => return Ok(()),
            other => other?,
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if self.rules.exclude(path, kind == FileType::Directory) {
            return Ok(());
        }
        match kind {
            _ if self.skip.contains(&(stat.st_dev, stat.st_ino)) => self.leave_out(path, Reason::Skipped),
            FileType::Directory if depth == MAX_DEPTH => self.leave_out(path, Reason::TooDeep),
            FileType::Directory => {
                let inner = open_dir(from, name)?;
                let copy = make_dir(to, name)?;
                self.hasher.entry(path.as_os_str().as_bytes(), Content::Directory);
                self.directory(inner.as_fd(), copy.as_fd(), path, depth + 1)?;
            }
            FileType::RegularFile => self.file(from, to, name, path)?,
            FileType::Symlink => self.link(from, to, name, path, depth)?,
            _ => self.leave_out(path, Reason::Special),
        }
        Ok(())
    }

    fn file(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &CStr,
        path: &Path,
    ) -> Result<(), std::io::Error> {
        let copied = match self.copier.copy(from, to, name) {
            Ok(copied) => copied,
            Err(error) => {
                // A part of a file must not look like the file.
                match fs::unlinkat(to, name, AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => return Err(error),
                    Err(leftover) => return Err(leftover.into()),
                }
            }
        };
        let content = Content::File { executable: copied.executable, sha256: copied.sha256 };
        self.hasher.entry(path.as_os_str().as_bytes(), content);
        self.files += 1;
        self.bytes += copied.len;
        if copied.torn {
            self.leave_out(path, Reason::Changing);
        }
        Ok(())
    }

    fn link(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &CStr,
        path: &Path,
        depth: usize,
    ) -> Result<(), std::io::Error> {
        let target = fs::readlinkat(from, name, Vec::new())?;
        if stays_inside(Path::new(OsStr::from_bytes(target.as_bytes())), depth) {
            fs::symlinkat(target.as_c_str(), to, name)?;
            self.hasher.entry(path.as_os_str().as_bytes(), Content::Link(target.as_bytes()));
        } else {
            self.leave_out(path, Reason::LinkOutside);
        }
        Ok(())
    }

    fn leave_out(&mut self, path: &Path, reason: Reason) {
        self.left_out.push(LeftOut { path: printable(&path.to_string_lossy()), reason });
    }
}

/// Escapes what could drive a terminal.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { printable.extend(c.escape_default()) } else { printable.push(c) }
    }
    printable
}

/// Errors of the disk we write to: going on would leave things out for no fault of theirs.
fn is_ours(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
        || matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// Whether a link in a directory `depth` levels below the root stays in the tree, wherever the links on its way lead.
///
/// Such a link first climbs no further than the root, past real directories only, and then descends. A `..` after a name would
/// climb from wherever that name leads, which may be another link.
fn stays_inside(target: &Path, depth: usize) -> bool {
    let mut components = target.components().filter(|part| *part != Component::CurDir).peekable();
    let mut climbed = 0;
    while components.next_if(|part| *part == Component::ParentDir).is_some() {
        climbed += 1;
    }
    climbed <= depth && components.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::Mode;

    use super::*;

    /// Makes snapshots writable, so that a test's directory can be removed.
    pub(in crate::artifact) fn unlock(artifacts: &Path) {
        for snapshot in artifacts.join("src").read_dir().into_iter().flatten().flatten() {
            std::fs::set_permissions(snapshot.path(), Permissions::from_mode(0o755)).unwrap();
        }
    }

    struct Tree {
        root: tempfile::TempDir,
        artifacts: tempfile::TempDir,
    }

    impl Tree {
        fn new(files: &[(&str, &str)]) -> Self {
            let tree = Self { root: tempfile::tempdir().unwrap(), artifacts: tempfile::tempdir().unwrap() };
            for (path, text) in files {
                tree.write(path, text);
            }
            tree
        }

        fn path(&self, path: &str) -> PathBuf {
            self.root.path().join(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        fn chmod(&self, path: &str, mode: u32) {
            std::fs::set_permissions(self.path(path), Permissions::from_mode(mode)).unwrap();
        }

        fn take(&self) -> Snapshot {
            self.take_with(SnapshotOptions::default()).unwrap()
        }

        fn take_with(&self, options: SnapshotOptions<'_>) -> Result<Snapshot, SourceError> {
            snapshot(self.artifacts.path(), self.root.path(), options)
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            unlock(self.artifacts.path());
        }
    }

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().permissions().mode() & 0o7777
    }

    fn reasons(snapshot: &Snapshot) -> Vec<(&str, &Reason)> {
        snapshot.left_out.iter().map(|out| (out.path.as_str(), &out.reason)).collect()
    }

    #[test]
    fn equal_trees_are_one_snapshot_whatever_their_modes_and_times() {
        let tree = Tree::new(&[("a.txt", "a"), ("bin/run", "#!"), ("empty/x", "")]);
        tree.chmod("a.txt", 0o600);
        tree.chmod("bin/run", 0o700);
        tree.chmod("bin", 0o2750);
        let first = tree.take();
        assert_eq!((first.facts.files, first.facts.bytes), (3, 3));
        assert_eq!(
            ["a.txt", "bin/run", "bin", ""].map(|path| mode(&first.tree.join(path))),
            [0o644, 0o755, 0o755, 0o755]
        );
        assert_eq!(mode(first.tree.parent().unwrap()), 0o555);
        tree.chmod("a.txt", 0o664);
        tree.write("a.txt", "a");
        let again = tree.take();
        assert_eq!((again.tree, again.facts, again.left_out), (first.tree, first.facts, first.left_out));
        assert_eq!(tree.artifacts.path().join("src").read_dir().unwrap().count(), 1);
    }

    #[test]
    fn every_difference_makes_another_snapshot() {
        let hash = |files: &[(&str, &str)]| Tree::new(files).take().facts.sha256;
        let base = hash(&[("a", "1"), ("b", "2")]);
        assert_ne!(base, hash(&[("a", "2"), ("b", "1")]));
        assert_ne!(base, hash(&[("a", "1"), ("c", "2")]));
        assert_ne!(base, hash(&[("a", "1"), ("b", "2"), ("c/d", "")]));
        let executable = Tree::new(&[("a", "1"), ("b", "2")]);
        executable.chmod("a", 0o755);
        assert_ne!(base, executable.take().facts.sha256);
    }

    #[test]
    fn a_later_edit_does_not_reach_the_snapshot() {
        let tree = Tree::new(&[("a", "before")]);
        let snapshot = tree.take();
        std::fs::OpenOptions::new()
            .write(true)
            .open(tree.path("a"))
            .and_then(|mut f| std::io::Write::write_all(&mut f, b"AFTER!"))
            .unwrap();
        assert_eq!(std::fs::read_to_string(snapshot.tree.join("a")).unwrap(), "before");
    }

    #[test]
    fn links_stay_only_when_they_stay_inside() {
        let tree = Tree::new(&[("d/e/f", "x"), ("a", "")]);
        for (link, target) in [
            ("d/e/up", "../../a"),
            ("d/loop", "loop"),
            ("dangling", "nowhere"),
            ("d/e/root", "../.."),
            ("d/e/out", "../../../etc/passwd"),
            ("absolute", "/etc/passwd"),
            // Where `d/e/root` leads, one more step up is outside.
            ("sly", "d/e/root/../secret"),
        ] {
            symlink(target, tree.path(link)).unwrap();
        }
        let snapshot = tree.take();
        for kept in ["d/e/up", "d/loop", "dangling", "d/e/root"] {
            assert!(snapshot.tree.join(kept).is_symlink(), "{kept}");
        }
        assert_eq!(
            reasons(&snapshot),
            [("absolute", &Reason::LinkOutside), ("d/e/out", &Reason::LinkOutside), ("sly", &Reason::LinkOutside)]
        );
        // What they lead to is not of the target: no gap.
        assert_eq!(snapshot.facts.unreadable, Vec::<String>::new());
    }

    #[test]
    fn pipes_and_sockets_are_named_and_are_no_gap() {
        let tree = Tree::new(&[("a", "")]);
        fs::mknodat(fs::CWD, tree.path("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let socket = std::os::unix::net::UnixListener::bind(tree.path("so\u{1b}ck")).unwrap();
        let snapshot = tree.take();
        drop(socket);
        assert_eq!(reasons(&snapshot), [("pipe", &Reason::Special), ("so\\u{1b}ck", &Reason::Special)]);
        assert!(snapshot.facts.unreadable.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        if rustix::process::geteuid().is_root() {
            return; // Root reads everything.
        }
        let tree = Tree::new(&[("a", ""), ("closed/x", ""), ("secret", "")]);
        tree.chmod("closed", 0o000);
        tree.chmod("secret", 0o000);
        let snapshot = tree.take();
        tree.chmod("closed", 0o700);
        assert_eq!(snapshot.left_out.len(), 2);
        assert_eq!(snapshot.facts.unreadable.len(), 2);
        assert!(!snapshot.tree.join("secret").exists());
    }

    #[test]
    fn excludes_are_as_in_gitignore_and_gitignore_counts_only_when_asked() {
        let tree = Tree::new(&[
            ("keep", ""),
            ("node_modules/x/y", ""),
            ("src/node_modules/z", ""),
            ("log/a.log", ""),
            ("log/keep.log", ""),
            (".gitignore", "*.log\n"),
            ("log/.gitignore", "!keep.log\n"),
        ]);
        let exclude = ["node_modules/".to_owned()];
        let with = |gitignore| tree.take_with(SnapshotOptions { exclude: &exclude, gitignore, skip: &[] }).unwrap();
        let all = with(false);
        assert!(!all.tree.join("node_modules").exists() && !all.tree.join("src/node_modules").exists());
        assert!(all.tree.join("log/a.log").exists());
        let some = with(true);
        assert!(!some.tree.join("log/a.log").exists() && some.tree.join("log/keep.log").exists());
        assert!(all.left_out.is_empty() && some.left_out.is_empty());
        let bad = ["{a".to_owned()];
        let error = tree.take_with(SnapshotOptions { exclude: &bad, ..SnapshotOptions::default() }).unwrap_err();
        assert!(error.to_string().contains("`{a`"), "{error}");
    }

    #[test]
    fn state_inside_the_tree_is_not_copied_into_itself() {
        let tree = Tree::new(&[("a", ""), ("state/dragnet.db", "")]);
        let state = tree.path("state");
        let options = SnapshotOptions { skip: std::slice::from_ref(&state), ..SnapshotOptions::default() };
        let snapshot = snapshot(&state, tree.root.path(), options).unwrap();
        assert!(!snapshot.tree.join("state").exists());
        assert_eq!(reasons(&snapshot), [("state", &Reason::Skipped)]);
        assert!(snapshot.facts.unreadable.is_empty());
        unlock(&state);
    }

    #[test]
    fn a_single_file_and_a_link_to_the_root_are_followed_and_nothing_is_an_error() {
        let tree = Tree::new(&[("a.txt", "x"), ("sub/b", "")]);
        symlink("sub", tree.path("link")).unwrap();
        let take = |path: &str| snapshot(tree.artifacts.path(), &tree.path(path), SnapshotOptions::default());
        assert!(take("a.txt").unwrap().tree.join("a.txt").exists());
        assert!(take("link").unwrap().tree.join("b").exists());
        std::fs::create_dir(tree.path("empty")).unwrap();
        assert!(matches!(take("empty"), Err(SourceError::Empty(_))));
        assert_eq!(tree.artifacts.path().join("src").read_dir().unwrap().count(), 2);
    }

    #[test]
    fn very_deep_trees_end() {
        let tree = Tree::new(&[("a", "")]);
        let deep = vec!["d"; MAX_DEPTH + 2].join("/");
        tree.write(&format!("{deep}/f"), "");
        let snapshot = tree.take();
        assert_eq!(snapshot.left_out.len(), 1);
        assert_eq!(snapshot.left_out[0].reason, Reason::TooDeep);
    }
}
