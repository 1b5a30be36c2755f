CREATE TABLE measure (
    tenant_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    channel TEXT NOT NULL,
    disposition TEXT NOT NULL,
    cause TEXT NOT NULL,
    n BIGINT NOT NULL,
    segments BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, hour, channel, disposition, cause)
);
CREATE INDEX measure_tenant ON measure (tenant_id, hour);
