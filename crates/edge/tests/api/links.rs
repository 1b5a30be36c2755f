//! Short links, settings and the calendar over the API.

use serde_json::json;

use crate::people;
use crate::support::{NOW, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_name_for_links_is_set_and_its_campaigns_counted() {
    let world = world().await;
    world.get("/link-domain").await.problem(404);
    assert_eq!(world.ask("PUT", "/link-domain", json!({"host": "https://x"})).await.problem(422), ["host"]);
    let named = world.ask("PUT", "/link-domain", json!({"host": "Go.Example.com"})).await.expect(200);
    assert_eq!((&named["host"], &named["checking"], &named["verified"], &named["enabled"]), (&json!("go.example.com"), &json!(true), &json!(false), &json!(false)));
    assert_eq!((&named["record"], &named["links_under"]), (&json!("_clarion-links.go.example.com"), &json!(null)));
    world.ask("PUT", "/link-domain/settings", json!({"enabled": true, "expires_days": 10})).await.problem(409);
    let check = world.tenant.store().due_link_checks(NOW, 10).await.expect("due").remove(0);
    world.tenant.record_link_check(&check, Ok("https"), NOW).await.expect("kept");
    let on = world.ask("PUT", "/link-domain/settings", json!({"enabled": true, "expires_days": 10})).await.expect(200);
    assert_eq!((&on["enabled"], &on["expires_days"], &on["scheme"]), (&json!(true), &json!(10), &json!("https")));
    assert_eq!(world.ask("PUT", "/link-domain/settings", json!({"enabled": true, "expires_days": 500})).await.problem(422), ["expires_days"]);
    let campaign = world.ask("POST", "/campaigns", json!({"name": "November", "body": "Pay: {short:https://example.com/{reference}}"})).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let counts = world.get(&format!("/campaigns/{campaign}/links")).await.expect(200);
    assert_eq!(counts["items"], json!([{"link": 0, "source": "https://example.com/{reference}", "clicks": 0, "clicked": 0}]));
    world.ask("POST", "/campaigns", json!({"name": "Wrong", "body": "{short:nowhere}"})).await.expect(201);
    assert_eq!(world.ask("POST", "/link-domain/check", json!(null)).await.expect(200)["checking"], true);
    assert_eq!(world.ask("DELETE", "/link-domain", json!(null)).await.status, 204);
    world.get("/link-domain").await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_replaced_whole() {
    let world = world().await;
    let mut held = world.get("/settings").await.expect(200);
    assert_eq!((&held["name"], &held["zone"]), (&json!("northwind"), &json!("Europe/London")));
    held["name"] = json!("Northwind Energy");
    held["contact_details"] = json!("1 Quay Street\nBristol");
    assert_eq!(world.ask("PUT", "/settings", held.clone()).await.expect(200), held);
    held["zone"] = json!("Mars/Base");
    held["default_caller"] = json!("+447700900990");
    assert_eq!(world.ask("PUT", "/settings", held).await.problem(422), ["zone", "default_caller"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calendar_tells_days_and_people_are_found_by_parts() {
    let world = world().await;
    let days = world.get("/calendar?first=2026-12-21&days=7").await.expect(200);
    assert_eq!((days["days"].as_array().expect("days").len(), &days["days"][4]["bank_holiday"], &days["zone"]), (7, &json!("yes"), &json!("Europe/London")));
    assert_eq!(world.get("/calendar?first=soon").await.problem(400), ["first"]);
    assert_eq!(world.get("/calendar?first=2026-12-21&days=50").await.problem(400), ["days"]);
    people::person(&world.tenant, 123, "Ada").await;
    world.tenant.fill_search_indexes().await.expect("filled");
    let found = world.ask("POST", "/contacts/search", json!({"number_ends": "0123"})).await.expect(200);
    assert_eq!((found["items"].as_array().expect("people").len(), &found["more"]), (1, &json!(false)));
    assert_eq!(world.ask("POST", "/contacts/search", json!({"number_ends": "123"})).await.problem(422), ["number_ends"]);
    let viewer = world.key_of(clarion_domain::tenancy::role::Role::Viewer).await;
    assert_eq!(world.ask_as(&viewer, "POST", "/contacts/search", json!({"number_ends": "00123"})).await.problem(422), ["number_ends"], "a longer part would undo the mask");
    assert_eq!(world.ask_as(&viewer, "POST", "/contacts/search", json!({"number_ends": "0123"})).await.expect(200)["items"][0]["numbers"][0]["number"], "…0123");
    assert!(world.ask("POST", "/contacts/search", json!({"reference_begins": "R-1999"})).await.expect(200)["hint"].is_string());
    let file = world.get("/reports/measures.xlsx?from=2026-11-01T00:00:00Z&to=2026-11-23T00:00:00Z").await;
    assert!(file.status == 200 && file.text.starts_with("PK"));
}
