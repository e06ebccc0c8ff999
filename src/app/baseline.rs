//! Baselines: a file of known findings, for machines that keep no state from one scan to the next.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::import::copy;
use super::relation::Relation;
use super::{App, AppError};
use crate::lifecycle::{Candidate, Face, MAX_DRIFT, pair, recognise};
use crate::model::coverage::Coverage;
use crate::model::finding::{Record, SeverityCounts};
use crate::model::fingerprint::Fingerprint;
use crate::model::id::ScanId;
use crate::model::spec::paths;
use crate::model::standing::{Fate, FindingKey, GoneView, Unseen};
use crate::model::view::{FindingView, JobView, ScanView};
use crate::parse::{self, BaselineFacts, Context, KnownFinding, Stop};
use crate::report::Reference;

/// Findings of one read.
const PAGE: usize = 500;
/// The scanner of a report of ours that the scan has not run.
const ANOTHER: u16 = u16::MAX;

/// A baseline that can be read: it was, from its first byte to its last.
#[derive(Debug)]
pub struct Baseline {
    path: PathBuf,
    /// A copy without a name: it cannot change any more.
    file: File,
    facts: BaselineFacts,
}

impl Baseline {
    /// Opens a baseline, which may be a pipe, and reads it once: one that is cut, or none, is refused before anything runs.
    pub fn open(app: &App, path: &Path) -> Result<Self, AppError> {
        let failed = |message: String| AppError::Baseline { path: path.to_owned(), message };
        let (file, _) = copy(path, &app.store.dir().join("spool")).map_err(|error| failed(error.to_string()))?;
        let mut baseline = Self { path: path.to_owned(), file, facts: BaselineFacts::default() };
        baseline.facts = baseline.read(&Context::default(), &mut |_| Ok(()))?;
        Ok(baseline)
    }

    /// Relates a scan's findings to the baseline.
    pub fn relate(&self, app: &App, scan: ScanId) -> Result<Relation, AppError> {
        let view = app.store.scan(scan)?;
        let jobs = app.store.jobs(scan)?;
        let source_root = view.source.as_ref().map(|_| paths::SOURCE.to_owned()).unwrap_or_default();
        let context = Context { source_root, secret_key: app.store.secret_key().to_vec() };
        let scanners: BTreeSet<String> = jobs.iter().map(|job| job.scanner.clone()).collect();
        let scanners = Scanners(scanners.into_iter().collect());
        let here = Here::read(app, scan, &scanners)?;
        let mut known = Vec::new();
        self.read(&context, &mut |finding| {
            known.push(Face::new(scanners.of(&finding), finding.name, &finding.record));
            Ok(())
        })?;
        let mut pairs = recognise(&known, &here.faces);
        let by_face = pairs.len();
        let sides = Sides::of(&pairs, known.len(), here.faces.len());
        pairs.extend(self.drifted(app, scan, &context, &scanners, &sides)?);
        let sides = Sides::of(&pairs, known.len(), here.faces.len());

        let reference = Reference::Baseline { file: self.path.display().to_string(), findings: self.facts.findings };
        let mut relation = Relation::new(reference, &app.store.dir().join("spool"))?;
        relation.warnings = self.warnings(&view, &known, &here, by_face, &sides);
        let mut existing = SeverityCounts::default();
        for (_, new) in &pairs {
            existing.add(here.faces[*new].severity);
        }
        relation.exist(&existing);
        for at in &sides.new {
            let face = &here.faces[*at];
            if let (Some(scanner), Some(name)) = (face.scanner, face.name) {
                relation.is_new(scanners.name(scanner), name, face.severity, here.muted.contains(at));
            }
        }
        let sight = Sight { view: &view, jobs: &jobs, facts: &self.facts, scanners: &scanners };
        self.gone(&context, &sides, &sight, &mut relation)?;
        relation.sealed()
    }

    /// Pairs what has merely moved or changed its face.
    fn drifted(
        &self,
        app: &App,
        scan: ScanId,
        context: &Context,
        scanners: &Scanners,
        sides: &Sides,
    ) -> Result<Vec<(usize, usize)>, AppError> {
        if sides.old.is_empty() || sides.new.is_empty() || sides.old.len() + sides.new.len() > MAX_DRIFT {
            return Ok(Vec::new());
        }
        let mut before: Vec<(usize, Option<u16>, Record)> = Vec::new();
        let mut at = 0;
        self.read(context, &mut |finding| {
            if sides.old.contains(&at) {
                before.push((at, scanners.of(&finding), finding.record));
            }
            at += 1;
            Ok(())
        })?;
        let mut after: Vec<(usize, Option<u16>, Record)> = Vec::new();
        Here::each(app, scan, scanners, |at, face, finding| {
            if sides.new.contains(&at) {
                after.push((at, face.scanner, finding.record));
            }
        })?;
        let (mut pairs, mut taken) = (Vec::new(), HashSet::new());
        for scanner in 0..scanners.0.len() {
            let scanner = u16::try_from(scanner).ok();
            let mine = |(at, of, record): &(usize, Option<u16>, Record)| {
                let key = FindingKey { fingerprint: Fingerprint::of("", record), occurrence: 0 };
                (*of == scanner || of.is_none()).then(|| (*at, Candidate { key, record: record.clone() }))
            };
            let (old_at, old): (Vec<usize>, Vec<Candidate>) =
                before.iter().filter(|(at, ..)| !taken.contains(at)).filter_map(mine).unzip();
            let (new_at, new): (Vec<usize>, Vec<Candidate>) = after.iter().filter_map(mine).unzip();
            for (old, new) in pair(&old, &new) {
                taken.insert(old_at[old]);
                pairs.push((old_at[old], new_at[new]));
            }
        }
        Ok(pairs)
    }

    /// Tells what became of those that the scan did not bring.
    fn gone(
        &self,
        context: &Context,
        sides: &Sides,
        sight: &Sight<'_>,
        relation: &mut Relation,
    ) -> Result<(), AppError> {
        let (mut at, mut failed) = (0, None);
        self.read(context, &mut |finding| {
            at += 1;
            if !sides.old.contains(&(at - 1)) {
                return Ok(());
            }
            let severity = finding.record.severity;
            let fate = Fate::NotObserved(sight.unseen(&finding));
            let scanner = finding.scanner.unwrap_or_default();
            let name = finding.name.map(|name| name.to_string());
            let gone = GoneView {
                fingerprint: name.unwrap_or_else(|| Fingerprint::of(&scanner, &finding.record).to_string()),
                scanner,
                fate,
                record: Some(finding.record),
            };
            relation.is_gone(&gone, severity).map_err(|error| {
                failed = Some(error);
                Stop
            })
        })
        .map(drop)
        .map_err(|error| failed.take().unwrap_or(error))
    }

    /// What a reader must know before believing the relation.
    fn warnings(&self, view: &ScanView, known: &[Face], here: &Here, recognised: usize, sides: &Sides) -> Vec<String> {
        let mut warnings = Vec::new();
        match &self.facts.target_key {
            Some(key) if *key != view.target_key.key => {
                warnings.push(format!("the baseline is of another target, {key}; this is {}", view.target_key.key));
            }
            _ if recognised == 0 && !known.is_empty() && !here.faces.is_empty() => warnings.push(format!(
                "none of the {} findings of the baseline is among those of the scan: is it of this target?",
                known.len()
            )),
            _ => {}
        }
        if self.facts.complete == Some(false) {
            warnings.push(
                "what made the baseline did not see everything: findings that it missed are called new".to_owned(),
            );
        }
        let hidden = sides.old.iter().filter(|at| known[**at].is_hidden()).count();
        if hidden > 0 {
            warnings.push(format!(
                "{hidden} secrets of the baseline were not recognised: their masks are of another state and show no characters; the same secrets are called new"
            ));
        }
        warnings
    }

    fn read(
        &self,
        context: &Context,
        take: &mut dyn FnMut(KnownFinding) -> Result<(), Stop>,
    ) -> Result<BaselineFacts, AppError> {
        let failed = |message: String| AppError::Baseline { path: self.path.clone(), message };
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(|error: io::Error| failed(error.to_string()))?;
        let mut input = BufReader::with_capacity(1 << 16, file);
        parse::baseline(&mut input, context, take).map_err(|error| failed(error.to_string()))
    }
}

/// The scan's scanners; a face has the number of one.
struct Scanners(Vec<String>);

impl Scanners {
    fn name(&self, number: u16) -> &str {
        self.0.get(usize::from(number)).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> Option<u16> {
        u16::try_from(self.0.binary_search_by(|one| one.as_str().cmp(name)).ok()?).ok()
    }

    /// The scanner of a known finding. Our own reports name scanners as we do; others as the tool calls itself: `Semgrep OSS`.
    fn of(&self, finding: &KnownFinding) -> Option<u16> {
        let name = finding.scanner.as_deref()?;
        let loosely = || {
            let name = name.to_lowercase();
            let words = name.split([' ', '-', '_']).next().unwrap_or_default();
            self.number(&name).or_else(|| self.number(words))
        };
        match (self.number(name), finding.name) {
            (Some(number), _) => Some(number),
            (None, Some(_)) => Some(ANOTHER),
            (None, None) => loosely(),
        }
    }
}

/// The findings of the scan: each once, however many jobs brought it.
#[derive(Default)]
struct Here {
    faces: Vec<Face>,
    /// Positions of those that do not count.
    muted: HashSet<usize>,
}

impl Here {
    fn read(app: &App, scan: ScanId, scanners: &Scanners) -> Result<Self, AppError> {
        let mut here = Self::default();
        Self::each(app, scan, scanners, |at, face, finding| {
            here.faces.push(face);
            if finding.muting.is_some() {
                here.muted.insert(at);
            }
        })?;
        Ok(here)
    }

    /// Calls `each` for every finding, with its position.
    fn each(
        app: &App,
        scan: ScanId,
        scanners: &Scanners,
        mut each: impl FnMut(usize, Face, FindingView),
    ) -> Result<(), AppError> {
        let mut cursor = app.store.finding_cursor(scan)?;
        let (mut seen, mut at) = (HashSet::new(), 0);
        loop {
            let page = app.store.next_findings(&mut cursor, PAGE)?;
            if page.is_empty() {
                return Ok(());
            }
            for finding in page {
                // Every name in a view was written by us.
                let Ok(name) = finding.fingerprint.parse::<FindingKey>() else { continue };
                let face = Face::new(scanners.number(&finding.scanner), Some(name), &finding.record);
                if seen.insert((face.scanner, name)) {
                    each(at, face, finding);
                    at += 1;
                }
            }
        }
    }
}

/// What is on one side only, by position.
struct Sides {
    old: BTreeSet<usize>,
    new: BTreeSet<usize>,
}

impl Sides {
    fn of(pairs: &[(usize, usize)], known: usize, here: usize) -> Self {
        let (mut old, mut new): (BTreeSet<usize>, BTreeSet<usize>) = ((0..known).collect(), (0..here).collect());
        for (before, after) in pairs {
            old.remove(before);
            new.remove(after);
        }
        Self { old, new }
    }
}

/// What the scan could see, against what the file tells of how its findings were seen.
struct Sight<'s> {
    view: &'s ScanView,
    jobs: &'s [JobView],
    facts: &'s BaselineFacts,
    scanners: &'s Scanners,
}

impl Sight<'_> {
    /// Says why nothing can be said of a finding that the scan did not bring. No file tells how a scanner was called and where it
    /// looked, so none is ever said to be fixed.
    fn unseen(&self, finding: &KnownFinding) -> Unseen {
        let Some(number) = self.scanners.of(finding) else { return Unseen::Unknown };
        let name = self.scanners.name(number);
        let jobs: Vec<&JobView> = self.jobs.iter().filter(|job| job.scanner == name).collect();
        if jobs.is_empty() {
            return Unseen::Scope;
        }
        let unreadable = self.view.source.as_ref().is_some_and(|source| !source.unreadable.is_empty());
        if unreadable || jobs.iter().any(|job| !job.coverage.as_ref().is_some_and(Coverage::is_full)) {
            return Unseen::Coverage;
        }
        let theirs = self.facts.versions.iter().filter(|(scanner, _)| Some(scanner) == finding.scanner.as_ref());
        let mut versions = theirs.map(|(_, version)| version).peekable();
        let ours: Vec<&String> = jobs.iter().filter_map(|job| job.scanner_version.as_ref()).collect();
        let other = versions.peek().is_some() && !ours.is_empty() && !versions.any(|version| ours.contains(&version));
        if other { Unseen::Version } else { Unseen::Unknown }
    }
}
