//! The pages of instructions and connectors.

use axum::http::StatusCode;
use clarion_domain::tenancy::role::Role;

use crate::support::World;

const INSTRUCTION: [(&str, &str); 8] = [
    ("kind", "pull"), ("reference", "NW-2026-014"), ("fields", "phone, first_name"), ("purpose", "Appointment reminders"), ("legal_basis", "contract"), ("agreed_by", "Grace Hopper"),
    ("valid_from", "2020-01-01T00:00"), ("valid_until", "2090-01-01T00:00"),
];

#[tokio::test]
async fn an_instruction_is_recorded_and_a_connector_works_under_it_until_it_is_revoked() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    assert!(owner.get("/imports/instructions").await.text.contains("No instruction yet"));
    assert_eq!(world.browser(Role::Auditor).await.get("/imports/instructions").await.status, StatusCode::OK, "an auditor reads the register");
    assert_eq!(world.browser(Role::Manager).await.get("/imports/connectors").await.status, StatusCode::FORBIDDEN);
    let wrong = owner.post("/imports/instructions/new", &[("kind", "pull"), ("legal_basis", "contract"), ("valid_from", "2020-01-01T00:00"), ("valid_until", "2021-01-01T00:00")]).await;
    wrong.assert_problem("reference", "Enter the client's reference");
    wrong.assert_problem("valid_until", "in the future");
    let instruction = owner.post("/imports/instructions/new", &INSTRUCTION).await.location().split('?').next().expect("a path").to_owned();
    let id = instruction.rsplit('/').next().expect("an id").to_owned();
    assert!(owner.get(&instruction).await.text.contains("In force"));

    assert!(owner.get("/imports/connectors").await.text.contains("No connector yet"));
    let form = |fields: &'static str, times: &'static str| {
        [("name", "Booking system"), ("instruction", id.as_str()), ("url", "https://crm.example.com/people?key=in-the-query"), ("format", "json"), ("fields", fields), ("paging", "none"), ("incremental", "everything"),
            ("authentication", "bearer"), ("secret", "hush-hush"), ("times", times)]
    };
    owner.post("/imports/connectors/new", &form("phone = mobile", "now and then")).await.assert_problem("times", "Write the schedule as");
    owner.post("/imports/connectors/new", &form("mobile", "by hand")).await.assert_problem("fields", "Write a line such as phone = mobile");
    owner.post("/imports/connectors/new", &form("first_name = first", "by hand")).await.assert_problem("fields", "phone number");
    let path = owner.post("/imports/connectors/new", &form("phone = mobile\nlast_name = surname", "every 2 hours")).await.location().split('?').next().expect("a path").to_owned();
    let page = owner.get(&path).await.text;
    assert!(page.contains("Paused") && page.contains("mapped, but not agreed") && page.contains("It has not worked yet") && !page.contains("hush-hush"), "{page}");
    assert!(!owner.get("/imports/connectors").await.text.contains("in-the-query"), "what stands in the query may be a secret");
    let run = owner.post(&format!("{path}/preview"), &[]).await.location().to_owned();
    assert!(owner.get(&run).await.text.contains("Load this page again"));
    assert_eq!(owner.post(&format!("{path}/resume"), &[]).await.location(), format!("{path}?said=connector-on"));
    assert!(owner.get(&path).await.text.contains("Pull now"));
    assert_eq!(owner.post(&format!("{path}/pause"), &[]).await.location(), format!("{path}?said=connector-paused"));
    assert_eq!(owner.post(&format!("{path}/start-over"), &[]).await.status, StatusCode::SEE_OTHER);
    owner.post(&path, &form("phone = mobile", "never")).await.assert_problem("times", "Write the schedule as");
    assert_eq!(owner.post(&path, &form("phone = mobile", "at 06:00")).await.location(), format!("{path}?said=saved"));

    let next = owner.post(&format!("{instruction}/replace"), &INSTRUCTION).await.location().split('?').next().expect("a path").to_owned();
    assert!(owner.get(&instruction).await.text.contains("Replaced") && owner.get(&next).await.text.contains("Version 2"));
    owner.post(&format!("{next}/revoke"), &[("why", "")]).await.assert_problem("why", "Say who revoked it");
    assert_eq!(owner.post(&format!("{next}/revoke"), &[("why", "the contract ended")]).await.location(), format!("{next}?said=instruction-revoked"));
    assert!(owner.get(&path).await.text.contains("Its instruction was revoked"));
    assert_eq!(owner.post(&format!("{path}/delete"), &[]).await.location(), "/imports/connectors?said=removed");
    assert_eq!(owner.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_export_is_made_paused_and_deleted_and_its_secret_shown_once() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    assert!(owner.get("/imports/exports").await.text.contains("No export yet"));
    let mut agreed = INSTRUCTION;
    (agreed[0], agreed[2]) = (("kind", "export"), ("fields", "outcome reference"));
    let instruction = owner.post("/imports/instructions/new", &agreed).await.location().split('?').next().expect("a path").to_owned();
    let id = instruction.rsplit('/').next().expect("an id").to_owned();
    let form = |url: &'static str, minutes: &'static str| {
        [("name", "Results"), ("instruction", id.as_str()), ("at_end", "yes"), ("after_minutes", minutes), ("times", "at 06:00"), ("format", "csv"), ("target", "https_put"), ("url", url)]
    };
    assert!(owner.get("/imports/exports/new").await.text.contains("NW-2026-014"));
    owner.post("/imports/exports/new", &form("https://10.0.0.1/", "60")).await.assert_problem("url", "not on the public internet");
    owner.post("/imports/exports/new", &form("https://crm.example.com/{file}", "soon")).await.assert_problem("after_minutes", "Enter a whole number");
    let made = owner.post("/imports/exports/new", &form("https://crm.example.com/{file}", "60")).await.text;
    assert!(made.contains("Keep this secret now") && made.contains("whsec_"), "{made}");
    let path = made.split("href=\"").find(|part| part.starts_with("/imports/exports/exp_")).and_then(|part| part.split('"').next()).expect("its page").to_owned();
    let page = owner.get(&path).await.text;
    assert!(page.contains("60 min after a campaign") && page.contains("No file yet") && !page.contains("whsec_"), "{page}");
    assert_eq!(owner.post(&format!("{path}/pause"), &[]).await.location(), format!("{path}?said=saved"));
    assert!(owner.get(&path).await.text.contains("Paused"));
    assert_eq!(owner.post(&format!("{path}/resume"), &[]).await.location(), format!("{path}?said=saved"));
    assert!(owner.post(&format!("{path}/secret"), &[]).await.text.contains("whsec_"));
    owner.post(&format!("{path}/files"), &[("campaign", "none")]).await.assert_problem("campaign", "Choose a campaign");
    assert_eq!(owner.post(&format!("{path}/delete"), &[]).await.location(), "/imports/exports?said=removed");
    assert_eq!(owner.get(&path).await.status, StatusCode::NOT_FOUND);
}
