-- A certificate that is fetched by ACME, with the account that fetches it; every node serves it. `names` are words between spaces.
CREATE TABLE acme_certificate (
    id INTEGER PRIMARY KEY,
    names TEXT NOT NULL,
    directory_url TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    sealed_account BLOB,
    sealed_certificate BLOB,
    obtained_at INTEGER,
    next_try_at INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    UNIQUE (names, directory_url)
) STRICT;
-- What an authority asks for to see whose names they are; whichever node it asks.
CREATE TABLE acme_challenge (
    token TEXT NOT NULL,
    name TEXT NOT NULL,
    key_authorization TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (token)
) STRICT;
CREATE INDEX acme_challenge_name ON acme_challenge (name);
