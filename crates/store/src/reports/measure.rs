//! One count for each campaign, hour, channel, disposition and cause.

use std::collections::HashMap;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::{CampaignId, TenantId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::store::{Page, StoreError, Tenant};

/// From the first moment on, and before the second.
pub type Span = (Instant, Instant);

/// What is counted apart. `hour` is the UTC hour in which the carrier answered the submission.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MeasureKey {
    pub tenant: TenantId,
    pub campaign: CampaignId,
    pub hour: Instant,
    pub channel: Channel,
    pub disposition: Disposition,
    pub cause: String,
}

/// What is added; negative when an attempt leaves the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MeasureDelta {
    pub n: i64,
    pub segments: i64,
    pub cost: i64,
}

/// A count as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureRow {
    pub campaign: CampaignId,
    pub hour: Instant,
    pub channel: Channel,
    pub disposition: Disposition,
    pub cause: String,
    pub n: i64,
    pub segments: i64,
    pub cost: i64,
}

/// Where a page of counts ended: the last one's place in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureCursor {
    pub hour: Instant,
    pub campaign: CampaignId,
    pub channel: Channel,
    pub disposition: Disposition,
    pub cause: String,
}

impl MeasureCursor {
    fn at(row: &MeasureRow) -> Self {
        Self { hour: row.hour, campaign: row.campaign, channel: row.channel, disposition: row.disposition, cause: row.cause.clone() }
    }
}

pub async fn add_measures<S>(tx: &mut Tx, deltas: &HashMap<MeasureKey, MeasureDelta, S>) -> Result<(), DbError> {
    let upsert = sql!(
        "INSERT INTO measure (tenant_id, campaign_id, hour, channel, disposition, cause, n, segments, cost) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (campaign_id, hour, channel, disposition, cause) DO UPDATE SET
         n = measure.n + excluded.n, segments = measure.segments + excluded.segments, cost = measure.cost + excluded.cost"
    );
    let mut sorted: Vec<_> = deltas.iter().filter(|(_, delta)| **delta != MeasureDelta::default()).collect();
    // One order for all nodes: two that count at once wait for each other instead of deadlocking.
    sorted.sort_by(|(a, _), (b, _)| (a.campaign, a.hour, a.disposition, &a.cause).cmp(&(b.campaign, b.hour, b.disposition, &b.cause)));
    let batch = sorted
        .into_iter()
        .map(|(key, delta)| {
            params![key.tenant, key.campaign, key.hour, key.channel.as_str(), key.disposition.as_str(), key.cause.as_str(), delta.n, delta.segments, delta.cost]
        });
    tx.write_batch(upsert, batch).await?;
    Ok(())
}

fn read(mut row: Row) -> Result<MeasureRow, DbError> {
    Ok(MeasureRow {
        campaign: row.take(0)?,
        hour: row.take(1)?,
        channel: row.word(2)?,
        disposition: row.word(3)?,
        cause: row.take(4)?,
        n: row.take(5)?,
        segments: row.take(6)?,
        cost: row.take(7)?,
    })
}

impl Tenant {
    /// The counts of one campaign, or of all (`None`), of hours from `from` (included) to `to` (excluded).
    pub async fn measures(&self, campaign: Option<CampaignId>, from: Instant, to: Instant) -> Result<Vec<MeasureRow>, StoreError> {
        let select = sql!(
            "SELECT campaign_id, hour, channel, disposition, cause, n, segments, cost FROM measure
             WHERE tenant_id = $1 AND (CAST($2 AS BIGINT) = 0 OR campaign_id = $2) AND hour >= $3 AND hour < $4 AND n <> 0
             ORDER BY campaign_id, hour, disposition, cause"
        );
        let rows = self.db().query(select, &params![self.id(), campaign.map_or(0, |campaign| campaign.0), from, to]).await?;
        Ok(rows.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The same a page at a time, the first hour first; one campaign with all its steps.
    pub async fn measures_page(&self, campaign: Option<CampaignId>, (from, to): Span, after: Option<&MeasureCursor>, limit: i64) -> Result<Page<MeasureRow, MeasureCursor>, StoreError> {
        let select = sql!(
            "SELECT campaign_id, hour, channel, disposition, cause, n, segments, cost FROM measure
             WHERE tenant_id = $1 AND (CAST($2 AS BIGINT) = 0 OR campaign_id = $2 OR campaign_id IN (SELECT c.id FROM campaign c WHERE c.sequence_id = $2))
               AND hour >= $3 AND hour < $4 AND n <> 0 AND (hour > $3 OR (campaign_id, channel, disposition, cause) > ($5, $6, $7, $8))
             ORDER BY hour, campaign_id, channel, disposition, cause LIMIT $9"
        );
        // A cursor from before the span is no reason to leave it.
        let (hour, id, channel, disposition, cause) = match after.filter(|after| after.hour >= from) {
            Some(after) => (after.hour, after.campaign.0, after.channel.as_str(), after.disposition.as_str(), after.cause.as_str()),
            None => (from, -1, "", "", ""),
        };
        let rows = self.db().query(select, &params![self.id(), campaign.map_or(0, |campaign| campaign.0), hour, to, id, channel, disposition, cause, limit + 1]).await?;
        Ok(Page::cut(rows.into_iter().map(read).collect::<Result<_, _>>()?, limit, MeasureCursor::at))
    }

    /// The same counts, made anew from the attempts: what `measures` must equal.
    pub async fn recount(&self, campaign: CampaignId) -> Result<Vec<MeasureRow>, StoreError> {
        let select = sql!(
            "SELECT campaign_id, answered_at - answered_at % 3600000 AS hour, channel, disposition, cause, COUNT(*), CAST(SUM(segments) AS BIGINT), CAST(SUM(cost) AS BIGINT)
             FROM attempt WHERE tenant_id = $1 AND campaign_id = $2
             GROUP BY campaign_id, answered_at - answered_at % 3600000, channel, disposition, cause ORDER BY campaign_id, hour, disposition, cause"
        );
        let rows = self.db().query(select, &params![self.id(), campaign]).await?;
        Ok(rows.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Refusals of a campaign by their rules, with how many each.
    pub async fn refusal_counts(&self, campaign: CampaignId) -> Result<Vec<(String, i64)>, StoreError> {
        let select = sql!(
            "SELECT d.rules, d.n FROM decision_count d JOIN campaign c ON c.id = d.campaign_id
             WHERE c.tenant_id = $1 AND d.campaign_id = $2 AND d.kind = 'refused' ORDER BY d.n DESC, d.rules"
        );
        let rows = self.db().query(select, &params![self.id(), campaign]).await?;
        Ok(rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect::<Result<_, DbError>>()?)
    }

    /// How often the rules refused somebody at any step of a campaign.
    pub async fn refusals_through(&self, campaign: CampaignId) -> Result<i64, StoreError> {
        let select = sql!(
            "SELECT CAST(COALESCE(SUM(d.n), 0) AS BIGINT) FROM decision_count d JOIN campaign c ON c.id = d.campaign_id
             WHERE c.tenant_id = $1 AND c.sequence_id = $2 AND d.kind = 'refused'"
        );
        Ok(self.db().query_first(select, &params![self.id(), campaign]).await?.map_or(Ok(0), |mut row| row.take(0))?)
    }

    /// How many recipients of a campaign are due before a time; no more than `max` are counted.
    pub async fn due_before(&self, campaign: CampaignId, until: Instant, max: i64) -> Result<i64, StoreError> {
        let select = sql!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM due d JOIN campaign c ON c.id = d.campaign_id
             WHERE c.tenant_id = $1 AND d.campaign_id = $2 AND d.due_at < $3 LIMIT $4) counted"
        );
        Ok(self.db().query_first(select, &params![self.id(), campaign, until, max]).await?.map_or(Ok(0), |mut row| row.take(0))?)
    }

    /// Recipients that wait until a time, by why, with how many and the first time.
    pub async fn due_counts(&self, campaign: CampaignId) -> Result<Vec<(String, i64, Instant)>, StoreError> {
        let select = sql!(
            "SELECT d.why, COUNT(*), MIN(d.due_at) FROM due d JOIN campaign c ON c.id = d.campaign_id
             WHERE c.tenant_id = $1 AND d.campaign_id = $2 GROUP BY d.why ORDER BY COUNT(*) DESC, d.why"
        );
        let rows = self.db().query(select, &params![self.id(), campaign]).await?;
        Ok(rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?, row.take(2)?))).collect::<Result<_, DbError>>()?)
    }
}
