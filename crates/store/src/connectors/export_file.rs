//! A file of results: sealed chunks under a key of its own, read in any place, and gone with that key.

use clarion_domain::audit::event::Act;
use clarion_domain::connectors::export::{ExportFileState, ResultField};
use clarion_domain::id::{CampaignId, ContactId, ExportFileId, ExportId, InstructionId, SftpAccountId};
use clarion_domain::time::Instant;

use crate::campaigns::RecipientRow;
use crate::db::{Row, sql};
use crate::lease::Lease;
use crate::params;
use crate::seal::DataKey;
use crate::store::{Page, StoreError, Tenant};

/// Plain bytes in a stored chunk; all but the last are full, so that a position tells its chunk.
pub const EXPORT_CHUNK_BYTES: usize = 1 << 20;
pub(super) const CHUNK_LABEL: &str = "export.chunk";
/// The newest files that `out/` shows.
const LISTED_MAX: i64 = 2_000;

#[derive(Debug, Clone)]
pub struct ExportFileRecord {
    pub id: ExportFileId,
    pub export: ExportId,
    pub campaign: CampaignId,
    pub instruction: InstructionId,
    pub name: String,
    pub state: ExportFileState,
    pub rows: i64,
    pub bytes: i64,
    pub tries: i64,
    /// When it is written, or tried again; only what waits.
    pub next_at: Option<Instant>,
    pub last_status: i64,
    pub last_error: String,
    pub fetched_at: Option<Instant>,
    pub created_at: Instant,
    pub finished_at: Option<Instant>,
}

/// A file as it was written once. What is written anew is read by nobody who began with what was there before.
#[derive(Debug, Clone, Copy)]
pub struct ExportVersion {
    pub file: ExportFileId,
    pub instruction: InstructionId,
    pub bytes: i64,
}

impl ExportFileRecord {
    #[must_use]
    pub fn version(&self) -> ExportVersion {
        ExportVersion { file: self.id, instruction: self.instruction, bytes: self.bytes }
    }
}

/// One try to send a file.
#[derive(Debug, Clone)]
pub struct ExportTry {
    pub tried_at: Instant,
    pub duration_ms: i64,
    pub status: i64,
    pub error: String,
}

/// A recipient with what may be named of them.
#[derive(Debug, Clone)]
pub struct ResultRow {
    pub recipient: RecipientRow,
    pub reference: String,
    pub user_id: String,
}

fn read(mut row: Row) -> Result<ExportFileRecord, StoreError> {
    let state: ExportFileState = row.word(5)?;
    let next_at: Instant = row.take(9)?;
    Ok(ExportFileRecord {
        id: row.take(0)?,
        export: row.take(1)?,
        campaign: row.take(2)?,
        instruction: row.take(3)?,
        name: row.take(4)?,
        state,
        rows: row.take(6)?,
        bytes: row.take(7)?,
        tries: row.take(8)?,
        next_at: (state == ExportFileState::Waiting).then_some(next_at),
        last_status: row.take(10)?,
        last_error: row.take(11)?,
        fetched_at: row.take(12)?,
        created_at: row.take(13)?,
        finished_at: row.take(14)?,
    })
}

impl Tenant {
    /// The newest files of an export first.
    pub async fn export_files(&self, export: ExportId, before: Option<i64>, limit: i64) -> Result<Page<ExportFileRecord>, StoreError> {
        let select = sql!(
            "SELECT id, export_id, campaign_id, instruction_id, name, state, rows_written, bytes_written, tries, next_at, last_status, last_error, fetched_at, created_at, finished_at
             FROM export_file WHERE tenant_id = $1 AND export_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
        );
        let rows = self.db().query(select, &params![self.id, export, before.unwrap_or(i64::MAX), limit + 1]).await?;
        Ok(Page::cut(rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?, limit, |file| file.id.0))
    }

    /// One file, with the tries to send it, the newest first.
    pub async fn export_file(&self, export: ExportId, id: ExportFileId) -> Result<(ExportFileRecord, Vec<ExportTry>), StoreError> {
        let select = sql!(
            "SELECT id, export_id, campaign_id, instruction_id, name, state, rows_written, bytes_written, tries, next_at, last_status, last_error, fetched_at, created_at, finished_at
             FROM export_file WHERE tenant_id = $1 AND export_id = $2 AND id = $3"
        );
        let file = read(self.db().query_first(select, &params![self.id, export, id]).await?.ok_or(StoreError::NotFound("file"))?)?;
        let select = sql!("SELECT tried_at, duration_ms, status, error FROM export_try WHERE file_id = $1 ORDER BY id DESC LIMIT 200");
        let mut tries = Vec::new();
        for mut row in self.db().query(select, &params![id]).await? {
            tries.push(ExportTry { tried_at: row.take(0)?, duration_ms: row.take(1)?, status: row.take(2)?, error: row.take(3)? });
        }
        Ok((file, tries))
    }

    /// Sends a file again that was given up.
    pub async fn retry_export_file(&self, export: ExportId, id: ExportFileId, now: Instant) -> Result<(), StoreError> {
        self.export_file(export, id).await?;
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE export_file SET state = 'waiting', tries = 0, due_since = $4, next_at = $4, finished_at = NULL WHERE tenant_id = $1 AND export_id = $2 AND id = $3 AND state = 'failed'");
        if tx.execute(update, &params![self.id, export, id, now]).await? == 0 {
            return Err(StoreError::Conflict("only a file that failed can be sent again".into()));
        }
        self.audit(&mut tx, now, Act::Resumed, "export", export.0, &format!("{id} again")).await?;
        tx.commit().await?;
        self.store.signals().raise(crate::signal::Signal::Connectors);
        Ok(())
    }

    /// What lies in an account's `out/`: the newest first, or what is called so. While the instruction was not revoked.
    pub async fn files_for_account(&self, account: SftpAccountId, name: &str) -> Result<Vec<ExportFileRecord>, StoreError> {
        let select = sql!(
            "SELECT f.id, f.export_id, f.campaign_id, f.instruction_id, f.name, f.state, f.rows_written, f.bytes_written, f.tries, f.next_at, f.last_status, f.last_error, f.fetched_at, f.created_at, f.finished_at
             FROM export_file f JOIN result_export e ON e.id = f.export_id JOIN instruction i ON i.id = e.instruction_id
             WHERE f.tenant_id = $1 AND f.account_id = $2 AND f.state = 'ready' AND i.revoked_at IS NULL AND ($3 = '' OR f.name = $3) ORDER BY f.id DESC LIMIT $4"
        );
        self.db().query(select, &params![self.id, account, name, LISTED_MAX]).await?.into_iter().map(read).collect()
    }

    /// One whole chunk of a file; `None` after its end, where nobody may have it any more, and once it was written anew.
    pub async fn read_export_chunk(&self, version: ExportVersion, position: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let select = sql!(
            "SELECT f.wrapped_key, c.sealed FROM export_file f JOIN export_chunk c ON c.file_id = f.id JOIN result_export e ON e.id = f.export_id JOIN instruction i ON i.id = e.instruction_id
             WHERE f.tenant_id = $1 AND f.id = $2 AND c.position = $3 AND f.instruction_id = $4 AND f.bytes_written = $5 AND f.state IN ('ready', 'waiting') AND i.revoked_at IS NULL"
        );
        let Some(mut row) = self.db().query_first(select, &params![self.id, version.file, position, version.instruction, version.bytes]).await? else { return Ok(None) };
        let wrapped: Option<Vec<u8>> = row.take(0)?;
        let key = self.store.keyring().unwrap(&wrapped.ok_or(StoreError::NotFound("file"))?)?;
        Ok(Some(key.open(CHUNK_LABEL, &row.take::<Vec<u8>>(1)?)?.to_vec()))
    }

    /// The client has fetched it to its end. The audit says so also when it was written anew meanwhile, which is then to be fetched again.
    pub async fn export_fetched(&self, file: &ExportFileRecord, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE export_file SET fetched_at = $3 WHERE tenant_id = $1 AND id = $2 AND instruction_id = $4 AND bytes_written = $5");
        tx.execute(update, &params![self.id, file.id, now, file.instruction, file.bytes]).await?;
        self.audit(&mut tx, now, Act::Exported, "export", file.export.0, &format!("{} fetched", file.id)).await?;
        Ok(tx.commit().await?)
    }

    /// Recipients after a position, each where they stand in the whole of the campaign's steps, with what the fields ask for and nothing more.
    pub async fn result_rows(&self, campaign: CampaignId, fields: &[ResultField], after: Option<i64>, limit: i64) -> Result<Page<ResultRow>, StoreError> {
        let page = self.recipients_through(campaign, after, limit).await?;
        let named = fields.contains(&ResultField::Reference) || fields.contains(&ResultField::UserId);
        let ids: Vec<ContactId> = page.rows.iter().map(|row| row.contact_id).collect();
        let mut profiles = std::collections::HashMap::new();
        if named {
            let mut tx = self.db().begin().await?;
            for opened in self.open_contacts(&mut tx, &ids).await? {
                profiles.insert(opened.id, (opened.profile.reference, opened.profile.user_id));
            }
        }
        let row = |recipient: RecipientRow| {
            let (reference, user_id) = profiles.remove(&recipient.contact_id).unwrap_or_default();
            ResultRow { recipient, reference, user_id }
        };
        Ok(Page { next: page.next, rows: page.rows.into_iter().map(row).collect() })
    }

    /// A fresh key for a file that is about to be written; what an earlier try left of it goes.
    pub async fn begin_export_file(&self, id: ExportFileId, lease: &Lease, now: Instant) -> Result<DataKey, StoreError> {
        let key = DataKey::random()?;
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        tx.execute(sql!("DELETE FROM export_chunk WHERE file_id = $1"), &params![id]).await?;
        let update = sql!("UPDATE export_file SET wrapped_key = $3, rows_written = 0, bytes_written = 0 WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'");
        if tx.execute(update, &params![self.id, id, self.store.keyring().wrap(&key)?]).await? == 0 {
            return Err(StoreError::Conflict("this file is no longer wanted".into()));
        }
        tx.commit().await?;
        Ok(key)
    }

    pub async fn append_export_chunk(&self, id: ExportFileId, key: &DataKey, position: i64, bytes: &[u8], lease: &Lease, now: Instant) -> Result<(), StoreError> {
        let sealed = key.seal(CHUNK_LABEL, bytes)?;
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        // Not into one that was given up, erased or deleted meanwhile: nothing would take it out again.
        let insert = sql!(
            "INSERT INTO export_chunk (file_id, position, sealed) SELECT f.id, CAST($3 AS BIGINT), $4 FROM export_file f WHERE f.tenant_id = $1 AND f.id = $2 AND f.state = 'waiting' AND f.wrapped_key IS NOT NULL"
        );
        if tx.execute(insert, &params![self.id, id, position, sealed]).await? == 0 {
            return Err(StoreError::Conflict("this file is no longer wanted".into()));
        }
        Ok(tx.commit().await?)
    }
}
