-- Targets that are scanned again and again. A row's number is never used again: lists go on from it.
CREATE TABLE target (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  organisation_id INTEGER NOT NULL REFERENCES organisation,
  project_id      INTEGER NOT NULL REFERENCES project,
  name            TEXT NOT NULL,
  kind            TEXT NOT NULL,
  target          TEXT NOT NULL,
  enabled         INTEGER NOT NULL,
  template        TEXT,
  note            TEXT,
  actor           TEXT NOT NULL,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  UNIQUE (project_id, name)
) STRICT;
-- Whatever the index, rows of it come in the order of their numbers.
CREATE INDEX target_by_project ON target (project_id);
CREATE INDEX target_by_kind ON target (kind);
CREATE INDEX target_disabled ON target (id) WHERE enabled = 0;

CREATE TABLE target_tag (
  tag       TEXT NOT NULL,
  target_id INTEGER NOT NULL REFERENCES target ON DELETE CASCADE,
  PRIMARY KEY (tag, target_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX target_tag_by_target ON target_tag (target_id);
