//! Connectors: made, changed, tried, switched on and off. The secret is taken and never shown.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clarion_domain::connectors::pull::{FieldFrom as StoredField, PullSettings};
use clarion_domain::connectors::pull_fault::RunKind;
use clarion_domain::connectors::times::TimesError;
use clarion_store::connectors::{ConnectorRecord, NewConnector as StoredConnector};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{Authentication, ConnectorId, ConnectorRunId, ConnectorState, Incremental, InstructionId, ListId, Paging, PullFormat, Time};

/// One field of the client's becomes one of ours.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldFrom {
    /// A name, or a JSON pointer within the row such as `/contact/mobile`.
    #[schema(min_length = 1, max_length = 200)]
    from: String,
    /// A standard field, or one that was declared.
    to: String,
}

/// How the client's system is asked.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorSettings {
    /// An https address on the public internet; asked with GET.
    #[schema(min_length = 1, max_length = 2000)]
    url: String,
    format: PullFormat,
    /// JSON pointer to the list of rows; empty for the whole answer.
    #[serde(default)]
    rows_at: String,
    #[schema(min_items = 1, max_items = 60)]
    fields: Vec<FieldFrom>,
    paging: Paging,
    /// JSON pointer to the next address or cursor.
    #[serde(default)]
    next_at: String,
    /// The parameter that takes the cursor or the page's number.
    #[serde(default)]
    page_parameter: String,
    incremental: Incremental,
    /// The parameter that takes the watermark.
    #[serde(default)]
    since_parameter: String,
    /// The field whose latest value is the watermark: a time with its zone, or a whole number. It cannot be one of `fields`.
    #[serde(default)]
    since_field: String,
    authentication: Authentication,
    #[serde(default)]
    header_name: String,
    #[serde(default)]
    token_url: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    scope: String,
    /// `every 60 minutes`, `every 4 hours`, `at 06:00 18:30` in the tenant's zone, or `by hand`.
    times: String,
}

impl From<PullSettings> for ConnectorSettings {
    fn from(settings: PullSettings) -> Self {
        Self {
            url: settings.url,
            format: settings.format.into(),
            rows_at: settings.rows_at,
            fields: settings.fields.into_iter().map(|field| FieldFrom { from: field.from, to: field.to }).collect(),
            paging: settings.paging.into(),
            next_at: settings.next_at,
            page_parameter: settings.page_parameter,
            incremental: settings.incremental.into(),
            since_parameter: settings.since_parameter,
            since_field: settings.since_field,
            authentication: settings.authentication.into(),
            header_name: settings.header_name,
            token_url: settings.token_url,
            client_id: settings.client_id,
            scope: settings.scope,
            times: settings.times.to_string(),
        }
    }
}

impl ConnectorSettings {
    fn read(self) -> Result<PullSettings, Problem> {
        let times = self.times.parse().map_err(|error: TimesError| Problem::invalid_field("times", error.to_string()))?;
        Ok(PullSettings {
            url: self.url,
            format: self.format.0,
            rows_at: self.rows_at,
            fields: self.fields.into_iter().map(|field| StoredField { from: field.from, to: field.to }).collect(),
            paging: self.paging.0,
            next_at: self.next_at,
            page_parameter: self.page_parameter,
            incremental: self.incremental.0,
            since_parameter: self.since_parameter,
            since_field: self.since_field,
            authentication: self.authentication.0,
            header_name: self.header_name,
            token_url: self.token_url,
            client_id: self.client_id,
            scope: self.scope,
            times,
        })
    }
}

/// What a connector is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Booking system", "instruction": "<instruction>", "list": null, "secret": "s3cret", "settings": {"url": "https://crm.example.com/people", "format": "json", "rows_at": "/data",
    "fields": [{"from": "mobile", "to": "phone"}], "paging": "none", "incremental": "everything", "authentication": "bearer", "times": "by hand"}}))]
pub struct NewConnector {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Under which it pulls: only the fields that were agreed are taken.
    instruction: InstructionId,
    /// The list on which the loaded contacts are put.
    list: Option<ListId>,
    settings: ConnectorSettings,
    /// What it signs in with: the token, the header's value, or the client's secret. Left out, the one that is there stays, unless it would go to another host.
    #[schema(max_length = 4096)]
    secret: Option<String>,
}

impl NewConnector {
    fn read(self) -> Result<StoredConnector, Problem> {
        Ok(StoredConnector { name: self.name, instruction: self.instruction.0, list: self.list.map(|list| list.0), settings: self.settings.read()?, secret: self.secret.map(Into::into) })
    }
}

/// A connector, without its secret.
#[derive(Serialize, ToSchema)]
pub struct Connector {
    id: ConnectorId,
    name: String,
    instruction: InstructionId,
    list: Option<ListId>,
    settings: ConnectorSettings,
    has_secret: bool,
    state: ConnectorState,
    /// Why the software stopped it.
    stopped_why: String,
    /// Failures in a row.
    failures: i64,
    failing_since: Option<Time>,
    /// When it works next by itself.
    next_at: Option<Time>,
    /// How far it has come.
    watermark: String,
    created_by: String,
    created_at: Time,
}

impl From<ConnectorRecord> for Connector {
    fn from(record: ConnectorRecord) -> Self {
        Self {
            id: record.id.into(),
            name: record.name,
            instruction: record.instruction.into(),
            list: record.list.map(|(list, _)| list.into()),
            settings: record.settings.into(),
            has_secret: record.has_secret,
            state: record.state.into(),
            stopped_why: record.stopped_why,
            failures: record.failures,
            failing_since: record.failing_since.map(Time),
            next_at: record.next_at.map(Time),
            watermark: record.watermark,
            created_by: record.created_by,
            created_at: record.created_at.into(),
        }
    }
}

/// A run that was asked for.
#[derive(Serialize, ToSchema)]
pub struct AskedRun {
    run: ConnectorRunId,
}

async fn one(caller: &Caller, id: ConnectorId) -> Result<Connector, Problem> {
    Ok(caller.tenant.connector(id.0).await?.into())
}

/// The connectors, the newest first
#[utoipa::path(get, path = "/connectors", tag = "connectors", responses((status = 200, body = Listing<Connector>)))]
pub async fn list(caller: Caller) -> Result<Json<Listing<Connector>>, Problem> {
    Ok(Listing::whole(caller.tenant.connectors().await?, Connector::from))
}

/// Make a connector
///
/// It is made paused: look at a preview, then switch it on.
#[utoipa::path(post, path = "/connectors", tag = "connectors", request_body = NewConnector, responses((status = 201, body = Connector)))]
pub async fn create(caller: Caller, Body(new): Body<NewConnector>) -> Result<Response, Problem> {
    let id = ConnectorId(caller.tenant.create_connector(&new.read()?, caller.now).await?);
    Ok(made(format!("/connectors/{}", id.0), one(&caller, id).await?))
}

/// One connector
#[utoipa::path(get, path = "/connectors/{connector}", tag = "connectors", params(("connector" = ConnectorId, Path)), responses((status = 200, body = Connector)))]
pub async fn get(caller: Caller, Id(id): Id<ConnectorId>) -> Result<Json<Connector>, Problem> {
    Ok(Json(one(&caller, id).await?))
}

/// Change a connector
///
/// What is being pulled is not kept, and the next pull is loaded even when it is what was loaded before.
#[utoipa::path(put, path = "/connectors/{connector}", tag = "connectors", params(("connector" = ConnectorId, Path)), request_body = NewConnector, responses((status = 200, body = Connector)))]
pub async fn change(caller: Caller, Id(id): Id<ConnectorId>, Body(new): Body<NewConnector>) -> Result<Json<Connector>, Problem> {
    caller.tenant.change_connector(id.0, &new.read()?, caller.now).await?;
    Ok(Json(one(&caller, id).await?))
}

/// Delete a connector
///
/// With its log. What it loaded stays.
#[utoipa::path(delete, path = "/connectors/{connector}", tag = "connectors", params(("connector" = ConnectorId, Path)), responses((status = 204)))]
pub async fn delete(caller: Caller, Id(id): Id<ConnectorId>) -> Result<StatusCode, Problem> {
    caller.tenant.delete_connector(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switch a connector on
///
/// It pulls at once, then by its schedule.
#[utoipa::path(post, path = "/connectors/{connector}/resume", tag = "connectors", params(("connector" = ConnectorId, Path)), responses((status = 204)))]
pub async fn resume(caller: Caller, Id(id): Id<ConnectorId>) -> Result<StatusCode, Problem> {
    caller.tenant.resume_connector(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pause a connector
///
/// What is being pulled is not kept.
#[utoipa::path(post, path = "/connectors/{connector}/pause", tag = "connectors", params(("connector" = ConnectorId, Path)), responses((status = 204)))]
pub async fn pause(caller: Caller, Id(id): Id<ConnectorId>) -> Result<StatusCode, Problem> {
    caller.tenant.pause_connector(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Start over
///
/// The next pull asks for everything again, and loads it even when it is what was loaded before. What is being pulled is not kept.
#[utoipa::path(post, path = "/connectors/{connector}/start-over", tag = "connectors", params(("connector" = ConnectorId, Path)), responses((status = 204)))]
pub async fn start_over(caller: Caller, Id(id): Id<ConnectorId>) -> Result<StatusCode, Problem> {
    caller.tenant.start_connector_over(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn ask(caller: &Caller, id: ConnectorId, kind: RunKind) -> Result<Response, Problem> {
    let run = caller.tenant.ask_run(id.0, kind, caller.now).await?.into();
    Ok((StatusCode::ACCEPTED, Json(AskedRun { run })).into_response())
}

/// Look at the first rows
///
/// Names of fields, what each becomes, which are dropped, and the shapes of values. Nothing is loaded. The answer is the address of a run.
#[utoipa::path(post, path = "/connectors/{connector}/preview", tag = "connectors", params(("connector" = ConnectorId, Path)), responses((status = 202, body = AskedRun)))]
pub async fn preview(caller: Caller, Id(id): Id<ConnectorId>) -> Result<Response, Problem> {
    ask(&caller, id, RunKind::Preview).await
}

/// Pull now
#[utoipa::path(post, path = "/connectors/{connector}/pull", tag = "connectors", params(("connector" = ConnectorId, Path)), responses((status = 202, body = AskedRun)))]
pub async fn pull(caller: Caller, Id(id): Id<ConnectorId>) -> Result<Response, Problem> {
    ask(&caller, id, RunKind::Pull).await
}
