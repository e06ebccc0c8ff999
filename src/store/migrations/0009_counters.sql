-- Where the daemon answers over HTTP.
ALTER TABLE daemon ADD COLUMN address TEXT;
-- Written to find out whether it can be.
ALTER TABLE daemon ADD COLUMN probes INTEGER NOT NULL DEFAULT 0;

-- What has happened in this state since it was made: whichever process did it, and although scans are deleted later. Counted by
-- triggers, in the transaction of what they count. It is about the state as a whole: no project sees another's work in it.
CREATE TABLE counter (
  name  TEXT NOT NULL,
  label TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (name, label)
) STRICT, WITHOUT ROWID;
INSERT INTO counter
  SELECT 'scans', label, (SELECT count(*) FROM scan WHERE state = label)
    FROM (SELECT 'completed' AS label UNION ALL SELECT 'failed' UNION ALL SELECT 'cancelled')
  UNION ALL
  -- Findings are counted once, when they are new; labels are ranks of severity.
  SELECT 'findings', label, (SELECT coalesce(sum(json_extract(standings, '$.new[' || label || ']')), 0) FROM comparison)
    FROM (SELECT '0' AS label UNION ALL SELECT '1' UNION ALL SELECT '2' UNION ALL SELECT '3' UNION ALL SELECT '4' UNION ALL SELECT '5')
  UNION ALL SELECT 'retries', '', (SELECT count(*) FROM attempt WHERE number > 1)
  UNION ALL SELECT 'lost', '', (SELECT count(*) FROM attempt WHERE state = 'lost')
  UNION ALL SELECT 'takeovers', '', 0
  UNION ALL SELECT 'scan_ms', '', (SELECT coalesce(sum(max(finished_at - started_at, 0)), 0) FROM scan);

-- How long scans took, from their first job to their end: how many took longer than the row before and not longer than this one.
CREATE TABLE scan_duration (
  most_ms INTEGER PRIMARY KEY,
  scans   INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO scan_duration (most_ms) VALUES (1000), (5000), (15000), (30000), (60000), (120000), (300000), (600000), (1800000),
  (3600000), (7200000), (21600000), (86400000), (9223372036854775807);
UPDATE scan_duration SET scans = (
  SELECT count(*) FROM scan WHERE finished_at IS NOT NULL AND started_at IS NOT NULL
    AND (SELECT min(most_ms) FROM scan_duration WHERE most_ms >= finished_at - started_at) = scan_duration.most_ms);

CREATE TRIGGER scan_ends AFTER UPDATE OF state ON scan
WHEN new.state IN ('completed', 'failed', 'cancelled') AND old.state NOT IN ('completed', 'failed', 'cancelled')
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'scans' AND label = new.state;
  UPDATE counter SET value = value + max(new.finished_at - new.started_at, 0)
    WHERE name = 'scan_ms' AND new.finished_at IS NOT NULL AND new.started_at IS NOT NULL;
  -- Nothing, where one of the two is not known: a comparison with NULL is never true.
  UPDATE scan_duration SET scans = scans + 1
    WHERE most_ms = (SELECT min(most_ms) FROM scan_duration WHERE most_ms >= new.finished_at - new.started_at);
  UPDATE counter SET value = value
      + (SELECT coalesce(sum(json_extract(standings, '$.new[' || label || ']')), 0) FROM comparison WHERE scan_id = new.id)
    WHERE name = 'findings' AND EXISTS (SELECT 1 FROM comparison WHERE scan_id = new.id);
END;

-- An owner that was not given back before is one that died or stood still.
CREATE TRIGGER scan_is_taken_over AFTER UPDATE OF fence ON scan
WHEN old.owner IS NOT NULL AND new.owner IS NOT NULL AND new.fence > old.fence
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'takeovers';
END;

CREATE TRIGGER job_is_tried_again AFTER INSERT ON attempt WHEN new.number > 1
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'retries';
END;

CREATE TRIGGER attempt_is_lost AFTER UPDATE OF state ON attempt WHEN new.state = 'lost' AND old.state <> 'lost'
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'lost';
END;
