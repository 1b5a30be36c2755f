//! The team's forms, and who may open them.

use axum::http::StatusCode;
use clarion_domain::tenancy::role::{Right, Role};

use crate::support::{PASSWORD, World};

#[tokio::test]
async fn a_role_sees_the_pages_of_its_rights_and_no_other() {
    let world = World::new().await;
    for role in Role::ALL {
        let browser = world.browser(*role).await;
        for (path, right) in [("/team", Right::ManageTeam), ("/team/new", Right::ManageTeam), ("/audit", Right::ReadAudit)] {
            let expected = if role.may(right) { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(browser.get(path).await.status, expected, "{role} at {path}");
        }
        assert_eq!(browser.post("/team/new", &[]).await.status, if role.may(Right::ManageTeam) { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::FORBIDDEN });
        assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    }
    assert_eq!(world.stranger().get("/team").await.location(), "/sign-in?next=/team");
    assert_eq!(world.stranger().post("/team/new", &[]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_person_is_added_changed_and_shut_out() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let bad = [("display_name", "<b>Grace</b>"), ("username", "has space"), ("role", "king"), ("password", "short")];
    let answer = owner.post("/team/new", &bad).await;
    answer.assert_problem("role", "Choose a role");
    answer.assert_problem("password", "at least 12 characters");
    assert!(!answer.text.contains("<b>Grace") && !answer.text.contains("value=\"short\""), "nothing raw and no password comes back");
    let taken = [("display_name", "Grace"), ("username", "OWNER"), ("role", "agent"), ("password", PASSWORD)];
    owner.post("/team/new", &taken).await.assert_problem("username", "taken");
    let good = [("display_name", "Grace Hopper"), ("username", "grace"), ("role", "agent"), ("password", PASSWORD)];
    assert_eq!(owner.post("/team/new", &good).await.location(), "/team?said=created");

    let agent = world.user(Role::Viewer).await;
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(owner.post(&format!("/team/{agent}/deactivate"), &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(viewer.get("/account").await.status, StatusCode::SEE_OTHER, "signed out at once");
    assert_eq!(owner.get("/team/usr_nonsense").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_programs_key_is_shown_once_and_ended() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    for (role, browser) in [(Role::Manager, world.browser(Role::Manager).await), (Role::Viewer, world.browser(Role::Viewer).await)] {
        assert_eq!(browser.get("/team/keys").await.status, StatusCode::FORBIDDEN, "{role}");
        assert_eq!(browser.post("/team/keys", &[("name", "crm"), ("role", "owner")]).await.status, StatusCode::FORBIDDEN, "{role}");
    }
    owner.post("/team/keys", &[("name", ""), ("role", "king")]).await.assert_problem("name", "which program");
    let made = owner.post("/team/keys", &[("name", "crm <b>"), ("role", "viewer")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let secret = made.text.split("<code>").nth(1).and_then(|rest| rest.split("</code>").next()).expect("the secret").to_owned();
    assert!(world.store.api_key_by_secret(&secret, crate::support::now()).await.expect("no fault").is_some(), "it opens the API");
    let page = owner.get("/team/keys").await;
    assert!(page.text.contains("crm &lt;b&gt;") && !page.text.contains(&secret), "shown once");
    let revoke = page.text.split("action=\"/team/keys/key_").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
    assert_eq!(owner.post(&format!("/team/keys/key_{revoke}"), &[]).await.location(), "/team/keys?said=revoked");
    assert!(world.store.api_key_by_secret(&secret, crate::support::now()).await.expect("no fault").is_none());
    assert_eq!(owner.post("/team/keys/key_nonsense/revoke", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_last_owner_stays_one() {
    let world = World::new().await;
    let (browser, owner) = (world.browser(Role::Owner).await, world.user(Role::Owner).await);
    browser.post(&format!("/team/{owner}"), &[("display_name", "X"), ("role", "viewer")]).await.assert_problem("role", "last owner");
    assert_eq!(browser.post(&format!("/team/{owner}/deactivate"), &[]).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_password_is_changed_only_with_the_current_one() {
    let world = World::new().await;
    let browser = world.browser(Role::Agent).await;
    let answer = browser.post("/account/password", &[("current", "wrong password"), ("new", "agent")]).await;
    answer.assert_problem("current", "not your current password");
    answer.assert_problem("new", "at least 12 characters");
    let done = browser.post("/account/password", &[("current", PASSWORD), ("new", "four other plain words")]).await;
    assert_eq!(done.location(), "/sign-in?said=saved");
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER, "the old session is over");
}
