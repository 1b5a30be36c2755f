//! What a worker does to an import: its head read, its size known, its end.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ImportId, TenantId};
use clarion_domain::intake::import::ImportState;
use clarion_domain::intake::mapping::{ColumnUse, Mapping, StandardField};
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::WebhookEventKind;
use serde_json::json;

use super::import::ImportProposal;
use crate::db::sql;
use crate::lease::Lease;
use crate::params;
use crate::store::{Store, StoreError, Tenant};

/// Numbers indexed in one row of `import_number`: a blob of one mebibyte.
const INDEXES_IN_ROW: usize = 1 << 17;

/// An import with something for a worker to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingImport {
    pub id: ImportId,
    pub tenant: TenantId,
    pub state: ImportState,
}

fn as_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid(error.to_string()))
}

/// What follows from the head of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadOutcome {
    /// Somebody must confirm the columns.
    AwaitsMapping,
    /// It loads with the mapping given beforehand, or with the proposed one.
    Ready,
}

impl Store {
    /// Every tenant's imports that wait for a worker, the oldest first.
    pub async fn waiting_imports(&self, limit: i64) -> Result<Vec<WaitingImport>, StoreError> {
        let select = sql!("SELECT id, tenant_id, state FROM import WHERE state IN ('received', 'ready', 'loading', 'undoing') ORDER BY id LIMIT $1");
        let rows = self.db().query(select, &params![limit]).await?;
        rows.into_iter().map(|mut row| Ok(WaitingImport { id: row.take(0)?, tenant: row.take(1)?, state: row.word(2)? })).collect()
    }
}

impl Tenant {
    /// Keeps what the head told, with the sample sealed. A mapping given beforehand is checked against the file's columns:
    /// the error is for `fail_import`.
    pub async fn keep_head(&self, id: ImportId, lease: &Lease, proposal: &ImportProposal, sample: &[Vec<String>], now: Instant) -> Result<HeadOutcome, StoreError> {
        let select = sql!("SELECT wrapped_key, mapping, auto_start, reuse_mapping FROM import WHERE tenant_id = $1 AND id = $2");
        let mut row = self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("import"))?;
        let (wrapped, given): (Option<Vec<u8>>, String) = (row.take(0)?, row.take(1)?);
        let key = self.person_key(wrapped.as_deref())?.ok_or(StoreError::NotFound("the stored file"))?;
        let mapping = if given.is_empty() {
            let sure = row.take::<bool>(2)? && proposal.mapping.position_of(StandardField::Phone).is_some();
            let known = if row.take(3)? { self.confirmed_before(&proposal.headers).await? } else { None };
            match known {
                Some(mapping) => as_json(&mapping)?,
                None if sure => as_json(&proposal.mapping)?,
                None => String::new(),
            }
        } else {
            let mapping = serde_json::from_str(&given).map_err(|error| StoreError::Invalid(error.to_string()))?;
            self.check_mapping(&mapping, proposal.headers.len()).await?;
            given
        };
        let state = if mapping.is_empty() { ImportState::AwaitingMapping } else { ImportState::Ready };
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let update = sql!("UPDATE import SET proposal = $1, sealed_sample = $2, mapping = $3, state = $4 WHERE tenant_id = $5 AND id = $6 AND state = 'received'");
        let sealed = Self::seal_sample(&key, sample)?;
        if tx.execute(update, &params![as_json(proposal)?, sealed, mapping, state.as_str(), self.id, id]).await? == 0 {
            return Err(StoreError::Conflict("the import was cancelled".into()));
        }
        if state == ImportState::AwaitingMapping {
            self.tell(&mut tx, WebhookEventKind::ImportAwaitingMapping, json!({"import": id}), now).await?;
        }
        tx.commit().await?;
        Ok(if state == ImportState::Ready { HeadOutcome::Ready } else { HeadOutcome::AwaitsMapping })
    }

    /// The whole file was read once without a fault: loading begins, and from here on always ends.
    pub async fn begin_load(&self, id: ImportId, lease: &Lease, rows_total: i64, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let update = sql!("UPDATE import SET state = 'loading', rows_total = $1 WHERE tenant_id = $2 AND id = $3 AND state = 'ready'");
        if tx.execute(update, &params![rows_total, self.id, id]).await? == 0 {
            return Err(StoreError::Conflict("the import was cancelled".into()));
        }
        Ok(tx.commit().await?)
    }

    /// Keeps the lease while a long file is being read without anything to write.
    pub async fn renew_import(&self, lease: &Lease, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        Ok(tx.commit().await?)
    }

    /// The file cannot be loaded: `error` says why and what to do. Only before loading has begun; nothing is left of the file.
    pub async fn fail_import(&self, id: ImportId, lease: &Lease, error: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let update = sql!("UPDATE import SET state = 'failed', error = $1, finished_at = $2 WHERE tenant_id = $3 AND id = $4 AND state IN ('received', 'ready')");
        if tx.execute(update, &params![error, now, self.id, id]).await? > 0 {
            self.drop_import_file(&mut tx, id).await?;
            self.audit(&mut tx, now, Act::Finished, "import", id.0, "failed").await?;
            self.tell(&mut tx, WebhookEventKind::ImportRejected, json!({"import": id}), now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Every line was read. `indexes` are the hashes of all numbers that the file holds: an erasure finds by them the files
    /// to delete. A file in which an erased person stands is not kept, nor one with a column that was dropped: what no field
    /// was declared for is held nowhere.
    pub async fn finish_load(&self, id: ImportId, lease: &Lease, indexes: &[u64], now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let select = sql!("SELECT drop_file, rows_loaded, rows_updated, rows_rejected, mapping FROM import WHERE tenant_id = $1 AND id = $2 AND state = 'loading'");
        let mut row = tx.query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("import"))?;
        let erased = sql!("SELECT n FROM import_count WHERE import_id = $1 AND reason = 'erased_person'");
        let mapping: Mapping = row.json(4)?;
        let drop_file = row.take(0)? || mapping.columns.contains(&ColumnUse::Dropped) || tx.query_first(erased, &params![id]).await?.is_some();
        tx.execute(sql!("UPDATE import SET state = 'loaded', finished_at = $1 WHERE tenant_id = $2 AND id = $3"), &params![now, self.id, id]).await?;
        if drop_file {
            self.drop_import_file(&mut tx, id).await?;
        } else {
            let insert = sql!("INSERT INTO import_number (import_id, position, indexes) VALUES ($1, $2, $3)");
            for (place, part) in indexes.chunks(INDEXES_IN_ROW).enumerate() {
                let blob: Vec<u8> = part.iter().flat_map(|index| index.to_le_bytes()).collect();
                tx.execute(insert, &params![id, place as i64, blob]).await?;
            }
        }
        let (loaded, updated, rejected): (i64, i64, i64) = (row.take(1)?, row.take(2)?, row.take(3)?);
        self.audit(&mut tx, now, Act::Loaded, "import", id.0, &format!("{loaded} new, {updated} updated, {rejected} rejected")).await?;
        self.tell(&mut tx, WebhookEventKind::ImportLoaded, json!({"import": id, "loaded": loaded, "updated": updated, "rejected": rejected}), now).await?;
        Ok(tx.commit().await?)
    }
}
