//! The REST API under `/api/v1`: the same verbs as the portal, for programs with an API key.

pub(crate) mod answer;
mod body;
mod caller;
mod document;
mod endpoint;
mod exact;
mod once;
mod page;
mod problem;
mod rate_limit;
mod reference;
mod reference_text;
mod table;
mod wire;

// The walk, in order.
mod tenancy;
mod intake;
mod contacts;
mod campaigns;
mod compliance;
mod carriers;
mod outcomes;
mod reports;
mod privacy;
mod audit;
mod webhooks;
mod connectors;
mod links;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use clarion_domain::time::Instant;
use clarion_store::Store;

use crate::campaigns::prompt_file::ReadPrompt;
use crate::config::Clock;
use crate::tenancy::recorder::Recorder;

use problem::Problem;
use rate_limit::Rates;

pub use rate_limit::RateLimits;

/// What the API needs besides the store.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Tells the time.
    pub clock: Clock,
    /// The largest contact file that may be uploaded.
    pub upload_bytes_max: u64,
    /// Makes a sound file into a prompt.
    pub read_prompt: ReadPrompt,
    /// How often it may be asked.
    pub rate_limits: RateLimits,
    /// Writes the activity log; `None` makes one that nobody else waits for.
    pub recorder: Option<Recorder>,
}

/// What every endpoint can reach.
#[derive(Clone)]
struct Api {
    store: Store,
    config: ApiConfig,
    recorder: Recorder,
    rates: Arc<Rates>,
}

impl Api {
    fn now(&self) -> Instant {
        (self.config.clock)()
    }
}

/// The API, its document included, to be merged into the server's router.
pub fn api_router(store: Store, config: ApiConfig) -> Router {
    let recorder = config.recorder.clone().unwrap_or_else(|| Recorder::new(store.clone()));
    let api = Api { recorder, rates: Arc::new(Rates::new(config.rate_limits)), store, config };
    let guarded = Router::from(table::guarded()).route_layer(from_fn_with_state(api.clone(), caller::authenticate));
    let document = Bytes::from(openapi_document().to_string());
    let routes = guarded
        .route("/openapi.json", get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document) }))
        .route("/docs", get(reference::first))
        .route("/docs/{page}", get(reference::one))
        .route("/carriers/{trunk}/receipts", post(carriers::receipt::receive).route_layer(from_fn_with_state(api.clone(), rate_limit::by_network)))
        .fallback(|| async { Problem::not_found("there is no such address below /api/v1: /api/v1/docs lists them all") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn(private))
        .with_state(api);
    Router::new().nest("/api/v1", routes)
}

/// The OpenAPI document of the API as built.
#[must_use]
pub fn openapi_document() -> serde_json::Value {
    document::finish(&table::guarded().into_openapi())
}

/// Answers hold what belongs to one tenant: no cache may keep them, no browser may guess at them.
async fn private(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
