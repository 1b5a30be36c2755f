CREATE TABLE declared_field (
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    retention_days INTEGER NOT NULL,
    declared_by TEXT NOT NULL,
    declared_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT;
CREATE TABLE import (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    file_name TEXT NOT NULL,
    file_hash BLOB NOT NULL,
    file_bytes INTEGER NOT NULL,
    wrapped_key BLOB,
    list_id INTEGER,
    proposal TEXT NOT NULL,
    sealed_sample BLOB,
    mapping TEXT NOT NULL,
    auto_start INTEGER NOT NULL,
    repeat_of INTEGER,
    error TEXT NOT NULL,
    drop_file INTEGER NOT NULL,
    rows_total INTEGER,
    rows_read INTEGER NOT NULL,
    rows_loaded INTEGER NOT NULL,
    rows_updated INTEGER NOT NULL,
    rows_rejected INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX import_tenant ON import (tenant_id, id);
CREATE INDEX import_hash ON import (tenant_id, file_hash);
CREATE INDEX import_waiting ON import (id) WHERE state IN ('received', 'ready', 'loading');
CREATE TABLE import_chunk (
    import_id INTEGER NOT NULL REFERENCES import (id),
    position INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (import_id, position)
) STRICT;
CREATE TABLE import_reject (
    import_id INTEGER NOT NULL REFERENCES import (id),
    line INTEGER NOT NULL,
    column_name TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (import_id, line, column_name)
) STRICT;
CREATE TABLE import_count (
    import_id INTEGER NOT NULL REFERENCES import (id),
    reason TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (import_id, reason)
) STRICT;
CREATE TABLE import_number (
    import_id INTEGER NOT NULL REFERENCES import (id),
    position INTEGER NOT NULL,
    indexes BLOB NOT NULL,
    PRIMARY KEY (import_id, position)
) STRICT;
