//! A predictive campaign against the pretend carrier: it launches more calls than there are free agents, keeps its ceiling when everybody
//! answers at once, and falls back to one call for each free agent for the rest of the day, whoever restarts it.

use std::sync::Arc;
use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::compliance::abandonment::london_day;
use clarion_domain::id::{AttemptId, CampaignId, ContactId, TrunkId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{DAY_MS, Instant, MINUTE_MS, SECOND_MS};
use clarion_store::Tenant;
use clarion_store::attempts::{CallRow, write_calls};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::outcomes::{AbandonmentDay, add_abandonment};
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};
use tokio::sync::Semaphore;

use crate::people::list_of;
use crate::support::{Bench, NOON, for_each_store};
use crate::dialled::{STRAIGHT, clock, connect, dial, draft_of};
use crate::{counts, until};

const PEOPLE: usize = 12;

/// Two agents, and people who all answer after a second, or when they may.
async fn floor(bench: &Bench, may_answer: Option<Arc<Semaphore>>) -> (Tenant, VoiceCarrier, CampaignDraft) {
    floor_of(bench, PEOPLE, may_answer).await
}

async fn floor_of(bench: &Bench, people: usize, may_answer: Option<Arc<Semaphore>>) -> (Tenant, VoiceCarrier, CampaignDraft) {
    let tenant = bench.tenant("north").await;
    let mut config = VoiceCarrierConfig::new(audio_ports());
    config.fate_of = |_| CallFate::PutThrough;
    (config.ring, config.talk, config.may_answer) = (Duration::from_secs(1), Duration::from_millis(500), may_answer);
    let carrier = VoiceCarrier::start(config).expect("a carrier");
    connect(&tenant, &carrier).await;
    let mut target = tenant.transfer_targets().await.expect("read").remove(0);
    target.target.capacity = 2;
    tenant.change_transfer_target(target.id, &target.target, NOON).await.expect("two agents");
    let (list, _) = list_of(&tenant, "everybody", people).await;
    (tenant, carrier, draft_of(list, STRAIGHT, PacingMode::Predictive { ceiling_bp: 300 }))
}

async fn start(bench: &Bench, tenant: &Tenant, draft: &CampaignDraft, passed: i64, abandoned: i64) -> CampaignId {
    let id = tenant.create_campaign(draft, NOON).await.expect("a campaign");
    let faults = tenant.campaign_faults(draft, NOON).await.expect("read");
    assert!(faults.is_empty(), "a predictive campaign is accepted: {faults:?}");
    count(bench, tenant, id, passed, abandoned).await;
    tenant.start_campaign(id, clock()).await.expect("starts");
    id
}

pub async fn count(bench: &Bench, tenant: &Tenant, id: CampaignId, passed: i64, abandoned: i64) {
    count_on(bench, tenant, id, NOON, passed, abandoned).await;
}

async fn count_on(bench: &Bench, tenant: &Tenant, id: CampaignId, at: Instant, passed: i64, abandoned: i64) {
    let mut tx = bench.store.db().begin().await.expect("begins");
    let day = AbandonmentDay { day: london_day(at).to_string(), abandoned, passed, answered: passed + abandoned, ..AbandonmentDay::default() };
    add_abandonment(&mut tx, tenant.id(), id, &day).await.expect("counted");
    tx.commit().await.expect("stands");
}

async fn today(bench: &Bench, id: CampaignId) -> AbandonmentDay {
    bench.store.abandonment_days(id, &london_day(NOON).to_string()).await.expect("read").remove(0)
}

/// The campaign's earlier calls of the day: of ten, one came to an agent.
async fn history(bench: &Bench, tenant: &Tenant, id: CampaignId) {
    let dialled_at = NOON.plus_ms(-3_600 * SECOND_MS);
    let call = |n: i64| {
        let reached = (n % 10 == 0).then(|| dialled_at.plus_ms(8 * SECOND_MS));
        CallRow {
            attempt: AttemptId(bench.store.next_id(dialled_at)),
            tenant: tenant.id(),
            campaign: id,
            position: 0,
            contact: ContactId(n + 1),
            node: bench.store.node(),
            trunk: TrunkId(1),
            target: None,
            state: "ended".into(),
            state_at: dialled_at,
            step: String::new(),
            dialled_at,
            ringing_at: Some(dialled_at),
            answered_at: reached,
            speech_at: None,
            message_at: None,
            information_at: None,
            bridged_at: reached,
            ended_at: Some(dialled_at.plus_ms(15 * SECOND_MS)),
            ended_by: "us".into(),
            verdict: String::new(),
            features: String::new(),
            abandoned: false,
            fell_back: false,
            silent: false,
            agent_silent: false,
        }
    };
    let mut tx = bench.store.db().begin().await.expect("begins");
    write_calls(&mut tx, &(0..600).map(call).collect::<Vec<_>>()).await.expect("written");
    tx.commit().await.expect("stands");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_predictive_campaign_dials_ahead_and_keeps_its_ceiling_when_everybody_answers() {
    for_each_store("dialled_ahead", |bench| async move {
        let (tenant, carrier, draft) = floor(&bench, None).await;
        // 300 put through bear 9 abandoned.
        let id = start(&bench, &tenant, &draft, 300, 0).await;
        history(&bench, &tenant, id).await;
        let (stop, dialler) = dial(&bench);
        let mut most = 0;
        until(&bench, &tenant, id, async |record| {
            let ringing: i64 = tenant.live_call_counts(id).await.expect("read").iter().filter(|count| ["dialling", "ringing"].contains(&count.state.as_str())).map(|count| count.n).sum();
            most = most.max(ringing);
            let day = today(&bench, id).await;
            assert!(!day.counts().must_stop(300, 0, 0), "never over the ceiling: {day:?}");
            assert_eq!(day.latched_at, None, "the model leaves the last of the budget alone: {day:?}");
            record.state == CampaignState::Finished
        })
        .await;
        assert!(most > 2, "more calls rang than two agents can take: {most}");
        assert!(most <= 2 + 9, "free agents and the budget bear them all: {most}");
        let (report, day) = (counts(&tenant, id).await, today(&bench, id).await);
        let said = |word: Disposition| report.get(&word).copied().unwrap_or(0);
        assert_eq!(said(Disposition::PutThrough) + said(Disposition::Abandoned), PEOPLE as i64, "{report:?}");
        assert!(said(Disposition::Abandoned) > 0, "everybody answered at once: {report:?}");
        assert_eq!((day.passed, day.abandoned), (300 + said(Disposition::PutThrough), said(Disposition::Abandoned)));
        assert_eq!(carrier.tally().agent_calls, said(Disposition::PutThrough) as u64);
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

/// So many calls have come in, and no more come however long the dialler has its turns.
async fn exactly(carrier: &VoiceCarrier, calls: u64) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while carrier.tally().calls() < calls {
        assert!(tokio::time::Instant::now() < deadline, "{} of {calls} calls", carrier.tally().calls());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(TURNS).await;
    assert_eq!(carrier.tally().calls(), calls, "an agent is held for each call");
}

/// Ten turns of the dialler.
const TURNS: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn near_its_ceiling_there_is_one_call_for_each_agent_until_the_day_is_over_and_no_restart_forgets_it() {
    for_each_store("dialled_latched", |bench| async move {
        // Nobody picks up before they may, so that what is under way is known at every moment.
        let may_answer = Arc::new(Semaphore::new(0));
        let (tenant, carrier, mut draft) = floor(&bench, Some(may_answer.clone())).await;
        draft.call_pacing.ring_ms_max = 60_000;
        // 3 of 103: one more would be 3.8 %.
        let id = start(&bench, &tenant, &draft, 100, 3).await;
        history(&bench, &tenant, id).await;
        let (stop, dialler) = dial(&bench);
        until(&bench, &tenant, id, async |record| record.state_reason.starts_with("one call for each free agent for the rest of the day: 3 of 10") && carrier.tally().calls() > 0).await;
        let latched_at = today(&bench, id).await.latched_at;
        assert!(latched_at.is_some());
        // Two phones ring, one for each agent. Whoever is done with one person has the next rung, and that one alone.
        exactly(&carrier, 2).await;
        may_answer.add_permits(1);
        exactly(&carrier, 3).await;
        stop.send_replace(true);
        tokio::time::sleep(TURNS).await;
        may_answer.add_permits(PEOPLE);
        dialler.await.expect("ends");
        may_answer.forget_permits(PEOPLE);
        let before = carrier.tally().calls();

        // By the count alone there would be room for hundreds now; and another dialler comes.
        count(&bench, &tenant, id, 20_000, 0).await;
        let (stop, dialler) = dial(&bench);
        exactly(&carrier, before + 2).await;
        may_answer.add_permits(1);
        exactly(&carrier, before + 3).await;
        may_answer.add_permits(PEOPLE);
        until(&bench, &tenant, id, async |record| record.state == CampaignState::Finished).await;
        let (report, day) = (counts(&tenant, id).await, today(&bench, id).await);
        assert_eq!(day.latched_at, latched_at, "once, and it stays");
        assert_eq!((report.get(&Disposition::PutThrough).copied().unwrap_or(0), day.abandoned), (PEOPLE as i64, 3), "nobody else was abandoned: {report:?}");
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fixed_ratio_holds_until_the_ceiling_and_then_there_is_one_call_for_each_agent() {
    for_each_store("dialled_ratio", |bench| async move {
        let may_answer = Arc::new(Semaphore::new(0));
        let (tenant, carrier, mut draft) = floor(&bench, Some(may_answer.clone())).await;
        draft.call_pacing.pace = PacingMode::Power { calls_per_slot_percent: 200 };
        draft.call_pacing.ring_ms_max = 60_000;
        // 300 put through bear 9 abandoned.
        let id = start(&bench, &tenant, &draft, 300, 0).await;
        let (stop, dialler) = dial(&bench);
        until(&bench, &tenant, id, async |record| record.state_reason == "200 % calls for each free agent: 2 free, 4 in flight").await;
        exactly(&carrier, 4).await;
        count(&bench, &tenant, id, 0, 9).await;
        until(&bench, &tenant, id, async |record| record.state_reason.starts_with("one call for each free agent for the rest of the day: 9 of 309")).await;
        // The four may not be dropped; nobody else is rung until there are fewer of them than agents.
        for _ in 0..2 {
            may_answer.add_permits(1);
            exactly(&carrier, 4).await;
        }
        may_answer.add_permits(1);
        exactly(&carrier, 5).await;
        may_answer.add_permits(PEOPLE);
        until(&bench, &tenant, id, async |record| record.state == CampaignState::Finished).await;
        let report = counts(&tenant, id).await;
        assert_eq!(report.into_iter().collect::<Vec<_>>(), [(Disposition::PutThrough, PEOPLE as i64)]);
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_days_near_their_limit_hold_a_campaign_whose_day_has_room() {
    for_each_store("dialled_month", |bench| async move {
        let may_answer = Arc::new(Semaphore::new(0));
        let (tenant, carrier, mut draft) = floor(&bench, Some(may_answer.clone())).await;
        draft.call_pacing.ring_ms_max = 60_000;
        let id = start(&bench, &tenant, &draft, 300, 0).await;
        history(&bench, &tenant, id).await;
        count_on(&bench, &tenant, id, NOON.plus_ms(-29 * DAY_MS), 700, 31).await;
        // A day further back counts no more.
        count_on(&bench, &tenant, id, NOON.plus_ms(-30 * DAY_MS), 0, 1_000).await;
        let (stop, dialler) = dial(&bench);
        until(&bench, &tenant, id, async |record| record.state_reason == "one call for each free agent: 31 of 1031 people abandoned in 30 days is too near the 3 % that they may be (US-3)").await;
        exactly(&carrier, 2).await;
        assert_eq!(today(&bench, id).await.latched_at, None, "nobody was abandoned today");
        stop.send_replace(true);
        may_answer.add_permits(PEOPLE);
        dialler.await.expect("ends");
    })
    .await;
}

/// 48 people bear nobody at 2 %: whether one may be risked is a matter of who is still to come today.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_young_day_counts_on_what_the_rest_of_it_will_bring() {
    for_each_store("dialled_young", |bench| async move {
        let may_answer = Arc::new(Semaphore::new(0));
        let (tenant, _carrier, mut draft) = floor_of(&bench, 400, Some(may_answer)).await;
        draft.call_pacing.pace = PacingMode::Predictive { ceiling_bp: 200 };
        let young = "one call for each free agent: too few people were put through today for a ceiling of 2 % to bear one who is abandoned";
        for (ends_at_ms, says) in [(Some(NOON.plus_ms(3 * MINUTE_MS).ms()), young), (None, "2 agents free, ")] {
            draft.schedule.ends_at_ms = ends_at_ms;
            let id = start(&bench, &tenant, &draft, 48, 0).await;
            history(&bench, &tenant, id).await;
            let (stop, dialler) = dial(&bench);
            until(&bench, &tenant, id, async |record| record.state_reason.starts_with(says)).await;
            tenant.cancel_campaign(id, clock()).await.expect("is ended");
            stop.send_replace(true);
            dialler.await.expect("ends");
        }
    })
    .await;
}
