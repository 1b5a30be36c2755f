ALTER TABLE abandonment ADD COLUMN latched_at BIGINT;
