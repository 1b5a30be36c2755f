//! Calls that are recorded, over real SIP and RTP and on both databases: each side's own tone on its own channel, silence while it
//! is paused, what a person says when a step asks, the first seconds for the labels; and a node that dies keeps what was sealed.

mod dialled;
#[path = "../../store/tests/support/people.rs"]
mod people;
#[path = "../../store/tests/support/mod.rs"]
mod support;

use std::time::Duration;

use clarion_domain::attempts::recording::{RecordingKind, RecordingMarkKind, RecordingSettings};
use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::call_label::{CallLabel, DETECTOR};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;
use clarion_engine::campaigns::work;
use clarion_store::Tenant;
use clarion_store::attempts::RecordingRecord;
use clarion_store::campaigns::CampaignDraft;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, Tone, VoiceCarrier, VoiceCarrierConfig};
use dialled::{STRAIGHT, clock, connect, dial, draft_of};
use people::list_of;
use support::{Bench, NOON, for_each_store};

const PERSON_HZ: u16 = 500;
const AGENT_HZ: u16 = 1_200;

const TAKES_WORD: &str = r#"
language = "en-GB"
start = "word"

[steps.word]
do = "record"
speech = { text = "Speak now. It is recorded." }
record_ms_max = 20000
silence_ms_max = 1500
next = "bye"

[steps.bye]
do = "hang_up"
"#;

fn carrier(fate_of: fn(&str) -> CallFate, talk: Duration, person_lasts: Duration) -> VoiceCarrier {
    let mut config = VoiceCarrierConfig::new(audio_ports());
    (config.fate_of, config.talk, config.patience) = (fate_of, talk, Duration::from_secs(30));
    config.person_says = Some(Tone { hz: PERSON_HZ, lasts: person_lasts }.samples());
    config.agent_says = Some(Tone { hz: AGENT_HZ, lasts: Duration::from_secs(60) }.samples());
    VoiceCarrier::start(config).expect("a carrier")
}

fn draft(list: ListId, script: &str, pace: PacingMode, recording: RecordingSettings) -> CampaignDraft {
    CampaignDraft { recording, ..draft_of(list, script, pace) }
}

async fn start(tenant: &Tenant, draft: &CampaignDraft) -> CampaignId {
    let id = tenant.create_campaign(draft, NOON).await.expect("a campaign");
    let faults = tenant.campaign_faults(draft, NOON).await.expect("read");
    assert!(faults.is_empty(), "{faults:?}");
    tenant.start_campaign(id, clock()).await.expect("starts");
    id
}

/// Works until `done` gives something.
async fn until<T>(bench: &Bench, what: &str, mut done: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(45);
    loop {
        work(&bench.store, clock).await.expect("works");
        if let Some(found) = done().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn recordings(tenant: &Tenant, id: CampaignId) -> Vec<RecordingRecord> {
    tenant.recordings_of_campaign(id, None, 100).await.expect("read").rows
}

/// The recordings once the campaign is over and all of them ended.
async fn over(bench: &Bench, tenant: &Tenant, id: CampaignId) -> Vec<RecordingRecord> {
    until(bench, "the end of the campaign", async || {
        let finished = tenant.campaign(id).await.expect("read").state == CampaignState::Finished;
        let all = recordings(tenant, id).await;
        (finished && all.iter().all(|one| one.ended_at.is_some())).then_some(all)
    })
    .await
}

/// How strong a tone is in some samples, as a share of all that is heard there (Goertzel).
fn strength(samples: &[i16], hz: u16) -> f64 {
    let step = 2.0 * (f64::from(hz) * std::f64::consts::TAU / 8_000.0).cos();
    let (mut one, mut two, mut all) = (0.0, 0.0, 0.0);
    for sample in samples.iter().map(|sample| f64::from(*sample)) {
        let next = sample + step * one - two;
        (two, one, all) = (one, next, all + sample * sample);
    }
    if all < 1.0 { 0.0 } else { (one * one + two * two - step * one * two) * 2.0 / (all * samples.len() as f64) }
}

fn loudness(samples: &[i16]) -> f64 {
    (samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

/// One channel of an interleaved recording, from one millisecond to another.
fn channel(samples: &[i16], channels: usize, which: usize, ms: std::ops::Range<usize>) -> Vec<i16> {
    samples.iter().skip(which).step_by(channels).skip(ms.start * 8).take((ms.end - ms.start) * 8).copied().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_side_is_heard_on_its_own_channel_and_a_pause_holds_silence() {
    for_each_store("recorded_talk", |bench| async move {
        let tenant = bench.tenant("north").await;
        let carrier = carrier(|_| CallFate::Listens, Duration::from_secs(8), Duration::from_secs(60));
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 1).await;
        let (stop, dialler) = dial(&bench);
        let settings = RecordingSettings { talks: true, announcement: "Recorded.".into(), ..RecordingSettings::default() };
        let id = start(&tenant, &draft(list, STRAIGHT, PacingMode::Progressive, settings)).await;

        let running = until(&bench, "a talk of two seconds", async || recordings(&tenant, id).await.into_iter().find(|one| one.duration_ms >= 2_000)).await;
        tenant.pause_recording(running.attempt, true, clock()).await.expect("asked");
        until(&bench, "the pause", async || tenant.recording(running.id).await.expect("read").is_paused.then_some(())).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        tenant.pause_recording(running.attempt, false, clock()).await.expect("asked");
        let held = over(&bench, &tenant, id).await;
        assert_eq!(held.len(), 1, "{held:?}");
        let held = &held[0];
        assert_eq!((held.kind, held.ended_by.as_str(), held.marks.len()), (RecordingKind::Talk, "call", 2), "{held:?}");
        assert_eq!((held.marks[0].what, held.marks[1].what), (RecordingMarkKind::Paused, RecordingMarkKind::Resumed));

        let samples = tenant.recorded_sound(held.id).await.expect("opens").whole().await.expect("heard");
        let (paused, resumed) = (held.marks[0].at_ms as usize, held.marks[1].at_ms as usize);
        assert!(paused >= 2_000 && resumed - paused >= 1_400 && held.duration_ms as usize > resumed + 500, "{held:?}");
        for ms in [1_000..paused, resumed + 100..resumed + 500] {
            let (left, right) = (channel(&samples, 2, 0, ms.clone()), channel(&samples, 2, 1, ms.clone()));
            assert!(strength(&left, PERSON_HZ) > 0.9 && strength(&left, AGENT_HZ) < 0.02, "the person is left at {ms:?}: {}", strength(&left, PERSON_HZ));
            assert!(strength(&right, AGENT_HZ) > 0.9 && strength(&right, PERSON_HZ) < 0.02, "the agent is right at {ms:?}: {}", strength(&right, AGENT_HZ));
        }
        let gap = channel(&samples, 2, 0, paused..resumed).into_iter().chain(channel(&samples, 2, 1, paused..resumed)).collect::<Vec<_>>();
        assert!(gap.iter().all(|sample| sample.abs() <= 8), "nothing is heard of what was said meanwhile");
        let call = tenant.call(held.attempt).await.expect("read");
        assert!(call.message_at.expect("announced") < call.bridged_at.expect("put through"), "the person was told first");
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_takes_down_what_is_said_until_silence_and_the_first_seconds_wait_for_a_label() {
    for_each_store("recorded_word", |bench| async move {
        let tenant = bench.tenant("north").await;
        let carrier = carrier(|_| CallFate::Listens, Duration::from_secs(2), Duration::from_secs(6));
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 2).await;
        let (stop, dialler) = dial(&bench);
        let settings = RecordingSettings { openings: true, told_in: "the contract, section 7".into(), ..RecordingSettings::default() };
        let id = start(&tenant, &draft(list, TAKES_WORD, PacingMode::Agentless, settings)).await;
        let held = over(&bench, &tenant, id).await;
        let of = |kind: RecordingKind| held.iter().filter(move |one| one.kind == kind).collect::<Vec<_>>();
        let (messages, openings) = (of(RecordingKind::Message), of(RecordingKind::Opening));
        assert_eq!((messages.len(), openings.len()), (2, 2), "{held:?}");
        for message in messages {
            assert_eq!((message.step.as_str(), message.ended_by.as_str()), ("word", "script"));
            let samples = tenant.recorded_sound(message.id).await.expect("opens").whole().await.expect("heard");
            assert!(strength(&samples[4_000..16_000], PERSON_HZ) > 0.9, "what the person said: {}", strength(&samples[4_000..16_000], PERSON_HZ));
            let end = &samples[samples.len() - 8_000..];
            assert!(loudness(end) < 100.0 && (2_500..12_000).contains(&message.duration_ms), "it ended by silence, after {} ms", message.duration_ms);
        }
        for opening in openings {
            assert!((500..=10_000).contains(&opening.duration_ms), "{opening:?}");
            let call = tenant.call(opening.attempt).await.expect("read");
            assert!(call.features.contains(DETECTOR), "the detector listened: {}", call.features);
            assert_eq!(call.verdict, "unsure", "and changed nothing that counts");
        }
        assert_eq!(tenant.unlabelled_count().await.expect("read"), 2);
        let next = tenant.unlabelled_calls(None, 1).await.expect("read").remove(0);
        tenant.label_call(next.attempt, CallLabel::Human, clock()).await.expect("labelled");
        assert_eq!(tenant.detector_records().await.expect("read")[0].confusion.labelled(), 1);
        assert!(tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await.expect("read").iter().all(|row| row.disposition == Disposition::AnsweredPerson));
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_the_script_pauses_and_nobody_resumes_by_mistake() {
    for_each_store("recorded_hush", |bench| async move {
        let tenant = bench.tenant("north").await;
        let carrier = carrier(|_| CallFate::Listens, Duration::from_secs(2), Duration::from_secs(60));
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 1).await;
        let (stop, dialler) = dial(&bench);
        let script = TAKES_WORD.replace("start = \"word\"", "start = \"hush\"") + "\n[steps.hush]\ndo = \"pause_recording\"\nnext = \"word\"\n";
        let settings = RecordingSettings { openings: true, told_in: "the contract, section 7".into(), ..RecordingSettings::default() };
        let id = start(&tenant, &draft(list, &script, PacingMode::Agentless, settings)).await;
        let held = over(&bench, &tenant, id).await;
        assert_eq!(held.len(), 2, "{held:?}");
        for one in &held {
            assert_eq!(one.marks.iter().map(|mark| mark.what).collect::<Vec<_>>(), [RecordingMarkKind::Paused], "{one:?}");
            let samples = tenant.recorded_sound(one.id).await.expect("opens").whole().await.expect("heard");
            let from = one.marks[0].at_ms as usize * 8;
            assert!(samples[from..].iter().all(|sample| sample.abs() <= 8), "{one:?}");
        }
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_dies_leaves_what_it_sealed_and_an_erased_person_is_no_longer_recorded() {
    for_each_store("recorded_killed", |bench| async move {
        let tenant = bench.tenant("north").await;
        let carrier = carrier(|_| CallFate::Listens, Duration::from_secs(60), Duration::from_secs(60));
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 2).await;
        let node = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime of its own");
        let _stop = {
            let _inside = node.enter();
            dial(&bench).0
        };
        let settings = RecordingSettings { talks: true, told_in: "the contract, section 7".into(), ..RecordingSettings::default() };
        let id = start(&tenant, &draft(list, STRAIGHT, PacingMode::Progressive, settings)).await;
        let both = until(&bench, "two talks", async || Some(recordings(&tenant, id).await).filter(|all| all.len() == 2 && all.iter().all(|one| one.duration_ms >= 2_000))).await;

        // One of them is erased in mid-talk: nothing of it is left, and nothing more comes.
        let reference = tenant.contact(both[0].contact).await.expect("read").profile.reference;
        let erased = tenant.subject_erase(&reference, false, clock()).await.expect("erased");
        assert_eq!(erased.count("recordings of calls removed"), 1);
        let before = tenant.recording(both[1].id).await.expect("read").duration_ms;
        until(&bench, "more of the other", async || (tenant.recording(both[1].id).await.expect("read").duration_ms > before + 3_000).then_some(())).await;
        assert_eq!(recordings(&tenant, id).await.len(), 1, "the erased one does not come back");

        // Everything of the node ends where it stands: nobody writes a last word.
        node.shutdown_background();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(tenant.recording(both[1].id).await.expect("read").ended_at, None);
        assert_eq!(bench.store.end_own_recordings(clock()).await.expect("as at the next start"), 1);
        let held = tenant.recording(both[1].id).await.expect("read");
        assert_eq!(held.ended_by, "crash");
        let samples = tenant.recorded_sound(held.id).await.expect("opens").whole().await.expect("what was sealed is heard");
        assert_eq!(samples.len() as i64, held.duration_ms * 16);
        assert!(strength(&channel(&samples, 2, 0, 1_000..2_000), PERSON_HZ) > 0.9);
    })
    .await;
}
