//! Imports as the portal and the API show them.

use std::collections::BTreeMap;

use clarion_domain::id::{ImportId, ListId};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::intake::mapping::Mapping;
use clarion_domain::intake::reject::RejectReason;
use clarion_domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::db::{Row, sql};
use crate::params;
use crate::seal::DataKey;
use crate::store::{Page, StoreError, Tenant};

pub(super) const SAMPLE_LABEL: &str = "import.sample";

/// How the file was written, as its head tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportFormat {
    /// `csv` or `xlsx`.
    pub kind: String,
    /// In words: `CSV, separated by semicolons, Windows-1252`.
    pub sentence: String,
}

/// What the head of the file told, and the mapping it suggests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProposal {
    pub format: ImportFormat,
    /// The names of the columns, as the first line has them.
    pub headers: Vec<String>,
    pub mapping: Mapping,
}

/// The earlier import of the same bytes.
#[derive(Debug, Clone)]
pub struct RepeatOf {
    pub import: ImportId,
    pub file_name: String,
    pub loaded_at: Option<Instant>,
    pub loaded_by: String,
}

#[derive(Debug, Clone)]
pub struct ImportRecord {
    pub id: ImportId,
    pub source: ImportSource,
    pub state: ImportState,
    pub file_name: String,
    pub file_bytes: i64,
    pub list: Option<(ListId, String)>,
    /// `None` until a worker has read the head.
    pub proposal: Option<ImportProposal>,
    /// The mapping given or confirmed.
    pub mapping: Option<Mapping>,
    pub repeat_of: Option<RepeatOf>,
    /// Why it failed, for the user to read; empty otherwise.
    pub error: String,
    /// Lines in the file, known once it was checked as a whole.
    pub rows_total: Option<i64>,
    pub rows_read: i64,
    pub rows_loaded: i64,
    pub rows_updated: i64,
    pub rows_rejected: i64,
    /// Whether the file itself is still stored.
    pub file_kept: bool,
    pub created_by: String,
    pub created_at: Instant,
    pub finished_at: Option<Instant>,
}

impl ImportRecord {
    /// The columns that are not stored, by their headers.
    #[must_use]
    pub fn dropped_columns(&self) -> Vec<&str> {
        let (Some(proposal), Some(mapping)) = (&self.proposal, &self.mapping) else { return Vec::new() };
        mapping.dropped(&proposal.headers)
    }
}

fn optional_json<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    if text.is_empty() { None } else { serde_json::from_str(text).ok() }
}

fn read(mut row: Row) -> Result<ImportRecord, StoreError> {
    let list_id: Option<ListId> = row.take(5)?;
    let list_name: Option<String> = row.take(6)?;
    let (proposal, mapping): (String, String) = (row.take(7)?, row.take(8)?);
    let repeat: Option<ImportId> = row.take(9)?;
    let repeat_of = match repeat {
        Some(import) => Some(RepeatOf { import, file_name: row.take::<Option<String>>(10)?.unwrap_or_default(), loaded_at: row.take(11)?, loaded_by: row.take::<Option<String>>(12)?.unwrap_or_default() }),
        None => None,
    };
    Ok(ImportRecord {
        id: row.take(0)?,
        source: row.word(1)?,
        state: row.word(2)?,
        file_name: row.take(3)?,
        file_bytes: row.take(4)?,
        list: list_id.map(|id| (id, list_name.unwrap_or_default())),
        proposal: optional_json(&proposal),
        mapping: optional_json(&mapping),
        repeat_of,
        error: row.take(13)?,
        rows_total: row.take(14)?,
        rows_read: row.take(15)?,
        rows_loaded: row.take(16)?,
        rows_updated: row.take(17)?,
        rows_rejected: row.take(18)?,
        file_kept: row.take::<Option<Vec<u8>>>(19)?.is_some(),
        created_by: row.take(20)?,
        created_at: row.take(21)?,
        finished_at: row.take(22)?,
    })
}

impl Tenant {
    /// One import with everything but its rejects.
    pub async fn import(&self, id: ImportId) -> Result<ImportRecord, StoreError> {
        let select = sql!(
            "SELECT i.id, i.source, i.state, i.file_name, i.file_bytes, i.list_id, l.name, i.proposal, i.mapping, i.repeat_of, e.file_name, e.finished_at,
                e.created_by, i.error, i.rows_total, i.rows_read, i.rows_loaded, i.rows_updated, i.rows_rejected, i.wrapped_key, i.created_by, i.created_at, i.finished_at
             FROM import i LEFT JOIN contact_list l ON l.id = i.list_id LEFT JOIN import e ON e.id = i.repeat_of
             WHERE i.tenant_id = $1 AND i.id = $2"
        );
        read(self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("import"))?)
    }

    /// The newest imports first.
    pub async fn imports(&self, before: Option<i64>, limit: i64) -> Result<Page<ImportRecord>, StoreError> {
        let select = sql!(
            "SELECT i.id, i.source, i.state, i.file_name, i.file_bytes, i.list_id, l.name, i.proposal, i.mapping, i.repeat_of, e.file_name, e.finished_at,
                e.created_by, i.error, i.rows_total, i.rows_read, i.rows_loaded, i.rows_updated, i.rows_rejected, i.wrapped_key, i.created_by, i.created_at, i.finished_at
             FROM import i LEFT JOIN contact_list l ON l.id = i.list_id LEFT JOIN import e ON e.id = i.repeat_of
             WHERE i.tenant_id = $1 AND i.id < $2 ORDER BY i.id DESC LIMIT $3"
        );
        let rows = self.db().query(select, &params![self.id, before.unwrap_or(i64::MAX), limit + 1]).await?;
        let records = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(records, limit, |record| record.id.0))
    }

    /// Refused lines by reason. A line with two faults counts under both.
    pub async fn import_counts(&self, id: ImportId) -> Result<BTreeMap<RejectReason, i64>, StoreError> {
        let select = sql!("SELECT c.reason, c.n FROM import_count c JOIN import i ON i.id = c.import_id WHERE i.tenant_id = $1 AND i.id = $2");
        let mut counts = BTreeMap::new();
        for mut row in self.db().query(select, &params![self.id, id]).await? {
            counts.insert(row.word(0)?, row.take(1)?);
        }
        Ok(counts)
    }

    /// The first rows of the file, for the mapping page; empty when it is not kept.
    pub async fn import_sample(&self, id: ImportId) -> Result<Vec<Vec<String>>, StoreError> {
        let select = sql!("SELECT wrapped_key, sealed_sample FROM import WHERE tenant_id = $1 AND id = $2");
        let mut row = self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("import"))?;
        let (Some(wrapped), Some(sealed)) = (row.take::<Option<Vec<u8>>>(0)?, row.take::<Option<Vec<u8>>>(1)?) else { return Ok(Vec::new()) };
        let plain = self.store.keyring().unwrap(&wrapped)?.open(SAMPLE_LABEL, &sealed)?;
        serde_json::from_slice(&plain).map_err(|_| crate::seal::SealError::DoesNotOpen.into())
    }

    pub(super) fn seal_sample(key: &DataKey, rows: &[Vec<String>]) -> Result<Vec<u8>, StoreError> {
        let plain = serde_json::to_vec(rows).map_err(|error| StoreError::Invalid(error.to_string()))?;
        Ok(key.seal(SAMPLE_LABEL, &plain)?)
    }
}
