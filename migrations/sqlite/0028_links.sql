-- The name under which a tenant's short links stand. `verified_host` is the host once it was seen to point here: nobody else may have it then.
CREATE TABLE link_domain (
    tenant_id INTEGER PRIMARY KEY REFERENCES tenant (id),
    host TEXT NOT NULL,
    verified_host TEXT UNIQUE,
    scheme TEXT NOT NULL,
    token TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    expires_days INTEGER NOT NULL,
    check_due INTEGER NOT NULL,
    checked_at INTEGER,
    last_error TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX link_domain_host ON link_domain (host);
-- A link of one message to one person. The code is kept as a keyed hash, the target sealed with the person's key; both go when it expires.
CREATE TABLE short_link (
    attempt_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    code_hash BLOB,
    sealed_target BLOB,
    expires_at INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    first_click_at INTEGER,
    last_click_at INTEGER,
    PRIMARY KEY (attempt_id, place)
) STRICT;
CREATE UNIQUE INDEX short_link_code ON short_link (code_hash) WHERE code_hash IS NOT NULL;
CREATE INDEX short_link_contact ON short_link (contact_id);
CREATE INDEX short_link_expiry ON short_link (tenant_id, expires_at) WHERE code_hash IS NOT NULL;
-- What a campaign's report says of its links, moved with each click.
CREATE TABLE link_count (
    campaign_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    clicked INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, place)
) STRICT;
-- Keyed hashes of a number's last four digits and of a reference's first six letters: a search narrows by them. NULL until filled in.
ALTER TABLE address ADD COLUMN tail_index INTEGER;
CREATE INDEX address_tail ON address (tenant_id, tail_index) WHERE tail_index IS NOT NULL;
ALTER TABLE contact ADD COLUMN head_index INTEGER;
CREATE INDEX contact_head ON contact (tenant_id, head_index) WHERE head_index IS NOT NULL;
-- What is still to be filled in, for rows of before: empty ever after.
CREATE INDEX address_untailed ON address (id) WHERE tail_index IS NULL AND number_index IS NOT NULL;
CREATE INDEX contact_unheaded ON contact (id) WHERE head_index IS NULL AND reference_index IS NOT NULL;
-- To take an import back.
CREATE INDEX contact_import ON contact (import_id) WHERE import_id IS NOT NULL;
-- What a tenant says of itself, and with what a new campaign begins.
ALTER TABLE tenant ADD COLUMN contact_details TEXT NOT NULL DEFAULT '';
ALTER TABLE tenant ADD COLUMN default_sender TEXT NOT NULL DEFAULT '';
ALTER TABLE tenant ADD COLUMN default_caller TEXT NOT NULL DEFAULT '';
