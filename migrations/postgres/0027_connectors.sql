-- What a client told us to do with their data. A row is never edited: only its end is written into it. `fields` are words between spaces.
CREATE TABLE instruction (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    version BIGINT NOT NULL,
    fields TEXT NOT NULL,
    purpose TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    agreed_by TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    replaced_at BIGINT,
    revoked_at BIGINT,
    revoked_by TEXT NOT NULL,
    revoked_why TEXT NOT NULL,
    UNIQUE (tenant_id, kind, reference, version)
);
CREATE TABLE connector (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    instruction_id BIGINT NOT NULL REFERENCES instruction (id),
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    sealed_secret BYTEA,
    list_id BIGINT,
    state TEXT NOT NULL,
    stopped_why TEXT NOT NULL,
    failures BIGINT NOT NULL,
    failing_since BIGINT,
    next_at BIGINT,
    watermark TEXT NOT NULL,
    etag TEXT NOT NULL,
    modified TEXT NOT NULL,
    accept_repeat BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX connector_tenant ON connector (tenant_id);
CREATE TABLE connector_run (
    id BIGINT PRIMARY KEY,
    connector_id BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    instruction_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    fault TEXT NOT NULL,
    last_status BIGINT NOT NULL,
    pages BIGINT NOT NULL,
    rows_read BIGINT NOT NULL,
    bytes_read BIGINT NOT NULL,
    dropped TEXT NOT NULL,
    import_id BIGINT,
    sealed_preview BYTEA,
    asked_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);
CREATE INDEX connector_run_connector ON connector_run (connector_id, id);
CREATE INDEX connector_run_open ON connector_run (state, connector_id) WHERE state IN ('waiting', 'running');
CREATE INDEX connector_run_tenant ON connector_run (tenant_id, id);
-- Results of campaigns that go back to the client.
CREATE TABLE result_export (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    instruction_id BIGINT NOT NULL REFERENCES instruction (id),
    name TEXT NOT NULL,
    campaign_id BIGINT,
    at_end BIGINT NOT NULL,
    after_minutes BIGINT NOT NULL,
    times TEXT NOT NULL,
    format TEXT NOT NULL,
    target TEXT NOT NULL,
    account_id BIGINT,
    url TEXT NOT NULL,
    sealed_secret BYTEA,
    state TEXT NOT NULL,
    stopped_why TEXT NOT NULL,
    next_at BIGINT,
    exported_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX result_export_tenant ON result_export (tenant_id);
CREATE TABLE export_file (
    id BIGINT PRIMARY KEY,
    export_id BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL,
    instruction_id BIGINT NOT NULL,
    account_id BIGINT,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    wrapped_key BYTEA,
    rows_written BIGINT NOT NULL,
    bytes_written BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    due_since BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    last_status BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    fetched_at BIGINT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX export_file_export ON export_file (export_id, id);
CREATE INDEX export_file_tenant ON export_file (tenant_id, id);
CREATE INDEX export_file_waiting ON export_file (next_at, id) WHERE state = 'waiting';
CREATE INDEX export_file_account ON export_file (account_id, name) WHERE account_id IS NOT NULL;
CREATE TABLE export_chunk (
    file_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (file_id, position)
);
CREATE TABLE export_try (
    id BIGINT PRIMARY KEY,
    file_id BIGINT NOT NULL,
    tried_at BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    status BIGINT NOT NULL,
    error TEXT NOT NULL
);
CREATE INDEX export_try_file ON export_try (file_id, id);
-- What stands beside a file of the drop, kept as it was first shown, so that a listing knows its length.
CREATE TABLE sftp_result (
    file_id BIGINT PRIMARY KEY,
    body TEXT NOT NULL,
    bytes BIGINT NOT NULL
);
