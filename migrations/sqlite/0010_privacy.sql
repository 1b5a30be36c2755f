CREATE TABLE retention_setting (
    tenant_id INTEGER NOT NULL,
    class TEXT NOT NULL,
    period_days INTEGER NOT NULL,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, class)
) STRICT;
CREATE TABLE legal_hold (
    contact_id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL
) STRICT;
CREATE TABLE subject_request (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    contact_id INTEGER,
    result TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    done_at INTEGER
) STRICT;
CREATE INDEX subject_request_tenant ON subject_request (tenant_id, id);
CREATE TABLE erasure (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    number_index BLOB NOT NULL,
    counts TEXT NOT NULL,
    erased_by TEXT NOT NULL,
    erased_at INTEGER NOT NULL
) STRICT;
CREATE TABLE sweep (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    class TEXT NOT NULL,
    source TEXT NOT NULL,
    through_id INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    evidence BLOB NOT NULL,
    swept_at INTEGER NOT NULL
) STRICT;
