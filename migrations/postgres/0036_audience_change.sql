-- Who may have come to match a list or a filter, in the order of the commits: a campaign that takes people in looks at these alone. `contacts` are
-- identifiers of eight bytes each; where there are none it may be anybody. `looked_to` is how far a campaign has looked; -1: it has yet to look at all.
ALTER TABLE tenant ADD COLUMN audience_changes BIGINT NOT NULL DEFAULT 0;
CREATE TABLE audience_change (
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    position BIGINT NOT NULL,
    contacts BYTEA,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, position)
);
ALTER TABLE campaign ADD COLUMN looked_to BIGINT NOT NULL DEFAULT -1;
-- Who is through a campaign that people may come to again, until it has looked at them.
CREATE TABLE comes_again (
    campaign_id BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, ended_at, position)
);
INSERT INTO comes_again (campaign_id, ended_at, position)
    SELECT r.campaign_id, r.moved_at, r.position FROM campaign c JOIN recipient r ON r.campaign_id = c.id
    WHERE c.state IN ('running', 'paused') AND c.step = 1 AND c.sequence LIKE '%again_after_days%' AND r.ended <> '' AND r.moved_at IS NOT NULL;
