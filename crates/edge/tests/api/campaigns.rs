//! Campaigns: drafted, found wanting, mended, started, paused, cancelled.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::tenancy::role::Role;
use serde_json::{Value, json};

use crate::people::{person, route};
use crate::support::{World, world};

async fn audience(world: &World) -> String {
    let list = world.ask("POST", "/lists", json!({"name": "Arrears"})).await.expect(201)["id"].as_str().expect("an id").to_owned();
    for last in 1..=3 {
        let contact = person(&world.tenant, last, if last == 3 { "" } else { "Ada" }).await.to_string();
        world.ask("POST", &format!("/lists/{list}/add"), json!({"contact": contact})).await.expect(204);
    }
    list
}

fn whole(list: &str) -> Value {
    json!({"name": "November", "purpose": "reminder", "legal_basis": "contract", "list": list, "sender": "Northwind",
        "body": "Hello {first_name}, your payment is due on Friday. Northwind, 020 7946 0000",
        "schedule": {"starts_at": null, "ends_at": null, "days": ["monday", "tuesday"], "from": "09:00", "until": "18:00"},
        "retry": {"attempts_max": 2, "rules": [{"after": "expired", "delay_minutes": 60}]}, "rate_per_second": 20})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_says_what_it_needs_and_starts_when_it_has_it() {
    let world = world().await;
    let list = audience(&world).await;
    let draft = world.ask("POST", "/campaigns", json!({"name": "November"})).await.expect(201);
    let path = format!("/campaigns/{}", draft["id"].as_str().expect("an id"));
    assert_eq!((draft["state"].as_str(), &draft["purpose"]), (Some("draft"), &Value::Null));
    let fields = world.ask("POST", &format!("{path}/start"), Value::Null).await.problem(422);
    assert!(["purpose", "body", "sender"].iter().all(|field| fields.iter().any(|at| at == field)), "{fields:?}");

    world.ask("POST", "/senders", json!({"value": "Northwind", "takes_replies": false, "evidence": "registered mark"})).await.expect(200);
    route(&world.tenant, Channel::Sms).await;
    let edited = world.ask("PUT", &path, whole(&list)).await.expect(200);
    assert_eq!((edited["schedule"]["from"].as_str(), edited["retry"]["rules"][0]["delay_minutes"].as_u64()), (Some("09:00"), Some(60)));
    let faults = world.get(&format!("{path}/faults")).await.expect(200);
    assert_eq!(faults["faults"], json!([]));

    let preview = world.get(&format!("{path}/preview?people=3")).await.expect(200);
    let (first, last) = (&preview["items"][0], &preview["items"][2]);
    assert_eq!((first["text"].as_str(), first["number"].as_str()), (Some("Hello Ada, your payment is due on Friday. Northwind, 020 7946 0000"), Some("…0001")));
    assert!(last["text"].is_null() && last["fault"].as_str().is_some_and(|fault| fault.contains("first_name")));
    world.get(&format!("{path}/preview?people=51")).await.problem(400);

    let run = world.ask("POST", &format!("{path}/dry-runs"), Value::Null).await;
    let address = run.headers["location"].to_str().expect("an address").strip_prefix("/api/v1").expect("of the API").to_owned();
    assert_eq!(world.get(&address).await.expect(200)["done_at"], Value::Null);
    assert_eq!(run.expect(202)["campaign"], draft["id"]);

    assert_eq!(world.ask("POST", &format!("{path}/schedule"), json!({"starts_at": "2026-11-23T11:00:00Z"})).await.problem(422), ["schedule"]);
    assert_eq!(world.ask("POST", &format!("{path}/schedule"), json!({"starts_at": "2026-11-24T09:00:00Z"})).await.expect(200)["state"], "scheduled");
    assert_eq!(world.ask("POST", &format!("{path}/unschedule"), Value::Null).await.expect(200)["state"], "draft");
    assert_eq!(world.ask("POST", &format!("{path}/start"), Value::Null).await.expect(200)["state"], "starting");
    world.ask("POST", &format!("{path}/start"), Value::Null).await.problem(409);
    world.ask("POST", &format!("{path}/resume"), Value::Null).await.problem(409);
    world.ask("PUT", &path, whole(&list)).await.problem(409);
    assert_eq!(world.ask("PUT", &format!("{path}/rate"), json!({"rate_per_second": 7})).await.expect(200)["rate_per_second"], 7);
    assert_eq!(world.ask("POST", &format!("{path}/cancel"), Value::Null).await.expect(200)["state"], "cancelled");

    let listing = world.get("/campaigns?state=cancelled&name=NOV").await.expect(200);
    assert_eq!(listing["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.get(&format!("{path}/counts")).await.expect(200)["attempts"], json!([]));
    assert_eq!(world.get(&format!("{path}/recipients?outcome=delivered")).await.expect(200)["items"], json!([]));
    let csv = world.get(&format!("{path}/results.csv")).await;
    assert_eq!(world.get("/audit-events?act=exported&object_kind=campaign").await.expect(200)["items"].as_array().map(Vec::len), Some(1), "masked or not, a download is on record");
    assert_eq!(csv.text, "position,contact,number,state,disposition,cause,rules,try,at,step,ended,clicks,reference,answered_by,ring_seconds,call_seconds,talk_seconds\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_a_draft_of_its_own() {
    let world = world().await;
    let list = audience(&world).await;
    world.ask("POST", "/senders", json!({"value": "Northwind", "takes_replies": false, "evidence": "registered mark"})).await.expect(200);
    route(&world.tenant, Channel::Sms).await;
    let mut body = whole(&list);
    body["then"] = json!([{"wait": {"days": 2}, "channel": "sms", "sender": "Northwind", "body": "Your payment is due. Northwind, 020 7946 0000"}]);
    let made = world.ask("POST", "/campaigns", body).await.expect(201);
    let path = format!("/campaigns/{}", made["id"].as_str().expect("an id"));
    world.ask("POST", &format!("{path}/start"), Value::Null).await.expect(200);

    let answer = world.post_once("c1", &format!("{path}/copy"), Value::Null).await;
    let copy = answer.expect(201);
    let address = format!("/campaigns/{}", copy["id"].as_str().expect("an id"));
    assert_eq!(answer.headers["location"], format!("/api/v1{address}"));
    assert_ne!(copy["id"], made["id"]);
    let said = |campaign: &Value| {
        let mut said = campaign.clone();
        ["id", "name", "sequence", "created_at"].iter().for_each(|field| assert!(said.as_object_mut().expect("an object").remove(*field).is_some(), "{field}"));
        said
    };
    assert_eq!((copy["name"].as_str(), copy["state"].as_str(), &copy["started_at"]), (Some("November (copy)"), Some("draft"), &Value::Null));
    assert_eq!(said(&copy), said(&made), "all that the original said before it started");
    assert_eq!(world.get(&address).await.expect(200), copy);
    assert_eq!(world.get(&format!("{address}/faults")).await.expect(200)["faults"], json!([]));
    assert_eq!(world.post_once("c1", &format!("{path}/copy"), Value::Null).await.expect(201), copy, "a repeated request makes no second copy");
    assert_eq!(world.get("/campaigns").await.expect(200)["items"].as_array().map(Vec::len), Some(2));

    world.ask("POST", &format!("{address}/cancel"), Value::Null).await.expect(200);
    assert_eq!(world.ask("POST", &format!("{address}/copy"), Value::Null).await.expect(201)["name"], "November (copy 2)");
    let viewer = world.key_of(Role::Viewer).await;
    world.ask_as(&viewer, "POST", &format!("{path}/copy"), Value::Null).await.problem(403);
    world.ask_as(&world.other, "POST", &format!("{path}/copy"), Value::Null).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_list_cannot_be_an_audience() {
    let world = world().await;
    let list = audience(&world).await;
    assert_eq!(world.ask_as(&world.other, "POST", "/campaigns", json!({"name": "Theirs", "list": list})).await.problem(422), ["list"]);
    let body = json!({"name": "November", "retry": {"attempts_max": 2, "rules": [{"after": "soon", "delay_minutes": 60}]}});
    assert_eq!(world.ask("POST", "/campaigns", body).await.problem(422), ["retry.rules[0].after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_asks_why_not_and_gets_a_test() {
    let world = world().await;
    audience(&world).await;
    let campaign = world.ask("POST", "/campaigns", whole_without_list()).await.expect(201);
    let path = format!("/campaigns/{}", campaign["id"].as_str().expect("an id"));
    world.ask("POST", "/suppressions", json!({"number": "07700 900001", "scope": "every", "reason": "opt_out"})).await.expect(201);
    let answer = world.ask("POST", &format!("{path}/why-not"), json!({"number": "07700 900001"})).await.expect(200);
    assert_eq!((answer["decision"]["kind"].as_str(), answer["suppressions"].as_array().map(Vec::len)), (Some("refused"), Some(1)));

    let sent = world.ask("POST", &format!("{path}/test-sends"), json!({"number": "07700 900777"})).await.expect(202);
    assert_eq!(world.get(&format!("/notices/{}", sent["id"].as_str().expect("an id"))).await.expect(200)["state"], "waiting");
    assert_eq!(world.ask("POST", &format!("{path}/test-sends"), json!({"number": "none"})).await.problem(422), ["number"]);
}

fn whole_without_list() -> Value {
    let mut body = whole("");
    body.as_object_mut().expect("an object").remove("list");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_measured_and_kept() {
    let world = world().await;
    let measured = world.ask("POST", "/templates/measure", json!({"body": "Grüße, {first_name} – 100 €"})).await.expect(200);
    assert_eq!((measured["alphabet"].as_str(), measured["outside_gsm"].clone()), (Some("ucs2"), json!(["–"])));
    assert_eq!((measured["fields"].clone(), measured["warnings"].as_array().map(Vec::len)), (json!(["first_name"]), Some(1)));
    assert_eq!(world.ask("POST", "/templates/measure", json!({"body": "{shoe}"})).await.problem(422), ["body"]);
    let made = world.ask("POST", "/templates", json!({"name": "Due", "body": "Your payment is due."})).await.expect(201);
    let path = format!("/templates/{}", made["id"].as_str().expect("an id"));
    world.ask("PUT", &path, json!({"name": "Due", "body": "Your payment is due today."})).await.expect(200);
    world.ask("DELETE", &path, Value::Null).await.expect(204);
    world.get(&path).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trunk_names_its_faults_and_never_its_secret() {
    let world = world().await;
    let mut trunk = json!({"name": "Own", "settings": {"kind": "smpp", "host": "", "port": 0, "system_id": "northwind"}, "secret": "hush-hush",
        "rate_per_second": 10, "cost_per_segment": 290, "currency": "GBP"});
    assert_eq!(world.ask("POST", "/trunks", trunk.clone()).await.problem(422), ["settings.host", "settings.port"]);
    trunk["settings"]["host"] = json!("127.0.0.1");
    trunk["settings"]["port"] = json!(2775);
    let made = world.ask("POST", "/trunks", trunk.clone()).await;
    let id = made.expect(201)["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.json()["settings"]["window"], 100);
    assert!(!made.text.contains("hush-hush") && !world.get("/trunks").await.text.contains("hush-hush"));
    trunk["settings"]["shoe"] = json!(1);
    world.ask("PUT", &format!("/trunks/{id}"), trunk).await.problem(422);
    assert_eq!(world.ask("POST", "/routes", json!({"prefix": "+44", "trunk": "trk_0000000000001", "priority": 1})).await.problem(422), ["trunk"]);
    let route = world.ask("POST", "/routes", json!({"prefix": "+44", "trunk": id, "priority": 1})).await.expect(201);
    world.ask("DELETE", &format!("/routes/{}", route["id"].as_str().expect("an id")), Value::Null).await.expect(204);
}
