//! Receipts from an HTTP provider: signed with the trunk's secret instead of an API key.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use clarion_domain::id::TrunkId;
use clarion_store::carriers::WebhookError;

use crate::api::Api;
use crate::api::problem::Problem;

/// `POST /carriers/{trunk}/receipts`: 204 once the receipt is in the store; the provider repeats it otherwise.
pub async fn receive(State(api): State<Api>, Path(trunk): Path<String>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Problem> {
    let no_trunk = || Problem::not_found("there is no such trunk, or it takes no receipts over HTTP");
    let trunk: TrunkId = trunk.parse().map_err(|_| no_trunk())?;
    let header = api.store.receipt_signature_header(trunk).await.map_err(told)?;
    let signature = headers.get(header.as_str()).and_then(|value| value.to_str().ok()).unwrap_or_default();
    api.store.receive_receipt(trunk, &body, signature, api.now()).await.map_err(told)?;
    Ok(StatusCode::NO_CONTENT)
}

fn told(error: WebhookError) -> Problem {
    match error {
        WebhookError::NoSuchTrunk => Problem::not_found(error.to_string()),
        WebhookError::BadSignature => Problem::forbidden(error.to_string()),
        WebhookError::NotAReceipt { .. } => Problem::invalid(error.to_string()),
        WebhookError::Store(error) => error.into(),
    }
}
