-- How far the delivery of what goes in several parts has come, in the words of whoever delivers it; none before its first part was taken.
ALTER TABLE notification ADD COLUMN progress TEXT;
