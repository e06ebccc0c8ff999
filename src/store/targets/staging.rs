//! Entries on their way into the registry: gathered beside the database, however many they are, and merged into it in slices.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::change::{Change, Merged, old, put, would};
use super::tags_of;
use crate::model::clock::Timestamp;
use crate::model::owner::Owner;
use crate::model::registered::{EntryTags, Tag, TargetEntry};
use crate::store::error::StoreError;
use crate::store::load::{text, text_option};
use crate::store::{Store, owners};

/// Entries that were gathered, in a file that nobody else sees and that goes with this value.
#[derive(Debug)]
pub struct Staging {
    connection: Connection,
    entries: u64,
}

/// What came of staging an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staged {
    /// It is there.
    New,
    /// The same was there already.
    Again,
    /// Something else was said of the same name, on this line.
    Contradicts(u64),
}

/// How many entries came to what.
pub type Tally = HashMap<Merged, u64>;

impl Store {
    /// Starts to gather entries.
    pub fn stage_targets(&self) -> Result<Staging, StoreError> {
        // Drafts there are swept.
        let folder = self.dir().join("artifacts");
        let unusable =
            |error: std::io::Error| StoreError::Unusable { path: folder.clone(), message: error.to_string() };
        let file = tempfile::Builder::new().prefix(".tmp-targets-").tempfile_in(&folder).map_err(unusable)?;
        let connection = Connection::open(file.path())?;
        connection.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -32000;
             CREATE TABLE entry (
               organisation TEXT NOT NULL, project TEXT NOT NULL, name TEXT NOT NULL, line INTEGER NOT NULL, target TEXT NOT NULL,
               tags TEXT NOT NULL, only INTEGER NOT NULL, enabled INTEGER, template TEXT, note TEXT,
               PRIMARY KEY (organisation, project, name)
             ) STRICT, WITHOUT ROWID;
             BEGIN;",
        )?;
        // SQLite has it open; without a name it goes even when this process is killed.
        drop(file);
        Ok(Staging { connection, entries: 0 })
    }

    /// Merges entries into the registry, in one transaction, and counts what came of them.
    pub async fn merge_targets(
        &self,
        entries: Vec<TargetEntry>,
        actor: &str,
        at: Timestamp,
    ) -> Result<Tally, StoreError> {
        let actor = actor.to_owned();
        self.write(move |tx| {
            let mut tally = Tally::new();
            let mut last: Option<(&Owner, i64, i64)> = None;
            for entry in &entries {
                let (organisation, project) = match last {
                    Some((owner, organisation, project)) if *owner == entry.owner => (organisation, project),
                    _ => {
                        let made = owners::make(tx, &entry.owner)?;
                        last = Some((&entry.owner, made.0, made.1));
                        made
                    }
                };
                let change = Change { organisation, project, actor: &actor, at };
                let old = old(tx, project, entry.name.as_str())?;
                *tally.entry(put(tx, &change, old.as_ref(), entry)?).or_default() += 1;
            }
            Ok(tally)
        })
        .await
    }

    /// Counts what would come of merging entries.
    pub fn compare_targets(&self, entries: &[TargetEntry]) -> Result<Tally, StoreError> {
        self.read(|connection| {
            let mut tally = Tally::new();
            for entry in entries {
                let old = match owners::find(connection, &entry.owner)? {
                    Some((_, project)) => old(connection, project, entry.name.as_str())?,
                    None => None,
                };
                *tally.entry(would(old.as_ref(), entry)).or_default() += 1;
            }
            Ok(tally)
        })
    }
}

impl Staging {
    /// Returns how many entries there are.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Adds an entry from a line.
    pub fn add(&mut self, line: u64, entry: &TargetEntry) -> Result<Staged, StoreError> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
        )?;
        let (organisation, project) = (entry.owner.organisation.as_str(), entry.owner.project.as_str());
        let tags: Vec<&str> = entry.tags.named().iter().map(Tag::as_str).collect();
        let inserted = insert.execute(params![
            organisation,
            project,
            entry.name.as_str(),
            line,
            entry.target.to_string(),
            tags.join(" "),
            matches!(entry.tags, EntryTags::Only(_)),
            entry.enabled,
            entry.template,
            entry.note,
        ])?;
        drop(insert);
        if inserted == 1 {
            self.entries += 1;
            return Ok(Staged::New);
        }
        let mut find = self
            .connection
            .prepare_cached("SELECT * FROM entry WHERE organisation = ?1 AND project = ?2 AND name = ?3")?;
        let found = find
            .query_row(params![organisation, project, entry.name.as_str()], |row| Ok((row.get(3)?, read(row))))
            .optional()?;
        match found {
            Some((line, before)) => Ok(if before? == *entry { Staged::Again } else { Staged::Contradicts(line) }),
            None => Err(StoreError::Damaged("an entry was staged, and is not there".to_owned())),
        }
    }

    /// Returns the entries that come after one, in the order of their owners and names, at most so many; the first ones after none.
    pub fn after(&self, last: Option<&TargetEntry>, limit: u32) -> Result<Vec<TargetEntry>, StoreError> {
        // Before every name comes the empty one.
        let (organisation, project, name) = last.map_or(("", "", ""), |last| {
            (last.owner.organisation.as_str(), last.owner.project.as_str(), last.name.as_str())
        });
        let mut query = self.connection.prepare_cached(
            "SELECT * FROM entry WHERE (organisation, project, name) > (?1, ?2, ?3) ORDER BY organisation, project, name LIMIT ?4",
        )?;
        let mut rows = query.query(params![organisation, project, name, limit])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(read(row)?);
        }
        Ok(entries)
    }
}

fn read(row: &Row<'_>) -> Result<TargetEntry, StoreError> {
    let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged(format!("a staged target: {error}"));
    let tags = tags_of(text_option(row, 5)?)?;
    Ok(TargetEntry {
        owner: Owner {
            organisation: text(row, 0)?.parse().map_err(|error| damaged(&error))?,
            project: text(row, 1)?.parse().map_err(|error| damaged(&error))?,
        },
        name: text(row, 2)?.parse().map_err(|error| damaged(&error))?,
        target: text(row, 4)?.parse().map_err(|error| damaged(&error))?,
        tags: if row.get(6)? { EntryTags::Only(tags) } else { EntryTags::Also(tags) },
        enabled: row.get(7)?,
        template: row.get(8)?,
        note: row.get(9)?,
    })
}
