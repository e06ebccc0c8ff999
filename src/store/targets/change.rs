//! Registered targets, added, changed and removed.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params, params_from_iter};

use super::tags_of;
use crate::model::clock::Timestamp;
use crate::model::owner::OwnerName;
use crate::model::registered::{EntryTags, Tag, TargetEntry, TargetId};
use crate::store::error::StoreError;
use crate::store::load::text_option;
use crate::store::{Store, owners};

/// Which registered targets are changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// These; all must be there.
    Rows(Vec<TargetId>),
    /// All that have a tag, in projects of these names where they are given.
    Tagged {
        /// The tag.
        tag: Tag,
        /// The organisation.
        organisation: Option<OwnerName>,
        /// The project.
        project: Option<OwnerName>,
    },
}

/// What becomes of a target whose name is registered already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is refused, with [`StoreError::TargetExists`].
    Refuse,
    /// It is changed to what is said of it.
    Change,
}

/// What came of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Merged {
    /// It is new.
    Added,
    /// The target was there, and is changed.
    Updated,
    /// The target was there, and is as it was said to be.
    Unchanged,
}

impl Store {
    /// Registers a target. Its organisation and its project are made when they are missing.
    pub async fn add_target(
        &self,
        entry: TargetEntry,
        existing: Existing,
        actor: &str,
        at: Timestamp,
    ) -> Result<Merged, StoreError> {
        let actor = actor.to_owned();
        self.write(move |tx| {
            let (organisation, project) = owners::make(tx, &entry.owner)?;
            let old = old(tx, project, entry.name.as_str())?;
            if old.is_some() && existing == Existing::Refuse {
                return Err(StoreError::TargetExists {
                    name: entry.name.to_string(),
                    project: entry.owner.to_string(),
                });
            }
            let change = Change { organisation, project, actor: &actor, at };
            put(tx, &change, old.as_ref(), &entry)
        })
        .await
    }

    /// Enables targets, or disables them; returns how many that changed. Nothing is changed when one is gone.
    pub async fn set_targets_enabled(
        &self,
        chosen: Chosen,
        enabled: bool,
        actor: &str,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let actor = actor.to_owned();
        self.write(move |tx| {
            const SET: &str = "UPDATE target SET enabled = ?1, actor = ?2, updated_at = ?3 WHERE enabled <> ?1 AND";
            let set = [Value::from(enabled), Value::from(actor), Value::from(at.0)];
            change(tx, &chosen, SET, &set)
        })
        .await
    }

    /// Takes targets out of the registry; returns how many. Their scans and what these found stay. Nothing is removed when one is
    /// gone already.
    pub async fn remove_targets(&self, chosen: Chosen) -> Result<u64, StoreError> {
        self.write(move |tx| change(tx, &chosen, "DELETE FROM target WHERE", &[])).await
    }
}

/// Who changes what is in which project, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) organisation: i64,
    pub(super) project: i64,
    pub(super) actor: &'a str,
    pub(super) at: Timestamp,
}

/// A target as it was before a change.
#[derive(Debug)]
pub(super) struct Old {
    id: i64,
    target: String,
    enabled: bool,
    template: Option<String>,
    note: Option<String>,
    tags: BTreeSet<Tag>,
}

/// Reads what there is of a name.
pub(super) fn old(connection: &Connection, project: i64, name: &str) -> Result<Option<Old>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT id, target, enabled, template, note, (SELECT group_concat(tag, ' ') FROM target_tag WHERE target_id = target.id)
         FROM target WHERE project_id = ?1 AND name = ?2",
    )?;
    let mut rows = query.query(params![project, name])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Old {
        id: row.get(0)?,
        target: row.get(1)?,
        enabled: row.get(2)?,
        template: row.get(3)?,
        note: row.get(4)?,
        tags: tags_of(text_option(row, 5)?)?,
    }))
}

/// What an entry makes of a target.
#[derive(Debug, PartialEq, Eq)]
struct Now<'a> {
    target: String,
    enabled: bool,
    template: Option<&'a str>,
    note: Option<&'a str>,
    tags: BTreeSet<Tag>,
}

impl<'a> Now<'a> {
    fn of(old: Option<&'a Old>, entry: &'a TargetEntry) -> Self {
        let said = |new: &'a Option<String>, old: Option<&'a str>| match new.as_deref() {
            None => old,
            Some("") => None,
            new => new,
        };
        let tags = match (&entry.tags, old) {
            (EntryTags::Also(tags), Some(old)) => old.tags.union(tags).cloned().collect(),
            (EntryTags::Only(tags) | EntryTags::Also(tags), _) => tags.clone(),
        };
        Self {
            target: entry.target.to_string(),
            enabled: entry.enabled.unwrap_or_else(|| old.is_none_or(|old| old.enabled)),
            template: said(&entry.template, old.and_then(|old| old.template.as_deref())),
            note: said(&entry.note, old.and_then(|old| old.note.as_deref())),
            tags,
        }
    }

    fn is(&self, old: &'a Old) -> bool {
        let (template, note) = (old.template.as_deref(), old.note.as_deref());
        *self == Self { target: old.target.clone(), enabled: old.enabled, template, note, tags: old.tags.clone() }
    }
}

/// Says what would come of an entry.
pub(super) fn would(old: Option<&Old>, entry: &TargetEntry) -> Merged {
    match old {
        None => Merged::Added,
        Some(old) if Now::of(Some(old), entry).is(old) => Merged::Unchanged,
        Some(_) => Merged::Updated,
    }
}

/// Adds a target, or changes the one that there is.
pub(super) fn put(
    tx: &Transaction<'_>,
    change: &Change<'_>,
    old: Option<&Old>,
    entry: &TargetEntry,
) -> Result<Merged, StoreError> {
    let merged = would(old, entry);
    let now = Now::of(old, entry);
    let kind = entry.target.kind.as_str();
    let id = match (old, merged) {
        (_, Merged::Unchanged) => return Ok(merged),
        (Some(old), _) => {
            tx.prepare_cached(
                "UPDATE target SET kind = ?2, target = ?3, enabled = ?4, template = ?5, note = ?6, actor = ?7, updated_at = ?8
                 WHERE id = ?1",
            )?
            .execute(params![
                old.id,
                kind,
                now.target,
                now.enabled,
                now.template,
                now.note,
                change.actor,
                change.at.0
            ])?;
            old.id
        }
        (None, _) => {
            tx.prepare_cached(
                "INSERT INTO target (organisation_id, project_id, name, kind, target, enabled, template, note, actor, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
            )?
            .execute(params![
                change.organisation,
                change.project,
                entry.name.as_str(),
                kind,
                now.target,
                now.enabled,
                now.template,
                now.note,
                change.actor,
                change.at.0,
            ])?;
            tx.last_insert_rowid()
        }
    };
    let none = BTreeSet::new();
    let before = old.map_or(&none, |old| &old.tags);
    let mut remove = tx.prepare_cached("DELETE FROM target_tag WHERE tag = ?1 AND target_id = ?2")?;
    for tag in before.difference(&now.tags) {
        remove.execute(params![tag.as_str(), id])?;
    }
    let mut insert = tx.prepare_cached("INSERT INTO target_tag (tag, target_id) VALUES (?1, ?2)")?;
    for tag in now.tags.difference(before) {
        insert.execute(params![tag.as_str(), id])?;
    }
    Ok(merged)
}

/// Runs a statement that ends where a condition begins, for each target that is chosen; returns how many rows it changed.
fn change(tx: &Transaction<'_>, chosen: &Chosen, statement: &str, values: &[Value]) -> Result<u64, StoreError> {
    let next = values.len() + 1;
    match chosen {
        Chosen::Rows(rows) => {
            let mut there = tx.prepare_cached("SELECT 1 FROM target WHERE id = ?1")?;
            let mut run = tx.prepare_cached(&format!("{statement} id = ?{next}"))?;
            let mut changed = 0;
            for row in rows {
                there.query_row([row.0], |_| Ok(())).optional()?.ok_or_else(|| gone(*row))?;
                changed += run.execute(params_from_iter(values.iter().chain([&Value::from(row.0)])))? as u64;
            }
            Ok(changed)
        }
        Chosen::Tagged { tag, organisation, project } => {
            let tag = Value::from(tag.as_str().to_owned());
            let projects = owners::projects(
                tx,
                organisation.as_ref().map(OwnerName::as_str),
                project.as_ref().map(OwnerName::as_str),
            )?;
            let projects: Vec<String> = projects.iter().map(i64::to_string).collect();
            // The plus keeps the index of projects out: the tag is what few have.
            let sql = format!(
                "{statement} id IN (SELECT target_id FROM target_tag WHERE tag = ?{next}) AND +project_id IN ({})",
                projects.join(", ")
            );
            Ok(tx.execute(&sql, params_from_iter(values.iter().chain([&tag])))? as u64)
        }
    }
}

fn gone(row: TargetId) -> StoreError {
    StoreError::NotFound(format!("registered target with row {}", row.0))
}
