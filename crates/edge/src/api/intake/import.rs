//! Imports as they stand.

use std::collections::BTreeMap;

use axum::Json;
use clarion_domain::intake::mapping::{ColumnUse, Mapping};
use clarion_store::intake::{ImportRecord, RepeatOf};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{Id, Query};
use crate::api::caller::Caller;
use crate::api::contacts::contact::NamedList;
use crate::api::page::{Listing, PageQuery};
use crate::api::problem::Problem;
use crate::api::wire::{ImportId, ImportSource, ImportState, Time};

/// A file that was loaded, or is being loaded.
#[derive(Serialize, ToSchema)]
pub struct Import {
    id: ImportId,
    source: ImportSource,
    state: ImportState,
    file_name: String,
    file_bytes: i64,
    /// The list on which the loaded contacts are put.
    list: Option<NamedList>,
    /// How the file is written, in words; null until a worker has read its head.
    format: Option<String>,
    /// The columns with their use: the mapping that was confirmed, or else the proposed one. Null until the head was read.
    columns: Option<Vec<Column>>,
    /// Set when the same bytes were loaded before.
    repeat_of: Option<Repeat>,
    /// Why it failed; empty otherwise.
    error: String,
    /// Lines in the file, known once it was checked as a whole.
    rows_total: Option<i64>,
    rows_read: i64,
    rows_loaded: i64,
    rows_updated: i64,
    rows_rejected: i64,
    created_by: String,
    created_at: Time,
    finished_at: Option<Time>,
}

/// One column of the file.
#[derive(Serialize, ToSchema)]
pub struct Column {
    /// Its name in the file's first line.
    header: String,
    /// The contact's field that it fills (`phone`, `reference`, `first_name`, `last_name`, `user_id`, or a declared
    /// one); null for a column that is dropped and never stored.
    field: Option<String>,
}

/// The earlier import of the same bytes.
#[derive(Serialize, ToSchema)]
pub struct Repeat {
    import: ImportId,
    file_name: String,
    loaded_at: Option<Time>,
    loaded_by: String,
}

impl From<RepeatOf> for Repeat {
    fn from(repeat: RepeatOf) -> Self {
        Self { import: repeat.import.into(), file_name: repeat.file_name, loaded_at: repeat.loaded_at.map(Time), loaded_by: repeat.loaded_by }
    }
}

impl From<ImportRecord> for Import {
    fn from(record: ImportRecord) -> Self {
        let (format, headers, proposed) = record.proposal.map_or((None, None, None), |proposal| (Some(proposal.format.sentence), Some(proposal.headers), Some(proposal.mapping)));
        let columns = headers.zip(record.mapping.or(proposed)).map(|(headers, mapping)| columns(headers, &mapping));
        Self {
            id: record.id.into(),
            source: record.source.into(),
            state: record.state.into(),
            file_name: record.file_name,
            file_bytes: record.file_bytes,
            list: record.list.map(|(id, name)| NamedList { id: id.into(), name }),
            format,
            columns,
            repeat_of: record.repeat_of.map(Repeat::from),
            error: record.error,
            rows_total: record.rows_total,
            rows_read: record.rows_read,
            rows_loaded: record.rows_loaded,
            rows_updated: record.rows_updated,
            rows_rejected: record.rows_rejected,
            created_by: record.created_by,
            created_at: record.created_at.into(),
            finished_at: record.finished_at.map(Time),
        }
    }
}

fn columns(headers: Vec<String>, mapping: &Mapping) -> Vec<Column> {
    let field = |place: usize| mapping.columns.get(place).and_then(ColumnUse::field).map(str::to_owned);
    headers.into_iter().enumerate().map(|(place, header)| Column { header, field: field(place) }).collect()
}

/// An import with its refused lines counted.
#[derive(Serialize, ToSchema)]
pub struct ImportDetail {
    import: Import,
    /// Refused lines by reason. A line with two faults counts under both.
    rejects: BTreeMap<String, i64>,
}

pub async fn detail(caller: &Caller, id: clarion_domain::id::ImportId) -> Result<ImportDetail, Problem> {
    let import = caller.tenant.import(id).await?;
    let counts = caller.tenant.import_counts(id).await?;
    Ok(ImportDetail { import: import.into(), rejects: counts.into_iter().map(|(reason, n)| (reason.to_string(), n)).collect() })
}

/// The imports, the newest first
#[utoipa::path(get, path = "/imports", tag = "intake", params(PageQuery), responses((status = 200, body = Listing<Import>)))]
pub async fn list(caller: Caller, Query(page): Query<PageQuery>) -> Result<Json<Listing<Import>>, Problem> {
    Ok(Listing::of(caller.tenant.imports(page.after(), page.limit()).await?, Import::from))
}

/// One import
#[utoipa::path(get, path = "/imports/{import}", tag = "intake", params(("import" = ImportId, Path)), responses((status = 200, body = ImportDetail)))]
pub async fn get(caller: Caller, Id(id): Id<ImportId>) -> Result<Json<ImportDetail>, Problem> {
    Ok(Json(detail(&caller, id.0).await?))
}
