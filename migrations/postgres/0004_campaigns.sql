CREATE TABLE template (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);
CREATE TABLE campaign (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    underlying_purpose TEXT NOT NULL,
    not_marketing_reason TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    assessment_reference TEXT NOT NULL,
    state TEXT NOT NULL,
    list_id BIGINT,
    filter_id BIGINT,
    body TEXT NOT NULL,
    sender TEXT NOT NULL,
    schedule TEXT NOT NULL,
    retry TEXT NOT NULL,
    rate_per_second BIGINT NOT NULL,
    starts_at BIGINT,
    audience_size BIGINT NOT NULL,
    next_position BIGINT NOT NULL,
    state_reason TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_by TEXT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);
CREATE INDEX campaign_tenant ON campaign (tenant_id, id);
CREATE INDEX campaign_working ON campaign (id) WHERE state IN ('scheduled', 'starting', 'running');
CREATE TABLE recipient (
    campaign_id BIGINT NOT NULL REFERENCES campaign (id),
    position BIGINT NOT NULL,
    contact_id BIGINT NOT NULL,
    address_id BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, position)
);
CREATE INDEX recipient_contact ON recipient (contact_id);
CREATE TABLE due (
    campaign_id BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    position BIGINT NOT NULL,
    try_number BIGINT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (campaign_id, due_at, position)
);
CREATE TABLE dry_run (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL REFERENCES campaign (id),
    state TEXT NOT NULL,
    result TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    done_at BIGINT
);
CREATE INDEX dry_run_campaign ON dry_run (campaign_id, id);
CREATE INDEX dry_run_waiting ON dry_run (id) WHERE state = 'asked';
