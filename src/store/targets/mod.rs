//! Registered targets, read page by page.

mod change;
mod staging;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::error::StoreError;
use super::load::{text, text_option};
use super::{Store, owners};
use crate::model::clock::Timestamp;
use crate::model::owner::{Owner, OwnerName};
use crate::model::registered::{InvalidTag, RegisteredTarget, Tag, TargetId, TargetName};
use crate::model::target::TargetKind;

pub use change::{Chosen, Existing, Merged};
pub use staging::{Staged, Staging, Tally};

/// Which registered targets are read; all conditions are optional and must all hold.
#[derive(Debug, Clone, Default)]
pub struct TargetFilter {
    /// Only those that have all these tags.
    pub tags: Vec<Tag>,
    /// Only those that are enabled, or only those that are not.
    pub enabled: Option<bool>,
    /// Only those of this kind.
    pub kind: Option<TargetKind>,
    /// Only those of this organisation.
    pub organisation: Option<OwnerName>,
    /// Only those of projects of this name.
    pub project: Option<OwnerName>,
}

/// A place in the registered targets, in the order in which they were added.
#[derive(Debug, Clone)]
pub struct TargetCursor {
    sql: String,
    conditions: Vec<Value>,
    after: TargetId,
    over: bool,
}

impl TargetCursor {
    /// Returns the last target that was read: a new cursor can go on from there, also in another process.
    pub const fn place(&self) -> TargetId {
        self.after
    }
}

const TARGET: &str =
    "SELECT target.id, target.name, target.target, target.enabled, target.template, target.note, target.actor,
    target.created_at, target.updated_at, organisation.name, project.name,
    (SELECT group_concat(tag, ' ') FROM target_tag WHERE target_id = target.id)";
const OWNERS: &str =
    "JOIN project ON project.id = target.project_id JOIN organisation ON organisation.id = target.organisation_id";

impl Store {
    /// Starts reading registered targets after a place; the default place is before all of them. How much is read to find them
    /// depends on the rarest of the tags, or on the kind or the project, not on how many are registered.
    pub fn target_cursor(&self, filter: &TargetFilter, after: TargetId) -> Result<TargetCursor, StoreError> {
        self.read(|connection| {
            let mut cursor = TargetCursor { sql: String::new(), conditions: Vec::new(), after, over: false };
            let (from, place) = source(connection, filter, &mut cursor)?;
            // Targets first, names of owners after: the order of joins is that of the text.
            cursor.sql = format!(
                "{TARGET} {from} CROSS {OWNERS} WHERE {place} > ?1{} ORDER BY {place} LIMIT ?2",
                std::mem::take(&mut cursor.sql)
            );
            Ok(cursor)
        })
    }

    /// Reads on, `most` targets at most. None are left when nothing comes.
    pub fn next_targets(&self, cursor: &mut TargetCursor, most: u32) -> Result<Vec<RegisteredTarget>, StoreError> {
        if cursor.over {
            return Ok(Vec::new());
        }
        self.read(|connection| {
            let mut query = connection.prepare_cached(&cursor.sql)?;
            let places = [Value::from(cursor.after.0), Value::from(most)];
            let mut rows = query.query(params_from_iter(places.iter().chain(&cursor.conditions)))?;
            let mut targets = Vec::new();
            while let Some(row) = rows.next()? {
                targets.push(registered(row)?);
            }
            cursor.after = targets.last().map_or(cursor.after, |last: &RegisteredTarget| last.id);
            cursor.over = targets.is_empty();
            Ok(targets)
        })
    }

    /// Counts registered targets, up to `most`.
    pub fn count_targets(&self, filter: &TargetFilter, most: u32) -> Result<u64, StoreError> {
        self.read(|connection| {
            let mut cursor =
                TargetCursor { sql: String::new(), conditions: Vec::new(), after: TargetId(0), over: false };
            let (from, place) = source(connection, filter, &mut cursor)?;
            if cursor.over {
                return Ok(0);
            }
            let sql = format!("SELECT count(*) FROM (SELECT 1 {from} WHERE {place} > ?1{} LIMIT ?2)", cursor.sql);
            let places = [Value::from(0), Value::from(most)];
            let mut query = connection.prepare_cached(&sql)?;
            Ok(query.query_row(params_from_iter(places.iter().chain(&cursor.conditions)), |row| row.get(0))?)
        })
    }

    /// Reads the registered target of a project that has this name.
    pub fn target(&self, owner: &Owner, name: &TargetName) -> Result<Option<RegisteredTarget>, StoreError> {
        let found = self.targets_named(name, Some(&owner.organisation), Some(&owner.project))?;
        Ok(found.into_iter().next())
    }

    /// Reads the registered targets that have this name, at most one of each project.
    pub fn targets_named(
        &self,
        name: &TargetName,
        organisation: Option<&OwnerName>,
        project: Option<&OwnerName>,
    ) -> Result<Vec<RegisteredTarget>, StoreError> {
        self.read(|connection| {
            let sql = format!("{TARGET} FROM target {OWNERS} WHERE target.project_id = ?1 AND target.name = ?2");
            let mut query = connection.prepare_cached(&sql)?;
            let mut targets = Vec::new();
            for project in
                owners::projects(connection, organisation.map(OwnerName::as_str), project.map(OwnerName::as_str))?
            {
                let mut rows = query.query(params![project, name.as_str()])?;
                while let Some(row) = rows.next()? {
                    targets.push(registered(row)?);
                }
            }
            Ok(targets)
        })
    }
}

/// Writes the conditions into the cursor; returns where rows come from, and the column that is their place.
fn source(
    connection: &Connection,
    filter: &TargetFilter,
    cursor: &mut TargetCursor,
) -> Result<(String, &'static str), StoreError> {
    let mut conditions = String::new();
    let mut condition = |sql: &str, value: Value| {
        cursor.conditions.push(value);
        // The first two parameters are the place and the number of rows.
        let _ = write!(conditions, " AND {}", sql.replace('?', &format!("?{}", cursor.conditions.len() + 2)));
    };
    let mut tags = by_rarity(connection, &filter.tags)?.into_iter();
    let first = tags.next();
    if let Some(tag) = &first {
        condition("driver.tag = ?", tag.as_str().to_owned().into());
    }
    if let Some(kind) = filter.kind {
        condition("target.kind = ?", kind.as_str().to_owned().into());
    }
    let (organisation, project) = (filter.organisation.as_ref(), filter.project.as_ref());
    let projects = match (organisation, project) {
        (None, None) => None,
        _ => Some(owners::projects(connection, organisation.map(OwnerName::as_str), project.map(OwnerName::as_str))?),
    };
    if let Some([only]) = projects.as_deref() {
        condition("target.project_id = ?", (*only).into());
    }
    for tag in tags {
        let has = "EXISTS (SELECT 1 FROM target_tag other WHERE other.target_id = target.id AND other.tag = ?)";
        condition(has, tag.as_str().to_owned().into());
    }
    match projects.as_deref() {
        Some([]) => cursor.over = true,
        Some(several @ [_, _, ..]) => {
            let rows: Vec<String> = several.iter().map(i64::to_string).collect();
            let _ = write!(conditions, " AND target.project_id IN ({})", rows.join(", "));
        }
        Some([_]) | None => {}
    }
    if let Some(enabled) = filter.enabled {
        // Written out: an index of those that are disabled is used only for a condition that is its own.
        let _ = write!(conditions, " AND target.enabled = {}", u8::from(enabled));
    }
    cursor.sql = conditions;
    let index = match (filter.enabled, &projects, filter.kind) {
        _ if first.is_some() => {
            let from = "FROM target_tag driver CROSS JOIN target ON target.id = driver.target_id";
            return Ok((from.to_owned(), "driver.target_id"));
        }
        (Some(false), ..) => " INDEXED BY target_disabled",
        (_, Some(projects), _) if projects.len() == 1 => " INDEXED BY target_by_project",
        (_, _, Some(_)) => " INDEXED BY target_by_kind",
        _ => " NOT INDEXED",
    };
    Ok((format!("FROM target{index}"), "target.id"))
}

/// Sorts tags by how many targets have them, as far as that matters.
fn by_rarity(connection: &Connection, tags: &[Tag]) -> Result<Vec<Tag>, StoreError> {
    let mut tags: Vec<Tag> = tags.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    if tags.len() < 2 {
        return Ok(tags);
    }
    let mut count =
        connection.prepare_cached("SELECT count(*) FROM (SELECT 1 FROM target_tag WHERE tag = ?1 LIMIT 50000)")?;
    let mut counted = Vec::new();
    for tag in tags {
        counted.push((count.query_row([tag.as_str()], |row| row.get::<_, i64>(0))?, tag));
    }
    counted.sort();
    tags = counted.into_iter().map(|(_, tag)| tag).collect();
    Ok(tags)
}

fn registered(row: &Row<'_>) -> Result<RegisteredTarget, StoreError> {
    let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged(format!("a registered target: {error}"));
    Ok(RegisteredTarget {
        id: TargetId(row.get(0)?),
        name: text(row, 1)?.parse().map_err(|error| damaged(&error))?,
        target: text(row, 2)?.parse().map_err(|error| damaged(&error))?,
        tags: tags_of(text_option(row, 11)?)?,
        enabled: row.get(3)?,
        template: row.get(4)?,
        note: row.get(5)?,
        owner: Owner {
            organisation: text(row, 9)?.parse().map_err(|error| damaged(&error))?,
            project: text(row, 10)?.parse().map_err(|error| damaged(&error))?,
        },
        created_at: Timestamp(row.get(7)?),
        updated_at: Timestamp(row.get(8)?),
        actor: row.get(6)?,
    })
}

/// Reads tags that are written with spaces between them.
fn tags_of(text: Option<&str>) -> Result<BTreeSet<Tag>, StoreError> {
    let tags = text.unwrap_or_default().split_ascii_whitespace().map(str::parse);
    tags.collect::<Result<_, InvalidTag>>().map_err(|error| StoreError::Damaged(error.to_string()))
}
