//! Recorded prompts, as they are played: 8 kHz, 16 bits, one channel; and speech that was rendered once for all.

use clarion_domain::audit::event::Act;
use clarion_domain::contacts::list::ListName;
use clarion_domain::id::PromptId;
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, sql};
use crate::params;
use crate::store::{FieldFault, StoreError, Tenant};

/// Ten minutes: longer than anybody listens.
pub const PROMPT_SAMPLES_MAX: usize = 10 * 60 * SAMPLES_A_SECOND;
const SAMPLES_A_SECOND: usize = 8_000;

#[derive(Debug, Clone)]
pub struct PromptRecord {
    pub id: PromptId,
    pub name: String,
    pub duration_ms: i64,
    pub created_by: String,
    pub created_at: Instant,
}

fn read(mut row: Row) -> Result<PromptRecord, StoreError> {
    Ok(PromptRecord { id: row.take(0)?, name: row.take(1)?, duration_ms: row.take(2)?, created_by: row.take(3)?, created_at: row.take(4)? })
}

fn to_bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn to_samples(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

impl Tenant {
    /// Keeps a prompt under a name; one of that name is replaced, for campaigns that start later.
    pub async fn put_prompt(&self, name: &str, samples: &[i16], now: Instant) -> Result<PromptId, StoreError> {
        let name = ListName::new(name).map_err(|error| StoreError::Faults(vec![FieldFault { field: "name", message: error.to_string() }]))?;
        if samples.is_empty() || samples.len() > PROMPT_SAMPLES_MAX {
            return Err(StoreError::Faults(vec![FieldFault { field: "audio", message: "a prompt lasts up to ten minutes and is not empty".into() }]));
        }
        let audio = to_bytes(samples);
        let duration_ms = (samples.len() * 1_000 / SAMPLES_A_SECOND) as i64;
        let hash = blake3::hash(&audio).as_bytes().to_vec();
        let upsert = sql!(
            "INSERT INTO prompt (id, tenant_id, name, audio, duration_ms, content_hash, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (tenant_id, name) DO UPDATE SET audio = excluded.audio, duration_ms = excluded.duration_ms, content_hash = excluded.content_hash,
             created_by = excluded.created_by, created_at = excluded.created_at RETURNING id"
        );
        let mut tx = self.db().begin().await?;
        let values = params![PromptId(self.store.next_id(now)), self.id, name.as_str(), audio, duration_ms, hash, self.actor.to_string(), now];
        let mut row = tx.query_first(upsert, &values).await?.ok_or(DbError::Failed("a prompt without an identifier".into()))?;
        let id: PromptId = row.take(0)?;
        self.audit(&mut tx, now, Act::Created, "prompt", id.0, name.as_str()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Every prompt by name, without its audio.
    pub async fn prompts(&self) -> Result<Vec<PromptRecord>, StoreError> {
        let select = sql!("SELECT id, name, duration_ms, created_by, created_at FROM prompt WHERE tenant_id = $1 ORDER BY name");
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }

    /// The samples of a prompt: 8 kHz, one channel.
    pub async fn prompt_audio(&self, name: &str) -> Result<Vec<i16>, StoreError> {
        let select = sql!("SELECT audio FROM prompt WHERE tenant_id = $1 AND name = $2");
        let mut row = self.db().query_first(select, &params![self.id, name]).await?.ok_or(StoreError::NotFound("prompt"))?;
        Ok(to_samples(&row.take::<Vec<u8>>(0)?))
    }

    pub async fn delete_prompt(&self, id: PromptId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(sql!("DELETE FROM prompt WHERE id = $1 AND tenant_id = $2"), &params![id, self.id]).await? == 0 {
            return Err(StoreError::NotFound("prompt"));
        }
        self.audit(&mut tx, now, Act::Deleted, "prompt", id.0, "").await?;
        Ok(tx.commit().await?)
    }

    /// Speech that was rendered before from the very same words, voice and engine.
    pub async fn rendered_speech(&self, content_hash: &[u8; 32]) -> Result<Option<Vec<i16>>, StoreError> {
        let select = sql!("SELECT audio FROM rendered_speech WHERE tenant_id = $1 AND content_hash = $2");
        let row = self.db().query_first(select, &params![self.id, content_hash.as_slice()]).await?;
        row.map(|mut row| Ok(to_samples(&row.take::<Vec<u8>>(0)?))).transpose()
    }

    /// Keeps rendered speech. Only for words that every person hears alike: what names a person is never kept.
    pub async fn keep_speech(&self, content_hash: &[u8; 32], samples: &[i16], now: Instant) -> Result<(), StoreError> {
        let insert = sql!(
            "INSERT INTO rendered_speech (tenant_id, content_hash, audio, rendered_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant_id, content_hash) DO NOTHING"
        );
        self.db().execute(insert, &params![self.id, content_hash.as_slice(), to_bytes(samples), now]).await?;
        Ok(())
    }
}
