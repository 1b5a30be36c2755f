//! Campaigns that go on taking people in, on both databases, with the time in the test's hand: who comes in when, once, and again.

use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::sequence::{Evergreen, WaitFrom};
use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use clarion_store::Store;
use clarion_store::db::Statement;

use super::sequence_tests::{counts, ended, go, texts};
use crate::attempts::by_hand::people::{list_of, person, profile};
use crate::attempts::by_hand::support::{Bench, NOON, for_each_store, route};
use crate::attempts::by_hand::{Hand, SENDER, draft, launch};

tokio::task_local! {
    /// Of one look: tests that run at the same time have each their own.
    static NOW: clarion_domain::time::Instant;
}

async fn look(bench: &Bench, hand: &Hand) {
    let work = async { while crate::campaigns::work(&bench.store, || NOW.get()).await.expect("works") > 0 {} };
    NOW.scope(hand.now, work).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evergreen_campaign_takes_each_person_in_once_and_no_more_a_day_than_it_may() {
    for_each_store("seq_evergreen", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "New customers", 2).await;
        let mut welcome = draft("Welcome", list);
        welcome.sequence.evergreen = Some(Evergreen { until_ms: NOON.plus_ms(40 * DAY_MS).ms(), new_a_day_max: Some(3), again_after_days: Some(30) });
        let id = launch(&bench, &tenant, &welcome).await;
        hand.pass(100).await;
        assert_eq!(go(&mut hand, 1).await.len(), 2);
        for last in 2..5 {
            let (contact, _) = person(&tenant, last, &profile("Ada", &format!("R-{last}"))).await;
            tenant.add_to_list(list, contact, hand.now).await.expect("listed");
        }
        look(&bench, &hand).await;
        assert_eq!(go(&mut hand, 3_000).await.len(), 1, "the day's third");
        look(&bench, &hand).await;
        assert!(go(&mut hand, 3_000).await.is_empty());
        assert!(!tenant.finish_campaign_if_done(id, hand.now).await.expect("looks"), "more may come");
        hand.pass(DAY_MS).await;
        look(&bench, &hand).await;
        assert_eq!(go(&mut hand, 3_000).await.len(), 2, "the next day's, and nobody twice");
        look(&bench, &hand).await;
        assert!(go(&mut hand, 3_000).await.is_empty());
        assert_eq!(counts(&tenant, id).await, (vec![0], ended(&[("completed", 5)])));
        assert_eq!(tenant.taken_in_today(id, hand.now).await.expect("counts").1, 2);
        // The first two may come again thirty days after they were through.
        hand.pass(30 * DAY_MS - HOUR_MS).await;
        look(&bench, &hand).await;
        assert_eq!(go(&mut hand, 3_000).await.len(), 3, "those of the first day");
        hand.pass(10 * DAY_MS).await;
        look(&bench, &hand).await;
        assert!(go(&mut hand, 3_000).await.is_empty(), "its time is over");
        assert_eq!(tenant.campaign(id).await.expect("reads").state, CampaignState::Finished);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_evergreen_campaign_that_cannot_look_keeps_no_other_from_looking() {
    for_each_store("seq_broken", |bench| async move {
        static LOSE: Statement = Statement { text: "DELETE FROM saved_filter", postgres: "" };
        let (broken, well) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let mut ids = Vec::new();
        for tenant in [&broken, &well] {
            let (list, _) = list_of(tenant, "New customers", 2).await;
            let mut welcome = draft("Welcome", list);
            let everybody = Filter { all_of: vec![Condition::HasReference { yes: true }] };
            welcome.filter_id = if tenant.id() == broken.id() { Some(tenant.save_filter("Known to us", &everybody, NOON).await.expect("a filter")) } else { None };
            welcome.sequence.evergreen = Some(Evergreen { until_ms: NOON.plus_ms(9 * DAY_MS).ms(), new_a_day_max: None, again_after_days: None });
            tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
            route(tenant, Channel::Sms).await;
            let id = tenant.create_campaign(&welcome, NOON).await.expect("a draft");
            tenant.start_campaign(id, NOON).await.expect("starts");
            tenant.freeze_chunk(id, None, NOON).await.expect("freezes");
            ids.push(id);
        }
        bench.store.db().execute(&LOSE, &[]).await.expect("as no door does it");
        while crate::campaigns::work(&bench.store, || NOON).await.expect("works") > 0 {}
        let lost = broken.campaign(ids[0]).await.expect("reads");
        assert_eq!((lost.state, lost.state_reason.as_str()), (CampaignState::Paused, "its filter was deleted: nobody new can be taken in"));
        assert_eq!(well.campaign(ids[1]).await.expect("reads").audience_size, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_in_again_waits_from_the_first_try_of_this_time() {
    for_each_store("seq_again", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Customers", 1).await;
        let mut welcome = texts(draft("Welcome", list), &[3]);
        welcome.sequence.then[0].wait.from = WaitFrom::FirstTry;
        welcome.sequence.evergreen = Some(Evergreen { until_ms: NOON.plus_ms(9 * DAY_MS).ms(), new_a_day_max: None, again_after_days: Some(1) });
        let id = launch(&bench, &tenant, &welcome).await;
        for time in 1..=2 {
            look(&bench, &hand).await;
            hand.pass(100).await;
            assert_eq!(go(&mut hand, 3_000).await.len(), 1, "the first text, time {time}");
            assert!(go(&mut hand, 3 * HOUR_MS - 60_000).await.is_empty(), "a minute early, time {time}");
            assert_eq!(go(&mut hand, 60_000).await.len(), 1, "the second, time {time}");
            hand.pass(DAY_MS).await;
        }
        assert_eq!(counts(&tenant, id).await, (vec![0, 0], ended(&[("completed", 2)])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_looks_for_new_people_until_its_lease_has_lapsed() {
    for_each_store("seq_look", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, _) = list_of(&tenant, "New customers", 1).await;
        let mut welcome = draft("Welcome", list);
        welcome.sequence.evergreen = Some(Evergreen { until_ms: NOON.plus_ms(9 * DAY_MS).ms(), new_a_day_max: None, again_after_days: None });
        route(&tenant, Channel::Sms).await;
        let id = launch(&bench, &tenant, &welcome).await;
        let (contact, _) = person(&tenant, 2, &profile("Ada", "R-2")).await;
        tenant.add_to_list(list, contact, NOON).await.expect("listed");
        let other = Store::new(bench.store.db().clone(), &bench.keyring(), 2).expect("a store");
        crate::campaigns::work(&other, || NOON).await.expect("works");
        assert_eq!(tenant.campaign(id).await.expect("reads").audience_size, 1, "the first node looks");
        crate::campaigns::work(&other, || NOON.plus_ms(2 * MINUTE_MS)).await.expect("works");
        assert_eq!(tenant.campaign(id).await.expect("reads").audience_size, 2, "it has not been heard of");
    })
    .await;
}
