-- How far each route has been told of each source: the events of scans, and whatever else has numbers that only grow.
CREATE TABLE notify_cursor (
  organisation_id INTEGER NOT NULL REFERENCES organisation,
  route           TEXT NOT NULL,
  source          TEXT NOT NULL,
  seq             INTEGER NOT NULL,
  PRIMARY KEY (organisation_id, route, source)
) STRICT, WITHOUT ROWID;

-- The outbox: written in the transaction that moves the cursor. One thing that happened makes one notification of a kind for a route,
-- whoever writes it, and however often.
CREATE TABLE notification (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  organisation_id INTEGER NOT NULL REFERENCES organisation,
  project_id      INTEGER NOT NULL REFERENCES project,
  key             TEXT NOT NULL UNIQUE,
  route           TEXT NOT NULL,
  source          TEXT NOT NULL,
  seq             INTEGER NOT NULL,
  event           TEXT NOT NULL,
  scan            TEXT,
  body            TEXT NOT NULL,
  created_at      INTEGER NOT NULL,
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_at         INTEGER NOT NULL,
  last_error      TEXT,
  delivered_at    INTEGER,
  dead_at         INTEGER,
  UNIQUE (organisation_id, project_id, route, source, seq, event)
) STRICT;
CREATE INDEX notification_pending ON notification (route, id) WHERE delivered_at IS NULL AND dead_at IS NULL;
CREATE INDEX notification_over ON notification (coalesce(delivered_at, dead_at)) WHERE delivered_at IS NOT NULL OR dead_at IS NOT NULL;

-- Until when nothing is delivered on a route: its receiver has failed, or asks to be left alone.
CREATE TABLE notify_hold (
  organisation_id INTEGER NOT NULL REFERENCES organisation,
  route           TEXT NOT NULL,
  until           INTEGER NOT NULL,
  PRIMARY KEY (organisation_id, route)
) STRICT, WITHOUT ROWID;

-- The ends of scans are among these.
CREATE INDEX event_of_end ON event (seq) WHERE kind = 'scan_state';
