//! A stored file as a seekable stream: one opened chunk in memory, for readers that run on a blocking thread.

use std::io::{Error, ErrorKind, Read, Result as IoResult, Seek, SeekFrom};

use clarion_domain::id::ImportId;
use zeroize::Zeroizing;

use super::upload::{CHUNK_BYTES, CHUNK_LABEL};
use crate::db::sql;
use crate::params;
use crate::seal::DataKey;
use crate::store::{StoreError, Tenant};

/// Reads and seeks over the sealed chunks of one import. Use it inside `spawn_blocking`: each chunk is fetched by
/// blocking on the runtime that opened the file.
pub struct ImportFile {
    tenant: Tenant,
    runtime: tokio::runtime::Handle,
    import: ImportId,
    key: DataKey,
    bytes: u64,
    position: u64,
    /// The chunk in memory and its place.
    chunk: Option<(u64, Zeroizing<Vec<u8>>)>,
}

impl Tenant {
    /// Opens the stored file of an import; fails when its retention has passed.
    pub async fn open_import_file(&self, import: ImportId) -> Result<ImportFile, StoreError> {
        let select = sql!("SELECT wrapped_key, file_bytes FROM import WHERE tenant_id = $1 AND id = $2");
        let mut row = self.db().query_first(select, &params![self.id, import]).await?.ok_or(StoreError::NotFound("import"))?;
        let wrapped: Option<Vec<u8>> = row.take(0)?;
        let wrapped = wrapped.ok_or_else(|| StoreError::Conflict("the file itself is no longer kept: send it again".into()))?;
        let bytes: i64 = row.take(1)?;
        Ok(ImportFile {
            tenant: self.clone(),
            runtime: tokio::runtime::Handle::current(),
            import,
            key: self.store.keyring().unwrap(&wrapped)?,
            bytes: u64::try_from(bytes).unwrap_or(0),
            position: 0,
            chunk: None,
        })
    }
}

impl ImportFile {
    /// The length of the file in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn fetch(&self, place: u64) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let select = sql!(
            "SELECT c.sealed FROM import_chunk c JOIN import i ON i.id = c.import_id WHERE i.tenant_id = $1 AND c.import_id = $2 AND c.position = $3"
        );
        let rows = self.runtime.block_on(self.tenant.db().query(select, &params![self.tenant.id, self.import, place as i64]))?;
        let mut row = rows.into_iter().next().ok_or(StoreError::NotFound("a part of the stored file"))?;
        Ok(self.key.open(CHUNK_LABEL, &row.take::<Vec<u8>>(0)?)?)
    }
}

impl Read for ImportFile {
    fn read(&mut self, out: &mut [u8]) -> IoResult<usize> {
        if self.position >= self.bytes || out.is_empty() {
            return Ok(0);
        }
        let place = self.position / CHUNK_BYTES as u64;
        if self.chunk.as_ref().is_none_or(|(held, _)| *held != place) {
            self.chunk = None;
            self.chunk = Some((place, self.fetch(place).map_err(Error::other)?));
        }
        let (_, chunk) = self.chunk.as_ref().ok_or(ErrorKind::UnexpectedEof)?;
        let from = (self.position % CHUNK_BYTES as u64) as usize;
        let available = chunk.get(from..).filter(|rest| !rest.is_empty()).ok_or(ErrorKind::UnexpectedEof)?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for ImportFile {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        let target = match to {
            SeekFrom::Start(place) => i128::from(place),
            SeekFrom::End(offset) => i128::from(self.bytes) + i128::from(offset),
            SeekFrom::Current(offset) => i128::from(self.position) + i128::from(offset),
        };
        self.position = u64::try_from(target).map_err(|_| Error::new(ErrorKind::InvalidInput, "a seek before the start of the file"))?;
        Ok(self.position)
    }
}
