CREATE TABLE contact (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    wrapped_key BYTEA,
    sealed_profile BYTEA,
    reference_index BYTEA,
    import_id BIGINT,
    import_line BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    erased_at BIGINT
);
CREATE INDEX contact_tenant ON contact (tenant_id, id);
CREATE INDEX contact_reference ON contact (tenant_id, reference_index) WHERE reference_index IS NOT NULL;
CREATE TABLE address (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    contact_id BIGINT NOT NULL REFERENCES contact (id),
    number_index BYTEA,
    sealed_number BYTEA,
    line_type TEXT NOT NULL,
    region TEXT NOT NULL,
    zones TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX address_number ON address (tenant_id, number_index);
CREATE INDEX address_contact ON address (contact_id);
CREATE TABLE contact_list (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);
CREATE TABLE list_member (
    list_id BIGINT NOT NULL REFERENCES contact_list (id),
    contact_id BIGINT NOT NULL REFERENCES contact (id),
    PRIMARY KEY (list_id, contact_id)
);
CREATE INDEX list_member_contact ON list_member (contact_id);
CREATE TABLE saved_filter (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    conditions TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);
