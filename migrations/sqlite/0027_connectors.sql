-- What a client told us to do with their data. A row is never edited: only its end is written into it. `fields` are words between spaces.
CREATE TABLE instruction (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    version INTEGER NOT NULL,
    fields TEXT NOT NULL,
    purpose TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    agreed_by TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    replaced_at INTEGER,
    revoked_at INTEGER,
    revoked_by TEXT NOT NULL,
    revoked_why TEXT NOT NULL,
    UNIQUE (tenant_id, kind, reference, version)
) STRICT;
CREATE TABLE connector (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    instruction_id INTEGER NOT NULL REFERENCES instruction (id),
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    sealed_secret BLOB,
    list_id INTEGER,
    state TEXT NOT NULL,
    stopped_why TEXT NOT NULL,
    failures INTEGER NOT NULL,
    failing_since INTEGER,
    next_at INTEGER,
    watermark TEXT NOT NULL,
    etag TEXT NOT NULL,
    modified TEXT NOT NULL,
    accept_repeat INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX connector_tenant ON connector (tenant_id);
CREATE TABLE connector_run (
    id INTEGER PRIMARY KEY,
    connector_id INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    instruction_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    fault TEXT NOT NULL,
    last_status INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    rows_read INTEGER NOT NULL,
    bytes_read INTEGER NOT NULL,
    dropped TEXT NOT NULL,
    import_id INTEGER,
    sealed_preview BLOB,
    asked_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER
) STRICT;
CREATE INDEX connector_run_connector ON connector_run (connector_id, id);
CREATE INDEX connector_run_open ON connector_run (state, connector_id) WHERE state IN ('waiting', 'running');
CREATE INDEX connector_run_tenant ON connector_run (tenant_id, id);
-- Results of campaigns that go back to the client.
CREATE TABLE result_export (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    instruction_id INTEGER NOT NULL REFERENCES instruction (id),
    name TEXT NOT NULL,
    campaign_id INTEGER,
    at_end INTEGER NOT NULL,
    after_minutes INTEGER NOT NULL,
    times TEXT NOT NULL,
    format TEXT NOT NULL,
    target TEXT NOT NULL,
    account_id INTEGER,
    url TEXT NOT NULL,
    sealed_secret BLOB,
    state TEXT NOT NULL,
    stopped_why TEXT NOT NULL,
    next_at INTEGER,
    exported_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX result_export_tenant ON result_export (tenant_id);
CREATE TABLE export_file (
    id INTEGER PRIMARY KEY,
    export_id INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    instruction_id INTEGER NOT NULL,
    account_id INTEGER,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    wrapped_key BLOB,
    rows_written INTEGER NOT NULL,
    bytes_written INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    due_since INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    last_status INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    fetched_at INTEGER,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX export_file_export ON export_file (export_id, id);
CREATE INDEX export_file_tenant ON export_file (tenant_id, id);
CREATE INDEX export_file_waiting ON export_file (next_at, id) WHERE state = 'waiting';
CREATE INDEX export_file_account ON export_file (account_id, name) WHERE account_id IS NOT NULL;
CREATE TABLE export_chunk (
    file_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (file_id, position)
) STRICT;
CREATE TABLE export_try (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL,
    tried_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER NOT NULL,
    error TEXT NOT NULL
) STRICT;
CREATE INDEX export_try_file ON export_try (file_id, id);
-- What stands beside a file of the drop, kept as it was first shown, so that a listing knows its length.
CREATE TABLE sftp_result (
    file_id INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
