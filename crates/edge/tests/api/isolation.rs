//! What one tenant has does not exist for another.

use clarion_domain::attempts::recording::RecordingKind;
use clarion_domain::id::CampaignId;
use clarion_edge::api::openapi_document;
use clarion_store::db::Statement;
use clarion_store::{Tenant, params};
use clarion_store::tenancy::{Carried, NewPasskey};
use serde_json::{Value, json};

use crate::people::{call, import, person, recorded, recording, reply, user};
use crate::support::{NOW, World, world};

/// A thing of the first tenant for each parameter that a path can name.
async fn things(world: &World) -> Vec<(&'static str, String)> {
    let contact = person(&world.tenant, 123, "Ada").await.to_string();
    let mut things = vec![("contact", contact), ("import", import(&world.tenant).await), ("reply", reply(&world.tenant).await), ("user", user(&world.tenant).await)];
    for (name, path, body) in [
        ("list", "/lists", json!({"name": "Arrears"})),
        ("field", "/fields", json!({"name": "balance_due", "purpose": "To tell people what is owed", "retention_days": 90})),
        ("filter", "/filters", json!({"name": "Mobiles", "all_of": [{"is": "line_type", "any_of": ["mobile"]}]})),
        ("template", "/templates", json!({"name": "Due", "body": "Your payment is due. Northwind"})),
        ("campaign", "/campaigns", json!({"name": "November", "body": "Hello {first_name}, your payment is due. Northwind"})),
        ("suppression", "/suppressions", json!({"number": "07700 900999", "scope": "every", "reason": "tenant_list"})),
        ("hold", "/holds", json!({"contact": "<contact>", "reason": "dispute"})),
        ("consent", "/consents", json!({"contact": "<contact>", "channel": "sms", "purpose": "marketing", "kind": "express", "given_at": "2026-11-01T10:00:00Z",
            "evidence": "form 7", "wording_version": "2026-09", "obtained_in": "other", "refusal_offered": true})),
        ("invitation", "/invitations", json!({"display_name": "Grace", "role": "agent"})),
        ("api_key", "/api-keys", json!({"name": "crm", "role": "viewer"})),
        ("sftp_account", "/sftp-accounts", json!({"username": "drop", "list": null, "reuse_mapping": true, "rename_only": false, "networks": "", "waiting_bytes_max": 1000, "day_files_max": 5, "enabled": true})),
        ("trunk", "/trunks", json!({"name": "Own", "settings": {"kind": "smpp", "host": "127.0.0.1", "port": 2775, "system_id": "northwind"}, "secret": "x",
            "rate_per_second": 10, "cost_per_segment": 290, "currency": "GBP"})),
        ("route", "/routes", json!({"prefix": "+44", "trunk": "<trunk>", "priority": 1})),
        ("script", "/scripts", json!({"name": "Appointment", "body": "start = 1"})),
        ("target", "/transfer-targets", json!({"group": "agents", "name": "Leeds", "address": "+442079460123", "capacity": 10, "priority": 1})),
        ("webhook", "/webhooks", json!({"url": "https://hooks.example.com/in", "events": ["import.loaded"]})),
        ("event", "/webhooks/<webhook>/test", Value::Null),
        ("instruction", "/instructions", json!({"kind": "pull", "reference": "NW-1", "fields": ["phone"], "purpose": "Appointment reminders", "legal_basis": "contract",
            "agreed_by": "Grace Hopper", "valid_from": "2020-01-01T00:00:00Z", "valid_until": "2090-01-01T00:00:00Z"})),
        ("connector", "/connectors", json!({"name": "CRM", "instruction": "<instruction>", "settings": {"url": "https://crm.example.com/people", "format": "json",
            "fields": [{"from": "mobile", "to": "phone"}], "paging": "none", "incremental": "everything", "authentication": "none", "times": "by hand"}})),
        ("run", "/connectors/<connector>/preview", Value::Null),
        ("export_instruction", "/instructions", json!({"kind": "export", "reference": "NW-2", "fields": ["outcome", "reference"], "purpose": "Results for the booking system", "legal_basis": "contract",
            "agreed_by": "Grace Hopper", "valid_from": "2020-01-01T00:00:00Z", "valid_until": "2090-01-01T00:00:00Z"})),
        ("export", "/exports", json!({"name": "Results", "instruction": "<export_instruction>", "at_end": true, "after_minutes": 0, "times": "by hand", "format": "csv", "target": "https_put",
            "url": "https://crm.example.com/{file}"})),
        ("dry_run", "/campaigns/<campaign>/dry-runs", Value::Null),
        ("notice", "/campaigns/<campaign>/test-sends", json!({"number": "07700 900777"})),
    ] {
        let body = serde_json::from_str(&filled(body.to_string(), &things)).expect("JSON");
        let answer = world.ask("POST", &filled(path.to_owned(), &things), body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        let made = answer.json();
        let id = [&made["id"], &made["key"]["id"], &made["webhook"]["id"], &made["export"]["id"], &made["event"], &made["run"], &made["name"]].into_iter().find_map(Value::as_str).expect("an id");
        things.push((name, id.to_owned()));
    }
    let campaign: CampaignId = things.iter().find(|(name, _)| *name == "campaign").and_then(|(_, id)| id.parse().ok()).expect("a campaign");
    things.push(("call", call(&world.tenant, campaign, "ringing").await.to_string()));
    let held = recorded(&world.tenant, campaign, RecordingKind::Talk, true).await;
    // Told last: from here on a list waits for a second person.
    let guarded = world.ask("POST", "/lists", json!({"name": "Guarded"})).await.expect(201)["id"].as_str().expect("an id").to_owned();
    world.ask("POST", &format!("/lists/{guarded}/add"), json!({"contact": things[0].1})).await;
    world.ask("PUT", "/four-eyes", json!({"erase_list_above": 0, "start_campaign_above": null, "raise_limits": false})).await.expect(200);
    world.ask("DELETE", &format!("/lists/{guarded}"), Value::Null).await.problem(403);
    let Carried::Waits(waits) = world.tenant.delete_list(guarded.parse().expect("an id"), NOW).await.expect("asked by somebody") else { panic!("it waits") };
    things.push(("approval", waits.to_string()));
    let grace = things.iter().find(|(name, _)| *name == "user").and_then(|(_, id)| id.parse().ok()).expect("a user");
    world.tenant.open_session(grace, NOW).await.expect("a session");
    things.push(("session", world.tenant.sessions(grace, NOW).await.expect("sessions")[0].id.to_string()));
    let key = NewPasskey { credential_id: b"laptop", public_key: b"-", origin: "https://contact.example.net", counter: 0, name: "Laptop" };
    things.push(("passkey", world.tenant.add_passkey(grace, &key, NOW).await.expect("a passkey").0.to_string()));
    things.push(("recording", held.recording.to_string()));
    things.push(("file", exported(&world.tenant, campaign, &things).await));
    let authorization = format!("Bearer {}", world.key);
    let prompt = world.send("POST", "/prompts?name=Greeting", &[("authorization", &authorization), ("content-type", "audio/wav")], recording()).await.expect(200);
    things.push(("prompt", prompt["id"].as_str().expect("an id").to_owned()));
    things
}

/// A file of results, of a campaign that counts as started for that moment.
async fn exported(tenant: &Tenant, campaign: CampaignId, things: &[(&'static str, String)]) -> String {
    static BEGAN: Statement = Statement { text: "UPDATE campaign SET started_at = $2 WHERE id = $1", postgres: "" };
    let db = tenant.store().db();
    db.execute(&BEGAN, &params![campaign, NOW]).await.expect("began");
    let export = things.iter().find(|(name, _)| *name == "export").and_then(|(_, id)| id.parse().ok()).expect("an export");
    let file = tenant.export_now(export, campaign, NOW).await.expect("a file");
    db.execute(&BEGAN, &params![campaign, Option::<i64>::None]).await.expect("back");
    file.to_string()
}

/// `<contact>` and the like stand for the things themselves.
fn filled(text: String, things: &[(&'static str, String)]) -> String {
    things.iter().fold(text, |text, (name, id)| text.replace(&format!("<{name}>"), id))
}

/// Every operation whose path names a thing, asked by another tenant: there is no such thing. The owner does find it.
#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_things_do_not_exist() {
    let world = world().await;
    let things = things(&world).await;
    let document = openapi_document();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let names: Vec<&str> = path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        if names.is_empty() || names == ["class"] {
            continue; // A class is a word of the glossary, the same for every tenant.
        }
        let address = names.iter().fold(path.clone(), |address, name| {
            let (_, id) = things.iter().find(|(kind, _)| kind == name).unwrap_or_else(|| panic!("{path}: make a {name} in `things`"));
            address.replace(&format!("{{{name}}}"), id)
        });
        for (method, operation) in item.as_object().expect("operations") {
            let body = example(&document, operation, &things);
            let method = method.to_uppercase();
            let answer = world.ask_as(&world.other, &method, &address, body).await;
            answer.problem(404);
            if method == "GET" {
                assert_eq!(world.get(&address).await.status, 200, "{address}: the owner finds it");
            }
        }
    }
}

/// Every operation whose body names a thing, and explicit ones whose address and body name things of two tenants.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_cannot_name_another_tenants_things() {
    let world = world().await;
    let things = things(&world).await;
    let (document, mut asked) = (openapi_document(), 0);
    for (path, item) in document["paths"].as_object().expect("paths").iter().filter(|(path, _)| !path.contains('{')) {
        for (method, operation) in item.as_object().expect("operations") {
            if operation.pointer("/requestBody/content/application~1json/schema").is_none_or(|schema| !has_example(&document, schema)) {
                continue;
            }
            let body = example(&document, operation, &things);
            if !things.iter().any(|(kind, id)| *kind != "field" && body.to_string().contains(id.as_str())) {
                continue;
            }
            let answer = world.ask_as(&world.other, &method.to_uppercase(), path, body).await;
            assert!([404, 422].contains(&answer.status.as_u16()), "{method} {path}: {} {}", answer.status, answer.text);
            asked += 1;
        }
    }
    assert!(asked >= 4, "routes, holds, consents and campaigns name things: {asked}");

    let thing = |name: &str| things.iter().find(|(kind, _)| *kind == name).map(|(_, id)| id.clone()).expect("a thing");
    let own = world.ask_as(&world.other, "POST", "/lists", json!({"name": "Own"})).await.expect(201)["id"].as_str().expect("an id").to_owned();
    world.ask_as(&world.other, "POST", &format!("/lists/{own}/add"), json!({"contact": thing("contact")})).await.problem(404);
    let authorization = format!("Bearer {}", world.other);
    let headers = [("authorization", authorization.as_str()), ("content-type", "text/csv")];
    world.send("POST", &format!("/imports?file_name=a.csv&list={}", thing("list")), &headers, "phone\n07700900001\n").await.problem(404);
    let span = "from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z";
    let measures = world.ask_as(&world.other, "GET", &format!("/reports/measures?{span}&campaign={}", thing("campaign")), Value::Null).await;
    assert_eq!(measures.expect(200)["items"], json!([]));
    for listing in ["/contacts", "/lists", "/campaigns", "/imports", "/suppressions", "/holds", "/replies", "/routes", "/senders", "/templates", "/scripts", "/prompts", "/transfer-targets", "/filters", "/fields", "/legal-holds", "/users", "/sftp-accounts", "/approvals", "/instructions", "/connectors", "/exports"] {
        let page = world.ask_as(&world.other, "GET", listing, Value::Null).await;
        assert_eq!(page.status, 200, "{listing}: {}", page.text);
        assert!(!things.iter().any(|(kind, id)| *kind != "field" && page.text.contains(&format!("\"{id}\""))), "{listing} shows a thing of another tenant");
    }
}

fn has_example(document: &Value, schema: &Value) -> bool {
    schema["$ref"].as_str().and_then(|reference| document.pointer(reference.strip_prefix('#')?)).is_some_and(|schema| schema["example"].is_object())
}

/// A body that the operation reads without complaint, as its schema's `example` has it; null when it takes none.
fn example(document: &Value, operation: &Value, things: &[(&'static str, String)]) -> Value {
    let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") else { return Value::Null };
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')).expect("a named schema");
    let text = document.pointer(pointer).expect("the schema")["example"].to_string();
    let body: Value = serde_json::from_str(&filled(text, things)).expect("JSON");
    assert!(body.is_object(), "{pointer} needs an example");
    body
}
