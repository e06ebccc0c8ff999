-- How far the delivery of what goes in several parts has come, in the words of whoever delivers it; none before its first part was taken.
ALTER TABLE notification ADD COLUMN progress TEXT;
-- With all that is asked of it: how much waits is counted without a look at what waits.
DROP INDEX notification_pending;
CREATE INDEX notification_pending ON notification (route, id, delivered_at, dead_at) WHERE delivered_at IS NULL AND dead_at IS NULL;
