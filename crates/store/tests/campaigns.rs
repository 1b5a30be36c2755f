//! A campaign's life: written, checked, moved by one hand at a time, frozen, listed, finished.

#[path = "support/people.rs"]
mod people;
mod support;

use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::compliance::do_not_originate::read_list;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::tenancy::four_eyes::FourEyes;
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant};
use clarion_store::campaigns::{CampaignDraft, CampaignQuery, FREEZE_CHUNK, FreezeStep, LOADING, RecipientFilter, RecipientState};
use clarion_store::db::Statement;
use clarion_store::tenancy::{Carried, NewUser};
use clarion_store::{StoreError, Tenant, params};
use people::{enlist, list_of, person, profile};
use support::{NOON, for_each_store, route};

const SENDER: &str = "+447700900999";

/// A draft that may start, for a list.
fn fit(name: &str, list: ListId) -> CampaignDraft {
    let mut draft = CampaignDraft::new(name);
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list);
    draft.body = "Dear {first_name|customer}, please call us about your account.".into();
    draft.sender = SENDER.into();
    draft.retry = RetryRules::never();
    draft
}

async fn ready(tenant: &Tenant, people: usize) -> (CampaignId, CampaignDraft) {
    tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
    route(tenant, Channel::Sms).await;
    let (list, _) = list_of(tenant, "Arrears", people).await;
    let draft = fit("November", list);
    (tenant.create_campaign(&draft, NOON).await.expect("a draft"), draft)
}

async fn state(tenant: &Tenant, id: CampaignId) -> CampaignState {
    tenant.campaign(id).await.expect("reads").state
}

async fn freeze(tenant: &Tenant, id: CampaignId) -> FreezeStep {
    let mut after = None;
    loop {
        match tenant.freeze_chunk(id, after, NOON).await.expect("a chunk") {
            FreezeStep::More { after: next } => after = Some(next),
            step => return step,
        }
    }
}

async fn run(tenant: &Tenant, statement: &'static Statement, values: Vec<clarion_store::db::Value>) {
    tenant.store().db().execute(statement, &values).await.expect("runs");
}

fn fields(error: &StoreError) -> Vec<&'static str> {
    let StoreError::Faults(faults) = error else { panic!("{error}") };
    faults.iter().map(|fault| fault.field).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_and_senders_are_checked_kept_and_removed() {
    for_each_store("templates", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let id = tenant.create_template("Reminder", "Hello {first_name|there}", NOON).await.expect("creates");
        assert!(matches!(tenant.create_template("Reminder", "Hi", NOON).await, Err(StoreError::Conflict(_))));
        let error = tenant.create_template("Other", "Hello {nickname}", NOON).await.expect_err("unknown field");
        assert_eq!(fields(&error), ["body"]);
        assert!(error.to_string().contains("nickname") && error.to_string().contains("first_name"), "{error}");
        tenant.change_template(id, "Reminder 2", "Hi", NOON).await.expect("changes");
        assert_eq!(tenant.template(id).await.expect("reads").name, "Reminder 2");
        assert!(matches!(bench.tenant("fabrikam").await.template(id).await, Err(StoreError::NotFound(_))));
        tenant.delete_template(id, NOON).await.expect("deletes");
        assert!(tenant.templates().await.expect("reads").is_empty());

        assert_eq!(fields(&tenant.add_sender("Bank", true, "", NOON).await.expect_err("refused")), ["value", "evidence"]);
        assert_eq!(fields(&tenant.add_sender("NorthBank", true, "brand register 5", NOON).await.expect_err("refused")), ["takes_replies"]);
        tenant.add_sender("NorthBank", false, "brand register 5", NOON).await.expect("adds");
        assert!(matches!(tenant.add_sender("NorthBank", false, "again", NOON).await, Err(StoreError::Conflict(_))));
        assert_eq!(fields(&tenant.attest_sender("NorthBank", true, "", NOON).await.expect_err("no number")), ["value"]);
        assert!(matches!(tenant.attest_sender("+447700900001", true, "", NOON).await, Err(StoreError::NotFound(_))));
        assert_eq!(tenant.senders().await.expect("reads").len(), 1);
        tenant.remove_sender("NorthBank", NOON).await.expect("removes");
        assert!(matches!(tenant.remove_sender("NorthBank", NOON).await, Err(StoreError::NotFound(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_shows_a_number_from_which_nobody_calls() {
    for_each_store("do_not_originate", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("fabrikam").await);
        let add = async |tenant: &Tenant, value: &str| tenant.add_sender(value, false, "reserved for drama", NOON).await.expect("adds").is_do_not_originate;
        assert!(!add(&tenant, "+442079460101").await, "no list is loaded");
        let load = async |text: &str, source: &str| bench.store.replace_do_not_originate(&read_list(text).expect("a list"), source, NOON).await.expect("loads");
        let listed = load("+442079460100-+442079460109\n+442079460200\n", "November").await;
        assert_eq!(listed.iter().map(|sender| (sender.tenant.as_str(), sender.value.as_str())).collect::<Vec<_>>(), [("northwind", "+442079460101")]);
        assert!(add(&other, "+442079460200").await && !add(&other, "+442079460110").await);
        assert_eq!(bench.store.listed_senders().await.expect("reads").len(), 2);

        let mut draft = CampaignDraft::of(Channel::Voice, "Calls");
        draft.sender = "+442079460101".into();
        tenant.attest_sender(&draft.sender, true, "", NOON).await.expect("confirms");
        let told = async || tenant.campaign_faults(&draft, NOON).await.expect("checks").into_iter().filter(|fault| fault.field == "sender").map(|fault| fault.message).collect::<Vec<_>>();
        assert!(told().await.iter().any(|message| message.contains("Do Not Originate")));
        let campaign = tenant.create_campaign(&draft, NOON).await.expect("a draft");
        let terms = async || tenant.campaign_terms(&tenant.campaign(campaign).await.expect("reads")).await.expect("terms").call.expect("of calls").caller_id;
        assert!(terms().await.is_do_not_originate && !terms().await.is_lawful(), "a campaign that runs is refused too");

        assert_eq!(load("+442079460200", "December").await.len(), 1, "the list is replaced, not added to");
        assert_eq!(told().await, [""; 0]);
        assert!(terms().await.is_lawful());
        let list = bench.store.do_not_originate_list().await.expect("reads").expect("a list");
        assert_eq!((list.ranges, list.source.as_str()), (1, "December"));
        let told: Vec<_> = bench.store.operator_events(10).await.expect("reads").rows.into_iter().filter(|event| event.object_kind == "do_not_originate").map(|event| (event.actor, event.act, event.detail)).collect();
        let loaded = |detail: &str| ("operator".to_owned(), Act::Loaded, detail.to_owned());
        assert_eq!(told, [loaded("1 numbers and ranges, 1 senders on them: December"), loaded("2 numbers and ranges, 1 senders on them: November")], "each list stands in the operator's chain");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_are_told_at_once_with_their_fields() {
    for_each_store("faults", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut draft = CampaignDraft::new("Empty");
        draft.body = "Hello {nickname}".into();
        draft.schedule.days.clear();
        draft.rate_per_second = 0;
        let id = tenant.create_campaign(&draft, NOON).await.expect("a draft may be unfinished");
        let error = tenant.start_campaign(id, NOON).await.expect_err("it may not start");
        assert_eq!(fields(&error), ["purpose", "legal_basis", "list_id", "body", "sender", "route", "rate_per_second", "schedule"]);
        assert_eq!(state(&tenant, id).await, CampaignState::Draft);

        let (list, _) = list_of(&tenant, "Arrears", 1).await;
        tenant.add_sender("NorthBank", false, "brand register 5", NOON).await.expect("a sender");
        route(&tenant, Channel::Sms).await;
        let mut draft = fit("Offer", list);
        draft.sender = "NorthBank".into();
        draft.basis = Some(LegalBasis::LegitimateInterest);
        draft.purpose = Some(Purpose::PutThrough);
        let told = async |draft: &CampaignDraft| tenant.campaign_faults(draft, NOON).await.expect("checks").into_iter().map(|fault| fault.field).collect::<Vec<_>>();
        assert_eq!(told(&draft).await, ["underlying_purpose", "assessment_reference"]);
        draft.basis = Some(LegalBasis::Consent);
        draft.purpose = Some(Purpose::Marketing);
        assert_eq!(told(&draft).await, ["body", "body"], "neither brand nor a way to stop");
        draft.body = "Northwind: 20% off. Reply STOP to opt out".into();
        assert_eq!(told(&draft).await, ["body"], "nobody can reply to a name");
        draft.body = "Northwind: 20% off. To opt out text STOP to 66777".into();
        assert_eq!(told(&draft).await, [""; 0]);
        draft.purpose = Some(Purpose::Reminder);
        assert_eq!(told(&draft).await, ["body"], "a reminder may not advertise");

        let other = bench.tenant("fabrikam").await;
        let foreign = tenant.create_campaign(&fit("", list), NOON).await.expect_err("no name");
        assert_eq!(fields(&foreign), ["name"]);
        assert_eq!(fields(&other.create_campaign(&fit("Theirs", list), NOON).await.expect_err("another's list")), ["list_id"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_goes_through_its_life_and_every_move_is_audited() {
    for_each_store("lifecycle", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (id, mut draft) = ready(&tenant, 3).await;
        let past = tenant.schedule_campaign(id, NOON, NOON).await.expect_err("the past");
        assert_eq!(fields(&past), ["schedule"]);
        tenant.schedule_campaign(id, NOON.plus_ms(HOUR_MS), NOON).await.expect("schedules");
        assert_eq!(tenant.campaign(id).await.expect("reads").starts_at, Some(NOON.plus_ms(HOUR_MS)));
        draft.body = String::new();
        draft.schedule.starts_at_ms = Some(NOON.plus_ms(2 * HOUR_MS).ms());
        assert_eq!(fields(&tenant.edit_campaign(id, &draft, NOON).await.expect_err("must stay fit")), ["body"]);
        draft.body = "Please call us.".into();
        tenant.edit_campaign(id, &draft, NOON).await.expect("edits");
        assert_eq!(tenant.campaign(id).await.expect("reads").starts_at, Some(NOON.plus_ms(2 * HOUR_MS)));
        assert!(matches!(tenant.remove_sender(SENDER, NOON).await, Err(StoreError::Conflict(_))));
        tenant.unschedule_campaign(id, NOON).await.expect("unschedules");
        assert_eq!(tenant.campaign(id).await.expect("reads").starts_at, None);
        tenant.start_campaign(id, NOON).await.expect("starts");
        assert!(matches!(tenant.edit_campaign(id, &draft, NOON).await, Err(StoreError::Conflict(_))));
        assert_eq!(freeze(&tenant, id).await, FreezeStep::Frozen { audience_size: 3 });
        assert!(!tenant.finish_campaign_if_done(id, NOON).await.expect("looks"), "three wait");
        tenant.pause_campaign(id, NOON).await.expect("pauses");
        assert!(matches!(tenant.pause_campaign(id, NOON).await, Err(StoreError::Conflict(_))));
        tenant.resume_campaign(id, NOON).await.expect("resumes");
        tenant.set_campaign_rate(id, 200, NOON).await.expect("faster");
        static SENT: Statement = Statement { text: "UPDATE campaign SET next_position = audience_size WHERE id = $1", postgres: "" };
        static DUE: Statement = Statement { text: "INSERT INTO due (campaign_id, due_at, position, try_number, why) VALUES ($1, 5, 1, 2, 'retry')", postgres: "" };
        static DONE: Statement = Statement { text: "DELETE FROM due WHERE campaign_id = $1", postgres: "" };
        run(&tenant, &SENT, params![id]).await;
        run(&tenant, &DUE, params![id]).await;
        assert!(!tenant.finish_campaign_if_done(id, NOON).await.expect("looks"), "one is due again");
        run(&tenant, &DONE, params![id]).await;
        static CLAIM: Statement = Statement {
            text: "INSERT INTO claim (id, tenant_id, campaign_id, node_id, trunk_id, first_attempt_id, items, released, decision, claimed_at) VALUES (8, $1, $2, 1, 1, 1, $3, $3, '', 1)",
            postgres: "",
        };
        static ANSWERED: Statement = Statement { text: "DELETE FROM claim WHERE campaign_id = $1", postgres: "" };
        run(&tenant, &CLAIM, params![tenant.id(), id, vec![0u8]]).await;
        assert!(!tenant.finish_campaign_if_done(id, NOON).await.expect("looks"), "one is on the wire");
        run(&tenant, &ANSWERED, params![id]).await;
        assert!(tenant.finish_campaign_if_done(id, NOON).await.expect("finishes"));
        let over = tenant.campaign(id).await.expect("reads");
        assert_eq!((over.state, over.started_at, over.finished_at, over.started_by.as_str()), (CampaignState::Finished, Some(NOON), Some(NOON), "operator"));
        assert!(matches!(tenant.cancel_campaign(id, NOON).await, Err(StoreError::Conflict(_))));
        let acts: Vec<&str> = tenant.audit_events("campaign", "", None, 50).await.expect("audit").rows.iter().rev().map(|event| event.act.as_str()).collect();
        assert_eq!(acts, ["created", "scheduled", "changed", "changed", "started", "changed", "paused", "resumed", "changed", "finished"]);
        assert!(matches!(bench.tenant("fabrikam").await.campaign(id).await, Err(StoreError::NotFound(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_above_the_threshold_waits_for_a_second_person() {
    for_each_store("campaign_four_eyes", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut handles = Vec::new();
        for username in ["ada", "grace"] {
            let new = NewUser { username, display_name: username, role: Role::Manager, password_hash: "-" };
            let id = tenant.create_user(&new, NOON).await.expect("a user");
            handles.push(bench.store.tenant(tenant.id(), Actor::User(id)).await.expect("a handle"));
        }
        let (ada, grace) = (&handles[0], &handles[1]);
        let system = bench.store.tenant(tenant.id(), Actor::System).await.expect("a handle");
        tenant.set_four_eyes(FourEyes { start_campaign_above: Some(2), ..FourEyes::default() }, NOON).await.expect("set");
        let waits = |carried: Carried| if let Carried::Waits(id) = carried { id } else { panic!("it should have waited") };
        let (id, draft) = ready(&tenant, 3).await;
        let list = draft.list_id.expect("a list");

        let request = waits(ada.start_campaign(id, NOON).await.expect("asked"));
        assert_eq!(state(&tenant, id).await, CampaignState::Draft);
        assert_eq!(tenant.approval(request, NOON).await.expect("it").shown, "Start the campaign “November” now: 3 people by sms");
        tenant.edit_campaign(id, &CampaignDraft { body: "Another text. Northwind".into(), ..draft.clone() }, NOON).await.expect("edited");
        assert!(matches!(grace.approve(request, NOON).await, Err(StoreError::Conflict(why)) if why.contains("withdrawn")), "another text than was shown");
        let request = waits(ada.start_campaign(id, NOON).await.expect("asked"));
        grace.approve(request, NOON).await.expect("approved");
        let started = tenant.campaign(id).await.expect("reads");
        assert_eq!((started.state, started.started_by, started.state_reason.as_str()), (CampaignState::Starting, ada.actor().to_string(), ""));

        // A scheduled start is approved when it is scheduled, and holds for no more people than it was shown for.
        let at = NOON.plus_ms(HOUR_MS);
        let second = tenant.create_campaign(&fit("December", list), NOON).await.expect("a draft");
        let request = waits(ada.schedule_campaign(second, at, NOON).await.expect("asked"));
        assert_eq!(state(&tenant, second).await, CampaignState::Draft);
        grace.approve(request, NOON).await.expect("approved");
        assert_eq!(state(&tenant, second).await, CampaignState::Scheduled);
        let (more, _) = person(&tenant, 9, &profile("Ada 9", "R-9")).await;
        enlist(&tenant, list, more).await;
        let error = system.start_campaign(second, at).await.expect_err("one more than approved");
        assert_eq!(fields(&error), ["schedule"]);
        tenant.remove_from_list(list, more, at).await.expect("off");
        assert_eq!(system.start_campaign(second, at).await.expect("starts"), Carried::Done);

        let few = tenant.create_list("Few", NOON).await.expect("a list");
        enlist(&tenant, few, more).await;
        let third = tenant.create_campaign(&fit("Small", few), NOON).await.expect("a draft");
        assert_eq!(ada.start_campaign(third, NOON).await.expect("starts"), Carried::Done, "not above the threshold");

        // Whoever comes onto the list between the start and the freezing was not part of what was asked.
        for (first, campaign, onto, why) in [(20, third, few, "for which a second person is needed"), (30, id, list, "was approved for 3")] {
            for last in first..first + 4 {
                let (contact, _) = person(&tenant, last, &profile("New", &format!("R-{last}"))).await;
                enlist(&tenant, onto, contact).await;
            }
            assert_eq!(freeze(&tenant, campaign).await, FreezeStep::NotOurs);
            let stopped = tenant.campaign(campaign).await.expect("reads");
            assert_eq!(stopped.state, CampaignState::Cancelled);
            assert!(stopped.state_reason.contains(why), "{}", stopped.state_reason);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_move_a_campaign_at_once_one_is_told() {
    for_each_store("races", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (id, _) = ready(&tenant, 1).await;
        for _ in 0..3 {
            let (one, two) = tokio::join!(tenant.start_campaign(id, NOON), tenant.start_campaign(id, NOON));
            assert_eq!([&one, &two].iter().filter(|result| result.is_ok()).count(), 1, "{one:?} {two:?}");
            assert!([one, two].iter().any(|result| matches!(result, Err(StoreError::Conflict(_)))));
            static AGAIN: Statement = Statement { text: "UPDATE campaign SET state = 'draft' WHERE id = $1", postgres: "" };
            run(&tenant, &AGAIN, params![id]).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_script_is_asked_for_one() {
    for_each_store("scriptless", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let faults = tenant.campaign_faults(&CampaignDraft::of(Channel::Voice, "Calls"), NOON).await.expect("checks");
        let told: Vec<_> = faults.iter().filter(|fault| fault.field == "script").map(|fault| fault.message.as_str()).collect();
        assert_eq!(told, ["write what the call says: a script"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_a_load_into_its_list_and_for_one_that_is_taken_back() {
    for_each_store("loading", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (id, draft) = ready(&tenant, 1).await;
        static LOAD: Statement = Statement {
            text: "INSERT INTO import (id, tenant_id, source, state, file_name, file_hash, file_bytes, list_id, proposal, mapping, auto_start, error, drop_file,
                                       rows_read, rows_loaded, rows_updated, rows_rejected, created_by, created_at)
                   VALUES (9, $1, 'portal', 'loading', 'a.csv', $2, 1, $3, '', '', 0, '', 0, 0, 0, 0, 0, 'operator', 1)",
            postgres: "",
        };
        run(&tenant, &LOAD, params![tenant.id(), vec![1u8], draft.list_id]).await;
        static TAKEN_BACK: Statement = Statement { text: "UPDATE import SET state = 'undoing' WHERE tenant_id = $1", postgres: "" };
        for move_on in [None, Some(&TAKEN_BACK)] {
            if let Some(statement) = move_on {
                run(&tenant, statement, params![tenant.id()]).await;
            }
            let refused = tenant.start_campaign(id, NOON).await;
            assert!(matches!(refused, Err(StoreError::Conflict(ref why)) if why == LOADING), "{refused:?}");
        }
        static LOADED: Statement = Statement { text: "UPDATE import SET state = 'loaded' WHERE tenant_id = $1", postgres: "" };
        run(&tenant, &LOADED, params![tenant.id()]).await;
        tenant.start_campaign(id, NOON).await.expect("starts");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn freezing_goes_on_where_a_killed_worker_stood_and_repeats_nobody() {
    for_each_store("freeze", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (id, draft) = ready(&tenant, 0).await;
        let list = draft.list_id.expect("a list");
        let size = FREEZE_CHUNK + 3;
        crowd(&tenant, list, size).await;
        tenant.start_campaign(id, NOON).await.expect("starts");
        let FreezeStep::More { .. } = tenant.freeze_chunk(id, None, NOON).await.expect("a chunk") else { panic!("one chunk is not all") };
        assert_eq!(tenant.campaign(id).await.expect("reads").audience_size, FREEZE_CHUNK);
        // The worker is killed here; another begins without knowing how far it came.
        assert_eq!(freeze(&tenant, id).await, FreezeStep::Frozen { audience_size: size });
        assert_eq!(tenant.freeze_chunk(id, None, NOON).await.expect("a step"), FreezeStep::NotOurs);
        static CHECK: Statement = Statement { text: "SELECT COUNT(*), COUNT(DISTINCT contact_id), MAX(position) FROM recipient WHERE campaign_id = $1", postgres: "" };
        let mut row = tenant.store().db().query_first(&CHECK, &params![id]).await.expect("reads").expect("a row");
        assert_eq!((row.take(0), row.take(1), row.take(2)).map_ok(), (size, size, size - 1));
        let late = person(&tenant, 999, &profile("Late", "late")).await;
        enlist(&tenant, list, late.0).await;
        assert_eq!(tenant.campaign(id).await.expect("reads").audience_size, size, "who comes later is not in it");
    })
    .await;
}

trait MapOk {
    fn map_ok(self) -> (i64, i64, i64);
}

impl<E: std::fmt::Debug> MapOk for (Result<i64, E>, Result<i64, E>, Result<i64, E>) {
    fn map_ok(self) -> (i64, i64, i64) {
        (self.0.expect("a number"), self.1.expect("a number"), self.2.expect("a number"))
    }
}

/// Contacts without anything sealed: only their places matter here.
async fn crowd(tenant: &Tenant, list: ListId, size: i64) {
    static CONTACT: Statement = Statement { text: "INSERT INTO contact (id, tenant_id, created_at, updated_at) VALUES ($1, $2, 1, 1)", postgres: "" };
    static ADDRESS: Statement = Statement {
        text: "INSERT INTO address (id, tenant_id, contact_id, number_index, line_type, region, zones, created_at) VALUES ($1, $2, $1, $3, 'mobile', 'GB', 'Europe/London', 1)",
        postgres: "",
    };
    static MEMBER: Statement = Statement { text: "INSERT INTO list_member (list_id, contact_id) VALUES ($1, $2)", postgres: "" };
    let mut tx = tenant.store().db().begin().await.expect("begins");
    let ids = 1_000..1_000 + size;
    tx.execute_many(&CONTACT, &ids.clone().map(|id| params![id, tenant.id()]).collect::<Vec<_>>()).await.expect("contacts");
    tx.execute_many(&ADDRESS, &ids.clone().map(|id| params![id, tenant.id(), id.to_le_bytes().repeat(2)]).collect::<Vec<_>>()).await.expect("addresses");
    tx.execute_many(&MEMBER, &ids.map(|id| params![list, id]).collect::<Vec<_>>()).await.expect("members");
    tx.commit().await.expect("commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_ends_at_its_end_and_waits_for_receipts_that_could_bring_another_attempt() {
    for_each_store("ends", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (id, mut draft) = ready(&tenant, 2).await;
        draft.schedule.ends_at_ms = Some(NOON.plus_ms(DAY_MS).ms());
        tenant.edit_campaign(id, &draft, NOON).await.expect("edits");
        tenant.start_campaign(id, NOON).await.expect("starts");
        freeze(&tenant, id).await;
        assert!(!tenant.finish_campaign_if_done(id, NOON).await.expect("looks"));
        static CLAIM: Statement = Statement {
            text: "INSERT INTO claim (id, tenant_id, campaign_id, node_id, trunk_id, first_attempt_id, items, released, decision, claimed_at) VALUES (8, $1, $2, 1, 1, 1, $3, $3, '', 1)",
            postgres: "",
        };
        run(&tenant, &CLAIM, params![tenant.id(), id, vec![0u8]]).await;
        assert!(tenant.finish_campaign_if_done(id, NOON.plus_ms(DAY_MS)).await.expect("ends"), "also while something is on the wire");
        let over = tenant.campaign(id).await.expect("reads");
        assert_eq!(over.state_reason, "its end came; 2 of 2 people were not asked about");

        let mut patient = fit("Patient", draft.list_id.expect("a list"));
        patient.retry = RetryRules::default();
        let id = tenant.create_campaign(&patient, NOON).await.expect("creates");
        tenant.start_campaign(id, NOON).await.expect("starts");
        freeze(&tenant, id).await;
        static SENT: Statement = Statement { text: "UPDATE campaign SET next_position = audience_size WHERE id = $1", postgres: "" };
        static OUT: Statement = Statement {
            text: "INSERT INTO measure (tenant_id, campaign_id, hour, channel, disposition, cause, n, segments, cost) VALUES ($1, $2, $3, 'sms', 'accepted', '', 1, 1, 0)",
            postgres: "",
        };
        run(&tenant, &SENT, params![id]).await;
        run(&tenant, &OUT, params![tenant.id(), id, NOON]).await;
        assert!(!tenant.finish_campaign_if_done(id, NOON.plus_ms(HOUR_MS)).await.expect("looks"), "its receipt may say: try again");
        assert!(tenant.finish_campaign_if_done(id, NOON.plus_ms(2 * DAY_MS)).await.expect("looks"), "but not for ever");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_narrow_by_state_and_name_and_show_where_each_recipient_stands() {
    for_each_store("listings", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (id, draft) = ready(&tenant, 6).await;
        for name in ["100% sure", "100 sure", "December"] {
            tenant.create_campaign(&fit(name, draft.list_id.expect("a list")), NOON).await.expect("creates");
        }
        let names = async |state, text| {
            let page = tenant.campaigns(&CampaignQuery { state, text, before: None, limit: 10 }).await.expect("a page");
            page.rows.into_iter().map(|campaign| campaign.name).collect::<Vec<_>>()
        };
        assert_eq!(names(None, "0% S").await, ["100% sure"], "the sign means itself");
        assert_eq!(names(None, "").await.len(), 4);
        tenant.start_campaign(id, NOON).await.expect("starts");
        freeze(&tenant, id).await;
        assert_eq!(names(Some(CampaignState::Running), "").await, ["November"]);
        assert_eq!(tenant.campaign_counts().await.expect("counts"), [(CampaignState::Draft, 3), (CampaignState::Running, 1)]);
        let first = tenant.campaigns(&CampaignQuery { limit: 3, ..CampaignQuery::default() }).await.expect("a page");
        assert!(first.next.is_some());

        let people = tenant.recipients(id, RecipientFilter::Every, None, 10).await.expect("a page").rows;
        places(&tenant, id, &people).await;
        let rows = tenant.recipients(id, RecipientFilter::Every, None, 10).await.expect("a page").rows;
        let state = |position: usize| rows[position].state.clone();
        assert_eq!(format!("{}", rows[0].number), "…0000");
        assert!(matches!(state(0), RecipientState::Attempted { disposition: Disposition::Delivered, .. }));
        assert_eq!(state(1), RecipientState::Refused { rules: vec!["UK-50".into(), "UK-26".into()], rule_pack: "uk@2026-11-23".into() });
        assert_eq!(state(2), RecipientState::Deferred { until: Instant(99), rules: vec!["UK-34".into()] });
        assert_eq!(state(3), RecipientState::Due { at: Instant(77), why: "retry".into() });
        assert_eq!((state(4), state(5)), (RecipientState::InFlight, RecipientState::Waiting));
        for (filter, expected) in [
            (RecipientFilter::Waiting, vec![5]),
            (RecipientFilter::Due, vec![2, 3]),
            (RecipientFilter::Refused, vec![1]),
            (RecipientFilter::InFlight, vec![4]),
            (RecipientFilter::Disposition(Disposition::Delivered), vec![0]),
            (RecipientFilter::Disposition(Disposition::Expired), vec![]),
        ] {
            let page = tenant.recipients(id, filter, None, 10).await.expect("a page");
            assert_eq!(page.rows.iter().map(|row| row.position).collect::<Vec<_>>(), expected, "{filter:?}");
        }
        let paged = tenant.recipients(id, RecipientFilter::Every, None, 4).await.expect("a page");
        assert_eq!((paged.rows.len(), paged.next), (4, Some(3)));
        let counts = tenant.decision_counts(id).await.expect("counts");
        assert_eq!((counts.len(), counts[0].rules.as_str(), counts[0].n), (1, "UK-50,UK-26", 1));

        let endings: Vec<_> = tenant.last_endings(id).await.expect("counts").into_iter().collect();
        assert_eq!(endings, [(Disposition::Delivered, 1)], "the latest attempt counts, and not where another is due");
        let standings = [RecipientFilter::Refused, RecipientFilter::InFlight, RecipientFilter::Disposition(Disposition::Delivered)];
        let (again, members) = tenant.list_recipients(id, &standings, "Again", NOON).await.expect("a list");
        let on_it: Vec<_> = tenant.contacts(Some(again), None, 10).await.expect("reads").rows.iter().map(|entry| entry.contact_id).collect();
        assert_eq!((members, on_it), (3, [0, 1, 4].map(|position: usize| people[position].contact_id).to_vec()));
        assert!(matches!(tenant.list_recipients(id, &standings, "Again", NOON).await, Err(StoreError::Conflict(_))));
        assert!(matches!(tenant.list_recipients(id, &[], "Nobody", NOON).await, Err(StoreError::Invalid(_))));
        assert!(matches!(bench.tenant("fabrikam").await.list_recipients(id, &standings, "Theirs", NOON).await, Err(StoreError::NotFound(_))));
        let lists: Vec<_> = tenant.lists().await.expect("reads").into_iter().map(|list| list.name).collect();
        assert_eq!(lists, ["Again", "Arrears"], "none is left half filled");
    })
    .await;
}

/// One recipient of each kind, as the sending loop leaves them.
async fn places(tenant: &Tenant, id: CampaignId, people: &[clarion_store::campaigns::RecipientRow]) {
    static CURSOR: Statement = Statement { text: "UPDATE campaign SET next_position = 5 WHERE id = $1", postgres: "" };
    static ATTEMPT: Statement = Statement {
        text: "INSERT INTO attempt (id, tenant_id, campaign_id, position, try_number, contact_id, address_id, channel, trunk_id, state, disposition, cause, decision,
                                    segments, cost, sealed_body, carrier_message_id, parts_heard, claimed_at, answered_at, settled_at)
               VALUES ($1, $2, $3, $4, $5, $6, 1, 'sms', 1, 'settled', $7, '', '', 1, 0, NULL, '', 0, 50, 50, 50)",
        postgres: "",
    };
    static DECISION: Statement = Statement {
        text: "INSERT INTO decision (campaign_id, position, kind, rules, rule_pack, until_at, decided_at) VALUES ($1, $2, $3, $4, 'uk@2026-11-23', NULL, 60)",
        postgres: "",
    };
    static COUNT: Statement = Statement { text: "INSERT INTO decision_count (campaign_id, kind, rules, n) VALUES ($1, 'refused', 'UK-50,UK-26', 1)", postgres: "" };
    static DUE: Statement = Statement { text: "INSERT INTO due (campaign_id, due_at, position, try_number, why) VALUES ($1, $2, $3, 1, $4)", postgres: "" };
    run(tenant, &CURSOR, params![id]).await;
    run(tenant, &ATTEMPT, params![1i64, tenant.id(), id, 0i64, 1i64, people[0].contact_id, "expired"]).await;
    run(tenant, &ATTEMPT, params![2i64, tenant.id(), id, 0i64, 2i64, people[0].contact_id, "delivered"]).await;
    run(tenant, &ATTEMPT, params![3i64, tenant.id(), id, 3i64, 1i64, people[3].contact_id, "expired"]).await;
    run(tenant, &DECISION, params![id, 1i64, "refused", "UK-50,UK-26"]).await;
    run(tenant, &COUNT, params![id]).await;
    run(tenant, &DECISION, params![id, 2i64, "deferred", "UK-34"]).await;
    run(tenant, &DUE, params![id, 99i64, 2i64, "deferred UK-34"]).await;
    run(tenant, &DUE, params![id, 77i64, 3i64, "retry"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_fills_the_text_for_real_people_and_says_what_the_rules_say() {
    for_each_store("preview", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (id, mut draft) = ready(&tenant, 2).await;
        let bare = person(&tenant, 50, &profile("", "R-50")).await;
        enlist(&tenant, draft.list_id.expect("a list"), bare.0).await;
        draft.body = "Dear {first_name}, ring us – today.".into();
        tenant.edit_campaign(id, &draft, NOON).await.expect("edits");
        let rows = tenant.preview(id, 10, NOON).await.expect("previews");
        assert_eq!(rows.len(), 3);
        let text = rows[0].text.as_ref().expect("a text");
        assert_eq!((text.reveal(), format!("{text}").as_str()), ("Dear Ada 0, ring us – today.", "…day."));
        let count = rows[0].count.as_ref().expect("counted");
        assert_eq!((count.segments, count.alphabet.as_str()), (1, "ucs2"));
        assert_eq!((rows[0].local_times.as_slice(), rows[0].decision.kind), (["2026-11-23 12:00 Europe/London".to_owned()].as_slice(), "permitted"));
        assert!(rows[2].text.as_ref().is_err_and(|why| why.contains("first_name")));
        let night = tenant.preview(id, 1, NOON.plus_ms(14 * HOUR_MS)).await.expect("previews");
        assert_eq!((night.len(), night[0].decision.kind), (1, "deferred"));
        assert!(!night[0].reasons.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_of_calls_has_its_rate_in_calls() {
    for_each_store("campaign_rate", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let calls = tenant.create_campaign(&CampaignDraft::of(Channel::Voice, "Calls"), NOON).await.expect("a draft");
        tenant.set_campaign_rate(calls, 7, NOON).await.expect("slower");
        assert_eq!(tenant.campaign(calls).await.expect("reads").call_pacing.calls_per_second_max, 7);
        assert!(matches!(tenant.set_campaign_rate(calls, 501, NOON).await, Err(StoreError::Faults(_))), "no carrier takes so many");
    })
    .await;
}
