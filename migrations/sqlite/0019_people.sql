-- Sessions of before have neither number nor browser: everybody signs in anew.
DELETE FROM web_session;
ALTER TABLE web_session ADD COLUMN id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE web_session ADD COLUMN browser TEXT NOT NULL DEFAULT '';
ALTER TABLE web_session ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE tenant ADD COLUMN needs_second_factor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE user_account ADD COLUMN sealed_totp BLOB;
ALTER TABLE user_account ADD COLUMN totp_since INTEGER;
ALTER TABLE user_account ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;
CREATE TABLE recovery_code (
    user_id INTEGER NOT NULL REFERENCES user_account (id),
    tenant_id INTEGER NOT NULL,
    code_hash BLOB NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (user_id, code_hash)
) STRICT;
CREATE TABLE half_sign_in (
    token_hash BLOB PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES user_account (id),
    tenant_id INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE invitation (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    token_hash BLOB NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    accepted_at INTEGER,
    revoked_at INTEGER,
    user_id INTEGER
) STRICT;
CREATE INDEX invitation_tenant ON invitation (tenant_id);
