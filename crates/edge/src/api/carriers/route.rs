//! Routes: which trunk takes a number, by its longest prefix, the sender, and the priority.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use clarion_store::carriers::{NewRoute as StoredRoute, RouteRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{RouteId, TrunkId};

/// A route.
#[derive(Serialize, ToSchema)]
pub struct Route {
    id: RouteId,
    /// Set up by the operator for tenants that have none of their own.
    shared: bool,
    /// What the number begins with: `+44`, `+` for every number.
    prefix: String,
    /// Only for this sender; empty for any.
    sender: String,
    trunk: TrunkId,
    /// The lowest goes first; the others are for when it is down.
    priority: i64,
}

impl From<RouteRecord> for Route {
    fn from(route: RouteRecord) -> Self {
        Self { id: route.id.into(), shared: route.tenant.is_none(), prefix: route.prefix, sender: route.sender, trunk: route.trunk.into(), priority: route.priority }
    }
}

/// What a route is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"prefix": "+44", "trunk": "<trunk>", "priority": 10}))]
pub struct NewRoute {
    #[schema(pattern = "^\\+[0-9]{0,15}$")]
    prefix: String,
    #[serde(default)]
    #[schema(max_length = 20)]
    sender: String,
    trunk: TrunkId,
    #[schema(minimum = 1, maximum = 1000)]
    priority: i64,
}

async fn find(caller: &Caller, id: clarion_domain::id::RouteId) -> Result<Route, Problem> {
    let routes = caller.tenant.routes().await?;
    routes.into_iter().find(|route| route.id == id).map(Route::from).ok_or_else(|| Problem::not_found("there is no such route: see /api/v1/routes"))
}

/// The routes, by priority
#[utoipa::path(get, path = "/routes", tag = "carriers", responses((status = 200, body = Listing<Route>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Route>>, Problem> {
    Ok(Listing::whole(caller.tenant.routes().await?, Route::from))
}

/// Add a route
#[utoipa::path(post, path = "/routes", tag = "carriers", request_body = NewRoute, responses((status = 201, body = Route)))]
pub async fn create(caller: Caller, Body(new): Body<NewRoute>) -> Result<Response, Problem> {
    let known = caller.tenant.trunks().await?.iter().any(|trunk| trunk.id == new.trunk.0);
    if !known {
        return Err(Problem::invalid_field("trunk", "there is no such trunk: choose one of /api/v1/trunks"));
    }
    let route = StoredRoute { prefix: new.prefix, sender: new.sender, trunk: new.trunk.0, priority: new.priority };
    let id = caller.tenant.add_route(&route, false, caller.now).await?;
    Ok(made(format!("/routes/{id}"), find(&caller, id).await?))
}

/// One route
#[utoipa::path(get, path = "/routes/{route}", tag = "carriers", params(("route" = RouteId, Path)), responses((status = 200, body = Route)))]
pub async fn get(caller: Caller, Id(id): Id<RouteId>) -> Result<Json<Route>, Problem> {
    Ok(Json(find(&caller, id.0).await?))
}

/// Remove a route of your own
#[utoipa::path(delete, path = "/routes/{route}", tag = "carriers", params(("route" = RouteId, Path)), responses((status = 204)))]
pub async fn remove(caller: Caller, Id(id): Id<RouteId>) -> Result<StatusCode, Problem> {
    caller.tenant.remove_route(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
