//! Calls through the API: scripts, prompts, transfer targets, campaigns that call, and calls that are up.

use clarion_domain::attempts::recording::RecordingKind;
use clarion_domain::id::CampaignId;
use clarion_domain::tenancy::role::Role;
use clarion_store::outcomes::{AbandonmentDay, add_abandonment};
use serde_json::{Value, json};

use crate::people::{call, called, recorded, recording, recording_of};
use crate::support::{Answer, World, world};

const SCRIPT: &str = r#"
language = "en-GB"
start = "greeting"
information = { text = "This is Northwind. Nobody is free. Call 020 7946 0000." }

[steps.greeting]
do = "gather"
speech = { prompt = "Greeting" }
keys = { 1 = "agent", 9 = "stop" }
invalid = "bye"
timeout = "bye"

[steps.agent]
do = "transfer"
target = "agents"

[steps.stop]
do = "opt_out"

[steps.bye]
do = "hang_up"
"#;

async fn send_prompt(world: &World, name: &str, kind: &str, once: Option<&str>, file: Vec<u8>) -> Answer {
    let authorization = format!("Bearer {}", world.key);
    let mut headers = vec![("authorization", authorization.as_str()), ("content-type", kind)];
    headers.extend(once.map(|once| ("idempotency-key", once)));
    world.send("POST", &format!("/prompts?name={name}"), &headers, file).await
}

async fn target(world: &World) -> Value {
    let body = json!({"group": "agents", "name": "Leeds", "address": "sip:agents@127.0.0.1:5080", "hours": {"monday": "09:00-17:00"}, "capacity": 10, "priority": 1});
    world.ask("POST", "/transfer-targets", body).await.expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_names_its_faults_until_the_tenant_has_what_it_names() {
    let world = world().await;
    let faults = |answer: Value| -> Vec<(Option<String>, String)> {
        let named = |fault: &Value| (fault["step"].as_str().map(str::to_owned), fault["message"].as_str().expect("a message").to_owned());
        answer["faults"].as_array().expect("faults").iter().map(named).collect()
    };
    let found = faults(world.ask("POST", "/scripts/check", json!({"body": SCRIPT})).await.expect(200));
    assert!(found.iter().any(|(step, text)| step.as_deref() == Some("greeting") && text.contains("no prompt")), "{found:?}");
    assert!(found.iter().any(|(step, text)| step.as_deref() == Some("agent") && text.contains("no transfer target")), "{found:?}");
    assert!(faults(world.ask("POST", "/scripts/check", json!({"body": "start = 1"})).await.expect(200)).iter().all(|(step, _)| step.is_none()));

    target(&world).await;
    send_prompt(&world, "Greeting", "audio/wav", None, recording()).await.expect(200);
    let good = world.ask("POST", "/scripts/check", json!({"body": SCRIPT})).await.expect(200);
    assert_eq!((&good["faults"], &good["targets"]), (&json!([]), &json!(["agents"])));
    assert!(good["tree"].as_array().expect("a tree").iter().any(|line| line["way"] == "on 9" && line["step"] == "stop" && line["depth"] == 1), "{good}");

    let made = world.ask("POST", "/scripts", json!({"name": "Call", "body": SCRIPT})).await.expect(201);
    let path = format!("/scripts/{}", made["id"].as_str().expect("an id"));
    world.ask("POST", "/scripts", json!({"name": "Call", "body": ""})).await.problem(409);
    assert_eq!(world.ask("POST", "/scripts", json!({"name": "Long", "body": "x".repeat(65_537)})).await.problem(422), ["body"]);
    assert_eq!(world.ask("PUT", &path, json!({"name": "", "body": ""})).await.problem(422), ["name"]);
    assert_eq!(world.ask("PUT", &path, json!({"name": "Call again", "body": "unfinished"})).await.expect(200)["body"], "unfinished");
    world.ask("DELETE", &path, Value::Null).await.expect(204);
    world.get(&path).await.problem(404);
    let schema = world.get("/script-schema.json").await;
    assert_eq!(schema.headers["content-type"], "application/schema+json");
    assert!(schema.expect(200)["$schema"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_sent_heard_replaced_and_deleted() {
    let world = world().await;
    let made = send_prompt(&world, "Greeting", "audio/wav", Some("key-1"), recording()).await.expect(200);
    assert_eq!((made["name"].as_str(), made["duration_ms"].as_i64()), (Some("Greeting"), Some(1_000)));
    let again = send_prompt(&world, "Greeting", "audio/wav", Some("key-1"), recording()).await;
    assert_eq!((again.headers["idempotency-replayed"].to_str().ok(), again.expect(200)), (Some("true"), made.clone()));
    send_prompt(&world, "Other", "audio/wav", Some("key-1"), recording()).await.problem(422);

    let path = format!("/prompts/{}", made["id"].as_str().expect("an id"));
    let heard = world.get(&format!("{path}/audio.wav")).await;
    assert!(heard.status == 200 && heard.headers["content-type"] == "audio/wav" && heard.text.starts_with("RIFF"));
    let shorter = recording_of(4_000);
    let replaced = send_prompt(&world, "Greeting", "application/octet-stream", None, shorter).await.expect(200);
    assert_eq!((&replaced["id"], replaced["duration_ms"].as_i64()), (&made["id"], Some(500)));

    for (name, kind, file, status) in [
        ("Greeting", "audio/mpeg", b"this is no sound at all".to_vec(), 415),
        ("Greeting", "text/csv", recording(), 415),
        ("Greeting", "audio/wav", Vec::new(), 422),
        ("Greeting", "audio/wav", clarion_edge::wav(&[0; 8_000]), 422),
        ("", "audio/wav", recording(), 400),
    ] {
        send_prompt(&world, name, kind, None, file).await.problem(status);
    }
    world.ask("DELETE", &path, Value::Null).await.expect(204);
    world.ask("DELETE", &path, Value::Null).await.problem(404);
    assert_eq!(world.get("/prompts").await.expect(200)["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_target_names_its_faults_and_hears_how_many_agents_are_free() {
    let world = world().await;
    let bad = json!({"group": "Our agents", "name": "", "address": "+44909879000", "hours": {"monday": "9 to 5"}, "capacity": 0, "priority": -1});
    assert_eq!(world.ask("POST", "/transfer-targets", bad).await.problem(422), ["group", "name", "address", "hours", "capacity", "priority"]);
    let made = target(&world).await;
    assert_eq!((&made["told"], &made["enabled"], &made["hours"]["monday"]), (&Value::Null, &json!(true), &json!("09:00-17:00")));
    let path = format!("/transfer-targets/{}", made["id"].as_str().expect("an id"));
    let free = format!("{path}/free-agents");
    assert_eq!(world.ask("PUT", &free, json!({"free_agents": 10_001})).await.problem(422), ["free_agents"]);
    assert_eq!(world.ask("PUT", &free, json!({})).await.problem(422), ["free_agents"]);
    assert_eq!(world.ask("PUT", &free, json!({"free_agents": -1})).await.problem(422), ["free_agents"]);
    // The call centre's own key needs no more than a supervisor's.
    let centre = world.key_of(Role::Supervisor).await;
    assert_eq!(world.ask_as(&centre, "PUT", &free, json!({"free_agents": 7})).await.expect(200)["told"]["free_agents"], 7);
    world.ask_as(&centre, "DELETE", &path, Value::Null).await.problem(403);
    assert_eq!(world.ask("PUT", &free, json!({"free_agents": null})).await.expect(200)["told"], Value::Null);
    assert_eq!(made["line"], json!({"transport": "udp", "codecs": ["pcma", "pcmu"], "encryption": "offered", "tls_ca_pem": "", "tls_pin_sha256": ""}));
    let line = json!({"transport": "tls", "codecs": ["pcmu"], "encryption": "required", "tls_pin_sha256": "ab".repeat(32)});
    let direct = json!({"group": "agents", "name": "York", "address": "sip:agents@192.0.2.7", "line": line, "capacity": 2, "priority": 1});
    let direct = world.ask("POST", "/transfer-targets", direct).await.expect(201);
    assert_eq!((&direct["line"]["encryption"], &direct["line"]["codecs"]), (&json!("required"), &json!(["pcmu"])));
    let unkept = json!({"group": "agents", "name": "Hull", "address": "sip:agents@192.0.2.8", "line": {"encryption": "required", "codecs": []}, "capacity": 2, "priority": 1});
    assert_eq!(world.ask("POST", "/transfer-targets", unkept).await.problem(422), ["codecs", "encryption"]);
    let changed = json!({"group": "agents", "name": "Leeds", "address": "+442079460123", "capacity": 2, "priority": 1, "enabled": false});
    let changed = world.ask("PUT", &path, changed).await.expect(200);
    assert_eq!((&changed["enabled"], &changed["hours"]), (&json!(false), &Value::Null));
    world.ask("DELETE", &path, Value::Null).await.expect(204);
    world.get(&path).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_calls_with_its_script_and_pace() {
    let world = world().await;
    for (body, field) in [
        (json!({"name": "Texts", "script": SCRIPT}), "script"),
        (json!({"name": "Texts", "call_pacing": {"pace": {"mode": "agentless"}, "calls_per_second_max": 1, "calls_at_once_max": 1, "ring_ms_max": 20_000}}), "call_pacing"),
        (json!({"name": "Calls", "channel": "voice", "body": "Hello"}), "body"),
        (json!({"name": "Calls", "channel": "post"}), "channel"),
        (json!({"name": "Calls", "channel": "voice", "call_pacing": {"pace": {"mode": "progressive"}, "calls_per_second_max": 1, "calls_at_once_max": 1, "ring_ms_max": 14_999}}), "call_pacing.ring_ms_max"),
        (json!({"name": "Calls", "channel": "voice", "call_pacing": {"pace": {"mode": "predictive", "ceiling_bp": 301}, "calls_per_second_max": 1, "calls_at_once_max": 1, "ring_ms_max": 20_000}}), "call_pacing.pace.ceiling_bp"),
    ] {
        assert_eq!(world.ask("POST", "/campaigns", body).await.problem(422), [field]);
    }
    let pacing = json!({"pace": {"mode": "power", "calls_per_slot_percent": 150}, "calls_per_second_max": 3, "calls_at_once_max": 40, "ring_ms_max": 25_000});
    let made = world.ask("POST", "/campaigns", json!({"name": "Calls", "channel": "voice", "script": SCRIPT, "call_pacing": pacing, "sender": "Northwind"})).await.expect(201);
    assert_eq!((&made["channel"], &made["script"], &made["call_pacing"]), (&json!("voice"), &json!(SCRIPT), &pacing));
    let path = format!("/campaigns/{}", made["id"].as_str().expect("an id"));
    let faults = world.get(&format!("{path}/faults")).await.expect(200);
    let fields: Vec<&str> = faults["faults"].as_array().expect("faults").iter().filter_map(|fault| fault["field"].as_str()).collect();
    assert!(fields.contains(&"script") && fields.contains(&"sender") && !fields.contains(&"body"), "{fields:?}");
    world.get(&format!("{path}/preview")).await.problem(409);
    world.ask("POST", &format!("{path}/test-sends"), json!({"number": "07700 900777"})).await.problem(409);
    // Once its script is whole, it calls whoever tries it.
    target(&world).await;
    send_prompt(&world, "Greeting", "audio/wav", None, recording()).await.expect(200);
    assert_eq!(world.ask("POST", &format!("{path}/test-sends"), json!({"number": "none"})).await.problem(422), ["number"]);
    let test = world.ask("POST", &format!("{path}/test-sends"), json!({"number": "07700 900777"})).await.expect(202);
    let test = world.get(&format!("/notices/{}", test["id"].as_str().expect("an id"))).await.expect(200);
    assert_eq!((&test["state"], &test["call"]), (&json!("waiting"), &Value::Null));
    let text = world.ask("POST", "/campaigns", json!({"name": "Texts"})).await.expect(201);
    assert_eq!((&text["channel"], &text["call_pacing"]), (&json!("sms"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_up_are_counted_and_the_rate_stands_against_its_ceiling() {
    let world = world().await;
    let pacing = json!({"pace": {"mode": "predictive", "ceiling_bp": 100}, "calls_per_second_max": 3, "calls_at_once_max": 40, "ring_ms_max": 25_000});
    let made = world.ask("POST", "/campaigns", json!({"name": "Calls", "channel": "voice", "script": SCRIPT, "call_pacing": pacing})).await.expect(201);
    let id = made["id"].as_str().expect("an id");
    let campaign = id.parse().expect("an identifier");
    let ringing = call(&world.tenant, campaign, "ringing").await;
    call(&world.tenant, campaign, "ringing").await;
    call(&world.tenant, campaign, "bridged").await;
    let mut tx = world.tenant.store().db().begin().await.expect("begins");
    for (day, abandoned, passed) in [("2026-11-23", 1, 99), ("2026-10-25", 2, 98), ("2026-10-24", 50, 0)] {
        let counts = AbandonmentDay { day: day.into(), abandoned, passed, machine_ended: 0, answered: abandoned + passed, silent: abandoned, latched_at: None };
        add_abandonment(&mut tx, world.tenant.id(), campaign, &counts).await.expect("counted");
    }
    tx.commit().await.expect("commits");
    let live = world.get(&format!("/campaigns/{id}/calls")).await.expect(200);
    assert_eq!(live["states"], json!([{"state": "bridged", "n": 1}, {"state": "ringing", "n": 2}]));
    assert_eq!((&live["abandoned"]["ceiling_bp"], &live["abandoned"]["today"]["rate_bp"]), (&json!(100), &json!(100)));
    let days_30 = &live["abandoned"]["days_30"];
    assert_eq!((&days_30["abandoned"], &days_30["rate_bp"]), (&json!(3), &json!(150)), "the day before the thirtieth is left out");
    assert_eq!((&live["abandoned"]["today"]["silent"], &days_30["silent"]), (&json!(1), &json!(3)));
    assert_eq!(live["calls"].as_array().map(Vec::len), Some(3));
    let record = world.get(&format!("/calls/{ringing}")).await.expect(200);
    assert_eq!((record["state"].as_str(), record["step"].as_str(), &record["answered_at"]), (Some("ringing"), Some("greeting"), &Value::Null));
    world.get("/calls/att_0000000000001").await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_are_listed_heard_paused_and_labelled() {
    let world = world().await;
    let new = json!({"name": "Recorded", "channel": "voice", "recording": {"talks": true, "announcement": "This call is recorded."}});
    let campaign = world.ask("POST", "/campaigns", new).await.expect(201);
    assert_eq!(campaign["recording"], json!({"talks": true, "openings": false, "announcement": "This call is recorded.", "told_in": ""}));
    world.ask("POST", "/campaigns", json!({"name": "Texts", "recording": {"talks": true}})).await.problem(422);
    let id: CampaignId = campaign["id"].as_str().expect("an identifier").parse().expect("an identifier");
    let tenant = world.tenant.clone();
    let talk = recorded(&tenant, id, RecordingKind::Talk, false).await;

    let listed = world.get(&format!("/campaigns/{id}/recordings")).await.expect(200);
    let one = &listed["items"][0];
    assert_eq!((&one["kind"], &one["channels"], &one["duration_ms"], &one["ended_at"]), (&json!("talk"), &json!(2), &json!(3_000), &json!(null)));
    assert_eq!(world.get(&format!("/calls/{}/recordings", talk.attempt)).await.expect(200)["items"][0], *one);
    assert_eq!(world.get(&format!("/recordings/{}", talk.recording)).await.expect(200), *one);
    world.ask("POST", &format!("/calls/{}/recording/pause", talk.attempt), Value::Null).await.expect(204);
    assert_eq!(world.get(&format!("/recordings/{}", talk.recording)).await.expect(200)["pause_wanted"], true);
    world.ask("POST", &format!("/calls/{}/recording/resume", talk.attempt), Value::Null).await.expect(204);

    let sound = format!("/recordings/{}/audio.wav", talk.recording);
    let whole = world.get(&sound).await;
    assert!(whole.status == 200 && whole.headers["content-type"] == "audio/wav" && whole.headers["content-length"] == "96044" && whole.text.starts_with("RIFF"));
    let heard = tenant.audit_events("recording", "listened", None, 10).await.expect("read").rows;
    assert_eq!(heard.len(), 1);
    let viewer = world.key_of(Role::Viewer).await;
    world.ask_as(&viewer, "GET", &sound, Value::Null).await.problem(403);

    let opening = recorded(&tenant, id, RecordingKind::Opening, true).await;
    let register = world.get("/labels").await.expect(200);
    assert_eq!((&register["scripts_may_act_on_machines"], &register["labelled_machines_min"], &register["waiting"]), (&json!(false), &json!(100), &json!(1)));
    let label = world.ask("PUT", &format!("/calls/{}/label", opening.attempt), json!({"label": "human"})).await.expect(200);
    assert_eq!((&label["label"], &label["judged"]), (&json!("human"), &json!("machine")));
    let register = world.get("/labels").await.expect(200);
    let detector = &register["detectors"][0];
    assert_eq!(detector["machines_mistaken"], json!({"n": 1, "of": 1, "rate_bp": 10_000, "low_bp": 250, "high_bp": 10_000}));
    assert_eq!((&detector["confusion"], &register["waiting"]), (&json!([{"label": "human", "judged": "machine", "n": 1}]), &json!(0)));
    world.ask("PUT", &format!("/calls/{}/label", opening.attempt), json!({"label": "unsure"})).await.problem(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_say_whose_call_it_was_and_how_long() {
    let world = world().await;
    let (campaign, attempt) = called(&world.tenant).await;
    assert_eq!(world.get(&format!("/calls/{attempt}")).await.expect(200)["disposition"], "put_through");
    let path = format!("/campaigns/{campaign}");
    let of = async |query: &str| world.get(&format!("{path}/recipients{query}")).await.expect(200)["items"][0].clone();
    let masked = of("").await;
    assert_eq!(masked["call"], json!({"answered_by": "human", "ring_ms": 4_200, "call_ms": 65_000, "talk_ms": 50_000}));
    assert_eq!((masked["reference"].as_str(), of("?reveal=true").await["reference"].as_str()), (Some("…"), Some("R-321")));
    let csv = world.get(&format!("{path}/results.csv?reveal=true")).await.text;
    assert!(csv.lines().nth(1).is_some_and(|line| line.contains(",+447700900321,") && line.ends_with(",,R-321,human,4.2,65.0,50.0")), "{csv}");
    assert!(!world.get(&format!("{path}/results.csv")).await.text.contains("R-321"));
}
