CREATE TABLE tenant (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    number_mode TEXT NOT NULL,
    default_region TEXT NOT NULL,
    zone TEXT NOT NULL,
    help_text TEXT NOT NULL,
    limits TEXT NOT NULL,
    wrapped_index_key BLOB NOT NULL,
    wrapped_data_key BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE user_account (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    username TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    deactivated_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX user_account_tenant ON user_account (tenant_id);
CREATE TABLE web_session (
    token_hash BLOB PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES user_account (id),
    tenant_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX web_session_user ON web_session (user_id);
CREATE TABLE api_key (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX api_key_tenant ON api_key (tenant_id);
CREATE TABLE idempotency_key (
    tenant_id INTEGER NOT NULL,
    key_hash BLOB NOT NULL,
    request_hash BLOB NOT NULL,
    status INTEGER NOT NULL,
    sealed_answer BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key_hash)
) STRICT;
CREATE TABLE node (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    node_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
