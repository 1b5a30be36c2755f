//! Where somebody is signed in, and every way in which that ends.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::SECOND_MS;

use crate::support::{PASSWORD, World, wait};

/// The address of the first form whose action has this end.
fn action(text: &str, end: &str) -> Option<String> {
    text.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next()).find(|path| path.ends_with(end)).map(str::to_owned)
}

#[tokio::test]
async fn one_sees_ones_sessions_and_ends_them() {
    let world = World::new().await;
    let (here, there, third) = (world.browser(Role::Agent).await, world.browser(Role::Agent).await, world.browser(Role::Agent).await);
    let page = here.get("/account").await.text;
    assert_eq!(page.matches("Sign out there").count(), 2, "every session but this one: {page}");
    let end = action(&page, "/end").expect("a form");
    let other = world.browser(Role::Viewer).await;
    assert_eq!(other.post(&end, &[]).await.status, StatusCode::NOT_FOUND, "somebody else's session is none of theirs");
    assert_eq!(here.post(&end, &[]).await.location(), "/account?said=session-ended");
    let open = [there.get("/account").await.status, third.get("/account").await.status];
    assert_eq!(open.iter().filter(|status| **status == StatusCode::OK).count(), 1, "one of the two is over");
    assert_eq!(here.post("/account/sessions/end-others", &[]).await.location(), "/account?said=sessions-ended");
    assert_eq!([there.get("/account").await.status, third.get("/account").await.status], [StatusCode::SEE_OTHER; 2]);
    assert_eq!(here.get("/account").await.status, StatusCode::OK);
    let events = world.as_operator().await.audit_events("user", "signed_out", None, 10).await.expect("events").rows;
    assert_eq!(events.iter().map(|event| event.detail.as_str()).collect::<Vec<_>>(), ["other sessions ended", "one session ended"]);
}

#[tokio::test]
async fn a_session_says_browser_and_place_without_the_end_of_the_address() {
    let world = World::new().await;
    let mut browser = world.stranger();
    let request = Request::builder().method("POST").uri("/sign-in").header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0").header("x-forwarded-for", "198.51.100.9");
    let mut request = request.body(Body::from(format!("username=agent&password={}", PASSWORD.replace(' ', "+")))).expect("a request");
    request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from(([203, 0, 113, 77], 4000))));
    let answer = browser.send(request).await;
    browser.take_cookies(&answer);
    let page = browser.get("/account").await.text;
    assert!(page.contains("Firefox on Linux") && page.contains("203.0.113.…"), "{page}");
    assert!(!page.contains("203.0.113.77") && !page.contains("198.51.100"), "the whole address is not shown here, and a stranger's word is not taken");
}

#[tokio::test]
async fn an_owner_ends_a_users_sessions_and_a_deactivated_user_is_out_within_a_minute() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let agent = world.user(Role::Agent).await;
    let browser = world.browser(Role::Agent).await;
    assert!(owner.get(&format!("/team/{agent}")).await.text.contains("1 session"));
    assert_eq!(owner.post(&format!("/team/{agent}/end-sessions"), &[]).await.location(), format!("/team/{agent}?said=user-sessions-ended"));
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER);

    let (browser, answer) = world.signs_in("agent", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    owner.post(&format!("/team/{agent}/deactivate"), &[]).await;
    wait(59 * SECOND_MS);
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER);
    world.signs_in("agent", PASSWORD).await.1.assert_problem("username", "do not match");
}
