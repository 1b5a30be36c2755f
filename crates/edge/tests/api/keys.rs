//! Who may ask, and what a key's role allows.

use clarion_domain::tenancy::role::{Right, Role};
use clarion_domain::tenancy::tenant::Actor;
use clarion_edge::api::openapi_document;
use clarion_store::tenancy::NewUser;
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

/// A key is whoever made it: no second person to them, and with no more than their rights.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_acts_for_its_maker() {
    let world = world().await;
    let mut keys = Vec::new();
    let mut users = Vec::new();
    for username in ["ada", "grace"] {
        let new = NewUser { username, display_name: username, role: Role::Owner, password_hash: "-" };
        let user = world.tenant.create_user(&new, NOW).await.expect("a user");
        let tenant = world.tenant.store().tenant(world.tenant.id(), Actor::User(user)).await.expect("a handle");
        keys.push(tenant.create_api_key(username, Role::Owner, NOW).await.expect("a key").1);
        users.push((user, tenant));
    }
    let [ada, grace] = [&keys[0], &keys[1]];
    world.ask_as(ada, "PUT", "/four-eyes", json!({"erase_list_above": null, "start_campaign_above": null, "raise_limits": true})).await.expect(200);
    let cap = |count: u32| json!({"hours": null, "caps": [{"count_max": count, "period_hours": 24, "purpose": null}]});
    world.ask_as(ada, "PUT", "/limits", cap(2)).await.expect(200);
    let waits = world.ask_as(ada, "PUT", "/limits", cap(3)).await;
    let request = waits.headers["location"].to_str().expect("an address").strip_prefix("/api/v1").expect("of the API").to_owned();
    let body = waits.expect(202);
    assert_eq!((body["state"].as_str(), body["act"].as_str(), body["asked_user"].as_str()), (Some("waiting"), Some("raise_limits"), Some(users[0].0.to_string().as_str())));
    let yes = format!("{request}/approve");
    world.ask_as(ada, "POST", &yes, Value::Null).await.problem(403);
    assert!(users[0].1.approve(body["id"].as_str().expect("an id").parse().expect("an id"), NOW).await.is_err(), "nor the person behind the key in the portal");
    world.ask("POST", &yes, Value::Null).await.problem(403);
    assert_eq!(world.ask_as(grace, "POST", &yes, Value::Null).await.expect(200)["state"], "approved");
    assert_eq!(world.get("/limits").await.expect(200)["caps"][0]["count_max"], 3);
    world.ask_as(grace, "POST", &yes, Value::Null).await.problem(409);
    assert_eq!(world.get("/approvals?state=approved").await.expect(200)["items"].as_array().expect("items").len(), 1);

    world.tenant.change_user(users[1].0, "Grace", Role::Viewer, NOW).await.expect("changed");
    assert_eq!(world.ask_as(grace, "GET", "/me", Value::Null).await.expect(200)["rights"], json!(["view"]));
    world.ask_as(grace, "GET", "/api-keys", Value::Null).await.problem(403);
    world.tenant.set_user_active(users[1].0, false, NOW).await.expect("deactivated");
    world.ask_as(grace, "GET", "/me", Value::Null).await.problem(401);
}
