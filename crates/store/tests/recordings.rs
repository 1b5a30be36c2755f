//! Recordings and labels on both databases: sealed as they come, heard again, ended by a crash, swept, erased and handed out; and
//! the register by which scripts may act on machines.

#[path = "support/people.rs"]
mod people;
mod support;

use clarion_domain::attempts::recording::{RecordingKind, RecordingMark, RecordingMarkKind, RecordingSettings};
use clarion_domain::campaigns::call_pacing::{CallPacing, PacingMode};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::compliance::rule_book::RuleBook;
use clarion_domain::id::{AddressId, AttemptId, CampaignId, ContactId, RecordingId, TrunkId};
use clarion_domain::outcomes::answered_by::AnsweredBy;
use clarion_domain::outcomes::call_label::{CallLabel, DETECTOR};
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_store::attempts::{CallRow, LostEnd, NewRecording, RecordingChunk, RecordingProgress, chunk_bytes, end_lost_calls, write_calls, write_recording_chunks, write_recording_progress};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::privacy::subject_html;
use clarion_store::{StoreError, Tenant};
use people::{list_of, number, person, person_in, profile};
use support::{Bench, NOON, for_each_store, route};

/// A-law of a sample that is heard, and its sample.
const BYTE: u8 = 0xc5;
const SAMPLE: i16 = 264;

async fn campaign(tenant: &Tenant, purpose: Purpose) -> CampaignId {
    let mut draft = CampaignDraft::new("Calls of November");
    (draft.channel, draft.purpose, draft.basis) = (Channel::Voice, Some(purpose), Some(LegalBasis::Contract));
    tenant.create_campaign(&draft, NOON).await.expect("a campaign")
}

fn new_recording(bench: &Bench, tenant: &Tenant, campaign: CampaignId, who: (ContactId, AddressId), kind: RecordingKind, began_at: Instant) -> NewRecording {
    let id = RecordingId(bench.store.next_id(began_at));
    NewRecording { id, tenant: tenant.id(), campaign, attempt: AttemptId(bench.store.next_id(began_at)), contact: who.0, address: who.1, kind, step: String::new(), is_paused: false, began_at }
}

/// Records `whole` whole chunks and half a one, and ends it when it is to end.
async fn record(bench: &Bench, tenant: &Tenant, new: &NewRecording, whole: i64, ended: bool) {
    let key = tenant.begin_recording(new).await.expect("begins").expect("the person is there");
    let (mut bytes, chunk) = (0, chunk_bytes(new.kind));
    for position in 0..=whole {
        let plain = vec![BYTE; if position == whole { chunk / 2 } else { chunk }];
        bytes += plain.len() as i64;
        let row = RecordingChunk { recording: new.id, position, sealed: key.seal(position, &plain).expect("seals"), bytes };
        let mut tx = bench.store.db().begin().await.expect("begins");
        assert_eq!(write_recording_chunks(&mut tx, &[row]).await.expect("written"), [true]);
        tx.commit().await.expect("stands");
    }
    if ended {
        let mut tx = bench.store.db().begin().await.expect("begins");
        let marks = vec![RecordingMark { at_ms: 500, what: RecordingMarkKind::Paused }, RecordingMark { at_ms: 900, what: RecordingMarkKind::Resumed }];
        let progress = RecordingProgress { recording: new.id, marks, is_paused: false, pause_wanted: None, ended: Some((new.began_at.plus_ms(5_000), "call")) };
        write_recording_progress(&mut tx, &[progress]).await.expect("written");
        tx.commit().await.expect("stands");
    }
}

async fn count(bench: &Bench, table: &'static str) -> i64 {
    let text: &'static str = Box::leak(format!("SELECT COUNT(*) FROM {table}").into_boxed_str());
    let statement = clarion_store::db::Statement { text, postgres: "" };
    let mut rows = bench.store.db().query(&statement, &[]).await.expect("counted");
    rows.remove(0).take(0).expect("a number")
}

#[tokio::test]
async fn a_recording_is_sealed_chunk_by_chunk_and_heard_from_any_place() {
    for_each_store("recorded", |bench| async move {
        let tenant = bench.tenant("north").await;
        let who = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let campaign = campaign(&tenant, Purpose::Reminder).await;
        let new = new_recording(&bench, &tenant, campaign, who, RecordingKind::Talk, NOON);
        record(&bench, &tenant, &new, 2, true).await;

        let held = tenant.recording(new.id).await.expect("held");
        assert_eq!((held.duration_ms, held.ended_by.as_str(), held.marks.len(), held.keep_until), (5_000, "call", 2, None));
        let sound = tenant.recorded_sound(new.id).await.expect("opens");
        let whole = sound.whole().await.expect("heard");
        assert_eq!((sound.channels(), whole.len()), (2, 5 * 8_000 * 2));
        assert!(whole.iter().all(|sample| *sample == SAMPLE));
        let chunk = chunk_bytes(RecordingKind::Talk) as u64;
        assert_eq!((sound.from(chunk - 3).await.expect("heard").len(), sound.from(sound.samples()).await.expect("heard").len()), (3, 0));
        let sealed = clarion_store::db::Statement { text: "SELECT sealed FROM recording_chunk", postgres: "" };
        for mut row in bench.store.db().query(&sealed, &[]).await.expect("read") {
            let bytes: Vec<u8> = row.take(0).expect("bytes");
            assert!(!bytes.windows(16).any(|run| run.iter().all(|byte| *byte == BYTE)), "nothing stands in clear");
        }
        // A chunk put in another's place does not open.
        for text in ["UPDATE recording_chunk SET position = 9 WHERE position = 0", "UPDATE recording_chunk SET position = 0 WHERE position = 1"] {
            assert_eq!(bench.store.db().execute(&clarion_store::db::Statement { text, postgres: "" }, &[]).await.expect("moved"), 1);
        }
        assert!(sound.from(0).await.is_err(), "the label names its place");
        let other = bench.tenant("south").await;
        assert!(matches!(other.recording(new.id).await, Err(StoreError::NotFound(_))), "another tenant's");
        assert!(matches!(other.recorded_sound(new.id).await, Err(StoreError::NotFound(_))));
        assert!(other.recordings_of_campaign(campaign, None, 10).await.expect("read").rows.is_empty());
        assert_eq!(tenant.recordings_of_calls(&[new.attempt]).await.expect("read").len(), 1);
    })
    .await;
}

fn call_of(bench: &Bench, tenant: &Tenant, new: &NewRecording, features: String) -> CallRow {
    CallRow {
        attempt: new.attempt,
        tenant: tenant.id(),
        campaign: new.campaign,
        position: 0,
        contact: new.contact,
        node: bench.store.node(),
        trunk: TrunkId(5),
        target: None,
        state: "bridged".into(),
        state_at: NOON,
        step: String::new(),
        dialled_at: NOON,
        ringing_at: None,
        answered_at: Some(new.began_at),
        speech_at: None,
        message_at: None,
        information_at: None,
        bridged_at: None,
        ended_at: None,
        ended_by: String::new(),
        verdict: String::new(),
        features,
        abandoned: false,
        fell_back: false,
        silent: false,
        agent_silent: false,
    }
}

async fn write_call(bench: &Bench, call: CallRow) {
    let mut tx = bench.store.db().begin().await.expect("begins");
    write_calls(&mut tx, &[call]).await.expect("written");
    tx.commit().await.expect("stands");
}

#[tokio::test]
async fn a_pause_is_asked_for_and_a_crash_keeps_what_was_sealed() {
    for_each_store("recorded_crash", |bench| async move {
        let tenant = bench.tenant("north").await;
        let who = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let campaign = campaign(&tenant, Purpose::Reminder).await;
        let new = new_recording(&bench, &tenant, campaign, who, RecordingKind::Talk, NOON);
        write_call(&bench, call_of(&bench, &tenant, &new, String::new())).await;
        assert!(matches!(tenant.pause_recording(new.attempt, true, NOON).await, Err(StoreError::Conflict(_))), "nothing is recorded yet");
        record(&bench, &tenant, &new, 1, false).await;
        tenant.pause_recording(new.attempt, true, NOON).await.expect("asked");
        assert_eq!(bench.store.recording_wishes().await.expect("read"), [(new.id, true)]);
        assert!(matches!(bench.tenant("south").await.pause_recording(new.attempt, true, NOON).await, Err(StoreError::NotFound(_))));
        assert!(tenant.audit_events("recording", "paused", None, 5).await.expect("read").rows.iter().any(|event| event.object_id == new.id.0));

        // Another node finds this one dead and ends its calls.
        let mut tx = bench.store.db().begin().await.expect("begins");
        end_lost_calls(&mut tx, &[LostEnd { attempt: new.attempt, abandoned: false, silent: false }], NOON.plus_ms(9_000)).await.expect("ended");
        tx.commit().await.expect("stands");
        let held = tenant.recording(new.id).await.expect("held");
        assert_eq!((held.ended_by.as_str(), held.duration_ms), ("crash", 3_000));
        assert_eq!(tenant.recorded_sound(new.id).await.expect("opens").whole().await.expect("heard").len(), 3 * 8_000 * 2, "what was sealed is heard");
        let key = tenant.begin_recording(&new_recording(&bench, &tenant, campaign, who, RecordingKind::Talk, NOON)).await.expect("begins").expect("a key");
        let late = RecordingChunk { recording: new.id, position: 2, sealed: key.seal(2, &[BYTE]).expect("seals"), bytes: 1 };
        let mut tx = bench.store.db().begin().await.expect("begins");
        assert_eq!(write_recording_chunks(&mut tx, &[late]).await.expect("answers"), [false], "one that was ended takes nothing more");
        tx.commit().await.expect("stands");
        assert_eq!(bench.store.end_own_recordings(NOON).await.expect("ended"), 1, "the next start ends what was left open");
    })
    .await;
}

#[tokio::test]
async fn recordings_go_by_their_own_clock_and_people_stay_as_long_as_theirs() {
    for_each_store("recorded_swept", |bench| async move {
        let tenant = bench.tenant("north").await;
        let campaign = campaign(&tenant, Purpose::Collections).await;
        let ada = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let bob = person_in(&tenant, "+12025550123", &profile("Bob", "R-2"), "US", "America/New_York").await;
        let held = person(&tenant, 3, &profile("Eve", "R-3")).await;
        tenant.set_legal_hold(held.0, "matter 7", NOON).await.expect("held");
        for (who, kind) in [(ada, RecordingKind::Talk), (ada, RecordingKind::Opening), (bob, RecordingKind::Talk), (bob, RecordingKind::Opening), (held, RecordingKind::Message)] {
            record(&bench, &tenant, &new_recording(&bench, &tenant, campaign, who, kind, NOON), 0, true).await;
        }
        let swept = |at: Instant| {
            let tenant = tenant.clone();
            async move { tenant.sweep(at).await.expect("swept").into_iter().filter(|count| count.source == "recording").map(|count| (count.class, count.count)).collect::<Vec<_>>() }
        };
        assert_eq!(swept(NOON.plus_ms(30 * DAY_MS)).await, [], "a moment before the clock runs out");
        assert_eq!(swept(NOON.plus_ms(30 * DAY_MS + 1)).await, [(RecordClass::OpeningRecording, 2)]);
        // Their last campaign is long over by now, and they are still found.
        assert_eq!(swept(NOON.plus_ms(180 * DAY_MS)).await, []);
        assert_eq!(tenant.contact(ada.0).await.expect("kept with the recording").profile.first_name, "", "of the person nothing but the number stays");
        assert!(tenant.recordings_of_contact(ada.0).await.expect("read").len() == 1);
        assert_eq!(swept(NOON.plus_ms(180 * DAY_MS + 1)).await, [(RecordClass::Recording, 1)]);
        tenant.sweep(NOON.plus_ms(180 * DAY_MS + 2)).await.expect("swept");
        assert!(tenant.contact(ada.0).await.is_err(), "then they go too");
        assert_eq!(swept(NOON.plus_ms(3 * 365 * DAY_MS)).await, [], "US-15, and the legal hold");
        assert_eq!(swept(NOON.plus_ms(3 * 367 * DAY_MS)).await, [(RecordClass::Recording, 1)]);
        assert_eq!((count(&bench, "recording").await, count(&bench, "recording_chunk").await), (1, 1), "the held one");
    })
    .await;
}

#[tokio::test]
async fn an_erased_person_leaves_no_sound_and_one_who_asks_gets_theirs() {
    for_each_store("recorded_erased", |bench| async move {
        let tenant = bench.tenant("north").await;
        let campaign = campaign(&tenant, Purpose::Reminder).await;
        let (ada, bob) = (person(&tenant, 1, &profile("Ada", "R-1")).await, person(&tenant, 2, &profile("Bob", "R-2")).await);
        let talk = new_recording(&bench, &tenant, campaign, ada, RecordingKind::Talk, NOON);
        record(&bench, &tenant, &talk, 1, true).await;
        let running = new_recording(&bench, &tenant, campaign, ada, RecordingKind::Message, NOON);
        record(&bench, &tenant, &running, 0, false).await;
        record(&bench, &tenant, &new_recording(&bench, &tenant, campaign, bob, RecordingKind::Talk, NOON), 0, true).await;

        let rules = RuleBook::embedded().expect("rules");
        let export = tenant.subject_export(&number(1), &rules, NOON).await.expect("exported");
        let section = export.sections.iter().find(|section| section.title == "Recordings of calls with you").expect("a section");
        assert_eq!(section.records.len(), 2);
        let page = subject_html(&export);
        assert_eq!(page.matches("<audio controls").count(), 2);
        assert!(page.contains("media-src data:") && page.contains("data:audio/wav;base64,UklGR"), "a WAV that plays in the page itself");
        let mut files = Vec::new();
        let n = tenant.subject_recordings::<StoreError>("R-1", NOON, |name, wav| { files.push((name.to_owned(), wav.len(), wav[..4].to_vec())); Ok(()) }).await.expect("files");
        assert_eq!((n, files[0].clone()), (2, (format!("{}.wav", talk.id), 44 + 3 * 8_000 * 2 * 2, b"RIFF".to_vec())));

        let dry = tenant.subject_erase("R-1", true, NOON).await.expect("a dry run");
        assert_eq!(dry.count("recordings of calls removed"), 2);
        assert_eq!(count(&bench, "recording").await, 3, "a dry run takes nothing");
        tenant.subject_erase("R-1", false, NOON).await.expect("erased");
        assert_eq!((count(&bench, "recording").await, count(&bench, "recording_chunk").await), (1, 1), "only Bob's is left");
        // Who still records them finds that out.
        let key = tenant.begin_recording(&new_recording(&bench, &tenant, campaign, bob, RecordingKind::Message, NOON)).await.expect("begins").expect("a key");
        let late = RecordingChunk { recording: running.id, position: 1, sealed: key.seal(1, &[BYTE]).expect("seals"), bytes: 1 };
        let mut tx = bench.store.db().begin().await.expect("begins");
        assert_eq!(write_recording_chunks(&mut tx, &[late]).await.expect("answers"), [false]);
        tx.commit().await.expect("stands");
        assert_eq!(count(&bench, "recording_chunk").await, 1);
        assert!(tenant.begin_recording(&new_recording(&bench, &tenant, campaign, ada, RecordingKind::Talk, NOON)).await.expect("answers").is_none(), "and nothing new begins");
    })
    .await;
}

const MACHINES: &str = r#"
language = "en-GB"
start = "hello"
machine = "leave"

[steps.hello]
do = "say"
text = "This is North. Please call us back on 020 7946 0999."
next = "bye"

[steps.leave]
do = "voicemail_drop"
speech = { text = "This is North. Please call us back on 020 7946 0999." }
next = "bye"

[steps.bye]
do = "hang_up"
"#;

#[tokio::test]
async fn enough_labelled_calls_let_a_script_act_on_machines() {
    for_each_store("labelled", |bench| async move {
        let tenant = bench.tenant("north").await;
        let (list, people) = list_of(&tenant, "everybody", 1).await;
        tenant.add_sender("+442079460999", false, "a number reserved for drama", NOON).await.expect("a caller ID");
        tenant.attest_sender("+442079460999", true, "", NOON).await.expect("confirmed");
        route(&tenant, Channel::Voice).await;
        let mut draft = CampaignDraft::of(Channel::Voice, "Reminders");
        (draft.purpose, draft.basis, draft.list_id) = (Some(Purpose::Reminder), Some(LegalBasis::Contract), Some(list));
        (draft.script, draft.sender) = (MACHINES.into(), "+442079460999".into());
        draft.call_pacing = CallPacing { pace: PacingMode::Agentless, ..CallPacing::default() };
        let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
        let faults = tenant.campaign_faults(&draft, NOON).await.expect("read");
        assert!(faults.iter().any(|fault| fault.field == "detector" && fault.message.contains("0 of 100 calls") && fault.message.contains("record the first seconds")), "{faults:?}");

        let heard = |judged: &str| format!(r#"{{"detector":"{DETECTOR}","judged":"{judged}","answer":"{judged}"}}"#);
        let labelled = |features: String, label: CallLabel| {
            let (bench, tenant, who) = (&bench, tenant.clone(), people[0]);
            async move {
                let new = new_recording(bench, &tenant, id, who, RecordingKind::Opening, NOON);
                write_call(bench, call_of(bench, &tenant, &new, features)).await;
                tenant.label_call(new.attempt, label, NOON).await
            }
        };
        assert!(matches!(labelled(String::new(), CallLabel::Human).await, Err(StoreError::Conflict(_))), "the detector did not listen");
        for _ in 0..98 {
            labelled(heard("machine"), CallLabel::Machine).await.expect("labelled");
        }
        labelled(heard("voicemail_ready"), CallLabel::Human).await.expect("labelled");
        labelled(heard("human"), CallLabel::Human).await.expect("labelled");
        labelled(format!(r#"{{"detector":"{DETECTOR}"}}"#), CallLabel::Human).await.expect("no word yet is unsure");
        labelled(heard("machine").replace(DETECTOR, "0/1/2/3"), CallLabel::Human).await.expect("of another detector");
        assert!(tenant.campaign_faults(&draft, NOON).await.expect("read").iter().any(|fault| fault.message.contains("99 of 100")), "an older detector's do not count");
        let last = labelled(heard("machine"), CallLabel::Machine).await.expect("labelled");
        assert_eq!(tenant.label_call(last.attempt, CallLabel::Voicemail, NOON).await.expect("changed").label, CallLabel::Voicemail);
        assert_eq!(tenant.campaign_faults(&draft, NOON).await.expect("read"), []);

        let by_detector: Vec<_> = tenant.heard_by_detector(id).await.expect("read").into_iter().collect();
        assert_eq!(by_detector, [(AnsweredBy::Human, 1), (AnsweredBy::Machine, 100), (AnsweredBy::VoicemailReady, 1), (AnsweredBy::Unsure, 1)]);
        let south = bench.tenant("south").await;
        assert!(matches!(south.heard_by_detector(id).await, Err(StoreError::NotFound(_))));

        let estimate = tenant.mistake_estimate().await.expect("read").expect("an estimate");
        assert_eq!((estimate.labelled, estimate.were_people), (100, 1));
        let records = tenant.detector_records().await.expect("read");
        assert_eq!(records.iter().map(|record| (record.detector.as_str(), record.confusion.labelled())).collect::<Vec<_>>(), [(DETECTOR, 102), ("0/1/2/3", 1)]);
        let confusion = &records[0].confusion;
        assert_eq!((confusion.of(CallLabel::Human, AnsweredBy::Unsure), confusion.people_mistaken().n, confusion.people_mistaken().of), (1, 1, 3));
        let terms = tenant.campaign_terms(&tenant.campaign(id).await.expect("read")).await.expect("terms");
        assert_eq!(terms.mistaken_milli(102), 2_000, "two in 102 of those given to a machine are taken for people");
        let old = tenant.campaign_faults(&draft, NOON.plus_ms(200 * DAY_MS)).await.expect("read");
        assert!(old.iter().any(|fault| fault.message.contains("older than half a year")), "{old:?}");
        assert!(south.mistake_estimate().await.expect("read").is_none(), "each tenant measures its own calls");
    })
    .await;
}

#[tokio::test]
async fn calls_wait_for_their_label_and_settings_are_kept_and_checked() {
    for_each_store("label_queue", |bench| async move {
        let tenant = bench.tenant("north").await;
        let who = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let mut draft = CampaignDraft::of(Channel::Voice, "Reminders");
        draft.recording = RecordingSettings { talks: true, openings: true, announcement: "This call is recorded.".into(), told_in: String::new() };
        let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
        assert_eq!(tenant.campaign(id).await.expect("read").recording, draft.recording);
        assert!(tenant.campaign_faults(&draft, NOON).await.expect("read").iter().any(|fault| fault.field == "recording" && fault.message.contains("before anything can be said")));
        draft.recording.told_in = "privacy notice, section 4".into();
        tenant.edit_campaign(id, &draft, NOON).await.expect("changed");
        assert_eq!(tenant.campaign(id).await.expect("read").recording, draft.recording);
        assert!(!tenant.campaign_faults(&draft, NOON).await.expect("read").iter().any(|fault| fault.field == "recording"));

        let new = new_recording(&bench, &tenant, id, who, RecordingKind::Opening, NOON);
        write_call(&bench, call_of(&bench, &tenant, &new, format!(r#"{{"detector":"{DETECTOR}"}}"#))).await;
        record(&bench, &tenant, &new, 0, false).await;
        assert!(tenant.unlabelled_calls(None, 10).await.expect("read").is_empty(), "one that runs waits");
        bench.store.end_own_recordings(NOON).await.expect("ended");
        let waiting = tenant.unlabelled_calls(None, 10).await.expect("read");
        assert_eq!((waiting.len(), waiting[0].recording, waiting[0].campaign_name.as_str(), tenant.unlabelled_count().await.expect("read")), (1, new.id, "Reminders", 1));
        tenant.label_call(new.attempt, CallLabel::Silence, NOON).await.expect("labelled");
        assert!(tenant.unlabelled_calls(None, 10).await.expect("read").is_empty());
        assert_eq!(tenant.labels_of(&[new.attempt]).await.expect("read")[0].label, CallLabel::Silence);
        assert!(tenant.audit_events("call", "labelled", None, 5).await.expect("read").rows.len() == 1);
    })
    .await;
}
