-- A step after the first is a campaign of its own to the loops that send: `sequence_id` is the campaign that it belongs to (a first step's own),
-- and only the first is listed, moved and changed. `stops` moves with each stop from outside: a claim that read another is not made.
ALTER TABLE campaign ADD COLUMN sequence_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN step BIGINT NOT NULL DEFAULT 1;
ALTER TABLE campaign ADD COLUMN sequence TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN stops BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN taken_in_day TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN taken_in BIGINT NOT NULL DEFAULT 0;
UPDATE campaign SET sequence_id = id;
CREATE INDEX campaign_sequence ON campaign (sequence_id, step);
-- Of the first step's recipients: at which step they stand, and why it is over for them.
ALTER TABLE recipient ADD COLUMN step BIGINT NOT NULL DEFAULT 1;
ALTER TABLE recipient ADD COLUMN ended TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN moved_at BIGINT;
CREATE INDEX due_position ON due (campaign_id, position);
-- How many stand at a step after the first (`ended` is empty), and how many it ended for at which step.
CREATE TABLE step_count (
    campaign_id BIGINT NOT NULL,
    step BIGINT NOT NULL,
    ended TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, step, ended)
);
