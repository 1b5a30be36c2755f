-- Where a tenant wants events told to. `events` are words between spaces, one at each end.
CREATE TABLE webhook (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    sealed_secret BLOB NOT NULL,
    sealed_old_secret BLOB,
    old_secret_until INTEGER,
    enabled INTEGER NOT NULL,
    disabled_why TEXT NOT NULL,
    failures INTEGER NOT NULL,
    failing_since INTEGER,
    next_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_tenant ON webhook (tenant_id);
-- What happened, as it is told; only what some endpoint asked for.
CREATE TABLE webhook_event (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_event_tenant ON webhook_event (tenant_id, id);
CREATE TABLE webhook_delivery (
    webhook_id INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    due_since INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    last_at INTEGER,
    last_status INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    PRIMARY KEY (webhook_id, event_id)
) STRICT;
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook_id, next_at, event_id) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_event ON webhook_delivery (event_id);
CREATE TABLE webhook_try (
    id INTEGER PRIMARY KEY,
    webhook_id INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    tried_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER NOT NULL,
    error TEXT NOT NULL
) STRICT;
CREATE INDEX webhook_try_delivery ON webhook_try (webhook_id, event_id);
CREATE INDEX webhook_try_event ON webhook_try (event_id);
