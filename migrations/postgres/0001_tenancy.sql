CREATE TABLE tenant (
    id BIGINT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    number_mode TEXT NOT NULL,
    default_region TEXT NOT NULL,
    zone TEXT NOT NULL,
    help_text TEXT NOT NULL,
    limits TEXT NOT NULL,
    wrapped_index_key BYTEA NOT NULL,
    wrapped_data_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE user_account (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    username TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    failures BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    deactivated_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX user_account_tenant ON user_account (tenant_id);
CREATE TABLE web_session (
    token_hash BYTEA PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES user_account (id),
    tenant_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX web_session_user ON web_session (user_id);
CREATE TABLE api_key (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_key_tenant ON api_key (tenant_id);
CREATE TABLE idempotency_key (
    tenant_id BIGINT NOT NULL,
    key_hash BYTEA NOT NULL,
    request_hash BYTEA NOT NULL,
    status BIGINT NOT NULL,
    sealed_answer BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key_hash)
);
CREATE TABLE node (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    node_id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
