CREATE TABLE claim (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    node_id INTEGER NOT NULL,
    trunk_id INTEGER NOT NULL,
    first_attempt_id INTEGER NOT NULL,
    items BLOB NOT NULL,
    released BLOB NOT NULL,
    decision TEXT NOT NULL,
    claimed_at INTEGER NOT NULL
) STRICT;
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    address_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    trunk_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    disposition TEXT NOT NULL,
    cause TEXT NOT NULL,
    decision TEXT NOT NULL,
    segments INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    sealed_body BLOB,
    carrier_message_id TEXT NOT NULL,
    parts_heard INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL,
    answered_at INTEGER NOT NULL,
    settled_at INTEGER
) STRICT;
CREATE INDEX attempt_contact ON attempt (contact_id, id);
CREATE INDEX attempt_campaign ON attempt (campaign_id, id);
CREATE TABLE notice (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    contact_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    number_index BLOB NOT NULL,
    sealed_number BLOB,
    sealed_body BLOB,
    sender TEXT NOT NULL,
    trunk_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    claimed_at INTEGER,
    claimed_by INTEGER,
    settled_at INTEGER
) STRICT;
CREATE INDEX notice_waiting ON notice (id) WHERE state IN ('waiting', 'claimed');
CREATE INDEX notice_number ON notice (tenant_id, number_index);
CREATE TABLE carrier_reference (
    id INTEGER PRIMARY KEY,
    trunk_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    entries BLOB NOT NULL
) STRICT;
