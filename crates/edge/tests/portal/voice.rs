//! A campaign that calls through the portal: written step by step, watched; its scripts, prompts and transfer targets.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use clarion_domain::attempts::recording::RecordingKind;
use clarion_domain::attempts::test_call::TestCall;
use clarion_domain::campaigns::call_pacing::{CallPacing, PacingMode, Why};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::CampaignId;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::tenancy::role::Role;
use clarion_store::attempts::claim_notices;
use clarion_store::campaigns::CampaignDraft;
use clarion_domain::carriers::transfer_target::SipLine;
use clarion_store::carriers::NewTransferTarget;
use clarion_store::compliance::Week;
use clarion_store::outcomes::{AbandonmentDay, add_abandonment, latch_day};
use clarion_store::reports::{MeasureDelta, MeasureKey, add_measures};

use crate::people::{call, called, person, recorded, recording, route};
use crate::support::{Answer, Browser, World, now, wait};

const SCRIPT: &str = "language = \"en-GB\"\nstart = \"greeting\"\n\n[steps.greeting]\ndo = \"say\"\ntext = \"This is Northwind. Your appointment is tomorrow.\"\nnext = \"end\"\n\n[steps.end]\ndo = \"hang_up\"\n";

fn target() -> NewTransferTarget {
    NewTransferTarget { group: "agents".into(), name: "Leeds".into(), address: "+442079460123".into(), line: SipLine::default(), hours: Week::default(), capacity: 10, priority: 1, enabled: true }
}

async fn send_prompt(browser: &Browser, name: &str, file: &[u8]) -> Answer {
    let mut body = format!("--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n{name}\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n").into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--B--\r\n");
    let request = Request::post("/campaigns/prompts").header(header::COOKIE, &browser.cookie).header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "multipart/form-data; boundary=B");
    browser.send(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn a_call_is_written_step_by_step() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let made = owner.post("/campaigns/new", &[("name", "Reminders"), ("channel", "voice")]).await;
    let path = made.location().to_owned();
    let tasks = owner.get(&path).await.text;
    assert!(["What it says", "How fast", "Caller ID"].iter().all(|task| tasks.contains(task)) && !tasks.contains("Message</a>"), "{tasks}");

    let say = format!("{path}/say");
    assert!(owner.get(&format!("{say}?from=agent")).await.text.contains("There is no transfer target"), "a starter is checked at once");
    owner.post(&say, &[("script", "start = 1")]).await.assert_problem("script", "does not read");
    let checked = owner.post(&say, &[("script", SCRIPT), ("do", "check")]).await;
    assert!(checked.status == StatusCode::OK && checked.text.contains("No fault") && checked.text.contains("Your appointment is tomorrow"), "{}", checked.text);
    assert!(!owner.get(&say).await.text.contains("tomorrow"), "a check saves nothing");
    assert_eq!(owner.post(&say, &[("script", SCRIPT)]).await.location(), format!("{say}?said=saved"));

    let fast = format!("{path}/fast");
    let whole = [("call_pacing", "agentless"), ("calls_per_second_max", "3"), ("calls_at_once_max", "40"), ("ring_seconds_max", "25")];
    for (wrong, value, field) in [("call_pacing", "quick", "call_pacing"), ("calls_per_second_max", "many", "calls_per_second_max"), ("calls_at_once_max", "0", "calls_at_once_max"), ("ring_seconds_max", "14", "ring_seconds_max"), ("call_pacing", "predictive", "ceiling"), ("call_pacing", "power", "calls_per_slot")] {
        let fields = whole.map(|(name, held)| (name, if name == wrong { value } else { held }));
        owner.post(&fast, &fields).await.assert_problem(field, "There is a problem");
    }
    let fields = whole.map(|(name, held)| (name, if name == "call_pacing" { "progressive" } else { held }));
    owner.post(&fast, &fields).await.assert_problem("call_pacing", "the script puts nobody through");
    assert_eq!(owner.post(&fast, &whole).await.status, StatusCode::SEE_OTHER);

    let caller = format!("{path}/caller");
    owner.post(&caller, &[("sender", "Northwind")]).await.assert_problem("sender", "whole number");
    world.as_operator().await.add_sender("+442079460123", true, "letter 7", now()).await.expect("a sender");
    world.as_operator().await.attest_sender("+442079460123", true, "", now()).await.expect("confirmed");
    assert_eq!(owner.post(&caller, &[("sender", "+442079460123")]).await.status, StatusCode::SEE_OTHER);

    // Heard on one's own phone, by the script as it was saved.
    owner.post(&format!("{path}/call-me"), &[("number", "not a number")]).await.assert_problem("number", "Enter your own number");
    assert_eq!(owner.post(&format!("{path}/call-me"), &[("number", "07700 900123"), ("agents", "yes")]).await.location(), format!("{say}?said=test-call#call-me"));
    assert!(owner.get(&say).await.text.contains("is about to go out"));
    let tenant = world.as_operator().await;
    let test = tenant.latest_test_call(path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id")).await.expect("read").expect("a test call");
    let mut tx = tenant.store().db().begin().await.expect("begins");
    assert_eq!(claim_notices(&mut tx, tenant.store(), Channel::Sms, now(), 10).await.expect("none").len(), 0, "no text is sent for it");
    let taken = claim_notices(&mut tx, tenant.store(), Channel::Voice, now(), 10).await.expect("taken");
    assert_eq!(taken.iter().map(|notice| notice.body.reveal()).collect::<Vec<_>>(), [clarion_domain::attempts::test_call::RINGS_AGENTS]);
    tx.commit().await.expect("stands");
    let heard = TestCall { disposition: Disposition::AnsweredPerson, answered_after_ms: Some(4_000), lasted_ms: 9_000, steps: vec!["greeting".into()], keys: "5".into(), asked_for: Some("agents".into()), rings_agents: true, put_through: true, shown: "+442079460123".into(), opted_out: false };
    tenant.end_test_call(test.id, &heard, "call:heard", now()).await.expect("over");
    let shown = owner.get(&format!("{path}/call-me")).await.text;
    assert!(shown.contains("The phone was shown +442079460123. Answered after 4 s") && shown.contains("Keys pressed: 5. An agent of agents was put through."), "{shown}");

    let schedule = owner.get(&format!("{path}/schedule")).await.text;
    assert!(schedule.contains("after-busy") && !schedule.contains("after-expired"), "what calls are tried again after");
    let check = owner.get(&format!("{path}/check")).await.text;
    assert!(check.contains("Your appointment is tomorrow") && check.contains("at most 3 calls a second and 40 at once; rings for 25 s"), "{check}");
}

#[tokio::test]
async fn scripts_prompts_and_targets_are_made_changed_and_removed() {
    let world = World::new().await;
    let (owner, viewer) = (world.browser(Role::Owner).await, world.browser(Role::Viewer).await);
    owner.post("/campaigns/scripts/new", &[("name", ""), ("script", SCRIPT)]).await.assert_problem("name", "There is a problem");
    let script = owner.post("/campaigns/scripts/new", &[("name", "Half"), ("script", "start = 1")]).await.location().split('?').next().expect("a path").to_owned();
    assert!(owner.get(&script).await.text.contains("1 fault"), "an unfinished script is kept");
    assert_eq!(owner.post(&script, &[("name", "Whole"), ("script", SCRIPT)]).await.status, StatusCode::SEE_OTHER);
    let listed = viewer.get("/campaigns/scripts").await.text;
    assert!(listed.contains("Whole") && listed.contains("No fault"));
    assert_eq!(owner.post(&format!("{script}/delete"), &[]).await.location(), "/campaigns/scripts?said=removed");
    assert_eq!(owner.get(&script).await.status, StatusCode::NOT_FOUND);

    send_prompt(&owner, "", &recording()).await.assert_problem("name", "Give the prompt a name");
    send_prompt(&owner, "Greeting", b"").await.assert_problem("file", "Choose a recording");
    let whole = recording();
    send_prompt(&owner, "Greeting", &whole[..whole.len() / 2]).await.assert_problem("file", "The file is cut off");
    send_prompt(&owner, "Greeting", b"this is no sound at all").await.assert_problem("file", "WAV, MP3, OGG Vorbis or FLAC");
    assert_eq!(send_prompt(&owner, "Greeting", &recording()).await.location(), "/campaigns/prompts?said=saved");
    assert_eq!(send_prompt(&viewer, "Other", &recording()).await.status, StatusCode::FORBIDDEN);
    let prompt = world.as_operator().await.prompts().await.expect("prompts").remove(0);
    let heard = viewer.get(&format!("/campaigns/prompts/{}.wav", prompt.id)).await;
    assert_eq!((heard.status, heard.header(header::CONTENT_TYPE)), (StatusCode::OK, "audio/wav"));
    assert_eq!(owner.post(&format!("/campaigns/prompts/{}/delete", prompt.id), &[]).await.location(), "/campaigns/prompts?said=removed");

    let good = [("group", "agents"), ("name", "Leeds"), ("address", "+442079460123"), ("monday", "09:00-17:00"), ("capacity", "10"), ("priority", "1"), ("enabled", "yes")];
    for (field, value, at) in [("group", "Our agents", "group"), ("name", "", "name"), ("address", "0207", "address"), ("monday", "9 to 5", "hours"), ("capacity", "many", "capacity"), ("priority", "", "priority")] {
        let fields = good.map(|(name, held)| (name, if name == field { value } else { held }));
        let answer = owner.post("/carriers/targets/new", &fields).await;
        answer.assert_problem(at, "There is a problem");
        assert!(answer.text.contains(&format!("id=\"{at}\"")), "{at}");
    }
    let unkept = [&good[..], &[("encryption", "required")]].concat();
    owner.post("/carriers/targets/new", &unkept).await.assert_problem("encryption", "needs the transport tls");
    assert_eq!(owner.post("/carriers/targets/new", &good).await.location(), "/carriers/targets?said=created");
    owner.post("/carriers/targets/new", &good).await.assert_problem("name", "exists already");
    let record = world.as_operator().await.transfer_targets().await.expect("targets").remove(0);
    world.as_operator().await.tell_free_agents(record.id, Some(4), now()).await.expect("told");
    assert!(viewer.get("/carriers/targets").await.text.contains("4 free at"));
    let edit = format!("/carriers/targets/{}", record.id);
    assert!(owner.get(&edit).await.text.contains("value=\"09:00-17:00\""));
    assert_eq!(owner.post(&format!("{edit}/remove"), &[]).await.location(), "/carriers/targets?said=removed");
}

#[tokio::test]
async fn a_sip_trunk_is_written_in_fields() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let good = [("kind", "sip"), ("name", "Voice"), ("hosts", "sip.carrier.example\n192.0.2.1:5060"), ("transport", "tls"), ("username", "northwind"), ("register", "yes"), ("codecs", "pcma pcmu"), ("srtp", "yes"), ("keep_alive_seconds", "30"), ("calls_at_once", "40"), ("number_plus", "yes"), ("secret", "hush-hush"), ("rate_per_second", "5"), ("price_per_minute", "0.0120"), ("connection_fee", "0.005"), ("billing_increment", "60/60"), ("currency", "GBP")];
    for (field, value) in [("hosts", "sip carrier"), ("hosts", ""), ("username", ""), ("calls_at_once", "lots"), ("keep_alive_seconds", "1")] {
        let fields = good.map(|(name, held)| (name, if name == field { value } else { held }));
        owner.post("/carriers/trunks/new", &fields).await.assert_problem(field, "There is a problem");
    }
    let fields = good.map(|(name, held)| (name, if name == "transport" { "udp" } else { held }));
    owner.post("/carriers/trunks/new", &fields).await.assert_problem("srtp", "transport tls");
    let path = owner.post("/carriers/trunks/new", &good).await.location().split('?').next().expect("a path").to_owned();
    let page = owner.get(&path).await.text;
    assert!(page.contains("192.0.2.1:5060") && page.contains("value=\"northwind\"") && !page.contains("hush-hush"), "{page}");
}

async fn running(world: &World, call_pacing: CallPacing) -> CampaignId {
    let tenant = world.as_operator().await;
    let list = tenant.create_list("Customers", now()).await.expect("a list");
    let somebody = person(&tenant, 111, "Ada").await;
    tenant.add_to_list(list, somebody, now()).await.expect("on the list");
    tenant.add_sender("+442079460123", true, "letter 7", now()).await.expect("a sender");
    tenant.attest_sender("+442079460123", true, "", now()).await.expect("confirmed");
    tenant.add_transfer_target(&target(), now()).await.expect("a target");
    route(&tenant, Channel::Voice).await;
    let written = [("YOUR COMPANY", "Northwind Energy"), ("YOUR NUMBER", "020 7946 0123"), ("WHAT IT IS ABOUT", "your appointment")];
    let script = written.iter().fold(include_str!("../../src/campaigns/starters/agent.toml").to_owned(), |script, (words, ours)| script.replace(words, ours));
    let draft = CampaignDraft {
        purpose: Some(Purpose::Reminder),
        basis: Some(LegalBasis::Contract),
        list_id: Some(list),
        sender: "+442079460123".into(),
        script,
        call_pacing,
        ..CampaignDraft::of(Channel::Voice, "Reminders")
    };
    let campaign = tenant.create_campaign(&draft, now()).await.expect("a draft");
    let faults = tenant.campaign_faults(&draft, now()).await.expect("faults");
    assert!(faults.is_empty(), "{faults:?}");
    tenant.start_campaign(campaign, now()).await.expect("started");
    campaign
}

#[tokio::test]
async fn the_monitor_shows_calls_that_are_up_and_the_abandoned_rate() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (campaign, tenant) = (running(&world, CallPacing::default()).await, world.as_operator().await);
    for state in ["dialling", "ringing", "ringing", "gathering", "bridged"] {
        call(&tenant, campaign, state).await;
    }
    let mut tx = world.store.db().begin().await.expect("begins");
    let counts = AbandonmentDay { day: "2026-11-23".into(), abandoned: 1, passed: 39, machine_ended: 0, answered: 40, silent: 2, latched_at: None };
    add_abandonment(&mut tx, world.tenant, campaign, &counts).await.expect("counted");
    latch_day(&mut tx, world.tenant, campaign, "2026-11-23", now()).await.expect("latched");
    tx.commit().await.expect("commits");
    let page = owner.get(&format!("/campaigns/{campaign}")).await.text;
    for words in ["Calls now", "<dt>Ringing</dt><dd>2", "<dt>Put through</dt><dd>1", "Waiting for keys", "greeting", "2.50 %", "of a ceiling of 3.00 %", "Near the ceiling", "One call for each free agent until midnight", "2 silent calls today", "Stop now…", "put through to agents"] {
        assert!(page.to_lowercase().contains(&words.to_lowercase()), "{words}: {page}");
    }
    assert!(!page.contains("Messages a second"), "{page}");
}

#[tokio::test]
async fn the_monitor_says_how_a_day_may_stand_above_the_campaigns_own_ceiling() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let pacing = CallPacing { pace: PacingMode::Predictive { ceiling_bp: 100 }, ..CallPacing::default() };
    let campaign = running(&world, pacing).await;
    let mut says = Vec::new();
    // 2 %, within the law's 3 %; then 4 %.
    for (abandoned, passed) in [(1, 49), (1, -1)] {
        let mut tx = world.store.db().begin().await.expect("begins");
        let counts = AbandonmentDay { day: "2026-11-23".into(), abandoned, passed, answered: abandoned + passed, ..AbandonmentDay::default() };
        add_abandonment(&mut tx, world.tenant, campaign, &counts).await.expect("counted");
        tx.commit().await.expect("commits");
        let page = owner.get(&format!("/campaigns/{campaign}")).await.text;
        says.push(["2.00 %", "4.00 %", "Above the ceiling so far", "ended now, the day stays above"].map(|words| page.contains(words)));
    }
    assert_eq!(says, [[true, false, true, true], [false, true, false, false]]);
}

async fn ended(world: &World, campaign: CampaignId, counts: &[(Disposition, &str, i64)]) {
    let of = |(disposition, cause, n): &(Disposition, &str, i64)| {
        let key = MeasureKey { tenant: world.tenant, campaign, hour: now().hour(), channel: Channel::Voice, disposition: *disposition, cause: (*cause).into() };
        (key, MeasureDelta { n: *n, segments: 0, cost: 0 })
    };
    let deltas: HashMap<_, _> = counts.iter().map(of).collect();
    let mut tx = world.store.db().begin().await.expect("begins");
    add_measures(&mut tx, &deltas).await.expect("counted");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn a_monitor_counts_who_was_abandoned_apart_and_begins_with_its_controls() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (campaign, tenant) = (running(&world, CallPacing::default()).await, world.as_operator().await);
    call(&tenant, campaign, "ringing").await;
    ended(&world, campaign, &[(Disposition::Abandoned, "call:no_agent", 3), (Disposition::Congestion, "sip:503", 2), (Disposition::NoAnswer, "sip:480", 1)]).await;
    let page = owner.get(&format!("/campaigns/{campaign}")).await.text;
    for tile in ["<dt>Calls ended</dt><dd>6", "<dt>A person</dt><dd>0<small>0.0 %", "<div class=\"bad\"><dt>Abandoned</dt><dd>3", "<dt>Nobody</dt><dd>1<", "<dt>Failed</dt><dd>2<small>33.3 %"] {
        assert!(page.contains(tile), "{tile}: {page}");
    }
    assert!(page.contains("A person 0, A machine 0, Nobody 1, Abandoned 3, Failed or unknown 2"), "the chart says the same: {page}");
    let place = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}: {page}"));
    assert!(place("<h2>Controls</h2>") < place("Calls ended") && place("<h2>Controls</h2>") < place("<h2>Calls now</h2>"), "nobody scrolls to stop it");
    assert!(page.contains("calls in which something is played or a key is awaited end at once") && page.contains("(UK-7) are not cut off"), "{page}");
    assert!(owner.get("/").await.text.contains("<dt>A person</dt><dd>0<small>0.0 %"), "so does the first page");
}

#[tokio::test]
async fn a_campaign_that_started_shows_no_form_that_it_would_not_save() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let campaign = running(&world, CallPacing::default()).await;
    for step in ["purpose", "audience", "fast", "recording", "caller", "schedule"] {
        let page = owner.get(&format!("/campaigns/{campaign}/{step}")).await;
        assert!(page.status == StatusCode::OK && page.text.contains("as long as it is a draft or scheduled") && !page.text.contains(">Save<"), "{step}: {}", page.text);
    }
}

#[tokio::test]
async fn the_first_page_says_which_calls_need_somebody() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (campaign, tenant) = (running(&world, CallPacing::default()).await, world.as_operator().await);
    tenant.freeze_chunk(campaign, None, now()).await.expect("freezes");
    assert!(!owner.get("/").await.text.contains("Needs attention"), "nothing is wrong yet");
    let mut tx = world.store.db().begin().await.expect("begins");
    let counts = AbandonmentDay { day: "2026-11-23".into(), abandoned: 3, passed: 27, answered: 30, silent: 2, ..AbandonmentDay::default() };
    add_abandonment(&mut tx, world.tenant, campaign, &counts).await.expect("counted");
    tx.commit().await.expect("commits");
    let page = owner.get("/").await.text;
    for words in ["Reminders: 10.00 % of today's people were abandoned, above the ceiling of 3.00 %", "Reminders: 2 silent calls today"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    ended(&world, campaign, &[(Disposition::NoAnswer, "sip:480", 5)]).await;
    call(&tenant, campaign, "ringing").await;
    wait(60_000);
    let monitor = format!("/campaigns/{campaign}");
    assert!(owner.get(&monitor).await.text.contains("left at this pace"), "it goes on");
    let why = Why::Halted { abandoned: 3, live: 30 }.to_string();
    tenant.note_pace(campaign, &why).await.expect("noted");
    let page = owner.get("/").await.text;
    assert!(page.contains(&format!("Reminders: {why}")) && !page.contains("above the ceiling") && page.contains("2 silent calls"), "{page}");
    assert!(!owner.get(&monitor).await.text.contains("left at this pace"), "no estimate where nobody is called");
    tenant.pause_campaign_because(campaign, "its script names a prompt that is gone", now()).await.expect("paused");
    assert!(owner.get("/").await.text.contains("Reminders was paused: its script names a prompt that is gone"));
}

#[tokio::test]
async fn a_call_says_how_it_ended_and_a_file_of_results_for_how_long() {
    let world = World::new().await;
    let [owner, viewer] = [world.browser(Role::Owner).await, world.browser(Role::Viewer).await];
    let tenant = world.as_operator().await;
    let (campaign, attempt) = called(&tenant).await;
    let (path, link) = (format!("/campaigns/{campaign}/recipients"), format!("href=\"/calls/{attempt}\""));

    let call = viewer.get(&format!("/calls/{attempt}")).await.text;
    assert!(["Put through", "Rang 4.2 s, answered by a person", "lasted 65.0 s"].iter().all(|words| call.contains(words)), "{call}");
    let contact = tenant.call(attempt).await.expect("a call").contact;
    for page in [&path, &format!("/contacts/{contact}")] {
        assert!(viewer.get(page).await.text.contains(&link), "a way from {page} to the call");
    }

    let masked = viewer.get(&format!("{path}.csv")).await.text;
    let line = |number: &str, reference: &str| format!("{contact},{number},put_through,,2026-11-23T12:00:00.000Z,1,,,{reference},human,4.2,65.0,50.0\r\n");
    assert_eq!(masked.lines().next(), Some("contact,number,outcome,why,at,step,ended,clicks,reference,answered_by,ring_seconds,call_seconds,talk_seconds"));
    assert!(masked.ends_with(&line("…0321", "…")), "{masked}");
    let whole = format!("{path}/whole.csv");
    assert!(!viewer.get(&path).await.text.contains(&whole));
    assert_eq!(viewer.post(&whole, &[]).await.status, StatusCode::FORBIDDEN);
    assert!(owner.get(&path).await.text.contains(&whole));
    let file = owner.post(&whole, &[("ended", "put_through")]).await.text;
    assert!(file.ends_with(&line("+447700900321", "R-321")), "{file}");
    assert_eq!(owner.post(&whole, &[("ended", "busy")]).await.text.lines().count(), 1);
    assert_eq!(tenant.audit_events("campaign", "revealed", None, 10).await.expect("read").rows.len(), 2, "each with whole numbers");
}

/// A browser's player drops its first request for a file as it likes, and asks anew.
#[tokio::test]
async fn a_player_that_hung_up_and_asks_again_has_listened_once() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let tenant = world.as_operator().await;
    let path = owner.post("/campaigns/new", &[("name", "Recorded"), ("channel", "voice")]).await.location().to_owned();
    let campaign: CampaignId = path.rsplit('/').next().expect("an identifier").parse().expect("an identifier");
    let talk = recorded(&tenant, campaign, RecordingKind::Talk, true).await;
    let sound = format!("/recordings/{}.wav", talk.recording);

    let heard_by_now = async || tenant.audit_events("recording", "listened", None, 10).await.expect("read").rows.len();
    // Nothing can be written while this is open: the first request waits at its audit until it is dropped, and so does the second.
    let open = world.store.db().begin().await.expect("begins");
    assert!(tokio::time::timeout(Duration::from_millis(300), owner.get(&sound)).await.is_err(), "heard before it was in the audit");
    let mut again = Box::pin(owner.get(&sound));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut again).await.is_err(), "heard before it was in the audit");
    assert_eq!(heard_by_now().await, 0);
    drop(open);
    assert_eq!((again.await.status, heard_by_now().await), (StatusCode::OK, 1));
    assert_eq!((owner.get(&sound).await.status, heard_by_now().await), (StatusCode::OK, 1));
}

#[tokio::test]
async fn recordings_are_set_up_heard_paused_and_labelled() {
    let world = World::new().await;
    let [owner, viewer, officer] = [world.browser(Role::Owner).await, world.browser(Role::Viewer).await, world.browser(Role::PrivacyOfficer).await];
    let tenant = world.as_operator().await;
    let path = owner.post("/campaigns/new", &[("name", "Recorded"), ("channel", "voice")]).await.location().to_owned();
    assert!(owner.get(&path).await.text.contains("What is recorded"));
    let step = format!("{path}/recording");
    owner.post(&step, &[("talks", "yes")]).await.assert_problem("recording", "how people learn");
    owner.post(&step, &[("openings", "yes"), ("announcement", "This call is recorded.")]).await.assert_problem("recording", "before anything can be said");
    assert_eq!(owner.post(&step, &[("talks", "yes"), ("announcement", "This call is recorded.")]).await.status, StatusCode::SEE_OTHER);
    let page = owner.get(&step).await.text;
    assert!(page.contains("This call is recorded.") && page.contains("checked"), "{page}");
    assert!(owner.get(&path).await.text.contains("Talks with agents"));
    assert_eq!(viewer.get(&step).await.status, StatusCode::FORBIDDEN);

    let campaign: CampaignId = path.rsplit('/').next().expect("an identifier").parse().expect("an identifier");
    let talk = recorded(&tenant, campaign, RecordingKind::Talk, false).await;
    let call = format!("/calls/{}", talk.attempt);
    let page = owner.get(&call).await.text;
    assert!(page.contains(&format!("src=\"/recordings/{}.wav\"", talk.recording)) && page.contains("Pause the recording"), "{page}");
    assert!(!viewer.get(&call).await.text.contains("<audio"), "whoever may not listen sees that it is there, and no player");
    assert!(viewer.get(&call).await.text.contains("Talk with an agent recorded, 0:03: running"));
    assert_eq!(viewer.post(&format!("{call}/recording/pause"), &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(owner.post(&format!("{call}/recording/pause"), &[]).await.location(), format!("{call}?said=recording-paused"));
    assert!(owner.get(&call).await.text.contains("It will hold silence in a moment"));
    assert_eq!(owner.post(&format!("{call}/recording/resume"), &[]).await.status, StatusCode::SEE_OTHER);

    // The sound itself: whole, in parts, and each listening in the audit once.
    let sound = format!("/recordings/{}.wav", talk.recording);
    let whole = owner.get(&sound).await;
    assert_eq!((whole.status, whole.header(header::CONTENT_TYPE), whole.header(header::CONTENT_LENGTH)), (StatusCode::OK, "audio/wav", "96044"));
    let part = owner.get_with(&sound, &[("range", "bytes=44-143")]).await;
    assert_eq!((part.status, part.header(header::CONTENT_RANGE)), (StatusCode::PARTIAL_CONTENT, "bytes 44-143/96044"));
    assert_eq!(owner.get_with(&sound, &[("range", "bytes=96044-")]).await.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(viewer.get(&sound).await.status, StatusCode::FORBIDDEN);
    assert_eq!(officer.get(&sound).await.status, StatusCode::OK);
    let heard = tenant.audit_events("recording", "listened", None, 10).await.expect("read").rows;
    assert_eq!(heard.len(), 2, "the owner once, however many parts, and the officer: {heard:?}");

    // What waits for a label does not show the detector's word.
    let opening = recorded(&tenant, campaign, RecordingKind::Opening, true).await;
    let labels = owner.get("/campaigns/labels").await.text;
    assert!(labels.contains(&opening.recording.to_string()) && labels.contains("1 to be labelled") && labels.contains("Refused") && labels.contains("0 of 100"), "{labels}");
    assert_eq!(viewer.get("/campaigns/labels").await.status, StatusCode::FORBIDDEN);
    assert!(!officer.get("/campaigns/labels").await.text.contains("Label this call"), "who may listen may not yet label");
    let label = format!("/calls/{}/label", opening.attempt);
    owner.post(&label, &[]).await.assert_problem("label", "Say who answered");
    assert_eq!(owner.post(&label, &[("label", "human"), ("from", "labels")]).await.location(), "/campaigns/labels?said=labelled");
    let labels = owner.get("/campaigns/labels").await.text;
    assert!(labels.contains("No call waits for a label") && labels.contains("100.00 %") && labels.contains("Between 2.50 % and 100.00 %"), "{labels}");
    assert!(owner.get(&format!("/calls/{}", opening.attempt)).await.text.contains("The detector had said a machine"));
    assert!(owner.get("/campaigns/labels").await.header(header::CONTENT_SECURITY_POLICY).contains("media-src 'self'"));
}
