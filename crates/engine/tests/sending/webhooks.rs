//! What a sending campaign tells a webhook that asks for outcomes: each message once, and nothing where nobody asks.

use std::collections::BTreeMap;

use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_store::Tenant;
use clarion_store::webhooks::NewWebhook;
use clarion_testbed::{Carrier, CarrierConfig};

use super::support::{NOON, for_each_store};
use super::{Sending, counts, launch, trunk};

/// How often each attempt was told, by its last word.
async fn told(tenant: &Tenant) -> BTreeMap<String, Vec<String>> {
    let mut told = BTreeMap::<String, Vec<String>>::new();
    let webhook = tenant.webhooks().await.expect("webhooks").remove(0);
    let mut events = tenant.webhook_deliveries(webhook.id, None, None, 1_000).await.expect("a log").rows;
    events.reverse();
    for event in events {
        assert_eq!(event.kind, WebhookEventKind::AttemptSettled);
        let (body, _) = tenant.webhook_delivery(webhook.id, event.event).await.expect("a body");
        assert!(!body.contains("7700900") && !body.contains("Ada"), "nothing personal: {body}");
        let said: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        for attempt in said["data"]["attempts"].as_array().expect("attempts") {
            let word = |key: &str| attempt[key].as_str().expect("a word").to_owned();
            told.entry(word("attempt")).or_default().push(word("disposition"));
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn each_outcome_is_told_once() {
    for_each_store("sending_told", |bench| async move {
        let carrier = Carrier::start(CarrierConfig { replies: false, ..CarrierConfig::default() }).await.expect("a carrier");
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        trunk(&tenant, "Loop", &carrier, 500, 1).await;
        for tenant in [&tenant, &other] {
            let new = NewWebhook { url: "https://hooks.example.com/in".into(), events: vec![WebhookEventKind::AttemptSettled] };
            tenant.create_webhook(&new, NOON).await.expect("a webhook");
        }
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 100).await;
        let counts = counts(&bench, &tenant, id, "every receipt", |counts| counts.values().sum::<i64>() == 100 && counts.get(&Disposition::Accepted) == Some(&2)).await;
        sending.stop().await;
        let told = told(&tenant).await;
        assert!(told.values().all(|words| words.len() == 1), "each once: {told:?}");
        let mut by_word = BTreeMap::<String, i64>::new();
        told.values().for_each(|words| *by_word.entry(words[0].clone()).or_default() += 1);
        let expected: BTreeMap<String, i64> = counts.into_iter().filter(|(word, n)| *word != Disposition::Accepted && *n > 0).map(|(word, n)| (word.to_string(), n)).collect();
        assert_eq!(by_word, expected, "what the report says");
        let webhook = other.webhooks().await.expect("webhooks").remove(0);
        assert!(other.webhook_deliveries(webhook.id, None, None, 10).await.expect("a log").rows.is_empty(), "another tenant hears nothing of it");
    })
    .await;
}
