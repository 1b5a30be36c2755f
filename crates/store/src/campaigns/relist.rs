//! People of a campaign put on a list of their own by where they stand in it: to try once more those who were not reached, and nobody else.

use std::collections::BTreeMap;

use clarion_domain::id::{AttemptId, CampaignId, ContactId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;

use super::recipient::RecipientFilter;
use crate::db::{DbError, Params, Row, sql};
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
        if let RecipientFilter::Disposition(word) = standing {
            let steps = if id == first { self.step_ids(first).await? } else { vec![id] };
            for step in steps {
                self.fill_by_ending(list, (id, first), step, word).await?;
            }
            return Ok(());
        }
        // Who was refused at one step may have been reached at a later one.
        let select = sql!(
            "SELECT r.contact_id FROM recipient r WHERE r.campaign_id = $1 AND r.position = $2
               AND (CAST($3 AS BIGINT) = 0 OR NOT EXISTS (SELECT 1 FROM campaign g JOIN campaign s ON s.sequence_id = g.sequence_id AND s.step > g.step
                                                           JOIN attempt a ON +a.campaign_id = s.id AND a.contact_id = r.contact_id WHERE g.id = $1))"
        );
        let refused = i64::from(standing == RecipientFilter::Refused);
        let mut after = -1;
        loop {
            let positions = self.positions((id, first), next_position, standing, after, CHUNK).await?;
            let Some(last) = positions.last() else { return Ok(()) };
            after = *last;
            let batch: Vec<Params> = positions.iter().map(|position| params![id, *position, refused]).collect();
            self.put_on_filling(list, contacts(self.db().query_many(select, &batch).await?)?).await?;
        }
    }

    /// Those of `last_endings` whose last attempt was at this step and ended so. Through the attempts in their own order, each looked at once: by place,
    /// every chunk would go through all that the campaign has tried.
    async fn fill_by_ending(&self, list: ListId, (id, first): (CampaignId, CampaignId), step: CampaignId, word: Disposition) -> Result<(), StoreError> {
        // PostgreSQL would take the order by identifiers alone, and look for the step's first attempt among all that were made before it.
        let page = sql!(
            "SELECT t.id FROM attempt t WHERE t.campaign_id = $1 AND t.id > $2 AND t.disposition = $3 ORDER BY t.id LIMIT $4",
            postgres "SELECT t.id FROM attempt t WHERE (t.campaign_id, t.id) > ($1, $2) AND t.campaign_id <= $1 AND t.disposition = $3 ORDER BY t.campaign_id, t.id LIMIT $4"
        );
        let select = sql!(
            "SELECT r.contact_id FROM attempt t JOIN recipient r ON r.campaign_id = $3 AND r.position = t.position
             WHERE " + is_last + " AND t.id = $2"
        );
        let mut after = AttemptId(0);
        loop {
            let rows = self.db().query(page, &params![step, after, word.as_str(), CHUNK]).await?;
            let attempts: Vec<AttemptId> = rows.into_iter().map(|mut row| row.take(0)).collect::<Result<_, _>>()?;
            let Some(last) = attempts.last() else { return Ok(()) };
            after = *last;
            let batch: Vec<Params> = attempts.iter().map(|attempt| params![first, *attempt, id]).collect();
            self.put_on_filling(list, contacts(self.db().query_many(select, &batch).await?)?).await?;
        }
    }
}

fn contacts(found: Vec<Vec<Row>>) -> Result<Vec<ContactId>, DbError> {
    found.into_iter().flatten().map(|mut row| row.take(0)).collect()
}

/// 0 for a whole campaign.
fn step_alone(id: CampaignId, first: CampaignId) -> i64 {
    if id == first { 0 } else { id.0 }
}
