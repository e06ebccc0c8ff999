//! What somebody asked of a scan: a row that any process writes and the owner executes.

use rusqlite::{Transaction, params};

use super::Store;
use super::error::StoreError;
use super::events::append;
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
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Cancel, Self::Pause, Self::Freeze, Self::Requeue, Self::Resume]
            .into_iter()
            .find(|verb| verb.as_str() == text)
            .ok_or_else(|| StoreError::Damaged(format!("`{text}` is no intent")))
    }
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
                "INSERT INTO intent (scan_id, verb, actor, at) VALUES (?1, ?2, ?3, ?4)",
                params![scan.0, verb.as_str(), actor, at.0],
            )?;
            append(tx, scan, at, &actor, &EventBody::IntentRecorded { verb: verb.as_str().to_owned() })?;
            Ok((state, true))
        })
        .await
    }

    /// Reads the intents of a scan that were not executed yet, in order.
    pub fn open_intents(&self, scan: ScanId) -> Result<Vec<IntentRow>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, verb, actor FROM intent WHERE scan_id = ?1 AND taken_at IS NULL ORDER BY id",
            )?;
            let mut rows = query.query([scan.0])?;
            let mut intents = Vec::new();
            while let Some(row) = rows.next()? {
                let verb = Verb::parse(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
                intents.push(IntentRow { id: row.get(0)?, verb, actor: row.get(2)? });
            }
            Ok(intents)
        })
    }
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
