-- Who is asking the authority, and since when it was last asked: a node's dead claim is its own to take up again.
ALTER TABLE acme_certificate ADD COLUMN claimed_by BIGINT;
ALTER TABLE acme_certificate ADD COLUMN tried_at BIGINT;
