-- Sessions of before have neither number nor browser: everybody signs in anew.
DELETE FROM web_session;
ALTER TABLE web_session ADD COLUMN id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE web_session ADD COLUMN browser TEXT NOT NULL DEFAULT '';
ALTER TABLE web_session ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE tenant ADD COLUMN needs_second_factor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE user_account ADD COLUMN sealed_totp BYTEA;
ALTER TABLE user_account ADD COLUMN totp_since BIGINT;
ALTER TABLE user_account ADD COLUMN totp_step BIGINT NOT NULL DEFAULT 0;
CREATE TABLE recovery_code (
    user_id BIGINT NOT NULL REFERENCES user_account (id),
    tenant_id BIGINT NOT NULL,
    code_hash BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, code_hash)
);
CREATE TABLE half_sign_in (
    token_hash BYTEA PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES user_account (id),
    tenant_id BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE invitation (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    token_hash BYTEA NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    accepted_at BIGINT,
    revoked_at BIGINT,
    user_id BIGINT
);
CREATE INDEX invitation_tenant ON invitation (tenant_id);
