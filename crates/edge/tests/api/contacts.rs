//! Contacts: found by body, masked unless revealed, kept on lists, suppressed, held.

use clarion_domain::tenancy::role::Role;
use serde_json::{Value, json};

use crate::people::person;
use crate::support::{World, world};

async fn acts(world: &World, act: &str) -> usize {
    world.get(&format!("/audit-events?act={act}")).await.expect(200)["items"].as_array().expect("items").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_masked_until_somebody_who_may_reveals_them() {
    let world = world().await;
    let id = person(&world.tenant, 123, "Ada").await;
    let masked = world.get(&format!("/contacts/{id}")).await;
    assert_eq!(masked.expect(200)["numbers"][0]["number"], "…0123");
    assert!(!masked.text.contains("7700900123"));
    assert_eq!(acts(&world, "revealed").await, 0);

    assert_eq!(world.get(&format!("/contacts/{id}?reveal=true")).await.expect(200)["numbers"][0]["number"], "+447700900123");
    let events = world.get("/audit-events?act=revealed&object_kind=contact").await.expect(200);
    assert_eq!(events["items"][0]["object_id"], id.to_string());
    assert!(events["items"][0]["actor"].as_str().is_some_and(|actor| actor.starts_with("key:key_")));

    let viewer = world.key_of(Role::Viewer).await;
    world.ask_as(&viewer, "GET", &format!("/contacts/{id}?reveal=true"), Value::Null).await.problem(403);
    world.ask_as(&viewer, "GET", &format!("/contacts/{id}"), Value::Null).await.expect(200);
    assert_eq!(acts(&world, "revealed").await, 1);
    assert_eq!(world.get("/contacts").await.expect(200)["items"][0]["number"], "…0123");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_whole_number_or_reference_and_in_their_own_tenant_only() {
    let world = world().await;
    let id = person(&world.tenant, 123, "Ada").await.to_string();
    for body in [json!({"number": "07700 900123"}), json!({"number": "+44 7700 900123"}), json!({"reference": "r-123"})] {
        let found = world.ask("POST", "/contacts/search", body.clone()).await.expect(200);
        assert_eq!((found["items"][0]["id"].as_str(), &found["hint"]), (Some(id.as_str()), &Value::Null), "{body}");
        let nobody = world.ask_as(&world.other, "POST", "/contacts/search", body).await.expect(200);
        assert!(nobody["items"].as_array().is_some_and(Vec::is_empty) && nobody["hint"].is_string());
    }
    assert_eq!(world.ask("POST", "/contacts/search", json!({"number": "12"})).await.problem(422), ["number"]);
    world.ask("POST", "/contacts/search", json!({})).await.problem(422);
    world.ask("POST", "/contacts/search", json!({"number": "07700 900123", "reference": "R-123"})).await.problem(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_people_are_put_at_once_each_with_what_became_of_them() {
    let world = world().await;
    let known = person(&world.tenant, 123, "Ada").await.to_string();
    world.ask("POST", "/fields", json!({"name": "balance_due", "purpose": "To tell the person what is owed", "retention_days": 90})).await.expect(201);
    let list = world.ask("POST", "/lists", json!({"name": "Arrears"})).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let body = json!({"list": list, "contacts": [
        {"number": "07700 900200", "reference": "B-1", "first_name": "Grace", "fields": {"balance_due": "12.50"}},
        {"number": "07700 900123", "last_name": "Lovelace"},
        {"number": "+44 7700 900200"},
        {"number": "07700 900201", "reference": "B-1"},
        {"number": "12"},
        {"number": "07700 900202", "first_name": "=cmd()"},
    ]});
    let put = world.ask("POST", "/contacts/bulk", body.clone()).await.expect(200);
    assert_eq!((&put["added"], &put["updated"], &put["refused"]), (&json!(1), &json!(1), &json!(4)), "{put}");
    let became: Vec<(&str, &str, &str)> = put["items"].as_array().expect("items").iter().map(|item| (item["outcome"].as_str().expect("a word"), item["reason"].as_str().unwrap_or_default(), item["field"].as_str().expect("a field"))).collect();
    assert_eq!(became, [
        ("added", "", ""), ("updated", "", ""), ("refused", "repeated_in_file", "number"), ("refused", "reference_conflict", "reference"),
        ("refused", "phone_impossible", "number"), ("refused", "formula_cell", "first_name"),
    ]);
    assert_eq!(put["items"][1]["contact"], known.as_str());
    assert!(put["items"][4]["message"].as_str().is_some_and(|text| text.len() > 20));
    let grace = world.get(&format!("/contacts/{}", put["items"][0]["contact"].as_str().expect("an id"))).await.expect(200);
    assert_eq!((&grace["fields"]["balance_due"], &grace["import_line"], &grace["lists"][0]["name"]), (&json!("12.50"), &json!(1), &json!("Arrears")));
    let origin = world.get(&format!("/imports/{}", grace["import"].as_str().expect("an import"))).await.expect(200);
    assert_eq!((&origin["import"]["state"], &origin["import"]["file_name"]), (&json!("loaded"), &json!("contacts/bulk")));
    let ada = world.get(&format!("/contacts/{known}")).await.expect(200);
    assert_eq!((&ada["first_name"], &ada["last_name"]), (&json!("Ada"), &json!("Lovelace")), "what is left out stays");
    let again = world.ask("POST", "/contacts/bulk", body).await.expect(200);
    assert_eq!((&again["added"], &again["updated"]), (&json!(0), &json!(2)), "twice is once");
    assert_eq!(world.get(&format!("/contacts?list={list}")).await.expect(200)["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(acts(&world, "loaded").await, 2);

    assert_eq!(world.ask("POST", "/contacts/bulk", json!({"contacts": []})).await.problem(422), ["contacts"]);
    assert_eq!(world.ask("POST", "/contacts/bulk", json!({"contacts": [{"number": "07700 900203", "fields": {"shoe": "42"}}]})).await.problem(422), ["contacts[0].fields"]);
    let theirs = json!({"list": list, "contacts": [{"number": "07700 900200"}]});
    world.ask_as(&world.other, "POST", "/contacts/bulk", theirs).await.problem(404);
    let viewer = world.key_of(Role::Viewer).await;
    world.ask_as(&viewer, "POST", "/contacts/bulk", json!({"contacts": [{"number": "07700 900200"}]})).await.problem(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_people_fit_into_one_request_and_are_put_once() {
    let world = world().await;
    let person = |n: usize| json!({"number": format!("07700 900{:03}", n % 1_000), "reference": format!("A rather long reference of a person in a system of our own {n:05}"), "last_name": "x".repeat(90)});
    let body = json!({"contacts": (0..10_000).map(person).collect::<Vec<_>>()});
    assert!(body.to_string().len() > 2 * 1024 * 1024);
    let first = world.post_once("bulk-1", "/contacts/bulk", body.clone()).await;
    let put = first.expect(200);
    assert_eq!((&put["added"], &put["refused"]), (&json!(1_000), &json!(9_000)), "of the drama numbers there are a thousand");
    let again = world.post_once("bulk-1", "/contacts/bulk", body.clone()).await;
    assert_eq!((again.status.as_u16(), again.headers["idempotency-replayed"].to_str().ok(), again.text == first.text), (200, Some("true"), true));
    let one_more: Vec<Value> = (0..10_001).map(person).collect();
    assert_eq!(world.ask("POST", "/contacts/bulk", json!({"contacts": one_more})).await.problem(422), ["contacts"]);
    let too_long = json!({"contacts": [{"number": "07700 900123", "last_name": "x".repeat(17 * 1024 * 1024)}]});
    world.ask("POST", "/contacts/bulk", too_long).await.problem(413);
    world.ask("POST", "/contacts/search", json!({"reference": "x".repeat(2 * 1024 * 1024)})).await.problem(413);
    let campaign = world.ask("POST", "/campaigns", json!({"name": "November", "body": "Hello"})).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let references: Vec<String> = (0..10_000).map(|n| format!("{n:0>200}")).collect();
    let stopped = world.ask("POST", &format!("/campaigns/{campaign}/recipients/stop"), json!({"reason": "paid", "references": references})).await;
    assert_ne!(stopped.status, 413, "as many as may be named fit, however long");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_filters_hold_together() {
    let world = world().await;
    let id = person(&world.tenant, 1, "Ada").await.to_string();
    person(&world.tenant, 2, "Grace").await;
    let list = world.ask("POST", "/lists", json!({"name": "Arrears"})).await.expect(201)["id"].as_str().expect("an id").to_owned();
    world.ask("POST", &format!("/lists/{list}/add"), json!({"contact": id})).await.expect(204);
    assert_eq!(world.get(&format!("/contacts?list={list}")).await.expect(200)["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.get("/contacts").await.expect(200)["items"].as_array().map(Vec::len), Some(2));
    world.ask_as(&world.other, "GET", &format!("/contacts?list={list}"), Value::Null).await.problem(404);
    assert_eq!(world.ask("PUT", &format!("/lists/{list}"), json!({"name": "Late"})).await.expect(200)["members"], 1);

    let conditions = json!([{"is": "not_on_list", "list": list}, {"is": "added_since", "at": "2026-01-01T00:00:00.000Z"}]);
    let filter = world.ask("POST", "/filters", json!({"name": "Others", "all_of": conditions})).await.expect(201);
    assert_eq!(filter["all_of"], conditions);
    assert_eq!(filter["sentence"], "Contacts not on the list “Late” and added since 1 January 2026, 00:00 UTC.");
    world.ask("POST", "/filters", json!({"name": "Odd", "all_of": [{"is": "odd"}]})).await.problem(422);
    world.ask("POST", "/filters", json!({"name": "Odd", "all_of": [{"is": "declared", "field": "shoe"}]})).await.problem(422);
    world.ask("DELETE", &format!("/lists/{list}"), Value::Null).await.expect(204);
    world.get(&format!("/lists/{list}")).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suppression_a_hold_a_consent_and_a_wish_stand_on_the_timeline() {
    let world = world().await;
    let id = person(&world.tenant, 123, "Ada").await.to_string();
    let new = json!({"number": "07700 900123", "scope": "sms", "reason": "objection", "source": "ticket 4711"});
    let entry = world.ask("POST", "/suppressions", new.clone()).await.expect(201);
    assert_eq!(entry["number"], "…0123");
    assert_eq!(world.ask("POST", "/suppressions", new).await.expect(200)["id"], entry["id"]);
    assert_eq!(world.ask("POST", "/suppressions/check", json!({"number": "07700900123"})).await.expect(200)["suppressed"], true);
    assert_eq!(world.ask("POST", "/suppressions/check", json!({"number": "07700900124"})).await.expect(200)["suppressed"], false);

    let hold = world.ask("POST", "/holds", json!({"contact": id, "reason": "dispute", "until": "2026-12-24T10:00:00+01:00"})).await.expect(201);
    assert_eq!(hold["until"], "2026-12-24T09:00:00.000Z");
    let consent = json!({"contact": id, "channel": "sms", "purpose": "marketing", "kind": "express", "given_at": "2026-11-01T10:00:00Z",
        "evidence": "form 7", "wording_version": "2026-09", "obtained_in": "other", "refusal_offered": true});
    world.ask("POST", "/consents", consent).await.expect(201);
    let wishes = json!({"hours": {"saturday": "10:00-12:00"}, "no_voice": true});
    assert_eq!(world.ask("PUT", &format!("/contacts/{id}/preference"), wishes).await.expect(200)["hours"]["saturday"], "10:00-12:00");
    world.ask("PUT", &format!("/contacts/{id}/preference"), json!({"hours": {"caturday": "10:00-12:00"}})).await.problem(422);

    let timeline = world.get(&format!("/contacts/{id}/timeline")).await.expect(200);
    let mut kinds: Vec<_> = timeline["items"].as_array().expect("events").iter().map(|event| event["what"]["kind"].as_str().expect("a kind")).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["consent_given", "held", "suppressed"]);

    world.ask("POST", &format!("/holds/{}/lift", hold["id"].as_str().expect("an id")), Value::Null).await.expect(204);
    world.ask("POST", &format!("/suppressions/{}/lift", entry["id"].as_str().expect("an id")), json!({"why": "asked for it"})).await.expect(204);
    assert_eq!(world.ask("POST", "/suppressions/check", json!({"number": "07700900123"})).await.expect(200)["suppressed"], false);
}
