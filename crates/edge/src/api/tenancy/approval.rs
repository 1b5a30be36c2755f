//! Acts that wait for a second person: listed, approved, refused, withdrawn.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_domain::id;
use clarion_store::tenancy::{Approval as Stored, ApprovalQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Body, Id, Query};
use crate::api::caller::Caller;
use crate::api::page::{Cursor, Limit, Listing, limit_of};
use crate::api::problem::Problem;
use crate::api::wire::{ApprovalId, ApprovalState, GuardedAct, Time, UserId, object_id};

/// An act that waits, or waited, for a second person.
#[derive(Serialize, ToSchema)]
pub struct Approval {
    id: ApprovalId,
    act: GuardedAct,
    /// The list, import or campaign; null for what is your organisation's own.
    object: Option<String>,
    /// What exactly was asked for, in words and numbers as they were then.
    shown: String,
    /// How many people it is about.
    #[schema(minimum = 0)]
    size: i64,
    state: ApprovalState,
    asked_by: String,
    /// The person who asked, also when it was by a key; null for the operator.
    asked_user: Option<UserId>,
    asked_at: Time,
    /// Until when it can be approved.
    expires_at: Time,
    /// Who approved, refused or withdrew it; empty while it waits.
    decided_by: String,
    decided_at: Option<Time>,
    why: String,
}

impl From<Stored> for Approval {
    fn from(stored: Stored) -> Self {
        use clarion_domain::tenancy::four_eyes::GuardedAct as G;
        let kind = match stored.act() {
            G::EraseList => "list",
            G::UndoImport => "import",
            G::StartCampaign => "campaign",
            G::RaiseLimits | G::LoosenFourEyes => "",
        };
        Self {
            id: stored.id.into(),
            act: stored.act().into(),
            object: object_id(kind, stored.asked.object_id()),
            shown: stored.shown,
            size: stored.size,
            state: stored.state.into(),
            asked_by: stored.asked_by,
            asked_user: stored.asked_user.map(UserId),
            asked_at: stored.asked_at.into(),
            expires_at: stored.expires_at.into(),
            decided_by: stored.decided_by,
            decided_at: stored.decided_at.map(Time),
            why: stored.why,
        }
    }
}

/// Which requests.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only those that stand so.
    state: Option<ApprovalState>,
    /// The `next` of the page before; left out for the first page.
    after: Option<Cursor>,
    /// How many at most; 50 when left out.
    limit: Option<Limit>,
}

/// Why not.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"why": "Not before the text is agreed"}))]
pub struct Refusal {
    #[schema(max_length = 200)]
    why: String,
}

/// The answer to an act that waits: 202, and where its request is found.
pub async fn waits(caller: &Caller, id: id::ApprovalId) -> Result<Response, Problem> {
    let body = Approval::from(caller.tenant.approval(id, caller.now).await?);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, format!("/api/v1/approvals/{id}"))], Json(body)).into_response())
}

/// The requests for a second person, the newest first
#[utoipa::path(get, path = "/approvals", tag = "tenancy", params(ListQuery), responses((status = 200, body = Listing<Approval>)))]
pub async fn list(caller: Caller, Query(query): Query<ListQuery>) -> Result<Json<Listing<Approval>>, Problem> {
    let query = ApprovalQuery { state: query.state.map(|state| state.0), before: query.after.map(|cursor| cursor.0), limit: limit_of(query.limit) };
    Ok(Listing::of(caller.tenant.approvals(query, caller.now).await?, Approval::from))
}

/// One request
#[utoipa::path(get, path = "/approvals/{approval}", tag = "tenancy", params(("approval" = ApprovalId, Path)), responses((status = 200, body = Approval)))]
pub async fn get(caller: Caller, Id(id): Id<ApprovalId>) -> Result<Json<Approval>, Problem> {
    Ok(Json(caller.tenant.approval(id.0, caller.now).await?.into()))
}

/// Approve a request
///
/// What was asked is done at once. Needs the right that the act itself needs, and another person than whoever asked: a key counts as the
/// user who made it. When what it is about has changed meanwhile, the request is withdrawn and nothing is done.
#[utoipa::path(post, path = "/approvals/{approval}/approve", tag = "tenancy", params(("approval" = ApprovalId, Path)), responses((status = 200, body = Approval)))]
pub async fn approve(caller: Caller, Id(id): Id<ApprovalId>) -> Result<Json<Approval>, Problem> {
    Ok(Json(caller.tenant.approve(id.0, caller.now).await?.into()))
}

/// Refuse a request
///
/// By whoever could approve it.
#[utoipa::path(post, path = "/approvals/{approval}/refuse", tag = "tenancy", params(("approval" = ApprovalId, Path)), request_body = Refusal, responses((status = 200, body = Approval)))]
pub async fn refuse(caller: Caller, Id(id): Id<ApprovalId>, Body(refusal): Body<Refusal>) -> Result<Json<Approval>, Problem> {
    Ok(Json(caller.tenant.refuse_approval(id.0, &refusal.why, caller.now).await?.into()))
}

/// Withdraw a request
///
/// By whoever asked.
#[utoipa::path(post, path = "/approvals/{approval}/withdraw", tag = "tenancy", params(("approval" = ApprovalId, Path)), responses((status = 200, body = Approval)))]
pub async fn withdraw(caller: Caller, Id(id): Id<ApprovalId>) -> Result<Json<Approval>, Problem> {
    Ok(Json(caller.tenant.withdraw_approval(id.0, caller.now).await?.into()))
}
