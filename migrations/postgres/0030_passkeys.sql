-- A key pair of a user's device; the public half, as the device wrote it (COSE).
CREATE TABLE passkey (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES user_account (id),
    credential_id BYTEA NOT NULL UNIQUE,
    public_key BYTEA NOT NULL,
    origin TEXT NOT NULL,
    counter BIGINT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX passkey_user ON passkey (user_id);
-- What a device is to sign, good once. `user_id` is who registers one; NULL for a sign-in.
CREATE TABLE passkey_challenge (
    challenge_hash BYTEA PRIMARY KEY,
    user_id BIGINT,
    expires_at BIGINT NOT NULL
);
