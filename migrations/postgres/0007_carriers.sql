CREATE TABLE trunk (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    sealed_secret BYTEA,
    rate_per_second BIGINT NOT NULL,
    cost_per_segment BIGINT NOT NULL,
    currency TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE trunk_status (
    trunk_id BIGINT NOT NULL,
    node_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    rate_now BIGINT NOT NULL,
    outstanding BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    throttled BIGINT NOT NULL,
    since BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (trunk_id, node_id)
);
CREATE TABLE route (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT,
    prefix TEXT NOT NULL,
    sender TEXT NOT NULL,
    trunk_id BIGINT NOT NULL REFERENCES trunk (id),
    priority BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE sender (
    tenant_id BIGINT NOT NULL,
    value TEXT NOT NULL,
    kind TEXT NOT NULL,
    takes_replies BIGINT NOT NULL,
    evidence TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, value)
);
CREATE INDEX sender_value ON sender (value);
