//! A copy of a campaign: all that it says, nothing of what became of it, and an audience of the same people or of nobody.

#[path = "support/people.rs"]
mod people;
mod support;

use clarion_domain::attempts::recording::RecordingSettings;
use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::call_pacing::{CallPacing, PacingMode};
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::retry::{RetryRule, RetryRules};
use clarion_domain::campaigns::schedule::{Day, Schedule};
use clarion_domain::campaigns::sequence::{AfterRefusal, Evergreen, ReplyStop, Sequence, SequenceStep, StopRules, Wait, WaitFrom};
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::id::{CampaignId, FilterId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::tenancy::four_eyes::FourEyes;
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{DAY_MS, HOUR_MS};
use clarion_store::campaigns::{CampaignDraft, CampaignQuery, FreezeStep};
use clarion_store::db::Statement;
use clarion_store::tenancy::{Carried, NewUser};
use clarion_store::{StoreError, Tenant, params};
use people::{list_of, person, profile};
use support::{Bench, NOON, for_each_store, route};

const SENDER: &str = "+447700900999";

/// No field stands as in a new draft, and none may be left out here: whoever adds one to a campaign gives it a value that a copy must carry.
fn all_of_a_call(list: ListId, filter: FilterId) -> CampaignDraft {
    let recording = |told_in: &str| RecordingSettings { talks: true, openings: true, announcement: "This call is recorded.".into(), told_in: told_in.into() };
    let retry = |attempts_max, delay_minutes| RetryRules { attempts_max, rules: vec![RetryRule { after: Disposition::Busy, delay_minutes }] };
    let pacing = |pace| CallPacing { pace, calls_per_second_max: 3, calls_at_once_max: 41, ring_ms_max: 27_000 };
    CampaignDraft {
        name: "Spring readings".into(),
        channel: Channel::Voice,
        purpose: Some(Purpose::PutThrough),
        underlying_purpose: Some(Purpose::IncompleteApplication),
        not_marketing_reason: "They asked us to call back.".into(),
        basis: Some(LegalBasis::LegitimateInterest),
        assessment_reference: "LIA-7".into(),
        list_id: Some(list),
        filter_id: Some(filter),
        body: "The text.".into(),
        script: "start = \"greeting\"".into(),
        call_pacing: pacing(PacingMode::Power { calls_per_slot_percent: 150 }),
        recording: recording("privacy notice 4"),
        sender: SENDER.into(),
        schedule: Schedule {
            starts_at_ms: Some(NOON.plus_ms(HOUR_MS).ms()),
            ends_at_ms: Some(NOON.plus_ms(20 * DAY_MS).ms()),
            days: vec![Day::ALL[1], Day::ALL[5]],
            from: "10:00".parse().expect("a time"),
            until: "17:00".parse().expect("a time"),
        },
        retry: retry(4, 45),
        rate_per_second: 17,
        sequence: Sequence {
            then: vec![SequenceStep {
                wait: Wait { days: 2, hours: 3, from: WaitFrom::FirstTry },
                channel: Channel::Voice,
                body: "Another text.".into(),
                script: "start = \"again\"".into(),
                sender: "+447700900998".into(),
                call_pacing: pacing(PacingMode::Agentless),
                recording: recording("privacy notice 5"),
                retry: retry(5, 55),
                rate_per_second: 18,
            }],
            stops: StopRules { replies: ReplyStop::Words, words: vec!["PAID".into()], put_through: false, outcomes: vec![Disposition::Blocked], after_refusal: AfterRefusal::NextStep },
            evergreen: Some(Evergreen { until_ms: NOON.plus_ms(9 * DAY_MS).ms(), new_a_day_max: Some(30), again_after_days: Some(60) }),
        },
    }
}

async fn audience(tenant: &Tenant) -> (ListId, FilterId) {
    let (list, _) = list_of(tenant, "Readings", 3).await;
    let filter = Filter { all_of: vec![Condition::OnList { list }] };
    (list, tenant.save_filter("With a reading", &filter, NOON).await.expect("a filter"))
}

async fn draft_of(tenant: &Tenant, id: CampaignId) -> CampaignDraft {
    CampaignDraft::from(&tenant.campaign(id).await.expect("reads"))
}

async fn copied(tenant: &Tenant, id: CampaignId) -> CampaignDraft {
    draft_of(tenant, tenant.copy_campaign(id, NOON).await.expect("a copy")).await
}

/// A text to three people and another two days later, fit to start.
async fn two_texts(tenant: &Tenant) -> CampaignDraft {
    tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
    route(tenant, Channel::Sms).await;
    let mut draft = CampaignDraft::new("November");
    (draft.purpose, draft.basis) = (Some(Purpose::Collections), Some(LegalBasis::Contract));
    draft.list_id = Some(list_of(tenant, "Arrears", 3).await.0);
    draft.body = "Please call us.".into();
    draft.sender = SENDER.into();
    draft.retry = RetryRules::never();
    draft.sequence.then = vec![SequenceStep {
        wait: Wait { days: 2, hours: 0, from: WaitFrom::LastTry },
        channel: Channel::Sms,
        body: "Please call us now.".into(),
        script: String::new(),
        sender: SENDER.into(),
        call_pacing: CallPacing::default(),
        recording: RecordingSettings::default(),
        retry: RetryRules::never(),
        rate_per_second: 50,
    }];
    draft
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_says_all_that_its_campaign_says_whatever_became_of_it() {
    for_each_store("copy_all", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, filter) = audience(&tenant).await;
        let draft = all_of_a_call(list, filter);
        let id = tenant.create_campaign(&draft, NOON).await.expect("a draft");
        static LIVED: Statement = Statement {
            text: "UPDATE campaign SET state = $2, audience_size = 9, next_position = 4, state_reason = 'held', started_by = 'system', started_at = 5, finished_at = 6,
                          stops = 7, taken_in_day = '2026-11-23', taken_in = 8, looked_to = 3 WHERE id = $1",
            postgres: "",
        };
        static REST: Statement = Statement { text: "SELECT taken_in_day, taken_in, looked_to FROM campaign WHERE id = $1", postgres: "" };
        for state in CampaignState::ALL {
            tenant.store().db().execute(&LIVED, &params![id, state.as_str()]).await.expect("lives");
            let copy = tenant.copy_campaign(id, NOON).await.expect("a copy");
            let record = tenant.campaign(copy).await.expect("reads");
            assert_eq!(CampaignDraft::from(&record), CampaignDraft { name: "Spring readings (copy)".into(), ..draft.clone() }, "{state}");
            assert_eq!((record.state, record.first, record.step, record.audience_size, record.next_position), (CampaignState::Draft, copy, 1, 0, 0), "{state}");
            assert_eq!((record.started_at, record.finished_at, record.stops, record.created_at, record.starts_at), (None, None, 0, NOON, Some(NOON.plus_ms(HOUR_MS))), "{state}");
            assert_eq!([record.state_reason, record.started_by, record.created_by], ["", "", "operator"], "{state}");
            let mut rest = tenant.store().db().query_first(&REST, &params![copy]).await.expect("reads").expect("a row");
            assert_eq!((rest.take::<String>(0).expect("text"), rest.take::<i64>(1).expect("a number"), rest.take::<i64>(2).expect("a number")), (String::new(), 0, -1), "{state}");
            let event = tenant.audit_events("campaign", "", None, 1).await.expect("audit").rows.remove(0);
            assert_eq!((event.act, event.object_id, event.detail), (Act::Created, copy.0, format!("Spring readings (copy), a copy of {id}")), "{state}");
            assert_eq!(tenant.campaign(id).await.expect("reads").state, *state, "the original stays as it is");
        }
        let again = tenant.copy_campaign(id, NOON).await.expect("a copy");
        assert_eq!(copied(&tenant, again).await.name, "Spring readings (copy 2)");
        let other = bench.tenant("fabrikam").await;
        assert!(matches!(other.copy_campaign(id, NOON).await, Err(StoreError::NotFound(_))));
        assert!(other.campaigns(&CampaignQuery { limit: 10, ..CampaignQuery::default() }).await.expect("reads").rows.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_campaign_goes_on_and_its_copy_is_approved_started_and_frozen_by_itself() {
    for_each_store("copy_running", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (ada, grace) = (manager(&bench, &tenant, "ada").await, manager(&bench, &tenant, "grace").await);
        tenant.set_four_eyes(FourEyes { start_campaign_above: Some(0), ..FourEyes::default() }, NOON).await.expect("set");
        let waits = |carried: Carried| if let Carried::Waits(request) = carried { request } else { panic!("it should have waited") };
        let draft = two_texts(&tenant).await;
        let id = tenant.create_campaign(&draft, NOON).await.expect("a draft");
        let request = waits(ada.start_campaign(id, NOON).await.expect("asked"));
        grace.approve(request, NOON).await.expect("approved");
        assert_eq!(tenant.freeze_chunk(id, None, NOON).await.expect("freezes"), FreezeStep::Frozen { audience_size: 3 });
        let steps = tenant.step_ids(id).await.expect("steps");
        assert_eq!(steps.len(), 2);

        let copy = ada.copy_campaign(id, NOON).await.expect("a copy");
        assert_eq!(draft_of(&tenant, copy).await, CampaignDraft { name: "November (copy)".into(), ..draft });
        assert_eq!(tenant.campaign(copy).await.expect("reads").created_by, ada.actor().to_string());
        assert_eq!(tenant.step_ids(copy).await.expect("steps"), [copy], "its later step is no row before it starts");
        static PLACES: Statement = Statement { text: "SELECT COUNT(*) FROM recipient WHERE campaign_id = $1", postgres: "" };
        let places = async |id| tenant.store().db().query_first(&PLACES, &params![id]).await.expect("reads").expect("a row").take::<i64>(0).expect("a number");
        assert_eq!((places(id).await, places(copy).await), (3, 0));
        let original = tenant.campaign(id).await.expect("reads");
        assert_eq!((original.state, original.audience_size, tenant.step_ids(id).await.expect("steps")), (CampaignState::Running, 3, steps.clone()));

        // Whoever came onto the list since is in the copy.
        let (late, _) = person(&tenant, 9, &profile("Ada 9", "R-9")).await;
        tenant.add_to_list(original.list_id.expect("a list"), late, NOON).await.expect("on it");
        let request = waits(ada.start_campaign(copy, NOON).await.expect("asked"));
        assert_eq!(tenant.campaign(copy).await.expect("reads").state, CampaignState::Draft, "the yes to the original is none to the copy");
        grace.approve(request, NOON).await.expect("approved");
        assert_eq!(tenant.freeze_chunk(copy, None, NOON).await.expect("freezes"), FreezeStep::Frozen { audience_size: 4 });
        assert_eq!(tenant.step_ids(copy).await.expect("steps").len(), 2);

        let error = ada.copy_campaign(steps[1], NOON).await.expect_err("a step is no campaign");
        assert!(matches!(&error, StoreError::Conflict(why) if why.contains("step 2") && why.contains(&id.to_string())), "{error}");
        assert_eq!(tenant.campaigns(&CampaignQuery { limit: 10, ..CampaignQuery::default() }).await.expect("reads").rows.len(), 2);
    })
    .await;
}

async fn manager(bench: &Bench, tenant: &Tenant, username: &str) -> Tenant {
    let new = NewUser { username, display_name: username, role: Role::Manager, password_hash: "-" };
    let id = tenant.create_user(&new, NOON).await.expect("a user");
    bench.store.tenant(tenant.id(), Actor::User(id)).await.expect("a handle")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_has_passed_is_left_out_and_an_end_that_has_passed_is_told() {
    for_each_store("copy_times", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut draft = two_texts(&tenant).await;
        let mut times = async |starts_at_ms: i64, ends_at_ms: i64| {
            (draft.schedule.starts_at_ms, draft.schedule.ends_at_ms) = (Some(starts_at_ms), Some(ends_at_ms));
            let id = tenant.create_campaign(&draft, NOON).await.expect("a draft");
            let copy = copied(&tenant, id).await;
            let faults = tenant.campaign_faults(&copy, NOON).await.expect("checks");
            (copy.schedule.starts_at_ms, copy.schedule.ends_at_ms, faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>())
        };
        let (past, soon, later) = (NOON.ms(), NOON.ms() + 1, NOON.plus_ms(7 * DAY_MS).ms());
        assert_eq!(times(past, later).await, (None, Some(later), Vec::new()));
        assert_eq!(times(soon, later).await, (Some(soon), Some(later), Vec::new()));
        assert_eq!(times(past - 1, past).await, (None, Some(past), vec!["the campaign's end has passed: set a later end, or none".to_owned()]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_for_nobody_where_a_part_of_its_audience_is_gone() {
    for_each_store("copy_audience", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, filter) = audience(&tenant).await;
        let draft = |list_id, filter_id| CampaignDraft { list_id, filter_id, ..CampaignDraft::new("Readings") };
        let mut over = Vec::new();
        for draft in [draft(Some(list), Some(filter)), draft(Some(list), None), draft(None, Some(filter))] {
            let id = tenant.create_campaign(&draft, NOON).await.expect("a draft");
            tenant.cancel_campaign(id, NOON).await.expect("over");
            over.push(id);
        }
        let audiences = async || {
            let mut audiences = Vec::new();
            for id in &over {
                let copy = tenant.copy_campaign(*id, NOON).await.expect("a copy");
                let draft = draft_of(&tenant, copy).await;
                let faults = tenant.campaign_faults(&draft, NOON).await.expect("checks");
                assert_eq!(faults.iter().any(|fault| fault.field == "list_id"), draft.list_id.is_none() && draft.filter_id.is_none(), "{faults:?}");
                audiences.push((draft.list_id, draft.filter_id));
                tenant.cancel_campaign(copy, NOON).await.expect("over");
            }
            audiences
        };
        assert_eq!(audiences().await, [(Some(list), Some(filter)), (Some(list), None), (None, Some(filter))]);
        tenant.delete_list(list, NOON).await.expect("deleted");
        assert_eq!(audiences().await, [(None, None), (None, None), (None, Some(filter))], "not all whom the filter finds");
        tenant.delete_filter(filter, NOON).await.expect("deleted");
        assert_eq!(audiences().await, [(None, None); 3]);
    })
    .await;
}
