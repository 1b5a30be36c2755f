-- A name for short links that stops answering is looked at again until it has failed for too long: when next, and since when it fails.
ALTER TABLE link_domain ADD COLUMN check_at BIGINT;
ALTER TABLE link_domain ADD COLUMN failing_since BIGINT;
