ALTER TABLE campaign ADD COLUMN script TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN call_settings TEXT NOT NULL DEFAULT '';
CREATE TABLE script (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);
CREATE TABLE prompt (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    audio BYTEA NOT NULL,
    duration_ms BIGINT NOT NULL,
    content_hash BYTEA NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);
CREATE TABLE rendered_speech (
    tenant_id BIGINT NOT NULL,
    content_hash BYTEA NOT NULL,
    audio BYTEA NOT NULL,
    rendered_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, content_hash)
);
CREATE TABLE transfer_target (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    group_name TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    hours TEXT NOT NULL,
    capacity BIGINT NOT NULL,
    told_free BIGINT,
    told_at BIGINT,
    priority BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);
CREATE TABLE call (
    attempt_id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    contact_id BIGINT NOT NULL,
    node_id BIGINT NOT NULL,
    trunk_id BIGINT NOT NULL,
    target_id BIGINT,
    state TEXT NOT NULL,
    state_at BIGINT NOT NULL,
    step TEXT NOT NULL,
    dialled_at BIGINT NOT NULL,
    ringing_at BIGINT,
    answered_at BIGINT,
    speech_at BIGINT,
    message_at BIGINT,
    information_at BIGINT,
    bridged_at BIGINT,
    ended_at BIGINT,
    ended_by TEXT NOT NULL,
    verdict TEXT NOT NULL,
    features TEXT NOT NULL,
    abandoned BIGINT NOT NULL
);
CREATE INDEX call_live ON call (campaign_id) WHERE ended_at IS NULL;
CREATE INDEX call_contact ON call (contact_id);
CREATE TABLE call_mark (
    tenant_id BIGINT NOT NULL,
    number_index BYTEA NOT NULL,
    abandoned_at BIGINT,
    machine_at BIGINT,
    PRIMARY KEY (tenant_id, number_index)
);
CREATE TABLE abandonment (
    campaign_id BIGINT NOT NULL,
    day TEXT NOT NULL,
    tenant_id BIGINT NOT NULL,
    abandoned BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    machine_ended BIGINT NOT NULL,
    answered BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, day)
);
