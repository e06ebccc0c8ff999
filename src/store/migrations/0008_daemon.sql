-- The daemon of this state, the living or the last: one row. That one lives is told by the kernel's lock on locks/daemon, and by the
-- heartbeat, which a stopped process does not move.
CREATE TABLE daemon (
  id            INTEGER PRIMARY KEY CHECK (id = 1),
  owner         TEXT NOT NULL,
  version       TEXT NOT NULL,
  heartbeat     INTEGER NOT NULL,
  draining      INTEGER NOT NULL DEFAULT 0,
  started_at    INTEGER NOT NULL,
  stopped_at    INTEGER,
  configured_at INTEGER NOT NULL,
  config_error  TEXT
) STRICT;

CREATE TABLE worker (
  name       TEXT PRIMARY KEY,
  runs       INTEGER NOT NULL,
  failures   INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  took_ms    INTEGER NOT NULL,
  outcome    TEXT NOT NULL,
  message    TEXT NOT NULL,
  next_at    INTEGER NOT NULL
) STRICT;

-- Why the daemon leaves an open scan to others: it does not reach the scan's engine.
ALTER TABLE scan ADD COLUMN declined TEXT;
