//! The door for plain http, such as port 80: it leads browsers to https, and answers the authority that asks whose name this is.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clarion_edge::front::to_https;
use clarion_store::Store;

use super::held::Held;
use crate::clock;

/// `held` says for which other names this server speaks https, such as those of tenants' short links.
pub fn router(store: Store, public_url: Option<String>, held: Option<Held>) -> Router {
    let lead = move |request: Request| {
        let own = public_url.as_deref().and_then(|public| own_name(&request, public, held.as_ref()?));
        let response = to_https(own.as_deref().or(public_url.as_deref()), &request);
        async move { response }
    };
    Router::new().route("/.well-known/acme-challenge/{token}", get(answer)).fallback(lead).with_state(store)
}

/// The name that was asked for, when the certificate is for it; at the port of the public address. Any other would lead astray.
fn own_name(request: &Request, public_url: &str, held: &Held) -> Option<String> {
    let asked = request.headers().get(header::HOST)?.to_str().ok()?;
    let host = asked.rsplit_once(':').map_or(asked, |(host, _)| host);
    let port = public_url.strip_prefix("https://")?.split_once(':').map(|(_, port)| format!(":{port}")).unwrap_or_default();
    held.served()?.covers(host).then(|| format!("https://{host}{port}"))
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
