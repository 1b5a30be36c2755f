//! People of a campaign put on a list of their own by where they stand in it: to try once more those who were not reached, and nobody else.

use std::collections::BTreeMap;

use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;

use super::recipient::RecipientFilter;
use crate::db::sql;
use crate::params;
use crate::store::{StoreError, Tenant};

/// People written in one transaction: sending goes on between them.
const CHUNK: i64 = 2_000;

/// Whose last attempt `t` is through all steps, and for whom nothing is planned.
macro_rules! is_last {
    () => {
        "NOT EXISTS (SELECT 1 FROM attempt l JOIN campaign x ON x.id = l.campaign_id WHERE l.contact_id = t.contact_id AND x.sequence_id = $1 AND l.position = t.position AND l.id > t.id)
         AND NOT EXISTS (SELECT 1 FROM campaign y JOIN due u ON u.campaign_id = y.id WHERE y.sequence_id = $1 AND u.position = t.position)"
    };
}

impl Tenant {
    /// How the last attempt ended of those for whom nothing is planned any more, through all steps; of a later step, those whose last it was.
    pub async fn last_endings(&self, id: CampaignId) -> Result<BTreeMap<Disposition, i64>, StoreError> {
        let first = self.campaign(id).await?.first;
        let select = sql!(
            "SELECT t.disposition, COUNT(DISTINCT t.position) FROM campaign s JOIN attempt t ON t.campaign_id = s.id
             WHERE s.sequence_id = $1 AND (CAST($2 AS BIGINT) = 0 OR s.id = $2) AND " + is_last + " GROUP BY t.disposition"
        );
        self.db().query(select, &params![first, step_alone(id, first)]).await?.into_iter().map(|mut row| Ok((row.word(0)?, row.take(1)?))).collect()
    }

    /// Makes a list of the recipients who stand as any of `standings` says. Returns it with how many are on it.
    pub async fn list_recipients(&self, id: CampaignId, standings: &[RecipientFilter], name: &str, now: Instant) -> Result<(ListId, i64), StoreError> {
        let campaign = self.campaign(id).await?;
        if standings.is_empty() {
            return Err(StoreError::Invalid("choose whom to put on the list: at least one ending".into()));
        }
        let standings = standings.to_vec();
        let filled = self.fill_new_list(name, now, |tenant, list| async move {
            for standing in standings {
                tenant.fill(list, (id, campaign.first), campaign.asked_below(), standing).await?;
            }
            Ok(format!("of {id}"))
        });
        filled.await
    }

    async fn fill(&self, list: ListId, (id, first): (CampaignId, CampaignId), next_position: i64, standing: RecipientFilter) -> Result<(), StoreError> {
        // Who was refused at one step may have been reached at a later one.
        let insert = sql!(
            "INSERT INTO list_member (list_id, contact_id) SELECT l.id, r.contact_id FROM recipient r
             JOIN contact c ON c.id = r.contact_id JOIN contact_list l ON l.id = $1
             WHERE r.campaign_id = $2 AND r.position = $3 AND c.erased_at IS NULL
               AND (CAST($4 AS BIGINT) = 0 OR NOT EXISTS (SELECT 1 FROM campaign g JOIN campaign s ON s.sequence_id = g.sequence_id AND s.step > g.step
                                                           JOIN attempt a ON +a.campaign_id = s.id AND a.contact_id = r.contact_id WHERE g.id = $2))
             ON CONFLICT DO NOTHING"
        );
        let refused = i64::from(standing == RecipientFilter::Refused);
        let mut after = -1;
        loop {
            let positions = match standing {
                RecipientFilter::Disposition(word) => self.ended_so((id, first), word, after).await?,
                other => self.positions((id, first), next_position, other, after, CHUNK).await?,
            };
            let Some(last) = positions.last() else { return Ok(()) };
            after = *last;
            let batch: Vec<_> = positions.iter().map(|position| params![list, id, *position, refused]).collect();
            let mut tx = self.db().begin().await?;
            tx.execute_many(insert, &batch).await?;
            tx.commit().await?;
        }
    }

    /// The places of those of `last_endings` who ended so, behind a place.
    async fn ended_so(&self, (id, first): (CampaignId, CampaignId), word: Disposition, after: i64) -> Result<Vec<i64>, StoreError> {
        let select = sql!(
            "SELECT DISTINCT t.position FROM campaign s JOIN attempt t ON t.campaign_id = s.id
             WHERE s.sequence_id = $1 AND (CAST($2 AS BIGINT) = 0 OR s.id = $2) AND t.disposition = $3 AND t.position > $4 AND " + is_last + " ORDER BY t.position LIMIT $5"
        );
        let rows = self.db().query(select, &params![first, step_alone(id, first), word.as_str(), after, CHUNK]).await?;
        rows.into_iter().map(|mut row| Ok(row.take(0)?)).collect()
    }
}

/// 0 for a whole campaign.
fn step_alone(id: CampaignId, first: CampaignId) -> i64 {
    if id == first { 0 } else { id.0 }
}
