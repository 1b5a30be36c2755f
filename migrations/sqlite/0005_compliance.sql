CREATE TABLE suppression (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    number_index BLOB NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    sealed_number BLOB,
    source TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, number_index, scope, reason)
) STRICT;
CREATE INDEX suppression_tenant ON suppression (tenant_id, id);
CREATE TABLE hold (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    note_reference TEXT NOT NULL,
    until_at INTEGER,
    lifted_at INTEGER,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX hold_contact ON hold (contact_id);
CREATE INDEX hold_tenant ON hold (tenant_id, id);
CREATE TABLE consent (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    expires_at INTEGER,
    withdrawn_at INTEGER,
    evidence TEXT NOT NULL,
    wording_version TEXT NOT NULL,
    obtained_in TEXT NOT NULL,
    refusal_offered INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX consent_contact ON consent (contact_id);
CREATE INDEX consent_tenant ON consent (tenant_id, id);
CREATE TABLE preference (
    contact_id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    windows TEXT NOT NULL,
    no_sms INTEGER NOT NULL,
    no_voice INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE decision (
    campaign_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    rules TEXT NOT NULL,
    rule_pack TEXT NOT NULL,
    until_at INTEGER,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE decision_count (
    campaign_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    rules TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, kind, rules)
) STRICT;
