//! Every method of every page, tried by a user of every role and by a stranger: the list comes from the router's own table, so that a new
//! page is tried from its first day. The API's verbs are walked in the same way by `tests/api/keys.rs`.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use clarion_domain::tenancy::role::{Right, Role};
use clarion_edge::{Door, LetsIn, api::openapi_document, portal_doors};

use crate::support::{Answer, Browser, World};

/// The door with a thing that is none in the place of each parameter.
fn address(door: &Door) -> String {
    door.path.split('/').map(|part| if part.starts_with('{') { "none" } else { part }).collect::<Vec<_>>().join("/")
}

async fn knock(browser: &Browser, door: &Door) -> Answer {
    let request = Request::builder().method(door.method.clone()).uri(address(door)).header(header::COOKIE, &browser.cookie).header("sec-fetch-site", "same-origin");
    browser.send(request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::empty()).expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_lets_in_whom_the_matrix_says() {
    let world = World::new().await;
    let (mut opened, mut shut) = (0, 0);
    for door in portal_doors() {
        for role in Role::ALL {
            // A session of its own for each: the sign-out is a door too.
            let answer = knock(&world.browser(*role).await, &door).await;
            let allowed = match door.lets_in {
                LetsIn::Anybody | LetsIn::SignedIn => true,
                LetsIn::With(right) => role.may(right),
            };
            let place = format!("{} {} as {role}: {}", door.method, door.path, answer.text);
            assert_eq!(answer.status == StatusCode::FORBIDDEN, !allowed, "{place}");
            assert!(answer.status != StatusCode::UNAUTHORIZED && answer.status != StatusCode::METHOD_NOT_ALLOWED, "{place}");
            assert!(!answer.status.is_server_error(), "{place}");
            if allowed { opened += 1 } else { shut += 1 }
        }
        let stranger = knock(&world.stranger(), &door).await;
        match (door.lets_in, &door.method) {
            (LetsIn::Anybody, _) => assert_ne!(stranger.status, StatusCode::UNAUTHORIZED, "{}", door.path),
            (_, &Method::GET) => assert!(stranger.location().starts_with("/sign-in"), "{}: {}", door.path, stranger.status),
            _ => assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{}", door.path),
        }
    }
    assert!(opened > 500 && shut > 300, "the walk was a walk: {opened} opened, {shut} shut");
}

/// What nobody needs to sign in for is a short list that one can read here.
#[test]
fn the_open_doors_are_these() {
    let open: Vec<&str> = portal_doors().iter().filter(|door| door.lets_in == LetsIn::Anybody).map(|door| door.path).collect();
    assert_eq!(open, ["/sign-in", "/sign-in", "/sign-in/code", "/sign-in/code", "/sign-in/passkey", "/sign-in/passkey/challenge", "/sign-in/sso", "/sign-in/sso/{organisation}", "/sign-in/sso/{organisation}/callback", "/sign-in/sso/{organisation}/signed-out", "/invitation", "/invitation", "/assets/{name}"]);
}

/// `docs/roles.md`: the matrix, then every page and verb with its right.
fn roles_page() -> String {
    let mut page = "# Roles and rights\n\nWritten by a test of the portal from `crates/domain/src/tenancy/role.rs` and the two tables of routes; not by hand.\n\n".to_owned();
    let names: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    let _ = writeln!(page, "| right | {} |\n|---|{}", names.join(" | "), ":-:|".repeat(names.len()));
    for right in Right::ALL {
        let marks: Vec<&str> = Role::ALL.iter().map(|role| if role.may(*right) { "yes" } else { "–" }).collect();
        let _ = writeln!(page, "| `{right}` | {} |", marks.join(" | "));
    }
    page.push_str("\n## Pages of the portal\n\n| page | needs |\n|---|---|\n");
    for door in portal_doors() {
        let needs = match door.lets_in {
            LetsIn::Anybody => "nothing".to_owned(),
            LetsIn::SignedIn => "to be signed in".to_owned(),
            LetsIn::With(right) => format!("`{right}`"),
        };
        let _ = writeln!(page, "| {} `{}` | {needs} |", door.method, door.path);
    }
    page.push_str("\n## Verbs of the REST API\n\n| verb | needs |\n|---|---|\n");
    for (path, item) in openapi_document()["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let _ = writeln!(page, "| {} `{path}` | `{}` |", method.to_uppercase(), operation["x-right"].as_str().expect("a right"));
        }
    }
    page
}

#[test]
fn the_page_of_roles_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/roles.md");
    let page = roles_page();
    if std::env::var_os("CLARION_UPDATE").is_some() {
        std::fs::write(path, &page).expect("written");
    }
    assert!(std::fs::read_to_string(path).unwrap_or_default() == page, "docs/roles.md is not what the code says: run this test with CLARION_UPDATE=1 and commit the file");
}
