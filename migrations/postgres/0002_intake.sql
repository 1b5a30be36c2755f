CREATE TABLE declared_field (
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    retention_days BIGINT NOT NULL,
    declared_by TEXT NOT NULL,
    declared_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
CREATE TABLE import (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    file_name TEXT NOT NULL,
    file_hash BYTEA NOT NULL,
    file_bytes BIGINT NOT NULL,
    wrapped_key BYTEA,
    list_id BIGINT,
    proposal TEXT NOT NULL,
    sealed_sample BYTEA,
    mapping TEXT NOT NULL,
    auto_start BIGINT NOT NULL,
    repeat_of BIGINT,
    error TEXT NOT NULL,
    drop_file BIGINT NOT NULL,
    rows_total BIGINT,
    rows_read BIGINT NOT NULL,
    rows_loaded BIGINT NOT NULL,
    rows_updated BIGINT NOT NULL,
    rows_rejected BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX import_tenant ON import (tenant_id, id);
CREATE INDEX import_hash ON import (tenant_id, file_hash);
CREATE INDEX import_waiting ON import (id) WHERE state IN ('received', 'ready', 'loading');
CREATE TABLE import_chunk (
    import_id BIGINT NOT NULL REFERENCES import (id),
    position BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (import_id, position)
);
CREATE TABLE import_reject (
    import_id BIGINT NOT NULL REFERENCES import (id),
    line BIGINT NOT NULL,
    column_name TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (import_id, line, column_name)
);
CREATE TABLE import_count (
    import_id BIGINT NOT NULL REFERENCES import (id),
    reason TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (import_id, reason)
);
CREATE TABLE import_number (
    import_id BIGINT NOT NULL REFERENCES import (id),
    position BIGINT NOT NULL,
    indexes BYTEA NOT NULL,
    PRIMARY KEY (import_id, position)
);
