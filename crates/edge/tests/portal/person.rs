//! What is set on one person: holds, consent, wishes, a legal hold; the search that leads there; templates, fields, keys.

use axum::http::StatusCode;
use clarion_domain::id::ContactId;
use clarion_domain::tenancy::role::Role;

use crate::support::{Browser, World, now};

async fn person(world: &World) -> ContactId {
    crate::people::person(&world.as_operator().await, 111, "Ada").await
}

async fn standing(browser: &Browser, contact: ContactId) -> String {
    browser.get(&format!("/contacts/{contact}/standing")).await.text
}

#[tokio::test]
async fn holds_consents_and_wishes_are_set_and_ended() {
    let world = World::new().await;
    let (contact, owner) = (person(&world).await, world.browser(Role::Owner).await);
    let at = |act: &str| format!("/contacts/{contact}/{act}");
    let back = at("standing?said=saved");

    assert_eq!(owner.post(&at("holds"), &[("hold_reason", "dispute"), ("note_reference", "case 4711")]).await.location(), back);
    assert!(standing(&owner, contact).await.contains("case 4711"));
    assert!(owner.get("/compliance/holds").await.text.contains("case 4711"));
    let hold = world.as_operator().await.holds_of(contact).await.expect("holds")[0].id;
    assert_eq!(owner.post(&at(&format!("holds/{}/lift", clarion_domain::id::HoldId(hold))), &[]).await.location(), back);
    assert!(!owner.get("/compliance/holds").await.text.contains("case 4711"), "the list holds those that stand");

    let consent = [("consent_purpose", "marketing"), ("channel", "sms"), ("kind", "express"), ("obtained_in", "other"), ("given_at", "2026-11-01T10:00"), ("evidence", "form 812"), ("wording_version", "2026-09")];
    assert_eq!(owner.post(&at("consents"), &consent).await.location(), back);
    assert!(standing(&owner, contact).await.contains("form 812"));
    let given = world.as_operator().await.consents_of(contact).await.expect("consents")[0].id;
    assert_eq!(owner.post(&at(&format!("consents/{}/withdraw", clarion_domain::id::ConsentId(given))), &[]).await.location(), back);
    assert!(standing(&owner, contact).await.contains("Withdrawn"));

    assert_eq!(owner.post(&at("wishes"), &[("monday", "10:00-12:00"), ("no_voice", "yes")]).await.location(), back);
    assert!(standing(&owner, contact).await.contains("value=\"10:00-12:00\""));

    assert_eq!(owner.post(&at("legal-hold"), &[("matter", "Case of the meters")]).await.location(), back);
    assert!(owner.get("/privacy/legal-holds").await.text.contains("Case of the meters"));
    assert_eq!(owner.post(&at("legal-hold/lift"), &[]).await.location(), back);
    assert!(!owner.get("/privacy/legal-holds").await.text.contains("Case of the meters"));
}

#[tokio::test]
async fn bad_input_about_a_person_says_what_to_do() {
    let world = World::new().await;
    let (contact, owner) = (person(&world).await, world.browser(Role::Owner).await);
    let at = |act: &str| format!("/contacts/{contact}/{act}");
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: &[Case] = &[
        ("holds", &[("hold_reason", "boredom")], "hold_reason"),
        ("holds", &[("hold_reason", "dispute"), ("until", "soon")], "until"),
        ("holds", &[("hold_reason", "dispute"), ("until", "2020-01-01T10:00")], "until"),
        ("consents", &[("consent_purpose", "marketing")], "given_at"),
        ("consents", &[("consent_purpose", "marketing"), ("channel", "sms"), ("kind", "express"), ("obtained_in", "other"), ("given_at", "2031-01-01T10:00"), ("evidence", "x"), ("wording_version", "1")], "given_at"),
        ("wishes", &[("monday", "early")], "monday"),
        ("legal-hold", &[("matter", "")], "matter"),
    ];
    for (act, fields, field) in cases {
        let answer = owner.post(&at(act), fields).await;
        answer.assert_problem(field, "There is a problem");
        assert!(answer.text.contains(&format!("id=\"{field}\"")), "{act}: the summary's link has its target {field}");
    }
    let viewer = world.browser(Role::Viewer).await;
    for act in ["holds", "consents", "wishes", "legal-hold", "lists", "reveal", "suppress"] {
        assert_eq!(viewer.post(&at(act), &[]).await.status, StatusCode::FORBIDDEN, "{act}");
    }
}

#[tokio::test]
async fn the_search_finds_people_and_campaigns() {
    let world = World::new().await;
    let (contact, owner, tenant) = (person(&world).await, world.browser(Role::Owner).await, world.as_operator().await);
    let campaign = tenant.create_campaign(&clarion_store::campaigns::CampaignDraft::new("Meter readings"), now()).await.expect("a campaign");
    assert_eq!(owner.post("/search", &[("typed", "07700 900111")]).await.location(), format!("/contacts/{contact}"));
    assert_eq!(owner.post("/search", &[("typed", "meter")]).await.location(), format!("/campaigns/{campaign}"));
    for nothing in ["", "nobody at all"] {
        assert!(owner.post("/search", &[("typed", nothing)]).await.text.contains("Nothing found"));
    }
}

#[tokio::test]
async fn templates_fields_and_keys_are_made_changed_and_removed() {
    let world = World::new().await;
    let (owner, tenant) = (world.browser(Role::Owner).await, world.as_operator().await);
    owner.post("/campaigns/templates/new", &[("name", "Due"), ("body", "Hello {first_name|there}")]).await;
    let template = tenant.templates().await.expect("templates").remove(0);
    let campaign = tenant.create_campaign(&clarion_store::campaigns::CampaignDraft::new("Readings"), now()).await.expect("a campaign");
    assert!(owner.get(&format!("/campaigns/{campaign}/message?template={}", template.id)).await.text.contains("Hello {first_name|there}"), "a campaign begins from a template");
    owner.post(&format!("/campaigns/templates/{}", template.id), &[("name", "Due"), ("body", "Good day")]).await;
    assert!(owner.get("/campaigns/templates").await.text.contains("Good day"));
    assert_eq!(owner.post(&format!("/campaigns/templates/{}/delete", template.id), &[]).await.location(), "/campaigns/templates?said=removed");

    owner.post("/imports/fields", &[("name", "balance"), ("purpose", "to say what is owed"), ("retention_days", "30")]).await;
    owner.post("/imports/fields/balance", &[("purpose", "to say what is owed today"), ("retention_days", "soon")]).await.assert_problem("retention_days", "number of days");
    owner.post("/imports/fields/balance", &[("purpose", "to say what is owed today"), ("retention_days", "60")]).await;
    assert!(owner.get("/imports/fields/balance").await.text.contains("owed today"));
    assert_eq!(owner.post("/imports/fields/balance/withdraw", &[]).await.location(), "/imports/fields?said=removed");
    assert_eq!(owner.get("/imports/fields/balance").await.status, StatusCode::NOT_FOUND);

    let made = owner.post("/team/keys", &[("name", "Billing"), ("role", "supervisor")]).await;
    assert!(made.text.contains("clr_"), "the secret is shown this once");
    let listed = owner.get("/team/keys").await;
    assert!(listed.text.contains("Billing") && !listed.text.contains("clr_"), "and never again");
    let key = tenant.api_keys(None, 10).await.expect("keys").rows.remove(0).id;
    assert_eq!(owner.post(&format!("/team/keys/{key}/revoke"), &[]).await.location(), "/team/keys?said=revoked");
    assert!(owner.get("/team/keys").await.text.contains("Revoked"));
}
