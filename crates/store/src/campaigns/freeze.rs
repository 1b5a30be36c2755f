//! From start to end: the audience becomes recipients, and a campaign with nothing left to do is finished.

use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::campaign::{CampaignMove, CampaignState};
use clarion_domain::contacts::filter::Filter;
use clarion_domain::id::{CampaignId, ContactId, TenantId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_domain::webhooks::event::WebhookEventKind;

use super::campaign::CampaignRecord;
use crate::contacts::AudienceMember;
use crate::db::{Params, Tx, sql};
use crate::params;
use crate::store::{Page, Store, StoreError, Tenant};

/// Contacts looked at in one step.
pub const FREEZE_CHUNK: i64 = 4_096;
/// A receipt that says "try again" is awaited this long after the last message, when the retry rules could act on it.
pub const RECEIPTS_AWAITED_MS: i64 = 24 * HOUR_MS;

/// A campaign that a worker has something to do for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkingCampaign {
    pub tenant_id: TenantId,
    pub id: CampaignId,
    pub state: CampaignState,
    pub starts_at: Option<Instant>,
}

/// What a step of freezing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreezeStep {
    /// There is more; go on from here.
    More { after: i64 },
    /// The audience stands and the campaign runs.
    Frozen { audience_size: i64 },
    /// It is not starting any more, or another node is freezing it.
    NotOurs,
}

impl Store {
    /// Campaigns that are scheduled, starting or running, of every tenant.
    pub async fn working_campaigns(&self) -> Result<Vec<WorkingCampaign>, StoreError> {
        let select = sql!("SELECT tenant_id, id, state, starts_at FROM campaign WHERE state IN ('scheduled', 'starting', 'running') AND step = 1 ORDER BY id");
        let rows = self.db().query(select, &[]).await?;
        rows.into_iter()
            .map(|mut row| Ok(WorkingCampaign { tenant_id: row.take(0)?, id: row.take(1)?, state: row.word(2)?, starts_at: row.take(3)? }))
            .collect()
    }
}

impl Tenant {
    /// A page of the people that the campaign is for: its recipients once they are frozen, its list and filter before.
    pub async fn campaign_audience(&self, campaign: &CampaignRecord, after: Option<i64>, limit: i64) -> Result<Page<AudienceMember>, StoreError> {
        if !matches!(campaign.state, CampaignState::Draft | CampaignState::Scheduled | CampaignState::Starting) {
            return self.frozen_audience(campaign.id, after.unwrap_or(-1), limit).await;
        }
        if campaign.list_id.is_none() && campaign.filter_id.is_none() {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        self.audience(campaign.list_id, &self.filter_of(campaign).await?, after, limit).await
    }

    /// As it is saved now; everybody meets none.
    pub(crate) async fn filter_of(&self, record: &CampaignRecord) -> Result<Filter, StoreError> {
        Ok(match record.filter_id {
            Some(id) => self.filter(id).await?.filter,
            None => Filter::default(),
        })
    }

    async fn frozen_audience(&self, id: CampaignId, after: i64, limit: i64) -> Result<Page<AudienceMember>, StoreError> {
        let select = sql!("SELECT position, contact_id, address_id FROM recipient WHERE campaign_id = $1 AND position > $2 ORDER BY position LIMIT $3");
        let mut last = after;
        let mut rows = Vec::new();
        for mut row in self.db().query(select, &params![id, after, limit]).await? {
            last = row.take(0)?;
            rows.push(AudienceMember { contact_id: row.take(1)?, address_id: row.take(2)? });
        }
        let next = (rows.len() as i64 == limit).then_some(last);
        Ok(Page { rows, next })
    }

    /// One chunk of the audience into recipients. Without `after` it goes on behind the last recipient that stands, so
    /// that a worker that was killed in the middle repeats nobody and forgets nobody.
    pub async fn freeze_chunk(&self, id: CampaignId, after: Option<i64>, now: Instant) -> Result<FreezeStep, StoreError> {
        let record = self.campaign(id).await?;
        if record.state != CampaignState::Starting {
            return Ok(FreezeStep::NotOurs);
        }
        if record.sequence.evergreen.is_some() {
            // Its people come in while it runs, the first as the last.
            self.move_campaign(id, CampaignMove::AudienceFrozen, "", now).await?;
            return Ok(FreezeStep::Frozen { audience_size: 0 });
        }
        let after = match after {
            Some(after) => Some(after),
            None => self.last_frozen(id).await?.map(|contact| contact.0),
        };
        let page = match self.campaign_audience(&record, after, FREEZE_CHUNK).await {
            Err(StoreError::NotFound(what)) => {
                self.cancel_because(id, &format!("the campaign's {what} was deleted before the audience was frozen"), now).await?;
                return Ok(FreezeStep::NotOurs);
            }
            page => page?,
        };
        let size = record.audience_size + page.rows.len() as i64;
        // People may have come to its list since somebody looked: what was asked then does not hold for them.
        if page.next.is_none() && let Some(why) = self.is_beyond_approval(id, size).await? {
            self.cancel_because(id, &why, now).await?;
            return Ok(FreezeStep::NotOurs);
        }
        let mut tx = self.db().begin().await?;
        // The size is the fence: whoever added a chunk meanwhile has moved it.
        let fence = sql!("UPDATE campaign SET audience_size = $4 WHERE id = $1 AND tenant_id = $2 AND state = 'starting' AND audience_size = $3");
        if tx.execute(fence, &params![id, self.id, record.audience_size, size]).await? == 0 {
            return Ok(FreezeStep::NotOurs);
        }
        let insert = sql!("INSERT INTO recipient (campaign_id, position, contact_id, address_id) VALUES ($1, $2, $3, $4)");
        let places = (record.audience_size..).zip(&page.rows);
        let batch: Vec<Params> = places.map(|(position, member)| params![id, position, member.contact_id, member.address_id]).collect();
        tx.execute_many(insert, &batch).await?;
        if let Some(after) = page.next {
            tx.commit().await?;
            return Ok(FreezeStep::More { after });
        }
        self.apply_in(&mut tx, &record, CampaignMove::AudienceFrozen, "", now).await?;
        self.commit_move(tx).await?;
        Ok(FreezeStep::Frozen { audience_size: size })
    }

    /// Recipients stand in the order of their contacts.
    async fn last_frozen(&self, id: CampaignId) -> Result<Option<ContactId>, StoreError> {
        let select = sql!("SELECT contact_id FROM recipient WHERE campaign_id = $1 ORDER BY position DESC LIMIT 1");
        Ok(self.db().query_first(select, &params![id]).await?.map(|mut row| row.take(0)).transpose()?)
    }

    /// Finishes a running campaign that has nobody left to ask about, nobody due and nothing on the wire; or whose end
    /// has come. True when it did.
    pub async fn finish_campaign_if_done(&self, id: CampaignId, now: Instant) -> Result<bool, StoreError> {
        let record = self.campaign(id).await?;
        if record.state != CampaignState::Running {
            return Ok(false);
        }
        let over = record.schedule.is_over(now);
        let takes_in = record.sequence.evergreen.is_some_and(|evergreen| now.ms() < evergreen.until_ms);
        if !over && (takes_in || record.next_position < record.audience_size || self.awaits_receipts(&record, now).await?) {
            return Ok(false);
        }
        // Most running campaigns wait for somebody: they cost a read each second, not a transaction that writes.
        let due = sql!("SELECT position FROM due WHERE campaign_id IN (SELECT s.id FROM campaign s WHERE s.sequence_id = $1) LIMIT 1");
        if !over && self.db().query_first(due, &params![id]).await?.is_some() {
            return Ok(false);
        }
        let mut tx = self.db().begin().await?;
        let done = sql!(
            "UPDATE campaign SET state = 'finished', finished_at = $3
             WHERE id = $1 AND tenant_id = $2 AND state = 'running' AND next_position >= audience_size
               AND NOT EXISTS (SELECT 1 FROM due WHERE campaign_id IN (SELECT s.id FROM campaign s WHERE s.sequence_id = $1))
               AND NOT EXISTS (SELECT 1 FROM claim WHERE campaign_id IN (SELECT s.id FROM campaign s WHERE s.sequence_id = $1))"
        );
        // At its end a campaign stops as when it is cancelled: what is on the wire is settled, nothing else goes.
        let ended = sql!("UPDATE campaign SET state = 'finished', finished_at = $3 WHERE id = $1 AND tenant_id = $2 AND state = 'running'");
        if tx.execute(if over { ended } else { done }, &params![id, self.id, now]).await? == 0 {
            return Ok(false);
        }
        self.follow(&mut tx, id, CampaignState::Finished, now).await?;
        let why = self.why_finished(&mut tx, id).await?;
        tx.execute(sql!("UPDATE campaign SET state_reason = $2 WHERE id = $1"), &params![id, why.as_str()]).await?;
        self.forget_due(&mut tx, id).await?;
        self.audit(&mut tx, now, Act::Finished, "campaign", id.0, &why).await?;
        self.tell(&mut tx, WebhookEventKind::CampaignFinished, serde_json::json!({"campaign": id, "state": "finished", "why": why}), now).await?;
        self.queue_exports(&mut tx, id, now).await?;
        self.commit_move(tx).await?;
        Ok(true)
    }

    async fn why_finished(&self, tx: &mut Tx, id: CampaignId) -> Result<String, StoreError> {
        let stood = self.campaign_in(tx, id).await?;
        let count = sql!("SELECT COUNT(DISTINCT position) FROM due WHERE campaign_id IN (SELECT s.id FROM campaign s WHERE s.sequence_id = $1)");
        let waiting: i64 = tx.query_first(count, &params![id]).await?.map_or(Ok(0), |mut row| row.take(0))?;
        let left = stood.audience_size - stood.next_position;
        Ok(match (stood.audience_size, left, waiting) {
            (0, ..) => "nobody was in the audience".to_owned(),
            (_, ..=0, 0) => String::new(),
            (size, left, 0) => format!("its end came; {left} of {size} people were not asked about"),
            (size, left, waiting) => format!("its end came; {} of {size} people were not asked about, and {waiting} waited for their time, another attempt or the next step", left.max(0)),
        })
    }

    /// Messages are out whose receipts could lead to another attempt.
    async fn awaits_receipts(&self, record: &CampaignRecord, now: Instant) -> Result<bool, StoreError> {
        let by_receipt = [Disposition::Expired, Disposition::Undeliverable];
        let could_retry = |record: &CampaignRecord| record.retry.attempts_max > 1 && record.retry.rules.iter().any(|rule| by_receipt.contains(&rule.after));
        let since = now.plus_ms(-RECEIPTS_AWAITED_MS).hour();
        for (place, id) in self.step_ids(record.id).await?.into_iter().enumerate() {
            if !record.at_step(place + 1).as_ref().is_some_and(could_retry) {
                continue;
            }
            let select = sql!("SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM measure WHERE campaign_id = $1 AND disposition = 'accepted' AND hour >= $2");
            let row = self.db().query_first(select, &params![id, since]).await?;
            if row.map(|mut row| row.take::<i64>(0)).transpose()?.is_some_and(|accepted| accepted > 0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Says on a running campaign of calls why its pace is what it is.
    pub async fn note_pace(&self, id: CampaignId, why: &str) -> Result<(), StoreError> {
        let update = sql!("UPDATE campaign SET state_reason = $3 WHERE id = $1 AND tenant_id = $2 AND state = 'running' AND state_reason <> $3");
        self.db().execute(update, &params![id, self.id, why]).await?;
        Ok(())
    }

    /// Says on a scheduled campaign why it has not started yet; it tries again.
    pub async fn note_start_delayed(&self, id: CampaignId, why: &str) -> Result<(), StoreError> {
        let update = sql!("UPDATE campaign SET state_reason = $3 WHERE id = $1 AND tenant_id = $2 AND state = 'scheduled'");
        self.db().execute(update, &params![id, self.id, why]).await?;
        Ok(())
    }
}
