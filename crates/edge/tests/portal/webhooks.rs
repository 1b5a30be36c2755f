//! The pages of webhooks.

use axum::http::StatusCode;
use clarion_domain::tenancy::role::Role;

use crate::support::World;

#[tokio::test]
async fn a_webhook_is_added_tried_and_switched_off() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    assert!(owner.get("/team/webhooks").await.text.contains("No webhook yet"));
    let wrong = owner.post("/team/webhooks/new", &[("url", "https://127.0.0.1/")]).await;
    wrong.assert_problem("url", "not on the public internet");
    wrong.assert_problem("events", "Choose at least one event");
    let made = owner.post("/team/webhooks/new", &[("url", "https://hooks.example.com/in"), ("events", "import.loaded"), ("events", "reply.received")]).await;
    assert!(made.text.contains("Keep this secret now") && made.text.contains("whsec_"), "{}", made.text);
    let path = made.text.split("href=\"").find(|part| part.starts_with("/team/webhooks/whk_")).and_then(|part| part.split('"').next()).expect("its page").to_owned();
    let page = owner.get(&path).await.text;
    assert!(!page.contains("whsec_") && page.contains("Nothing here"), "{page}");
    let event = owner.post(&format!("{path}/test"), &[]).await.location().to_owned();
    assert!(event.starts_with(&format!("{path}/wev_")), "{event}");
    let shown = owner.get(&event).await.text;
    assert!(shown.contains("Not tried yet") && shown.contains("webhook.test"), "{shown}");
    owner.post(&path, &[("url", "https://hooks.example.com/in")]).await.assert_problem("events", "Choose at least one event");
    assert_eq!(owner.post(&format!("{path}/disable"), &[]).await.location(), format!("{path}?said=webhook-off"));
    let off = owner.get(&format!("{path}?only=failed")).await.text;
    assert!(off.contains("Switched off by a user") && off.contains("switched off") && !off.contains("Send a test event\u{3c}"), "{off}");
    assert_eq!(owner.post(&format!("{path}/enable"), &[]).await.location(), format!("{path}?said=webhook-on"));
    assert_eq!(owner.post(&format!("{path}/replay"), &[("since", "2020-01-01T00:00"), ("what", "failed")]).await.location(), format!("{path}?said=replayed"));
    assert!(owner.get(&format!("{path}?only=waiting")).await.text.contains("webhook.test"));
    assert_eq!(owner.post(&format!("{path}/replay"), &[("since", "soon")]).await.status, StatusCode::BAD_REQUEST);
    assert!(owner.post(&format!("{path}/secret"), &[]).await.text.contains("signed with the old secret as well"));
    assert_eq!(owner.post(&format!("{path}/delete"), &[]).await.location(), "/team/webhooks?said=removed");
    assert_eq!(owner.get(&path).await.status, StatusCode::NOT_FOUND);
}
