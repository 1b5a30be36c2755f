//! What an endpoint was told, and telling it again.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clarion_store::webhooks::{DeliveryRecord, TryLine};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Body, Id, Ids, Query};
use crate::api::caller::Caller;
use crate::api::page::{Cursor, Limit, Listing, limit_of};
use crate::api::problem::Problem;
use crate::api::wire::{Time, WebhookDeliveryState, WebhookEventId, WebhookEventKind, WebhookId};

/// An event at an endpoint.
#[derive(Serialize, ToSchema)]
pub struct WebhookDelivery {
    /// The `webhook-id` of every try.
    event: WebhookEventId,
    kind: WebhookEventKind,
    state: WebhookDeliveryState,
    tries: i64,
    created_at: Time,
    /// When it is tried again; only what waits.
    next_at: Option<Time>,
    last_at: Option<Time>,
    /// The HTTP status of the last try; 0 when there was no answer.
    last_status: i64,
    /// A word for what was wrong.
    last_error: String,
}

impl From<DeliveryRecord> for WebhookDelivery {
    fn from(delivery: DeliveryRecord) -> Self {
        Self {
            event: delivery.event.into(),
            kind: delivery.kind.into(),
            state: delivery.state.into(),
            tries: delivery.tries,
            created_at: delivery.created_at.into(),
            next_at: delivery.next_at.map(Time),
            last_at: delivery.last_at.map(Time),
            last_status: delivery.last_status,
            last_error: delivery.last_error,
        }
    }
}

/// One try.
#[derive(Serialize, ToSchema)]
pub struct WebhookTry {
    tried_at: Time,
    duration_ms: i64,
    /// 0 when there was no answer.
    status: i64,
    error: String,
}

impl From<TryLine> for WebhookTry {
    fn from(line: TryLine) -> Self {
        Self { tried_at: line.tried_at.into(), duration_ms: line.duration_ms, status: line.status, error: line.error }
    }
}

/// What is sent, and every try of it.
#[derive(Serialize, ToSchema)]
pub struct WebhookDeliveryDetail {
    /// The body, byte for byte.
    body: String,
    /// The newest first.
    tries: Vec<WebhookTry>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// Only those that stand so.
    state: Option<WebhookDeliveryState>,
    /// The `next` of the page before; left out for the first page.
    after: Option<Cursor>,
    /// How many at most; 50 when left out.
    limit: Option<Limit>,
}

/// Which events to tell again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"since": "2026-11-23T09:30:00Z", "only_failed": true}))]
pub struct WebhookReplay {
    /// Those that happened since then.
    since: Time,
    /// Only those that failed, or those that were delivered as well.
    only_failed: bool,
}

/// How many will be told again.
#[derive(Serialize, ToSchema)]
pub struct WebhookReplayed {
    events: u64,
}

/// What an endpoint was told, the newest first
#[utoipa::path(get, path = "/webhooks/{webhook}/deliveries", tag = "webhooks", params(("webhook" = WebhookId, Path), DeliveryQuery), responses((status = 200, body = Listing<WebhookDelivery>)))]
pub async fn list(caller: Caller, Id(id): Id<WebhookId>, Query(query): Query<DeliveryQuery>) -> Result<Json<Listing<WebhookDelivery>>, Problem> {
    caller.tenant.webhook(id.0).await?;
    let page = caller.tenant.webhook_deliveries(id.0, query.state.map(|state| state.0), query.after.map(|cursor| cursor.0), limit_of(query.limit)).await?;
    Ok(Listing::of(page, WebhookDelivery::from))
}

/// One event at an endpoint
#[utoipa::path(get, path = "/webhooks/{webhook}/deliveries/{event}", tag = "webhooks", params(("webhook" = WebhookId, Path), ("event" = WebhookEventId, Path)), responses((status = 200, body = WebhookDeliveryDetail)))]
pub async fn get(caller: Caller, Ids(id, event): Ids<WebhookId, WebhookEventId>) -> Result<Json<WebhookDeliveryDetail>, Problem> {
    let (body, tries) = caller.tenant.webhook_delivery(id.0, event.0).await?;
    Ok(Json(WebhookDeliveryDetail { body, tries: tries.into_iter().map(WebhookTry::from).collect() }))
}

/// Tell one event again
///
/// It keeps its identifier.
#[utoipa::path(post, path = "/webhooks/{webhook}/deliveries/{event}/replay", tag = "webhooks", params(("webhook" = WebhookId, Path), ("event" = WebhookEventId, Path)), responses((status = 202)))]
pub async fn replay_one(caller: Caller, Ids(id, event): Ids<WebhookId, WebhookEventId>) -> Result<StatusCode, Problem> {
    caller.tenant.replay_webhook_event(id.0, event.0, caller.now).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Tell again what happened since a time
///
/// Each event keeps its identifier. What happened before the endpoint was there, or while it was off, is not among it.
#[utoipa::path(post, path = "/webhooks/{webhook}/replay", tag = "webhooks", params(("webhook" = WebhookId, Path)), request_body = WebhookReplay, responses((status = 202, body = WebhookReplayed)))]
pub async fn replay(caller: Caller, Id(id): Id<WebhookId>, Body(asked): Body<WebhookReplay>) -> Result<Response, Problem> {
    let events = caller.tenant.replay_webhook(id.0, asked.since.0, asked.only_failed, caller.now).await?;
    Ok((StatusCode::ACCEPTED, Json(WebhookReplayed { events })).into_response())
}
