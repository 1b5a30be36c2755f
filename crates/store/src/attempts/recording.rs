//! Recordings while they run: a row for each, and chunks of two seconds, each sealed with the person's key before it is written.
//!
//! A node that dies leaves what it wrote, which opens as any other; nothing ever stands in clear.

use clarion_domain::attempts::recording::{RECORDING_RATE_HZ, RecordingKind, RecordingMark, kept_at_least_until};
use clarion_domain::audit::event::Act;
use clarion_domain::id::{AddressId, AttemptId, CampaignId, ContactId, RecordingId, TenantId};
use clarion_domain::time::Instant;

use crate::db::{DbError, Params, Tx, sql};
use crate::params;
use crate::seal::{DataKey, SealError};
use crate::signal::Signal;
use crate::store::{Store, StoreError, Tenant};

/// How much of a recording a chunk holds, and so how much a crash may cost.
pub const CHUNK_SECONDS: usize = 2;
/// `RECORDING_RATE_HZ` bytes a second and channel: G.711 A-law.
pub const RECORDING_SECOND_BYTES: usize = RECORDING_RATE_HZ as usize;

/// Bytes of a whole chunk; all but the last are whole, so that a place in a recording tells its chunk.
#[must_use]
pub fn chunk_bytes(kind: RecordingKind) -> usize {
    CHUNK_SECONDS * RECORDING_SECOND_BYTES * usize::from(kind.channels())
}

/// The label binds a chunk to its place: none can be moved to another recording or left out unseen.
pub(super) fn chunk_label(id: RecordingId, position: i64) -> String {
    format!("recording.chunk {} {position}", id.0)
}

/// A recording that begins.
#[derive(Debug, Clone)]
pub struct NewRecording {
    pub id: RecordingId,
    pub tenant: TenantId,
    pub campaign: CampaignId,
    pub attempt: AttemptId,
    pub contact: ContactId,
    pub address: AddressId,
    pub kind: RecordingKind,
    /// The script's step that asked for it, by its name; empty for the others.
    pub step: String,
    /// A pause was asked for before it began.
    pub is_paused: bool,
    pub began_at: Instant,
}

/// Seals a recording's chunks.
pub struct RecordingKey {
    id: RecordingId,
    key: DataKey,
}

impl RecordingKey {
    pub fn seal(&self, position: i64, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        self.key.seal(&chunk_label(self.id, position), plain)
    }
}

/// A sealed chunk on its way to its row.
#[derive(Debug, Clone)]
pub struct RecordingChunk {
    pub recording: RecordingId,
    pub position: i64,
    pub sealed: Vec<u8>,
    /// Of the whole recording, with this chunk.
    pub bytes: i64,
}

/// How a recording that goes on stands.
#[derive(Debug, Clone)]
pub struct RecordingProgress {
    pub recording: RecordingId,
    pub marks: Vec<RecordingMark>,
    pub is_paused: bool,
    /// What the script asked for, in the place of an earlier wish.
    pub pause_wanted: Option<bool>,
    /// When it has ended, and by what: `call`, `script`, `limit`.
    pub ended: Option<(Instant, &'static str)>,
}

impl Tenant {
    /// Keeps that a recording begins. `None` when the person was erased meanwhile: then nothing may be recorded.
    pub async fn begin_recording(&self, new: &NewRecording) -> Result<Option<RecordingKey>, StoreError> {
        let mut tx = self.db().begin().await?;
        let person = sql!("SELECT c.wrapped_key, a.region FROM contact c JOIN address a ON a.contact_id = c.id WHERE c.tenant_id = $1 AND c.id = $2 AND a.id = $3");
        let Some(mut row) = tx.query_first(person, &params![self.id, new.contact, new.address]).await? else { return Ok(None) };
        let (wrapped, region): (Option<Vec<u8>>, String) = (row.take(0)?, row.take(1)?);
        let Some(key) = self.person_key(wrapped.as_deref())? else { return Ok(None) };
        let purpose = self.campaign_in(&mut tx, new.campaign).await?.purpose;
        let keep_until = kept_at_least_until(new.kind, purpose, &region, new.began_at).map_or(0, Instant::ms);
        let insert = sql!(
            "INSERT INTO recording (id, tenant_id, campaign_id, attempt_id, contact_id, node_id, kind, step, began_at, ended_at, ended_by, bytes, marks, is_paused, pause_wanted, keep_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, '', 0, '[]', $10, $10, $11)"
        );
        let values = params![new.id, self.id, new.campaign, new.attempt, new.contact, self.store.node(), new.kind.as_str(), new.step.as_str(), new.began_at, new.is_paused, keep_until];
        tx.execute(insert, &values).await?;
        tx.commit().await?;
        Ok(Some(RecordingKey { id: new.id, key }))
    }

    /// Asks that what is recorded of a call now holds silence, or sound again. Whoever records does it within a moment, and says so.
    pub async fn pause_recording(&self, attempt: AttemptId, paused: bool, now: Instant) -> Result<(), StoreError> {
        self.call(attempt).await?;
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE recording SET pause_wanted = $3 WHERE tenant_id = $1 AND attempt_id = $2 AND ended_at IS NULL RETURNING id");
        let rows = tx.query(update, &params![self.id, attempt, paused]).await?;
        if rows.is_empty() {
            return Err(StoreError::Conflict("nothing of this call is being recorded now".into()));
        }
        let act = if paused { Act::Paused } else { Act::Resumed };
        for mut row in rows {
            self.audit(&mut tx, now, act, "recording", row.take(0)?, "").await?;
        }
        tx.commit().await?;
        self.store.signals().raise(Signal::Recordings);
        Ok(())
    }
}

/// Writes chunks. Returns, for each, whether its recording still stands: one that was erased or ended elsewhere takes none.
pub async fn write_recording_chunks(tx: &mut Tx, chunks: &[RecordingChunk]) -> Result<Vec<bool>, DbError> {
    // The row first: it is held until the commit, so that an erasure takes these chunks too, or they are never written.
    let grow = sql!("UPDATE recording SET bytes = $2 WHERE id = $1 AND ended_at IS NULL");
    let mut stands = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        stands.push(tx.execute(grow, &params![chunk.recording, chunk.bytes]).await? == 1);
    }
    let insert = sql!("INSERT INTO recording_chunk (recording_id, position, sealed) VALUES ($1, $2, $3)");
    let batch: Vec<Params> = chunks.iter().zip(&stands).filter(|(_, stands)| **stands).map(|(chunk, _)| params![chunk.recording, chunk.position, chunk.sealed.clone()]).collect();
    tx.execute_many(insert, &batch).await?;
    Ok(stands)
}

/// Writes how recordings stand, after their chunks.
pub async fn write_recording_progress(tx: &mut Tx, progress: &[RecordingProgress]) -> Result<(), StoreError> {
    let update = sql!("UPDATE recording SET marks = $2, is_paused = $3, ended_at = $4, ended_by = $5, pause_wanted = COALESCE($6, pause_wanted) WHERE id = $1 AND ended_at IS NULL");
    let mut batch: Vec<Params> = Vec::with_capacity(progress.len());
    for one in progress {
        let marks = serde_json::to_string(&one.marks).map_err(|error| StoreError::Invalid(error.to_string()))?;
        batch.push(params![one.recording, marks, one.is_paused, one.ended.map(|(at, _)| at), one.ended.map_or("", |(_, by)| by), one.pause_wanted.map(i64::from)]);
    }
    tx.execute_many(update, &batch).await?;
    Ok(())
}

/// Ends the recordings of calls that a dead node left, in the transaction that settles its claims.
pub async fn end_lost_recordings(tx: &mut Tx, lost: &[AttemptId], now: Instant) -> Result<(), DbError> {
    let update = sql!("UPDATE recording SET ended_at = $2, ended_by = 'crash' WHERE attempt_id = $1 AND ended_at IS NULL");
    let batch: Vec<Params> = lost.iter().map(|id| params![*id, now]).collect();
    tx.execute_many(update, &batch).await?;
    Ok(())
}

impl Store {
    /// At the start of the recorder: what this node's earlier life left open ends as it stands.
    pub async fn end_own_recordings(&self, now: Instant) -> Result<u64, StoreError> {
        let update = sql!("UPDATE recording SET ended_at = $2, ended_by = 'crash' WHERE node_id = $1 AND ended_at IS NULL");
        Ok(self.db().execute(update, &params![self.node(), now]).await?)
    }

    /// Recordings of this node that run, whose pause was asked for or is to end: (recording, paused).
    pub async fn recording_wishes(&self) -> Result<Vec<(RecordingId, bool)>, StoreError> {
        let select = sql!("SELECT id, pause_wanted FROM recording WHERE node_id = $1 AND ended_at IS NULL AND pause_wanted <> is_paused");
        let rows = self.db().query(select, &params![self.node()]).await?;
        Ok(rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect::<Result<_, DbError>>()?)
    }
}
