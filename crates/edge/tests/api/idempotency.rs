//! A request sent twice under one key is done once.

use serde_json::json;

use crate::support::world;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_answered_the_same_and_done_once() {
    let world = world().await;
    let first = world.post_once("a1", "/lists", json!({"name": "Arrears"})).await;
    let made = first.expect(201);
    let second = world.post_once("a1", "/lists", json!({"name": "Arrears"})).await;
    assert_eq!(second.expect(201), made);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(second.headers["location"], first.headers["location"]);
    assert_eq!(second.headers["content-type"], "application/json");
    assert_eq!(world.get("/lists").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
    // Without a key, the same request meets what it made.
    world.ask("POST", "/lists", json!({"name": "Arrears"})).await.problem(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_request_of_one_caller() {
    let world = world().await;
    world.post_once("a1", "/lists", json!({"name": "Arrears"})).await.expect(201);
    assert_eq!(world.post_once("a1", "/lists", json!({"name": "Paid"})).await.problem(422), ["Idempotency-Key"]);
    let (other, name) = (format!("Bearer {}", world.other), json!({"name": "Paid"}).to_string());
    let headers = [("authorization", other.as_str()), ("content-type", "application/json"), ("idempotency-key", "a1")];
    assert_eq!(world.send("POST", "/lists", &headers, name).await.status, 201);
    for bad in ["", "with space", &"x".repeat(256)] {
        assert_eq!(world.post_once(bad, "/lists", json!({"name": "Late"})).await.problem(400), ["Idempotency-Key"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_frees_its_key() {
    let world = world().await;
    world.post_once("b1", "/lists", json!({"name": ""})).await.problem(422);
    world.post_once("b1", "/lists", json!({"name": "Arrears"})).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_not_shown_twice() {
    let world = world().await;
    let body = json!({"name": "crm", "role": "viewer"});
    world.post_once("c1", "/api-keys", body.clone()).await.expect(201);
    world.post_once("c1", "/api-keys", body).await.problem(409);
    assert_eq!(world.get("/api-keys").await.expect(200)["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_done_once() {
    let world = world().await;
    let sends = (0..12).map(|_| world.post_once("d1", "/lists", json!({"name": "Arrears"})));
    let answers = futures_util::future::join_all(sends).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty());
    assert!(made.iter().all(|answer| answer.text == made[0].text));
    assert_eq!(made.iter().filter(|answer| !answer.headers.contains_key("idempotency-replayed")).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(409);
    }
    assert_eq!(world.get("/lists").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
}
