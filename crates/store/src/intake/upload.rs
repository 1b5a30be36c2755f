//! Receiving a file: sealed chunks of one mebibyte, a size limit, and nothing left behind by an upload given up.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ImportId, ListId, SftpAccountId};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::intake::mapping::Mapping;
use clarion_domain::time::Instant;

use super::sftp_file::grow;
use crate::db::{Tx, sql};
use crate::params;
use crate::seal::DataKey;
use crate::signal::Signal;
use crate::store::{Store, StoreError, Tenant};

/// Plain bytes in a stored chunk; all but the last are full, so that a position tells its chunk.
pub(super) const CHUNK_BYTES: usize = 1 << 20;
pub(crate) const CHUNK_LABEL: &str = "import.chunk";
/// The largest file that may be loaded, unless the caller says less.
pub const IMPORT_BYTES_MAX: i64 = 1 << 30;
const FILE_NAME_CHARS_MAX: usize = 200;
const EMPTY: &str = "the file is empty: choose a file with a header line and at least one contact";

/// What is known of a file before its first byte.
#[derive(Debug, Clone)]
pub struct NewImport<'a> {
    pub source: ImportSource,
    /// As the user calls it; shown to the tenant, never used as a path.
    pub file_name: &'a str,
    /// The list on which the loaded contacts are put.
    pub list: Option<ListId>,
    /// A mapping given beforehand: the import does not wait for one.
    pub mapping: Option<&'a Mapping>,
    /// Load without waiting when the proposed mapping has a phone column.
    pub auto_start: bool,
    /// Load without waiting when somebody confirmed the columns of an earlier file with the same header.
    pub reuse_mapping: bool,
    /// Load even when the same bytes were loaded before.
    pub accept_repeat: bool,
    pub bytes_max: i64,
}

impl<'a> NewImport<'a> {
    /// A file that waits for its mapping to be confirmed.
    #[must_use]
    pub fn new(source: ImportSource, file_name: &'a str) -> Self {
        Self { source, file_name, list: None, mapping: None, auto_start: false, reuse_mapping: false, accept_repeat: false, bytes_max: IMPORT_BYTES_MAX }
    }
}

/// A file being received. Give it its bytes in order, then `finish` it or `abort` it.
pub struct Upload {
    tenant: Tenant,
    id: ImportId,
    key: DataKey,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    chunks: i64,
    bytes: i64,
    bytes_max: i64,
    accept_repeat: bool,
    /// The account within whose bounds it must stay, with all else that it sends.
    account: Option<SftpAccountId>,
    /// Some bytes were not taken: what was written before them stays, and it is not the file.
    refused: bool,
}

fn tidy_file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let tidy: String = last.chars().filter(|letter| !letter.is_control()).take(FILE_NAME_CHARS_MAX).collect();
    if tidy.trim().is_empty() { "file".into() } else { tidy }
}

impl Tenant {
    /// Begins to receive a file. It is visible as `receiving` and does nothing until it is finished.
    pub async fn begin_import(&self, new: &NewImport<'_>, now: Instant) -> Result<Upload, StoreError> {
        if let Some(mapping) = new.mapping {
            self.check_mapping(mapping, mapping.columns.len()).await?;
        }
        let mut tx = self.db().begin().await?;
        let upload = self.begin_in(&mut tx, new, now).await?;
        tx.commit().await?;
        Ok(upload)
    }

    /// The same, in a transaction of the caller's.
    pub(crate) async fn begin_in(&self, tx: &mut Tx, new: &NewImport<'_>, now: Instant) -> Result<Upload, StoreError> {
        let id = ImportId(self.store.next_id(now));
        let key = DataKey::random()?;
        let mapping = new.mapping.map(serde_json::to_string).transpose().map_err(|error| StoreError::Invalid(error.to_string()))?.unwrap_or_default();
        if let Some(list) = new.list {
            self.check_list(tx, list).await?;
        }
        let insert = sql!(
            "INSERT INTO import (id, tenant_id, source, state, file_name, file_hash, file_bytes, wrapped_key, list_id, proposal, mapping, auto_start,
                reuse_mapping, error, drop_file, rows_read, rows_loaded, rows_updated, rows_rejected, created_by, created_at)
             VALUES ($1, $2, $3, 'receiving', $4, $5, 0, $6, $7, '', $8, $9, $10, '', 0, 0, 0, 0, 0, $11, $12)"
        );
        let wrapped = self.store.keyring().wrap(&key)?;
        let values = params![id, self.id, new.source.as_str(), tidy_file_name(new.file_name), Vec::new(), wrapped, new.list, mapping, new.auto_start, new.reuse_mapping, self.actor.to_string(), now];
        tx.execute(insert, &values).await?;
        self.audit(tx, now, Act::Created, "import", id.0, "").await?;
        let bytes_max = new.bytes_max.min(IMPORT_BYTES_MAX);
        Ok(Upload { tenant: self.clone(), id, key, hasher: self.keys.index.hasher("file"), buffer: Vec::new(), chunks: 0, bytes: 0, bytes_max, accept_repeat: new.accept_repeat, account: None, refused: false })
    }
}

impl Upload {
    #[must_use]
    pub fn id(&self) -> ImportId {
        self.id
    }

    /// Takes the next bytes, of any length; whole chunks are sealed and written at once.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let taken = self.take(bytes).await;
        self.refused |= taken.is_err();
        taken
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if self.refused {
            return Err(given_up());
        }
        self.bytes += bytes.len() as i64;
        if self.bytes > self.bytes_max {
            let mebibytes = self.bytes_max >> 20;
            return Err(StoreError::Invalid(format!("the file is larger than {mebibytes} MiB, the most that is taken: split it into several files")));
        }
        self.hasher.update(bytes);
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() >= CHUNK_BYTES {
            let rest = self.buffer.split_off(CHUNK_BYTES);
            let chunk = std::mem::replace(&mut self.buffer, rest);
            self.append_chunk(&chunk).await?;
        }
        Ok(())
    }

    async fn append_chunk(&mut self, chunk: &[u8]) -> Result<(), StoreError> {
        // Not into one that was removed meanwhile: whoever did so has said why.
        let insert = sql!("INSERT INTO import_chunk (import_id, position, sealed) SELECT i.id, CAST($2 AS BIGINT), $3 FROM import i WHERE i.id = $1 AND i.state = 'receiving'");
        let sealed = self.key.seal(CHUNK_LABEL, chunk)?;
        let mut tx = self.tenant.db().begin().await?;
        if let Some(account) = self.account {
            grow(&mut tx, account, self.id, self.chunks * CHUNK_BYTES as i64 + chunk.len() as i64).await?;
        }
        if tx.execute(insert, &params![self.id, self.chunks, sealed]).await? == 0 {
            return Err(given_up());
        }
        tx.commit().await?;
        self.chunks += 1;
        Ok(())
    }

    /// Counts against what an account may send.
    pub(super) fn within(mut self, account: SftpAccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// How much of the file has come.
    #[must_use]
    pub fn bytes(&self) -> i64 {
        self.bytes
    }

    /// The file is whole. It waits for a worker, or, when the same bytes are here already, for somebody's yes.
    pub async fn finish(self, now: Instant) -> Result<(ImportId, ImportState), StoreError> {
        if self.refused {
            self.abort().await?;
            return Err(given_up());
        }
        if self.bytes == 0 {
            self.abort().await?;
            return Err(StoreError::Invalid(EMPTY.into()));
        }
        let (tenant, accept_repeat) = (self.tenant.clone(), self.accept_repeat);
        let id = self.pause().await?;
        let mut tx = tenant.db().begin().await?;
        let state = tenant.finish_in(&mut tx, id, accept_repeat).await?;
        tx.commit().await?;
        tracing::debug!(import = %id, at = now.ms(), "file received");
        tenant.store.signals().raise(Signal::Intake);
        Ok((id, state))
    }

    /// Writes down what has come so far, for `Tenant::resume_upload` or `Tenant::finish_in`; the import stays as it is.
    pub(crate) async fn pause(mut self) -> Result<ImportId, StoreError> {
        if self.refused {
            return Ok(self.id);
        }
        let last = std::mem::take(&mut self.buffer);
        if !last.is_empty() {
            self.append_chunk(&last).await?;
        }
        let hash = *self.hasher.finalize().as_bytes();
        let update = sql!("UPDATE import SET file_hash = $1, file_bytes = $2 WHERE tenant_id = $3 AND id = $4 AND state = 'receiving'");
        if self.tenant.db().execute(update, &params![hash, self.bytes, self.tenant.id, self.id]).await? == 0 {
            return Err(given_up());
        }
        Ok(self.id)
    }

    /// Gives the upload up: neither the row nor a chunk is left.
    pub async fn abort(&self) -> Result<(), StoreError> {
        let mut tx = self.tenant.db().begin().await?;
        remove_upload(&mut tx, self.id).await?;
        Ok(tx.commit().await?)
    }
}

fn given_up() -> StoreError {
    StoreError::Conflict("the upload was given up in the meantime: send the file again".into())
}

impl Tenant {
    /// A file that was paused is whole. One without a byte is refused.
    pub(crate) async fn finish_in(&self, tx: &mut Tx, id: ImportId, accept_repeat: bool) -> Result<ImportState, StoreError> {
        let select = sql!("SELECT file_hash, file_bytes FROM import WHERE tenant_id = $1 AND id = $2 AND state = 'receiving'");
        let mut row = tx.query_first(select, &params![self.id, id]).await?.ok_or_else(given_up)?;
        let (hash, bytes): (Vec<u8>, i64) = (row.take(0)?, row.take(1)?);
        if bytes == 0 {
            return Err(StoreError::Invalid(EMPTY.into()));
        }
        // One that is still on its way counts too: two clicks, or two calls, must not both load.
        let earlier = sql!(
            "SELECT id FROM import WHERE tenant_id = $1 AND file_hash = $2
             AND state IN ('received', 'awaiting_mapping', 'ready', 'loading', 'loaded') ORDER BY id DESC LIMIT 1"
        );
        let repeat_of: Option<i64> = tx.query_first(earlier, &params![self.id, hash]).await?.map(|mut row| row.take(0)).transpose()?;
        let state = if repeat_of.is_some() && !accept_repeat { ImportState::AwaitingRepeat } else { ImportState::Received };
        let update = sql!("UPDATE import SET state = $1, repeat_of = $2 WHERE tenant_id = $3 AND id = $4 AND state = 'receiving'");
        if tx.execute(update, &params![state.as_str(), repeat_of, self.id, id]).await? == 0 {
            return Err(given_up());
        }
        Ok(state)
    }

    /// Goes on with a paused upload, or with one whose sender was cut off: what was not yet in a full chunk then is lost.
    pub(super) async fn resume_upload(&self, id: ImportId, bytes_max: i64) -> Result<Upload, StoreError> {
        let select = sql!("SELECT wrapped_key FROM import WHERE tenant_id = $1 AND id = $2 AND state = 'receiving'");
        let mut row = self.db().query_first(select, &params![self.id, id]).await?.ok_or_else(given_up)?;
        let wrapped: Option<Vec<u8>> = row.take(0)?;
        let key = self.store.keyring().unwrap(&wrapped.ok_or_else(given_up)?)?;
        let mut upload = Upload { tenant: self.clone(), id, key, hasher: self.keys.index.hasher("file"), buffer: Vec::new(), chunks: 0, bytes: 0, bytes_max: bytes_max.min(IMPORT_BYTES_MAX), accept_repeat: false, account: None, refused: false };
        let chunk = sql!("SELECT sealed FROM import_chunk WHERE import_id = $1 AND position = $2");
        while let Some(mut row) = self.db().query_first(chunk, &params![id, upload.chunks]).await? {
            let plain = upload.key.open(CHUNK_LABEL, &row.take::<Vec<u8>>(0)?)?;
            upload.hasher.update(&plain);
            upload.bytes += plain.len() as i64;
            if plain.len() < CHUNK_BYTES {
                // The tail is written anew when its chunk is full, or at the next pause.
                upload.buffer = plain.to_vec();
                let mut tx = self.db().begin().await?;
                tx.execute(sql!("DELETE FROM import_chunk WHERE import_id = $1 AND position = $2"), &params![id, upload.chunks]).await?;
                let update = sql!("UPDATE import SET file_bytes = $1 WHERE tenant_id = $2 AND id = $3");
                tx.execute(update, &params![upload.chunks * CHUNK_BYTES as i64, self.id, id]).await?;
                tx.commit().await?;
                break;
            }
            upload.chunks += 1;
        }
        Ok(upload)
    }
}

/// Neither the row nor a chunk is left, nor its place in a folder.
pub(crate) async fn remove_upload(tx: &mut Tx, id: ImportId) -> Result<(), StoreError> {
    // Held, as its sender may still be writing: a chunk that came after the others were deleted would keep the row from going.
    let hold = sql!("SELECT id FROM import WHERE id = $1 AND state = 'receiving'", postgres "SELECT id FROM import WHERE id = $1 AND state = 'receiving' FOR UPDATE");
    if tx.query_first(hold, &params![id]).await?.is_none() {
        return Ok(());
    }
    tx.execute(sql!("DELETE FROM import_chunk WHERE import_id = $1"), &params![id]).await?;
    tx.execute(sql!("DELETE FROM sftp_file WHERE import_id = $1"), &params![id]).await?;
    tx.execute(sql!("DELETE FROM import WHERE id = $1"), &params![id]).await?;
    Ok(())
}

impl Store {
    /// Removes uploads that began before `before` and never ended: their sender is gone. Returns how many.
    pub async fn remove_stale_uploads(&self, before: Instant) -> Result<usize, StoreError> {
        let select = sql!("SELECT id FROM import WHERE state = 'receiving' AND created_at < $1");
        let stale = self.db().query(select, &params![before]).await?;
        let count = stale.len();
        for mut row in stale {
            let mut tx = self.db().begin().await?;
            remove_upload(&mut tx, row.take(0)?).await?;
            tx.commit().await?;
        }
        Ok(count)
    }
}
