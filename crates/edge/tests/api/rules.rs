//! The rules that decide, and a tenant's own limits on top of them.

use clarion_domain::tenancy::role::Role;
use serde_json::{Value, json};

use crate::people::person;
use crate::support::world;

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_packs_say_what_decides_and_by_whose_word() {
    let world = world().await;
    let packs = world.get("/rule-packs").await.expect(200);
    let uk = packs["items"].as_array().expect("packs").iter().find(|pack| pack["regions"] == json!(["GB"])).expect("of the United Kingdom").clone();
    assert_eq!((uk["version"].as_str(), uk["in_force"].as_bool(), &uk["valid_to"]), (Some("uk@2026-11-23"), Some(true), &Value::Null));
    let rule = |id: &str| uk["rules"].as_array().expect("rules").iter().find(|rule| rule["rule"] == id).expect(id).clone();
    let consent = rule("UK-26");
    assert_eq!((&consent["purposes"], &consent["channels"], consent["status"].as_str()), (&json!(["marketing"]), &json!(["sms"]), Some("V1-text")));
    assert!(consent["source"].as_str().is_some_and(|source| source.contains("PECR")) && consent["person"].as_str().is_some_and(|words| !words.is_empty()));
    assert_eq!(rule("DP-5")["purposes"].as_array().map(Vec::len), Some(5), "a rule of every purpose");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_read_set_heard_by_the_decision_and_refused_when_they_cannot_be() {
    let world = world().await;
    assert_eq!(world.get("/limits").await.expect(200), json!({"hours": null, "caps": []}));
    let own = json!({"hours": {"monday": "13:00-14:00", "tuesday": "", "wednesday": "", "thursday": "", "friday": "", "saturday": "", "sunday": ""},
        "caps": [{"count_max": 2, "period_hours": 48, "purpose": null}, {"count_max": 1, "period_hours": 24, "purpose": "reminder"}]});
    assert_eq!(world.ask("PUT", "/limits", own.clone()).await.expect(200), own);
    assert_eq!(world.get("/limits").await.expect(200), own);

    person(&world.tenant, 1, "Ada").await;
    let draft = world.ask("POST", "/campaigns", json!({"name": "November", "purpose": "reminder", "legal_basis": "contract",
        "schedule": {"starts_at": null, "ends_at": null, "days": ["monday"], "from": "00:00", "until": "24:00"}})).await.expect(201);
    let path = format!("/campaigns/{}/why-not", draft["id"].as_str().expect("an id"));
    let answer = world.ask("POST", &path, json!({"number": "07700 900001"})).await.expect(200);
    assert_eq!((answer["decision"]["kind"].as_str(), answer["decision"]["reasons"][0]["rule"].as_str()), (Some("deferred"), Some("TENANT-HOURS")));
    assert_eq!(answer["decision"]["until"], "2026-11-23T13:00:00.000Z");

    for bad in [json!({"hours": null, "caps": [{"count_max": 0, "period_hours": 24, "purpose": null}]}), json!({"hours": {"monday": "17:00-09:00"}, "caps": []})] {
        let refused = world.ask("PUT", "/limits", bad).await;
        refused.problem(422);
    }
    let manager = world.key_of(Role::Manager).await;
    world.ask_as(&manager, "PUT", "/limits", json!({"hours": null, "caps": []})).await.problem(403);
    assert_eq!(world.get("/limits").await.expect(200), own, "what was refused changed nothing");
    world.ask("PUT", "/limits", json!({"hours": null, "caps": []})).await.expect(200);
    assert_eq!(world.get("/limits").await.expect(200), json!({"hours": null, "caps": []}));
}
