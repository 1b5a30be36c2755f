//! What calls say and ask: scripts kept for use again, and their check.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_domain::campaigns::script::document::SCRIPT_BYTES_MAX;
use clarion_domain::campaigns::script::schema::SCRIPT_SCHEMA;
use clarion_domain::campaigns::script::tree::TreeLine as DomainLine;
use clarion_domain::campaigns::script::{Script as DomainScript, ScriptFault as DomainFault};
use clarion_store::campaigns::ScriptRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{JsonSchema, ScriptId, Time};

/// A script kept for use again.
#[derive(Serialize, ToSchema)]
pub struct Script {
    id: ScriptId,
    name: String,
    /// As its author wrote it.
    body: String,
    created_by: String,
    created_at: Time,
}

impl From<ScriptRecord> for Script {
    fn from(record: ScriptRecord) -> Self {
        Self { id: record.id.into(), name: record.name, body: record.body, created_by: record.created_by, created_at: record.created_at.into() }
    }
}

/// What a script is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Appointment", "body": "language = \"en-GB\"\nstart = \"hello\"\n\n[steps.hello]\ndo = \"say\"\ntext = \"This is Northwind. Your appointment is tomorrow.\"\nnext = \"end\"\n\n[steps.end]\ndo = \"hang_up\"\n"
}))]
pub struct NewScript {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// TOML, or JSON when it begins with a brace: `/script-schema.json` says what may stand there. It may be unfinished.
    #[schema(max_length = 65536)]
    body: String,
}

/// A script to check.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"body": "language = \"en-GB\"\nstart = \"hello\"\n\n[steps.hello]\ndo = \"hang_up\"\n"}))]
pub struct ScriptToCheck {
    #[schema(max_length = 65536)]
    body: String,
}

/// What a script's check found.
#[derive(Serialize, ToSchema)]
pub struct CheckedScript {
    /// Nothing when the script can be used.
    faults: Vec<ScriptFault>,
    /// Each step once, in the order of a call; empty while there are faults.
    tree: Vec<ScriptLine>,
    /// The groups of transfer targets that it puts people through to.
    targets: Vec<String>,
}

/// Something that is wrong with a script.
#[derive(Serialize, ToSchema)]
pub struct ScriptFault {
    /// The step's name; null when it is about the script as a whole.
    step: Option<String>,
    /// What is wrong, and what to do.
    message: String,
}

/// A line of the tree.
#[derive(Serialize, ToSchema)]
pub struct ScriptLine {
    depth: usize,
    /// What leads here: `start`, `on 1`, `without a key`.
    way: String,
    step: String,
    /// What it does, in words; empty when the step stands elsewhere in the tree.
    text: String,
    is_shown_elsewhere: bool,
}

impl From<DomainLine> for ScriptLine {
    fn from(line: DomainLine) -> Self {
        Self { depth: line.depth, way: line.way, step: line.step, text: line.text, is_shown_elsewhere: line.is_shown_elsewhere }
    }
}

impl CheckedScript {
    fn good(script: &DomainScript) -> Self {
        let targets = script.targets().into_iter().map(str::to_owned).collect();
        Self { faults: Vec::new(), tree: script.tree().into_iter().map(ScriptLine::from).collect(), targets }
    }

    fn bad(faults: Vec<DomainFault>) -> Self {
        let fault = |fault: DomainFault| ScriptFault { message: fault.fault.to_string(), step: fault.step };
        Self { faults: faults.into_iter().map(fault).collect(), tree: Vec::new(), targets: Vec::new() }
    }
}

fn small(body: &str) -> Result<(), Problem> {
    if body.len() > SCRIPT_BYTES_MAX { Err(Problem::invalid_field("body", format!("at most {SCRIPT_BYTES_MAX} bytes"))) } else { Ok(()) }
}

/// Every script, by name
#[utoipa::path(get, path = "/scripts", tag = "campaigns", responses((status = 200, body = Listing<Script>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Script>>, Problem> {
    Ok(Listing::whole(caller.tenant.scripts().await?, Script::from))
}

/// Keep a script
///
/// It may be unfinished: `/scripts/check` says what it lacks.
#[utoipa::path(post, path = "/scripts", tag = "campaigns", request_body = NewScript, responses((status = 201, body = Script)))]
pub async fn create(caller: Caller, Body(new): Body<NewScript>) -> Result<Response, Problem> {
    small(&new.body)?;
    let id = caller.tenant.create_script(&new.name, &new.body, caller.now).await?;
    Ok(made(format!("/scripts/{id}"), Script::from(caller.tenant.script(id).await?)))
}

/// Check a script
///
/// Against your fields, prompts and transfer targets. A script with faults is an answer, not an error.
#[utoipa::path(post, path = "/scripts/check", tag = "campaigns", request_body = ScriptToCheck, responses((status = 200, body = CheckedScript)))]
pub async fn check(caller: Caller, Body(script): Body<ScriptToCheck>) -> Result<Json<CheckedScript>, Problem> {
    small(&script.body)?;
    let checked = caller.tenant.check_script(&script.body).await?;
    Ok(Json(checked.map_or_else(CheckedScript::bad, |script| CheckedScript::good(&script))))
}

/// One script
#[utoipa::path(get, path = "/scripts/{script}", tag = "campaigns", params(("script" = ScriptId, Path)), responses((status = 200, body = Script)))]
pub async fn get(caller: Caller, Id(id): Id<ScriptId>) -> Result<Json<Script>, Problem> {
    Ok(Json(caller.tenant.script(id.0).await?.into()))
}

/// Change a script
///
/// Campaigns keep the script that they were given.
#[utoipa::path(put, path = "/scripts/{script}", tag = "campaigns", params(("script" = ScriptId, Path)), request_body = NewScript, responses((status = 200, body = Script)))]
pub async fn change(caller: Caller, Id(id): Id<ScriptId>, Body(new): Body<NewScript>) -> Result<Json<Script>, Problem> {
    small(&new.body)?;
    caller.tenant.change_script(id.0, &new.name, &new.body, caller.now).await?;
    Ok(Json(caller.tenant.script(id.0).await?.into()))
}

/// Delete a script
#[utoipa::path(delete, path = "/scripts/{script}", tag = "campaigns", params(("script" = ScriptId, Path)), responses((status = 204)))]
pub async fn delete(caller: Caller, Id(id): Id<ScriptId>) -> Result<StatusCode, Problem> {
    caller.tenant.delete_script(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The JSON Schema of a script
#[utoipa::path(get, path = "/script-schema.json", tag = "campaigns", responses((status = 200, body = JsonSchema, content_type = "application/schema+json")))]
pub async fn schema(_caller: Caller) -> Response {
    ([(header::CONTENT_TYPE, "application/schema+json")], SCRIPT_SCHEMA).into_response()
}
