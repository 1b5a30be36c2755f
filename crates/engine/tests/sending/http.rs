//! A provider without SMPP: submissions by a JSON template, receipts by a signed webhook.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::{Form, Json};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::TrunkId;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_store::Tenant;
use clarion_store::carriers::{NewRoute, NewTrunk, WebhookError};
use clarion_testbed::{Carrier, CarrierConfig};
use ring::hmac;
use tokio::net::TcpListener;

use super::people::number;
use super::support::{NOON, for_each_store};
use super::{Sending, clock, counts, launch};

const SECRET: &str = "provider-secret";

/// Throttles each fifth request once, refuses one number and one that has opted out with it, and gives ids in its own form.
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
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(serde_json::json!({"code": 21211})));
    }
    if told["to"] == number(5) {
        return (StatusCode::BAD_REQUEST, Json(serde_json::json!({"code": 21610})));
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
        "kind": "http", "url": format!("http://127.0.0.1:{port}/send"), "message_id": "/messages/0/id", "error": "/code", "opted_out_codes": ["21610"],
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
        assert_eq!((told.get(&Disposition::Accepted), told.get(&Disposition::Rejected), told.get(&Disposition::Blocked)), (Some(&18), Some(&1), Some(&1)), "{told:?}");
        assert_eq!(provider.taken.load(Ordering::SeqCst), 18, "what was throttled was sent again, once");

        let receipt = |last: usize, status: &str| {
            let code = if last == 6 { "21610" } else { "7" };
            format!(r#"{{"id":"{}","status":"{status}","code":"{code}"}}"#, number(last).trim_start_matches('+'))
        };
        for last in (0..20).filter(|last| ![3, 5].contains(last)) {
            let body = receipt(last, if [4, 6].contains(&last) { "failed" } else { "ok" });
            bench.store.receive_receipt(trunk, body.as_bytes(), &signed(&body, SECRET), clock()).await.expect("a receipt");
        }
        let told = counts(&bench, &tenant, id, "all receipts", |counts| !counts.contains_key(&Disposition::Accepted) || counts[&Disposition::Accepted] == 0).await;
        assert_eq!((told[&Disposition::Delivered], told[&Disposition::Undeliverable], told[&Disposition::Blocked]), (16, 1, 2), "{told:?}");
        for last in 3..=6 {
            let entries = tenant.suppressions_of(&number(last)).await.expect("reads");
            let told: Vec<_> = entries.iter().map(|entry| (entry.scope, entry.reason)).collect();
            let wanted = if last >= 5 { vec![(SuppressionScope::Sms, SuppressionReason::CarrierBlock)] } else { Vec::new() };
            assert_eq!(told, wanted, "{last}");
        }

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

/// A form, as it came.
type Told = BTreeMap<String, String>;

/// Takes forms, and hangs from the eleventh on.
async fn hang(State(told): State<Arc<Mutex<Vec<Told>>>>, Form(form): Form<Told>) -> Json<serde_json::Value> {
    let place = {
        let mut told = told.lock().expect("no panic");
        told.push(form);
        told.len()
    };
    if place > 10 {
        std::future::pending::<()>().await;
    }
    Json(serde_json::json!({"id": place}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_is_left_for_the_next_trunk_and_what_it_may_have_taken_is_unknown() {
    for_each_store("sending_http_hangs", |bench| async move {
        let told = Arc::<Mutex<Vec<Told>>>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let router = axum::Router::new().route("/send", post(hang)).with_state(told.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let tenant = bench.tenant("northwind").await;
        let settings = serde_json::json!({
            "kind": "http", "url": format!("http://127.0.0.1:{port}/send"), "message_id": "/id", "body": "form", "concurrency": 4, "response_timeout_seconds": 1,
            "fields": {"msisdn": "{to}", "from": "{from}", "body": "{text}", "ref": "{reference}"}
        });
        let settings: TrunkSettings = serde_json::from_value(settings).expect("settings");
        let new = NewTrunk { name: "Hangs".into(), settings, secret: Personal::new(SECRET), rate_per_second: 200, cost_per_segment: 100, currency: "GBP".into() };
        let first = tenant.add_trunk(&new, false, NOON).await.expect("a trunk");
        tenant.add_route(&NewRoute { prefix: "+44".into(), sender: String::new(), trunk: first, priority: 1 }, false, NOON).await.expect("a route");
        let carrier = Carrier::start(CarrierConfig::sink()).await.expect("a carrier");
        super::trunk(&tenant, "Second", &carrier, 500, 2).await;
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 60).await;
        let done = |counts: &BTreeMap<Disposition, i64>| counts.values().sum::<i64>() == 60 && counts.get(&Disposition::Accepted) == Some(&10);
        let counts = counts(&bench, &tenant, id, "all", done).await;
        let asked = told.lock().expect("no panic").clone();
        let unknown = counts.get(&Disposition::Unknown).copied().unwrap_or(0);
        assert_eq!(unknown, asked.len() as i64 - 10, "whatever it was asked and did not answer: {counts:?}");
        assert!((1..=20).contains(&unknown), "those that were under way, and a probe: {counts:?}");
        assert_eq!(counts.get(&Disposition::Delivered), Some(&(50 - unknown)), "{counts:?}");
        let form = asked.iter().find(|form| form["msisdn"] == number(0)).expect("the first person's");
        assert_eq!((form["from"].as_str(), form["body"].as_str()), ("+447700900999", "Dear Ada 0, please call us about your account."));
        assert!(!form["ref"].is_empty());
        sending.stop().await;
    })
    .await;
}
