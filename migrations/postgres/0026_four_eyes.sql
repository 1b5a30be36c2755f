-- A key acts for whoever made it; NULL for one that the operator made for the organisation.
ALTER TABLE api_key ADD COLUMN user_id BIGINT;
CREATE INDEX api_key_user ON api_key (user_id);
-- JSON; empty while no act asks for a second person.
ALTER TABLE tenant ADD COLUMN four_eyes TEXT NOT NULL DEFAULT '';
-- An act that waits for a second person, with what exactly was asked. `asked_user` is the person behind `asked_by`.
CREATE TABLE approval (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    act TEXT NOT NULL,
    object_id BIGINT NOT NULL,
    terms TEXT NOT NULL,
    shown TEXT NOT NULL,
    size BIGINT NOT NULL,
    version BYTEA NOT NULL,
    state TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_user BIGINT,
    asked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at BIGINT,
    why TEXT NOT NULL
);
CREATE INDEX approval_tenant ON approval (tenant_id, state, id);
