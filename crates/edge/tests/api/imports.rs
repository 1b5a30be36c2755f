//! Contact files through the API: received whole, once, and within limits.

use serde_json::{Value, json};

use crate::support::{Answer, World, world};

async fn upload(world: &World, query: &str, once: Option<&str>, file: impl Into<axum::body::Body>) -> Answer {
    let authorization = format!("Bearer {}", world.key);
    let mut headers = vec![("authorization", authorization.as_str()), ("content-type", "text/csv")];
    headers.extend(once.map(|once| ("idempotency-key", once)));
    world.send("POST", &format!("/imports?{query}"), &headers, file).await
}

fn imports(listing: &Value) -> usize {
    listing["items"].as_array().expect("items").len()
}

const FILE: &str = "phone,name\n07700900123,Ada\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_received_and_waits_for_a_worker() {
    let world = world().await;
    let list = world.ask("POST", "/lists", json!({"name": "Arrears"})).await.expect(201);
    let answer = upload(&world, &format!("file_name=people.csv&mapping=auto&list={}", list["id"].as_str().expect("an id")), None, FILE).await;
    let made = answer.expect(201);
    assert_eq!((made["import"]["state"].as_str(), made["import"]["source"].as_str()), (Some("received"), Some("api")));
    assert_eq!((made["import"]["file_bytes"].as_u64(), &made["import"]["list"]["name"]), (Some(FILE.len() as u64), &json!("Arrears")));
    let path = answer.headers["location"].to_str().expect("an address").strip_prefix("/api/v1").expect("of the API").to_owned();
    assert_eq!(world.get(&path).await.expect(200), made);

    let csv = world.get(&format!("{path}/rejects.csv")).await;
    assert_eq!((csv.status.as_u16(), csv.text.as_str()), (200, "line,column,reason,what to do\r\n"));
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");

    // Its columns cannot be confirmed before they were read; it can be cancelled, once.
    world.ask("POST", &format!("{path}/mapping"), json!({"columns": ["phone", null]})).await.problem(409);
    world.ask("POST", &format!("{path}/repeat"), Value::Null).await.problem(409);
    assert_eq!(world.ask("POST", &format!("{path}/cancel"), Value::Null).await.expect(200)["import"]["state"], "cancelled");
    world.ask("POST", &format!("{path}/cancel"), Value::Null).await.problem(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_sent_twice_under_one_key_is_one_import() {
    let world = world().await;
    let first = upload(&world, "file_name=people.csv", Some("u1"), FILE).await.expect(201);
    let second = upload(&world, "file_name=people.csv", Some("u1"), FILE).await;
    assert_eq!(second.expect(201), first);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(upload(&world, "file_name=people.csv", Some("u1"), "phone\n07700900124\n").await.problem(422), ["Idempotency-Key"]);
    assert_eq!(upload(&world, "file_name=other.csv", Some("u1"), FILE).await.problem(422), ["Idempotency-Key"]);
    assert_eq!(imports(&world.get("/imports").await.expect(200)), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_upload_leaves_nothing_behind_and_frees_its_key() {
    let world = world().await;
    upload(&world, "file_name=people.csv", Some("u1"), "").await.problem(422);
    upload(&world, "file_name=people.csv", Some("u1"), vec![b'7'; (1 << 20) + 1]).await.problem(413);
    let broken = futures_util::stream::iter([Ok("phone\n0770"), Err(std::io::Error::other("gone"))]);
    upload(&world, "file_name=people.csv", Some("u1"), axum::body::Body::from_stream(broken)).await.problem(400);
    assert_eq!(upload(&world, "", Some("u1"), FILE).await.problem(400), ["file_name"]);
    assert_eq!(upload(&world, "file_name=people.csv&mapping=guess", Some("u1"), FILE).await.problem(400), ["mapping"]);
    upload(&world, "file_name=people.csv&list=lst_0000000000001", Some("u1"), FILE).await.problem(404);
    let authorization = format!("Bearer {}", world.key);
    let form = [("authorization", authorization.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    world.send("POST", "/imports?file_name=people.csv", &form, FILE).await.problem(415);
    assert_eq!(imports(&world.get("/imports").await.expect(200)), 0);
    upload(&world, "file_name=people.csv", Some("u1"), FILE).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_declared_with_a_purpose() {
    let world = world().await;
    let field = json!({"name": "balance_due", "purpose": "To tell people what is owed", "retention_days": 90});
    assert_eq!(world.ask("POST", "/fields", field.clone()).await.expect(201)["name"], "balance_due");
    world.ask("POST", "/fields", field).await.problem(409);
    world.ask("POST", "/fields", json!({"name": "Phone", "purpose": "To call people with", "retention_days": 90})).await.problem(422);
    world.ask("POST", "/fields", json!({"name": "notes", "purpose": "why", "retention_days": 90})).await.problem(422);
    let changed = world.ask("PUT", "/fields/balance_due", json!({"purpose": "To tell people what is owed", "retention_days": 30})).await.expect(200);
    assert_eq!(changed["retention_days"], 30);
    world.ask("DELETE", "/fields/balance_due", Value::Null).await.expect(204);
    world.get("/fields/balance_due").await.problem(404);
}
