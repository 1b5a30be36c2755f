//! Short links in the rows, on both databases: whose name it is, where a code leads and for how long, what is counted, and how it goes.

mod support;
#[path = "support/people.rs"]
mod people;

use clarion_domain::id::{AttemptId, CampaignId, ContactId};
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant, MINUTE_MS};
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_domain::webhooks::target::AllowedNetworks;
use clarion_store::campaigns::CampaignDraft;
use clarion_store::compliance::rule_book;
use clarion_store::contacts::TimelineKind;
use clarion_store::db::Statement;
use clarion_store::links::{ShortLinkRow, add_short_links};
use clarion_store::webhooks::NewWebhook;
use clarion_store::{StoreError, Tenant, params};
use people::{person, profile};
use support::{Bench, NOON, for_each_store};

const TARGET: &str = "https://example.com/pay?r=A1";

static ATTEMPT: Statement = Statement {
    text: "INSERT INTO attempt (id, tenant_id, campaign_id, position, try_number, contact_id, address_id, channel, trunk_id, state, disposition, cause, decision, segments, cost, sealed_body,
                                carrier_message_id, parts_heard, claimed_at, answered_at, settled_at)
           VALUES ($1, $2, $3, 0, 1, $4, 1, 'sms', 1, 'settled', 'delivered', '', '', 1, 350, NULL, 'c-1', 1, $5, $5, $5)",
    postgres: "",
};
static LINKS: Statement = Statement { text: "SELECT COUNT(*) FROM short_link", postgres: "" };
static SECRETS: Statement = Statement { text: "SELECT COUNT(*) FROM short_link WHERE code_hash IS NOT NULL OR sealed_target IS NOT NULL", postgres: "" };
static KEY: Statement = Statement { text: "SELECT wrapped_key FROM contact WHERE id = $1", postgres: "" };

async fn count(bench: &Bench, statement: &'static Statement) -> i64 {
    bench.store.db().query_first(statement, &params![]).await.expect("counts").expect("a row").take(0).expect("a number")
}

/// A name that was looked at and found good.
async fn named(bench: &Bench, tenant: &Tenant, host: &str) {
    tenant.set_link_host(host, None, NOON).await.expect("named");
    for check in bench.store.due_link_checks(NOON, 10).await.expect("due").into_iter().filter(|check| check.tenant == tenant.id()) {
        assert_eq!(bench.store.link_tokens(host).await.expect("tokens"), std::slice::from_ref(&check.token));
        tenant.record_link_check(&check, Ok("https"), NOON).await.expect("kept");
    }
}

async fn campaign(tenant: &Tenant, body: &str) -> CampaignId {
    let draft = CampaignDraft { body: body.into(), ..CampaignDraft::new("November") };
    tenant.create_campaign(&draft, NOON).await.expect("a draft")
}

/// A message with one link, as the sending loop makes it; its code.
async fn sent(bench: &Bench, tenant: &Tenant, campaign: CampaignId, contact: ContactId, expires_at: Instant) -> (AttemptId, String) {
    let mut row = bench.store.db().query_first(&KEY, &params![contact]).await.expect("reads").expect("a row");
    let key = bench.store.keyring().unwrap(&row.take::<Vec<u8>>(0).expect("a key")).expect("unwraps");
    let (code, link) = tenant.new_short_link(&key, 0, TARGET).expect("a link");
    let attempt = AttemptId(bench.store.next_id(NOON));
    let mut tx = bench.store.db().begin().await.expect("begins");
    let row = ShortLinkRow { attempt, tenant: tenant.id(), campaign, contact, expires_at, link };
    add_short_links(&mut tx, &[row]).await.expect("added");
    tx.execute(&ATTEMPT, &params![attempt, tenant.id(), campaign, contact, NOON]).await.expect("an attempt");
    tx.commit().await.expect("commits");
    (attempt, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_counts_once_it_points_here_and_for_one_tenant() {
    for_each_store("links_names", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        for (host, words) in [("https://go.example.com", "write the name alone"), ("localhost", "with a dot"), ("127.0.0.1", "not an address"), ("portal.example.com", "the portal itself")] {
            match tenant.set_link_host(host, Some("portal.example.com:443"), NOON).await {
                Err(StoreError::Faults(faults)) => assert!(faults[0].field == "host" && faults[0].message.contains(words), "{host}: {faults:?}"),
                other => panic!("{host}: {other:?}"),
            }
        }
        assert!(matches!(tenant.enable_links(true, NOON).await, Err(StoreError::NotFound(_))));
        tenant.set_link_host("Go.Example.com", None, NOON).await.expect("named");
        assert!(bench.store.link_host("go.example.com").await.expect("asks").is_none(), "not seen to point here yet");
        assert!(matches!(tenant.enable_links(true, NOON).await, Err(StoreError::Conflict(_))));
        let check = bench.store.due_link_checks(NOON, 10).await.expect("due").remove(0);
        tenant.record_link_check(&check, Err("the name leads elsewhere"), NOON).await.expect("kept");
        let domain = tenant.link_domain().await.expect("reads").expect("a domain");
        assert!(!domain.is_verified() && !domain.check_due && domain.last_error == "the name leads elsewhere");
        named(&bench, &tenant, "go.example.com").await;
        assert_eq!(bench.store.link_host("go.example.com").await.expect("asks").expect("a host").name, "northwind");
        assert!(tenant.link_sample().await.expect("reads").is_none(), "off until somebody switches it on");
        tenant.enable_links(true, NOON).await.expect("on");
        assert_eq!(tenant.link_sample().await.expect("reads").as_deref(), Some("https://go.example.com/samp1e000000"));
        // Another tenant wants the same name: it serves a token there too, and still cannot have it.
        other.set_link_host("go.example.com", None, NOON).await.expect("named");
        let check = bench.store.due_link_checks(NOON, 10).await.expect("due").remove(0);
        other.record_link_check(&check, Ok("https"), NOON).await.expect("kept");
        let refused = other.link_domain().await.expect("reads").expect("a domain");
        assert!(!refused.is_verified() && refused.last_error.contains("another tenant"), "{refused:?}");
        // A look that fails once takes nothing from anybody: it is looked at again, ever more rarely, and is off after a day.
        tenant.check_link_host(NOON).await.expect("asked");
        let mut at = NOON;
        let mut looks = 0;
        while tenant.link_domain().await.expect("reads").expect("a domain").check_due {
            for check in bench.store.due_link_checks(at, 10).await.expect("due") {
                tenant.record_link_check(&check, Err("gone"), at).await.expect("kept");
                looks += 1;
            }
            assert!(at >= NOON.plus_ms(DAY_MS) || bench.store.link_host("go.example.com").await.expect("asks").is_some(), "{looks} looks until {at:?}");
            at = at.plus_ms(MINUTE_MS);
        }
        assert!((25..60).contains(&looks) && at >= NOON.plus_ms(DAY_MS) && at <= NOON.plus_ms(DAY_MS + HOUR_MS), "{looks} looks until {at:?}");
        assert!(bench.store.link_host("go.example.com").await.expect("asks").is_none());
        assert!(tenant.link_sample().await.expect("reads").is_none());
        assert!(matches!(tenant.set_link_expiry(0, NOON).await, Err(StoreError::Faults(_))));
        tenant.remove_link_host(NOON).await.expect("removed");
        assert!(tenant.link_domain().await.expect("reads").is_none() && other.link_domain().await.expect("reads").is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_go_on_under_the_name_before_until_a_new_one_is_good() {
    for_each_store("links_renamed", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        named(&bench, &tenant, "go.example.com").await;
        tenant.enable_links(true, NOON).await.expect("on");
        tenant.set_link_host("typo.example.com", None, NOON).await.expect("named");
        let check = bench.store.due_link_checks(NOON, 10).await.expect("due").remove(0);
        tenant.record_link_check(&check, Err("the name leads elsewhere"), NOON).await.expect("kept");
        assert_eq!(tenant.link_sample().await.expect("reads").as_deref(), Some("https://go.example.com/samp1e000000"));
        assert!(bench.store.link_host("go.example.com").await.expect("asks").is_some() && bench.store.link_host("typo.example.com").await.expect("asks").is_none());
        let domain = tenant.link_domain().await.expect("reads").expect("a domain");
        assert!(!domain.is_verified() && !domain.check_due && domain.last_error == "the name leads elsewhere");
        // Back to the one that works: its DNS still says the right thing, and a look at the other that comes late says nothing of it.
        tenant.set_link_host("go.example.com", None, NOON).await.expect("named");
        let again = bench.store.due_link_checks(NOON, 10).await.expect("due").remove(0);
        assert_eq!((again.host.as_str(), &again.token), ("go.example.com", &check.token));
        for late in [Ok("https"), Err("the name leads elsewhere")] {
            tenant.record_link_check(&check, late, NOON).await.expect("kept");
            let domain = tenant.link_domain().await.expect("reads").expect("a domain");
            assert!(domain.check_due && domain.last_error.is_empty() && domain.failing_since.is_none(), "{domain:?}");
        }
        // A look that could not be made says nothing of a name, however long it lasts.
        for hours in 0..48 {
            tenant.postpone_link_check(&again, "no answer", NOON.plus_ms(hours * HOUR_MS)).await.expect("kept");
        }
        let domain = tenant.link_domain().await.expect("reads").expect("a domain");
        assert!(domain.is_verified() && domain.check_due && domain.enabled && domain.last_error == "no answer", "{domain:?}");
        tenant.record_link_check(&again, Ok("https"), NOON).await.expect("kept");
        assert!(tenant.link_domain().await.expect("reads").expect("a domain").is_verified());
        named(&bench, &tenant, "links.example.com").await;
        assert_eq!(tenant.link_sample().await.expect("reads").as_deref(), Some("https://links.example.com/samp1e000000"), "still on");
        assert!(bench.store.link_host("go.example.com").await.expect("asks").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portals_own_name_is_nobodys_whatever_host_was_written() {
    for_each_store("links_own", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        named(&bench, &tenant, "contact.example.net:8443").await;
        assert!(bench.store.link_host("contact.example.net:8443").await.expect("asks").is_some());
        bench.store.own_host("contact.example.net".into());
        assert!(bench.store.link_host("contact.example.net:8443").await.expect("asks").is_none(), "not even one of before");
        for host in ["contact.example.net", "Contact.Example.net:8080"] {
            match tenant.set_link_host(host, Some("another.example.net"), NOON).await {
                Err(StoreError::Faults(faults)) => assert!(faults[0].message.contains("the portal itself"), "{faults:?}"),
                other => panic!("{host}: {other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_stand_for_a_name_only_where_the_operator_says_so() {
    for_each_store("links_addresses", |bench| async move {
        bench.store.allow_webhook_networks(AllowedNetworks(vec!["127.0.0.0/8".parse().expect("a network")]));
        let tenant = bench.tenant("northwind").await;
        tenant.set_link_host("127.0.0.1:8080", None, NOON).await.expect("allowed");
        assert!(tenant.set_link_host("10.0.0.1", None, NOON).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_leads_somewhere_until_it_expires_and_each_click_is_counted() {
    for_each_store("links_clicks", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let hook = tenant.create_webhook(&NewWebhook { url: "https://hooks.example.com/in".into(), events: vec![WebhookEventKind::LinkClicked] }, NOON).await.expect("a webhook").id;
        let id = campaign(&tenant, "Pay: {short:https://example.com/pay?r={reference}}").await;
        let (ada, _) = person(&tenant, 1, &profile("Ada", "A1")).await;
        let (grace, _) = person(&tenant, 2, &profile("Grace", "A2")).await;
        let until = NOON.plus_ms(30 * DAY_MS);
        let (attempt, code) = sent(&bench, &tenant, id, ada, until).await;
        let (quiet, unread) = sent(&bench, &tenant, id, grace, until).await;
        let follow = |code: String, counts, at| {
            let tenant = tenant.clone();
            async move { tenant.follow_link(&code, counts, at).await.expect("follows") }
        };
        assert_eq!(follow(code.clone(), false, NOON).await.as_deref(), Some(TARGET), "looked at, not counted");
        assert_eq!(tenant.clicks_of(&[attempt]).await.expect("reads")[&attempt].clicks, 0);
        assert_eq!(follow(code.to_uppercase(), true, NOON).await.as_deref(), Some(TARGET));
        assert_eq!(follow(code.clone(), true, NOON.plus_ms(1_000)).await.as_deref(), Some(TARGET));
        assert_eq!(follow("000000000000".into(), true, NOON).await, None);
        assert_eq!(follow("no code".into(), true, NOON).await, None);
        assert!(other.follow_link(&code, true, NOON).await.expect("asks").is_none(), "another tenant's code leads nowhere");
        let clicks = tenant.clicks_of(&[attempt, quiet]).await.expect("reads");
        assert_eq!((clicks[&attempt].clicks, clicks[&attempt].first_at, clicks[&attempt].last_at), (2, Some(NOON), Some(NOON.plus_ms(1_000))));
        assert_eq!((clicks[&quiet].links, clicks[&quiet].clicks, clicks[&quiet].first_at), (1, 0, None));
        assert!(other.clicks_of(&[attempt]).await.expect("reads").is_empty());
        let counts = tenant.link_counts(id).await.expect("counts");
        assert_eq!((counts.len(), counts[0].clicks, counts[0].clicked, counts[0].source.as_str()), (1, 2, 1, "https://example.com/pay?r={reference}"));
        let told = tenant.webhook_deliveries(hook, None, None, 10).await.expect("a log").rows;
        assert_eq!(told.len(), 1, "the first click alone is told");
        let (body, _) = tenant.webhook_delivery(hook, told[0].event).await.expect("a body");
        assert!(body.contains("link.clicked") && body.contains(&attempt.to_string()) && !body.contains("example.com") && !body.contains(&code), "{body}");
        let timeline = tenant.timeline(ada, rule_book(), None, 50).await.expect("a timeline");
        assert!(timeline.iter().any(|event| matches!(&event.what, TimelineKind::Attempted { clicks: Some(clicks), .. } if clicks.clicks == 2)));
        // Expired: it leads nowhere at once, and is forgotten at night. What was counted stays.
        assert_eq!(follow(code.clone(), true, until).await, None);
        tenant.sweep(until).await.expect("sweeps");
        assert_eq!((count(&bench, &SECRETS).await, count(&bench, &LINKS).await), (0, 1), "the one that nobody clicked went whole");
        assert_eq!(follow(unread, true, NOON).await, None);
        assert_eq!(tenant.link_counts(id).await.expect("counts")[0].clicks, 2);
        let metadata = RecordClass::AttemptMetadata.retention().period_days;
        tenant.sweep(NOON.plus_ms((i64::from(metadata) + 1) * DAY_MS)).await.expect("sweeps");
        assert_eq!(count(&bench, &LINKS).await, 0, "it goes with its message");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legal_hold_keeps_a_link_that_has_expired() {
    for_each_store("links_held", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let id = campaign(&tenant, "Pay: {short:https://example.com/pay}").await;
        let (ada, _) = person(&tenant, 1, &profile("Ada", "ACC-0001")).await;
        let until = NOON.plus_ms(30 * DAY_MS);
        sent(&bench, &tenant, id, ada, until).await;
        tenant.set_legal_hold(ada, "Smith v Northwind", NOON).await.expect("held");
        tenant.sweep(until).await.expect("sweeps");
        assert_eq!((count(&bench, &SECRETS).await, count(&bench, &LINKS).await), (1, 1), "where it led may be evidence");
        tenant.lift_legal_hold(ada, until).await.expect("lifted");
        tenant.sweep(until).await.expect("sweeps");
        assert_eq!(count(&bench, &LINKS).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_persons_links_are_gone_and_were_in_their_export() {
    for_each_store("links_erased", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let id = campaign(&tenant, "Pay: {short:https://example.com/pay}").await;
        let (ada, _) = person(&tenant, 1, &profile("Ada", "ACC-0001")).await;
        let (grace, _) = person(&tenant, 2, &profile("Grace", "ACC-0002")).await;
        let until = NOON.plus_ms(30 * DAY_MS);
        let (_, code) = sent(&bench, &tenant, id, ada, until).await;
        let (_, other) = sent(&bench, &tenant, id, grace, until).await;
        assert!(tenant.follow_link(&code, true, NOON).await.expect("follows").is_some());
        let export = tenant.subject_export("ACC-0001", rule_book(), NOON).await.expect("an export");
        let links = export.sections.iter().find(|section| section.title == "Links in messages to you").expect("a section");
        assert!(links.records[0].0.iter().any(|(name, value)| name == "led to" && value == TARGET));
        assert!(links.records[0].0.iter().any(|(name, value)| name == "times opened" && value == "1"));
        let found = |typed: &'static str| {
            let tenant = tenant.clone();
            async move { tenant.find_contacts(typed, true, NOON).await.expect("finds").ids }
        };
        assert_eq!((found("0001").await, found("900001").await, found("acc-000").await.len()), (Vec::new(), Vec::new(), 0), "nothing is found by a part before that is filled in");
        assert_eq!(tenant.fill_search_indexes().await.expect("fills"), 4);
        assert_eq!(tenant.fill_search_indexes().await.expect("fills"), 0, "once");
        assert_eq!((found("0001").await, found("900 001").await, found("900001").await), (vec![ada], vec![ada], vec![ada]));
        assert_eq!(found("acc-000").await, [grace, ada]);
        assert!(found("001").await.is_empty() && found("acc-0").await.is_empty() && found("910001").await.is_empty());
        let masked = tenant.find_contacts("0001", false, NOON).await.expect("finds").ids;
        assert_eq!(masked, [ada], "what the mask shows");
        for longer in ["00001", "900 001", "acc-000"] {
            assert!(tenant.find_contacts(longer, false, NOON).await.expect("finds").ids.is_empty(), "a longer part would undo the mask: {longer}");
        }
        assert_eq!(tenant.find_contacts("07700 900001", false, NOON).await.expect("finds").ids, [ada], "whole");
        let revealed = tenant.audit_events("contact", "", None, 50).await.expect("the audit").rows.into_iter().filter(|event| event.detail == "by a part of the number").count();
        assert_eq!(revealed, 2, "each longer part that found somebody, and no mask");
        let stranger = bench.tenant("southwind").await;
        assert!(stranger.find_contacts("0001", true, NOON).await.expect("finds").ids.is_empty());
        tenant.subject_erase("ACC-0001", false, NOON).await.expect("erased");
        assert!(tenant.follow_link(&code, true, NOON).await.expect("asks").is_none());
        assert!(tenant.follow_link(&other, true, NOON).await.expect("asks").is_some(), "others go on");
        assert_eq!(count(&bench, &LINKS).await, 1);
        assert!(found("0001").await.is_empty());
        assert_eq!(found("acc-000").await, [grace]);
    })
    .await;
}
