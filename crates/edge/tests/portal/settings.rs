//! What a tenant says of itself.

use axum::http::StatusCode;
use clarion_domain::tenancy::role::Role;

use crate::support::{World, now};

#[tokio::test]
async fn settings_are_changed_and_every_fault_is_said() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let tenant = world.as_operator().await;
    tenant.add_sender("+447700900990", true, "ours", now()).await.expect("a sender");
    let page = owner.get("/settings").await.text;
    assert!(page.contains("value=\"Northwind Energy\"") && page.contains("Europe/London"), "{page}");
    let good = [
        ("name", "Northwind Power"), ("zone", "Europe/Paris"), ("default_region", "GB"), ("contact_details", "1 Quay Street\r\nBristol"), ("help_text", "Northwind Power. Call 020 7946 0000."),
        ("default_sender", "+447700900990"), ("default_caller", ""),
    ];
    assert_eq!(owner.post("/settings", &good).await.location(), "/settings?said=saved");
    let held = tenant.settings().await.expect("reads");
    assert_eq!((held.name.as_str(), held.zone.as_str(), held.contact_details.as_str()), ("Northwind Power", "Europe/Paris", "1 Quay Street\nBristol"));
    let wrong = owner.post("/settings", &[("name", ""), ("zone", "Mars/Base"), ("default_region", "XX1"), ("help_text", ""), ("default_sender", "Somebody"), ("default_caller", "+15005550006")]).await;
    for (field, words) in [("name", "Give the name"), ("zone", "no such time zone"), ("default_region", "no such country"), ("help_text", "Say who you are"), ("default_sender", "none of your senders"), ("default_caller", "none of your numbers")] {
        wrong.assert_problem(field, words);
    }
    assert_eq!(tenant.settings().await.expect("reads"), held, "nothing was changed");
    let manager = world.browser(Role::Manager).await;
    assert_eq!(manager.get("/settings").await.status, StatusCode::FORBIDDEN);
    let made = manager.post("/campaigns/new", &[("name", "November"), ("channel", "sms")]).await;
    let message = manager.get(&format!("{}/message", made.location())).await.text;
    assert!(message.contains("<option value=\"+447700900990\" selected"), "a campaign begins with the sender: {message}");
    let acts = tenant.audit_events("tenant", "", None, 10).await.expect("the audit").rows;
    assert!(acts.iter().any(|act| act.detail.contains("name, zone, contact_details")), "what was changed is audited, and not what it is now");
}

#[tokio::test]
async fn hours_and_caps_are_set_and_every_fault_is_said() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let tenant = world.as_operator().await;
    let good = [("monday", "09:00-17:00"), ("caps", "2"), ("count-0", "2"), ("period-0", "24"), ("purpose-0", "marketing"), ("count-1", ""), ("period-1", "")];
    assert_eq!(owner.post("/settings/limits", &good).await.location(), "/settings/limits?said=saved");
    let held = tenant.written_limits().await.expect("reads");
    assert_eq!((held.caps.len(), held.caps[0].count_max, held.hours.expect("hours").monday.as_str()), (1, 2, "09:00-17:00"));
    let page = owner.get("/settings/limits").await.text;
    assert!(page.contains("value=\"09:00-17:00\"") && page.contains("name=\"count-2\""), "{page}");
    owner.post("/settings/limits", &[("monday", "17:00-09:00"), ("caps", "2")]).await.assert_problem("monday", "span of hours");
    owner.post("/settings/limits", &[("caps", "1"), ("count-0", "0"), ("period-0", "24")]).await.assert_problem("count-0", "at least 1");
    assert_eq!(owner.post("/settings/limits", &[("caps", "2")]).await.location(), "/settings/limits?said=saved");
    assert!(tenant.written_limits().await.expect("reads").hours.is_none(), "empty leaves the rules alone");
}
