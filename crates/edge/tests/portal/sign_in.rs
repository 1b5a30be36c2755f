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
