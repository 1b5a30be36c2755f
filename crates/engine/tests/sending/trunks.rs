//! Several trunks, and carriers that behave badly: dead, slow, silent, late, and stingy.

use std::time::{Duration, Instant as Moment};

use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::id::{CampaignId, TrunkId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_engine::campaigns::{dry_run, work};
use clarion_store::Tenant;
use clarion_store::carriers::{NewRoute, NewTrunk};
use clarion_testbed::{Carrier, CarrierConfig, Limits};

use super::support::{Bench, NOON, for_each_store};
use super::people::list_of;
use super::{Sending, clock, counts, draft, launch};

/// A trunk with a route for a prefix. `rest` is added to its settings.
async fn trunk(tenant: &Tenant, carrier: &Carrier, (prefix, priority): (&str, i64), (rate, rest): (i64, &str)) -> TrunkId {
    let settings = format!(r#"{{"kind":"smpp","host":"127.0.0.1","port":{},"system_id":"pretend","window":50{rest}}}"#, carrier.address().port());
    let settings: TrunkSettings = serde_json::from_str(&settings).expect("settings");
    let new = NewTrunk { name: format!("{prefix} {priority}"), settings, secret: Personal::new("pretend"), rate_per_second: rate, cost_per_segment: 350, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&new, true, NOON).await.expect("a trunk");
    tenant.add_route(&NewRoute { prefix: prefix.into(), sender: String::new(), trunk, priority }, true, NOON).await.expect("a route");
    trunk
}

async fn carrier(change: impl FnOnce(&mut Limits)) -> Carrier {
    let mut config = CarrierConfig { compares: true, ..CarrierConfig::sink() };
    change(&mut config.limits);
    Carrier::start(config).await.expect("a carrier")
}

async fn exact(tenant: &Tenant, id: CampaignId) {
    assert_eq!(tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await.expect("counts"), tenant.recount(id).await.expect("a recount"));
}

async fn until(what: &str, seconds: u64, done: impl Fn() -> bool) {
    let deadline = Moment::now() + Duration::from_secs(seconds);
    while !done() {
        assert!(Moment::now() < deadline, "{what} did not come in {seconds} s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_trunk_that_is_not_theirs() {
    for_each_store("trunks_dead", |bench| async move {
        let (dead, slow, free) = (carrier(|_| {}).await, carrier(|_| {}).await, carrier(|_| {}).await);
        dead.refuse_binds(true);
        let tenant = bench.tenant("northwind").await;
        // The first hundred people are for the dead trunk, the next hundred for a slow one, the last hundred for neither.
        trunk(&tenant, &dead, ("+4477009000", 1), (500, "")).await;
        trunk(&tenant, &slow, ("+4477009001", 1), (20, "")).await;
        trunk(&tenant, &free, ("+4477009002", 1), (500, "")).await;
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 300).await;
        until("the last hundred", 20, || free.tally().messages() == 100).await;
        assert_eq!(dead.tally().messages(), 0);
        assert!(slow.tally().messages() < 100, "at twenty a second it cannot be done yet");
        until("the slow trunk's hundred", 30, || slow.tally().messages() == 100).await;
        dead.refuse_binds(false);
        let counts = counts(&bench, &tenant, id, "all", |counts| counts.get(&Disposition::Delivered) == Some(&300)).await;
        assert_eq!(counts.values().sum::<i64>(), 300);
        for carrier in [&dead, &slow, &free] {
            assert_eq!((carrier.tally().messages(), carrier.tally().doubled()), (100, 0));
        }
        exact(&tenant, id).await;
        sending.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_a_trunk_that_died_goes_over_the_other() {
    for_each_store("trunks_died", |bench| async move {
        // Of the first, everything but a handful is throttled and waits; then it dies.
        let (first, second) = (carrier(|limits| limits.rate_per_second = Some(1)).await, carrier(|_| {}).await);
        let tenant = bench.tenant("northwind").await;
        trunk(&tenant, &first, ("+44", 1), (500, "")).await;
        trunk(&tenant, &second, ("+44", 2), (500, "")).await;
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 40).await;
        until("a throttled message", 20, || first.tally().throttled >= 3).await;
        first.refuse_binds(true);
        first.drop_connections();
        let died = Moment::now();
        let counts = counts(&bench, &tenant, id, "all", |counts| counts.values().sum::<i64>() == 40 && !counts.contains_key(&Disposition::Accepted)).await;
        assert!(died.elapsed() < Duration::from_secs(30), "a permit lasts a minute, and that is too long to wait for the dead");
        let (by_first, by_second) = (first.tally(), second.tally());
        assert_eq!((by_first.doubled(), by_second.doubled()), (0, 0));
        let both = by_first.by_destination().into_keys().filter(|who| by_second.by_destination().contains_key(who)).count();
        assert_eq!(both, 0, "nobody got it over both");
        let unknown = counts.get(&Disposition::Unknown).copied().unwrap_or(0);
        assert_eq!(counts.get(&Disposition::Delivered).copied().unwrap_or(0) + unknown, 40, "{counts:?}");
        assert!(by_second.messages() >= 20, "{} went over the second: {counts:?}", by_second.messages());
        exact(&tenant, id).await;
        sending.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_answers_nothing_gets_one_window_and_hardly_more() {
    for_each_store("trunks_silent", |bench| async move {
        let (silent, second) = (carrier(|limits| limits.answer_delay = Duration::from_secs(3_600)).await, carrier(|_| {}).await);
        let tenant = bench.tenant("northwind").await;
        let shut = trunk(&tenant, &silent, ("+44", 1), (500, r#","response_timeout_seconds":1"#)).await;
        trunk(&tenant, &second, ("+44", 2), (500, "")).await;
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 200).await;
        let counts = counts(&bench, &tenant, id, "all", |counts| counts.values().sum::<i64>() == 200 && !counts.contains_key(&Disposition::Accepted)).await;
        let taken = silent.tally().messages() as i64;
        assert!((1..=50).contains(&taken), "the window is 50: {taken} of 200 went");
        assert_eq!((counts.get(&Disposition::Unknown), counts.get(&Disposition::Delivered)), (Some(&taken), Some(&(200 - taken))), "{counts:?}");
        // Nodes say how their trunks stand every other second.
        let deadline = Moment::now() + Duration::from_secs(8);
        let status = loop {
            let status = bench.store.trunk_status().await.expect("a status").into_iter().find(|status| status.trunk == shut).expect("the silent trunk's");
            if status.state == TrunkState::Waiting || Moment::now() > deadline {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(status.state, TrunkState::Waiting);
        assert!(status.reason.contains("answers none"), "{}", status.reason);
        exact(&tenant, id).await;
        sending.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_late_corrects_unknown_and_its_receipt_is_found() {
    for_each_store("trunks_late", |bench| async move {
        let late = carrier(|limits| limits.answer_delay = Duration::from_millis(1_600)).await;
        let tenant = bench.tenant("northwind").await;
        trunk(&tenant, &late, ("+44", 1), (500, r#","response_timeout_seconds":1"#)).await;
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 20).await;
        counts(&bench, &tenant, id, "unknown at first", |counts| counts.get(&Disposition::Unknown).is_some_and(|unknown| *unknown > 0)).await;
        let counts = counts(&bench, &tenant, id, "all", |counts| counts.get(&Disposition::Delivered) == Some(&20)).await;
        assert_eq!(counts.values().sum::<i64>(), 20, "{counts:?}");
        assert_eq!((late.tally().messages(), late.tally().doubled()), (20, 0));
        exact(&tenant, id).await;
        sending.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_number_is_no_sender_toward_the_united_kingdom() {
    const FOREIGN: &str = "+12025550123";
    for_each_store("trunks_foreign", |bench| async move {
        let only = carrier(|_| {}).await;
        let tenant = bench.tenant("northwind").await;
        trunk(&tenant, &only, ("+44", 1), (500, "")).await;
        tenant.add_sender(FOREIGN, true, "our own number", NOON).await.expect("a sender");
        let (list, _) = list_of(&tenant, "Arrears", 5).await;
        let mut draft = draft(list);
        draft.sender = FOREIGN.into();
        let id = tenant.create_campaign(&draft, NOON).await.expect("a draft");
        let told = dry_run(&tenant, id, NOON).await.expect("a dry run");
        assert_eq!((told.eligible, told.refused, told.refused_by[0].reason.rule.as_str()), (0, 5, "UK-35"));
        tenant.start_campaign(id, NOON).await.expect("starts");
        let sending = Sending::start(&bench);
        counts(&bench, &tenant, id, "the freeze", |_| true).await;
        for _ in 0..400 {
            work(&bench.store, clock).await.expect("works");
            if tenant.refusal_counts(id).await.expect("refusals").iter().map(|(_, n)| n).sum::<i64>() == 5 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert_eq!(tenant.refusal_counts(id).await.expect("refusals"), [("UK-35".to_owned(), 5)]);
        assert_eq!(only.tally().messages(), 0);
        sending.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_trunk_is_shared_fairly_between_tenants() {
    for_each_store("trunks_fair", |bench| async move {
        let only = carrier(|_| {}).await;
        let mut campaigns = Vec::new();
        for slug in ["northwind", "southwind", "eastwind"] {
            let tenant = bench.tenant(slug).await;
            if campaigns.is_empty() {
                trunk(&tenant, &only, ("+44", 1), (60, "")).await;
            }
            let id = launch(&bench, &tenant, 100).await;
            campaigns.push((tenant, id));
        }
        let sending = Sending::start(&bench);
        until("half of them", 30, || only.tally().messages() >= 150).await;
        for (tenant, id) in &campaigns {
            let sent: i64 = tenant.measures(Some(*id), Instant(0), Instant(i64::MAX)).await.expect("counts").iter().map(|row| row.n).sum();
            assert!((30..=80).contains(&sent), "of 150, one tenant has {sent}");
        }
        sending.stop().await;
    })
    .await;
}

/// Three tenants share the account, so that there are people enough on numbers that belong to nobody.
async fn allowed(bench: &Bench, allowed: u32, people: usize) {
    let carrier = carrier(|limits| limits.rate_per_second = Some(allowed)).await;
    let mut campaigns = Vec::new();
    for (place, slug) in ["northwind", "southwind", "eastwind"].into_iter().enumerate() {
        let tenant = bench.tenant(slug).await;
        if place == 0 {
            trunk(&tenant, &carrier, ("+44", 1), (i64::from(allowed) * 10, "")).await;
        }
        let id = launch(bench, &tenant, people).await;
        campaigns.push((tenant, id));
    }
    let sending = Sending::start(bench);
    until("the first messages", 20, || carrier.tally().messages() > 0).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    // Windows of three seconds until one holds: a busy machine spoils some of them. The last ends before the people do.
    let mut shares: Vec<f64> = Vec::new();
    let mut before = (Moment::now(), carrier.tally().messages());
    while shares.last().is_none_or(|share| *share < 0.95) {
        assert!(3 * people as u64 - before.1 > u64::from(allowed) * 4, "held {shares:.3?} of what is allowed");
        tokio::time::sleep(Duration::from_secs(3)).await;
        let now = (Moment::now(), carrier.tally().messages());
        shares.push((now.1 - before.1) as f64 / (now.0 - before.0).as_secs_f64() / f64::from(allowed));
        before = now;
    }
    println!("of {allowed} a second: {shares:.3?}, {} throttled", carrier.tally().throttled);
    for (tenant, id) in &campaigns {
        let counts = counts(bench, tenant, *id, "all", |counts| counts.get(&Disposition::Delivered) == Some(&(people as i64))).await;
        assert_eq!(counts.values().sum::<i64>(), people as i64, "nothing is lost: {counts:?}");
        exact(tenant, *id).await;
    }
    assert_eq!(carrier.tally().messages(), 3 * people as u64, "nothing is sent twice, though throttled ones go again");
    assert!(carrier.tally().throttled > 0, "it was found out by being told");
    sending.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_carrier_allows_is_found_and_held_and_nothing_is_lost() {
    for_each_store("trunks_allowed", |bench| async move { allowed(&bench, 150, 1_000).await }).await;
}
