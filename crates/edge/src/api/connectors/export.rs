//! Results that go back to the client: made, paused, asked for, and every file with its tries.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_domain::connectors::times::TimesError;
use clarion_store::connectors::{ExportFileRecord, ExportRecord, ExportTry as StoredTry, NewExport as StoredExport};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Body, Id, Ids, Query};
use crate::api::caller::Caller;
use crate::api::once::OnlyOnce;
use crate::api::page::{Listing, PageQuery};
use crate::api::problem::Problem;
use crate::api::wire::{CampaignId, ExportFileId, ExportFileState, ExportFormat, ExportId, ExportState, ExportTarget, InstructionId, SftpAccountId, Time};

/// What an export is to be.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Results", "instruction": "<export_instruction>", "campaign": null, "at_end": true, "after_minutes": 60, "times": "by hand", "format": "csv",
    "target": "https_put", "account": null, "url": "https://crm.example.com/results/{file}"}))]
pub struct NewExport {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Under which it goes: only the columns that were agreed are written.
    instruction: InstructionId,
    /// One campaign, or each.
    campaign: Option<CampaignId>,
    /// When a campaign has ended.
    at_end: bool,
    /// So many minutes after its end: receipts still come in.
    #[schema(minimum = 0, maximum = 10080)]
    after_minutes: i64,
    /// `every 4 hours`, `at 06:00` in the tenant's zone, or `by hand`: of campaigns that ran since.
    times: String,
    format: ExportFormat,
    target: ExportTarget,
    /// The SFTP account in whose `out/` the file lies.
    account: Option<SftpAccountId>,
    /// Where it is sent; `{file}` in it stands for the file's name.
    #[serde(default)]
    #[schema(max_length = 2000)]
    url: String,
}

/// An export, without its secret.
#[derive(Serialize, ToSchema)]
pub struct ResultsExport {
    id: ExportId,
    export: NewExport,
    state: ExportState,
    /// Why the software stopped it.
    stopped_why: String,
    next_at: Option<Time>,
    created_by: String,
    created_at: Time,
}

/// An export that was just made.
#[derive(Serialize, ToSchema)]
pub struct MadeExport {
    export: ResultsExport,
    /// Signs what is sent (Standard Webhooks); empty when it is fetched by SFTP. Keep it now: nobody can be shown it again.
    secret: String,
}

/// A new secret.
#[derive(Serialize, ToSchema)]
pub struct ExportSecret {
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{43}=$")]
    secret: String,
}

/// A file of results.
#[derive(Serialize, ToSchema)]
pub struct ExportFile {
    id: ExportFileId,
    campaign: CampaignId,
    /// The version that held then.
    instruction: InstructionId,
    name: String,
    state: ExportFileState,
    rows: i64,
    bytes: i64,
    tries: i64,
    next_at: Option<Time>,
    /// HTTP status of the last try; 0 when there was no answer.
    last_status: i64,
    last_error: String,
    fetched_at: Option<Time>,
    created_at: Time,
    finished_at: Option<Time>,
}

/// One try to send a file.
#[derive(Serialize, ToSchema)]
pub struct ExportTry {
    tried_at: Time,
    duration_ms: i64,
    status: i64,
    error: String,
}

/// A file, and every try to send it, the newest first.
#[derive(Serialize, ToSchema)]
pub struct ExportFileDetail {
    file: ExportFile,
    tries: Vec<ExportTry>,
}

/// Whose results are exported.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"campaign": "<campaign>"}))]
pub struct ExportAsked {
    campaign: CampaignId,
}

/// A file that was asked for.
#[derive(Serialize, ToSchema)]
pub struct AskedFile {
    file: ExportFileId,
}

impl NewExport {
    fn read(self) -> Result<StoredExport, Problem> {
        Ok(StoredExport {
            name: self.name,
            instruction: self.instruction.0,
            campaign: self.campaign.map(|campaign| campaign.0),
            at_end: self.at_end,
            after_minutes: self.after_minutes,
            times: self.times.parse().map_err(|error: TimesError| Problem::invalid_field("times", error.to_string()))?,
            format: self.format.0,
            target: self.target.0,
            account: self.account.map(|account| account.0),
            url: self.url,
        })
    }
}

impl From<ExportRecord> for ResultsExport {
    fn from(record: ExportRecord) -> Self {
        let new = record.new;
        let export = NewExport {
            name: new.name,
            instruction: new.instruction.into(),
            campaign: new.campaign.map(CampaignId),
            at_end: new.at_end,
            after_minutes: new.after_minutes,
            times: new.times.to_string(),
            format: new.format.into(),
            target: new.target.into(),
            account: new.account.map(SftpAccountId),
            url: new.url,
        };
        Self { id: record.id.into(), export, state: record.state.into(), stopped_why: record.stopped_why, next_at: record.next_at.map(Time), created_by: record.created_by, created_at: record.created_at.into() }
    }
}

impl From<ExportFileRecord> for ExportFile {
    fn from(file: ExportFileRecord) -> Self {
        Self {
            id: file.id.into(),
            campaign: file.campaign.into(),
            instruction: file.instruction.into(),
            name: file.name,
            state: file.state.into(),
            rows: file.rows,
            bytes: file.bytes,
            tries: file.tries,
            next_at: file.next_at.map(Time),
            last_status: file.last_status,
            last_error: file.last_error,
            fetched_at: file.fetched_at.map(Time),
            created_at: file.created_at.into(),
            finished_at: file.finished_at.map(Time),
        }
    }
}

impl From<StoredTry> for ExportTry {
    fn from(tried: StoredTry) -> Self {
        Self { tried_at: tried.tried_at.into(), duration_ms: tried.duration_ms, status: tried.status, error: tried.error }
    }
}

fn only_once(mut response: Response) -> Response {
    response.extensions_mut().insert(OnlyOnce);
    response
}

/// The exports, the newest first
#[utoipa::path(get, path = "/exports", tag = "connectors", responses((status = 200, body = Listing<ResultsExport>)))]
pub async fn list(caller: Caller) -> Result<Json<Listing<ResultsExport>>, Problem> {
    Ok(Listing::whole(caller.tenant.exports().await?, ResultsExport::from))
}

/// Make an export
///
/// The answer holds the secret that signs what is sent. It is shown this once, so a repetition under the same `Idempotency-Key` is a conflict.
#[utoipa::path(post, path = "/exports", tag = "connectors", request_body = NewExport, responses((status = 201, body = MadeExport)))]
pub async fn create(caller: Caller, Body(new): Body<NewExport>) -> Result<Response, Problem> {
    let made = caller.tenant.create_export(&new.read()?, caller.now).await?;
    let export = caller.tenant.export(made.id).await?.into();
    let address = format!("/api/v1/exports/{}", made.id);
    Ok(only_once((StatusCode::CREATED, [(header::LOCATION, address)], Json(MadeExport { export, secret: made.secret })).into_response()))
}

/// One export
#[utoipa::path(get, path = "/exports/{export}", tag = "connectors", params(("export" = ExportId, Path)), responses((status = 200, body = ResultsExport)))]
pub async fn get(caller: Caller, Id(id): Id<ExportId>) -> Result<Json<ResultsExport>, Problem> {
    Ok(Json(caller.tenant.export(id.0).await?.into()))
}

/// Delete an export
///
/// With its files: nobody can fetch them any more.
#[utoipa::path(delete, path = "/exports/{export}", tag = "connectors", params(("export" = ExportId, Path)), responses((status = 204)))]
pub async fn delete(caller: Caller, Id(id): Id<ExportId>) -> Result<StatusCode, Problem> {
    caller.tenant.delete_export(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switch an export on
#[utoipa::path(post, path = "/exports/{export}/resume", tag = "connectors", params(("export" = ExportId, Path)), responses((status = 204)))]
pub async fn resume(caller: Caller, Id(id): Id<ExportId>) -> Result<StatusCode, Problem> {
    caller.tenant.resume_export(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pause an export
///
/// What waits to be written or sent is given up.
#[utoipa::path(post, path = "/exports/{export}/pause", tag = "connectors", params(("export" = ExportId, Path)), responses((status = 204)))]
pub async fn pause(caller: Caller, Id(id): Id<ExportId>) -> Result<StatusCode, Problem> {
    caller.tenant.pause_export(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a new secret
///
/// The old one ends at once. The new one is shown this once.
#[utoipa::path(post, path = "/exports/{export}/secret", tag = "connectors", params(("export" = ExportId, Path)), responses((status = 200, body = ExportSecret)))]
pub async fn rotate(caller: Caller, Id(id): Id<ExportId>) -> Result<Response, Problem> {
    let secret = caller.tenant.rotate_export_secret(id.0, caller.now).await?;
    Ok(only_once(Json(ExportSecret { secret }).into_response()))
}

/// Export one campaign's results now
#[utoipa::path(post, path = "/exports/{export}/files", tag = "connectors", params(("export" = ExportId, Path)), request_body = ExportAsked, responses((status = 202, body = AskedFile)))]
pub async fn ask(caller: Caller, Id(id): Id<ExportId>, Body(asked): Body<ExportAsked>) -> Result<Response, Problem> {
    let file = caller.tenant.export_now(id.0, asked.campaign.0, caller.now).await?.into();
    Ok((StatusCode::ACCEPTED, Json(AskedFile { file })).into_response())
}

/// The files of an export, the newest first
#[utoipa::path(get, path = "/exports/{export}/files", tag = "connectors", params(("export" = ExportId, Path), PageQuery), responses((status = 200, body = Listing<ExportFile>)))]
pub async fn files(caller: Caller, Id(id): Id<ExportId>, Query(page): Query<PageQuery>) -> Result<Json<Listing<ExportFile>>, Problem> {
    caller.tenant.export(id.0).await?;
    Ok(Listing::of(caller.tenant.export_files(id.0, page.after(), page.limit()).await?, ExportFile::from))
}

/// One file, and every try to send it
#[utoipa::path(get, path = "/exports/{export}/files/{file}", tag = "connectors", params(("export" = ExportId, Path), ("file" = ExportFileId, Path)), responses((status = 200, body = ExportFileDetail)))]
pub async fn file(caller: Caller, Ids(id, file): Ids<ExportId, ExportFileId>) -> Result<Json<ExportFileDetail>, Problem> {
    let (file, tries) = caller.tenant.export_file(id.0, file.0).await?;
    Ok(Json(ExportFileDetail { file: file.into(), tries: tries.into_iter().map(ExportTry::from).collect() }))
}

/// Send a file again that was given up
#[utoipa::path(post, path = "/exports/{export}/files/{file}/retry", tag = "connectors", params(("export" = ExportId, Path), ("file" = ExportFileId, Path)), responses((status = 202)))]
pub async fn retry(caller: Caller, Ids(id, file): Ids<ExportId, ExportFileId>) -> Result<StatusCode, Problem> {
    caller.tenant.retry_export_file(id.0, file.0, caller.now).await?;
    Ok(StatusCode::ACCEPTED)
}
