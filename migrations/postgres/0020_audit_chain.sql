-- Events of before get their numbers and hashes in this migration's transaction, in the order of their ids.
ALTER TABLE audit_event ADD COLUMN chain TEXT NOT NULL DEFAULT 'acts';
ALTER TABLE audit_event ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit_event ADD COLUMN hash BYTEA;
UPDATE audit_event SET chain = 'sign_ins' WHERE act IN ('signed_in', 'sign_in_refused', 'signed_out');
CREATE UNIQUE INDEX audit_event_chain ON audit_event (tenant_id, chain, number) WHERE number > 0;
CREATE TABLE audit_head (
    tenant_id BIGINT NOT NULL,
    chain TEXT NOT NULL,
    number BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, chain)
);
CREATE TABLE audit_anchor (
    tenant_id BIGINT NOT NULL,
    chain TEXT NOT NULL,
    kind TEXT NOT NULL,
    number BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    key_number BIGINT NOT NULL,
    signature BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, chain, kind, number)
);
CREATE TABLE audit_key (
    number BIGINT PRIMARY KEY,
    public_key BYTEA NOT NULL,
    certified_by BIGINT NOT NULL,
    signature BYTEA NOT NULL
);
CREATE TABLE audit_check (
    tenant_id BIGINT PRIMARY KEY,
    checked_at BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    fault TEXT NOT NULL
);
