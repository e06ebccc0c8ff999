//! The event log: one global sequence, appended in the transaction of the change that it tells of.

use rusqlite::{Connection, Transaction, params};

use super::error::StoreError;
use super::{Store, json, to_json};
use crate::model::clock::Timestamp;
use crate::model::event::{Event, EventBody};
use crate::model::id::ScanId;

/// An event as it is read back.
pub type EventRow = Event;

/// Appends one event.
pub(super) fn append(
    tx: &Transaction<'_>,
    scan: ScanId,
    at: Timestamp,
    actor: &str,
    body: &EventBody,
) -> Result<(), StoreError> {
    let mut insert =
        tx.prepare_cached("INSERT INTO event (at, scan_id, kind, actor, body) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    insert.execute(params![at.0, scan.0, body.kind(), actor, to_json(body)?])?;
    Ok(())
}

impl Store {
    /// Reads up to `limit` events of a scan with numbers greater than `after`, in order.
    pub fn events(&self, scan: ScanId, after: u64, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        self.read(|connection| read(connection, scan, after, limit))
    }

    /// Appends an event that is no change of state.
    pub async fn note(&self, scan: ScanId, at: Timestamp, actor: &str, body: EventBody) -> Result<(), StoreError> {
        let actor = actor.to_owned();
        self.write(move |tx| append(tx, scan, at, &actor, &body)).await
    }
}

fn read(connection: &Connection, scan: ScanId, after: u64, limit: u32) -> Result<Vec<EventRow>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT event.seq, event.at, scan.key, event.actor, event.body FROM event JOIN scan ON scan.id = event.scan_id
         WHERE event.scan_id = ?1 AND event.seq > ?2 ORDER BY event.seq LIMIT ?3",
    )?;
    let mut rows = query.query(params![scan.0, after, limit])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(Event {
            seq: row.get(0)?,
            at: Timestamp(row.get(1)?),
            scan: row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?.parse()?,
            actor: row.get(3)?,
            body: json(row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?)?,
        });
    }
    Ok(events)
}
