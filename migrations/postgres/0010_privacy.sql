CREATE TABLE retention_setting (
    tenant_id BIGINT NOT NULL,
    class TEXT NOT NULL,
    period_days BIGINT NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, class)
);
CREATE TABLE legal_hold (
    contact_id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    reference TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL
);
CREATE TABLE subject_request (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    contact_id BIGINT,
    result TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    done_at BIGINT
);
CREATE INDEX subject_request_tenant ON subject_request (tenant_id, id);
CREATE TABLE erasure (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    number_index BYTEA NOT NULL,
    counts TEXT NOT NULL,
    erased_by TEXT NOT NULL,
    erased_at BIGINT NOT NULL
);
CREATE TABLE sweep (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    class TEXT NOT NULL,
    source TEXT NOT NULL,
    through_id BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    evidence BYTEA NOT NULL,
    swept_at BIGINT NOT NULL
);
