//! The register of labelled calls: who really answered, beside what the detector had said; and the estimate of its mistakes that
//! the abandoned rate needs (UK-4).
//!
//! A label outlives the recording that was heard for it, and says nothing of anybody by itself.

use std::collections::BTreeMap;

use clarion_domain::attempts::recording::RecordingKind;
use clarion_domain::audit::event::Act;
use clarion_domain::compliance::abandonment::{MistakeEstimate, SAMPLE_MIN, london_day};
use clarion_domain::id::{AttemptId, CampaignId, RecordingId, floor_at};
use clarion_domain::outcomes::answered_by::AnsweredBy;
use clarion_domain::outcomes::call_label::{CallLabel, Cell, Confusion, DETECTOR};
use clarion_domain::time::{DAY_MS, Instant};
use serde::Deserialize;

use crate::db::{DbError, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// Labels of calls so long before the newest count for its estimate.
const SAMPLE_MS: i64 = 183 * DAY_MS;

const HEARD_PAGE: i64 = 2_000;

/// What a call's features say about the detector, without its numbers.
#[derive(Deserialize)]
struct Kept {
    /// Its version and settings.
    detector: Option<String>,
    /// Its word, unless the call ended before it.
    judged: Option<AnsweredBy>,
}

/// A call's label, with the word that the detector had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledCall {
    pub attempt: AttemptId,
    pub campaign: CampaignId,
    pub label: CallLabel,
    pub judged: AnsweredBy,
    pub detector: String,
    pub answered_at: Instant,
    pub labelled_by: String,
    pub labelled_at: Instant,
}

/// What is labelled of one detector's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectorRecord {
    /// Its version and settings.
    pub detector: String,
    pub confusion: Confusion,
    pub first_call_at: Instant,
    pub last_call_at: Instant,
}

impl DetectorRecord {
    /// The one that runs now.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.detector == DETECTOR
    }
}

/// A call that waits for its label, with the recording to be heard for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlabelled {
    pub attempt: AttemptId,
    pub campaign: CampaignId,
    pub campaign_name: String,
    pub recording: RecordingId,
    pub began_at: Instant,
}

impl Tenant {
    /// Says who took a call, in the place of an earlier label. The detector's word is taken from the call itself.
    pub async fn label_call(&self, attempt: AttemptId, label: CallLabel, now: Instant) -> Result<LabelledCall, StoreError> {
        let call = self.call(attempt).await?;
        let answered_at = call.answered_at.ok_or_else(|| StoreError::Conflict("nobody took this call: there is nobody to label".into()))?;
        let kept: Option<Kept> = serde_json::from_str(&call.features).ok();
        let Some(Kept { detector: Some(detector), judged }) = kept else {
            return Err(StoreError::Conflict("the detector did not listen to this call: there is nothing to measure by it".into()));
        };
        let labelled = LabelledCall { attempt, campaign: call.campaign, label, judged: judged.unwrap_or(AnsweredBy::Unsure), detector, answered_at, labelled_by: self.actor.to_string(), labelled_at: now };
        let upsert = sql!(
            "INSERT INTO call_label (attempt_id, tenant_id, campaign_id, label, judged, detector, answered_at, labelled_by, labelled_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (attempt_id) DO UPDATE SET label = excluded.label, labelled_by = excluded.labelled_by, labelled_at = excluded.labelled_at"
        );
        let mut tx = self.db().begin().await?;
        let values = params![attempt, self.id, call.campaign, label.as_str(), labelled.judged.as_str(), labelled.detector.as_str(), answered_at, labelled.labelled_by.as_str(), now];
        tx.execute(upsert, &values).await?;
        self.audit(&mut tx, now, Act::Labelled, "call", attempt.0, label.as_str()).await?;
        tx.commit().await?;
        Ok(labelled)
    }

    /// The labels of some calls.
    pub async fn labels_of(&self, attempts: &[AttemptId]) -> Result<Vec<LabelledCall>, StoreError> {
        let select = sql!(
            "SELECT attempt_id, campaign_id, label, judged, detector, answered_at, labelled_by, labelled_at FROM call_label WHERE attempt_id = $2 AND tenant_id = $1"
        );
        let batch: Vec<_> = attempts.iter().map(|attempt| params![self.id, *attempt]).collect();
        let mut found = Vec::new();
        for mut row in self.db().query_many(select, &batch).await?.into_iter().flatten() {
            found.push(LabelledCall {
                attempt: row.take(0)?,
                campaign: row.take(1)?,
                label: row.word(2)?,
                judged: row.word(3)?,
                detector: row.take(4)?,
                answered_at: row.take(5)?,
                labelled_by: row.take(6)?,
                labelled_at: row.take(7)?,
            });
        }
        Ok(found)
    }

    /// Who took a campaign's answered calls by the detector's word, where it listened: of all, not only of the labelled. It is read from the
    /// calls' own records, some thousands at a time.
    pub async fn heard_by_detector(&self, campaign: CampaignId) -> Result<BTreeMap<AnsweredBy, i64>, StoreError> {
        let select = sql!(
            "SELECT attempt_id, features FROM call WHERE attempt_id > $3 AND campaign_id = $2 AND tenant_id = $1 AND answered_at IS NOT NULL AND features <> ''
             ORDER BY attempt_id LIMIT $4"
        );
        // Identifiers grow with time: the calls of other, earlier days are not looked at.
        let began = self.campaign(campaign).await?.started_at.unwrap_or_default();
        let (mut heard, mut after) = (BTreeMap::new(), floor_at(began.ms()) - 1);
        loop {
            let rows = self.db().query(select, &params![self.id, campaign, after, HEARD_PAGE]).await?;
            let n = rows.len() as i64;
            for mut row in rows {
                after = row.take(0)?;
                let features: String = row.take(1)?;
                if let Ok(Kept { detector: Some(_), judged }) = serde_json::from_str(&features) {
                    *heard.entry(judged.unwrap_or(AnsweredBy::Unsure)).or_default() += 1;
                }
            }
            if n < HEARD_PAGE {
                return Ok(heard);
            }
        }
    }

    /// Calls whose first seconds were recorded and that nobody labelled yet, the earliest first, from the one after `after` on.
    pub async fn unlabelled_calls(&self, after: Option<RecordingId>, limit: i64) -> Result<Vec<Unlabelled>, StoreError> {
        let select = sql!(
            "SELECT r.attempt_id, r.campaign_id, c.name, r.id, r.began_at FROM recording r JOIN campaign c ON c.id = r.campaign_id
             WHERE r.tenant_id = $1 AND r.kind = $2 AND r.id > $3 AND r.ended_at IS NOT NULL AND r.bytes > 0
             AND NOT EXISTS (SELECT 1 FROM call_label l WHERE l.attempt_id = r.attempt_id) ORDER BY r.id LIMIT $4"
        );
        let rows = self.db().query(select, &params![self.id, RecordingKind::Opening.as_str(), after.map_or(0, |after| after.0), limit]).await?;
        let read = |mut row: crate::db::Row| Ok(Unlabelled { attempt: row.take(0)?, campaign: row.take(1)?, campaign_name: row.take(2)?, recording: row.take(3)?, began_at: row.take(4)? });
        Ok(rows.into_iter().map(read).collect::<Result<_, DbError>>()?)
    }

    /// How many wait for their label.
    pub async fn unlabelled_count(&self) -> Result<i64, StoreError> {
        let select = sql!(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM recording r WHERE r.tenant_id = $1 AND r.kind = $2 AND r.ended_at IS NOT NULL AND r.bytes > 0
             AND NOT EXISTS (SELECT 1 FROM call_label l WHERE l.attempt_id = r.attempt_id)"
        );
        let row = self.db().query_first(select, &params![self.id, RecordingKind::Opening.as_str()]).await?;
        Ok(row.map(|mut row| row.take(0)).transpose()?.unwrap_or(0))
    }

    /// The table of confusion of each detector, the latest first.
    pub async fn detector_records(&self) -> Result<Vec<DetectorRecord>, StoreError> {
        let select = sql!(
            "SELECT detector, label, judged, CAST(COUNT(*) AS BIGINT), MIN(answered_at), MAX(answered_at) FROM call_label
             WHERE tenant_id = $1 GROUP BY detector, label, judged ORDER BY detector, label, judged"
        );
        let mut records: Vec<(DetectorRecord, Vec<Cell>)> = Vec::new();
        for mut row in self.db().query(select, &params![self.id]).await? {
            let detector: String = row.take(0)?;
            let cell = Cell { label: row.word(1)?, judged: row.word(2)?, n: u32::try_from(row.take::<i64>(3)?).unwrap_or(u32::MAX) };
            let (first, last): (Instant, Instant) = (row.take(4)?, row.take(5)?);
            match records.last_mut() {
                Some((record, cells)) if record.detector == detector => {
                    (record.first_call_at, record.last_call_at) = (record.first_call_at.min(first), record.last_call_at.max(last));
                    cells.push(cell);
                }
                _ => records.push((DetectorRecord { detector, confusion: Confusion::default(), first_call_at: first, last_call_at: last }, vec![cell])),
            }
        }
        let mut records: Vec<DetectorRecord> = records.into_iter().map(|(record, cells)| DetectorRecord { confusion: cells.into_iter().collect(), ..record }).collect();
        records.sort_by_key(|record| std::cmp::Reverse((record.is_current(), record.last_call_at)));
        Ok(records)
    }

    /// How often the detector that runs now gave a person to a machine, by this tenant's labels; `None` while it has none of such calls.
    pub async fn mistake_estimate(&self) -> Result<Option<MistakeEstimate>, StoreError> {
        let select = sql!(
            "SELECT label, CAST(COUNT(*) AS BIGINT), MAX(answered_at), CAST(COUNT(DISTINCT labelled_by) AS BIGINT) FROM call_label
             WHERE tenant_id = $1 AND detector = $2 AND judged IN ('machine', 'voicemail_ready')
             AND answered_at > (SELECT MAX(answered_at) FROM call_label WHERE tenant_id = $1 AND detector = $2) - $3 GROUP BY label"
        );
        let (mut labelled, mut were_people, mut latest, mut listeners) = (0u32, 0u32, Instant(0), 0i64);
        for mut row in self.db().query(select, &params![self.id, DETECTOR, SAMPLE_MS]).await? {
            let (label, n): (CallLabel, i64) = (row.word(0)?, row.take(1)?);
            let n = u32::try_from(n).unwrap_or(u32::MAX);
            labelled = labelled.saturating_add(n);
            were_people += if label == CallLabel::Human { n } else { 0 };
            latest = latest.max(row.take(2)?);
            listeners = listeners.max(row.take(3)?);
        }
        let method = format!("the first seconds of answered calls, heard and labelled without the detector's word in sight, by {} or more", listeners);
        Ok((labelled > 0).then(|| MistakeEstimate { labelled, were_people, measured_on: london_day(latest), method }))
    }

    /// Why a script may not treat machines otherwise than people yet, and what to do; nothing once it may.
    pub async fn mistakes_untested(&self, now: Instant) -> Result<Option<String>, StoreError> {
        let estimate = self.mistake_estimate().await?;
        if estimate.as_ref().is_some_and(|estimate| estimate.is_tested(london_day(now))) {
            return Ok(None);
        }
        let labelled = estimate.as_ref().map_or(0, |estimate| estimate.labelled);
        let lacks = match SAMPLE_MIN.saturating_sub(labelled) {
            0 => "the latest labelled call is older than half a year".to_owned(),
            missing => format!("{labelled} of {SAMPLE_MIN} calls that it gave to a machine are labelled, {missing} are missing"),
        };
        Ok(Some(format!(
            "this script treats machines otherwise than people, and it is not known how often a person is taken for one (UK-4): {lacks}. Take the way for machines out, \
             let a campaign record the first seconds of its calls, and label them (Campaigns, Labels)"
        )))
    }
}
