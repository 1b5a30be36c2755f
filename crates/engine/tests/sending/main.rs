//! The sending loop against a pretend carrier over real SMPP and a pretend provider over HTTP, on both databases: everything that was sent is told once,
//! and the report equals both a recount and what the carrier says.

#[path = "../../../store/tests/support/people.rs"]
mod people;
#[path = "../../../store/tests/support/mod.rs"]
mod support;

mod exports;
mod http;
mod trunks;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::outcomes::reply::ReplyMeaning;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_engine::attempts::{self, SenderConfig};
use clarion_engine::campaigns::work;
use clarion_store::Tenant;
use clarion_store::campaigns::CampaignDraft;
use clarion_store::carriers::{NewRoute, NewTrunk};
use clarion_testbed::{Carrier, CarrierConfig};
use people::{list_of, number};
use support::{Bench, NOON, for_each_store};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const SENDER: &str = "+447700900999";

/// Noon of a weekday, and ticking.
fn clock() -> Instant {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    NOON.plus_ms(START.get_or_init(std::time::Instant::now).elapsed().as_millis() as i64)
}

async fn trunk(tenant: &Tenant, name: &str, carrier: &Carrier, rate: i64, priority: i64) {
    let settings = format!(r#"{{"kind":"smpp","host":"127.0.0.1","port":{},"system_id":"pretend","window":50}}"#, carrier.address().port());
    let settings: TrunkSettings = serde_json::from_str(&settings).expect("settings");
    let new = NewTrunk { name: name.into(), settings, secret: Personal::new("pretend"), rate_per_second: rate, cost_per_segment: 350, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&new, false, NOON).await.expect("a trunk");
    tenant.add_route(&NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority }, false, NOON).await.expect("a route");
}

fn draft(list: ListId) -> CampaignDraft {
    let mut draft = CampaignDraft::new("November");
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list);
    draft.body = "Dear {first_name}, please call us about your account.".into();
    draft.sender = SENDER.into();
    draft.retry = RetryRules::never();
    // So that it is the trunks that hold it back.
    draft.rate_per_second = 1_000;
    draft.schedule.days = Day::ALL.to_vec();
    draft.schedule.from = TimeOfDay::from_minute(0).expect("midnight");
    draft.schedule.until = TimeOfDay::from_minute(24 * 60).expect("midnight");
    draft
}

struct Sending {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sending {
    fn start(bench: &Bench) -> Self {
        let (stop, stopped) = watch::channel(false);
        let config = SenderConfig { node_name: "test".into(), clock, drain_ms_max: 3_000 };
        Self { stop, task: tokio::spawn(attempts::run(bench.store.clone(), config, stopped)) }
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.expect("ends in order");
    }
}

async fn launch(bench: &Bench, tenant: &Tenant, people: usize) -> CampaignId {
    tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
    let (list, _) = list_of(tenant, "Arrears", people).await;
    let id = tenant.create_campaign(&draft(list), NOON).await.expect("a draft");
    tenant.start_campaign(id, NOON).await.expect("starts");
    while work(&bench.store, clock).await.expect("freezes") > 0 {}
    id
}

/// Waits for a condition on the counts, and gives them.
async fn counts(bench: &Bench, tenant: &Tenant, id: CampaignId, what: &str, until: impl Fn(&BTreeMap<Disposition, i64>) -> bool) -> BTreeMap<Disposition, i64> {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let mut counts = BTreeMap::new();
        for row in tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await.expect("counts") {
            *counts.entry(row.disposition).or_default() += row.n;
        }
        if until(&counts) {
            return counts;
        }
        assert!(std::time::Instant::now() < deadline, "{what} did not come: {counts:?}");
        work(&bench.store, clock).await.expect("works");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_carrier_did_is_what_the_report_says() {
    for_each_store("sending", |bench| async move {
        let carrier = Carrier::start(CarrierConfig::default()).await.expect("a carrier");
        let tenant = bench.tenant("northwind").await;
        trunk(&tenant, "Loop", &carrier, 500, 1).await;
        tenant.suppress(&number(5), SuppressionScope::Every, SuppressionReason::OptOut, "list", NOON).await.expect("suppresses");
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 100).await;
        // 95 and 96 are never told of; 5 is suppressed.
        let counts = counts(&bench, &tenant, id, "every receipt", |counts| counts.values().sum::<i64>() == 99 && counts.get(&Disposition::Accepted) == Some(&2)).await;
        assert_eq!(tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await.expect("counts"), tenant.recount(id).await.expect("a recount"));
        let replies = tenant.replies(None, None, 100).await.expect("an inbox").rows;
        let answered = replies.iter().filter(|reply| matches!(reply.meaning, ReplyMeaning::Stop | ReplyMeaning::StopReview | ReplyMeaning::Help)).count() as u64;
        assert!(answered >= 2, "people say stop and help: {answered}");
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while carrier.tally().messages() < 99 + answered && std::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let tally = carrier.tally();
        assert_eq!((tally.messages(), tally.doubled()), (99 + answered, 0), "one answer each, nothing twice");
        assert_eq!(counts[&Disposition::Delivered], 81, "00–79 without 05, told twice, told early");
        assert_eq!(tenant.refusal_counts(id).await.expect("refusals").iter().map(|(_, n)| n).sum::<i64>(), 1);
        assert_eq!(tenant.campaign(id).await.expect("reads").state, CampaignState::Finished);
        for reply in replies.iter().filter(|reply| reply.meaning == ReplyMeaning::Stop) {
            let index = tenant.number_index(reply.number.reveal());
            let mut tx = bench.store.db().begin().await.expect("begins");
            let free = tenant.still_contactable(&mut tx, &[index], clarion_domain::campaigns::campaign::Channel::Sms).await.expect("asks");
            assert_eq!(free, [false]);
        }
        sending.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_throttles_and_drops_connections_gets_nothing_twice_and_loses_nothing() {
    for_each_store("sending_rough", |bench| async move {
        let mut config = CarrierConfig { replies: false, ..CarrierConfig::sink() };
        config.compares = true;
        config.limits.rate_per_second = Some(100);
        config.limits.answer_delay = Duration::from_millis(30);
        let carrier = Carrier::start(config).await.expect("a carrier");
        let tenant = bench.tenant("northwind").await;
        trunk(&tenant, "Loop", &carrier, 1_000, 1).await;
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 300).await;
        counts(&bench, &tenant, id, "the first hundred", |counts| counts.values().sum::<i64>() >= 100).await;
        carrier.drop_connections();
        let counts = counts(&bench, &tenant, id, "all", |counts| counts.values().sum::<i64>() == 300 && !counts.contains_key(&Disposition::Accepted)).await;
        let tally = carrier.tally();
        assert_eq!(tally.doubled(), 0, "nothing twice");
        let (delivered, unknown) = (counts.get(&Disposition::Delivered).copied().unwrap_or(0), counts.get(&Disposition::Unknown).copied().unwrap_or(0));
        assert_eq!(delivered + unknown, 300, "{counts:?}");
        assert!(tally.messages() as i64 >= delivered && tally.messages() as i64 <= 300, "{} taken, {counts:?}", tally.messages());
        assert!(unknown <= 50, "at most the window: {unknown}");
        assert_eq!(tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await.expect("counts"), tenant.recount(id).await.expect("a recount"));
        sending.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_trunk_fails_over_to_the_next() {
    for_each_store("sending_failover", |bench| async move {
        let (first, second) = (Carrier::start(CarrierConfig::sink()).await.expect("a carrier"), Carrier::start(CarrierConfig::sink()).await.expect("another"));
        first.refuse_binds(true);
        let tenant = bench.tenant("northwind").await;
        trunk(&tenant, "First", &first, 500, 1).await;
        trunk(&tenant, "Second", &second, 500, 2).await;
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 40).await;
        counts(&bench, &tenant, id, "all", |counts| counts.get(&Disposition::Delivered) == Some(&40)).await;
        assert_eq!((first.tally().messages(), second.tally().messages()), (0, 40));
        sending.stop().await;
    })
    .await;
}
