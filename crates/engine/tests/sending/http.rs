//! A provider without SMPP: submissions by a JSON template, receipts by a signed webhook.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::id::TrunkId;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_store::Tenant;
use clarion_store::carriers::{NewRoute, NewTrunk, WebhookError};
use ring::hmac;
use tokio::net::TcpListener;

use super::people::number;
use super::support::{NOON, for_each_store};
use super::{Sending, clock, counts, launch};

const SECRET: &str = "provider-secret";

/// Throttles each fifth request once, refuses one number, and gives ids in its own form.
#[derive(Default)]
struct Provider {
    requests: AtomicUsize,
    taken: AtomicUsize,
}

async fn submit(State(provider): State<Arc<Provider>>, headers: HeaderMap, Json(told): Json<serde_json::Value>) -> (StatusCode, Json<serde_json::Value>) {
    let authorised = headers.get("x-key").is_some_and(|key| key == SECRET);
    if !authorised {
        return (StatusCode::UNAUTHORIZED, Json(serde_json::json!({})));
    }
    if provider.requests.fetch_add(1, Ordering::SeqCst) % 5 == 4 {
        return (StatusCode::TOO_MANY_REQUESTS, Json(serde_json::json!({})));
    }
    if told["to"] == number(3) {
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(serde_json::json!({})));
    }
    provider.taken.fetch_add(1, Ordering::SeqCst);
    let id = told["to"].as_str().unwrap_or_default().trim_start_matches('+').to_owned();
    (StatusCode::OK, Json(serde_json::json!({"messages": [{"id": id}]})))
}

async fn provider() -> (Arc<Provider>, u16) {
    let provider = Arc::<Provider>::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let router = axum::Router::new().route("/send", post(submit)).with_state(provider.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (provider, port)
}

async fn trunk(tenant: &Tenant, port: u16) -> TrunkId {
    let settings = serde_json::json!({
        "kind": "http", "url": format!("http://127.0.0.1:{port}/send"), "message_id": "/messages/0/id",
        "fields": {"to": "{to}", "from": "{from}", "text": "{text}"}, "headers": {"x-key": "{secret}"},
        "receipt": {"message_id": "/id", "state": "/status", "error": "/code", "states": {"ok": "delivered", "failed": "undeliverable"}, "signature_header": "x-signature"}
    });
    let settings: TrunkSettings = serde_json::from_value(settings).expect("settings");
    let new = NewTrunk { name: "Provider".into(), settings, secret: Personal::new(SECRET), rate_per_second: 200, cost_per_segment: 100, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&new, false, NOON).await.expect("a trunk");
    tenant.add_route(&NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority: 1 }, false, NOON).await.expect("a route");
    trunk
}

fn signed(body: &str, secret: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_over_http_throttles_refuses_and_tells_receipts_by_webhook() {
    for_each_store("sending_http", |bench| async move {
        let (provider, port) = provider().await;
        let tenant = bench.tenant("northwind").await;
        let trunk = trunk(&tenant, port).await;
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 20).await;
        let told = counts(&bench, &tenant, id, "all answers", |counts| counts.values().sum::<i64>() == 20).await;
        assert_eq!((told.get(&Disposition::Accepted), told.get(&Disposition::Rejected)), (Some(&19), Some(&1)), "{told:?}");
        assert_eq!(provider.taken.load(Ordering::SeqCst), 19, "what was throttled was sent again, once");

        let receipt = |last: usize, status: &str| format!(r#"{{"id":"{}","status":"{status}","code":"7"}}"#, number(last).trim_start_matches('+'));
        for last in (0..20).filter(|last| *last != 3) {
            let body = receipt(last, if last == 4 { "failed" } else { "ok" });
            bench.store.receive_receipt(trunk, body.as_bytes(), &signed(&body, SECRET), clock()).await.expect("a receipt");
        }
        let told = counts(&bench, &tenant, id, "all receipts", |counts| !counts.contains_key(&Disposition::Accepted) || counts[&Disposition::Accepted] == 0).await;
        assert_eq!((told[&Disposition::Delivered], told[&Disposition::Undeliverable]), (18, 1), "{told:?}");

        let body = receipt(0, "ok");
        let forged = bench.store.receive_receipt(trunk, body.as_bytes(), &signed(&body, "another"), clock()).await;
        assert!(matches!(forged, Err(WebhookError::BadSignature)));
        let strange = receipt(0, "perhaps");
        let strange = bench.store.receive_receipt(trunk, strange.as_bytes(), &signed(&strange, SECRET), clock()).await;
        assert!(matches!(strange, Err(WebhookError::NotAReceipt { .. })));
        sending.stop().await;
    })
    .await;
}
