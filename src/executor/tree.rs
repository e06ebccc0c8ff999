//! Trees: source snapshots and databases, given to scanners read-only.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Deepest directory that is followed.
const MAX_DEPTH: usize = 256;

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
