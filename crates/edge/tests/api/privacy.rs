//! A person's own data, taken out and erased; retention; the inbox; reports.

use serde_json::{Value, json};

use crate::people::{person, reply, user};
use crate::support::world;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_exported_held_and_erased() {
    let world = world().await;
    let id = person(&world.tenant, 123, "Ada").await.to_string();
    let export = world.ask("POST", "/subjects/export", json!({"subject": "07700 900123"})).await;
    assert!(export.text.contains("+447700900123") && export.text.contains("Ada"), "the person's own export is in clear");
    assert!(export.expect(200)["sections"].as_array().is_some_and(|sections| !sections.is_empty()));
    let page = world.ask("POST", "/subjects/export.html", json!({"subject": "R-123"})).await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.text.contains("Ada"));

    let would = world.ask("POST", "/subjects/erase", json!({"subject": "07700 900123", "dry_run": true})).await.expect(200);
    assert!(would["counts"].as_array().is_some_and(|counts| counts.iter().any(|line| line["count"] != 0)));
    world.get(&format!("/contacts/{id}")).await.expect(200);

    world.ask("PUT", &format!("/contacts/{id}/legal-hold"), json!({"reference": "matter 7"})).await.expect(204);
    world.ask("POST", "/subjects/erase", json!({"subject": "07700 900123", "dry_run": false})).await.problem(409);
    assert_eq!(world.get("/legal-holds").await.expect(200)["items"][0]["contact"], id);
    world.ask("DELETE", &format!("/contacts/{id}/legal-hold"), Value::Null).await.expect(204);

    world.ask("POST", "/subjects/erase", json!({"subject": "07700 900123", "dry_run": false})).await.expect(200);
    let left = world.get(&format!("/contacts/{id}?reveal=true")).await;
    assert!(left.expect(200)["erased_at"].is_string() && !left.text.contains("Ada") && !left.text.contains("900123"));
    let check = world.ask("POST", "/suppressions/check", json!({"number": "07700 900123"})).await.expect(200);
    assert_eq!((check["entries"][0]["reason"].as_str(), check["entries"][0]["number"].as_str()), (Some("erased"), Some("")));
    let lift = format!("/suppressions/{}/lift", check["entries"][0]["id"].as_str().expect("an id"));
    world.ask("POST", &lift, json!({"why": "changed their mind"})).await.problem(409);
    world.ask("POST", "/subjects/erase", json!({"subject": "nobody", "dry_run": true})).await.problem(422);
    assert_eq!(world.ask("POST", "/subjects/erase", json!({"subject": "07700 900123"})).await.problem(422), ["dry_run"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_keeps_within_floor_and_ceiling() {
    let world = world().await;
    let rows = world.get("/retention").await.expect(200);
    assert!(rows["items"].as_array().is_some_and(|rows| rows.len() == clarion_domain::privacy::retention::RETENTION.len()));
    assert_eq!(world.ask("PUT", "/retention/message_body", json!({"period_days": 30})).await.expect(200)["period_days"], 30);
    world.ask("PUT", "/retention/consent_proof", json!({"period_days": 30})).await.problem(422);
    assert_eq!(world.ask("PUT", "/retention/message_body", json!({"period_days": null})).await.expect(200)["period_days"], 90);
    world.ask("PUT", "/retention/shoes", json!({"period_days": 30})).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_are_given_to_somebody_and_closed() {
    let world = world().await;
    let (id, user) = (reply(&world.tenant).await, user(&world.tenant).await);
    let inbox = world.get("/replies?state=new").await.expect(200);
    assert_eq!((inbox["items"][0]["number"].as_str(), inbox["items"][0]["body"].as_str()), (Some("…0500"), Some("Who is this?")));
    assert_eq!(world.get("/users").await.expect(200)["items"][0]["id"], user);
    assert_eq!(world.ask("POST", &format!("/replies/{id}/assign"), json!({"user": user})).await.expect(200)["assigned_to"], user);
    world.ask("POST", &format!("/replies/{id}/assign"), json!({"user": "usr_0000000000001"})).await.problem(409);
    assert_eq!(world.ask("POST", &format!("/replies/{id}/close"), Value::Null).await.expect(200)["state"], "closed");
    world.ask("POST", &format!("/replies/{id}/close"), Value::Null).await.problem(409);
    world.get("/replies?state=odd").await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_has_a_span() {
    let world = world().await;
    let span = "from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z";
    assert_eq!(world.get(&format!("/reports/measures?{span}")).await.expect(200)["items"], json!([]));
    assert_eq!(world.get(&format!("/reports/measures.csv?{span}")).await.text, "campaign,hour,channel,disposition,cause,attempts,segments,cost\r\n");
    world.get(&format!("/reports/measures.xlsx?{span}")).await;
    assert_eq!(world.get("/audit-events?act=exported&object_kind=report").await.expect(200)["items"].as_array().map(Vec::len), Some(2), "each download is on record");
    assert_eq!(world.get("/reports/measures?from=2026-11-01T00:00:00Z").await.problem(400), ["to"]);
    assert_eq!(world.get("/reports/measures?from=2026-11-01T00:00:00Z&to=2028-11-01T00:00:00Z").await.problem(400), ["to"]);
    assert_eq!(world.get("/reports/measures?from=yesterday&to=2028-11-01T00:00:00Z").await.problem(400), ["from"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_team_is_kept_as_in_the_portal() {
    let world = world().await;
    let owner = user(&world.tenant).await;
    let grace = json!({"username": "Grace.Hopper", "display_name": "Grace Hopper", "role": "agent", "password": "four other plain words"});
    let made = world.ask("POST", "/users", grace.clone()).await;
    assert_eq!(made.expect(201)["role"], "agent");
    let address = made.headers["location"].to_str().expect("an address").strip_prefix("/api/v1").expect("of the API").to_owned();
    assert!(!world.get("/users").await.text.contains("plain words"));
    world.ask("POST", "/users", grace).await.problem(409);
    for (field, value) in [("password", json!("short")), ("username", json!("has space")), ("role", json!("king")), ("display_name", json!(""))] {
        let mut bad = json!({"username": "ada", "display_name": "Ada", "role": "agent", "password": "four other plain words"});
        bad[field] = value;
        let fields = world.ask("POST", "/users", bad).await.problem(422);
        assert!(fields.is_empty() || fields == [field], "{field}: {fields:?}");
    }
    assert_eq!(world.ask("PUT", &address, json!({"display_name": "Grace", "role": "supervisor"})).await.expect(200)["role"], "supervisor");
    world.ask("PUT", &format!("{address}/password"), json!({"password": "yet another plain word"})).await.expect(204);
    assert_eq!(world.ask("PUT", &format!("{address}/password"), json!({"password": "short"})).await.problem(422), ["password"]);
    assert_eq!(world.ask("POST", &format!("{address}/deactivate"), Value::Null).await.expect(200)["active"], false);
    assert_eq!(world.ask("POST", &format!("{address}/activate"), Value::Null).await.expect(200)["active"], true);
    world.ask("PUT", &format!("/users/{owner}"), json!({"display_name": "Ada", "role": "viewer"})).await;
    let manager = world.key_of(clarion_domain::tenancy::role::Role::Manager).await;
    world.ask_as(&manager, "POST", &format!("{address}/deactivate"), Value::Null).await.problem(403);
}

/// What the document says of a draft holds: an unfinished one is kept, an impossible one is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_lies_within_what_the_document_says() {
    let world = world().await;
    let schedule = |days: Value| json!({"starts_at": null, "ends_at": null, "days": days, "from": "09:00", "until": "18:00"});
    for (part, value, field) in [
        ("sender", json!("x".repeat(21)), "sender"),
        ("schedule", schedule(json!([])), "schedule.days"),
        ("schedule", schedule(json!(["friday", "friday", "friday", "friday", "friday", "friday", "friday", "friday"])), "schedule.days"),
        ("retry", json!({"attempts_max": 0, "rules": []}), "retry.attempts_max"),
        ("retry", json!({"attempts_max": 11, "rules": []}), "retry.attempts_max"),
        ("retry", json!({"attempts_max": 1, "rules": [{"after": "expired", "delay_minutes": 4}]}), "retry.rules"),
    ] {
        let mut draft = json!({"name": "November"});
        draft[part] = value;
        assert_eq!(world.ask("POST", "/campaigns", draft).await.problem(422), [field]);
    }
    assert_eq!(world.get(&format!("/campaigns?name={}", "x".repeat(101))).await.problem(400), ["name"]);
    let long = json!({"name": "balance_due", "purpose": "x".repeat(1_001), "retention_days": 90});
    world.ask("POST", "/fields", long).await.problem(422);
    let brand = json!({"value": "Northwind", "takes_replies": false, "evidence": "registered mark"});
    assert_eq!(world.ask("POST", "/senders", brand.clone()).await.expect(200)["value"], "Northwind");
    world.ask("POST", "/senders", brand).await.problem(409);
    let number = json!({"value": "+447700900990", "takes_replies": true, "evidence": "letter 7"});
    assert_eq!(world.ask("POST", "/senders", number).await.expect(200)["answered_at"], Value::Null);
    let word = json!({"value": "+447700900990", "answered": true, "inbound_evidence": "test call of 23 November"});
    let confirmed = world.ask("POST", "/senders/confirm", word).await.expect(200);
    assert!(confirmed["answered_at"].is_string() && confirmed["inbound_at"].is_string(), "{confirmed}");
    let taken_back = world.ask("POST", "/senders/confirm", json!({"value": "+447700900990", "answered": true})).await.expect(200);
    assert_eq!((&taken_back["answered_at"], &taken_back["inbound_at"]), (&confirmed["answered_at"], &Value::Null));
    world.ask("POST", "/senders/confirm", json!({"value": "Northwind", "answered": true})).await.problem(422);
    world.ask("POST", "/senders/confirm", json!({"value": "+447700900991", "answered": true})).await.problem(404);
    world.ask("POST", "/senders/remove", json!({"value": "+447700900990"})).await.expect(204);
    for (path, body, field) in [
        ("/contacts/search", json!({"reference": "x".repeat(201)}), "reference"),
        ("/contacts/search", json!({"number": "1".repeat(101)}), "number"),
        ("/subjects/export", json!({"subject": "x".repeat(201)}), "subject"),
        ("/subjects/export.html", json!({"subject": ""}), "subject"),
        ("/subjects/erase", json!({"subject": "x".repeat(201), "dry_run": true}), "subject"),
    ] {
        assert_eq!(world.ask("POST", path, body).await.problem(422), [field], "{path}");
    }
    let authorization = format!("Bearer {}", world.key);
    let headers = [("authorization", authorization.as_str()), ("content-type", "text/csv")];
    for name in [String::new(), "x".repeat(201)] {
        assert_eq!(world.send("POST", &format!("/imports?file_name={name}"), &headers, "phone\n07700900001\n").await.problem(400), ["file_name"]);
    }
}
