CREATE TABLE trunk (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    sealed_secret BLOB,
    rate_per_second INTEGER NOT NULL,
    cost_per_segment INTEGER NOT NULL,
    currency TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE trunk_status (
    trunk_id INTEGER NOT NULL,
    node_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    rate_now INTEGER NOT NULL,
    outstanding INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    throttled INTEGER NOT NULL,
    since INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (trunk_id, node_id)
) STRICT;
CREATE TABLE route (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER,
    prefix TEXT NOT NULL,
    sender TEXT NOT NULL,
    trunk_id INTEGER NOT NULL REFERENCES trunk (id),
    priority INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE sender (
    tenant_id INTEGER NOT NULL,
    value TEXT NOT NULL,
    kind TEXT NOT NULL,
    takes_replies INTEGER NOT NULL,
    evidence TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, value)
) STRICT;
CREATE INDEX sender_value ON sender (value);
