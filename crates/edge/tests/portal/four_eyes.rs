//! Four eyes at the portal's doors: asked for, shown, approved by another, never by oneself.

use axum::http::StatusCode;
use clarion_domain::tenancy::four_eyes::FourEyes;
use clarion_domain::tenancy::role::Role;

use crate::people::person;
use crate::support::{NOON, World};

#[tokio::test]
async fn a_list_is_erased_by_two() {
    let world = World::new().await;
    let tenant = world.as_operator().await;
    let (owner, manager, viewer) = (world.browser(Role::Owner).await, world.browser(Role::Manager).await, world.browser(Role::Viewer).await);
    owner.post("/team/four-eyes", &[("erase_list", "yes"), ("erase_list_above", "many")]).await.assert_problem("erase_list_above", "whole number");
    let on = [("erase_list", "yes"), ("erase_list_above", "0"), ("start_campaign_above", "0")];
    assert_eq!(owner.post("/team/four-eyes", &on).await.location(), "/team/four-eyes?said=saved");
    assert!(owner.get("/team/four-eyes").await.text.contains("You are the only owner"));
    let list = tenant.create_list("Arrears <b>", NOON).await.expect("a list");
    let ada = person(&tenant, 123, "Ada").await;
    tenant.add_to_list(list, ada, NOON).await.expect("on it");

    let asked = manager.post(&format!("/contacts/lists/{list}/delete"), &[]).await;
    let request = asked.location().split('?').next().expect("an address").to_owned();
    assert!(request.starts_with("/approvals/apr_") && asked.location().ends_with("?said=asked"));
    let own = manager.get(&request).await;
    assert!(own.text.contains("with 1 people on it") && own.text.contains("Arrears &lt;b&gt;") && own.text.contains("Withdraw it") && !own.text.contains("Yes, do it"));
    assert_eq!(manager.post(&format!("{request}/approve"), &[]).await.status, StatusCode::FORBIDDEN, "not by oneself");
    assert_eq!(viewer.post(&format!("{request}/approve"), &[]).await.status, StatusCode::FORBIDDEN, "nor without the right");
    assert!(!viewer.get(&request).await.text.contains("Yes, do it"));
    assert!(!manager.get("/").await.text.contains("request waits"));
    assert!(owner.get("/").await.text.contains("1 request waits for you to approve or refuse"));
    assert!(owner.get("/approvals").await.text.contains(&request));
    assert!(owner.get(&request).await.text.contains("Yes, do it"));
    owner.post(&format!("{request}/refuse"), &[("why", &"x".repeat(201))]).await.assert_problem("why", "at most 200");

    // It changed: the page says so, and offers no yes.
    tenant.rename_list(list, "Something else", NOON).await.expect("renamed");
    let changed = owner.get(&request).await;
    assert!(changed.text.contains("can no longer be approved") && !changed.text.contains("Yes, do it"));
    tenant.rename_list(list, "Arrears <b>", NOON).await.expect("as it was");

    // Somebody came onto it: that is noticed before it is done.
    let grace = person(&tenant, 124, "Grace").await;
    tenant.add_to_list(list, grace, NOON).await.expect("on it");
    let answer = owner.post(&format!("{request}/approve"), &[]).await;
    assert!(answer.status == StatusCode::CONFLICT && answer.text.contains("withdrawn"));

    let asked = manager.post(&format!("/contacts/lists/{list}/delete"), &[]).await;
    let request = asked.location().split('?').next().expect("an address").to_owned();
    assert_eq!(owner.post(&format!("{request}/approve"), &[]).await.location(), format!("{request}?said=approved"));
    assert!(tenant.list(list).await.is_err());
    let done = owner.get(&request).await;
    assert!(done.text.contains("Approved") && done.text.contains("The owner"));
    assert!(owner.get("/audit?kind=list").await.text.contains("approved by user:"));

    // Asking less often waits itself.
    let asked = owner.post("/team/four-eyes", &[]).await;
    assert!(asked.location().starts_with("/approvals/apr_"));
    assert_ne!(tenant.record().await.expect("a record").four_eyes, FourEyes::default());
    let request = asked.location().split('?').next().expect("an address").to_owned();
    assert_eq!(owner.post(&format!("{request}/withdraw"), &[]).await.location(), format!("{request}?said=withdrawn"));
}
