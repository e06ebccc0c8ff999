//! Reading archives that may be hostile: entries as they are, with bounded names, and nothing behind the end.

use std::io::{self, BufReader, Read};

/// Largest window that the decompressor may ask for, as a power of two: 8 MiB.
const WINDOW_LOG_MAX: u32 = 23;
/// Longest path of an entry, in bytes.
pub(super) const MAX_PATH: u64 = 8 * 1024;
/// Most padding behind the last entry, in bytes.
const MAX_PADDING: u64 = 1 << 20;

/// An archive (tar) in a compressed stream (zstd).
pub(super) type Compressed<R> = tar::Archive<zstd::Decoder<'static, BufReader<R>>>;

/// Starts to read a compressed archive.
pub(super) fn decompress<R: Read>(reader: R) -> io::Result<Compressed<R>> {
    let mut decoder = zstd::Decoder::new(reader)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    Ok(tar::Archive::new(decoder))
}

/// Reads what is behind the last entry to the end of the stream, so that all of it was seen.
pub(super) fn finish<R: Read>(archive: Compressed<R>) -> io::Result<()> {
    let mut rest = archive.into_inner();
    let padding = io::copy(&mut rest.by_ref().take(MAX_PADDING), &mut io::sink())?;
    if padding == MAX_PADDING {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it goes on behind its end"));
    }
    let mut reader = rest.finish();
    io::copy(&mut reader, &mut io::sink()).map(drop)
}

/// An entry.
pub(super) struct Entry<'a, R: Read> {
    /// What it is.
    pub kind: tar::EntryType,
    /// Its path.
    pub name: Vec<u8>,
    /// Where it leads, if it is a link.
    pub target: Vec<u8>,
    /// Its content, header included.
    pub content: tar::Entry<'a, R>,
}

/// The entries of an archive. They are read raw: the archive reader's own handling of long names would read any length into memory.
pub(super) struct Entries<'a, R: Read> {
    raw: tar::Entries<'a, R>,
}

impl<'a, R: Read> Entries<'a, R> {
    /// Starts at the beginning of an archive.
    pub(super) fn of(archive: &'a mut tar::Archive<R>) -> io::Result<Self> {
        Ok(Self { raw: archive.entries()?.raw(true) })
    }

    fn read(&mut self) -> io::Result<Option<Entry<'a, R>>> {
        let (mut name, mut target) = (None, None);
        for entry in self.raw.by_ref() {
            let mut content = entry?;
            let kind = content.header().entry_type();
            let long = if kind.is_gnu_longname() {
                &mut name
            } else if kind.is_gnu_longlink() {
                &mut target
            } else {
                let name = name.unwrap_or_else(|| content.path_bytes().into_owned());
                let target = target.unwrap_or_else(|| content.link_name_bytes().unwrap_or_default().into_owned());
                return Ok(Some(Entry { kind, name, target, content }));
            };
            if long.is_some() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "an entry has two names"));
            }
            *long = Some(read_name(&mut content)?);
        }
        Ok(None)
    }
}

impl<'a, R: Read> Iterator for Entries<'a, R> {
    type Item = io::Result<Entry<'a, R>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn read_name(content: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut name = Vec::new();
    content.take(MAX_PATH + 1).read_to_end(&mut name)?;
    if name.len() as u64 > MAX_PATH {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "an entry has too long a name"));
    }
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}
