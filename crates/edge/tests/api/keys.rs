//! Who may ask, and what a key's role allows.

use clarion_domain::tenancy::role::{Right, Role};
use clarion_edge::api::openapi_document;
use serde_json::{Value, json};

use crate::support::{NOW, world};

#[tokio::test(flavor = "multi_thread")]
async fn only_a_live_key_gets_in() {
    let world = world().await;
    for headers in [vec![], vec![("authorization", "Bearer clr_0000")], vec![("authorization", "Basic eDp5")], vec![("authorization", "Bearer")]] {
        let answer = world.send("GET", "/me", &headers, "").await;
        answer.problem(401);
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"clarion\"");
    }
    let me = world.get("/me").await.expect(200);
    assert_eq!((me["tenant_name"].as_str(), me["role"].as_str()), (Some("northwind"), Some("owner")));

    let made = world.ask("POST", "/api-keys", json!({"name": "crm", "role": "viewer"})).await;
    let address = made.headers["location"].to_str().expect("an address").to_owned();
    let secret = made.expect(201)["secret"].as_str().expect("the secret").to_owned();
    assert_eq!(world.ask_as(&secret, "GET", "/me", Value::Null).await.expect(200)["rights"], json!(["view"]));
    let path = address.strip_prefix("/api/v1").expect("an address of the API");
    let key = world.get(path).await.expect(200);
    assert_eq!(key["used_at"], NOW.rfc3339());
    assert!(key.get("secret").is_none() && !world.get("/api-keys").await.text.contains(&secret));

    world.ask("DELETE", path, Value::Null).await.expect(204);
    world.ask_as(&secret, "GET", "/me", Value::Null).await.problem(401);
    world.ask("DELETE", path, Value::Null).await.expect(204);
    assert_eq!(world.get(path).await.expect(200)["revoked_at"], NOW.rfc3339());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_does_is_kept_and_its_own_to_see() {
    let world = world().await;
    let viewer = world.key_of(Role::Viewer).await;
    world.ask_as(&viewer, "GET", "/lists?limit=1", Value::Null).await.expect(200);
    world.ask_as(&viewer, "POST", "/lists", json!({"name": "x"})).await.problem(403);
    let seen = world.ask_as(&viewer, "GET", "/activity", Value::Null).await.expect(200);
    let rows: Vec<_> = seen["items"].as_array().expect("items").iter().map(|row| (row["kind"].as_str().expect("a kind"), row["method"].as_str().expect("a method"), row["path"].as_str().expect("a path"), row["status"].as_i64())).collect();
    assert_eq!(rows, [("act", "POST", "/api/v1/lists", Some(403)), ("page", "GET", "/api/v1/lists", Some(200)), ("entry", "", "", None)]);
    let me = world.get("/me").await.expect(200);
    let other = format!("/activity?api_key={}", me["api_key"].as_str().expect("a key"));
    world.ask_as(&viewer, "GET", &other, Value::Null).await.problem(403);
    world.get(&other).await.expect(200);
}

/// Every operation of the document, asked by a key of every role: refused exactly when the role lacks the right.
#[tokio::test(flavor = "multi_thread")]
async fn each_operation_keeps_to_the_right_that_it_names() {
    let world = world().await;
    let document = openapi_document();
    let mut keys = Vec::new();
    for role in Role::ALL {
        keys.push((*role, world.key_of(*role).await));
    }
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Some(right) = operation["x-right"].as_str() else {
                panic!("{method} {path} names no right: put it into the table with `read` or `write`");
            };
            let right: Right = right.parse().expect("a right");
            let address = path.replace(['{', '}'], "");
            for (role, key) in &keys {
                let answer = world.ask_as(key, &method.to_uppercase(), &address, json!({})).await;
                assert_eq!(answer.status == 403, !role.may(right), "{method} {path} as {role}: {}", answer.text);
                assert_ne!(answer.status, 401, "{method} {path}");
                assert!(!answer.status.is_server_error(), "{method} {path}: {}", answer.text);
            }
            world.send(&method.to_uppercase(), &address, &[], "{}").await.problem(401);
        }
    }
}
