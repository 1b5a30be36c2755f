//! How often a program may ask, and what it reads about that.

use clarion_domain::tenancy::role::Role;
use clarion_edge::RateLimits;
use serde_json::{Value, json};

use crate::support::{Answer, limited, world};

fn said<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_its_requests_of_a_minute() {
    let world = limited(RateLimits { requests_per_minute: 3, refusals_per_minute: 0 }).await;
    for left in [2, 1, 0] {
        let answer = world.get("/me").await;
        answer.expect(200);
        assert_eq!((said(&answer, "ratelimit-policy"), said(&answer, "ratelimit")), ("\"key\";q=3;w=60", format!("\"key\";r={left};t={}", 60 - 20 * left).as_str()));
        assert_eq!(said(&answer, "retry-after"), "");
    }
    for _ in 0..2 {
        let answer = world.ask("POST", "/lists", json!({"name": "Customers"})).await;
        assert!(answer.problem(429).is_empty() && answer.json()["type"] == "urn:clarion:problem:too-many-requests", "{}", answer.text);
        assert_eq!((said(&answer, "retry-after"), said(&answer, "ratelimit-policy"), said(&answer, "ratelimit")), ("20", "\"key\";q=3;w=60", "\"key\";r=0;t=60"));
        assert_eq!(said(&answer, "cache-control"), "no-store");
    }
    // Another key of the tenant, and another tenant, have their own; what a key may not do counts as well.
    let viewer = world.key_of(Role::Viewer).await;
    let refused = world.ask_as(&viewer, "POST", "/lists", json!({"name": "Customers"})).await;
    refused.problem(403);
    assert_eq!(said(&refused, "ratelimit"), "\"key\";r=2;t=20");
    world.ask_as(&world.other, "GET", "/me", Value::Null).await.expect(200);
    let lists = world.tenant.lists().await.expect("lists");
    assert!(lists.is_empty(), "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_shows_wrong_keys_waits() {
    let world = limited(RateLimits { requests_per_minute: 0, refusals_per_minute: 4 }).await;
    for _ in 0..10 {
        assert_eq!(said(&world.get("/me").await, "ratelimit"), "", "no limit, no header");
        world.send("GET", "/me", &[], "").await.problem(401);
    }
    for tried in 0..6 {
        let answer = world.ask_as("clr_0000", "GET", "/me", Value::Null).await;
        answer.problem(if tried < 4 { 401 } else { 429 });
        assert_eq!((said(&answer, "retry-after"), said(&answer, "ratelimit")), (if tried < 4 { "" } else { "15" }, ""));
        world.send("POST", "/carriers/trk_none/receipts", &[], "{}").await.problem(if tried < 4 { 404 } else { 429 });
    }
    // Programs of others share its address: a key that was revoked keeps nobody else out, nor does a trunk that is gone.
    world.get("/me").await.expect(200);
    world.send("POST", "/carriers/trk_other/receipts", &[], "{}").await.problem(404);
    // Until it is one that tries out many.
    for tried in 9..80 {
        world.ask_as(&format!("clr_{tried}"), "GET", "/me", Value::Null).await.problem(401);
    }
    // What was right of late is asked about all the same; a key that nobody has shown yet waits.
    world.get("/me").await.expect(200);
    world.ask_as(&world.other, "GET", "/me", Value::Null).await.problem(429);
    world.send("GET", "/openapi.json", &[], "").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_signs_is_read_however_much_of_it_is_not_understood() {
    let world = limited(RateLimits { requests_per_minute: 0, refusals_per_minute: 4 }).await;
    let receipt = json!({"message_id": "/id", "state": "/status", "states": {"ok": "delivered"}, "signature_header": "x-signature"});
    let settings = json!({"kind": "http", "url": "https://provider.example/send", "message_id": "/id", "fields": {"to": "{to}", "text": "{text}"}, "receipt": receipt});
    let new = json!({"name": "Provider", "settings": settings, "secret": "known to both", "rate_per_second": 10, "cost_per_segment": 0, "currency": "GBP"});
    let trunk = world.ask("POST", "/trunks", new).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let tell = async |body: &str, secret: &str| {
        let signed = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
        let signature: String = signed.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        world.send("POST", &format!("/carriers/{trunk}/receipts"), &[("x-signature", &signature), ("content-type", "application/json")], body.to_owned()).await
    };
    for _ in 0..10 {
        tell(r#"{"id": "1", "status": "queued"}"#, "known to both").await.problem(422);
    }
    tell(r#"{"id": "1", "status": "ok"}"#, "known to both").await.expect(204);
    for tried in 0..6 {
        tell(r#"{"id": "1", "status": "ok"}"#, "guessed").await.problem(if tried < 4 { 403 } else { 429 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_says_so_for_every_operation() {
    let document = world().await.send("GET", "/openapi.json", &[], "").await.expect(200);
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let responses = operation["responses"].as_object().expect("responses");
            assert_eq!(responses["429"]["$ref"], "#/components/responses/TooManyRequests", "{method} {path}");
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('2')) {
                assert_eq!(response["headers"]["RateLimit"]["$ref"], "#/components/headers/RateLimit", "{method} {path} {status}");
            }
        }
    }
    assert_eq!(document["components"]["responses"]["TooManyRequests"]["headers"]["Retry-After"]["$ref"], "#/components/headers/Retry-After");
    assert_eq!(document["components"]["headers"]["Retry-After"]["required"], true);
}
