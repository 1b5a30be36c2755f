CREATE TABLE template (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;
CREATE TABLE campaign (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    underlying_purpose TEXT NOT NULL,
    not_marketing_reason TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    assessment_reference TEXT NOT NULL,
    state TEXT NOT NULL,
    list_id INTEGER,
    filter_id INTEGER,
    body TEXT NOT NULL,
    sender TEXT NOT NULL,
    schedule TEXT NOT NULL,
    retry TEXT NOT NULL,
    rate_per_second INTEGER NOT NULL,
    starts_at INTEGER,
    audience_size INTEGER NOT NULL,
    next_position INTEGER NOT NULL,
    state_reason TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_by TEXT NOT NULL,
    started_at INTEGER,
    finished_at INTEGER
) STRICT;
CREATE INDEX campaign_tenant ON campaign (tenant_id, id);
CREATE INDEX campaign_working ON campaign (id) WHERE state IN ('scheduled', 'starting', 'running');
CREATE TABLE recipient (
    campaign_id INTEGER NOT NULL REFERENCES campaign (id),
    position INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    address_id INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_contact ON recipient (contact_id);
CREATE TABLE due (
    campaign_id INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (campaign_id, due_at, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE dry_run (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL REFERENCES campaign (id),
    state TEXT NOT NULL,
    result TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    done_at INTEGER
) STRICT;
CREATE INDEX dry_run_campaign ON dry_run (campaign_id, id);
CREATE INDEX dry_run_waiting ON dry_run (id) WHERE state = 'asked';
