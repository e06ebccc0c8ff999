//! What somebody asked of a scan: a row that any process writes and the owner executes.

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::events::append;
use super::load::text;
use super::{Store, json, to_json};
use crate::model::clock::Timestamp;
use crate::model::event::EventBody;
use crate::model::id::ScanId;
use crate::model::state::ScanState;

/// What can be asked of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Stop what runs, keep what was found.
    Cancel,
    /// Start nothing more.
    Pause,
    /// Start nothing more, and freeze what runs.
    Freeze,
    /// Start nothing more, and stop what runs: its jobs begin anew.
    Requeue,
    /// Go on.
    Resume,
    /// Try again at once what waits to be tried again.
    Retry,
    /// Go before those of a lower priority.
    Priority(i32),
}

impl Verb {
    /// Returns the verb's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Pause => "pause",
            Self::Freeze => "freeze",
            Self::Requeue => "requeue",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Priority(_) => PRIORITY,
        }
    }

    fn parse(text: &str, body: &str) -> Result<Self, StoreError> {
        if text == PRIORITY {
            let body: Body = json(body)?;
            return Ok(Self::Priority(body.priority.unwrap_or_default()));
        }
        [Self::Cancel, Self::Pause, Self::Freeze, Self::Requeue, Self::Resume, Self::Retry]
            .into_iter()
            .find(|verb| verb.as_str() == text)
            .ok_or_else(|| StoreError::Damaged(format!("`{text}` is no intent")))
    }

    fn body(self) -> Body {
        Body { priority: if let Self::Priority(priority) = self { Some(priority) } else { None } }
    }
}

impl std::fmt::Display for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Priority(priority) => write!(f, "{PRIORITY} {priority}"),
            verb => f.write_str(verb.as_str()),
        }
    }
}

const PRIORITY: &str = "priority";

/// What an intent has beside its verb.
#[derive(Debug, Serialize, Deserialize)]
struct Body {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    priority: Option<i32>,
}

/// An intent that nobody has executed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentRow {
    /// Its row.
    pub id: i64,
    /// What is asked.
    pub verb: Verb,
    /// Who asks.
    pub actor: String,
}

impl Store {
    /// Records an intent; returns the scan's state as it was then, and whether the intent was recorded: an ended scan takes none.
    pub async fn ask(
        &self,
        scan: ScanId,
        verb: Verb,
        actor: &str,
        at: Timestamp,
    ) -> Result<(ScanState, bool), StoreError> {
        let actor = actor.to_owned();
        self.write(move |tx| {
            let state: String = tx.query_row("SELECT state FROM scan WHERE id = ?1", [scan.0], |row| row.get(0))?;
            let state: ScanState = state.parse()?;
            if state.is_terminal() {
                return Ok((state, false));
            }
            tx.execute(
                "INSERT INTO intent (scan_id, verb, body, actor, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![scan.0, verb.as_str(), to_json(&verb.body())?, actor, at.0],
            )?;
            append(tx, scan, at, &actor, &EventBody::IntentRecorded { verb: verb.to_string() })?;
            Ok((state, true))
        })
        .await
    }

    /// Reads the intents of a scan that were not executed yet, in order.
    pub fn open_intents(&self, scan: ScanId) -> Result<Vec<IntentRow>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, verb, body, actor FROM intent WHERE scan_id = ?1 AND taken_at IS NULL ORDER BY id",
            )?;
            let mut rows = query.query([scan.0])?;
            let mut intents = Vec::new();
            while let Some(row) = rows.next()? {
                intents.push(IntentRow {
                    id: row.get(0)?,
                    verb: Verb::parse(text(row, 1)?, text(row, 2)?)?,
                    actor: row.get(3)?,
                });
            }
            Ok(intents)
        })
    }
}

impl Store {
    /// Gives queued scans that nobody drives the priority that was asked for: there is no owner who could.
    pub async fn execute_priorities(&self, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut query = tx.prepare_cached(
                "SELECT intent.id, intent.scan_id, intent.body FROM intent JOIN scan ON scan.id = intent.scan_id
                 WHERE taken_at IS NULL AND verb = 'priority' AND scan.state = 'queued' AND scan.owner IS NULL ORDER BY intent.id",
            )?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let body: Body = json(text(row, 2)?)?;
                prioritise(tx, ScanId(row.get(1)?), body.priority.unwrap_or_default())?;
                take(tx, row.get(0)?, at)?;
            }
            Ok(())
        })
        .await
    }
}

/// Gives a scan another priority.
pub(super) fn prioritise(tx: &Transaction<'_>, scan: ScanId, priority: i32) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE scan SET priority = ?2 WHERE id = ?1")?.execute(params![scan.0, priority])?;
    Ok(())
}

/// Marks an intent as executed.
pub(super) fn take(tx: &Transaction<'_>, id: i64, at: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE intent SET taken_at = ?2 WHERE id = ?1 AND taken_at IS NULL")?.execute([id, at.0])?;
    Ok(())
}

/// Marks all open intents of a scan as executed.
pub(super) fn take_all(tx: &Transaction<'_>, scan: ScanId, at: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE intent SET taken_at = ?2 WHERE scan_id = ?1 AND taken_at IS NULL")?
        .execute([scan.0, at.0])?;
    Ok(())
}
