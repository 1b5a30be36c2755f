CREATE TABLE audit_event (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id BIGINT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_event_tenant ON audit_event (tenant_id, id);
