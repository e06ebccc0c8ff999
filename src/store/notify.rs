//! The outbox of notifications: how far each route was told, what is to be delivered, and how that went.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::Store;
use super::error::StoreError;
use super::lock::Lock;
use crate::model::clock::Timestamp;
use crate::model::id::ScanId;
use crate::model::notify::{DeliveryState, NotificationView};

/// The name of the source whose numbers are those of the event log.
const EVENTS: &str = "event";
/// How long what was delivered is remembered, and what was given up, in milliseconds.
const KEEP_DELIVERED: i64 = 7 * 86_400_000;
const KEEP_DEAD: i64 = 90 * 86_400_000;
/// Most rows that one transaction forgets.
const SLICE: usize = 500;

/// A tick of a schedule that came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkippedTick {
    /// Its number among these.
    pub seq: u64,
    /// Its row.
    pub tick: i64,
    /// When that was decided, at the earliest.
    pub at: Timestamp,
    /// Row of its schedule's project.
    pub project: i64,
}

/// The end of a scan, as the event log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedScan {
    /// The number of the event.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The scan.
    pub scan: ScanId,
    /// Row of its project.
    pub project: i64,
}

/// A notification that is to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    /// Its id.
    pub key: String,
    /// The route that it goes.
    pub route: String,
    /// The number of what it tells of, in its source.
    pub seq: u64,
    /// What it tells of.
    pub event: &'static str,
    /// The scan that it is about: what is about one scan is delivered in order.
    pub scan: Option<String>,
    /// Row of the project.
    pub project: i64,
    /// The document.
    pub body: String,
}

/// A notification that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotification {
    /// Its row.
    pub row: i64,
    /// Its id.
    pub key: String,
    /// The document.
    pub body: String,
    /// Deliveries that have failed.
    pub attempts: u32,
    /// When it was written down.
    pub created_at: Timestamp,
    /// How far its delivery has come, where it goes in several parts: what was noted last.
    pub progress: Option<String>,
}

/// Which notifications a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotificationFilter {
    /// Only those that stand so.
    pub state: Option<DeliveryState>,
    /// At most so many, newest first.
    pub limit: u32,
}

/// What is to be delivered once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resend {
    /// All that was given up.
    Dead,
    /// Those with these ids, whatever became of them.
    Ids(Vec<String>),
}

impl Store {
    /// Begins to tell routes of a source from its number `head` on. Routes that are known go on where they were.
    pub async fn adopt_routes(&self, source: &'static str, head: u64, routes: Vec<String>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO notify_cursor VALUES (1, ?1, ?2, ?3)")?;
            for route in &routes {
                insert.execute(params![route, source, head])?;
            }
            Ok(())
        })
        .await
    }

    /// Forgets how far routes were told: should they come back, they are told from then on.
    pub async fn forget_routes(&self, routes: Vec<String>) -> Result<(), StoreError> {
        self.write(move |tx| {
            for route in &routes {
                tx.execute("DELETE FROM notify_cursor WHERE route = ?1", [route])?;
            }
            Ok(())
        })
        .await
    }

    /// Returns how far each route was told of a source.
    pub fn notify_cursors(&self, source: &str) -> Result<BTreeMap<String, u64>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT route, seq FROM notify_cursor WHERE source = ?1")?;
            let rows = query.query_map([source], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns the number of the newest event that ever was, 0 if there was none.
    pub fn last_event(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?;
            Ok(query.query_row([EVENTS], |row| row.get(0)).optional()?.unwrap_or(0))
        })
    }

    /// Returns the ends of scans with numbers greater than `after`, in order, at most `limit`; and up to which number that is all.
    pub fn ended_scans(&self, after: u64, limit: usize) -> Result<(Vec<EndedScan>, u64), StoreError> {
        // What is written meanwhile has a greater number: the head is read first.
        let head = self.last_event()?;
        let ended = self.read(|connection| ended_scans(connection, after, head, limit))?;
        let full = ended.len() == limit;
        let seen = ended.last().filter(|_| full).map_or(head, |last| last.seq);
        Ok((ended, seen))
    }

    /// Returns the number of the last tick that came to nothing; 0 if none did.
    pub fn last_skip(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'skipped_tick'")?;
            Ok(query.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
        })
    }

    /// Returns the ticks that came to nothing with numbers greater than `after`, in order, at most `limit`; and up to which number that is all.
    pub fn skipped_ticks(&self, after: u64, limit: usize) -> Result<(Vec<SkippedTick>, u64), StoreError> {
        let head = self.last_skip()?;
        let skipped = self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT seq, tick.id, max(tick.due, tick.decided_at), project_id FROM skipped_tick JOIN tick ON tick.id = tick_id
                 JOIN schedule ON schedule.id = tick.schedule_id WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
            )?;
            let rows = query.query_map(params![after, head, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                let at = Timestamp(row.get(2)?);
                Ok(SkippedTick { seq: row.get(0)?, tick: row.get(1)?, at, project: row.get(3)? })
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        let full = skipped.len() == limit;
        let seen = skipped.last().filter(|_| full).map_or(head, |last| last.seq);
        Ok((skipped, seen))
    }

    /// Writes notifications of one source down and moves the cursors of routes, in one transaction; what is there already stays as it
    /// is. Forgets what has been over for long.
    pub async fn enqueue(
        &self,
        source: &'static str,
        rows: Vec<NewNotification>,
        cursors: BTreeMap<String, u64>,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let mut written = 0;
            for row in &rows {
                written += insert(tx, source, row, at)?;
            }
            let mut advance = tx.prepare_cached(
                "UPDATE notify_cursor SET seq = max(seq, ?3) WHERE organisation_id = 1 AND route = ?1 AND source = ?2",
            )?;
            for (route, seq) in &cursors {
                advance.execute(params![route, source, seq])?;
            }
            forget(tx, at)?;
            Ok(written)
        })
        .await
    }

    /// Becomes the one that delivers on a route; `None` while another process is. Free again when dropped.
    pub fn begin_delivery(&self, route: &str) -> Result<Option<Lock>, StoreError> {
        Lock::take(&self.dir().join("locks").join(format!("notify-{route}")))
    }

    /// Returns the next notification of a route that is due: the oldest before which nothing of the same scan is pending.
    pub fn due_notification(&self, route: &str, now: Timestamp) -> Result<Option<DueNotification>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, key, body, attempts, created_at, progress FROM notification AS one
                 WHERE route = ?1 AND delivered_at IS NULL AND dead_at IS NULL AND next_at <= ?2
                   AND NOT EXISTS (SELECT 1 FROM notify_hold WHERE route = ?1 AND until > ?2)
                   AND (scan IS NULL OR NOT EXISTS (
                     SELECT 1 FROM notification AS before WHERE before.route = ?1 AND before.scan = one.scan AND before.id < one.id
                       AND before.delivered_at IS NULL AND before.dead_at IS NULL))
                 ORDER BY id LIMIT 1",
            )?;
            let row = query.query_row(params![route, now.0], |row| {
                Ok(DueNotification {
                    row: row.get(0)?,
                    key: row.get(1)?,
                    body: row.get(2)?,
                    attempts: row.get(3)?,
                    created_at: Timestamp(row.get(4)?),
                    progress: row.get(5)?,
                })
            });
            Ok(row.optional()?)
        })
    }

    /// Returns when each route with something to deliver has the next of it due.
    pub fn next_deliveries(&self) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT route, max(min(next_at), coalesce((SELECT until FROM notify_hold WHERE notify_hold.route = notification.route), 0))
                 FROM notification WHERE delivered_at IS NULL AND dead_at IS NULL GROUP BY route",
            )?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Notes how far the delivery of a notification has come, of which the receiver has taken another part: the failures before that
    /// count no more.
    pub async fn notification_progressed(&self, row: i64, progress: String) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.prepare_cached("UPDATE notification SET progress = ?2, attempts = 0 WHERE id = ?1")?
                .execute(params![row, progress])?;
            Ok(())
        })
        .await
    }

    /// Notes that the receiver has taken a notification.
    pub async fn notification_delivered(&self, row: i64, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.prepare_cached(
                "UPDATE notification SET attempts = attempts + 1, delivered_at = ?2, last_error = NULL WHERE id = ?1",
            )?
            .execute(params![row, at.0])?;
            Ok(())
        })
        .await
    }

    /// Notes that a delivery failed and when it is tried again; until `hold` nothing else is delivered on its route.
    pub async fn notification_postponed(
        &self,
        row: i64,
        error: String,
        next_at: Timestamp,
        hold: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.prepare_cached(
                "UPDATE notification SET attempts = attempts + 1, last_error = ?2, next_at = ?3 WHERE id = ?1",
            )?
            .execute(params![row, error, next_at.0])?;
            tx.prepare_cached(
                "INSERT OR REPLACE INTO notify_hold SELECT organisation_id, route, ?2 FROM notification WHERE id = ?1",
            )?
            .execute(params![row, hold.0])?;
            Ok(())
        })
        .await
    }

    /// Notes that a delivery failed and that the notification was given up.
    pub async fn notification_dead(&self, row: i64, error: String, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.prepare_cached(
                "UPDATE notification SET attempts = attempts + 1, last_error = ?2, dead_at = ?3 WHERE id = ?1",
            )?
            .execute(params![row, error, at.0])?;
            Ok(())
        })
        .await
    }

    /// Whether anything has waited since before `oldest`.
    pub fn has_notification_before(&self, oldest: Timestamp) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM notification WHERE delivered_at IS NULL AND dead_at IS NULL AND created_at < ?1)",
            )?;
            Ok(query.query_row([oldest.0], |row| row.get(0))?)
        })
    }

    /// Gives up what has waited since before `oldest` on routes that nobody delivers on. Returns how many those were.
    pub async fn abandon_notifications(
        &self,
        routes: Vec<String>,
        oldest: Timestamp,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let mut abandon = tx.prepare_cached(
                "UPDATE notification SET dead_at = ?3, last_error = coalesce(last_error, 'there is no such route any more, or it is switched off')
                 WHERE route = ?1 AND delivered_at IS NULL AND dead_at IS NULL AND created_at < ?2",
            )?;
            let mut given_up = 0;
            for route in &routes {
                given_up += abandon.execute(params![route, oldest.0, at.0])?;
            }
            Ok(given_up)
        })
        .await
    }

    /// Reads notifications, newest first.
    pub fn notifications(&self, filter: NotificationFilter) -> Result<Vec<NotificationView>, StoreError> {
        let which = match filter.state {
            None => "1",
            Some(DeliveryState::Pending) => "delivered_at IS NULL AND dead_at IS NULL",
            Some(DeliveryState::Delivered) => "delivered_at IS NOT NULL",
            Some(DeliveryState::Dead) => "dead_at IS NOT NULL",
        };
        self.read(|connection| {
            let mut query = connection.prepare_cached(&format!(
                "SELECT key, route, event, scan, coalesce(json_extract(body, '$.title'), ''), attempts, created_at, next_at, delivered_at,
                        dead_at, last_error FROM notification WHERE {which} ORDER BY id DESC LIMIT ?1"
            ))?;
            let rows = query.query_map([filter.limit], view)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Counts the notifications that stand so.
    pub fn count_notifications(&self, state: DeliveryState) -> Result<u64, StoreError> {
        let which = match state {
            DeliveryState::Pending => "delivered_at IS NULL AND dead_at IS NULL",
            DeliveryState::Delivered => "delivered_at IS NOT NULL",
            DeliveryState::Dead => "dead_at IS NOT NULL",
        };
        self.read(|connection| {
            let mut query = connection.prepare_cached(&format!("SELECT count(*) FROM notification WHERE {which}"))?;
            Ok(query.query_row([], |row| row.get(0))?)
        })
    }

    /// Makes notifications due again, with their ids as they were; returns how many. All of them or none: an id that does not exist is
    /// an error.
    pub async fn resend_notifications(&self, what: Resend, at: Timestamp) -> Result<usize, StoreError> {
        const AGAIN: &str = "UPDATE notification SET attempts = 0, next_at = ?1, created_at = ?1, last_error = NULL, delivered_at = NULL,
                             dead_at = NULL, progress = NULL WHERE";
        self.write(move |tx| {
            // Whoever asks knows that the receiver is there again.
            tx.execute("DELETE FROM notify_hold", [])?;
            match &what {
                Resend::Dead => Ok(tx.execute(&format!("{AGAIN} dead_at IS NOT NULL"), [at.0])?),
                Resend::Ids(ids) => {
                    for id in ids {
                        if tx.execute(&format!("{AGAIN} key = ?2"), params![at.0, id])? == 0 {
                            return Err(StoreError::NotFound(format!("notification `{id}`")));
                        }
                    }
                    Ok(ids.len())
                }
            }
        })
        .await
    }
}

fn ended_scans(connection: &Connection, after: u64, head: u64, limit: usize) -> Result<Vec<EndedScan>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT event.seq, event.at, event.scan_id, scan.project_id FROM event JOIN scan ON scan.id = event.scan_id
         WHERE event.kind = 'scan_state' AND event.seq > ?1 AND event.seq <= ?2 AND scan.deleted_at IS NULL
           AND json_extract(event.body, '$.to') IN ('completed', 'failed', 'cancelled') ORDER BY event.seq LIMIT ?3",
    )?;
    let mut rows = query.query(params![after, head, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut ended = Vec::new();
    while let Some(row) = rows.next()? {
        ended.push(EndedScan {
            seq: row.get(0)?,
            at: Timestamp(row.get(1)?),
            scan: ScanId(row.get(2)?),
            project: row.get(3)?,
        });
    }
    Ok(ended)
}

fn insert(tx: &Transaction<'_>, source: &str, row: &NewNotification, at: Timestamp) -> Result<usize, StoreError> {
    // A route that another process was told of already, or that was forgotten since, is not told again.
    let mut insert = tx.prepare_cached(
        "INSERT OR IGNORE INTO notification (organisation_id, project_id, key, route, source, seq, event, scan, body, created_at, next_at)
         SELECT 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9
         WHERE EXISTS (SELECT 1 FROM notify_cursor WHERE route = ?3 AND source = ?4 AND seq < ?5)",
    )?;
    Ok(insert.execute(params![
        row.project,
        row.key,
        row.route,
        source,
        row.seq,
        row.event,
        row.scan,
        row.body,
        at.0
    ])?)
}

fn forget(tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "DELETE FROM notification WHERE id IN (SELECT id FROM notification
           WHERE (delivered_at IS NOT NULL OR dead_at IS NOT NULL) AND coalesce(delivered_at, dead_at) < ?1
             AND (delivered_at IS NOT NULL OR dead_at < ?2) LIMIT ?3)",
    )?
    .execute(params![now.0 - KEEP_DELIVERED, now.0 - KEEP_DEAD, SLICE])?;
    Ok(())
}

fn view(row: &Row<'_>) -> rusqlite::Result<NotificationView> {
    let (delivered_at, dead_at) = (row.get::<_, Option<i64>>(8)?, row.get::<_, Option<i64>>(9)?);
    let state = match (delivered_at, dead_at) {
        (Some(_), _) => DeliveryState::Delivered,
        (None, Some(_)) => DeliveryState::Dead,
        (None, None) => DeliveryState::Pending,
    };
    Ok(NotificationView {
        id: row.get(0)?,
        route: row.get(1)?,
        event: row.get(2)?,
        scan: row.get(3)?,
        state,
        title: row.get(4)?,
        attempts: row.get(5)?,
        created_at: Timestamp(row.get(6)?),
        next_at: (state == DeliveryState::Pending).then_some(Timestamp(row.get(7)?)),
        delivered_at: delivered_at.map(Timestamp),
        dead_at: dead_at.map(Timestamp),
        last_error: row.get(10)?,
    })
}
