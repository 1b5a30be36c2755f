//! The campaign worker on both databases: what is due starts, audiences freeze, what is done ends; and a dry run says
//! what a run then decides.

#[path = "../../store/tests/support/people.rs"]
mod people;
#[path = "../../store/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::compliance::hold::HoldReason;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::{AddressId, CampaignId, ContactId, ListId};
use clarion_domain::personal::Personal;
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_engine::campaigns::{dry_run, work};
use clarion_engine::compliance::decide;
use clarion_store::Tenant;
use clarion_store::campaigns::{CampaignDraft, RefusedGroup};
use clarion_store::carriers::{NewRoute, NewTrunk};
use clarion_store::compliance::{NewHold, Preference, Week};
use people::{enlist, list_of, number, person, person_in, profile};
use support::{NOON, for_each_store, route};

const SENDER: &str = "+447700900999";

fn noon() -> Instant {
    NOON
}

fn an_hour_later() -> Instant {
    NOON.plus_ms(HOUR_MS)
}

fn fit(list: ListId) -> CampaignDraft {
    let mut draft = CampaignDraft::new("November");
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list);
    draft.body = "Dear {first_name}, please call us about your account.".into();
    draft.sender = SENDER.into();
    draft.retry = RetryRules::never();
    draft.rate_per_second = 1;
    draft.schedule.days = Day::ALL.to_vec();
    draft.schedule.from = TimeOfDay::from_minute(0).expect("midnight");
    draft.schedule.until = TimeOfDay::from_minute(24 * 60).expect("midnight");
    draft
}

async fn state(tenant: &Tenant, id: CampaignId) -> CampaignState {
    tenant.campaign(id).await.expect("reads").state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_campaign_starts_when_due_and_an_empty_audience_ends_it() {
    for_each_store("worker", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        route(&tenant, Channel::Sms).await;
        let (list, people) = list_of(&tenant, "Arrears", 2).await;
        let id = tenant.create_campaign(&fit(list), NOON).await.expect("a draft");
        tenant.schedule_campaign(id, an_hour_later(), NOON).await.expect("schedules");
        assert_eq!(work(&bench.store, noon).await.expect("works"), 0);
        assert_eq!(state(&tenant, id).await, CampaignState::Scheduled);
        while work(&bench.store, an_hour_later).await.expect("works") > 0 {}
        let running = tenant.campaign(id).await.expect("reads");
        assert_eq!((running.state, running.audience_size, running.started_by.as_str()), (CampaignState::Running, 2, "system"));

        let mut nobody = fit(list);
        nobody.name = "Nobody".into();
        let id = tenant.create_campaign(&nobody, NOON).await.expect("a draft");
        tenant.start_campaign(id, NOON).await.expect("starts");
        for (contact, _) in people {
            tenant.remove_from_list(list, contact, NOON).await.expect("leaves");
        }
        while work(&bench.store, noon).await.expect("works") > 0 {}
        let over = tenant.campaign(id).await.expect("reads");
        assert_eq!((over.state, over.state_reason.as_str()), (CampaignState::Finished, "nobody was in the audience"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_campaign_that_cannot_start_goes_back_to_its_author_with_the_reason() {
    for_each_store("worker_faults", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        route(&tenant, Channel::Sms).await;
        let (list, people) = list_of(&tenant, "Arrears", 1).await;
        let id = tenant.create_campaign(&fit(list), NOON).await.expect("a draft");
        tenant.schedule_campaign(id, an_hour_later(), NOON).await.expect("schedules");
        tenant.remove_from_list(list, people[0].0, NOON).await.expect("leaves");
        work(&bench.store, an_hour_later).await.expect("works");
        let back = tenant.campaign(id).await.expect("reads");
        assert_eq!((back.state, back.starts_at), (CampaignState::Draft, None));
        assert!(back.state_reason.contains("list_id") && back.state_reason.contains("empty"), "{}", back.state_reason);
    })
    .await;
}

/// A list with one of each: fine, held, suppressed, of the afternoon, nameless, abroad.
async fn office(tenant: &Tenant) -> (CampaignId, Vec<(ContactId, AddressId)>) {
    tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
    let (list, mut everybody) = list_of(tenant, "Arrears", 4).await;
    let hold = NewHold { reason: HoldReason::BreathingSpace, note_reference: "BS-1", until: None };
    tenant.add_hold(everybody[1].0, &hold, NOON).await.expect("holds");
    tenant.suppress(&number(2), SuppressionScope::Every, SuppressionReason::OptOut, "reply", NOON).await.expect("suppresses");
    tenant.suppress(&number(1), SuppressionScope::Sms, SuppressionReason::TenantList, "list", NOON).await.expect("suppresses");
    let afternoon = Preference { hours: Week::daily("15:00-20:00"), ..Preference::default() };
    tenant.set_preference(everybody[3].0, &afternoon, NOON).await.expect("wishes");
    for who in [person(tenant, 20, &profile("", "R-20")).await, person_in(tenant, "+12125550123", &profile("Cy", "R-21"), "US", "America/New_York").await] {
        enlist(tenant, list, who.0).await;
        everybody.push(who);
    }
    (tenant.create_campaign(&fit(list), NOON).await.expect("a draft"), everybody)
}

async fn trunk(tenant: &Tenant) {
    let settings: TrunkSettings = serde_json::from_str(r#"{"kind":"smpp","host":"127.0.0.1","port":2775,"system_id":"clarion"}"#).expect("settings");
    let new = NewTrunk { name: "Loop".into(), settings, secret: Personal::new("secret"), rate_per_second: 10, cost_per_segment: 350, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&new, false, NOON).await.expect("a trunk");
    let route = NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority: 1 };
    tenant.add_route(&route, false, NOON).await.expect("a route");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_a_run_then_decides_and_keeps_nothing() {
    for_each_store("dry_run", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (id, everybody) = office(&tenant).await;
        trunk(&tenant).await;
        let asked = tenant.ask_dry_run(id, NOON).await.expect("asks");
        assert_eq!(tenant.ask_dry_run(id, NOON).await.expect("asks"), asked, "one answer serves both");
        assert!(tenant.dry_run(asked).await.expect("reads").result.is_none());
        assert_eq!(work(&bench.store, noon).await.expect("works"), 1);
        let answer = tenant.dry_run(asked).await.expect("reads").result.expect("answered").expect("a result");
        assert_eq!(answer, dry_run(&tenant, id, NOON).await.expect("the same directly"));
        assert_eq!((answer.audience, answer.eligible, answer.deferred, answer.refused, answer.unrenderable), (6, 1, 1, 3, 1));
        assert_eq!((answer.messages, answer.segments, answer.messages_ucs2, answer.unrouted), (2, 2, 0, 0));
        assert_eq!((answer.costs[0].currency.as_str(), answer.costs[0].amount), ("GBP", 700));
        assert_eq!((answer.missing_fields[0].field.as_str(), answer.missing_fields[0].people), ("first_name", 1));
        assert_eq!(answer.deferred_until.iter().map(|group| (Instant(group.until_ms).rfc3339(), group.people)).collect::<Vec<_>>(), [("2026-11-23T15:00:00.000Z".into(), 1)]);
        assert!(answer.refused_by.iter().all(|group| !group.reason.sentence.is_empty()));
        assert_eq!((answer.sending_ms, answer.starts_at_ms), (2_000, Some(NOON.ms())));
        assert_eq!(answer.finishes_at_ms, Some(NOON.plus_ms(3 * HOUR_MS).ms()), "not before the last deferral ends");
        assert_eq!(state(&tenant, id).await, CampaignState::Draft);

        // The run: the same people, decided in a transaction, after the audience was frozen.
        tenant.start_campaign(id, NOON).await.expect("starts");
        work(&bench.store, noon).await.expect("freezes");
        let record = tenant.campaign(id).await.expect("reads");
        let terms = tenant.campaign_terms(&record).await.expect("terms");
        let mut tx = bench.store.db().begin().await.expect("begins");
        let facts = tenant.recipient_facts(&mut tx, &everybody, terms.touches_since(NOON)).await.expect("facts");
        drop(tx);
        let (mut kinds, mut rules) = (BTreeMap::<&str, u64>::new(), BTreeMap::<String, u64>::new());
        for person in &facts {
            let words = terms.words(&decide(&terms, person, &[], NOON), &person.region, NOON);
            *kinds.entry(words.kind).or_default() += 1;
            if words.kind == "refused" {
                words.rules.split(',').for_each(|rule| *rules.entry(rule.to_owned()).or_default() += 1);
            }
        }
        assert_eq!(kinds, BTreeMap::from([("permitted", answer.eligible + answer.unrenderable), ("deferred", answer.deferred), ("refused", answer.refused)]));
        let predicted: BTreeMap<String, u64> = answer.refused_by.iter().map(|RefusedGroup { reason, people }| (reason.rule.clone(), *people)).collect();
        assert_eq!(rules, predicted);
        assert_eq!(dry_run(&tenant, id, NOON).await.expect("of the frozen audience").refused, answer.refused);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_without_a_route_or_with_a_broken_text_says_so() {
    for_each_store("dry_run_faults", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (id, _) = office(&tenant).await;
        let result = dry_run(&tenant, id, NOON).await.expect("runs");
        assert_eq!((result.unrouted, result.left_unsent, result.finishes_at_ms), (2, 2, None));
        let mut draft = CampaignDraft::from(&tenant.campaign(id).await.expect("reads"));
        draft.body = "Dear {nickname}".into();
        tenant.edit_campaign(id, &draft, NOON).await.expect("edits");
        let asked = tenant.ask_dry_run(id, NOON).await.expect("asks");
        work(&bench.store, noon).await.expect("works");
        let failed = tenant.latest_dry_run(id).await.expect("reads").expect("one");
        assert_eq!(failed.id, asked);
        assert!(failed.result.expect("answered").is_err_and(|why| why.contains("nickname")));
    })
    .await;
}
