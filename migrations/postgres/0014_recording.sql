ALTER TABLE campaign ADD COLUMN recording TEXT NOT NULL DEFAULT '';
CREATE TABLE recording (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL,
    attempt_id BIGINT NOT NULL,
    contact_id BIGINT NOT NULL,
    node_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    step TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    marks TEXT NOT NULL,
    is_paused BIGINT NOT NULL,
    pause_wanted BIGINT NOT NULL,
    keep_until BIGINT NOT NULL
);
CREATE INDEX recording_contact ON recording (contact_id);
CREATE INDEX recording_attempt ON recording (attempt_id);
CREATE INDEX recording_campaign ON recording (campaign_id, id);
CREATE INDEX recording_tenant ON recording (tenant_id, kind, id);
CREATE INDEX recording_open ON recording (node_id) WHERE ended_at IS NULL;
CREATE TABLE recording_chunk (
    recording_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (recording_id, position)
);
CREATE TABLE call_label (
    attempt_id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL,
    label TEXT NOT NULL,
    judged TEXT NOT NULL,
    detector TEXT NOT NULL,
    answered_at BIGINT NOT NULL,
    labelled_by TEXT NOT NULL,
    labelled_at BIGINT NOT NULL
);
CREATE INDEX call_label_tenant ON call_label (tenant_id, detector, answered_at);
