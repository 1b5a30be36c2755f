CREATE TABLE contact (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    wrapped_key BLOB,
    sealed_profile BLOB,
    reference_index BLOB,
    import_id INTEGER,
    import_line INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    erased_at INTEGER
) STRICT;
CREATE INDEX contact_tenant ON contact (tenant_id, id);
CREATE INDEX contact_reference ON contact (tenant_id, reference_index) WHERE reference_index IS NOT NULL;
CREATE TABLE address (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL REFERENCES contact (id),
    number_index BLOB,
    sealed_number BLOB,
    line_type TEXT NOT NULL,
    region TEXT NOT NULL,
    zones TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX address_number ON address (tenant_id, number_index);
CREATE INDEX address_contact ON address (contact_id);
CREATE TABLE contact_list (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;
CREATE TABLE list_member (
    list_id INTEGER NOT NULL REFERENCES contact_list (id),
    contact_id INTEGER NOT NULL REFERENCES contact (id),
    PRIMARY KEY (list_id, contact_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX list_member_contact ON list_member (contact_id);
CREATE TABLE saved_filter (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    conditions TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;
