CREATE TABLE suppression (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    number_index BYTEA NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    sealed_number BYTEA,
    source TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, number_index, scope, reason)
);
CREATE INDEX suppression_tenant ON suppression (tenant_id, id);
CREATE TABLE hold (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    contact_id BIGINT NOT NULL,
    reason TEXT NOT NULL,
    note_reference TEXT NOT NULL,
    until_at BIGINT,
    lifted_at BIGINT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX hold_contact ON hold (contact_id);
CREATE INDEX hold_tenant ON hold (tenant_id, id);
CREATE TABLE consent (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    contact_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    expires_at BIGINT,
    withdrawn_at BIGINT,
    evidence TEXT NOT NULL,
    wording_version TEXT NOT NULL,
    obtained_in TEXT NOT NULL,
    refusal_offered BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX consent_contact ON consent (contact_id);
CREATE INDEX consent_tenant ON consent (tenant_id, id);
CREATE TABLE preference (
    contact_id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    windows TEXT NOT NULL,
    no_sms BIGINT NOT NULL,
    no_voice BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE decision (
    campaign_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    kind TEXT NOT NULL,
    rules TEXT NOT NULL,
    rule_pack TEXT NOT NULL,
    until_at BIGINT,
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, position)
);
CREATE TABLE decision_count (
    campaign_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    rules TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, kind, rules)
);
