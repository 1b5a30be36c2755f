CREATE TABLE activity (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    actor TEXT NOT NULL,
    session_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    site TEXT NOT NULL,
    status BIGINT NOT NULL,
    sealed_address BYTEA,
    browser TEXT NOT NULL,
    system TEXT NOT NULL
);
CREATE INDEX activity_actor ON activity (tenant_id, actor, id);
CREATE INDEX activity_clock ON activity (tenant_id, id);
