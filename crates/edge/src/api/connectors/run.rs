//! What a connector did, and what a preview showed.

use axum::Json;
use clarion_store::connectors::{Preview as StoredPreview, RunRecord};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{Id, Ids, Query};
use crate::api::caller::Caller;
use crate::api::page::{Listing, PageQuery};
use crate::api::problem::Problem;
use crate::api::wire::{ConnectorId, ConnectorRunId, ImportId, InstructionId, PullFault, RunKind, RunState, Time};

/// One run.
#[derive(Serialize, ToSchema)]
pub struct ConnectorRun {
    id: ConnectorRunId,
    /// The version that held then.
    instruction: InstructionId,
    kind: RunKind,
    state: RunState,
    /// A word for what was wrong.
    fault: Option<PullFault>,
    /// The same in a sentence.
    what_to_do: String,
    /// HTTP status of the last answer; 0 when there was none.
    last_status: i64,
    pages: i64,
    rows: i64,
    bytes: i64,
    /// Our fields that are mapped and not agreed: dropped.
    dropped: Vec<String>,
    import: Option<ImportId>,
    asked_by: String,
    created_at: Time,
    started_at: Option<Time>,
    finished_at: Option<Time>,
}

impl From<RunRecord> for ConnectorRun {
    fn from(run: RunRecord) -> Self {
        Self {
            id: run.id.into(),
            instruction: run.instruction.into(),
            kind: run.kind.into(),
            state: run.state.into(),
            fault: run.fault.map(PullFault),
            what_to_do: run.fault.map_or(String::new(), |fault| fault.sentence().to_owned()),
            last_status: run.last_status,
            pages: run.pages,
            rows: run.rows,
            bytes: run.bytes,
            dropped: run.dropped,
            import: run.import.map(ImportId),
            asked_by: run.asked_by,
            created_at: run.created_at.into(),
            started_at: run.started_at.map(Time),
            finished_at: run.finished_at.map(Time),
        }
    }
}

/// One field of the client's rows.
#[derive(Serialize, ToSchema)]
pub struct PreviewField {
    name: String,
    /// Ours that it becomes; empty when it is dropped.
    becomes: String,
    /// It is mapped, but its field is not agreed.
    not_agreed: bool,
    /// Of the first values: letters as x, digits as 0.
    shapes: Vec<String>,
}

/// What a preview showed. It is kept for a day.
#[derive(Serialize, ToSchema)]
pub struct ConnectorPreview {
    fields: Vec<PreviewField>,
    rows_seen: i64,
    has_next_page: bool,
}

impl From<StoredPreview> for ConnectorPreview {
    fn from(preview: StoredPreview) -> Self {
        let fields = preview.fields.into_iter().map(|field| PreviewField { name: field.name, becomes: field.becomes, not_agreed: field.not_agreed, shapes: field.shapes });
        Self { fields: fields.collect(), rows_seen: preview.rows_seen, has_next_page: preview.has_next_page }
    }
}

/// A run with its preview.
#[derive(Serialize, ToSchema)]
pub struct ConnectorRunDetail {
    run: ConnectorRun,
    preview: Option<ConnectorPreview>,
}

/// What a connector did, the newest first
#[utoipa::path(get, path = "/connectors/{connector}/runs", tag = "connectors", params(("connector" = ConnectorId, Path), PageQuery), responses((status = 200, body = Listing<ConnectorRun>)))]
pub async fn list(caller: Caller, Id(id): Id<ConnectorId>, Query(page): Query<PageQuery>) -> Result<Json<Listing<ConnectorRun>>, Problem> {
    caller.tenant.connector(id.0).await?;
    Ok(Listing::of(caller.tenant.connector_runs(id.0, page.after(), page.limit()).await?, ConnectorRun::from))
}

/// One run
#[utoipa::path(get, path = "/connectors/{connector}/runs/{run}", tag = "connectors", params(("connector" = ConnectorId, Path), ("run" = ConnectorRunId, Path)), responses((status = 200, body = ConnectorRunDetail)))]
pub async fn get(caller: Caller, Ids(id, run): Ids<ConnectorId, ConnectorRunId>) -> Result<Json<ConnectorRunDetail>, Problem> {
    let (run, preview) = caller.tenant.connector_run(id.0, run.0).await?;
    Ok(Json(ConnectorRunDetail { run: run.into(), preview: preview.map(ConnectorPreview::from) }))
}
