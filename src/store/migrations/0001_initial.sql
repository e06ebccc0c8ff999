-- Times are milliseconds since the Unix epoch. States are the words of model::state. JSON columns hold model types.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE organisation (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE project (
  id              INTEGER PRIMARY KEY,
  organisation_id INTEGER NOT NULL REFERENCES organisation,
  name            TEXT NOT NULL,
  UNIQUE (organisation_id, name)
) STRICT;

INSERT INTO organisation VALUES (1, 'default');
INSERT INTO project VALUES (1, 1, 'default');

CREATE TABLE scan (
  id              INTEGER PRIMARY KEY,
  organisation_id INTEGER NOT NULL REFERENCES organisation,
  project_id      INTEGER NOT NULL REFERENCES project,
  key             TEXT NOT NULL UNIQUE,
  request_key     TEXT,
  target          TEXT NOT NULL,
  target_key      TEXT NOT NULL,
  line            TEXT,
  plan            TEXT NOT NULL,
  plan_sha256     TEXT NOT NULL,
  source          TEXT,
  executor        TEXT NOT NULL,
  profile         TEXT NOT NULL,
  server_identity TEXT NOT NULL,
  priority        INTEGER NOT NULL,
  state           TEXT NOT NULL,
  ending          TEXT,
  coverage        TEXT NOT NULL,
  records         TEXT NOT NULL,
  assets          INTEGER NOT NULL DEFAULT 0,
  created_at      INTEGER NOT NULL,
  started_at      INTEGER,
  finished_at     INTEGER,
  owner           TEXT,
  fence           INTEGER NOT NULL DEFAULT 0,
  heartbeat       INTEGER NOT NULL DEFAULT 0,
  UNIQUE (project_id, request_key)
) STRICT;
CREATE INDEX scan_by_target ON scan (project_id, target_key, created_at);
CREATE INDEX scan_open ON scan (state) WHERE state NOT IN ('completed', 'failed', 'cancelled');

-- Frozen job specifications, one row for each different one.
CREATE TABLE spec (
  id     INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  body   TEXT NOT NULL
) STRICT;

CREATE TABLE step (
  scan_id INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  id      TEXT NOT NULL,
  spec_id INTEGER NOT NULL REFERENCES spec,
  members INTEGER NOT NULL DEFAULT 0,
  capped  INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (scan_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
  id              INTEGER PRIMARY KEY,
  scan_id         INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
  step            INTEGER NOT NULL,
  chunk           INTEGER NOT NULL,
  state           TEXT NOT NULL,
  attempts        INTEGER NOT NULL DEFAULT 0,
  own_failures    INTEGER NOT NULL DEFAULT 0,
  engine_failures INTEGER NOT NULL DEFAULT 0,
  not_before      INTEGER NOT NULL DEFAULT 0,
  depth           INTEGER NOT NULL DEFAULT 0,
  coverage        TEXT,
  skip            TEXT,
  failure         TEXT,
  records         TEXT,
  assets          INTEGER NOT NULL DEFAULT 0,
  scanner_version TEXT,
  winning_attempt INTEGER,
  started_at      INTEGER,
  finished_at     INTEGER,
  UNIQUE (scan_id, step, chunk)
) STRICT;

CREATE TABLE attempt (
  id          INTEGER PRIMARY KEY,
  job_id      INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
  number      INTEGER NOT NULL,
  name        TEXT NOT NULL,
  spec_id     INTEGER NOT NULL REFERENCES spec,
  spec_sha256 TEXT NOT NULL,
  placement   TEXT NOT NULL DEFAULT '',
  state       TEXT NOT NULL,
  removed     INTEGER NOT NULL DEFAULT 0,
  fence       INTEGER NOT NULL,
  engine_id   TEXT,
  manifest    TEXT,
  failure     TEXT,
  created_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  UNIQUE (job_id, number)
) STRICT;
-- Two live attempts of one job cannot be written down.
CREATE UNIQUE INDEX one_live_attempt ON attempt (job_id)
  WHERE state IN ('intent', 'created', 'running', 'exited', 'sealed', 'unknown', 'cancelling');
CREATE INDEX attempt_not_removed ON attempt (job_id) WHERE removed = 0;

-- What one scanner can find in one target: findings belong to it.
CREATE TABLE subject (
  id         INTEGER PRIMARY KEY,
  project_id INTEGER NOT NULL REFERENCES project,
  target_key TEXT NOT NULL,
  scanner    TEXT NOT NULL,
  UNIQUE (project_id, target_key, scanner)
) STRICT;

CREATE TABLE finding (
  id          INTEGER PRIMARY KEY,
  subject_id  INTEGER NOT NULL REFERENCES subject,
  version     INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  occurrence  INTEGER NOT NULL,
  first_scan  INTEGER NOT NULL,
  UNIQUE (subject_id, version, fingerprint, occurrence)
) STRICT;

-- Rows are visible when their attempt is its job's winning one. The severity decides the order of reports.
CREATE TABLE record (
  id         INTEGER PRIMARY KEY,
  attempt_id INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
  severity   INTEGER NOT NULL,
  ordinal    INTEGER NOT NULL,
  finding_id INTEGER NOT NULL REFERENCES finding,
  body       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_in_order ON record (attempt_id, severity, ordinal);

CREATE TABLE asset (
  id         INTEGER PRIMARY KEY,
  project_id INTEGER NOT NULL REFERENCES project,
  kind       TEXT NOT NULL,
  value      TEXT NOT NULL,
  UNIQUE (project_id, kind, value)
) STRICT;

CREATE TABLE sighting (
  attempt_id INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
  ordinal    INTEGER NOT NULL,
  asset_id   INTEGER NOT NULL REFERENCES asset,
  PRIMARY KEY (attempt_id, ordinal)
) STRICT, WITHOUT ROWID;

-- Sightings of a winning attempt that a later step has yet to turn into chunks: a durable cursor.
-- A row's number is never used again: a driver may still hold that of a feed that is used up.
CREATE TABLE feed (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  scan_id    INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
  step       INTEGER NOT NULL,
  attempt_id INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
  depth      INTEGER NOT NULL,
  next       INTEGER NOT NULL DEFAULT 0,
  UNIQUE (step, attempt_id)
) STRICT;
CREATE INDEX feed_by_scan ON feed (scan_id, id);

-- The assets of a step in the order in which they came; the serial decides the chunk.
CREATE TABLE member (
  scan_id  INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
  step     INTEGER NOT NULL,
  asset_id INTEGER NOT NULL REFERENCES asset,
  serial   INTEGER NOT NULL,
  attempt_id INTEGER NOT NULL,
  PRIMARY KEY (scan_id, step, asset_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX member_by_serial ON member (scan_id, step, serial);

CREATE TABLE artifact (
  attempt_id      INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
  path            TEXT NOT NULL,
  blob            TEXT NOT NULL,
  length          INTEGER NOT NULL,
  original_sha256 TEXT NOT NULL,
  PRIMARY KEY (attempt_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  scan_id  INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
  kind     TEXT NOT NULL,
  version  INTEGER NOT NULL DEFAULT 1,
  actor    TEXT NOT NULL,
  trace_id TEXT NOT NULL DEFAULT '',
  body     TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_scan ON event (scan_id, seq);

-- What somebody asked of a scan; written by any process, executed by the owner.
CREATE TABLE intent (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  scan_id  INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
  verb     TEXT NOT NULL,
  body     TEXT NOT NULL DEFAULT '{}',
  actor    TEXT NOT NULL,
  at       INTEGER NOT NULL,
  taken_at INTEGER
) STRICT;
CREATE INDEX intent_open ON intent (scan_id) WHERE taken_at IS NULL;
