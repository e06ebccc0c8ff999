//! Copies of mounted trees for scanners that open their database for writing.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::attempt::DIRECTORY_MODE;
use crate::beneath;
use crate::model::spec::WritableCopy;

const FILE_MODE: u32 = 0o666;

/// Copies each tree to its place below `root`. Directories and regular files only: a database has nothing else.
pub(super) fn make(root: &OwnedFd, copies: &[WritableCopy]) -> io::Result<()> {
    for copy in copies {
        for (end, _) in copy.to.match_indices('/') {
            beneath::make_directory(root, &copy.to[..end], DIRECTORY_MODE)?;
        }
        copy_tree(root, Path::new(&copy.from), &copy.to)?;
    }
    Ok(())
}

fn copy_tree(root: &OwnedFd, from: &Path, to: &str) -> io::Result<()> {
    beneath::make_directory(root, to, DIRECTORY_MODE)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| io::Error::other("a file's name is not text"))?;
        let (path, place) = (entry.path(), format!("{to}/{name}"));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(root, &path, &place)?;
        } else if kind.is_file() {
            io::copy(&mut fs::File::open(&path)?, &mut beneath::create(root, &place, FILE_MODE)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_copied_whole() {
        let (from, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(from.path().join("db")).unwrap();
        fs::write(from.path().join("db/metadata.json"), "{}").unwrap();
        let copy = WritableCopy { from: from.path().to_str().unwrap().to_owned(), to: "data/trivy-db".to_owned() };
        make(&beneath::root(out.path()).unwrap(), &[copy]).unwrap();
        let copied = out.path().join("data/trivy-db/db/metadata.json");
        assert_eq!(fs::read_to_string(&copied).unwrap(), "{}");
        assert!(!copied.metadata().unwrap().permissions().readonly());
    }
}
