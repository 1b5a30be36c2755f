//! A campaign of several steps as the store keeps it: its rows, who stands where, what stops them, who comes in; told, shown and forgotten.

#[path = "support/people.rs"]
mod people;
mod support;

use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::sequence::{Evergreen, Sequence, SequenceStep, StopResult, Wait, WaitFrom};
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{DAY_MS, HOUR_MS};
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_store::attempts::{due_candidates, remove_due};
use clarion_store::campaigns::{CampaignDraft, CampaignQuery, NEXT_STEP, RecipientFilter, RecipientState, STOPS_MAX, StepEvent, StepNews, StopWhom, TakeIn, move_on};
use clarion_store::compliance::rule_book;
use clarion_store::contacts::TimelineKind;
use clarion_store::webhooks::NewWebhook;
use clarion_store::{Store, StoreError, Tenant};
use people::{enlist, list_of, person, profile};
use support::{NOON, for_each_store};

const SENDER: &str = "+447700900999";

fn draft(list: ListId, steps: usize) -> CampaignDraft {
    let mut draft = CampaignDraft::new("November");
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list);
    draft.body = "Please call us.".into();
    draft.sender = SENDER.into();
    draft.retry = RetryRules::never();
    let step = SequenceStep {
        wait: Wait { days: 2, hours: 0, from: WaitFrom::LastTry },
        channel: draft.channel,
        body: "Please call us now.".into(),
        script: String::new(),
        sender: SENDER.into(),
        call_pacing: draft.call_pacing,
        recording: draft.recording.clone(),
        retry: RetryRules::never(),
        rate_per_second: 50,
    };
    draft.sequence = Sequence { then: vec![step; steps - 1], ..Sequence::default() };
    draft
}

async fn started(tenant: &Tenant, draft: &CampaignDraft) -> CampaignId {
    tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
    let id = tenant.create_campaign(draft, NOON).await.expect("a draft");
    tenant.start_campaign(id, NOON).await.expect("starts");
    tenant.freeze_chunk(id, None, NOON).await.expect("freezes");
    id
}

/// The carrier took the texts of a step, or ended them like this.
async fn ended(tenant: &Tenant, step: CampaignId, positions: &[u32], disposition: Disposition) {
    let mut tx = tenant.store().db().begin().await.expect("begins");
    let news: Vec<StepNews> = positions.iter().map(|position| StepNews { campaign: step, position: *position, event: StepEvent::Attempt(disposition) }).collect();
    move_on(&mut tx, tenant.store(), &news, NOON).await.expect("moves");
    tx.commit().await.expect("commits");
}

async fn standing(tenant: &Tenant, id: CampaignId) -> (Vec<i64>, Vec<String>) {
    let counts = tenant.step_counts(&tenant.campaign(id).await.expect("reads")).await.expect("counts");
    (counts.standing, counts.ended.iter().map(|(step, why, n)| format!("{step} {why} {n}")).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_done_once_however_often_it_is_told() {
    for_each_store("steps_once", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 3).await;
        let id = started(&tenant, &draft(list, 3)).await;
        let steps = tenant.step_ids(id).await.expect("steps");
        assert_eq!(steps.len(), 3);
        for _ in 0..2 {
            ended(&tenant, steps[0], &[0, 1], Disposition::Accepted).await;
            ended(&tenant, steps[0], &[1], Disposition::Delivered).await;
        }
        assert_eq!(standing(&tenant, id).await, (vec![1, 2, 0], vec![]));
        let mut tx = bench.store.db().begin().await.expect("begins");
        let due = due_candidates(&mut tx, steps[1], id, NOON.plus_ms(2 * DAY_MS), 10).await.expect("reads");
        assert_eq!(due.iter().map(|who| (who.position, who.contact, who.try_number, who.ended)).collect::<Vec<_>>(), [(0, people[0].0, 1, false), (1, people[1].0, 1, false)]);
        drop(tx);
        let planned = tenant.planned(people[0].0).await.expect("reads");
        assert_eq!((planned.len(), planned[0].campaign, planned[0].step, planned[0].steps, planned[0].at, planned[0].why.as_str()), (1, id, 2, 3, NOON.plus_ms(2 * DAY_MS), NEXT_STEP));
        let listed = tenant.campaigns(&CampaignQuery { limit: 10, ..CampaignQuery::default() }).await.expect("lists").rows;
        assert_eq!(listed.iter().map(|campaign| campaign.id).collect::<Vec<_>>(), [id], "only the first is listed");
        assert_eq!(tenant.campaign_counts().await.expect("counts"), [(CampaignState::Running, 1)]);
        for act in [tenant.pause_campaign(steps[1], NOON).await, tenant.cancel_campaign(steps[2], NOON).await] {
            assert!(matches!(act, Err(StoreError::Conflict(_))), "only the first is moved");
        }
        tenant.pause_campaign_because(steps[1], "a sound could not be rendered", NOON).await.expect("the engine pauses the whole");
        let paused = tenant.campaign(id).await.expect("reads");
        assert_eq!((paused.state, paused.state_reason.as_str(), tenant.campaign(steps[2]).await.expect("reads").state), (CampaignState::Paused, "step 2: a sound could not be rendered", CampaignState::Paused));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_and_words_stop_it_and_are_told_shown_and_counted() {
    for_each_store("steps_stop", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 4).await;
        let new = NewWebhook { url: "https://hooks.example.com/in".into(), events: vec![WebhookEventKind::SequenceStopped, WebhookEventKind::SequenceCompleted] };
        let webhook = tenant.create_webhook(&new, NOON).await.expect("a webhook").id;
        let mut two = draft(list, 2);
        two.sequence.stops.outcomes = vec![Disposition::InvalidNumber];
        let id = started(&tenant, &two).await;
        let steps = tenant.step_ids(id).await.expect("steps");
        ended(&tenant, id, &[0, 1], Disposition::Accepted).await;
        ended(&tenant, id, &[2], Disposition::InvalidNumber).await;
        // A late receipt stops who waits for the next step already.
        ended(&tenant, id, &[1], Disposition::InvalidNumber).await;
        let mut tx = bench.store.db().begin().await.expect("begins");
        let due = due_candidates(&mut tx, steps[1], id, NOON.plus_ms(3 * DAY_MS), 10).await.expect("reads");
        assert_eq!((due.len(), remove_due(&mut tx, steps[1], &due).await.expect("claims")), (1, true), "who was stopped is not due any more");
        tx.commit().await.expect("commits");
        ended(&tenant, steps[1], &[0], Disposition::Accepted).await;
        let paid = "paid".parse().expect("a reason");
        assert_eq!(tenant.stop_recipients(id, &[StopWhom::Reference("R-3".into())], &paid, NOON).await.expect("stops"), [StopResult::Stopped]);
        assert_eq!(standing(&tenant, id).await, (vec![0, 0], ["1 outcome:invalid_number 1", "1 told:paid 1", "2 completed 1", "2 outcome:invalid_number 1"].map(str::to_owned).to_vec()));
        let told: Vec<WebhookEventKind> = tenant.webhook_deliveries(webhook, None, None, 100).await.expect("a log").rows.into_iter().map(|row| row.kind).collect();
        assert_eq!(told.iter().filter(|kind| **kind == WebhookEventKind::SequenceStopped).count(), 3, "{told:?}");
        assert_eq!(told.iter().filter(|kind| **kind == WebhookEventKind::SequenceCompleted).count(), 1);
        let timeline = tenant.timeline(people[3].0, rule_book(), None, 10).await.expect("reads");
        assert!(timeline.iter().any(|event| matches!(&event.what, TimelineKind::SequenceEnded { why, step: 1, .. } if why.to_string() == "told:paid")), "{timeline:?}");
        let stopped = tenant.recipients(id, RecipientFilter::Stopped, None, 10).await.expect("reads").rows;
        assert_eq!(stopped.iter().map(|row| (row.position, row.step)).collect::<Vec<_>>(), [(1, 2), (2, 1), (3, 1)]);
        assert_eq!(stopped[2].state, RecipientState::Stopped, "nothing went to them");
        let too_many = vec![StopWhom::Reference("x".into()); STOPS_MAX + 1];
        assert!(matches!(tenant.stop_recipients(id, &too_many, &paid, NOON).await, Err(StoreError::Invalid(_))));
        let acts = tenant.audit_events("campaign", "", None, 50).await.expect("audit").rows;
        assert!(acts.iter().any(|event| event.detail.contains("stopped for 1 people: paid")), "{acts:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_that_look_for_new_people_one_takes_them_in() {
    for_each_store("steps_green", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, _) = list_of(&tenant, "New customers", 3).await;
        let mut welcome = draft(list, 1);
        welcome.sequence.evergreen = Some(Evergreen { until_ms: NOON.plus_ms(9 * DAY_MS).ms(), new_a_day_max: None, again_after_days: None });
        let id = started(&tenant, &welcome).await;
        assert_eq!(tenant.campaign(id).await.expect("reads").audience_size, 0);
        let other = Store::new(bench.store.db().clone(), &bench.keyring(), 2).expect("a store");
        let theirs = other.tenant(tenant.id(), clarion_domain::tenancy::tenant::Actor::System).await.expect("a handle");
        let (mine, their) = tokio::join!(tenant.take_new_people(id, None, NOON), theirs.take_new_people(id, None, NOON));
        let (mine, their) = (mine.expect("looks"), their.expect("looks"));
        assert!([mine, their].contains(&TakeIn::Done { taken: 3 }), "{mine:?} {their:?}");
        assert_eq!(tenant.campaign(id).await.expect("reads").audience_size, 3);
        assert_eq!(tenant.take_new_people(id, None, NOON).await.expect("looks"), TakeIn::Done { taken: 0 }, "a second look, or a second load of the same people, takes nobody");
        let (late, _) = person(&tenant, 9, &profile("Ada", "R-9")).await;
        enlist(&tenant, list, late).await;
        tenant.pause_campaign(id, NOON).await.expect("pauses");
        assert_eq!(tenant.take_new_people(id, None, NOON).await.expect("looks"), TakeIn::NotOurs, "paused");
        tenant.resume_campaign(id, NOON).await.expect("resumes");
        assert_eq!(tenant.take_new_people(id, None, NOON.plus_ms(HOUR_MS)).await.expect("looks"), TakeIn::Done { taken: 1 });
        assert_eq!(tenant.take_new_people(id, None, NOON.plus_ms(9 * DAY_MS)).await.expect("looks"), TakeIn::NotOurs, "its time is over");
        assert_eq!(bench.store.evergreen_campaigns(NOON).await.expect("reads"), [(tenant.id(), id)]);
        assert_eq!(bench.store.evergreen_campaigns(NOON.plus_ms(9 * DAY_MS)).await.expect("reads"), []);
    })
    .await;
}
