//! A campaign of several steps as the store keeps it: its rows, who stands where, what stops them, who comes in; told, shown and forgotten.

#[path = "support/people.rs"]
mod people;
mod support;

use std::time::Duration;

use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::sequence::{Evergreen, Sequence, SequenceStep, StopResult, ToldReason, Wait, WaitFrom};
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::id::{AttemptId, CampaignId, ListId, WebhookId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant};
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_store::attempts::{Candidate, add_due, advance, due_candidates, remove_due};
use clarion_store::campaigns::{CampaignDraft, CampaignQuery, Look, NEXT_STEP, RecipientFilter, RecipientState, STOPS_MAX, StepEvent, StepNews, StopWhom, TakeIn, move_on};
use clarion_store::compliance::rule_book;
use clarion_store::contacts::TimelineKind;
use clarion_store::db::Statement;
use clarion_store::reports::{CampaignSum, MeasureDelta, MeasureKey, MeasureRow, add_measures};
use clarion_store::links::{ShortLinkRow, add_short_links, first_place};
use clarion_store::webhooks::NewWebhook;
use clarion_store::{Store, StoreError, Tenant, params};
use people::{list_of, person, profile};
use support::{NOON, for_each_store, route};

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
    route(tenant, Channel::Sms).await;
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
        let (mine, their) = tokio::join!(tenant.take_new_people(id, Look::Changes, NOON), theirs.take_new_people(id, Look::Changes, NOON));
        let (mine, their) = (mine.expect("looks"), their.expect("looks"));
        assert!([mine, their].contains(&TakeIn::Done { taken: 3, looked_at: 3 }), "{mine:?} {their:?}");
        assert_eq!(tenant.campaign(id).await.expect("reads").audience_size, 3);
        assert_eq!(tenant.take_new_people(id, Look::Changes, NOON).await.expect("looks"), TakeIn::Done { taken: 0, looked_at: 0 }, "a second look, or a second load of the same people, takes nobody");
        let (late, _) = person(&tenant, 9, &profile("Ada", "R-9")).await;
        tenant.add_to_list(list, late, NOON).await.expect("listed");
        tenant.pause_campaign(id, NOON).await.expect("pauses");
        assert_eq!(tenant.take_new_people(id, Look::Changes, NOON).await.expect("looks"), TakeIn::NotOurs, "paused");
        tenant.resume_campaign(id, NOON).await.expect("resumes");
        assert_eq!(tenant.take_new_people(id, Look::Changes, NOON.plus_ms(HOUR_MS)).await.expect("looks"), TakeIn::Done { taken: 1, looked_at: 1 });
        assert_eq!(tenant.take_new_people(id, Look::Changes, NOON.plus_ms(9 * DAY_MS)).await.expect("looks"), TakeIn::NotOurs, "its time is over");
        assert_eq!(bench.store.evergreen_campaigns(NOON).await.expect("reads"), [(tenant.id(), id)]);
        assert_eq!(bench.store.evergreen_campaigns(NOON.plus_ms(9 * DAY_MS)).await.expect("reads"), []);
    })
    .await;
}

static ATTEMPT: Statement = Statement {
    text: "INSERT INTO attempt (id, tenant_id, campaign_id, position, try_number, contact_id, address_id, channel, trunk_id, state, disposition, cause, decision, segments, cost, sealed_body,
                                carrier_message_id, parts_heard, claimed_at, answered_at, settled_at)
           VALUES ($1, $2, $3, $4, 1, $5, 1, 'sms', 1, 'settled', $6, '', '', 1, 350, NULL, '', 1, $7, $7, $7)",
    postgres: "",
};

#[tokio::test(flavor = "multi_thread")]
async fn who_was_reached_at_a_later_step_is_not_among_those_who_were_not() {
    for_each_store("steps_relist", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 4).await;
        let id = started(&tenant, &draft(list, 2)).await;
        let steps = tenant.step_ids(id).await.expect("steps");
        let tried = async |step: CampaignId, position: usize, disposition: Disposition| {
            let row = params![bench.store.next_id(NOON), tenant.id(), step, position as i64, people[position].0, disposition.as_str(), NOON];
            bench.store.db().execute(&ATTEMPT, &row).await.expect("an attempt");
            ended(&tenant, step, &[u32::try_from(position).expect("small")], disposition).await;
        };
        // The first step reached nobody. Of the second, one was reached, one was not, one waits for it, and one is not asked yet.
        for position in 0..3 {
            tried(steps[0], position, Disposition::NoAnswer).await;
        }
        tried(steps[1], 0, Disposition::AnsweredPerson).await;
        tried(steps[1], 1, Disposition::Busy).await;
        let mut tx = bench.store.db().begin().await.expect("begins");
        let due = due_candidates(&mut tx, steps[1], id, NOON.plus_ms(3 * DAY_MS), 10).await.expect("reads");
        let done: Vec<_> = due.into_iter().filter(|who| who.position < 2).collect();
        remove_due(&mut tx, steps[1], &done).await.expect("claims");
        tx.commit().await.expect("commits");
        let endings: Vec<_> = tenant.last_endings(id).await.expect("counts").into_iter().collect();
        assert_eq!(endings.len(), 2, "{endings:?}");
        assert!(endings.contains(&(Disposition::AnsweredPerson, 1)) && endings.contains(&(Disposition::Busy, 1)), "{endings:?}");
        let not_reached = [RecipientFilter::Disposition(Disposition::NoAnswer), RecipientFilter::Disposition(Disposition::Busy)];
        let (again, members) = tenant.list_recipients(id, &not_reached, "Again", NOON).await.expect("a list");
        let on_it: Vec<_> = tenant.contacts(Some(again), None, 10).await.expect("reads").rows.iter().map(|entry| entry.contact_id).collect();
        assert_eq!((members, on_it), (1, vec![people[1].0]));
        assert_eq!(tenant.last_endings(steps[1]).await.expect("counts").values().sum::<i64>(), 2, "of a step those whose last it was");
    })
    .await;
}

fn told() -> ToldReason {
    "paid".parse().expect("a reason")
}

async fn told_kinds(tenant: &Tenant, webhook: WebhookId) -> Vec<WebhookEventKind> {
    tenant.webhook_deliveries(webhook, None, None, 100).await.expect("a log").rows.into_iter().map(|row| row.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_overrules_that_somebody_is_through() {
    for_each_store("steps_through", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 3).await;
        let new = NewWebhook { url: "https://hooks.example.com/in".into(), events: vec![WebhookEventKind::SequenceStopped, WebhookEventKind::SequenceCompleted] };
        let webhook = tenant.create_webhook(&new, NOON).await.expect("a webhook").id;
        let id = started(&tenant, &draft(list, 2)).await;
        let steps = tenant.step_ids(id).await.expect("steps");
        ended(&tenant, id, &[0, 1, 2], Disposition::Accepted).await;
        let mut tx = bench.store.db().begin().await.expect("begins");
        let due = due_candidates(&mut tx, steps[1], id, NOON.plus_ms(3 * DAY_MS), 10).await.expect("reads");
        assert!(remove_due(&mut tx, steps[1], &due).await.expect("claims"));
        tx.commit().await.expect("commits");
        ended(&tenant, steps[1], &[0, 1, 2], Disposition::Accepted).await;
        assert_eq!(standing(&tenant, id).await, (vec![0, 0], vec!["2 completed 3".to_owned()]));
        // One more try of the last step is planned for the first; the second's may be yet.
        let mut tx = bench.store.db().begin().await.expect("begins");
        let again = |who: &Candidate| (Candidate { try_number: 2, due_at: None, ..*who }, NOON.plus_ms(DAY_MS), "retry after expired".to_owned());
        add_due(&mut tx, steps[1], &[again(&due[0])]).await.expect("plans");
        tx.commit().await.expect("commits");
        let whom = [StopWhom::Contact(people[0].0), StopWhom::Contact(people[1].0)];
        assert_eq!(tenant.stop_recipients(id, &whom, &told(), NOON).await.expect("stops"), [StopResult::Over; 2]);
        let mut tx = bench.store.db().begin().await.expect("begins");
        add_due(&mut tx, steps[1], &[again(&due[1]), again(&due[2])]).await.expect("plans");
        let left = due_candidates(&mut tx, steps[1], id, NOON.plus_ms(3 * DAY_MS), 10).await.expect("reads");
        assert_eq!(left.iter().map(|who| who.position).collect::<Vec<_>>(), [2], "the one whom nothing stopped is tried once more");
        tx.commit().await.expect("commits");
        let waiting = async |tenant: &Tenant, days: i64, max: i64| tenant.due_before(steps[1], NOON.plus_ms(days * DAY_MS), max).await.expect("counts");
        let others = bench.tenant("southwind").await;
        assert_eq!((waiting(&tenant, 1, 10).await, waiting(&tenant, 3, 10).await, waiting(&tenant, 3, 0).await, waiting(&others, 3, 10).await), (0, 1, 0, 0));
        assert_eq!(standing(&tenant, id).await, (vec![0, 0], ["2 completed 1", "2 told:paid 2"].map(str::to_owned).to_vec()));
        let kinds = told_kinds(&tenant, webhook).await;
        assert!(!kinds.contains(&WebhookEventKind::SequenceStopped) && !kinds.is_empty(), "that they are through was told already: {kinds:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_before_the_people_are_in_it_is_refused_with_what_to_do() {
    for_each_store("steps_early", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 1).await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        route(&tenant, Channel::Sms).await;
        let id = tenant.create_campaign(&draft(list, 2), NOON).await.expect("a draft");
        let whom = [StopWhom::Contact(people[0].0)];
        let refused = |result: Result<Vec<StopResult>, StoreError>| matches!(result, Err(StoreError::Conflict(why)) if why.contains("suppress them"));
        assert!(refused(tenant.stop_recipients(id, &whom, &told(), NOON).await), "a draft");
        tenant.schedule_campaign(id, NOON.plus_ms(HOUR_MS), NOON).await.expect("scheduled");
        assert!(refused(tenant.stop_recipients(id, &whom, &told(), NOON).await), "scheduled");
        tenant.unschedule_campaign(id, NOON).await.expect("a draft");
        tenant.start_campaign(id, NOON).await.expect("starts");
        assert!(refused(tenant.stop_recipients(id, &whom, &told(), NOON).await), "starting");
        tenant.freeze_chunk(id, None, NOON).await.expect("freezes");
        assert_eq!(tenant.stop_recipients(id, &whom, &told(), NOON).await.expect("stops"), [StopResult::Stopped]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_somebody_who_was_asked_about_undoes_no_claim_of_others() {
    for_each_store("steps_fence", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 3).await;
        let id = started(&tenant, &draft(list, 2)).await;
        let mut tx = bench.store.db().begin().await.expect("begins");
        assert!(advance(&mut tx, id, 0, 1, 0).await.expect("moves"));
        tx.commit().await.expect("commits");
        ended(&tenant, id, &[0], Disposition::Accepted).await;
        tenant.stop_recipients(id, &[StopWhom::Contact(people[0].0)], &told(), NOON).await.expect("stops");
        assert_eq!(tenant.campaign(id).await.expect("reads").stops, 0, "they are behind the cursor");
        tenant.stop_recipients(id, &[StopWhom::Contact(people[2].0)], &told(), NOON).await.expect("stops");
        assert_eq!(tenant.campaign(id).await.expect("reads").stops, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_waits_for_somebody_to_move_on_takes_away_what_that_brought() {
    for_each_store("steps_moving", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 1).await;
        let id = started(&tenant, &draft(list, 2)).await;
        let steps = tenant.step_ids(id).await.expect("steps");
        let mut tx = bench.store.db().begin().await.expect("begins");
        let news = StepNews { campaign: id, position: 0, event: StepEvent::Attempt(Disposition::Accepted) };
        move_on(&mut tx, &bench.store, &[news], NOON).await.expect("moves");
        let (theirs, whom) = (tenant.clone(), [StopWhom::Contact(people[0].0)]);
        let stop = tokio::spawn(async move { theirs.stop_recipients(id, &whom, &told(), NOON).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        tx.commit().await.expect("commits");
        assert_eq!(stop.await.expect("no panic").expect("stops"), [StopResult::Stopped]);
        assert_eq!(tenant.due_counts(steps[1]).await.expect("counts"), [], "nothing is due for them");
        assert_eq!(standing(&tenant, id).await, (vec![0, 0], vec!["2 told:paid 1".to_owned()]), "counted where they stood");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_waits_is_looked_at_without_writing() {
    for_each_store("steps_wait", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, _) = list_of(&tenant, "Arrears", 1).await;
        let id = started(&tenant, &draft(list, 2)).await;
        let mut tx = bench.store.db().begin().await.expect("begins");
        assert!(advance(&mut tx, id, 0, 1, 0).await.expect("moves"));
        tx.commit().await.expect("commits");
        ended(&tenant, id, &[0], Disposition::Accepted).await;
        // Whoever wrote now would wait for this one.
        let mut writer = bench.store.db().begin().await.expect("begins");
        assert!(!advance(&mut writer, id, 0, 1, 0).await.expect("tries"));
        let looked = tokio::time::timeout(Duration::from_secs(2), tenant.finish_campaign_if_done(id, NOON)).await.expect("it does not wait for a writer");
        assert!(!looked.expect("looks"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_by_which_people_are_taken_in_cannot_be_deleted() {
    for_each_store("steps_filter", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, _) = list_of(&tenant, "New customers", 1).await;
        let filter = tenant.save_filter("In Britain", &Filter { all_of: vec![Condition::HasReference { yes: true }] }, NOON).await.expect("a filter");
        let mut welcome = draft(list, 2);
        welcome.filter_id = Some(filter);
        welcome.sequence.evergreen = Some(Evergreen { until_ms: NOON.plus_ms(9 * DAY_MS).ms(), new_a_day_max: None, again_after_days: None });
        let id = started(&tenant, &welcome).await;
        assert!(matches!(tenant.delete_filter(filter, NOON).await, Err(StoreError::Conflict(why)) if why.contains("November")));
        tenant.pause_campaign(id, NOON).await.expect("pauses");
        assert!(matches!(tenant.delete_filter(filter, NOON).await, Err(StoreError::Conflict(_))));
        tenant.cancel_campaign(id, NOON).await.expect("cancels");
        let mut plain = draft(list, 2);
        plain.filter_id = Some(filter);
        let id = tenant.create_campaign(&plain, NOON).await.expect("a draft");
        tenant.start_campaign(id, NOON).await.expect("starts");
        tenant.freeze_chunk(id, None, NOON).await.expect("freezes");
        tenant.delete_filter(filter, NOON).await.expect("a campaign that has its people needs it no more");
    })
    .await;
}

static KEY: Statement = Statement { text: "SELECT wrapped_key FROM contact WHERE id = $1", postgres: "" };

#[tokio::test(flavor = "multi_thread")]
async fn the_links_of_a_later_step_are_counted_with_it_and_with_the_campaign() {
    for_each_store("steps_links", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 1).await;
        tenant.set_link_host("go.example.com", None, NOON).await.expect("named");
        for check in bench.store.due_link_checks(NOON, 10).await.expect("due") {
            tenant.record_link_check(&check, Ok("https"), NOON).await.expect("kept");
        }
        tenant.enable_links(true, NOON).await.expect("on");
        let mut two = draft(list, 2);
        two.body = "Pay: {short:https://example.com/first}".into();
        two.sequence.then[0].body = "Pay now: {short:https://example.com/second}".into();
        let id = started(&tenant, &two).await;
        let second = tenant.step_ids(id).await.expect("steps")[1];
        let mut row = bench.store.db().query_first(&KEY, &params![people[0].0]).await.expect("reads").expect("a row");
        let key = bench.store.keyring().unwrap(&row.take::<Vec<u8>>(0).expect("a key")).expect("unwraps");
        for (step, clicks) in [(1, 1), (2, 2)] {
            let (code, link) = tenant.new_short_link(&key, first_place(step), "https://example.com/").expect("a link");
            let attempt = AttemptId(bench.store.next_id(NOON));
            let mut tx = bench.store.db().begin().await.expect("begins");
            add_short_links(&mut tx, &[ShortLinkRow { attempt, tenant: tenant.id(), campaign: id, contact: people[0].0, expires_at: NOON.plus_ms(DAY_MS), link }]).await.expect("added");
            tx.commit().await.expect("commits");
            for _ in 0..clicks {
                assert!(tenant.follow_link(&code, true, NOON).await.expect("follows").is_some());
            }
        }
        let counts = async |id| -> Vec<(usize, String, i64)> { tenant.link_counts(id).await.expect("counts").into_iter().map(|link| (link.place, link.source, link.clicks)).collect() };
        let (first, later) = ((0, "https://example.com/first".to_owned(), 1), (100, "https://example.com/second".to_owned(), 2));
        assert_eq!(counts(second).await, std::slice::from_ref(&later));
        assert_eq!(counts(id).await, [first, later]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_read_by_page_and_through_all_steps() {
    for_each_store("steps_counts", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, _) = list_of(&tenant, "Arrears", 1).await;
        let id = started(&tenant, &draft(list, 2)).await;
        let other = tenant.create_campaign(&draft(list, 1), NOON).await.expect("a draft");
        let steps = tenant.step_ids(id).await.expect("steps");
        let mut deltas = std::collections::HashMap::new();
        for (place, campaign) in [steps[0], steps[1], other].into_iter().enumerate() {
            for hour in 0..3 {
                for cause in ["", "busy"] {
                    let key = MeasureKey { tenant: tenant.id(), campaign, hour: NOON.plus_ms(hour * HOUR_MS), channel: Channel::Sms, disposition: Disposition::Delivered, cause: cause.into() };
                    deltas.insert(key, MeasureDelta { n: 1 + place as i64, segments: 1, cost: 10 });
                }
            }
        }
        let mut tx = bench.store.db().begin().await.expect("begins");
        add_measures(&mut tx, &deltas).await.expect("counted");
        tx.commit().await.expect("commits");
        let span = (NOON, NOON.plus_ms(3 * HOUR_MS));
        for (campaign, rows, n) in [(None, 18, 36), (Some(id), 12, 18), (Some(steps[1]), 6, 12), (Some(other), 6, 18)] {
            let whole = tenant.measures_page(campaign, span, None, 18).await.expect("reads");
            assert_eq!((whole.rows.len(), whole.rows.iter().map(|row| row.n).sum::<i64>(), whole.next), (rows, n, None), "{campaign:?}");
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let page = tenant.measures_page(campaign, span, after.as_ref(), 5).await.expect("a page");
                paged.extend(page.rows);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert!(paged.is_sorted_by_key(|row: &MeasureRow| row.hour));
            assert_eq!(paged, whole.rows, "{campaign:?}");
            let page = tenant.measures_page(campaign, span, None, 1).await.expect("a page");
            let later = (NOON.plus_ms(HOUR_MS), span.1);
            let rest = tenant.measures_page(campaign, later, page.next.as_ref(), 18).await.expect("a page");
            assert!(rest.rows.iter().all(|row| row.hour >= later.0) && rest.rows.len() == rows / 3 * 2, "a cursor does not lead out of the span");
        }
        assert_eq!(tenant.campaign_names().await.expect("names").len(), 2, "steps are no choices of their own");
        assert_eq!(tenant.campaign_names_of(steps.clone()).await.expect("names").len(), 2);
    })
    .await;
}

/// What the database adds up is what the rows add up to, of all campaigns and of one through all its steps.
#[tokio::test(flavor = "multi_thread")]
async fn sums_of_a_span_are_those_of_its_rows() {
    for_each_store("sums", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, _) = list_of(&tenant, "Arrears", 1).await;
        let id = started(&tenant, &draft(list, 2)).await;
        let other = tenant.create_campaign(&draft(list, 1), NOON).await.expect("a draft");
        let steps = tenant.step_ids(id).await.expect("steps");
        let theirs = bench.tenant("eastwind").await;
        let key = |tenant: &Tenant, campaign, hour: i64, channel, disposition, cause: &str| MeasureKey { tenant: tenant.id(), campaign, hour: NOON.plus_ms(hour * HOUR_MS), channel, disposition, cause: cause.into() };
        let mut deltas = std::collections::HashMap::new();
        for (place, disposition) in Disposition::ALL.iter().enumerate() {
            let n = 1 + place as i64;
            let channel = if Disposition::of_messages().contains(disposition) { Channel::Sms } else { Channel::Voice };
            deltas.insert(key(&tenant, steps[place % 2], n % 5, channel, *disposition, "busy"), MeasureDelta { n, segments: 2 * n, cost: 30 * n });
            deltas.insert(key(&tenant, other, n % 7, channel, *disposition, ""), MeasureDelta { n: 100 + n, segments: n, cost: n });
        }
        deltas.insert(key(&tenant, steps[0], 1, Channel::Sms, Disposition::Accepted, ""), MeasureDelta { n: 0, segments: 1, cost: 1 });
        deltas.insert(key(&theirs, CampaignId(7), 1, Channel::Sms, Disposition::Delivered, ""), MeasureDelta { n: 5_000, segments: 1, cost: 1 });
        let mut tx = bench.store.db().begin().await.expect("begins");
        add_measures(&mut tx, &deltas).await.expect("counted");
        tx.commit().await.expect("commits");

        let reached = |word: Disposition| word == Disposition::Delivered || word.reached_a_person();
        let hours: Vec<(Instant, Instant)> = [(1, 2), (2, 4), (4, 4), (4, 6)].map(|(from, to)| (NOON.plus_ms(from * HOUR_MS), NOON.plus_ms(to * HOUR_MS))).to_vec();
        let span = (hours[0].0, hours[3].1);
        for (campaign, campaigns) in [(None, vec![other, steps[1], steps[0]]), (Some(id), vec![steps[1], steps[0]]), (Some(steps[1]), vec![steps[1]]), (Some(CampaignId(7)), vec![])] {
            let rows = tenant.measures_page(campaign, span, None, 100).await.expect("rows").rows;
            assert_eq!(rows.is_empty(), campaigns.is_empty());
            let mut endings = std::collections::BTreeMap::<_, (i64, i64, i64)>::new();
            for row in &rows {
                let sum = endings.entry((row.channel.as_str(), row.disposition.as_str(), row.cause.as_str())).or_default();
                *sum = (sum.0 + row.n, sum.1 + row.segments, sum.2 + row.cost);
            }
            let sums = tenant.ending_sums(campaign, span).await.expect("sums");
            assert_eq!(sums.len(), endings.len(), "each once");
            let sums = sums.iter().map(|sum| ((sum.channel.as_str(), sum.disposition.as_str(), sum.cause.as_str()), (sum.n, sum.segments, sum.cost)));
            assert_eq!(sums.collect::<std::collections::BTreeMap<_, _>>(), endings, "{campaign:?}");
            let of = |campaign: CampaignId, which: &dyn Fn(Disposition) -> bool| rows.iter().filter(|row| row.campaign == campaign && which(row.disposition)).map(|row| row.n).sum::<i64>();
            let expected: Vec<_> = campaigns.iter().map(|id| CampaignSum { campaign: *id, n: of(*id, &|_| true), reached: of(*id, &reached) }).collect();
            assert_eq!(tenant.campaign_sums(campaign, span, reached, 10).await.expect("sums"), expected, "the newest first");
            assert_eq!(tenant.campaign_sums(campaign, span, reached, 1).await.expect("sums"), expected[..expected.len().min(1)]);
            let within = |(from, to): &(Instant, Instant)| rows.iter().filter(|row| *from <= row.hour && row.hour < *to).map(|row| row.n).sum::<i64>();
            assert_eq!(tenant.attempts_within(campaign, &hours).await.expect("sums"), hours.iter().map(within).collect::<Vec<_>>(), "{campaign:?}");
        }
    })
    .await;
}
