ALTER TABLE campaign ADD COLUMN recording TEXT NOT NULL DEFAULT '';
CREATE TABLE recording (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    attempt_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    node_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    step TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    marks TEXT NOT NULL,
    is_paused INTEGER NOT NULL,
    pause_wanted INTEGER NOT NULL,
    keep_until INTEGER NOT NULL
) STRICT;
CREATE INDEX recording_contact ON recording (contact_id);
CREATE INDEX recording_attempt ON recording (attempt_id);
CREATE INDEX recording_campaign ON recording (campaign_id, id);
CREATE INDEX recording_tenant ON recording (tenant_id, kind, id);
CREATE INDEX recording_open ON recording (node_id) WHERE ended_at IS NULL;
CREATE TABLE recording_chunk (
    recording_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (recording_id, position)
) STRICT;
CREATE TABLE call_label (
    attempt_id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    label TEXT NOT NULL,
    judged TEXT NOT NULL,
    detector TEXT NOT NULL,
    answered_at INTEGER NOT NULL,
    labelled_by TEXT NOT NULL,
    labelled_at INTEGER NOT NULL
) STRICT;
CREATE INDEX call_label_tenant ON call_label (tenant_id, detector, answered_at);
