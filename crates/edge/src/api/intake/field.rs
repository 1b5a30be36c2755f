//! Fields beyond the standard ones: a column is stored only when its field was declared with a purpose.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use clarion_store::intake::{DeclaredField, NewDeclaredField};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{FieldName, Time};

/// A declared field.
#[derive(Serialize, ToSchema)]
pub struct Field {
    name: String,
    purpose: String,
    retention_days: i64,
    declared_by: String,
    declared_at: Time,
}

impl From<DeclaredField> for Field {
    fn from(field: DeclaredField) -> Self {
        Self { name: field.name, purpose: field.purpose, retention_days: field.retention_days, declared_by: field.declared_by, declared_at: field.declared_at.into() }
    }
}

/// What a field is declared with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "balance_due", "purpose": "To tell the person what is owed", "retention_days": 90}))]
pub struct NewField {
    /// As templates name it.
    name: FieldName,
    /// Why it is held: people read it when they ask.
    #[schema(min_length = 10, max_length = 1000)]
    purpose: String,
    #[schema(minimum = 1, maximum = 3650)]
    retention_days: i64,
}

/// Why a field is held, and how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"purpose": "To tell the person what is owed", "retention_days": 60}))]
pub struct FieldTerms {
    #[schema(min_length = 10, max_length = 1000)]
    purpose: String,
    #[schema(minimum = 1, maximum = 3650)]
    retention_days: i64,
}

async fn find(caller: &Caller, name: &str) -> Result<Field, Problem> {
    let fields = caller.tenant.declared_fields().await?;
    fields.into_iter().find(|field| field.name == name).map(Field::from).ok_or_else(|| Problem::not_found("there is no such declared field: see /api/v1/fields"))
}

/// The declared fields, by name
#[utoipa::path(get, path = "/fields", tag = "intake", responses((status = 200, body = Listing<Field>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Field>>, Problem> {
    Ok(Listing::whole(caller.tenant.declared_fields().await?, Field::from))
}

/// Declare a field
#[utoipa::path(post, path = "/fields", tag = "intake", request_body = NewField, responses((status = 201, body = Field)))]
pub async fn declare(caller: Caller, Body(new): Body<NewField>) -> Result<Response, Problem> {
    let name = new.name.0;
    caller.tenant.declare_field(&NewDeclaredField { name: &name, purpose: &new.purpose, retention_days: new.retention_days }, caller.now).await?;
    Ok(made(format!("/fields/{name}"), find(&caller, &name).await?))
}

/// One declared field
#[utoipa::path(get, path = "/fields/{field}", tag = "intake", params(("field" = FieldName, Path)), responses((status = 200, body = Field)))]
pub async fn get(caller: Caller, Id(name): Id<FieldName>) -> Result<Json<Field>, Problem> {
    Ok(Json(find(&caller, &name.0).await?))
}

/// Change why a field is held, or how long
#[utoipa::path(put, path = "/fields/{field}", tag = "intake", params(("field" = FieldName, Path)), request_body = FieldTerms, responses((status = 200, body = Field)))]
pub async fn change(caller: Caller, Id(name): Id<FieldName>, Body(terms): Body<FieldTerms>) -> Result<Json<Field>, Problem> {
    let new = NewDeclaredField { name: &name.0, purpose: &terms.purpose, retention_days: terms.retention_days };
    caller.tenant.change_declared_field(&new, caller.now).await?;
    Ok(Json(find(&caller, &name.0).await?))
}

/// Withdraw a declaration
///
/// Later files drop the column. Values held already go with the next retention sweep.
#[utoipa::path(delete, path = "/fields/{field}", tag = "intake", params(("field" = FieldName, Path)), responses((status = 204)))]
pub async fn withdraw(caller: Caller, Id(name): Id<FieldName>) -> Result<StatusCode, Problem> {
    caller.tenant.withdraw_declared_field(&name.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
