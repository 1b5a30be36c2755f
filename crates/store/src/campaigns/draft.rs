//! A campaign as its author writes it. A draft may be unfinished; what a start needs is `faults`' to say.

use clarion_domain::attempts::recording::RecordingSettings;
use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::call_pacing::CallPacing;
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::Schedule;
use clarion_domain::campaigns::sequence::Sequence;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::contacts::list::ListName;
use clarion_domain::id::{CampaignId, FilterId, ListId};
use clarion_domain::time::Instant;

use super::campaign::CampaignRecord;
use crate::db::{DbError, Params, Tx, sql};
use crate::params;
use crate::store::{FieldFault, StoreError, Tenant};

/// Messages a second that a new campaign is given.
const RATE_PER_SECOND_DEFAULT: u32 = 50;

/// What an author writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignDraft {
    pub name: String,
    pub channel: Channel,
    pub purpose: Option<Purpose>,
    /// For `put_through`.
    pub underlying_purpose: Option<Purpose>,
    /// For `incomplete_application`: why it is not marketing, if it is not.
    pub not_marketing_reason: String,
    pub basis: Option<LegalBasis>,
    /// Of the assessment that a legitimate interest needs.
    pub assessment_reference: String,
    pub list_id: Option<ListId>,
    pub filter_id: Option<FilterId>,
    pub body: String,
    /// For calls: what they say and ask.
    pub script: String,
    /// For calls: how fast.
    pub call_pacing: CallPacing,
    /// For calls: what is recorded of them.
    pub recording: RecordingSettings,
    /// For calls the caller ID.
    pub sender: String,
    pub schedule: Schedule,
    pub retry: RetryRules,
    /// Messages a second.
    pub rate_per_second: u32,
    /// What comes after this, what ends it, and whether new people come in.
    pub sequence: Sequence,
}

impl CampaignDraft {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            channel: Channel::Sms,
            purpose: None,
            underlying_purpose: None,
            not_marketing_reason: String::new(),
            basis: None,
            assessment_reference: String::new(),
            list_id: None,
            filter_id: None,
            body: String::new(),
            script: String::new(),
            call_pacing: CallPacing::default(),
            recording: RecordingSettings::default(),
            sender: String::new(),
            schedule: Schedule::default(),
            retry: RetryRules::default(),
            rate_per_second: RATE_PER_SECOND_DEFAULT,
            sequence: Sequence::default(),
        }
    }

    /// As one of its steps has it: `CampaignRecord::at_step`.
    #[must_use]
    pub fn at_step(&self, number: usize) -> Option<Self> {
        if number == 1 {
            return Some(self.clone());
        }
        let step = self.sequence.step(number)?;
        Some(Self {
            channel: step.channel,
            body: step.body.clone(),
            script: step.script.clone(),
            call_pacing: step.call_pacing,
            recording: step.recording.clone(),
            sender: step.sender.clone(),
            retry: step.retry.clone(),
            rate_per_second: step.rate_per_second,
            sequence: Sequence::default(),
            ..self.clone()
        })
    }

    /// With what a channel begins.
    #[must_use]
    pub fn of(channel: Channel, name: &str) -> Self {
        let base = Self::new(name);
        match channel {
            Channel::Sms => base,
            Channel::Voice => Self { channel, retry: RetryRules::for_calls(), ..base },
        }
    }
}

impl From<&CampaignRecord> for CampaignDraft {
    fn from(record: &CampaignRecord) -> Self {
        Self {
            name: record.name.clone(),
            channel: record.channel,
            purpose: record.purpose.map(|stated| stated.purpose),
            underlying_purpose: record.purpose.and_then(|stated| stated.underlying),
            not_marketing_reason: record.not_marketing_reason.clone(),
            basis: record.basis,
            assessment_reference: record.assessment_reference.clone(),
            list_id: record.list_id,
            filter_id: record.filter_id,
            body: record.body.clone(),
            script: record.script.clone(),
            call_pacing: record.call_pacing,
            recording: record.recording.clone(),
            sender: record.sender.clone(),
            schedule: record.schedule.clone(),
            retry: record.retry.clone(),
            rate_per_second: u32::try_from(record.rate_per_second).unwrap_or(u32::MAX),
            sequence: record.sequence.clone(),
        }
    }
}

/// `$3` to `$21` of the statements below.
pub(super) fn values(draft: &CampaignDraft, name: &str) -> Result<Params, StoreError> {
    let json = |error: serde_json::Error| DbError::Failed(error.to_string());
    Ok(params![
        name,
        draft.channel.as_str(),
        draft.purpose.map_or("", Purpose::as_str),
        draft.underlying_purpose.map_or("", Purpose::as_str),
        draft.not_marketing_reason.trim(),
        draft.basis.map_or("", LegalBasis::as_str),
        draft.assessment_reference.trim(),
        draft.list_id,
        draft.filter_id,
        draft.body.as_str(),
        draft.sender.trim(),
        serde_json::to_string(&draft.schedule).map_err(json)?,
        serde_json::to_string(&draft.retry).map_err(json)?,
        i64::from(draft.rate_per_second),
        draft.schedule.starts_at_ms,
        draft.script.as_str(),
        match draft.channel {
            Channel::Voice => serde_json::to_string(&draft.call_pacing).map_err(json)?,
            Channel::Sms => String::new(),
        },
        match draft.channel {
            Channel::Voice => serde_json::to_string(&draft.recording).map_err(json)?,
            Channel::Sms => String::new(),
        },
        if draft.sequence == Sequence::default() { String::new() } else { serde_json::to_string(&draft.sequence).map_err(json)? }
    ])
}

impl Tenant {
    pub async fn create_campaign(&self, draft: &CampaignDraft, now: Instant) -> Result<CampaignId, StoreError> {
        let mut tx = self.db().begin().await?;
        let id = self.create_campaign_in(&mut tx, draft, None, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// With the campaign that it is a copy of, for the audit.
    pub(super) async fn create_campaign_in(&self, tx: &mut Tx, draft: &CampaignDraft, copied: Option<CampaignId>, now: Instant) -> Result<CampaignId, StoreError> {
        let name = self.checked_draft(tx, draft).await?;
        let id = CampaignId(self.store.next_id(now));
        let insert = sql!(
            "INSERT INTO campaign (id, tenant_id, name, channel, purpose, underlying_purpose, not_marketing_reason, legal_basis, assessment_reference,
                                   list_id, filter_id, body, sender, schedule, retry, rate_per_second, starts_at, script, call_settings, recording, sequence, state, audience_size, next_position,
                                   state_reason, created_by, created_at, started_by, started_at, finished_at, sequence_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 'draft', 0, 0, '', $22, $23, '', NULL, NULL, $1)"
        );
        let all = [params![id, self.id], values(draft, name.as_str())?, params![self.actor.to_string(), now]].concat();
        tx.execute(insert, &all).await?;
        let detail = copied.map_or_else(|| name.to_string(), |from| format!("{name}, a copy of {from}"));
        self.audit(tx, now, Act::Created, "campaign", id.0, &detail).await?;
        Ok(id)
    }

    /// Changes a draft, or a scheduled campaign as long as it stays fit to start.
    pub async fn edit_campaign(&self, id: CampaignId, draft: &CampaignDraft, now: Instant) -> Result<(), StoreError> {
        let state = self.campaign(id).await?.state;
        if state == CampaignState::Scheduled {
            self.refuse_faults(draft, now).await?;
            if draft.schedule.starts_at_ms.is_none() {
                return Err(StoreError::Faults(vec![FieldFault { field: "schedule", message: "the campaign is scheduled: set when it starts, or unschedule it first".into() }]));
            }
        }
        let mut tx = self.db().begin().await?;
        let name = self.checked_draft(&mut tx, draft).await?;
        let update = sql!(
            "UPDATE campaign SET name = $3, channel = $4, purpose = $5, underlying_purpose = $6, not_marketing_reason = $7, legal_basis = $8,
                    assessment_reference = $9, list_id = $10, filter_id = $11, body = $12, sender = $13, schedule = $14, retry = $15,
                    rate_per_second = $16, starts_at = $17, script = $18, call_settings = $19, recording = $20, sequence = $21
             WHERE id = $1 AND tenant_id = $2 AND state IN ('draft', 'scheduled') AND state = $22"
        );
        let all = [params![id, self.id], values(draft, name.as_str())?, params![state.as_str()]].concat();
        if tx.execute(update, &all).await? == 0 {
            return Err(StoreError::Conflict("only a draft or a scheduled campaign can be changed: this one has moved on".into()));
        }
        self.audit(&mut tx, now, Act::Changed, "campaign", id.0, "").await?;
        Ok(tx.commit().await?)
    }

    /// The campaign's messages or calls a second, also while it runs.
    pub async fn set_campaign_rate(&self, id: CampaignId, rate_per_second: u32, now: Instant) -> Result<(), StoreError> {
        let fault = |message: String| StoreError::Faults(vec![FieldFault { field: "rate_per_second", message }]);
        let mut tx = self.db().begin().await?;
        let record = self.campaign_in(&mut tx, id).await?;
        let changed = if record.channel == Channel::Voice {
            let pacing = CallPacing { calls_per_second_max: rate_per_second, ..record.call_pacing };
            pacing.check().map_err(|error| fault(error.to_string()))?;
            let update = sql!("UPDATE campaign SET call_settings = $3 WHERE id = $1 AND tenant_id = $2 AND state NOT IN ('finished', 'cancelled')");
            tx.execute(update, &params![id, self.id, serde_json::to_string(&pacing).map_err(|error| DbError::Failed(error.to_string()))?]).await?
        } else {
            let rate = clarion_domain::campaigns::pacing::MessagesPerSecond::new(rate_per_second).map_err(|error| fault(error.to_string()))?;
            let update = sql!("UPDATE campaign SET rate_per_second = $3 WHERE id = $1 AND tenant_id = $2 AND state NOT IN ('finished', 'cancelled')");
            tx.execute(update, &params![id, self.id, i64::from(rate.get())]).await?
        };
        if changed == 0 {
            return Err(StoreError::Conflict("this campaign is over".into()));
        }
        let unit = if record.channel == Channel::Voice { "calls" } else { "messages" };
        self.audit(&mut tx, now, Act::Changed, "campaign", id.0, &format!("{rate_per_second} {unit} a second")).await?;
        tx.commit().await?;
        self.store.signals().raise(crate::signal::Signal::Campaigns);
        Ok(())
    }

    /// What even a draft must be: named, and of this tenant's list and filter.
    async fn checked_draft(&self, tx: &mut Tx, draft: &CampaignDraft) -> Result<ListName, StoreError> {
        let mut faults = Vec::new();
        if let Some(list) = draft.list_id {
            match self.check_list(tx, list).await {
                Err(StoreError::NotFound(_)) => faults.push(FieldFault { field: "list_id", message: "there is no such list: choose one of your lists".into() }),
                Err(StoreError::Conflict(why)) => faults.push(FieldFault { field: "list_id", message: why }),
                whole => whole?,
            }
        }
        if let Some(filter) = draft.filter_id
            && !self.knows_filter(tx, filter).await?
        {
            faults.push(FieldFault { field: "filter_id", message: "there is no such filter: choose one of your saved filters".into() });
        }
        match ListName::new(&draft.name) {
            Ok(name) if faults.is_empty() => Ok(name),
            Ok(_) => Err(StoreError::Faults(faults)),
            Err(error) => {
                faults.insert(0, FieldFault { field: "name", message: error.to_string() });
                Err(StoreError::Faults(faults))
            }
        }
    }

    pub(super) async fn knows_filter(&self, tx: &mut Tx, filter: FilterId) -> Result<bool, StoreError> {
        let known = sql!("SELECT id FROM saved_filter WHERE id = $1 AND tenant_id = $2");
        Ok(tx.query_first(known, &params![filter, self.id]).await?.is_some())
    }
}
