//! Signing in, the lock, the session's end, and what every answer carries.

use axum::http::{StatusCode, header};
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::{HOUR_MS, MINUTE_MS};

use crate::support::{PASSWORD, World, wait};

#[tokio::test]
async fn a_right_password_opens_a_session_and_signing_out_ends_it() {
    let world = World::new().await;
    let mut browser = world.stranger();
    let answer = browser.post("/sign-in", &[("username", " Owner "), ("password", PASSWORD), ("next", "/team")]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/team"));
    let cookie = answer.header(header::SET_COOKIE).to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    browser.cookie = cookie.split(';').next().expect("a pair").to_owned();
    assert_eq!(browser.get("/team").await.status, StatusCode::OK);
    assert_eq!(browser.post("/sign-out", &[]).await.location(), "/sign-in?said=signed-out");
    assert_eq!(browser.get("/team").await.location(), "/sign-in?next=/team");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let world = World::new().await;
    let wrong = world.stranger().post("/sign-in", &[("username", "owner"), ("password", "not the password")]).await;
    let unknown = world.stranger().post("/sign-in", &[("username", "nobody"), ("password", "not the password")]).await;
    wrong.assert_problem("username", "do not match");
    assert_eq!(wrong.text.replace("value=\"owner\"", "value=\"nobody\""), unknown.text);
    let empty = world.stranger().post("/sign-in", &[]).await;
    empty.assert_problem("password", "Enter your password");
}

#[tokio::test]
async fn ten_wrong_passwords_lock_for_fifteen_minutes_and_are_audited() {
    let world = World::new().await;
    let (tenant, owner) = (world.as_operator().await, world.user(Role::Owner).await);
    for _ in 0..10 {
        tenant.record_wrong_password(owner, crate::support::now()).await.expect("counted");
    }
    let right = [("username", "owner"), ("password", PASSWORD)];
    world.stranger().post("/sign-in", &right).await.assert_problem("username", "locked");
    wait(15 * MINUTE_MS);
    assert_eq!(world.stranger().post("/sign-in", &right).await.status, StatusCode::SEE_OTHER);
    let events = tenant.audit_events("user", "sign_in_refused", None, 50).await.expect("events").rows;
    assert_eq!(events.len(), 10);
    assert_eq!(events[0].detail, "wrong password, locked");
}

#[tokio::test]
async fn a_session_ends_after_an_idle_hour_and_after_twelve_hours_anyway() {
    let world = World::new().await;
    let idle = world.browser(Role::Owner).await;
    wait(59 * MINUTE_MS);
    assert_eq!(idle.get("/team").await.status, StatusCode::OK);
    wait(61 * MINUTE_MS);
    assert_eq!(idle.get("/team").await.status, StatusCode::SEE_OTHER);
    let busy = world.browser(Role::Owner).await;
    for _ in 0..23 {
        wait(HOUR_MS / 2);
        assert_eq!(busy.get("/account").await.status, StatusCode::OK);
    }
    wait(HOUR_MS / 2);
    assert_eq!(busy.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_cross_site_post_is_refused_and_does_nothing() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    assert_eq!(browser.post_from("cross-site", "/sign-out", &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/team").await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_carries_the_policy_and_no_page_an_inline_script_or_style() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    for path in ["/sign-in", "/account", "/team", "/team/new", "/audit", "/nowhere"] {
        let answer = browser.get(path).await;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("media-src 'self';") && !policy.contains("blob:") && !policy.contains("data:"), "sound comes from here alone: {policy}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
        assert!(!answer.text.contains(" style=") && !answer.text.contains("<style") && !answer.text.contains(" onclick"), "{path}");
    }
    assert_eq!(browser.get("/nowhere").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn assets_are_kept_for_good() {
    let world = World::new().await;
    let page = world.stranger().get("/sign-in").await.text;
    let (_, rest) = page.split_once("href=\"/assets/portal").expect("a style sheet");
    let style = format!("/assets/portal{}", rest.split('"').next().expect("its end"));
    let answer = world.stranger().get(&style).await;
    assert_eq!((answer.status, answer.header(header::CONTENT_TYPE)), (StatusCode::OK, "text/css; charset=utf-8"));
    assert!(answer.header(header::CACHE_CONTROL).contains("immutable"));
    assert_eq!(world.stranger().get("/assets/..%2fsecret").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_guesses_at_once_pass_no_lock() {
    let world = World::new().await;
    let guess = |number: u8, password: &'static str| {
        let browser = world.stranger();
        // Each from an address of its own: one alone has four places.
        let from = axum::extract::ConnectInfo(std::net::SocketAddr::from(([198, 51, 100, number], 40_000)));
        let body = format!("username=owner&password={}", password.replace(' ', "+"));
        let request = axum::http::Request::post("/sign-in").header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").extension(from);
        tokio::spawn(async move { browser.send(request.body(body.into()).expect("a request")).await })
    };
    let mut guesses: Vec<_> = (0..40).map(|number| guess(number, "not the password")).collect();
    // The right one is among the last: others have locked the account by then.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    guesses.extend((40..50).map(|number| guess(number, PASSWORD)));
    let mut seen = Vec::new();
    for guess in guesses {
        seen.push(guess.await.expect("an answer").status);
    }
    assert!(seen.iter().all(|status| [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::SERVICE_UNAVAILABLE].contains(status)), "{seen:?}");
    let counted = world.as_operator().await.audit_events("user", "sign_in_refused", None, 99).await.expect("events").rows;
    assert_eq!((counted.len(), counted[0].detail.as_str()), (10, "wrong password, locked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_takes_four_places_and_a_long_name_none() {
    let world = World::new().await;
    let mut crowd = Vec::new();
    for _ in 0..12 {
        let browser = world.stranger();
        let from = axum::extract::ConnectInfo(std::net::SocketAddr::from(([198, 51, 100, 7], 40_000)));
        let request = axum::http::Request::post("/sign-in").header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").extension(from);
        crowd.push(tokio::spawn(async move { browser.send(request.body("username=nobody&password=guessed".into()).expect("a request")).await }));
    }
    let mut busy = 0;
    for answer in crowd {
        let answer = answer.await.expect("an answer");
        busy += usize::from(answer.status == StatusCode::SERVICE_UNAVAILABLE && answer.text.contains("was not looked at"));
    }
    assert!((1..=8).contains(&busy), "{busy} of 12 found no place");
    let name = "x".repeat(81);
    world.stranger().post("/sign-in", &[("username", &name), ("password", PASSWORD)]).await.assert_problem("username", "do not match");
}
