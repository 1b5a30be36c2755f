ALTER TABLE import ADD COLUMN reuse_mapping BIGINT NOT NULL DEFAULT 0;
ALTER TABLE import ADD COLUMN confirmed_header BYTEA;
CREATE INDEX import_confirmed ON import (tenant_id, confirmed_header, id) WHERE confirmed_header IS NOT NULL;
CREATE TABLE sftp_account (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    username TEXT NOT NULL UNIQUE,
    list_id BIGINT,
    reuse_mapping BIGINT NOT NULL,
    rename_only BIGINT NOT NULL,
    networks TEXT NOT NULL,
    waiting_bytes_max BIGINT NOT NULL,
    day_files_max BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    password_hash TEXT NOT NULL,
    failures BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    used_at BIGINT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX sftp_account_tenant ON sftp_account (tenant_id, id);
CREATE TABLE sftp_key (
    account_id BIGINT NOT NULL REFERENCES sftp_account (id),
    fingerprint TEXT NOT NULL,
    public_key TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, fingerprint)
);
CREATE TABLE sftp_file (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    account_id BIGINT NOT NULL REFERENCES sftp_account (id),
    import_id BIGINT NOT NULL REFERENCES import (id),
    name TEXT NOT NULL,
    held BIGINT NOT NULL,
    closed_at BIGINT,
    filed_as TEXT,
    file_removed BIGINT NOT NULL,
    result_removed BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX sftp_file_account ON sftp_file (account_id, id);
CREATE INDEX sftp_file_import ON sftp_file (import_id);
CREATE INDEX sftp_file_open ON sftp_file (closed_at) WHERE filed_as IS NULL;
CREATE UNIQUE INDEX sftp_file_under_way ON sftp_file (account_id, name) WHERE filed_as IS NULL;
CREATE UNIQUE INDEX sftp_file_filed ON sftp_file (account_id, filed_as) WHERE filed_as IS NOT NULL;
CREATE TABLE file_key (
    tenant_id BIGINT PRIMARY KEY REFERENCES tenant (id),
    recipient TEXT NOT NULL,
    sealed_identity BYTEA NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
