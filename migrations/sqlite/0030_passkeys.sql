-- A key pair of a user's device; the public half, as the device wrote it (COSE).
CREATE TABLE passkey (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES user_account (id),
    credential_id BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    origin TEXT NOT NULL,
    counter INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX passkey_user ON passkey (user_id);
-- What a device is to sign, good once. `user_id` is who registers one; NULL for a sign-in.
CREATE TABLE passkey_challenge (
    challenge_hash BLOB PRIMARY KEY,
    user_id INTEGER,
    expires_at INTEGER NOT NULL
) STRICT;
