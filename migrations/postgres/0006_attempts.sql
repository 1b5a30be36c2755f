CREATE TABLE claim (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL,
    node_id BIGINT NOT NULL,
    trunk_id BIGINT NOT NULL,
    first_attempt_id BIGINT NOT NULL,
    items BYTEA NOT NULL,
    released BYTEA NOT NULL,
    decision TEXT NOT NULL,
    claimed_at BIGINT NOT NULL
);
CREATE TABLE attempt (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    try_number BIGINT NOT NULL,
    contact_id BIGINT NOT NULL,
    address_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    trunk_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    disposition TEXT NOT NULL,
    cause TEXT NOT NULL,
    decision TEXT NOT NULL,
    segments BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    sealed_body BYTEA,
    carrier_message_id TEXT NOT NULL,
    parts_heard BIGINT NOT NULL,
    claimed_at BIGINT NOT NULL,
    answered_at BIGINT NOT NULL,
    settled_at BIGINT
);
CREATE INDEX attempt_contact ON attempt (contact_id, id);
CREATE INDEX attempt_campaign ON attempt (campaign_id, id);
CREATE TABLE notice (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    contact_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL,
    number_index BYTEA NOT NULL,
    sealed_number BYTEA,
    sealed_body BYTEA,
    sender TEXT NOT NULL,
    trunk_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    claimed_at BIGINT,
    claimed_by BIGINT,
    settled_at BIGINT
);
CREATE INDEX notice_waiting ON notice (id) WHERE state IN ('waiting', 'claimed');
CREATE INDEX notice_number ON notice (tenant_id, number_index);
CREATE TABLE carrier_reference (
    id BIGINT PRIMARY KEY,
    trunk_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    entries BYTEA NOT NULL
);
