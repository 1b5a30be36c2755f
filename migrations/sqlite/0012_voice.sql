ALTER TABLE campaign ADD COLUMN script TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN call_settings TEXT NOT NULL DEFAULT '';
CREATE TABLE script (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;
CREATE TABLE prompt (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    audio BLOB NOT NULL,
    duration_ms INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;
CREATE TABLE rendered_speech (
    tenant_id INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    audio BLOB NOT NULL,
    rendered_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, content_hash)
) STRICT;
CREATE TABLE transfer_target (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    group_name TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    hours TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    told_free INTEGER,
    told_at INTEGER,
    priority INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;
CREATE TABLE call (
    attempt_id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    node_id INTEGER NOT NULL,
    trunk_id INTEGER NOT NULL,
    target_id INTEGER,
    state TEXT NOT NULL,
    state_at INTEGER NOT NULL,
    step TEXT NOT NULL,
    dialled_at INTEGER NOT NULL,
    ringing_at INTEGER,
    answered_at INTEGER,
    speech_at INTEGER,
    message_at INTEGER,
    information_at INTEGER,
    bridged_at INTEGER,
    ended_at INTEGER,
    ended_by TEXT NOT NULL,
    verdict TEXT NOT NULL,
    features TEXT NOT NULL,
    abandoned INTEGER NOT NULL
) STRICT;
CREATE INDEX call_live ON call (campaign_id) WHERE ended_at IS NULL;
CREATE INDEX call_contact ON call (contact_id);
CREATE TABLE call_mark (
    tenant_id INTEGER NOT NULL,
    number_index BLOB NOT NULL,
    abandoned_at INTEGER,
    machine_at INTEGER,
    PRIMARY KEY (tenant_id, number_index)
) STRICT;
CREATE TABLE abandonment (
    campaign_id INTEGER NOT NULL,
    day TEXT NOT NULL,
    tenant_id INTEGER NOT NULL,
    abandoned INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    machine_ended INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, day)
) STRICT;
