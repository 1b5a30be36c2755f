-- The identity provider of a tenant. `roles` is JSON: values of the claim and the roles that they give.
CREATE TABLE single_sign_on (
    tenant_id BIGINT PRIMARY KEY REFERENCES tenant (id),
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    sealed_secret BYTEA,
    role_claim TEXT NOT NULL,
    roles TEXT NOT NULL,
    only_way BIGINT NOT NULL,
    break_glass_user BIGINT,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
-- A hash of the issuer and of what it calls the person.
ALTER TABLE user_account ADD COLUMN subject_hash BYTEA;
CREATE UNIQUE INDEX user_account_subject ON user_account (tenant_id, subject_hash);
-- To whom an invitation is addressed, for a first single sign-on.
ALTER TABLE invitation ADD COLUMN email TEXT NOT NULL DEFAULT '';
-- 1 when an identity provider opened the session: it has checked what the organisation asks for.
ALTER TABLE web_session ADD COLUMN by_provider BIGINT NOT NULL DEFAULT 0;
