//! A list of targets becomes part of the registry, as a whole.

use std::io::{BufRead, BufReader, Read};

use super::TargetError;
use super::entry::{Manner, RawEntry, entry};
use super::read::{ListFormat, Malformed, read};
use crate::app::{App, AppError, Say};
use crate::failpoint;
use crate::store::{Merged, Staged, Staging, Tally};

/// How many refusals are kept; all are counted.
const MOST_REFUSALS: usize = 1000;
/// How often it is said how far the list was read.
const EVERY: u64 = 10_000;
/// Most entries of a list.
const MOST_ENTRIES: u64 = 10_000_000;
/// Entries that are written in one transaction: others want to write, too.
const SLICE: u32 = 5000;

/// What to import.
#[derive(Debug, Clone)]
pub struct ImportTargets {
    /// What the list is called: a file name, whose extension tells its format.
    pub name: String,
    /// Its format; what it looks like when there is none.
    pub format: Option<ListFormat>,
    /// How its entries are understood.
    pub manner: Manner,
    /// Leave out what cannot be registered, rather than register nothing.
    pub skip_invalid: bool,
    /// Say what would come of it, and write nothing.
    pub dry_run: bool,
    /// Who asks.
    pub actor: String,
}

/// What came of a list.
#[derive(Debug, Default)]
pub struct ImportedTargets {
    /// Targets that are new.
    pub added: u64,
    /// Targets that were changed.
    pub updated: u64,
    /// Targets that were as the list says.
    pub unchanged: u64,
    /// Entries that say again what another one says.
    pub repeated: u64,
    /// Entries that cannot be registered.
    pub refused: u64,
    /// The first of them.
    pub refusals: Vec<Refusal>,
    /// Whether anything was written.
    pub written: bool,
}

/// An entry that cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it begins.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// Reads a list and merges it into the registry. Nothing is written before all of it was read, nor when an entry is refused, unless such
/// are to be left out. It is written in slices: one that cannot be is told by [`TargetError::Partly`], and what a process leaves out
/// that dies is made up for by the next import of the list.
pub async fn import(
    app: &App,
    input: impl Read,
    request: ImportTargets,
    say: Say<'_>,
) -> Result<ImportedTargets, AppError> {
    let mut reading = Reading {
        app,
        request: &request,
        say,
        staging: app.store.stage_targets()?,
        done: ImportedTargets::default(),
        read: 0,
    };
    let malformed = |fault| TargetError::List { name: request.name.clone(), fault };
    let input = BufReader::with_capacity(1 << 16, input);
    reading.all(input).map_err(|error| match error {
        Stop::Malformed(fault) => malformed(fault).into(),
        Stop::Failed(error) => error,
    })?;
    let Reading { staging, mut done, .. } = reading;
    if done.refused > 0 && !request.skip_invalid {
        return Ok(done);
    }
    let tally = merge(app, &staging, &request, say).await?;
    let count = |merged| tally.get(&merged).copied().unwrap_or_default();
    (done.added, done.updated) = (count(Merged::Added), count(Merged::Updated));
    done.unchanged = count(Merged::Unchanged);
    done.written = !request.dry_run;
    Ok(done)
}

/// Writes what was gathered, or finds out what would come of it.
async fn merge(app: &App, staging: &Staging, request: &ImportTargets, say: Say<'_>) -> Result<Tally, AppError> {
    let (mut tally, mut written, of) = (Tally::new(), 0, staging.entries());
    let mut entries = staging.after(None, SLICE)?;
    while let Some(last) = entries.last().cloned() {
        if of >= EVERY {
            say(&format!("writing, {written} of {of} entries"));
        }
        let read = entries.len() as u64;
        let merged = if request.dry_run {
            app.store.compare_targets(&entries)
        } else {
            app.store.merge_targets(entries, &request.actor, app.clock.now()).await
        };
        for (what, number) in merged.map_err(|source| TargetError::Partly { written, of, source })? {
            *tally.entry(what).or_default() += number;
        }
        written += read;
        failpoint::hit("targets.written");
        entries = staging.after(Some(&last), SLICE)?;
    }
    Ok(tally)
}

/// Why reading ended before the end.
pub(super) enum Stop {
    /// The list.
    Malformed(Malformed),
    /// The state.
    Failed(AppError),
}

impl<E: Into<Malformed>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Malformed(error.into())
    }
}

struct Reading<'a> {
    app: &'a App,
    request: &'a ImportTargets,
    say: Say<'a>,
    staging: Staging,
    done: ImportedTargets,
    read: u64,
}

impl Reading<'_> {
    fn all(&mut self, input: impl BufRead) -> Result<(), Stop> {
        let request = self.request;
        read(input, &request.name, request.format, &mut |line, raw| self.take(line, raw))
    }

    fn take(&mut self, line: u64, raw: Result<RawEntry, String>) -> Result<(), Stop> {
        self.read += 1;
        if self.read.is_multiple_of(EVERY) {
            (self.say)(&format!("reading {}, {} entries", self.request.name, self.read));
        }
        if self.read > MOST_ENTRIES {
            let message = format!("it has more than {MOST_ENTRIES} entries; divide it");
            return Err(Stop::Malformed(Malformed { line: Some(line), message }));
        }
        let entry = raw.and_then(|raw| {
            let entry = entry(&self.app.catalog, &self.request.manner, raw);
            entry.map_err(|error| error.to_string())
        });
        let reason = match entry {
            Err(reason) => reason,
            Ok(entry) => match self.staging.add(line, &entry).map_err(|error| Stop::Failed(error.into()))? {
                Staged::New => return Ok(()),
                Staged::Again => {
                    self.done.repeated += 1;
                    return Ok(());
                }
                Staged::Contradicts(before) => {
                    format!("line {before} says something else of the target `{}`", entry.name)
                }
            },
        };
        self.done.refused += 1;
        if self.done.refusals.len() < MOST_REFUSALS {
            self.done.refusals.push(Refusal { line, reason });
        }
        Ok(())
    }
}
