use std::fs;
use std::io::Write as _;

use flate2::write::GzEncoder;
use tar::{Builder, Header};
use zip::write::SimpleFileOptions;

use super::*;

/// An entry: its kind, its name, and its content or what it links to.
type Entry = (EntryType, &'static str, &'static str);

const FILE: EntryType = EntryType::Regular;
const LINK: EntryType = EntryType::Symlink;

/// Builds a tar of entries whose names nobody checks.
fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, content) in entries {
        let mut header = Header::new_ustar();
        header.set_entry_type(*kind);
        header.set_mode(if name.contains("run") { 0o750 } else { 0o600 });
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        if *kind == FILE {
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        } else {
            header.as_mut_bytes()[157..157 + content.len()].copy_from_slice(content.as_bytes());
            header.set_size(0);
            header.set_cksum();
            builder.append(&header, io::empty()).unwrap();
        }
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

struct Unpacked {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Unpacked {
    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }
}

fn unpacked(bytes: &[u8]) -> Result<Unpacked, String> {
    let dir = tempfile::tempdir().unwrap();
    let (file, into) = (dir.path().join("archive"), dir.path().join("into"));
    fs::write(&file, bytes).unwrap();
    fs::create_dir(&into).unwrap();
    let root = unpack(&file, &into).map_err(|error| error.to_string());
    // Whatever was tried, nothing is beside the directory.
    assert_eq!(dir.path().read_dir().unwrap().count(), 2);
    root.map(|root| Unpacked { _dir: dir, root })
}

#[test]
fn every_format_gives_the_same_tree() {
    let entries =
        [(FILE, "./app-1.2/run.sh", "echo"), (FILE, "app-1.2/a/b/c.txt", "deep"), (LINK, "app-1.2/to", "run.sh")];
    let plain = tar(&entries);
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    zip.start_file("app-1.2/run.sh", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
    zip.write_all(b"echo").unwrap();
    zip.start_file("app-1.2/a/b/c.txt", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"deep").unwrap();
    zip.add_symlink("app-1.2/to", "run.sh", SimpleFileOptions::default()).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    for bytes in [gzip(&plain), zstd::encode_all(plain.as_slice(), 1).unwrap(), plain, zip] {
        let tree = unpacked(&bytes).unwrap();
        assert!(tree.root.ends_with("app-1.2"), "the only directory at its top is left out");
        assert_eq!((tree.text("a/b/c.txt").as_str(), tree.text("to").as_str()), ("deep", "echo"));
        let mode =
            |path: &str| std::os::unix::fs::MetadataExt::mode(&fs::metadata(tree.root.join(path)).unwrap()) & 0o777;
        assert_eq!((mode("run.sh") & 0o100, mode("a/b/c.txt") & 0o100), (0o100, 0));
    }
}

#[test]
fn the_last_entry_of_a_name_counts_and_a_hard_link_is_a_copy() {
    let tree =
        unpacked(&tar(&[(FILE, "a", "one"), (FILE, "a", "two"), (EntryType::Link, "b", "./a"), (FILE, "a", "three")]));
    let tree = tree.unwrap();
    assert_eq!((tree.text("a").as_str(), tree.text("b").as_str()), ("three", "two"));
}

#[test]
fn nothing_is_written_outside() {
    for (entries, words) in [
        (&[(FILE, "../evil", "x")][..], "`../evil` leads outside"),
        (&[(FILE, "a/../../evil", "x")], "leads outside"),
        (&[(LINK, "out", ".."), (FILE, "out/evil", "x")], "`out/evil`"),
        (&[(LINK, "out", "/tmp"), (EntryType::Directory, "out/evil", "")], "`out/evil`"),
        (&[(EntryType::Link, "a", "../archive")], "leads outside"),
        (&[(LINK, "out", "../archive"), (EntryType::Link, "a", "out")], "`a`"),
    ] {
        let error = unpacked(&tar(entries)).map(drop).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    // An absolute name is taken below the root, as tar does; a device is nothing to scan.
    let tree = unpacked(&tar(&[(FILE, "/etc/passwd", "x"), (EntryType::Char, "null", ""), (FILE, "b", "")])).unwrap();
    assert_eq!(tree.text("etc/passwd"), "x");
    assert!(!tree.root.join("null").exists());
}

#[test]
fn what_ends_too_early_is_no_archive() {
    let whole = tar(&[(FILE, "a", "one"), (FILE, "b", "two")]);
    assert!(unpacked(&whole).is_ok());
    for bytes in [&whole[..1024], &whole[..2048], &whole[..1536], &gzip(&whole)[..60]] {
        assert!(unpacked(bytes).is_err(), "{}", bytes.len());
    }
    let mut spoiled = gzip(&whole);
    let middle = spoiled.len() / 2;
    spoiled[middle] ^= 0x55;
    assert!(unpacked(&spoiled).is_err());
    for garbage in [&b""[..], b"PK\x03\x04 and so on", b"<html>not found</html>", &[0; 2048]] {
        assert!(unpacked(garbage).is_err(), "{garbage:?}");
    }
}
