//! Invitations: from the owner's form to the invited person's first page.

use axum::http::StatusCode;
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::HOUR_MS;

use crate::support::{Answer, Browser, World, wait};

fn link(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.text.split("<code>").nth(1).and_then(|rest| rest.split("</code>").next()).expect("a link").to_owned()
}

fn token(link: &str) -> &str {
    link.split_once("?t=").expect("a token").1
}

async fn invites(owner: &Browser, name: &str) -> String {
    link(&owner.post("/team/invitations", &[("display_name", name), ("role", "supervisor")]).await)
}

#[tokio::test]
async fn an_invited_person_chooses_username_and_password_and_signs_in() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    owner.post("/team/invitations", &[("display_name", ""), ("role", "king")]).await.assert_problem("role", "Choose a role");
    let link = invites(&owner, "Grace <b>Hopper").await;
    let list = owner.get("/team/invitations").await.text;
    assert!(list.contains("Grace &lt;b&gt;Hopper") && !list.contains(token(&link)), "shown once");

    let stranger = world.stranger();
    let page = stranger.get(&link).await;
    assert!(page.text.contains("Northwind Energy invites you as") && page.text.contains("Supervisor"), "{}", page.text);
    let accept = |username: &'static str, password: &'static str| [("t", token(&link).to_owned()), ("username", username.to_owned()), ("password", password.to_owned())];
    let post = async |fields: [(&str, String); 3]| stranger.post("/invitation", &fields.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>()).await;
    post(accept("grace", "short")).await.assert_problem("password", "at least 12 characters");
    post(accept("grace", "northwindenergy1")).await.assert_problem("password", "organisation");
    post(accept("grace", "unbelievable")).await.assert_problem("password", "known from thefts");
    post(accept("OWNER", "correct kettle violin moss")).await.assert_problem("username", "taken");
    assert_eq!(post(accept("grace", "correct kettle violin moss")).await.location(), "/sign-in?said=welcome");
    assert_eq!(post(accept("grace2", "correct kettle violin moss")).await.status, StatusCode::NOT_FOUND, "good once");
    assert_eq!(stranger.get(&link).await.status, StatusCode::NOT_FOUND);

    let (browser, answer) = world.signs_in("grace", "correct kettle violin moss").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(browser.get("/campaigns/new").await.status, StatusCode::OK, "with the rights of the role");
    assert_eq!(browser.get("/team").await.status, StatusCode::FORBIDDEN);
    let events = world.as_operator().await.audit_events("invitation", "", None, 10).await.expect("events").rows;
    assert_eq!(events.iter().map(|event| (event.act.as_str(), event.detail.as_str())).collect::<Vec<_>>(), [("changed", "accepted"), ("created", "supervisor")]);
}

#[tokio::test]
async fn a_link_ends_after_three_days_when_renewed_and_when_taken_back() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let first = invites(&owner, "Grace").await;
    wait(71 * HOUR_MS);
    assert_eq!(world.stranger().get(&first).await.status, StatusCode::OK);
    wait(HOUR_MS);
    assert_eq!(world.stranger().get(&first).await.status, StatusCode::NOT_FOUND);
    let owner = world.browser(Role::Owner).await;
    let page = owner.get("/team/invitations").await.text;
    let path = page.split("action=\"").filter_map(|rest| rest.split('"').next()).find(|path| path.ends_with("/renew")).expect("a form").to_owned();
    let second = link(&owner.post(&path, &[]).await);
    assert_eq!(world.stranger().get(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.stranger().get(&second).await.status, StatusCode::OK);
    assert_eq!(owner.post(&path.replace("renew", "revoke"), &[]).await.location(), "/team/invitations?said=taken-back");
    assert_eq!(world.stranger().get(&second).await.status, StatusCode::NOT_FOUND);

    let third = invites(&owner, "Ada").await;
    let ids: Vec<_> = world.as_operator().await.users().await.expect("users");
    let inviter = ids.iter().find(|user| user.role == Role::Owner).expect("the owner").id;
    world.as_operator().await.change_user(world.user(Role::Manager).await, "The manager", Role::Owner, crate::support::now()).await.expect("another owner");
    world.as_operator().await.set_user_active(inviter, false, crate::support::now()).await.expect("deactivated");
    assert_eq!(world.stranger().get(&third).await.status, StatusCode::NOT_FOUND, "who is shut out leaves no door behind");
}
