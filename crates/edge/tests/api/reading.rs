//! How requests are read: bad JSON, unknown keys, wrong queries, pages.

use serde_json::json;

use crate::support::world;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_says_where_and_why() {
    let world = world().await;
    let authorization = format!("Bearer {}", world.key);
    let json_headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    world.send("POST", "/lists", &json_headers, "{").await.problem(400);
    world.send("POST", "/lists", &[("authorization", &authorization), ("content-type", "text/plain")], "{}").await.problem(415);
    world.send("POST", "/lists", &[("authorization", &authorization)], "{}").await.problem(415);
    world.send("POST", "/lists", &json_headers, " ".repeat(2 << 20)).await.problem(413);
    assert_eq!(world.ask("POST", "/lists", json!({"nmae": "Arrears"})).await.problem(422), ["nmae"]);
    assert_eq!(world.ask("POST", "/lists", json!({})).await.problem(422), ["name"]);
    assert_eq!(world.ask("POST", "/lists", json!({"name": 7})).await.problem(422), ["name"]);
    assert_eq!(world.ask("POST", "/filters", json!({"name": "Odd", "all_of": [{"is": "has_reference", "yes": true, "odd": 1}]})).await.problem(422), ["all_of[0].odd"]);
    assert_eq!(world.get("/api-keys?limit=0").await.problem(400), ["limit"]);
    assert_eq!(world.get("/api-keys?limit=ten").await.problem(400), ["limit"]);
    assert_eq!(world.get("/api-keys?after=x").await.problem(400), ["after"]);
    assert_eq!(world.get("/api-keys?page=2").await.problem(400), ["page"]);
    world.get("/nowhere").await.problem(404);
    let answer = world.ask("PUT", "/me", json!({})).await;
    answer.problem(405);
    assert!(answer.headers.contains_key("allow"));
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_give_everything_once() {
    let world = world().await;
    for number in 0..7 {
        world.ask("POST", "/api-keys", json!({"name": format!("key {number}"), "role": "viewer"})).await.expect(201);
    }
    let (mut names, mut path) = (Vec::new(), "/api-keys?limit=3".to_owned());
    for page in 1.. {
        let listing = world.get(&path).await.expect(200);
        let items = listing["items"].as_array().expect("items");
        names.extend(items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()));
        let Some(next) = listing["next"].as_str() else {
            assert_eq!(page, 3);
            break;
        };
        path = format!("/api-keys?limit=3&after={next}");
    }
    assert_eq!(names, ["key 6", "key 5", "key 4", "key 3", "key 2", "key 1", "key 0", "tests"]);
}
