//! The door for plain http, such as port 80: it leads browsers to https, and answers the authority that asks whose name this is.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clarion_edge::front::to_https;
use clarion_store::Store;

use crate::clock;

pub fn router(store: Store, public_url: Option<String>) -> Router {
    let lead = move |request: Request| {
        let response = to_https(public_url.as_deref(), &request);
        async move { response }
    };
    Router::new().route("/.well-known/acme-challenge/{token}", get(answer)).fallback(lead).with_state(store)
}

/// RFC 8555, 8.3.
async fn answer(State(store): State<Store>, Path(token): Path<String>) -> Response {
    match store.acme_answer(&token, clock::real()).await {
        Ok(Some(answer)) => ([(header::CONTENT_TYPE, "application/octet-stream")], answer).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "an authority's question could not be looked up");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
