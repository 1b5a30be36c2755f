-- Where a tenant wants events told to. `events` are words between spaces, one at each end.
CREATE TABLE webhook (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    sealed_old_secret BYTEA,
    old_secret_until BIGINT,
    enabled BIGINT NOT NULL,
    disabled_why TEXT NOT NULL,
    failures BIGINT NOT NULL,
    failing_since BIGINT,
    next_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_tenant ON webhook (tenant_id);
-- What happened, as it is told; only what some endpoint asked for.
CREATE TABLE webhook_event (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_event_tenant ON webhook_event (tenant_id, id);
CREATE TABLE webhook_delivery (
    webhook_id BIGINT NOT NULL,
    event_id BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    due_since BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    last_at BIGINT,
    last_status BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    PRIMARY KEY (webhook_id, event_id)
);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook_id, next_at, event_id) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_event ON webhook_delivery (event_id);
CREATE TABLE webhook_try (
    id BIGINT PRIMARY KEY,
    webhook_id BIGINT NOT NULL,
    event_id BIGINT NOT NULL,
    tried_at BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    status BIGINT NOT NULL,
    error TEXT NOT NULL
);
CREATE INDEX webhook_try_delivery ON webhook_try (webhook_id, event_id);
CREATE INDEX webhook_try_event ON webhook_try (event_id);
