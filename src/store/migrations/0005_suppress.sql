-- A record may be muted by more than its own report: a rule, a comment, a VEX document; and only for a time.
ALTER TABLE muted_record ADD COLUMN origin TEXT NOT NULL DEFAULT 'report';
ALTER TABLE muted_record ADD COLUMN until INTEGER;
