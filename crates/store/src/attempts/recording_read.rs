//! Recordings as they are listed and heard.

use clarion_domain::attempts::recording::{RECORDING_RATE_HZ, RecordingKind, RecordingMark};
use clarion_domain::id::{AttemptId, CampaignId, ContactId, RecordingId};
use clarion_domain::time::Instant;

use super::alaw;
use super::recording::{chunk_bytes, chunk_label};
use crate::db::{DbError, Row, sql};
use crate::params;
use crate::seal::DataKey;
use crate::store::{Page, StoreError, Tenant};

/// One recording, without its sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingRecord {
    pub id: RecordingId,
    pub campaign: CampaignId,
    pub attempt: AttemptId,
    pub contact: ContactId,
    pub kind: RecordingKind,
    pub step: String,
    pub began_at: Instant,
    /// `None` while it runs.
    pub ended_at: Option<Instant>,
    /// `call`, `script`, `limit` or `crash`.
    pub ended_by: String,
    pub duration_ms: i64,
    pub marks: Vec<RecordingMark>,
    pub is_paused: bool,
    /// Asked for and perhaps not yet done.
    pub pause_wanted: bool,
    /// The law wants it kept until then, whatever the tenant's period says.
    pub keep_until: Option<Instant>,
}

fn read(mut row: Row) -> Result<RecordingRecord, DbError> {
    let kind: RecordingKind = row.word(4)?;
    let (bytes, keep_until): (i64, i64) = (row.take(9)?, row.take(13)?);
    Ok(RecordingRecord {
        id: row.take(0)?,
        campaign: row.take(1)?,
        attempt: row.take(2)?,
        contact: row.take(3)?,
        kind,
        step: row.take(5)?,
        began_at: row.take(6)?,
        ended_at: row.take(7)?,
        ended_by: row.take(8)?,
        duration_ms: bytes * 1_000 / (i64::from(RECORDING_RATE_HZ) * i64::from(kind.channels())),
        marks: row.json(10)?,
        is_paused: row.take(11)?,
        pause_wanted: row.take(12)?,
        keep_until: (keep_until > 0).then_some(Instant(keep_until)),
    })
}

/// The sound of one recording, opened a piece at a time: samples of 16 bits, interleaved, 8,000 a second and channel.
pub struct RecordedSound {
    tenant: Tenant,
    key: DataKey,
    pub record: RecordingRecord,
    bytes: u64,
}

impl RecordedSound {
    #[must_use]
    pub fn channels(&self) -> u8 {
        self.record.kind.channels()
    }

    /// Samples of all channels together.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.bytes
    }

    /// The samples of the chunk in which `sample` lies, from `sample` on; empty after the end.
    pub async fn from(&self, sample: u64) -> Result<Vec<i16>, StoreError> {
        let chunk = chunk_bytes(self.record.kind) as u64;
        if sample >= self.bytes {
            return Ok(Vec::new());
        }
        let (position, skipped) = ((sample / chunk) as i64, (sample % chunk) as usize);
        let select = sql!("SELECT c.sealed FROM recording_chunk c JOIN recording r ON r.id = c.recording_id WHERE r.tenant_id = $1 AND c.recording_id = $2 AND c.position = $3");
        let rows = self.tenant.db().query(select, &params![self.tenant.id, self.record.id, position]).await?;
        let mut row = rows.into_iter().next().ok_or(StoreError::NotFound("a part of the recording"))?;
        let plain = self.key.open(&chunk_label(self.record.id, position), &row.take::<Vec<u8>>(0)?)?;
        let left = usize::try_from(self.bytes - sample).unwrap_or(usize::MAX);
        Ok(plain.iter().skip(skipped).take(left).map(|byte| alaw::decode(*byte)).collect())
    }

    /// All of it, for an export.
    pub async fn whole(&self) -> Result<Vec<i16>, StoreError> {
        let mut samples = Vec::with_capacity(usize::try_from(self.bytes).unwrap_or(0));
        while (samples.len() as u64) < self.bytes {
            let more = self.from(samples.len() as u64).await?;
            if more.is_empty() {
                break;
            }
            samples.extend(more);
        }
        Ok(samples)
    }
}

impl Tenant {
    pub async fn recording(&self, id: RecordingId) -> Result<RecordingRecord, StoreError> {
        let select = sql!(
            "SELECT id, campaign_id, attempt_id, contact_id, kind, step, began_at, ended_at, ended_by, bytes, marks, is_paused, pause_wanted, keep_until
             FROM recording WHERE tenant_id = $1 AND id = $2"
        );
        Ok(read(self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("recording"))?)?)
    }

    /// What was recorded of some calls, the earliest first. For up to a page of calls.
    pub async fn recordings_of_calls(&self, attempts: &[AttemptId]) -> Result<Vec<RecordingRecord>, StoreError> {
        let select = sql!(
            "SELECT id, campaign_id, attempt_id, contact_id, kind, step, began_at, ended_at, ended_by, bytes, marks, is_paused, pause_wanted, keep_until
             FROM recording WHERE attempt_id = $2 AND tenant_id = $1 ORDER BY id"
        );
        let batch: Vec<_> = attempts.iter().map(|attempt| params![self.id, *attempt]).collect();
        let found = if batch.is_empty() { Vec::new() } else { self.db().query_many(select, &batch).await? };
        Ok(found.into_iter().flatten().map(read).collect::<Result<_, _>>()?)
    }

    /// What was recorded of one person, the earliest first.
    pub async fn recordings_of_contact(&self, contact: ContactId) -> Result<Vec<RecordingRecord>, StoreError> {
        let select = sql!(
            "SELECT id, campaign_id, attempt_id, contact_id, kind, step, began_at, ended_at, ended_by, bytes, marks, is_paused, pause_wanted, keep_until
             FROM recording WHERE contact_id = $2 AND tenant_id = $1 ORDER BY id"
        );
        Ok(self.db().query(select, &params![self.id, contact]).await?.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The recordings of a campaign, the newest first.
    pub async fn recordings_of_campaign(&self, campaign: CampaignId, before: Option<i64>, limit: i64) -> Result<Page<RecordingRecord>, StoreError> {
        let select = sql!(
            "SELECT id, campaign_id, attempt_id, contact_id, kind, step, began_at, ended_at, ended_by, bytes, marks, is_paused, pause_wanted, keep_until
             FROM recording WHERE campaign_id = $2 AND id < $3 AND tenant_id = $1 ORDER BY id DESC LIMIT $4"
        );
        let rows = self.db().query(select, &params![self.id, campaign, before.unwrap_or(i64::MAX), limit + 1]).await?;
        let records = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(records, limit, |record| record.id.0))
    }

    /// Opens a recording to be heard. The caller audits who hears it.
    pub async fn recorded_sound(&self, id: RecordingId) -> Result<RecordedSound, StoreError> {
        let record = self.recording(id).await?;
        let select = sql!("SELECT c.wrapped_key, r.bytes FROM contact c JOIN recording r ON r.contact_id = c.id WHERE c.tenant_id = $1 AND r.id = $2");
        let mut row = self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("recording"))?;
        let key = self.person_key(row.take::<Option<Vec<u8>>>(0)?.as_deref())?.ok_or(StoreError::NotFound("recording"))?;
        let bytes: i64 = row.take(1)?;
        Ok(RecordedSound { tenant: self.clone(), key, record, bytes: u64::try_from(bytes).unwrap_or(0) })
    }
}
