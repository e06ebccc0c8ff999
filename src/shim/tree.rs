//! Unpacking a tree into the pod: what a scanner finds is what was packed, wherever its names and links point.

use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;

use super::untar::{self, Entries, Entry, MAX_PATH};
use crate::beneath;

const DIRECTORY_MODE: u32 = 0o755;
const EXECUTABLE_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

/// Unpacks a compressed archive into a directory that is empty. Each directory comes before what is in it, nothing comes twice,
/// and no link is followed; modes are those of a snapshot, whatever the archive says.
pub(super) fn unpack(stream: impl Read, into: &OwnedFd) -> io::Result<()> {
    let mut archive = untar::decompress(stream)?;
    for entry in Entries::of(&mut archive)? {
        place(&mut entry?, into)?;
    }
    untar::finish(archive)
}

fn place(entry: &mut Entry<'_, impl Read>, into: &OwnedFd) -> io::Result<()> {
    let name = entry.name.strip_suffix(b"/").unwrap_or(&entry.name);
    if !is_safe(name) {
        return Err(invalid(name, "is no path in a tree"));
    }
    if entry.kind.is_dir() {
        beneath::make_directory(into, name, DIRECTORY_MODE).map(drop)
    } else if entry.kind.is_symlink() {
        beneath::link(into, name, &entry.target)
    } else if entry.kind.is_file() {
        let executable = entry.content.header().mode()? & 0o111 != 0;
        let mut file = beneath::create(into, name, if executable { EXECUTABLE_MODE } else { FILE_MODE })?;
        let len = entry.content.size();
        if io::copy(&mut entry.content, &mut file)? != len {
            return Err(invalid(name, "is cut off"));
        }
        file.flush()
    } else {
        Err(invalid(name, "is neither file, directory nor link"))
    }
}

/// Returns whether a path stays below the directory that it is unpacked into.
fn is_safe(path: &[u8]) -> bool {
    path.len() as u64 <= MAX_PATH
        && path.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b"..") && !part.contains(&0))
}

fn invalid(name: &[u8], what: &str) -> io::Error {
    let name: String = String::from_utf8_lossy(name).chars().flat_map(char::escape_debug).collect();
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} {what}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;

    fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header
    }

    /// An archive with names as they are written into it, which the builder itself would refuse.
    fn archive(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
        for (name, kind, text) in entries {
            let size = if kind.is_file() { text.len() as u64 } else { 0 };
            let mut header = header(*kind, 0o4777, size);
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            if kind.is_symlink() {
                header.as_old_mut().linkname[..text.len()].copy_from_slice(text.as_bytes());
            }
            header.set_cksum();
            builder.append(&header, &text.as_bytes()[..usize::try_from(size).unwrap()]).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn unpacked(bytes: &[u8], into: &Path) -> io::Result<()> {
        unpack(bytes, &beneath::root(into).unwrap())
    }

    use tar::EntryType::{Directory, Fifo, Link, Regular, Symlink};

    #[test]
    fn nothing_leaves_the_directory() {
        let outside = tempfile::tempdir().unwrap();
        let victim = outside.path().to_str().unwrap();
        for entries in [
            vec![("../out", Regular, "x")],
            vec![("/etc/x", Regular, "x")],
            vec![("a/../../out", Regular, "x")],
            vec![("link", Symlink, victim), ("link/out", Regular, "x")],
            vec![("link", Symlink, victim), ("link", Directory, ""), ("link/out", Regular, "x")],
            vec![("link", Symlink, "/etc/hostname"), ("link", Regular, "x")],
            vec![("pipe", Fifo, "")],
            vec![("hard", Link, "/etc/passwd")],
            vec![("a", Regular, "x"), ("a", Regular, "y")],
        ] {
            let into = tempfile::tempdir().unwrap();
            assert!(unpacked(&archive(&entries), into.path()).is_err(), "{entries:?}");
        }
        assert_eq!(outside.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn modes_are_those_of_a_snapshot() {
        let into = tempfile::tempdir().unwrap();
        let bytes = archive(&[("d", Directory, ""), ("d/run", Regular, "x"), ("d/link", Symlink, "../nowhere")]);
        unpacked(&bytes, into.path()).unwrap();
        let mode = |path: &str| into.path().join(path).symlink_metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("d"), mode("d/run") & 0o7000), (0o755, 0));
        assert_eq!(std::fs::read_link(into.path().join("d/link")).unwrap(), Path::new("../nowhere"));
    }

    #[test]
    fn a_cut_stream_is_an_error_wherever_it_is_cut() {
        let bytes = archive(&[("a", Regular, "x"), ("b", Regular, "y")]);
        for end in 0..bytes.len() {
            let into = tempfile::tempdir().unwrap();
            assert!(unpacked(&bytes[..end], into.path()).is_err(), "{end} of {}", bytes.len());
        }
        unpacked(&bytes, tempfile::tempdir().unwrap().path()).unwrap();
    }
}
