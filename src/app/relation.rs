//! How a scan's findings stand to something else than what was known on its line: laid over a report, and kept nowhere.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::marker::PhantomData;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::AppError;
use crate::model::finding::SeverityCounts;
use crate::model::severity::Severity;
use crate::model::standing::{Fate, FindingKey, GoneView, Standing, Standings};
use crate::model::view::{FindingView, ScanView};
use crate::report::{Reference, RenderError, Source, SourceError};

/// Entries of one page.
const PAGE: usize = 500;

/// How the findings of one scan stand to a reference of the reader's choice.
#[derive(Debug)]
pub struct Relation {
    /// What they stand to.
    pub reference: Reference,
    /// What the reader should know of the reference, in words.
    pub warnings: Vec<String>,
    standings: Standings,
    muted: SeverityCounts,
    /// Names of those that are new, by scanner.
    news: BTreeMap<String, HashSet<FindingKey>>,
    gone: Spool<GoneView>,
}

impl Relation {
    /// Begins a relation in which nothing stands yet. `dir` is where lists go that may be longer than memory.
    pub(super) fn new(reference: Reference, dir: &Path) -> Result<Self, AppError> {
        let (standings, muted, news) = (Standings::default(), SeverityCounts::default(), BTreeMap::new());
        Ok(Self { reference, warnings: Vec::new(), standings, muted, news, gone: Spool::new(dir)? })
    }

    /// Counts findings that are on both sides.
    pub(super) fn exist(&mut self, counts: &SeverityCounts) {
        self.standings.existing.merge(counts);
    }

    /// Notes a finding that only the scan has; `muted` says that it does not count.
    pub(super) fn is_new(&mut self, scanner: &str, name: FindingKey, severity: Severity, muted: bool) {
        self.standings.new.add(severity);
        if muted {
            self.muted.add(severity);
        }
        match self.news.get_mut(scanner) {
            Some(news) => drop(news.insert(name)),
            None => drop(self.news.insert(scanner.to_owned(), HashSet::from([name]))),
        }
    }

    /// Notes a finding that only the reference has, with its severity there.
    pub(super) fn is_gone(&mut self, gone: &GoneView, severity: Severity) -> Result<(), AppError> {
        match gone.fate {
            Fate::Fixed => self.standings.fixed.add(severity),
            Fate::NotObserved(reason) => *self.standings.not_observed.entry(reason).or_default() += 1,
        }
        self.gone.push(gone).map_err(|error| RenderError::from(error).into())
    }

    /// Ends the lists: now they can be read.
    pub(super) fn sealed(mut self) -> Result<Self, AppError> {
        self.gone.out.flush().map_err(RenderError::from)?;
        Ok(self)
    }

    /// Lays the relation over a scan: its counts, and with them what a gate on what is new says.
    pub fn lay_over(&self, view: &mut ScanView) {
        view.standings = Some(self.standings.clone());
        view.muted.news = self.muted;
    }

    /// Returns how a finding stands.
    pub(super) fn standing(&self, finding: &FindingView) -> Standing {
        let news = self.news.get(&finding.scanner);
        // Every name in a view was written by us.
        let new = finding.fingerprint.parse().is_ok_and(|name| news.is_some_and(|news| news.contains(&name)));
        if new { Standing::New } else { Standing::Existing }
    }

    /// Returns what the scan did not bring.
    pub(super) fn gone(&self) -> Spooled<'_, GoneView> {
        self.gone.read()
    }
}

/// A list on disk, in a file without a name.
#[derive(Debug)]
struct Spool<T> {
    out: BufWriter<File>,
    of: PhantomData<T>,
}

impl<T: Serialize> Spool<T> {
    fn new(dir: &Path) -> Result<Self, AppError> {
        let file = tempfile::tempfile_in(dir);
        let file = file.map_err(|error| AppError::Local { path: dir.to_owned(), message: error.to_string() })?;
        Ok(Self { out: BufWriter::new(file), of: PhantomData })
    }

    fn push(&mut self, item: &T) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, item)?;
        self.out.write_all(b"\n")
    }

    /// Begins to read; what was written since the last flush is not seen.
    fn read(&self) -> Spooled<'_, T> {
        Spooled { lines: BufReader::new(At { file: self.out.get_ref(), at: 0 }), of: PhantomData }
    }
}

/// A list on disk while it is read.
pub(super) struct Spooled<'s, T> {
    lines: BufReader<At<'s>>,
    of: PhantomData<T>,
}

/// A place in a file that others read too.
struct At<'s> {
    file: &'s File,
    at: u64,
}

impl io::Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<T: DeserializeOwned> Spooled<'_, T> {
    fn page(&mut self) -> io::Result<Vec<T>> {
        let (mut page, mut line) = (Vec::new(), String::new());
        while page.len() < PAGE && self.lines.read_line(&mut line)? > 0 {
            page.push(serde_json::from_str(&line)?);
            line.clear();
        }
        Ok(page)
    }
}

impl<T: DeserializeOwned> Source<T> for Spooled<'_, T> {
    fn next_page(&mut self) -> Result<Vec<T>, SourceError> {
        self.page().map_err(|error| SourceError { message: error.to_string() })
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.lines = BufReader::new(At { file: self.lines.get_ref().file, at: 0 });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fingerprint::Fingerprint;

    fn gone(byte: u8) -> GoneView {
        let fingerprint = Fingerprint([byte; 16]).to_string();
        GoneView { fingerprint, scanner: "s".to_owned(), fate: Fate::Fixed, record: None }
    }

    #[test]
    fn a_spool_gives_back_what_it_was_given_as_often_as_it_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(dir.path()).unwrap();
        let all: Vec<GoneView> = (0..=255).chain(0..=255).map(gone).collect();
        for one in &all {
            spool.push(one).unwrap();
        }
        spool.out.flush().unwrap();
        let (mut read, mut other) = (spool.read(), spool.read());
        for _ in 0..2 {
            read.rewind().unwrap();
            let pages = [read.next_page().unwrap(), read.next_page().unwrap(), read.next_page().unwrap()];
            assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [500, 12, 0]);
            assert_eq!(pages.concat(), all);
        }
        assert_eq!(other.next_page().unwrap(), all[..500], "each reads for itself");
        assert_eq!(dir.path().read_dir().unwrap().count(), 0, "the file has no name");
    }
}
