CREATE TABLE receipt_unmatched (
    id BIGINT PRIMARY KEY,
    trunk_id BIGINT NOT NULL,
    carrier_message_id TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE TABLE reply (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    contact_id BIGINT,
    number_index BYTEA NOT NULL,
    sealed_number BYTEA,
    sealed_body BYTEA,
    trunk_id BIGINT NOT NULL,
    campaign_id BIGINT,
    meaning TEXT NOT NULL,
    state TEXT NOT NULL,
    assigned_to BIGINT,
    dedupe BYTEA NOT NULL UNIQUE,
    received_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE INDEX reply_tenant ON reply (tenant_id, id);
CREATE INDEX reply_contact ON reply (contact_id);
CREATE INDEX reply_number ON reply (tenant_id, number_index);
CREATE TABLE reply_part (
    id BIGINT PRIMARY KEY,
    trunk_id BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    sealed_pdu BYTEA NOT NULL,
    received_at BIGINT NOT NULL
);
