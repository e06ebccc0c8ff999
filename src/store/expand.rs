//! Expansion: assets of an ended job become chunks of a later step, in slices, by a durable cursor.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::error::StoreError;
use super::events::append;
use super::{Store, check_fence};
use crate::model::asset::AssetKind;
use crate::model::clock::Timestamp;
use crate::model::event::EventBody;
use crate::model::id::{JobId, ScanId, StepId};
use crate::model::state::JobState;

/// Most sightings that one slice looks at: the writer's gate is given free between slices.
const SLICE: usize = 500;

/// A slice to be expanded.
#[derive(Debug, Clone)]
pub struct Expansion {
    /// The scan.
    pub scan: ScanId,
    /// The driver's fence.
    pub fence: u64,
    /// When.
    pub at: Timestamp,
    /// The feed to go on with.
    pub feed: i64,
    /// The fed step's position and id.
    pub step: (usize, StepId),
    /// Kinds of assets that the step takes.
    pub kinds: Vec<AssetKind>,
    /// Assets of one job.
    pub chunk: u32,
    /// Most assets that the scan follows.
    pub max_assets: u64,
    /// Assets deeper than this are not followed.
    pub max_depth: u32,
}

/// What a slice brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    /// The feed.
    pub feed: i64,
    /// The fed step's position.
    pub step: usize,
    /// New jobs, pending: row, chunk, depth.
    pub jobs: Vec<(JobId, u32, u32)>,
    /// Assets that the step has been given so far.
    pub members: u64,
    /// Assets that the scan follows so far.
    pub assets: u64,
    /// Whether the feed is used up.
    pub done: bool,
    /// Whether assets were left out, for there were too many or they were too deep.
    pub capped: bool,
}

impl Store {
    /// Expands the next slice of a feed.
    pub async fn expand(&self, expansion: Expansion) -> Result<Expanded, StoreError> {
        self.write(move |tx| {
            check_fence(tx, expansion.scan, expansion.fence)?;
            expand(tx, &expansion)
        })
        .await
    }
}

struct Cursor {
    attempt: i64,
    depth: u32,
    next: i64,
}

fn expand(tx: &Transaction<'_>, expansion: &Expansion) -> Result<Expanded, StoreError> {
    let (step, step_id) = &expansion.step;
    let counts = tx.query_row(
        "SELECT step.members, scan.assets FROM step JOIN scan ON scan.id = step.scan_id
         WHERE step.scan_id = ?1 AND step.ordinal = ?2",
        params![expansion.scan.0, step],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut expanded = Expanded {
        feed: expansion.feed,
        step: *step,
        jobs: Vec::new(),
        members: counts.0,
        assets: counts.1,
        done: true,
        capped: false,
    };
    let cursor = tx
        .query_row("SELECT attempt_id, depth, next FROM feed WHERE id = ?1", [expansion.feed], |row| {
            Ok(Cursor { attempt: row.get(0)?, depth: row.get(1)?, next: row.get(2)? })
        })
        .optional()?;
    let Some(cursor) = cursor else { return Ok(expanded) };
    let slice = sightings(tx, &cursor)?;
    for (_, asset, _) in slice.iter().filter(|(_, _, kind)| expansion.kinds.contains(kind)) {
        if cursor.depth > expansion.max_depth || expanded.assets >= expansion.max_assets {
            expanded.capped |= !is_member(tx, expansion, *asset)?;
            continue;
        }
        if join(tx, expansion, &cursor, *asset, expanded.members)? {
            open_chunk(tx, expansion, &cursor, &mut expanded)?;
        }
    }
    expanded.done = slice.len() < SLICE;
    finish(tx, expansion, &cursor, &slice, &expanded)?;
    if let Some((_, first, _)) = expanded.jobs.first() {
        let count = u32::try_from(expanded.jobs.len()).unwrap_or(u32::MAX);
        let event = EventBody::JobsAdded { step: step_id.clone(), first: *first, count };
        append(tx, expansion.scan, expansion.at, "driver", &event)?;
    }
    Ok(expanded)
}

type Sighting = (i64, i64, AssetKind);

fn sightings(tx: &Transaction<'_>, cursor: &Cursor) -> Result<Vec<Sighting>, StoreError> {
    let mut query = tx.prepare_cached(
        "SELECT sighting.ordinal, asset.id, asset.kind FROM sighting JOIN asset ON asset.id = sighting.asset_id
         WHERE sighting.attempt_id = ?1 AND sighting.ordinal >= ?2 ORDER BY sighting.ordinal LIMIT ?3",
    )?;
    let mut rows = query.query(params![cursor.attempt, cursor.next, SLICE])?;
    let mut slice = Vec::new();
    while let Some(row) = rows.next()? {
        slice.push((row.get(0)?, row.get(1)?, super::load::text(row, 2)?.parse()?));
    }
    Ok(slice)
}

fn is_member(tx: &Transaction<'_>, expansion: &Expansion, asset: i64) -> Result<bool, StoreError> {
    let mut query =
        tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM member WHERE scan_id = ?1 AND step = ?2 AND asset_id = ?3)")?;
    Ok(query.query_row(params![expansion.scan.0, expansion.step.0, asset], |row| row.get(0))?)
}

/// Gives an asset to the step, unless it has it.
fn join(
    tx: &Transaction<'_>,
    expansion: &Expansion,
    cursor: &Cursor,
    asset: i64,
    serial: u64,
) -> Result<bool, StoreError> {
    let added = tx
        .prepare_cached(
            "INSERT INTO member (scan_id, step, asset_id, serial, attempt_id) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?
        .execute(params![expansion.scan.0, expansion.step.0, asset, serial, cursor.attempt])?;
    Ok(added == 1)
}

/// Counts a new member; the first of a chunk opens its job.
fn open_chunk(
    tx: &Transaction<'_>,
    expansion: &Expansion,
    cursor: &Cursor,
    expanded: &mut Expanded,
) -> Result<(), StoreError> {
    let size = u64::from(expansion.chunk.max(1));
    let (chunk, place) = (expanded.members / size, expanded.members % size);
    expanded.members += 1;
    expanded.assets += 1;
    if place == 0 {
        let chunk = u32::try_from(chunk).map_err(|_| StoreError::Damaged("more chunks than 2^32".to_owned()))?;
        tx.prepare_cached("INSERT INTO job (scan_id, step, chunk, state, depth) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![expansion.scan.0, expansion.step.0, chunk, JobState::Pending.as_str(), cursor.depth])?;
        expanded.jobs.push((JobId(tx.last_insert_rowid()), chunk, cursor.depth));
    }
    Ok(())
}

/// Moves the cursor and the counters.
fn finish(
    tx: &Transaction<'_>,
    expansion: &Expansion,
    cursor: &Cursor,
    slice: &[Sighting],
    expanded: &Expanded,
) -> Result<(), StoreError> {
    if expanded.done {
        tx.execute("DELETE FROM feed WHERE id = ?1", [expansion.feed])?;
    } else {
        let next = slice.last().map_or(cursor.next, |(ordinal, _, _)| ordinal + 1);
        tx.execute("UPDATE feed SET next = ?2 WHERE id = ?1", [expansion.feed, next])?;
    }
    tx.execute(
        "UPDATE step SET members = ?3, capped = max(capped, ?4) WHERE scan_id = ?1 AND ordinal = ?2",
        params![expansion.scan.0, expansion.step.0, expanded.members, expanded.capped],
    )?;
    tx.execute("UPDATE scan SET assets = ?2 WHERE id = ?1", params![expansion.scan.0, expanded.assets])?;
    Ok(())
}
