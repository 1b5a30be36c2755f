//! A running campaign of calls as the dialler knows it.

use std::sync::Arc;

use clarion_domain::attempts::recording::RecordingSettings;
use clarion_domain::campaigns::call_pacing::{CallPacing, PaceEvent, PacingMode, Predictor};
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::script::Script;
use clarion_domain::carriers::rate::RateBucket;
use clarion_domain::time::{DAY_MS, Instant, SECOND_MS};
use clarion_store::campaigns::CampaignRecord;
use clarion_store::compliance::CampaignTerms;
use clarion_store::outcomes::AbandonmentDay;
use clarion_store::{StoreError, Tenant};
use jiff::civil::Date;

use super::ahead::{Permits, RestOfDay};
use super::sounds::{SoundError, Sounds};
use super::speech::SpeechEngine;

/// The campaign, the tenant's limits and the software's rules are read anew so often.
const TERMS_LAST_MS: i64 = 5 * SECOND_MS;
/// After a restart the model learns again from the campaign's last calls of so long: it forgets older ones anyway.
const LEARNED_FROM_MS: i64 = 2 * DAY_MS;
const LEARNED_FROM_CALLS: i64 = 3_000;

pub(super) struct CallCampaign {
    pub tenant: Tenant,
    pub caller_id: Arc<str>,
    pub script: Arc<Script>,
    /// As written: a script that is the same need not be rendered again.
    source: String,
    pub pacing: CallPacing,
    pub retry: Arc<RetryRules>,
    pub recording: Arc<RecordingSettings>,
    pub terms: CampaignTerms,
    pub sounds: Arc<Sounds>,
    made_at: Instant,
    pub bucket: RateBucket,
    /// Nobody is due before.
    pub idle_until: Instant,
    /// Nobody was when it was last asked.
    pub is_nobody_due: bool,
    /// Why the pace is what it is, for the live page.
    pub why: String,
    /// What a predictive campaign has learned.
    pub predictor: Option<Predictor>,
    /// What is left of the day, and how many of its people the rules let through.
    pub rest: RestOfDay,
    pub permits: Permits,
    /// The 30 days of abandoned calls as they stand in the store; `None` after something was added.
    pub counted: Option<Vec<AbandonmentDay>>,
    /// The day on which it fell back to one call for each free agent, until that day is over; and whether the store knows.
    pub latched: Option<(Date, bool)>,
}

/// Why a campaign cannot be dialled.
#[derive(Debug, thiserror::Error)]
pub(super) enum CampaignError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the script has faults: {0}")]
    Script(String),
    #[error("{0}")]
    Sound(SoundError),
}

impl From<SoundError> for CampaignError {
    fn from(error: SoundError) -> Self {
        match error {
            SoundError::Store(error) => Self::Store(error),
            error @ SoundError::Speech(_) => Self::Sound(error),
        }
    }
}

impl CallCampaign {
    /// Reads and prepares a campaign; what was rendered for `before` is used again.
    pub async fn load(tenant: Tenant, record: &CampaignRecord, before: Option<Self>, engine: &Arc<SpeechEngine>, now: Instant) -> Result<Self, CampaignError> {
        let terms = tenant.campaign_terms(record).await?;
        let (script, sounds) = match &before {
            Some(before) if before.source == record.script && *before.recording == record.recording && !before.sounds.are_stale(now) => (before.script.clone(), before.sounds.clone()),
            _ => {
                let script = tenant.check_script(&record.script).await?.map_err(|faults| CampaignError::Script(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
                let sounds = Sounds::prepare(&tenant, &script, record, engine, now).await?;
                (script, Arc::new(sounds))
            }
        };
        let rate = record.call_pacing.calls_per_second_max;
        let bucket = match &before {
            Some(before) if before.pacing.calls_per_second_max == rate => before.bucket,
            _ => RateBucket::new(rate, now),
        };
        let predictor = match (record.call_pacing.pace, before.as_ref().and_then(|before| before.predictor.clone())) {
            (PacingMode::Predictive { .. }, None) => Some(learn(&tenant, record, now).await?),
            (PacingMode::Predictive { .. }, known) => known,
            _ => None,
        };
        let rest = RestOfDay::read(&tenant, record, &terms, now).await?;
        Ok(Self {
            tenant,
            caller_id: record.sender.as_str().into(),
            script,
            source: record.script.clone(),
            pacing: record.call_pacing,
            retry: Arc::new(record.retry.clone()),
            recording: Arc::new(record.recording.clone()),
            terms,
            sounds,
            made_at: now,
            bucket,
            idle_until: before.as_ref().map_or(Instant(0), |before| before.idle_until),
            is_nobody_due: before.as_ref().is_some_and(|before| before.is_nobody_due),
            predictor,
            rest,
            permits: before.as_ref().map_or_else(Permits::default, |before| before.permits),
            counted: None,
            latched: before.as_ref().and_then(|before| before.latched),
            why: before.map_or_else(String::new, |before| before.why),
        })
    }

    pub fn is_stale(&self, now: Instant) -> bool {
        now.ms() - self.made_at.ms() > TERMS_LAST_MS
    }

    pub fn note(&mut self, event: PaceEvent) {
        if let Some(predictor) = &mut self.predictor {
            predictor.note(event);
        }
    }

    /// The group of targets that the script puts people through to; pacing counts the slots of the first.
    pub fn group(&self) -> Option<&str> {
        self.script.targets().first().copied()
    }
}

/// The model is not stored: the calls are, with every time that it learns from, and no version of ours has to read what another wrote. How
/// long agents wrap up is learned anew.
async fn learn(tenant: &Tenant, record: &CampaignRecord, now: Instant) -> Result<Predictor, StoreError> {
    let mut predictor = Predictor::new();
    for call in tenant.past_calls(record.id, now.plus_ms(-LEARNED_FROM_MS), LEARNED_FROM_CALLS).await? {
        let age = |at: Instant| at.ms() - call.dialled_at.ms();
        match (call.bridged_at, call.information_at) {
            (Some(bridged_at), _) => {
                predictor.note(PaceEvent::Answered { age_ms: age(bridged_at) });
                predictor.note(PaceEvent::PutThrough);
                predictor.note(PaceEvent::TalkEnded { age_ms: call.ended_at.ms() - bridged_at.ms() });
            }
            (None, Some(information_at)) => {
                predictor.note(PaceEvent::Answered { age_ms: age(information_at) });
                predictor.note(PaceEvent::Abandoned);
            }
            (None, None) => predictor.note(PaceEvent::NotAnswered { age_ms: age(call.ended_at) }),
        }
    }
    Ok(predictor)
}
