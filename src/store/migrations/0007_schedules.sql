-- Schedules as they were last seen in a configuration, and how far they have come. The hash is of what decides when they are due; the
-- cursor is behind the last tick that was decided, and next_due is when the next one starts: null where none does.
CREATE TABLE schedule (
  id              INTEGER PRIMARY KEY,
  organisation_id INTEGER NOT NULL REFERENCES organisation,
  project_id      INTEGER NOT NULL REFERENCES project,
  name            TEXT NOT NULL,
  definition      TEXT NOT NULL,
  cadence_sha256  TEXT NOT NULL,
  enabled         INTEGER NOT NULL,
  anchor          INTEGER NOT NULL,
  cursor          INTEGER NOT NULL,
  next_due        INTEGER,
  paused_by       TEXT,
  paused_at       INTEGER,
  UNIQUE (project_id, name)
) STRICT;
CREATE INDEX schedule_due ON schedule (next_due) WHERE next_due IS NOT NULL;

-- What became of ticks, one row for each tick and target; a row of skipped ticks may be about several, up to `through`, and then has no
-- target. Events belong to scans, and a skipped tick has none: what people are told of starts and skips is read from here.
CREATE TABLE tick (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  schedule_id INTEGER NOT NULL REFERENCES schedule,
  due         INTEGER NOT NULL,
  target      TEXT NOT NULL,
  manual      INTEGER NOT NULL DEFAULT 0,
  through     INTEGER NOT NULL,
  ticks       INTEGER,
  outcome     TEXT NOT NULL,
  reason      TEXT,
  message     TEXT,
  request_key TEXT,
  scan_id     INTEGER REFERENCES scan ON DELETE SET NULL,
  scan_key    TEXT,
  attempts    INTEGER NOT NULL DEFAULT 0,
  retry_at    INTEGER,
  actor       TEXT NOT NULL,
  decided_at  INTEGER NOT NULL,
  UNIQUE (schedule_id, due, target, manual)
) STRICT;
CREATE INDEX tick_open ON tick (schedule_id, target) WHERE outcome IN ('waiting', 'pending', 'failed');
CREATE INDEX tick_by_schedule ON tick (schedule_id, id);
CREATE INDEX tick_by_scan ON tick (scan_id) WHERE scan_id IS NOT NULL;
