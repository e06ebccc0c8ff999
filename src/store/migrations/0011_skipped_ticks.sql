-- Ticks that came to nothing, in the order in which that was decided: one may have waited, or been tried, while later ones were decided. What
-- people are told of skips is read from here.
CREATE TABLE skipped_tick (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  tick_id INTEGER NOT NULL UNIQUE REFERENCES tick ON DELETE CASCADE
) STRICT;
CREATE TRIGGER tick_skipped_at_once AFTER INSERT ON tick WHEN NEW.outcome = 'skipped'
BEGIN
  INSERT INTO skipped_tick (tick_id) VALUES (NEW.id);
END;
CREATE TRIGGER tick_skipped_later AFTER UPDATE OF outcome ON tick WHEN NEW.outcome = 'skipped' AND OLD.outcome <> 'skipped'
BEGIN
  INSERT OR IGNORE INTO skipped_tick (tick_id) VALUES (NEW.id);
END;
