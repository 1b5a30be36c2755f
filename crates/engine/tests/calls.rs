//! The dialler against a pretend carrier over real SIP and RTP, on both databases: everybody is called once, what they do becomes
//! the right word, and the report equals both a recount and what the carrier says.

#[path = "calls/announced.rs"]
mod announced;
#[path = "calls/call_me.rs"]
mod call_me;
#[path = "calls/costs.rs"]
mod costs;
mod dialled;
#[path = "calls/died.rs"]
mod died;
#[path = "calls/forecast.rs"]
mod forecast;
#[path = "calls/in_time.rs"]
mod in_time;
#[path = "calls/leased.rs"]
mod leased;
#[path = "calls/left.rs"]
mod left;
#[path = "calls/overflow.rs"]
mod overflow;
#[path = "../../store/tests/support/people.rs"]
mod people;
#[path = "calls/predictive.rs"]
mod predictive;
#[path = "calls/refused.rs"]
mod refused;
#[path = "../../store/tests/support/mod.rs"]
mod support;
#[path = "calls/referred.rs"]
mod referred;
#[path = "calls/stopped.rs"]
mod stopped;
#[path = "calls/taken_over.rs"]
mod taken_over;
#[path = "calls/trunk_places.rs"]
mod trunk_places;
#[path = "calls/unanswered.rs"]
mod unanswered;
#[path = "calls/voicemail.rs"]
mod voicemail;

use std::collections::BTreeMap;
use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::compliance::abandonment::london_day;
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_engine::calls::SpeechEngine;
use clarion_engine::campaigns::work;
use clarion_store::Tenant;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord, RecipientFilter, RecipientState};
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};
use dialled::{CALLER_ID, STRAIGHT, clock, connect, dial, dial_with, draft_of, loopback};
use people::list_of;
use support::{Bench, NOON, for_each_store};

const SCRIPT: &str = r#"
language = "en-GB"
start = "menu"

[information]
text = "This is North on behalf of North. Nobody is free to speak to you. Please call us on 020 7946 0999."

[steps.menu]
do = "gather"
speech = { text = "Hello {first_name|there}. This is North. Press 1 to speak to us, or 9 not to be called again." }
digits_max = 1
timeout_ms = 8000
keys = { "1" = "agents", "9" = "stop" }
invalid = "bye"
timeout = "bye"

[steps.agents]
do = "transfer"
target = "agents"

[steps.stop]
do = "opt_out"
speech = { text = "You will not be called again." }

[steps.bye]
do = "hang_up"
"#;

fn draft(list: ListId, pace: PacingMode) -> CampaignDraft {
    draft_of(list, SCRIPT, pace)
}

/// Starts the campaign and waits until it is over.
async fn run(bench: &Bench, tenant: &Tenant, draft: &CampaignDraft) -> CampaignId {
    let id = tenant.create_campaign(draft, NOON).await.expect("a campaign");
    let faults = tenant.campaign_faults(draft, NOON).await.expect("read");
    assert!(faults.is_empty(), "{faults:?}");
    tenant.start_campaign(id, clock()).await.expect("starts");
    until(bench, tenant, id, async |record| record.state == CampaignState::Finished).await;
    id
}

/// Works until the campaign is as it should be, looked at twenty times a second.
async fn until(bench: &Bench, tenant: &Tenant, id: CampaignId, mut is_done: impl AsyncFnMut(&CampaignRecord) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        work(&bench.store, clock).await.expect("works");
        let record = tenant.campaign(id).await.expect("read");
        if is_done(&record).await {
            return;
        }
        if tokio::time::Instant::now() >= deadline {
            let trunks = bench.store.trunk_status().await;
            let (live, due, refused) = (tenant.live_call_counts(id).await, tenant.due_counts(id).await, tenant.refusal_counts(id).await);
            panic!("{:?} {}, at {} of {}: live {live:?}, due {due:?}, refused {refused:?}, trunks {trunks:?}", record.state, record.state_reason, record.next_position, record.audience_size);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn counts(tenant: &Tenant, id: CampaignId) -> BTreeMap<Disposition, i64> {
    let (from, to) = (Instant(0), Instant(i64::MAX));
    let measures = tenant.measures(Some(id), from, to).await.expect("measures");
    assert_eq!(measures, tenant.recount(id).await.expect("a recount"), "the report equals a recount");
    let mut counts = BTreeMap::new();
    for row in measures {
        *counts.entry(row.disposition).or_insert(0) += row.n;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_called_spoken_to_and_put_through() {
    for_each_store("dialled", |bench| async move {
        let tenant = bench.tenant("north").await;
        let carrier = VoiceCarrier::start(VoiceCarrierConfig::new(audio_ports())).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 20).await;
        let (stop, dialler) = dial(&bench);
        let id = run(&bench, &tenant, &draft(list, PacingMode::Progressive)).await;

        let (report, tally) = (counts(&tenant, id).await, carrier.tally());
        let carriers = |fates: &[CallFate]| fates.iter().map(|fate| tally.of(*fate)).sum::<u64>() as i64;
        let said = |word: Disposition| report.get(&word).copied().unwrap_or(0);
        assert_eq!(tally.calls(), 20, "{report:?}");
        assert_eq!(tally.called_again(), 0, "nobody twice");
        assert_eq!(said(Disposition::Busy), carriers(&[CallFate::Busy]));
        assert_eq!(said(Disposition::Rejected), carriers(&[CallFate::Declines]));
        assert_eq!(said(Disposition::InvalidNumber), carriers(&[CallFate::Dead]));
        assert_eq!(said(Disposition::AnsweredPerson), carriers(&[CallFate::Listens, CallFate::Machine]), "nothing is done about machines unless the script says so");
        assert_eq!(said(Disposition::OptedOut), carriers(&[CallFate::OptsOut]));
        assert_eq!(said(Disposition::PutThrough), carriers(&[CallFate::PutThrough]), "{report:?}");
        assert_eq!(tally.heard(CallFate::Listens), tally.of(CallFate::Listens), "everybody who answered heard us");
        assert_eq!(tally.agent_answers, tally.of(CallFate::PutThrough), "and every agent the person");

        let days = bench.store.abandonment_days(id, &london_day(NOON).to_string()).await.expect("days");
        assert_eq!((days[0].abandoned, days[0].passed), (0, said(Disposition::PutThrough)), "one to one abandons nobody");
        stop.send_replace(true);
        dialler.await.expect("ends");
        assert!(tenant.live_calls(id, 10).await.expect("read").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_is_never_called_again_and_nobody_waits_for_an_agent_who_is_not_there() {
    for_each_store("dialled_stop", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |number| if number.ends_with('3') { CallFate::OptsOut } else { CallFate::PutThrough };
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let target = tenant.transfer_targets().await.expect("read").remove(0);
        // The call centre says that nobody is free, and the agentless pace does not ask.
        tenant.tell_free_agents(target.id, Some(0), clock()).await.expect("told");
        let (list, _) = list_of(&tenant, "everybody", 5).await;
        let (stop, dialler) = dial(&bench);
        let id = run(&bench, &tenant, &draft(list, PacingMode::Agentless)).await;
        let report = counts(&tenant, id).await;
        let stopped = carrier.tally().of(CallFate::OptsOut) as i64;
        assert!(stopped > 0);
        assert_eq!(report.get(&Disposition::OptedOut).copied().unwrap_or(0), stopped);
        assert_eq!(report.get(&Disposition::Abandoned).copied().unwrap_or(0), 5 - stopped, "no agent: the information message, and abandoned: {report:?}");
        let calls = carrier.tally().calls();

        // The next day's campaign leaves out whoever opted out, and waits 72 hours with whoever was abandoned (UK-8).
        let again = tenant.create_campaign(&draft(list, PacingMode::Agentless), NOON).await.expect("a campaign");
        tenant.start_campaign(again, clock()).await.expect("starts");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            work(&bench.store, clock).await.expect("works");
            let (due, refused) = (tenant.due_counts(again).await.expect("read"), tenant.refusal_counts(again).await.expect("read"));
            let waits = due.iter().any(|(why, n, at)| why == "deferred UK-8" && *n == 5 - stopped && at.ms() - NOON.ms() >= 3 * DAY_MS);
            if waits && refused.iter().any(|(rules, n)| rules == "SUP-OPT-OUT" && *n == stopped) {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "due {due:?}, refused {refused:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(carrier.tally().calls(), calls, "nobody was called again");
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

/// Words that no engine renders.
const SAYS: &str = r#"
language = "en-GB"
start = "hello"

[steps.hello]
do = "say"
text = "This is North. Please call us back on 020 7946 0999."
next = "bye"

[steps.bye]
do = "hang_up"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fallback_is_heard_when_words_cannot_be_rendered_and_without_one_nobody_is_called() {
    for_each_store("dialled_fallback", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |_| CallFate::Listens;
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 2).await;
        tenant.put_prompt("sorry", &[3_000; 4_000], NOON).await.expect("a prompt");
        let broken = SpeechEngine::Command { program: "no-such-speech-program".into(), arguments: Vec::new() };
        let (stop, dialler) = dial_with(&bench, broken);

        let dumb = CampaignDraft { script: SAYS.into(), ..draft(list, PacingMode::Agentless) };
        let dumb = tenant.create_campaign(&dumb, NOON).await.expect("a campaign");
        tenant.start_campaign(dumb, clock()).await.expect("starts");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            work(&bench.store, clock).await.expect("works");
            let record = tenant.campaign(dumb).await.expect("read");
            if record.state == CampaignState::Paused {
                assert!(record.state_reason.contains("no-such-speech-program cannot be run"), "{}", record.state_reason);
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "{:?}", record.state);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(carrier.tally().calls(), 0);

        let script = SAYS.replace("start = ", "fallback = \"sorry\"\nstart = ");
        let id = run(&bench, &tenant, &CampaignDraft { script, ..draft(list, PacingMode::Agentless) }).await;
        assert_eq!(carrier.tally().heard(CallFate::Listens), 2, "everybody heard something");
        let rows = tenant.recipients(id, RecipientFilter::Every, None, 10).await.expect("read").rows;
        assert_eq!(rows.len(), 2);
        for row in rows {
            let RecipientState::Attempted { attempt, .. } = row.state else { panic!("{:?}", row.state) };
            assert!(tenant.call(attempt).await.expect("read").fell_back, "and its record says so");
        }
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_information_message_has_a_fallback_of_its_own_or_nobody_is_called() {
    for_each_store("dialled_informed", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |_| CallFate::Listens;
        config.patience = Duration::from_secs(20);
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let target = tenant.transfer_targets().await.expect("read").remove(0);
        tenant.tell_free_agents(target.id, Some(0), clock()).await.expect("told");
        let (list, _) = list_of(&tenant, "everybody", 2).await;
        tenant.put_prompt("closed", &[3_000; 4_000], NOON).await.expect("a prompt");
        let broken = SpeechEngine::Command { program: "no-such-speech-program".into(), arguments: Vec::new() };
        let (stop, dialler) = dial_with(&bench, broken);

        // That of the script is for the words of its steps.
        let script = STRAIGHT.replace("start = ", "fallback = \"closed\"\nstart = ");
        let dumb = tenant.create_campaign(&draft_of(list, &script, PacingMode::Agentless), NOON).await.expect("a campaign");
        tenant.start_campaign(dumb, clock()).await.expect("starts");
        until(&bench, &tenant, dumb, async |record| record.state == CampaignState::Paused && record.state_reason.contains("no-such-speech-program cannot be run")).await;
        assert_eq!(carrier.tally().calls(), 0);

        let script = STRAIGHT.replace("020 7946 0999.\"", "020 7946 0999.\"\nfallback = \"closed\"");
        let id = run(&bench, &tenant, &draft_of(list, &script, PacingMode::Agentless)).await;
        let report = counts(&tenant, id).await;
        assert_eq!(report.into_iter().collect::<Vec<_>>(), [(Disposition::Abandoned, 2)]);
        assert_eq!(carrier.tally().heard(CallFate::Listens), 2, "both heard the prompt in the place of the words");
        for row in tenant.recipients(id, RecipientFilter::Every, None, 10).await.expect("read").rows {
            let RecipientState::Attempted { attempt, .. } = row.state else { panic!("{:?}", row.state) };
            let call = tenant.call(attempt).await.expect("read");
            assert!(call.fell_back, "{call:?}");
            let waited_ms = call.information_at.expect("informed").ms() - call.answered_at.expect("answered").ms();
            assert!(waited_ms <= 2_000, "UK-6: {waited_ms} ms");
        }
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}
