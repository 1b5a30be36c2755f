//! Lists of contacts, by name.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clarion_store::contacts::ContactList;
use clarion_store::tenancy::Carried;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::tenancy::approval::{Approval, waits};
use crate::api::wire::{ListId, Time};

/// A list.
#[derive(Serialize, ToSchema)]
pub struct List {
    id: ListId,
    name: String,
    /// How many contacts are on it.
    #[schema(minimum = 0)]
    members: i64,
    created_by: String,
    created_at: Time,
}

impl From<ContactList> for List {
    fn from(list: ContactList) -> Self {
        Self { id: list.id.into(), name: list.name, members: list.members, created_by: list.created_by, created_at: list.created_at.into() }
    }
}

/// A list's name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Arrears, November"}))]
pub struct ListName {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

/// Every list, by name
#[utoipa::path(get, path = "/lists", tag = "contacts", responses((status = 200, body = Listing<List>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<List>>, Problem> {
    Ok(Listing::whole(caller.tenant.lists().await?, List::from))
}

/// Make a list
#[utoipa::path(post, path = "/lists", tag = "contacts", request_body = ListName, responses((status = 201, body = List)))]
pub async fn create(caller: Caller, Body(new): Body<ListName>) -> Result<Response, Problem> {
    let id = caller.tenant.create_list(&new.name, caller.now).await?;
    Ok(made(format!("/lists/{id}"), List::from(caller.tenant.list(id).await?)))
}

/// One list
#[utoipa::path(get, path = "/lists/{list}", tag = "contacts", params(("list" = ListId, Path)), responses((status = 200, body = List)))]
pub async fn get(caller: Caller, Id(id): Id<ListId>) -> Result<Json<List>, Problem> {
    Ok(Json(caller.tenant.list(id.0).await?.into()))
}

/// Rename a list
#[utoipa::path(put, path = "/lists/{list}", tag = "contacts", params(("list" = ListId, Path)), request_body = ListName, responses((status = 200, body = List)))]
pub async fn rename(caller: Caller, Id(id): Id<ListId>, Body(new): Body<ListName>) -> Result<Json<List>, Problem> {
    caller.tenant.rename_list(id.0, &new.name, caller.now).await?;
    Ok(Json(caller.tenant.list(id.0).await?.into()))
}

/// Delete a list
///
/// The contacts on it stay. Refused while a campaign that is not over, or an import under way, uses it. Where your organisation asks
/// for a second person, the answer is 202 with the request that waits for one.
#[utoipa::path(delete, path = "/lists/{list}", tag = "contacts", params(("list" = ListId, Path)), responses((status = 204), (status = 202, body = Approval)))]
pub async fn delete(caller: Caller, Id(id): Id<ListId>) -> Result<Response, Problem> {
    match caller.tenant.delete_list(id.0, caller.now).await? {
        Carried::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        Carried::Waits(approval) => waits(&caller, approval).await,
    }
}
