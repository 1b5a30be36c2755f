-- A certificate that is fetched by ACME, with the account that fetches it; every node serves it. `names` are words between spaces.
CREATE TABLE acme_certificate (
    id BIGINT PRIMARY KEY,
    names TEXT NOT NULL,
    directory_url TEXT NOT NULL,
    wrapped_key BYTEA NOT NULL,
    sealed_account BYTEA,
    sealed_certificate BYTEA,
    obtained_at BIGINT,
    next_try_at BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    UNIQUE (names, directory_url)
);
-- What an authority asks for to see whose names they are; whichever node it asks.
CREATE TABLE acme_challenge (
    token TEXT NOT NULL,
    name TEXT NOT NULL,
    key_authorization TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (token)
);
CREATE INDEX acme_challenge_name ON acme_challenge (name);
