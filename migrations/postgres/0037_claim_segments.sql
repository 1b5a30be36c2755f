-- What each item of a claim of messages counts, a byte each: the cost of what a crash leaves behind. Nothing in those of before.
ALTER TABLE claim ADD COLUMN segments BYTEA;
