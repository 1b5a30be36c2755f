//! Instructions and connectors over the API.

use serde_json::{Value, json};

use crate::support::world;

fn instruction() -> Value {
    json!({"kind": "pull", "reference": "NW-2026-014", "fields": ["phone", "first_name"], "purpose": "Appointment reminders", "legal_basis": "contract",
        "agreed_by": "Grace Hopper", "valid_from": "2020-01-01T00:00:00Z", "valid_until": "2090-01-01T00:00:00Z"})
}

fn connector(instruction: &Value) -> Value {
    json!({"name": "CRM", "instruction": instruction, "secret": "hush", "settings": {"url": "https://crm.example.com/people", "format": "json", "rows_at": "/data",
        "fields": [{"from": "mobile", "to": "phone"}, {"from": "surname", "to": "last_name"}], "paging": "link_header", "incremental": "everything", "authentication": "bearer", "times": "every 2 hours"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_without_an_instruction_and_a_connector_is_made_paused() {
    let world = world().await;
    assert_eq!(world.ask("POST", "/connectors", connector(&json!("ins_0000000000001"))).await.problem(422), ["instruction"]);
    let mut short = instruction();
    (short["purpose"], short["fields"], short["valid_until"]) = (json!("short"), json!(["shoe"]), json!("2010-01-01T00:00:00Z"));
    assert_eq!(world.ask("POST", "/instructions", short).await.problem(422), ["purpose", "valid_until", "fields", "fields"]);
    let recorded = world.ask("POST", "/instructions", instruction()).await.expect(201);
    assert_eq!((&recorded["version"], &recorded["standing"]), (&json!(1), &json!("in_force")));
    assert_eq!(world.ask("POST", "/instructions", instruction()).await.problem(422), ["reference"]);

    let mut wrong = connector(&recorded["id"]);
    (wrong["settings"]["times"], wrong["settings"]["url"]) = (json!("sometimes"), json!("http://crm.example.com/"));
    assert_eq!(world.ask("POST", "/connectors", wrong.clone()).await.problem(422), ["times"]);
    wrong["settings"]["times"] = json!("by hand");
    assert_eq!(world.ask("POST", "/connectors", wrong).await.problem(422), ["url"]);
    let made = world.ask("POST", "/connectors", connector(&recorded["id"])).await;
    assert!(!made.text.contains("hush"));
    let made = made.expect(201);
    assert_eq!((&made["state"], &made["has_secret"], &made["settings"]["times"], &made["next_at"]), (&json!("paused"), &json!(true), &json!("every 2 hours"), &Value::Null));
    let path = format!("/connectors/{}", made["id"].as_str().expect("an id"));
    world.ask("POST", &format!("{path}/pull"), Value::Null).await.problem(409);
    let run = world.ask("POST", &format!("{path}/preview"), Value::Null).await.expect(202)["run"].as_str().expect("an id").to_owned();
    let shown = world.get(&format!("{path}/runs/{run}")).await.expect(200);
    assert_eq!((&shown["run"]["kind"], &shown["run"]["state"], &shown["preview"]), (&json!("preview"), &json!("waiting"), &Value::Null));
    world.ask("POST", &format!("{path}/resume"), Value::Null).await.expect(204);
    let on = world.get(&path).await.expect(200);
    assert!(on["state"] == "on" && on["next_at"].is_string(), "{on}");

    let next = world.ask("POST", &format!("/instructions/{}/versions", recorded["id"].as_str().expect("an id")), instruction()).await.expect(201);
    assert_eq!((&next["version"], &world.get(&path).await.expect(200)["instruction"]), (&json!(2), &next["id"]));
    let revoke = format!("/instructions/{}/revoke", next["id"].as_str().expect("an id"));
    world.ask("POST", &revoke, json!({"why": "the contract ended"})).await.expect(204);
    let stopped = world.get(&path).await.expect(200);
    assert_eq!((&stopped["state"], &stopped["stopped_why"]), (&json!("stopped"), &json!("its instruction was revoked")));
    world.ask("POST", &format!("{path}/resume"), Value::Null).await.problem(409);
    let register = world.get("/instructions").await.expect(200);
    assert_eq!(register["items"].as_array().expect("items").iter().map(|one| one["standing"].as_str().expect("a word")).collect::<Vec<_>>(), ["revoked", "replaced"]);
    world.ask("DELETE", &path, Value::Null).await.expect(204);
    world.get(&path).await.problem(404);
    for kind in ["instruction", "connector"] {
        assert!(world.tenant.audit_events(kind, "", None, 50).await.expect("the audit").rows.len() >= 4, "every change of a {kind} is audited");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_needs_an_instruction_of_its_own_and_a_place_to_go() {
    let world = world().await;
    let pull = world.ask("POST", "/instructions", instruction()).await.expect(201);
    let mut export = instruction();
    (export["kind"], export["fields"]) = (json!("export"), json!(["reference", "outcome"]));
    let recorded = world.ask("POST", "/instructions", export).await.expect(201);
    let new = |instruction: &Value| {
        json!({"name": "Results", "instruction": instruction, "at_end": true, "after_minutes": 30, "times": "at 06:00", "format": "jsonl", "target": "https_post", "url": "https://crm.example.com/results"})
    };
    assert_eq!(world.ask("POST", "/exports", new(&pull["id"])).await.problem(422), ["instruction"]);
    let mut wrong = new(&recorded["id"]);
    (wrong["url"], wrong["after_minutes"]) = (json!("https://169.254.169.254/{file}"), json!(-1));
    assert_eq!(world.ask("POST", "/exports", wrong).await.problem(422), ["after_minutes", "url"]);
    let mut nowhere = new(&recorded["id"]);
    nowhere["target"] = json!("sftp");
    assert_eq!(world.ask("POST", "/exports", nowhere).await.problem(422), ["account"]);
    let made = world.ask("POST", "/exports", new(&recorded["id"])).await.expect(201);
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    let path = format!("/exports/{}", made["export"]["id"].as_str().expect("an id"));
    let shown = world.get(&path).await;
    assert!(secret.starts_with("whsec_") && !shown.text.contains("whsec_"));
    let shown = shown.expect(200);
    assert_eq!((&shown["state"], &shown["export"]["times"]), (&json!("on"), &json!("at 06:00")));
    assert!(shown["next_at"].is_string());
    assert_ne!(world.ask("POST", &format!("{path}/secret"), Value::Null).await.expect(200)["secret"], secret.as_str());
    let campaign = world.ask("POST", "/campaigns", json!({"name": "November"})).await.expect(201)["id"].clone();
    world.ask("POST", &format!("{path}/files"), json!({"campaign": campaign})).await.problem(409);
    assert_eq!(world.get(&format!("{path}/files")).await.expect(200)["items"], json!([]));
    world.ask("POST", &format!("{path}/pause"), Value::Null).await.expect(204);
    assert_eq!(world.get(&path).await.expect(200)["next_at"], Value::Null);
    world.ask("POST", &format!("{path}/resume"), Value::Null).await.expect(204);
    world.ask("DELETE", &path, Value::Null).await.expect(204);
    world.get(&path).await.problem(404);
}
