//! The moves of a campaign, each one update that names the state it leaves: of two at once, one is told so.

use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::campaign::{CampaignMove, CampaignState};
use clarion_domain::id::CampaignId;
use clarion_domain::tenancy::four_eyes::AskedAct;
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::WebhookEventKind;

use super::campaign::CampaignRecord;
use super::draft::CampaignDraft;
use crate::db::{Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::tenancy::Carried;
use crate::store::{FieldFault, StoreError, Tenant};

fn act(by: CampaignMove) -> Act {
    match by {
        CampaignMove::Schedule => Act::Scheduled,
        CampaignMove::Start => Act::Started,
        CampaignMove::Pause => Act::Paused,
        CampaignMove::Resume => Act::Resumed,
        CampaignMove::Finish => Act::Finished,
        CampaignMove::Cancel => Act::Cancelled,
        CampaignMove::Unschedule | CampaignMove::AudienceFrozen => Act::Changed,
    }
}

/// As a webhook tells it.
fn told(by: CampaignMove) -> Option<WebhookEventKind> {
    match by {
        CampaignMove::Start => Some(WebhookEventKind::CampaignStarted),
        CampaignMove::Pause => Some(WebhookEventKind::CampaignPaused),
        CampaignMove::Resume => Some(WebhookEventKind::CampaignResumed),
        CampaignMove::Finish => Some(WebhookEventKind::CampaignFinished),
        CampaignMove::Cancel => Some(WebhookEventKind::CampaignCancelled),
        CampaignMove::Unschedule => Some(WebhookEventKind::CampaignUnscheduled),
        CampaignMove::Schedule | CampaignMove::AudienceFrozen => None,
    }
}

impl Tenant {
    /// Sets when the campaign starts by itself. All that a start needs must be there now.
    pub async fn schedule_campaign(&self, id: CampaignId, starts_at: Instant, now: Instant) -> Result<Carried, StoreError> {
        self.carry(AskedAct::StartCampaign { campaign: id, starts_at_ms: Some(starts_at.ms()) }, now).await
    }

    pub(crate) async fn schedule_in(&self, tx: &mut Tx, mut record: CampaignRecord, starts_at: Instant, why: &str, now: Instant) -> Result<(), StoreError> {
        record.schedule.starts_at_ms = Some(starts_at.ms());
        let schedule = serde_json::to_string(&record.schedule).map_err(|error| crate::db::DbError::Failed(error.to_string()))?;
        let update = sql!("UPDATE campaign SET schedule = $3, starts_at = $4 WHERE id = $1 AND tenant_id = $2 AND state = 'draft'");
        tx.execute(update, &params![record.id, self.id, schedule, starts_at]).await?;
        self.apply_noted_in(tx, &record, CampaignMove::Schedule, ["", why], now).await.map(|_| ())
    }

    pub async fn unschedule_campaign(&self, id: CampaignId, now: Instant) -> Result<(), StoreError> {
        self.unschedule_because(id, "", now).await
    }

    /// With the reason why the software could not start it.
    pub async fn unschedule_because(&self, id: CampaignId, why: &str, now: Instant) -> Result<(), StoreError> {
        let mut record = self.campaign(id).await?;
        record.schedule.starts_at_ms = None;
        let mut tx = self.db().begin().await?;
        self.apply_in(&mut tx, &record, CampaignMove::Unschedule, why, now).await?;
        let schedule = serde_json::to_string(&record.schedule).map_err(|error| crate::db::DbError::Failed(error.to_string()))?;
        let update = sql!("UPDATE campaign SET schedule = $3, starts_at = NULL WHERE id = $1 AND tenant_id = $2 AND state = 'draft'");
        tx.execute(update, &params![id, self.id, schedule]).await?;
        self.commit_move(tx).await
    }

    /// Starts now: the audience is frozen next, then messages go. Refused while a file is being loaded into its list, or taken back from it.
    pub async fn start_campaign(&self, id: CampaignId, now: Instant) -> Result<Carried, StoreError> {
        self.carry(AskedAct::StartCampaign { campaign: id, starts_at_ms: None }, now).await
    }

    /// The campaign when it could start now, or at `starts_at`; otherwise what stands in the way.
    pub(crate) async fn startable(&self, id: CampaignId, starts_at: Option<Instant>, now: Instant) -> Result<CampaignRecord, StoreError> {
        let mut record = self.campaign(id).await?;
        if let Some(starts_at) = starts_at {
            if starts_at <= now {
                return Err(StoreError::Faults(vec![FieldFault { field: "schedule", message: "the start has passed: set a later one, or start the campaign now".into() }]));
            }
            record.schedule.starts_at_ms = Some(starts_at.ms());
        }
        let by = if starts_at.is_some() { CampaignMove::Schedule } else { CampaignMove::Start };
        record.state.apply(by).map_err(|error| StoreError::Conflict(error.to_string()))?;
        self.refuse_faults(&CampaignDraft::from(&record), now).await?;
        Ok(record)
    }

    pub(crate) async fn start_in(&self, tx: &mut Tx, record: &CampaignRecord, why: &str, now: Instant) -> Result<(), StoreError> {
        // Who is still being loaded comes into an evergreen campaign as they come.
        if let Some(list) = record.list_id.filter(|_| record.sequence.evergreen.is_none()) {
            let loading = sql!("SELECT id FROM import WHERE tenant_id = $1 AND list_id = $2 AND state IN ('ready', 'loading', 'undoing') LIMIT 1");
            if tx.query_first(loading, &params![self.id, list]).await?.is_some() {
                return Err(StoreError::Conflict(LOADING.into()));
            }
        }
        self.apply_noted_in(tx, record, CampaignMove::Start, ["", why], now).await?;
        self.make_steps(tx, record, now).await
    }

    pub async fn pause_campaign(&self, id: CampaignId, now: Instant) -> Result<(), StoreError> {
        self.pause_because(id, "", now).await
    }

    /// A pause by the software says why.
    pub async fn pause_because(&self, id: CampaignId, why: &str, now: Instant) -> Result<(), StoreError> {
        self.move_campaign(id, CampaignMove::Pause, why, now).await
    }

    pub async fn resume_campaign(&self, id: CampaignId, now: Instant) -> Result<(), StoreError> {
        self.move_campaign(id, CampaignMove::Resume, "", now).await
    }

    /// What is on the wire stays on the wire; nothing else will go.
    pub async fn cancel_campaign(&self, id: CampaignId, now: Instant) -> Result<(), StoreError> {
        self.cancel_because(id, "", now).await
    }

    pub async fn cancel_because(&self, id: CampaignId, why: &str, now: Instant) -> Result<(), StoreError> {
        let record = self.campaign(id).await?;
        let mut tx = self.db().begin().await?;
        self.apply_in(&mut tx, &record, CampaignMove::Cancel, why, now).await?;
        self.forget_due(&mut tx, id).await?;
        self.commit_move(tx).await
    }

    /// Pauses a running campaign one of whose steps the engine cannot go on with; it says why.
    pub async fn pause_campaign_because(&self, id: CampaignId, why: &str, now: Instant) -> Result<(), StoreError> {
        let step = self.campaign(id).await?;
        let why = if step.step > 1 { format!("step {}: {why}", step.step) } else { why.to_owned() };
        self.move_campaign(step.first, CampaignMove::Pause, &why, now).await
    }

    /// Nobody is due any more, at whichever step, nor comes again.
    pub(super) async fn forget_due(&self, tx: &mut Tx, first: CampaignId) -> Result<(), StoreError> {
        tx.execute(sql!("DELETE FROM due WHERE campaign_id IN (SELECT c.id FROM campaign c WHERE c.sequence_id = $1)"), &params![first]).await?;
        tx.execute(sql!("DELETE FROM comes_again WHERE campaign_id = $1"), &params![first]).await?;
        Ok(())
    }

    pub(super) async fn move_campaign(&self, id: CampaignId, by: CampaignMove, why: &str, now: Instant) -> Result<(), StoreError> {
        let record = self.campaign(id).await?;
        let mut tx = self.db().begin().await?;
        self.apply_in(&mut tx, &record, by, why, now).await?;
        self.commit_move(tx).await
    }

    /// The move itself: from the state that was read, or not at all.
    pub(super) async fn apply_in(&self, tx: &mut Tx, record: &CampaignRecord, by: CampaignMove, why: &str, now: Instant) -> Result<CampaignState, StoreError> {
        self.apply_noted_in(tx, record, by, [why, why], now).await
    }

    /// With what stands on the campaign, and in the audit.
    async fn apply_noted_in(&self, tx: &mut Tx, record: &CampaignRecord, by: CampaignMove, [why, detail]: [&str; 2], now: Instant) -> Result<CampaignState, StoreError> {
        refuse_later_step(record)?;
        let next = record.state.apply(by).map_err(|error| StoreError::Conflict(error.to_string()))?;
        let update = sql!(
            "UPDATE campaign SET state = $4, state_reason = $5,
                    started_by = CASE WHEN $4 = 'starting' THEN $6 ELSE started_by END,
                    started_at = CASE WHEN $4 = 'starting' THEN CAST($7 AS BIGINT) ELSE started_at END,
                    finished_at = CASE WHEN $4 IN ('finished', 'cancelled') THEN CAST($7 AS BIGINT) ELSE finished_at END
             WHERE id = $1 AND tenant_id = $2 AND state = $3"
        );
        let values = params![record.id, self.id, record.state.as_str(), next.as_str(), why, self.actor.to_string(), now];
        if tx.execute(update, &values).await? == 0 {
            return Err(StoreError::Conflict("somebody else moved this campaign at the same moment: look at it again".into()));
        }
        self.follow(tx, record.id, next, now).await?;
        self.audit(tx, now, act(by), "campaign", record.id.0, detail).await?;
        if let Some(kind) = told(by) {
            self.tell(tx, kind, serde_json::json!({"campaign": record.id, "state": next.as_str(), "why": why}), now).await?;
        }
        if matches!(next, CampaignState::Finished | CampaignState::Cancelled) {
            self.queue_exports(tx, record.id, now).await?;
        }
        Ok(next)
    }

    /// The steps after the first stand as the first does.
    pub(super) async fn follow(&self, tx: &mut Tx, first: CampaignId, state: CampaignState, now: Instant) -> Result<(), StoreError> {
        let update = sql!(
            "UPDATE campaign SET state = $3, started_at = COALESCE(started_at, CAST($4 AS BIGINT)),
                    finished_at = CASE WHEN $3 IN ('finished', 'cancelled') THEN CAST($4 AS BIGINT) ELSE finished_at END
             WHERE sequence_id = $1 AND tenant_id = $2 AND step > 1"
        );
        tx.execute(update, &params![first, self.id, state.as_str(), now]).await?;
        Ok(())
    }

    pub(crate) async fn commit_move(&self, tx: Tx) -> Result<(), StoreError> {
        tx.commit().await?;
        self.store.signals().raise(Signal::Campaigns);
        Ok(())
    }
}

/// Acts are on the whole campaign.
pub(super) fn refuse_later_step(record: &CampaignRecord) -> Result<(), StoreError> {
    if record.step > 1 {
        return Err(StoreError::Conflict(format!("this is step {} of a campaign: act on the campaign {} itself", record.step, record.first)));
    }
    Ok(())
}

/// Why a start must wait.
pub const LOADING: &str = "a file is still being loaded into the campaign's list, or taken back from it: wait until that is done, or cancel it";
