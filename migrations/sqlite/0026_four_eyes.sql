-- A key acts for whoever made it; NULL for one that the operator made for the organisation.
ALTER TABLE api_key ADD COLUMN user_id INTEGER;
CREATE INDEX api_key_user ON api_key (user_id);
-- JSON; empty while no act asks for a second person.
ALTER TABLE tenant ADD COLUMN four_eyes TEXT NOT NULL DEFAULT '';
-- An act that waits for a second person, with what exactly was asked. `asked_user` is the person behind `asked_by`.
CREATE TABLE approval (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    act TEXT NOT NULL,
    object_id INTEGER NOT NULL,
    terms TEXT NOT NULL,
    shown TEXT NOT NULL,
    size INTEGER NOT NULL,
    version BLOB NOT NULL,
    state TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_user INTEGER,
    asked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at INTEGER,
    why TEXT NOT NULL
) STRICT;
CREATE INDEX approval_tenant ON approval (tenant_id, state, id);
