-- Where each finding of an attempt is among its records, in the order of fingerprints: two scans are compared by walking along
-- both. It takes the place of a row for each finding that was ever seen.
CREATE TABLE appearance (
  attempt_id  INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
  version     INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  occurrence  INTEGER NOT NULL,
  severity    INTEGER NOT NULL,
  ordinal     INTEGER NOT NULL,
  PRIMARY KEY (attempt_id, version, fingerprint, occurrence)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO appearance
  SELECT attempt_id, version, fingerprint, occurrence, severity, ordinal FROM record
  WHERE attempt_id IN (SELECT winning_attempt FROM job) ORDER BY 1, 2, 3, 4;
DROP TABLE finding;

-- How what one scanner brought in one scan stands to what was known on its line of the target. The reference is the scan that it
-- was compared with; without one everything is new.
CREATE TABLE comparison (
  scan_id    INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
  subject_id INTEGER NOT NULL REFERENCES subject,
  line       TEXT NOT NULL,
  reference  INTEGER,
  standings  TEXT NOT NULL,
  PRIMARY KEY (scan_id, subject_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX comparison_by_line ON comparison (subject_id, line, scan_id);

-- What differs from the reference; a finding without a row here exists on. The place is that of the record: of this scan for what
-- is new, reopened or drifted, of the scan that saw it last for what is fixed or not observed.
CREATE TABLE difference (
  scan_id     INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
  subject_id  INTEGER NOT NULL REFERENCES subject,
  version     INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  occurrence  INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  reason      TEXT,
  attempt_id  INTEGER NOT NULL,
  severity    INTEGER NOT NULL,
  ordinal     INTEGER NOT NULL,
  PRIMARY KEY (scan_id, subject_id, version, fingerprint, occurrence)
) STRICT, WITHOUT ROWID;
CREATE INDEX difference_by_finding ON difference (subject_id, version, fingerprint, occurrence, scan_id);

-- Fingerprints under which a finding is known since it drifted: the one that it had first is its name.
CREATE TABLE alias (
  subject_id       INTEGER NOT NULL REFERENCES subject,
  version          INTEGER NOT NULL,
  fingerprint      BLOB NOT NULL,
  occurrence       INTEGER NOT NULL,
  root_fingerprint BLOB NOT NULL,
  root_occurrence  INTEGER NOT NULL,
  PRIMARY KEY (subject_id, version, fingerprint, occurrence)
) STRICT, WITHOUT ROWID;

-- Scans of before this table was are what the next ones are compared with.
INSERT INTO comparison
  SELECT max(scan.id), subject.id, coalesce(scan.line, ''), NULL, '{"new":[0,0,0,0,0,0],"existing":[0,0,0,0,0,0],"reopened":[0,0,0,0,0,0],"fixed":[0,0,0,0,0,0],"first":true}'
  FROM scan JOIN job ON job.scan_id = scan.id AND job.winning_attempt IS NOT NULL
    JOIN step ON step.scan_id = scan.id AND step.ordinal = job.step JOIN spec ON spec.id = step.spec_id
    JOIN subject ON subject.project_id = scan.project_id AND subject.target_key = scan.target_key
      AND subject.scanner = json_extract(spec.body, '$.scanner')
  GROUP BY subject.id, coalesce(scan.line, '');

-- Records that their report itself says do not count.
CREATE TABLE muted_record (
  attempt_id  INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
  version     INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  occurrence  INTEGER NOT NULL,
  severity    INTEGER NOT NULL,
  PRIMARY KEY (attempt_id, version, fingerprint, occurrence)
) STRICT, WITHOUT ROWID;

-- What people decided of findings, by the names that these had first; the last row of a finding counts, without a decision it is
-- open again.
CREATE TABLE triage (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  subject_id  INTEGER NOT NULL REFERENCES subject,
  version     INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  occurrence  INTEGER NOT NULL,
  decision    TEXT,
  reason      TEXT,
  author      TEXT NOT NULL,
  at          INTEGER NOT NULL,
  until       INTEGER
) STRICT;
CREATE INDEX triage_by_finding ON triage (subject_id, version, fingerprint, occurrence, id);
