//! Webhooks against a receiver that fails in every way, on both databases. The time is the test's own.

#[path = "../../../store/tests/support/people.rs"]
mod people;
mod receiver;
#[path = "../../../store/tests/support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::WebhookId;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant, MINUTE_MS, SECOND_MS};
use clarion_domain::webhooks::event::{WebhookDeliveryState, WebhookEventKind};
use clarion_engine::webhooks::{WebhookConfig, run, work};
use clarion_store::db::Statement;
use clarion_store::webhooks::{NewWebhook, WebhookRecord};
use clarion_store::{Tenant, params};
use people::number;
use receiver::{Answer, Receiver, Trap};
use support::{Bench, NOON, for_each_store};

/// A clock that each test moves by itself.
macro_rules! own_clock {
    () => {
        static AT: AtomicI64 = AtomicI64::new(NOON.0);
        fn clock() -> Instant {
            Instant(AT.load(Ordering::SeqCst))
        }
        const CONFIG: WebhookConfig = WebhookConfig { clock, chance: no_chance };
        AT.store(NOON.0, Ordering::SeqCst);
    };
}

fn no_chance() -> u64 {
    0
}

fn allow_loopback(bench: &Bench) {
    bench.store.allow_webhook_networks(clarion_domain::webhooks::target::AllowedNetworks(vec!["127.0.0.0/8".parse().expect("a network")]));
}

async fn endpoint(tenant: &Tenant, url: String, events: &[WebhookEventKind]) -> (WebhookId, String) {
    let made = tenant.create_webhook(&NewWebhook { url, events: events.to_vec() }, NOON).await.expect("a webhook");
    (made.id, made.secret)
}

async fn suppress(tenant: &Tenant, last: usize, now: Instant) {
    assert!(tenant.suppress(&number(last), SuppressionScope::Every, SuppressionReason::OptOut, "a test", now).await.expect("suppressed"));
}

async fn standing(tenant: &Tenant, id: WebhookId) -> WebhookRecord {
    tenant.webhook(id).await.expect("the webhook")
}

async fn states(tenant: &Tenant, id: WebhookId) -> Vec<(WebhookDeliveryState, i64, String)> {
    let mut rows = tenant.webhook_deliveries(id, None, None, 100).await.expect("a log").rows;
    rows.reverse();
    rows.into_iter().map(|row| (row.state, row.tries, row.last_error)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_for_an_hour_gets_everything_once_it_is_back() {
    for_each_store("webhooks_hour", |bench| async move {
        own_clock!();
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let mut receiver = Receiver::start();
        let (id, secret) = endpoint(&tenant, receiver.url(), &[WebhookEventKind::SuppressionAdded]).await;
        suppress(&tenant, 0, clock()).await;
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
        receiver.down();
        for minute in 1..=60 {
            AT.fetch_add(MINUTE_MS, Ordering::SeqCst);
            if minute % 10 == 0 {
                suppress(&tenant, minute / 10, clock()).await;
            }
            work(&bench.store, CONFIG).await.expect("works");
        }
        let now = standing(&tenant, id).await;
        assert!(now.enabled && now.failing_since == Some(NOON.plus_ms(10 * MINUTE_MS)), "{now:?}");
        assert_eq!((now.waiting, receiver.received().len()), (6, 1));
        let tried: i64 = states(&tenant, id).await.iter().map(|(_, tries, _)| tries).sum();
        assert!((6..=16).contains(&tried), "a receiver that is down is not hammered: {tried} tries");
        receiver.up();
        let mut waited = 0;
        while standing(&tenant, id).await.waiting > 0 {
            AT.fetch_add(MINUTE_MS, Ordering::SeqCst);
            waited += 1;
            assert!(waited <= 16, "a quarter of an hour after it is back everything was told");
            work(&bench.store, CONFIG).await.expect("works");
        }
        let (received, mut ids) = (receiver.received(), receiver.ids());
        assert!(received.iter().all(|one| one.is_signed_with(&secret) && one.data()["type"] == "suppression.added" && one.data()["id"] == one.id), "{received:?}");
        assert!(received.iter().all(|one| !one.body.contains("7700900")), "no number leaves");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((received.len(), ids.len()), (7, 7), "each once");
        assert!(states(&tenant, id).await.iter().all(|(state, ..)| *state == WebhookDeliveryState::Delivered));
        assert_eq!((standing(&tenant, id).await.failures, standing(&tenant, id).await.failing_since), (0, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_days_of_nothing_switch_it_off_and_a_replay_brings_all_of_it() {
    for_each_store("webhooks_days", |bench| async move {
        own_clock!();
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let (receiver, other) = (Receiver::start(), Receiver::start());
        let (id, _) = endpoint(&tenant, receiver.url(), &[WebhookEventKind::SuppressionAdded]).await;
        let (watcher, _) = endpoint(&tenant, other.url(), &[WebhookEventKind::WebhookDisabled]).await;
        receiver.answer(Answer::Status(500));
        suppress(&tenant, 0, clock()).await;
        for _ in 0..2 * 73 {
            work(&bench.store, CONFIG).await.expect("works");
            AT.fetch_add(HOUR_MS / 2, Ordering::SeqCst);
        }
        let off = standing(&tenant, id).await;
        assert!(!off.enabled && off.disabled_why.contains("three days"), "{off:?}");
        assert_eq!(states(&tenant, id).await[0].0, WebhookDeliveryState::Failed);
        suppress(&tenant, 1, clock()).await;
        assert_eq!(states(&tenant, id).await.len(), 1, "what happens while it is off is not kept");
        assert!(tenant.replay_webhook(id, NOON, true, clock()).await.is_err(), "it is off");
        assert_eq!((other.received()[0].data()["data"]["webhook"].clone(), standing(&tenant, watcher).await.enabled), (serde_json::json!(id), true));
        let first = receiver.ids()[0].clone();
        receiver.answer(Answer::Taken);
        tenant.enable_webhook(id, true, clock()).await.expect("on");
        assert_eq!(tenant.replay_webhook(id, NOON.plus_ms(1), true, clock()).await.expect("replayed"), 0, "it happened before");
        assert_eq!(tenant.replay_webhook(id, NOON, true, clock()).await.expect("replayed"), 1);
        work(&bench.store, CONFIG).await.expect("works");
        assert!(receiver.ids().iter().all(|id| *id == first), "the same identifier, however often");
        assert_eq!(states(&tenant, id).await[0].0, WebhookDeliveryState::Delivered);
        assert_eq!(tenant.replay_webhook(id, NOON, true, clock()).await.expect("replayed"), 0, "nothing failed");
        assert_eq!(tenant.replay_webhook(id, NOON, false, clock()).await.expect("replayed"), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gone_switches_it_off_at_once_and_an_endpoint_may_ask_for_time() {
    for_each_store("webhooks_gone", |bench| async move {
        own_clock!();
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let receiver = Receiver::start();
        let (id, _) = endpoint(&tenant, receiver.url(), &[WebhookEventKind::SuppressionAdded]).await;
        receiver.answer(Answer::Wait(429, "600"));
        suppress(&tenant, 0, clock()).await;
        suppress(&tenant, 1, clock()).await;
        work(&bench.store, CONFIG).await.expect("works");
        let asked = receiver.received().len();
        AT.fetch_add(599 * SECOND_MS, Ordering::SeqCst);
        assert_eq!((work(&bench.store, CONFIG).await.expect("works"), receiver.received().len()), (0, asked), "not before its time");
        AT.fetch_add(SECOND_MS, Ordering::SeqCst);
        receiver.answer(Answer::Status(410));
        assert!(work(&bench.store, CONFIG).await.expect("works") > 0);
        let off = standing(&tenant, id).await;
        assert!(!off.enabled && off.disabled_why.contains("410") && off.waiting == 0, "{off:?}");
        assert!(tenant.test_webhook(id, clock()).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_has_nothing_held_against_it() {
    for_each_store("webhooks_moved", |bench| async move {
        own_clock!();
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let (wrong, right) = (Receiver::start(), Receiver::start());
        wrong.answer(Answer::Status(404));
        let want = [WebhookEventKind::SuppressionAdded];
        let (id, _) = endpoint(&tenant, wrong.url(), &want).await;
        for last in 0..3 {
            suppress(&tenant, last, clock()).await;
            for _ in 0..8 {
                AT.fetch_add(HOUR_MS, Ordering::SeqCst);
                work(&bench.store, CONFIG).await.expect("works");
            }
        }
        let failing = standing(&tenant, id).await;
        assert!(failing.failures > 3 && failing.failing_since.is_some(), "{failing:?}");
        tenant.change_webhook(id, &NewWebhook { url: wrong.url(), events: vec![WebhookEventKind::SuppressionAdded, WebhookEventKind::ImportLoaded] }, clock()).await.expect("changed");
        assert_eq!(standing(&tenant, id).await.failures, failing.failures, "the same address is the same");
        tenant.change_webhook(id, &NewWebhook { url: right.url(), events: want.to_vec() }, clock()).await.expect("changed");
        let now = standing(&tenant, id).await;
        assert_eq!((now.failures, now.failing_since, now.waiting), (0, None, 3));
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 3, "all of it at once");
        assert_eq!((right.received().len(), standing(&tenant, id).await.waiting), (3, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_where_it_may_not() {
    for_each_store("webhooks_guard", |bench| async move {
        own_clock!();
        static MOVE: Statement = Statement { text: "UPDATE webhook SET url = $2 WHERE id = $1", postgres: "" };
        let tenant = bench.tenant("northwind").await;
        let trap = Trap::set();
        let port = trap.port();
        let want = [WebhookEventKind::SuppressionAdded];
        let refused = tenant.create_webhook(&NewWebhook { url: format!("https://127.0.0.1:{port}/"), events: want.to_vec() }, NOON).await;
        assert!(refused.expect_err("refused").to_string().contains("not on the public internet"));
        // A name is looked up when something is sent; the others are as if the operator had allowed them once.
        let (id, _) = endpoint(&tenant, format!("https://localhost:{port}/"), &want).await;
        for (round, url) in ["https://localhost", "https://127.1", "https://0x7f000001", "https://[::ffff:127.0.0.1]", "https://[::1]", "http://127.0.0.1"].into_iter().enumerate() {
            bench.store.db().execute(&MOVE, &params![id, format!("{url}:{port}/")]).await.expect("moved");
            let event = tenant.test_webhook(id, clock()).await.expect("an event");
            tenant.enable_webhook(id, true, clock()).await.expect("tried at once");
            work(&bench.store, CONFIG).await.expect("works");
            let (_, tries) = tenant.webhook_delivery(id, event).await.expect("its log");
            assert_eq!((tries[0].status, tries[0].error.as_str()), (0, "address_refused"), "{round}: {url}");
            AT.fetch_add(DAY_MS / 24, Ordering::SeqCst);
        }
        assert!(trap.is_untouched(), "no connection was tried");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    for_each_store("webhooks_redirect", |bench| async move {
        own_clock!();
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let (receiver, trap) = (Receiver::start(), Trap::set());
        receiver.answer(Answer::To(format!("http://127.0.0.1:{}/hooks", trap.port())));
        let (id, _) = endpoint(&tenant, receiver.url(), &[WebhookEventKind::SuppressionAdded]).await;
        suppress(&tenant, 0, clock()).await;
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
        assert_eq!(states(&tenant, id).await, [(WebhookDeliveryState::Waiting, 1, "redirect_refused".to_owned())]);
        assert!(trap.is_untouched());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_wire_and_row_sends_again_under_the_same_identifier() {
    for_each_store("webhooks_crash", |bench| async move {
        own_clock!();
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let receiver = Receiver::start();
        let (id, _) = endpoint(&tenant, receiver.url(), &[WebhookEventKind::SuppressionAdded]).await;
        receiver.answer(Answer::Hang);
        suppress(&tenant, 0, clock()).await;
        let worker = tokio::spawn(run(bench.store.clone(), CONFIG));
        receiver.came().await;
        worker.abort();
        assert!(worker.await.expect_err("cut off").is_cancelled());
        assert_eq!(states(&tenant, id).await, [(WebhookDeliveryState::Waiting, 0, String::new())], "no row tells of it");
        receiver.answer(Answer::Taken);
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
        let ids = receiver.ids();
        assert_eq!((ids.len(), ids.first() == ids.last()), (2, true));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_says_nothing_slows_nobody_and_may_be_deleted_meanwhile() {
    for_each_store("webhooks_slow", |bench| async move {
        own_clock!();
        allow_loopback(&bench);
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let (slow, quick) = (Receiver::start(), Receiver::start());
        slow.answer(Answer::Hang);
        let (hangs, _) = endpoint(&tenant, slow.url(), &[WebhookEventKind::SuppressionAdded]).await;
        endpoint(&tenant, quick.url(), &[WebhookEventKind::SuppressionAdded]).await;
        endpoint(&other, quick.url(), &[WebhookEventKind::SuppressionAdded]).await;
        let worker = tokio::spawn(run(bench.store.clone(), CONFIG));
        suppress(&tenant, 0, clock()).await;
        slow.came().await;
        for last in 1..=5 {
            suppress(&tenant, last, clock()).await;
            suppress(&other, last, clock()).await;
        }
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while quick.received().len() < 11 {
            assert!(std::time::Instant::now() < deadline, "{} of 11 came while another endpoint hangs", quick.received().len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(slow.received().len(), 1, "one round at a time");
        tenant.delete_webhook(hangs, clock()).await.expect("deleted while something is on its way");
        worker.abort();
        assert!(worker.await.is_err());
        slow.answer(Answer::Taken);
        work(&bench.store, CONFIG).await.expect("works");
        assert_eq!(slow.received().len(), 1, "what waited for it is not told");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_signs_beside_the_old_one_for_a_day() {
    for_each_store("webhooks_secrets", |bench| async move {
        own_clock!();
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let receiver = Receiver::start();
        let (id, old) = endpoint(&tenant, receiver.url(), &[WebhookEventKind::SuppressionAdded]).await;
        let new = tenant.rotate_webhook_secret(id, clock()).await.expect("a secret");
        for (hour, both) in [(1, true), (23, true), (24, false)] {
            AT.store(NOON.0 + hour * HOUR_MS, Ordering::SeqCst);
            tenant.test_webhook(id, clock()).await.expect("an event");
            work(&bench.store, CONFIG).await.expect("works");
            let last = receiver.received().pop().expect("it came");
            assert_eq!((last.is_signed_with(&new), last.is_signed_with(&old), last.signatures.len()), (true, both, if both { 2 } else { 1 }), "after {hour} h");
            assert_eq!(last.timestamp, clock().ms() / SECOND_MS);
        }
    })
    .await;
}
