-- Events of before get their numbers and hashes in this migration's transaction, in the order of their ids.
ALTER TABLE audit_event ADD COLUMN chain TEXT NOT NULL DEFAULT 'acts';
ALTER TABLE audit_event ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit_event ADD COLUMN hash BLOB;
UPDATE audit_event SET chain = 'sign_ins' WHERE act IN ('signed_in', 'sign_in_refused', 'signed_out');
CREATE UNIQUE INDEX audit_event_chain ON audit_event (tenant_id, chain, number) WHERE number > 0;
CREATE TABLE audit_head (
    tenant_id INTEGER NOT NULL,
    chain TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (tenant_id, chain)
) STRICT;
CREATE TABLE audit_anchor (
    tenant_id INTEGER NOT NULL,
    chain TEXT NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    key_number INTEGER NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (tenant_id, chain, kind, number)
) STRICT;
CREATE TABLE audit_key (
    number INTEGER PRIMARY KEY,
    public_key BLOB NOT NULL,
    certified_by INTEGER NOT NULL,
    signature BLOB NOT NULL
) STRICT;
CREATE TABLE audit_check (
    tenant_id INTEGER PRIMARY KEY,
    checked_at INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    fault TEXT NOT NULL
) STRICT;
