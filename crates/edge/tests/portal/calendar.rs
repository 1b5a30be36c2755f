//! The calendar, a report as a workbook, a load that is taken back, and people found by a part of their number.

use axum::http::{StatusCode, header};
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::DAY_MS;
use clarion_store::campaigns::CampaignDraft;

use crate::people;
use crate::support::{World, now};

#[tokio::test]
async fn a_campaign_stands_on_the_days_of_its_month_and_week() {
    let world = World::new().await;
    let viewer = world.browser(Role::Viewer).await;
    assert!(viewer.get("/campaigns/calendar").await.text.contains("Nothing on these days"));
    let mut draft = CampaignDraft::new("November reminders");
    draft.schedule.starts_at_ms = Some(now().plus_ms(2 * DAY_MS).ms());
    world.as_operator().await.create_campaign(&draft, now()).await.expect("a draft");
    let page = viewer.get("/campaigns/calendar").await.text;
    assert!(page.contains("November 2026") && page.contains("starts 12:00") && page.contains("09:00–18:00"), "{page}");
    assert_eq!(page.matches(">November reminders<").count(), 8, "on weekdays from the 25th to the last of the shown days");
    let week = viewer.get("/campaigns/calendar?view=week&day=2026-12-25").await.text;
    assert!(week.contains("21 Dec to 27 Dec 2026") && week.contains("bank holiday") && week.matches(">November reminders<").count() == 5, "{week}");
    assert!(viewer.get("/campaigns/calendar?view=week&day=2031-01-01").await.text.contains("holidays not known"));
    assert_eq!(viewer.get("/campaigns/calendar?day=soon&view=year").await.status, StatusCode::OK, "nonsense shows the month of today");
}

#[tokio::test]
async fn a_report_comes_as_a_workbook() {
    let world = World::new().await;
    let file = world.browser(Role::Viewer).await.get("/reports.xlsx?from=2026-11-01&to=2026-11-23").await;
    assert_eq!((file.status, file.header(header::CONTENT_DISPOSITION)), (StatusCode::OK, "attachment; filename=\"report.xlsx\""));
    assert!(file.text.starts_with("PK\u{3}\u{4}") && file.text.contains("disposition"), "the header row, as it is");
}

#[tokio::test]
async fn people_are_found_by_the_end_of_a_number_and_the_beginning_of_a_reference() {
    let world = World::new().await;
    let tenant = world.as_operator().await;
    people::person(&tenant, 111, "Ada").await;
    people::person(&tenant, 112, "Grace").await;
    tenant.fill_search_indexes().await.expect("filled");
    let viewer = world.browser(Role::Viewer).await;
    let one = viewer.post("/contacts/search", &[("typed", "0111")]).await;
    assert!(one.location().starts_with("/contacts/con_"), "{}", one.text);
    for longer in ["0 0112", "90 0112", "90 0113"] {
        viewer.post("/contacts/search", &[("typed", longer)]).await.assert_problem("typed", "exactly the last four digits");
    }
    viewer.post("/contacts/search", &[("typed", "112")]).await.assert_problem("typed", "exactly the last four digits");
    let manager = world.browser(Role::Manager).await;
    assert!(manager.post("/contacts/search", &[("typed", "90 0112")]).await.location().starts_with("/contacts/con_"), "whoever may reveal finds by more");
    assert_eq!(tenant.audit_events("contact", "revealed", None, 10).await.expect("the audit").rows.len(), 1, "and that is on record");
    assert!(viewer.post("/search", &[("typed", "0112")]).await.location().starts_with("/contacts/con_"), "the search of the whole portal finds them too");
}
