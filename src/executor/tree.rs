//! Trees: source snapshots and databases, given to scanners read-only.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Deepest directory that is followed.
const MAX_DEPTH: usize = 256;

/// Returns whether everybody may read everything in a tree, so that it can be mounted as it is.
pub(super) fn is_open(tree: &Path) -> io::Result<bool> {
    let mut open = true;
    visit(tree, 0, &mut |path, metadata| {
        let mode = metadata.permissions().mode();
        let needed = if metadata.is_dir() { 0o005 } else { 0o004 };
        // What belongs to the topmost directory itself counts too: the mount is that directory.
        open &= metadata.is_symlink() || mode & needed == needed || path == tree && mode & 0o005 == 0o005;
        Ok(())
    })?;
    Ok(open)
}

/// Copies a tree with modes that let everybody read.
pub(super) fn copy_open(tree: &Path, into: &Path) -> io::Result<()> {
    visit(tree, 0, &mut |path, metadata| {
        let target = into.join(path.strip_prefix(tree).unwrap_or(path));
        if metadata.is_symlink() {
            return std::os::unix::fs::symlink(fs::read_link(path)?, target);
        }
        if metadata.is_dir() {
            fs::create_dir(&target)?;
        } else {
            fs::copy(path, &target)?;
        }
        fs::set_permissions(&target, fs::Permissions::from_mode(normal_mode(metadata)))
    })
}

/// Packs a tree's content, owned by root, with modes that let everybody read.
/// Equal trees give equal bytes.
pub(super) fn pack<W: io::Write>(tree: &Path, builder: &mut tar::Builder<W>) -> io::Result<()> {
    visit(tree, 0, &mut |path, metadata| {
        let name = path.strip_prefix(tree).unwrap_or(path);
        if name.as_os_str().is_empty() {
            return Ok(());
        }
        let mode = normal_mode(metadata);
        if metadata.is_symlink() {
            builder.append_link(&mut header(tar::EntryType::Symlink, 0o777, 0, 0), name, fs::read_link(path)?)
        } else if metadata.is_dir() {
            builder.append_data(&mut header(tar::EntryType::Directory, mode, 0, 0), name, io::empty())
        } else {
            let len = metadata.len();
            builder.append_data(
                &mut header(tar::EntryType::Regular, mode, 0, len),
                name,
                io::Read::take(File::open(path)?, len),
            )
        }
    })
}

/// A header with nothing in it that differs from one machine to the next.
pub(super) fn header(kind: tar::EntryType, mode: u32, uid: u64, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(uid);
    header.set_gid(uid);
    header.set_mtime(0);
    header.set_size(size);
    header
}

fn normal_mode(metadata: &Metadata) -> u32 {
    if metadata.is_dir() || metadata.permissions().mode() & 0o111 != 0 { 0o755 } else { 0o644 }
}

/// Visits directories before their content, in order of names; what is neither file, directory nor link is no part of a tree.
fn visit(path: &Path, depth: usize, take: &mut impl FnMut(&Path, &Metadata) -> io::Result<()>) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !(metadata.is_dir() || metadata.is_file() || metadata.is_symlink()) {
        return Ok(());
    }
    take(path, &metadata)?;
    if !metadata.is_dir() {
        return Ok(());
    }
    if depth == MAX_DEPTH {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is nested too deep", path.display())));
    }
    let mut names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    names.into_iter().try_for_each(|name| visit(&path.join(name), depth + 1, take))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_tree_is_copied_into_a_readable_one() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (tree, copy) = (from.path().join("tree"), to.path().join("copy"));
        fs::create_dir_all(tree.join("a/b")).unwrap();
        fs::write(tree.join("a/b/secret"), "x").unwrap();
        fs::set_permissions(&tree, fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("b/secret", tree.join("a/link")).unwrap();
        assert!(is_open(&tree).unwrap());
        fs::set_permissions(tree.join("a/b/secret"), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!is_open(&tree).unwrap());
        copy_open(&tree, &copy).unwrap();
        assert!(is_open(&copy).unwrap());
        assert_eq!(fs::read(copy.join("a/link")).unwrap(), b"x");
    }
}
