//! Webhooks in the rows, on both databases: who is told what, and who may see it. Sending has its tests in the engine.

mod support;

use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::WebhookId;
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_domain::webhooks::backoff::TryOutcome;
use clarion_domain::webhooks::event::{WebhookDeliveryState, WebhookEventKind};
use clarion_store::db::Statement;
use clarion_store::webhooks::{NewWebhook, TryRecord};
use clarion_store::{StoreError, Tenant, params};
use support::{NOON, for_each_store};

const URL: &str = "https://hooks.example.com/in";

fn new(events: &[WebhookEventKind]) -> NewWebhook {
    NewWebhook { url: URL.into(), events: events.to_vec() }
}

async fn webhook(tenant: &Tenant, events: &[WebhookEventKind]) -> WebhookId {
    tenant.create_webhook(&new(events), NOON).await.expect("a webhook").id
}

async fn suppress(tenant: &Tenant, number: &str, now: Instant) {
    assert!(tenant.suppress(number, SuppressionScope::Every, SuppressionReason::OptOut, "", now).await.expect("suppressed"));
}

async fn kinds(tenant: &Tenant, id: WebhookId) -> Vec<WebhookEventKind> {
    tenant.webhook_deliveries(id, None, None, 100).await.expect("a log").rows.into_iter().map(|row| row.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_written_for_those_who_ask_and_for_nobody_else() {
    for_each_store("webhooks_rows", |bench| async move {
        static EVENTS: Statement = Statement { text: "SELECT COUNT(*) FROM webhook_event", postgres: "" };
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let elsewhere = webhook(&other, &[WebhookEventKind::SuppressionAdded]).await;
        suppress(&tenant, "+447700900001", NOON).await;
        let mut count = bench.store.db().query_first(&EVENTS, &params![]).await.expect("counts").expect("a row");
        assert_eq!(count.take::<i64>(0).expect("a number"), 0, "nobody asks, nothing is written");
        let both = webhook(&tenant, &[WebhookEventKind::SuppressionAdded, WebhookEventKind::SuppressionLifted]).await;
        let one = webhook(&tenant, &[WebhookEventKind::SuppressionLifted]).await;
        suppress(&tenant, "+447700900002", NOON).await;
        let entry = tenant.suppressions(None, None, 1).await.expect("entries").rows.remove(0);
        tenant.unsuppress(entry.id, "a mistake", NOON).await.expect("lifted");
        assert_eq!(kinds(&tenant, both).await, [WebhookEventKind::SuppressionLifted, WebhookEventKind::SuppressionAdded]);
        assert_eq!(kinds(&tenant, one).await, [WebhookEventKind::SuppressionLifted]);
        assert!(kinds(&other, elsewhere).await.is_empty() && kinds(&other, both).await.is_empty());
        tenant.enable_webhook(one, false, NOON).await.expect("off");
        suppress(&tenant, "+447700900003", NOON).await;
        let due = bench.store.due_webhooks(NOON, 10).await.expect("due");
        assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [both]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_can_do_nothing_with_it() {
    for_each_store("webhooks_tenants", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let id = webhook(&tenant, &[WebhookEventKind::ImportLoaded]).await;
        let event = tenant.test_webhook(id, NOON).await.expect("an event");
        let refusals = [
            other.webhook(id).await.map(|_| ()),
            other.change_webhook(id, &new(&[WebhookEventKind::ImportLoaded]), NOON).await,
            other.rotate_webhook_secret(id, NOON).await.map(|_| ()),
            other.enable_webhook(id, true, NOON).await,
            other.enable_webhook(id, false, NOON).await,
            other.delete_webhook(id, NOON).await,
            other.test_webhook(id, NOON).await.map(|_| ()),
            other.replay_webhook(id, NOON, false, NOON).await.map(|_| ()),
            other.replay_webhook_event(id, event, NOON).await,
            other.webhook_delivery(id, event).await.map(|_| ()),
        ];
        for (place, refusal) in refusals.into_iter().enumerate() {
            assert!(matches!(refusal, Err(StoreError::NotFound(_))), "{place}: {refusal:?}");
        }
        assert!(other.sending_webhook(id, NOON).await.expect("reads").is_none());
        assert!(other.webhooks().await.expect("none").is_empty() && tenant.webhook(id).await.expect("it").enabled);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_stand_is_said_field_by_field() {
    for_each_store("webhooks_faults", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let faults = |new: NewWebhook| {
            let tenant = tenant.clone();
            async move {
                match tenant.create_webhook(&new, NOON).await {
                    Err(StoreError::Faults(faults)) => faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>(),
                    other => panic!("{other:?}"),
                }
            }
        };
        assert_eq!(faults(NewWebhook { url: "http://hooks.example.com".into(), events: Vec::new() }).await, ["url", "events"]);
        assert_eq!(faults(NewWebhook { url: "https://10.0.0.1/".into(), events: vec![WebhookEventKind::ImportLoaded] }).await, ["url"]);
        assert_eq!(faults(new(&[WebhookEventKind::ImportLoaded, WebhookEventKind::WebhookTest])).await, ["events"]);
        for _ in 0..20 {
            webhook(&tenant, &[WebhookEventKind::ImportLoaded]).await;
        }
        assert!(matches!(tenant.create_webhook(&new(&[WebhookEventKind::ImportLoaded]), NOON).await, Err(StoreError::Conflict(_))));
    })
    .await;
}

fn refused(event: clarion_domain::id::WebhookEventId) -> TryRecord {
    TryRecord { event, tried_at: NOON, duration_ms: 12, status: 500, error: "refused", outcome: TryOutcome::Refused { retry_after_ms: None } }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_its_lease_writes_nothing() {
    for_each_store("webhooks_lease", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let id = webhook(&tenant, &[WebhookEventKind::ImportLoaded]).await;
        let event = tenant.test_webhook(id, NOON).await.expect("an event");
        let lost = bench.store.take_lease("webhook", NOON).await.expect("asked").expect("free");
        let held = bench.store.take_lease("webhook", NOON).await.expect("asked").expect("our own of before");
        assert!(tenant.record_tries(&lost, id, &[refused(event)], NOON, || 0).await.is_err());
        assert!(tenant.webhook_delivery(id, event).await.expect("its log").1.is_empty());
        tenant.record_tries(&held, id, &[refused(event)], NOON, || 0).await.expect("written");
        let (_, tries) = tenant.webhook_delivery(id, event).await.expect("its log");
        assert_eq!((tries.len(), tries[0].status, tries[0].duration_ms), (1, 500, 12));
        assert_eq!(tenant.webhook_deliveries(id, Some(WebhookDeliveryState::Waiting), None, 5).await.expect("a log").rows[0].next_at, Some(NOON.plus_ms(5_000)));
        tenant.delete_webhook(id, NOON).await.expect("deleted");
        tenant.record_tries(&held, id, &[refused(event)], NOON, || 0).await.expect("it is gone: nothing to write");
        assert!(tenant.webhook_delivery(id, event).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_kept_for_its_time() {
    for_each_store("webhooks_sweep", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let (id, kept) = (webhook(&tenant, &[WebhookEventKind::ImportLoaded]).await, webhook(&other, &[WebhookEventKind::ImportLoaded]).await);
        tenant.test_webhook(id, NOON).await.expect("an event");
        other.test_webhook(kept, NOON).await.expect("an event");
        let end = NOON.plus_ms(i64::from(RecordClass::WebhookEvent.retention().period_days) * DAY_MS);
        tenant.sweep(end).await.expect("sweeps");
        assert_eq!(kinds(&tenant, id).await.len(), 1, "at its last moment it is there");
        let counts = tenant.sweep(end.plus_ms(1)).await.expect("sweeps");
        assert!(counts.iter().any(|count| count.class == RecordClass::WebhookEvent && count.count == 1), "{counts:?}");
        assert_eq!((kinds(&tenant, id).await.len(), kinds(&other, kept).await.len()), (0, 1));
        assert_eq!(tenant.webhook(id).await.expect("it").waiting, 0);
    })
    .await;
}
