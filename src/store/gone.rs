//! Reading what was open before a scan and is not in it.

use rusqlite::params;

use super::Store;
use super::compare::{Difference, known, record_at};
use super::error::StoreError;
use super::findings::name_of;
use super::load::{text, text_option};
use crate::model::fingerprint::Fingerprint;
use crate::model::id::ScanId;
use crate::model::standing::{FindingKey, GoneView};

/// A place among the findings that are gone: by scanner, then by fingerprint.
#[derive(Debug, Clone)]
pub struct GoneCursor {
    scan: ScanId,
    subject: i64,
    last: FindingKey,
}

impl GoneCursor {
    /// Returns the scan.
    pub fn scan(&self) -> ScanId {
        self.scan
    }
}

impl Store {
    /// Starts reading what was open before a scan and is not in it.
    pub fn gone_cursor(&self, scan: ScanId) -> GoneCursor {
        GoneCursor { scan, subject: -1, last: FindingKey { fingerprint: Fingerprint([0; 16]), occurrence: 0 } }
    }

    /// Reads up to `limit` of them and moves the cursor behind them; empty at the end, and until the scan has ended.
    pub fn next_gone(&self, cursor: &mut GoneCursor, limit: usize) -> Result<Vec<GoneView>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT fingerprint, occurrence, attempt_id, severity, ordinal, kind, reason, subject_id, scanner
                 FROM difference JOIN subject ON subject.id = subject_id JOIN scan ON scan.id = scan_id
                 WHERE scan_id = ?1 AND (subject_id, version, fingerprint, occurrence) > (?3, ?2, ?4, ?5)
                   AND kind IN ('fixed', 'not_observed') AND scan.state IN ('completed', 'failed', 'cancelled')
                 ORDER BY subject_id, version, fingerprint, occurrence LIMIT ?6",
            )?;
            let (last, limit) = (cursor.last, i64::try_from(limit).unwrap_or(i64::MAX));
            let mut rows = query.query(params![
                cursor.scan.0,
                Fingerprint::VERSION,
                cursor.subject,
                last.fingerprint.0,
                last.occurrence,
                limit
            ])?;
            let mut page = Vec::new();
            while let Some(row) = rows.next()? {
                let known = known(row, 0)?;
                (cursor.subject, cursor.last) = (row.get(7)?, known.key);
                let Difference::Gone(fate) = Difference::parse(text(row, 5)?, text_option(row, 6)?)? else { continue };
                page.push(GoneView {
                    fingerprint: name_of(connection, cursor.subject, known.key)?.to_string(),
                    scanner: row.get(8)?,
                    fate,
                    record: record_at(connection, &known)?,
                });
            }
            Ok(page)
        })
    }
}
