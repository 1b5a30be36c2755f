//! Webhooks over the API: a secret is shown once, what cannot stand is said field by field, and the log tells what is sent.

use clarion_domain::webhooks::event::WebhookEventKind;
use serde_json::json;

use crate::support::world;

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_made_tested_replayed_and_deleted() {
    let world = world().await;
    world.ask("POST", "/webhooks", json!({"url": "https://hooks.example.com/in", "events": ["never.heard_of"]})).await.problem(422);
    for (url, fields) in [("http://hooks.example.com/", vec!["url", "events"]), ("https://[::ffff:127.0.0.1]/", vec!["url", "events"])] {
        assert_eq!(world.ask("POST", "/webhooks", json!({"url": url, "events": []})).await.problem(422), fields, "{url}");
    }
    let made = world.ask("POST", "/webhooks", json!({"url": "https://hooks.example.com/in", "events": ["import.loaded"]})).await.expect(201);
    let (id, secret) = (made["webhook"]["id"].as_str().expect("an id").to_owned(), made["secret"].as_str().expect("a secret").to_owned());
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "32 bytes in base64");
    let (one, path) = (world.get(&format!("/webhooks/{id}")).await, format!("/webhooks/{id}"));
    assert!(!one.text.contains("whsec_") && !world.get("/webhooks").await.text.contains("whsec_"));
    let changed = world.ask("PUT", &path, json!({"url": "https://hooks.example.com/other", "events": ["import.loaded", "campaign.finished"]})).await.expect(200);
    assert_eq!((&changed["url"], &changed["events"]), (&json!("https://hooks.example.com/other"), &json!(["import.loaded", "campaign.finished"])));
    assert_ne!(world.ask("POST", &format!("{path}/secret"), json!(null)).await.expect(200)["secret"], secret.as_str());

    let event = world.ask("POST", &format!("{path}/test"), json!(null)).await.expect(202)["event"].as_str().expect("an id").to_owned();
    let log = world.get(&format!("{path}/deliveries?state=waiting")).await.expect(200);
    assert_eq!((&log["items"][0]["event"], &log["items"][0]["kind"], &log["items"][0]["tries"]), (&json!(event), &json!("webhook.test"), &json!(0)));
    assert_eq!(world.get(&format!("{path}/deliveries?state=failed")).await.expect(200)["items"], json!([]));
    let body: serde_json::Value = serde_json::from_str(world.get(&format!("{path}/deliveries/{event}")).await.expect(200)["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!((&body["id"], &body["type"], &body["data"]), (&json!(event), &json!("webhook.test"), &json!({"webhook": id})));
    assert_eq!(world.ask("POST", &format!("{path}/disable"), json!(null)).await.status, 204);
    world.ask("POST", &format!("{path}/test"), json!(null)).await.problem(409);
    assert_eq!(world.ask("POST", &format!("{path}/enable"), json!(null)).await.status, 204);
    let replayed = world.ask("POST", &format!("{path}/replay"), json!({"since": "2020-01-01T00:00:00Z", "only_failed": true})).await.expect(202);
    assert_eq!(replayed["events"], 1, "what waited when it was switched off");
    assert_eq!(world.ask("POST", &format!("{path}/deliveries/{event}/replay"), json!(null)).await.status, 202);
    assert_eq!(world.ask("DELETE", &path, json!(null)).await.status, 204);
    world.get(&path).await.problem(404);
    let acts = world.tenant.audit_events("webhook", "", None, 50).await.expect("the audit").rows;
    assert!(acts.len() >= 9, "every change is audited: {}", acts.len());
    assert_eq!(WebhookEventKind::ALL.iter().filter(|kind| kind.can_be_wanted()).count(), 23);
}
