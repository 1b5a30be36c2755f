CREATE TABLE receipt_unmatched (
    id INTEGER PRIMARY KEY,
    trunk_id INTEGER NOT NULL,
    carrier_message_id TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
CREATE TABLE reply (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    contact_id INTEGER,
    number_index BLOB NOT NULL,
    sealed_number BLOB,
    sealed_body BLOB,
    trunk_id INTEGER NOT NULL,
    campaign_id INTEGER,
    meaning TEXT NOT NULL,
    state TEXT NOT NULL,
    assigned_to INTEGER,
    dedupe BLOB NOT NULL UNIQUE,
    received_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE INDEX reply_tenant ON reply (tenant_id, id);
CREATE INDEX reply_contact ON reply (contact_id);
CREATE INDEX reply_number ON reply (tenant_id, number_index);
CREATE TABLE reply_part (
    id INTEGER PRIMARY KEY,
    trunk_id INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    sealed_pdu BLOB NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
