CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    actor TEXT NOT NULL,
    session_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    site TEXT NOT NULL,
    status INTEGER NOT NULL,
    sealed_address BLOB,
    browser TEXT NOT NULL,
    system TEXT NOT NULL
) STRICT;
CREATE INDEX activity_actor ON activity (tenant_id, actor, id);
CREATE INDEX activity_clock ON activity (tenant_id, id);
