-- What was told of an attempt that its engine has taken and not begun: one that takes over does not tell it again.
ALTER TABLE attempt ADD COLUMN waits TEXT;
