//! Endpoints: made, changed, switched on and off. The secret is shown once.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_store::webhooks::{NewWebhook as StoredWebhook, WebhookRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::once::OnlyOnce;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{Time, WebhookEventId, WebhookEventKind, WebhookId};

/// An endpoint, without its secret.
#[derive(Serialize, ToSchema)]
pub struct Webhook {
    id: WebhookId,
    url: String,
    events: Vec<WebhookEventKind>,
    enabled: bool,
    /// Why it is off; empty while it is on.
    disabled_why: String,
    /// Refusals in a row.
    failures: i64,
    failing_since: Option<Time>,
    /// Until when what is sent is signed with the secret of before as well.
    old_secret_until: Option<Time>,
    /// Events that wait to be delivered.
    waiting: i64,
    created_by: String,
    created_at: Time,
}

impl From<WebhookRecord> for Webhook {
    fn from(webhook: WebhookRecord) -> Self {
        Self {
            id: webhook.id.into(),
            url: webhook.url,
            events: webhook.events.into_iter().map(WebhookEventKind).collect(),
            enabled: webhook.enabled,
            disabled_why: webhook.disabled_why,
            failures: webhook.failures,
            failing_since: webhook.failing_since.map(Time),
            old_secret_until: webhook.old_secret_until.map(Time),
            waiting: webhook.waiting,
            created_by: webhook.created_by,
            created_at: webhook.created_at.into(),
        }
    }
}

/// What an endpoint is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://hooks.example.com/clarion", "events": ["import.loaded", "campaign.finished"]}))]
pub struct NewWebhook {
    /// An https address on the public internet.
    #[schema(min_length = 1, max_length = 2000)]
    url: String,
    #[schema(min_items = 1)]
    events: Vec<WebhookEventKind>,
}

impl From<NewWebhook> for StoredWebhook {
    fn from(new: NewWebhook) -> Self {
        Self { url: new.url, events: new.events.into_iter().map(|kind| kind.0).collect() }
    }
}

/// An endpoint that was just made.
#[derive(Serialize, ToSchema)]
pub struct MadeWebhook {
    webhook: Webhook,
    /// Signs what is sent (Standard Webhooks). Keep it now: nobody can be shown it again.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{43}=$")]
    secret: String,
}

/// A new secret.
#[derive(Serialize, ToSchema)]
pub struct WebhookSecret {
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{43}=$")]
    secret: String,
}

/// An event that was just made.
#[derive(Serialize, ToSchema)]
pub struct ToldEvent {
    event: WebhookEventId,
}

fn only_once(mut response: Response) -> Response {
    response.extensions_mut().insert(OnlyOnce);
    response
}

/// The endpoints, the newest first
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", responses((status = 200, body = Listing<Webhook>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Webhook>>, Problem> {
    Ok(Listing::whole(caller.tenant.webhooks().await?, Webhook::from))
}

/// Add an endpoint
///
/// The answer holds the secret. It is shown this once, so a repetition under the same `Idempotency-Key` is a conflict.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = NewWebhook, responses((status = 201, body = MadeWebhook)))]
pub async fn create(caller: Caller, Body(new): Body<NewWebhook>) -> Result<Response, Problem> {
    let made = caller.tenant.create_webhook(&new.into(), caller.now).await?;
    let webhook = caller.tenant.webhook(made.id).await?.into();
    let address = format!("/api/v1/webhooks/{}", made.id);
    Ok(only_once((StatusCode::CREATED, [(header::LOCATION, address)], Json(MadeWebhook { webhook, secret: made.secret })).into_response()))
}

/// One endpoint
#[utoipa::path(get, path = "/webhooks/{webhook}", tag = "webhooks", params(("webhook" = WebhookId, Path)), responses((status = 200, body = Webhook)))]
pub async fn get(caller: Caller, Id(id): Id<WebhookId>) -> Result<Json<Webhook>, Problem> {
    Ok(Json(caller.tenant.webhook(id.0).await?.into()))
}

/// Change an endpoint
///
/// What waits goes to the new address, and at once.
#[utoipa::path(put, path = "/webhooks/{webhook}", tag = "webhooks", params(("webhook" = WebhookId, Path)), request_body = NewWebhook, responses((status = 200, body = Webhook)))]
pub async fn change(caller: Caller, Id(id): Id<WebhookId>, Body(new): Body<NewWebhook>) -> Result<Json<Webhook>, Problem> {
    caller.tenant.change_webhook(id.0, &new.into(), caller.now).await?;
    Ok(Json(caller.tenant.webhook(id.0).await?.into()))
}

/// Delete an endpoint
///
/// Its log goes with it, and what waits is not told.
#[utoipa::path(delete, path = "/webhooks/{webhook}", tag = "webhooks", params(("webhook" = WebhookId, Path)), responses((status = 204)))]
pub async fn delete(caller: Caller, Id(id): Id<WebhookId>) -> Result<StatusCode, Problem> {
    caller.tenant.delete_webhook(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switch an endpoint on
///
/// What happened while it was off is not told; what was given up can be replayed.
#[utoipa::path(post, path = "/webhooks/{webhook}/enable", tag = "webhooks", params(("webhook" = WebhookId, Path)), responses((status = 204)))]
pub async fn enable(caller: Caller, Id(id): Id<WebhookId>) -> Result<StatusCode, Problem> {
    caller.tenant.enable_webhook(id.0, true, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switch an endpoint off
///
/// What waits is given up.
#[utoipa::path(post, path = "/webhooks/{webhook}/disable", tag = "webhooks", params(("webhook" = WebhookId, Path)), responses((status = 204)))]
pub async fn disable(caller: Caller, Id(id): Id<WebhookId>) -> Result<StatusCode, Problem> {
    caller.tenant.enable_webhook(id.0, false, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a new secret
///
/// For a day what is sent is signed with the old one as well. The new one is shown this once.
#[utoipa::path(post, path = "/webhooks/{webhook}/secret", tag = "webhooks", params(("webhook" = WebhookId, Path)), responses((status = 200, body = WebhookSecret)))]
pub async fn rotate(caller: Caller, Id(id): Id<WebhookId>) -> Result<Response, Problem> {
    let secret = caller.tenant.rotate_webhook_secret(id.0, caller.now).await?;
    Ok(only_once(Json(WebhookSecret { secret }).into_response()))
}

/// Send a test event
#[utoipa::path(post, path = "/webhooks/{webhook}/test", tag = "webhooks", params(("webhook" = WebhookId, Path)), responses((status = 202, body = ToldEvent)))]
pub async fn test(caller: Caller, Id(id): Id<WebhookId>) -> Result<Response, Problem> {
    let event = caller.tenant.test_webhook(id.0, caller.now).await?.into();
    Ok((StatusCode::ACCEPTED, Json(ToldEvent { event })).into_response())
}
