//! A campaign as stored.

use clarion_domain::attempts::recording::RecordingSettings;
use clarion_domain::campaigns::call_pacing::CallPacing;
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::Schedule;
use clarion_domain::campaigns::sequence::Sequence;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose, StatedPurpose};
use clarion_domain::id::{CampaignId, FilterId, ListId};
use clarion_domain::time::Instant;

use super::draft::CampaignDraft;
use super::faults::stated;
use crate::db::{DbError, Row, Statement, Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// Every column, typed.
#[derive(Debug, Clone)]
pub struct CampaignRecord {
    pub id: CampaignId,
    pub name: String,
    pub channel: Channel,
    /// `None` while the draft does not say.
    pub purpose: Option<StatedPurpose>,
    /// Why an incomplete application is not marketing; empty when nothing is claimed.
    pub not_marketing_reason: String,
    pub basis: Option<LegalBasis>,
    pub assessment_reference: String,
    pub state: CampaignState,
    pub list_id: Option<ListId>,
    pub filter_id: Option<FilterId>,
    /// The template's text with its fields.
    pub body: String,
    /// What a call says and asks, as its author wrote it; empty for a campaign of messages.
    pub script: String,
    pub call_pacing: CallPacing,
    /// What is recorded of its calls.
    pub recording: RecordingSettings,
    pub sender: String,
    pub schedule: Schedule,
    pub retry: RetryRules,
    /// 0: as fast as the trunks.
    pub rate_per_second: i64,
    pub starts_at: Option<Instant>,
    pub audience_size: i64,
    /// The first position that was never decided for sending.
    pub next_position: i64,
    /// The campaign that it is a step of: itself, for a first step.
    pub first: CampaignId,
    /// From 1 on. The steps after the first are rows of their own, made at the start, which only their first moves.
    pub step: u8,
    /// The steps after the first, what ends it for a person, and whether new people come in. Of a first step alone.
    pub sequence: Sequence,
    /// Moves with each stop from outside: what a claim read must still be so when it is made.
    pub stops: i64,
    /// Why it stands as it does, for people: a refused start, a pause by the software.
    pub state_reason: String,
    pub created_by: String,
    pub created_at: Instant,
    pub started_by: String,
    pub started_at: Option<Instant>,
    pub finished_at: Option<Instant>,
}

impl CampaignRecord {
    /// Recipients below this were asked about. Those of a later step come from the step before, each at their own time.
    #[must_use]
    pub fn asked_below(&self) -> i64 {
        if self.step > 1 { i64::MAX } else { self.next_position }
    }

    /// The campaign as one of its steps has it: what a step after the first says itself, and for the rest the campaign.
    #[must_use]
    pub fn at_step(&self, number: usize) -> Option<Self> {
        if number == 1 {
            return Some(self.clone());
        }
        let step = self.sequence.step(number)?;
        Some(Self {
            step: u8::try_from(number).ok()?,
            channel: step.channel,
            body: step.body.clone(),
            script: step.script.clone(),
            call_pacing: step.call_pacing,
            recording: step.recording.clone(),
            sender: step.sender.clone(),
            retry: step.retry.clone(),
            rate_per_second: i64::from(step.rate_per_second),
            sequence: Sequence::default(),
            ..self.clone()
        })
    }

    /// A campaign that is not stored: for the preview of a form, and to ask the rules about a number.
    #[must_use]
    pub fn unsaved(draft: &CampaignDraft, now: Instant) -> Self {
        Self {
            id: CampaignId(0),
            name: draft.name.clone(),
            channel: draft.channel,
            purpose: draft.purpose.map(|purpose| stated(draft, purpose)),
            not_marketing_reason: draft.not_marketing_reason.clone(),
            basis: draft.basis,
            assessment_reference: draft.assessment_reference.clone(),
            state: CampaignState::Draft,
            list_id: draft.list_id,
            filter_id: draft.filter_id,
            body: draft.body.clone(),
            script: draft.script.clone(),
            call_pacing: draft.call_pacing,
            recording: draft.recording.clone(),
            sender: draft.sender.clone(),
            schedule: draft.schedule.clone(),
            retry: draft.retry.clone(),
            rate_per_second: i64::from(draft.rate_per_second),
            starts_at: draft.schedule.starts_at_ms.map(Instant),
            audience_size: 0,
            next_position: 0,
            first: CampaignId(0),
            step: 1,
            sequence: draft.sequence.clone(),
            stops: 0,
            state_reason: String::new(),
            created_by: String::new(),
            created_at: now,
            started_by: String::new(),
            started_at: None,
            finished_at: None,
        }
    }
}

/// An empty word is nothing said yet.
fn word_or_none<T: std::str::FromStr>(row: &mut Row, place: usize) -> Result<Option<T>, StoreError>
where
    T::Err: std::fmt::Display,
{
    let text: String = row.take(place)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| DbError::Failed(format!("column {place}: {error}")).into())
}

pub(super) fn read(mut row: Row) -> Result<CampaignRecord, StoreError> {
    let reason: String = row.take(5)?;
    let underlying: Option<Purpose> = word_or_none(&mut row, 4)?;
    let purpose: Option<Purpose> = word_or_none(&mut row, 3)?;
    Ok(CampaignRecord {
        id: row.take(0)?,
        name: row.take(1)?,
        channel: row.word(2)?,
        purpose: purpose.map(|purpose| StatedPurpose { purpose, underlying, reasoned_not_marketing: !reason.trim().is_empty() }),
        not_marketing_reason: reason,
        basis: word_or_none(&mut row, 6)?,
        assessment_reference: row.take(7)?,
        state: row.word(8)?,
        list_id: row.take(9)?,
        filter_id: row.take(10)?,
        body: row.take(11)?,
        sender: row.take(12)?,
        schedule: row.json(13)?,
        retry: row.json(14)?,
        rate_per_second: row.take(15)?,
        starts_at: row.take(16)?,
        audience_size: row.take(17)?,
        next_position: row.take(18)?,
        state_reason: row.take(19)?,
        created_by: row.take(20)?,
        created_at: row.take(21)?,
        started_by: row.take(22)?,
        started_at: row.take(23)?,
        finished_at: row.take(24)?,
        script: row.take(25)?,
        call_pacing: settings(row.take(26)?, "call_settings")?,
        recording: settings(row.take(27)?, "recording")?,
        first: row.take(28)?,
        step: u8::try_from(row.take::<i64>(29)?).unwrap_or(u8::MAX),
        sequence: settings(row.take(30)?, "sequence")?,
        stops: row.take(31)?,
    })
}

/// Nothing is written where there is nothing to say.
fn settings<T: Default + serde::de::DeserializeOwned>(text: String, column: &str) -> Result<T, DbError> {
    if text.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_str(&text).map_err(|error| DbError::Failed(format!("{column}: {error}")))
}

fn by_id() -> &'static Statement {
    sql!(
        "SELECT id, name, channel, purpose, underlying_purpose, not_marketing_reason, legal_basis, assessment_reference, state, list_id, filter_id,
                body, sender, schedule, retry, rate_per_second, starts_at, audience_size, next_position, state_reason,
                created_by, created_at, started_by, started_at, finished_at, script, call_settings, recording, sequence_id, step, sequence, stops
         FROM campaign WHERE id = $1 AND tenant_id = $2"
    )
}

impl Tenant {
    pub async fn campaign(&self, id: CampaignId) -> Result<CampaignRecord, StoreError> {
        read(self.db().query_first(by_id(), &params![id, self.id]).await?.ok_or(StoreError::NotFound("campaign"))?)
    }

    /// The same within a transaction.
    pub async fn campaign_in(&self, tx: &mut Tx, id: CampaignId) -> Result<CampaignRecord, StoreError> {
        read(tx.query_first(by_id(), &params![id, self.id]).await?.ok_or(StoreError::NotFound("campaign"))?)
    }
}
