//! The suppression list as a file, in and out.

use clarion_domain::tenancy::role::Role;
use serde_json::json;

use crate::support::{Answer, World, world};

async fn send(world: &World, key: &str, query: &str, kind: &str, file: impl Into<axum::body::Body>) -> Answer {
    let authorization = format!("Bearer {key}");
    world.send("POST", &format!("/suppressions/import?{query}"), &[("authorization", &authorization), ("content-type", kind)], file).await
}

const TERMS: &str = "scope=every&reason=tenant_list&source=ticket+4711";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_numbers_is_put_on_the_list_and_the_list_written_out() {
    let world = world().await;
    let file = "name;phone\r\nAda;07700 900123\r\nGrace;none\r\nZo\u{eb};+44 7700 900124\r\n";
    let latin: Vec<u8> = file.chars().map(|letter| letter as u8).collect();
    let result = send(&world, &world.key, TERMS, "text/csv", latin).await.expect(200);
    assert_eq!(result, json!({"added": 2, "known": 0, "rejected": 1, "rejected_lines": [3]}));
    assert_eq!(send(&world, &world.key, TERMS, "text/plain", file).await.expect(200)["known"], 2);
    assert_eq!(world.ask("POST", "/suppressions/check", json!({"number": "07700900123"})).await.expect(200)["suppressed"], true);

    let csv = world.get("/suppressions.csv").await;
    assert_eq!((csv.status.as_u16(), &csv.headers["content-type"]), (200, &"text/csv; charset=utf-8".parse().expect("a value")));
    let lines: Vec<&str> = csv.text.split_terminator("\r\n").collect();
    assert_eq!((lines.len(), lines[0]), (3, "number,scope,reason,source,since"));
    assert!(lines[1].starts_with("'+447700900124,every,tenant_list,ticket 4711,2026-11-23T12:00:00"), "{}", lines[1]);
    // What was written out reads in again.
    assert_eq!(send(&world, &world.key, TERMS, "text/csv", csv.text.clone()).await.expect(200), json!({"added": 0, "known": 2, "rejected": 0, "rejected_lines": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_list_adds_nobody_and_only_who_may_takes_the_list_out() {
    let world = world().await;
    for (file, kind, query, status) in [
        (&b""[..], "text/csv", TERMS, 422),
        (b"phone\n", "text/csv", TERMS, 422),
        (b"PK\x03\x04", "text/csv", TERMS, 422),
        (b"\x89PNG\0\0", "application/octet-stream", TERMS, 422),
        (b"07700900123\n", "application/json", TERMS, 415),
        (b"07700900123\n", "text/csv", "scope=every", 400),
        (b"07700900123\n", "text/csv", "scope=all&reason=tenant_list", 400),
        (b"07700900123\n", "text/csv", "scope=every&reason=erased", 422),
    ] {
        send(&world, &world.key, query, kind, file).await.problem(status);
    }
    assert_eq!(world.get("/suppressions").await.expect(200)["items"], json!([]));
    let agent = world.key_of(Role::Agent).await;
    send(&world, &agent, TERMS, "text/csv", "07700900123\n").await.expect(200);
    world.ask_as(&agent, "GET", "/suppressions.csv", serde_json::Value::Null).await.problem(403);
    let viewer = world.key_of(Role::Viewer).await;
    send(&world, &viewer, TERMS, "text/csv", "07700900124\n").await.problem(403);
}
