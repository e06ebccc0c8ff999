-- A record bears its identity itself: a batch is appended and touches no index in random order. Findings are made afterwards, in
-- the order of their own index.
CREATE TABLE identified (
  id          INTEGER PRIMARY KEY,
  attempt_id  INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
  severity    INTEGER NOT NULL,
  ordinal     INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  occurrence  INTEGER NOT NULL,
  body        TEXT NOT NULL
) STRICT;
INSERT INTO identified
  SELECT record.id, attempt_id, severity, ordinal, version, fingerprint, occurrence, body
  FROM record JOIN finding ON finding.id = record.finding_id ORDER BY record.id;
DROP TABLE record;
ALTER TABLE identified RENAME TO record;
CREATE UNIQUE INDEX record_in_order ON record (attempt_id, severity, ordinal);

-- The first record of each rule and severity of an attempt: a report may begin with its rules and need not read all records for
-- them.
CREATE TABLE rule (
  attempt_id INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
  severity   INTEGER NOT NULL,
  ordinal    INTEGER NOT NULL,
  PRIMARY KEY (attempt_id, severity, ordinal)
) STRICT, WITHOUT ROWID;
INSERT INTO rule SELECT attempt_id, severity, min(ordinal) FROM record GROUP BY attempt_id, severity, json_extract(body, '$.rule');

-- When a scan was deleted: from then on nobody sees it, and its rows go in slices.
ALTER TABLE scan ADD COLUMN deleted_at INTEGER;
