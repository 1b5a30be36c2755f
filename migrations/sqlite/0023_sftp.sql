ALTER TABLE import ADD COLUMN reuse_mapping INTEGER NOT NULL DEFAULT 0;
ALTER TABLE import ADD COLUMN confirmed_header BLOB;
CREATE INDEX import_confirmed ON import (tenant_id, confirmed_header, id) WHERE confirmed_header IS NOT NULL;
CREATE TABLE sftp_account (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    username TEXT NOT NULL UNIQUE,
    list_id INTEGER,
    reuse_mapping INTEGER NOT NULL,
    rename_only INTEGER NOT NULL,
    networks TEXT NOT NULL,
    waiting_bytes_max INTEGER NOT NULL,
    day_files_max INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    password_hash TEXT NOT NULL,
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    used_at INTEGER,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sftp_account_tenant ON sftp_account (tenant_id, id);
CREATE TABLE sftp_key (
    account_id INTEGER NOT NULL REFERENCES sftp_account (id),
    fingerprint TEXT NOT NULL,
    public_key TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, fingerprint)
) STRICT;
CREATE TABLE sftp_file (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    account_id INTEGER NOT NULL REFERENCES sftp_account (id),
    import_id INTEGER NOT NULL REFERENCES import (id),
    name TEXT NOT NULL,
    held INTEGER NOT NULL,
    closed_at INTEGER,
    filed_as TEXT,
    file_removed INTEGER NOT NULL,
    result_removed INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sftp_file_account ON sftp_file (account_id, id);
CREATE INDEX sftp_file_import ON sftp_file (import_id);
CREATE INDEX sftp_file_open ON sftp_file (closed_at) WHERE filed_as IS NULL;
CREATE UNIQUE INDEX sftp_file_under_way ON sftp_file (account_id, name) WHERE filed_as IS NULL;
CREATE UNIQUE INDEX sftp_file_filed ON sftp_file (account_id, filed_as) WHERE filed_as IS NOT NULL;
CREATE TABLE file_key (
    tenant_id INTEGER PRIMARY KEY REFERENCES tenant (id),
    recipient TEXT NOT NULL,
    sealed_identity BLOB NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
