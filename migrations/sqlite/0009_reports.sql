CREATE TABLE measure (
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    channel TEXT NOT NULL,
    disposition TEXT NOT NULL,
    cause TEXT NOT NULL,
    n INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, hour, channel, disposition, cause)
) STRICT;
CREATE INDEX measure_tenant ON measure (tenant_id, hour);
