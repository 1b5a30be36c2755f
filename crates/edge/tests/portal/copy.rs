//! A campaign is copied from its own page, whatever state it is in, by whoever may run one.

use axum::http::StatusCode;
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::tenancy::role::Role;
use clarion_store::Tenant;
use clarion_store::campaigns::CampaignDraft;
use clarion_store::db::Statement;
use clarion_store::params;

use crate::people::{person, route};
use crate::support::{World, now};

async fn fit(tenant: &Tenant) -> CampaignDraft {
    tenant.add_sender("+447700900999", true, "letter 7", now()).await.expect("a sender");
    route(tenant, Channel::Sms).await;
    let list = tenant.create_list("Readings", now()).await.expect("a list");
    let ada = person(tenant, 111, "Ada").await;
    tenant.add_to_list(list, ada, now()).await.expect("on it");
    CampaignDraft {
        purpose: Some(Purpose::Reminder),
        basis: Some(LegalBasis::Contract),
        list_id: Some(list),
        body: "Please read your meter.".into(),
        sender: "+447700900999".into(),
        ..CampaignDraft::new("Spring readings")
    }
}

#[tokio::test]
async fn a_campaign_is_copied_from_its_page_in_every_state() {
    let world = World::new().await;
    let tenant = world.as_operator().await;
    let draft = fit(&tenant).await;
    let id = tenant.create_campaign(&draft, now()).await.expect("a draft");
    let path = format!("/campaigns/{id}");
    let form = format!("<form method=\"post\" action=\"{path}/copy\">");
    let (manager, viewer) = (world.browser(Role::Manager).await, world.browser(Role::Viewer).await);
    static STANDS: Statement = Statement { text: "UPDATE campaign SET state = $2 WHERE id = $1", postgres: "" };
    for state in CampaignState::ALL {
        tenant.store().db().execute(&STANDS, &params![id, state.as_str()]).await.expect("stands");
        let page = manager.get(&path).await.text;
        assert!(page.contains(&form), "{state}: {page}");
        let seen = viewer.get(&path).await;
        assert!(seen.status == StatusCode::OK && !seen.text.contains("/copy"), "{state}: {}", seen.text);
        assert_eq!(viewer.post(&format!("{path}/copy"), &[]).await.status, StatusCode::FORBIDDEN, "{state}");

        let answer = manager.post(&format!("{path}/copy"), &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{state}: {}", answer.text);
        let (new, said) = answer.location().split_once('?').expect("something is said");
        assert!(new != path && said == "said=copied", "{}", answer.location());
        let page = manager.get(answer.location()).await.text;
        assert!(page.contains("<h1>Spring readings (copy)</h1>") && page.contains("This is the new draft") && page.contains("Please read your meter.") && page.contains("Ready to check"), "{state}: {page}");
        let copy = tenant.campaign(new.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id")).await.expect("reads");
        assert_eq!((copy.state, CampaignDraft::from(&copy)), (CampaignState::Draft, CampaignDraft { name: "Spring readings (copy)".into(), ..draft.clone() }), "{state}");
    }
    assert_eq!(manager.post("/campaigns/cam_0000000000001/copy", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_later_step_is_copied_with_its_campaign_alone() {
    let world = World::new().await;
    let tenant = world.as_operator().await;
    let id = tenant.create_campaign(&fit(&tenant).await, now()).await.expect("a draft");
    static LATER: Statement = Statement { text: "UPDATE campaign SET state = 'running', step = 2 WHERE id = $1", postgres: "" };
    tenant.store().db().execute(&LATER, &params![id]).await.expect("is one");
    let manager = world.browser(Role::Manager).await;
    let page = manager.get(&format!("/campaigns/{id}")).await.text;
    assert!(page.contains("This is step 2 of") && !page.contains("/copy"), "{page}");
    assert_eq!(manager.post(&format!("/campaigns/{id}/copy"), &[]).await.status, StatusCode::CONFLICT);
}
