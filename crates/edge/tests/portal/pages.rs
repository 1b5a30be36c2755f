//! Every page by every role, and the worst input of each form.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use clarion_domain::tenancy::role::{Right, Role};
use clarion_store::campaigns::CampaignDraft;

use crate::support::{World, now};

const PAGES: &[(&str, Right)] = &[
    ("/", Right::View),
    ("/imports", Right::View),
    ("/imports/new", Right::LoadContacts),
    ("/imports/fields", Right::LoadContacts),
    ("/contacts", Right::View),
    ("/contacts/filters", Right::View),
    ("/campaigns", Right::View),
    ("/campaigns/new", Right::RunCampaigns),
    ("/campaigns/templates", Right::View),
    ("/campaigns/scripts", Right::View),
    ("/campaigns/scripts/new", Right::RunCampaigns),
    ("/campaigns/scripts/new?from=agent", Right::RunCampaigns),
    ("/campaigns/prompts", Right::View),
    ("/carriers/targets", Right::View),
    ("/carriers/targets/new", Right::ManageTrunks),
    ("/carriers/trunks/new?kind=sip", Right::ManageTrunks),
    ("/campaigns/templates/new", Right::RunCampaigns),
    ("/compliance", Right::Suppress),
    ("/compliance/file", Right::Suppress),
    ("/compliance/suppressions.csv", Right::RevealPersonal),
    ("/compliance/holds", Right::Suppress),
    ("/compliance/why-not", Right::Suppress),
    ("/carriers", Right::View),
    ("/carriers/trunks/new", Right::ManageTrunks),
    ("/carriers/trunks/new?kind=http", Right::ManageTrunks),
    ("/inbox", Right::AnswerReplies),
    ("/reports", Right::View),
    ("/reports/compare", Right::View),
    ("/reports.csv", Right::View),
    ("/privacy", Right::AnswerSubjects),
    ("/privacy/retention", Right::AnswerSubjects),
    ("/privacy/inventory", Right::AnswerSubjects),
    ("/privacy/legal-holds", Right::AnswerSubjects),
    ("/team/keys", Right::ManageTeam),
];

#[tokio::test]
async fn each_role_sees_the_pages_of_its_rights() {
    let world = World::new().await;
    for role in Role::ALL {
        let browser = world.browser(*role).await;
        for (path, right) in PAGES {
            let answer = browser.get(path).await;
            let expected = match (role.may(*right), *path) {
                (true, _) => StatusCode::OK,
                // The overview leads whoever may not see it to the first page that they may.
                (false, "/") => StatusCode::SEE_OTHER,
                (false, _) => StatusCode::FORBIDDEN,
            };
            assert_eq!(answer.status, expected, "{role} at {path}: {}", answer.text);
            if answer.status == StatusCode::OK && !path.ends_with(".csv") {
                assert_eq!(answer.text.matches("<h1").count(), 1, "{path} has one h1");
                assert!(!answer.text.contains(" style="), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn no_act_is_open_to_a_viewer_or_to_a_stranger() {
    let world = World::new().await;
    let campaign = world.as_operator().await.create_campaign(&CampaignDraft::new("Quiet"), now()).await.expect("a campaign");
    let acts = ["/imports/new", "/imports/fields", "/contacts/lists", "/contacts/filters", "/campaigns/templates/new", "/campaigns/scripts/new", "/campaigns/prompts", "/carriers/targets/new", "/team/keys", "/compliance", "/compliance/file", "/carriers/routes", "/carriers/senders", "/carriers/trunks/new", "/privacy", "/privacy/export", "/privacy/erase", "/privacy/retention"];
    let of_campaign = ["say", "fast", "caller", "purpose", "audience", "message", "schedule", "start", "schedule-start", "unschedule", "pause", "resume", "cancel", "copy", "rate", "dry-run", "test-send", "call-me"].map(|act| format!("/campaigns/{campaign}/{act}"));
    let viewer = world.browser(Role::Viewer).await;
    for path in acts.into_iter().map(str::to_owned).chain(of_campaign) {
        assert_eq!(viewer.post(&path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(world.stranger().post(&path, &[]).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn bad_input_gets_the_summary_with_what_to_do() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let campaign = world.as_operator().await.create_campaign(&CampaignDraft::new("Draft"), now()).await.expect("a campaign");
    let at = |step: &str| format!("/campaigns/{campaign}/{step}");
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: &[Case] = &[
        ("/imports/fields", &[("name", "Bad Name"), ("purpose", "because we need it"), ("retention_days", "30")], "name"),
        ("/imports/fields", &[("name", "balance"), ("purpose", "because we need it"), ("retention_days", "ages")], "retention_days"),
        ("/contacts/search", &[("typed", "07700 900777")], "typed"),
        ("/contacts/lists", &[("name", "")], "name"),
        ("/contacts/filters", &[("name", "Nobody")], "on_list"),
        ("/contacts/filters", &[("name", ""), ("reference", "yes")], "name"),
        ("/contacts/filters", &[("name", "Abroad"), ("region", "Britain")], "region"),
        ("/campaigns/templates/new", &[("name", ""), ("body", "Hello")], "name"),
        ("/campaigns/templates/new", &[("name", "Broken"), ("body", "Hello {nobody")], "body"),
        ("/team/keys", &[("name", ""), ("role", "viewer")], "name"),
        ("/team/keys", &[("name", "A program"), ("role", "king")], "role"),
        ("/campaigns/new", &[("name", ""), ("channel", "voice")], "name"),
        ("/campaigns/new", &[("name", "Neither")], "channel"),
        (&at("purpose"), &[("name", "Draft")], "purpose"),
        (&at("audience"), &[("list_id", ""), ("filter_id", "nonsense")], "list_id"),
        (&at("message"), &[("body", "Hello {nobody"), ("sender", "")], "body"),
        (&at("schedule"), &[("from", "25:00"), ("until", "18:00"), ("rate_per_second", "fast"), ("attempts_max", "-1")], "from"),
        (&at("schedule"), &[("day", "monday"), ("from", "18:00"), ("until", "09:00"), ("rate_per_second", "10"), ("attempts_max", "1")], "schedule"),
        (&at("test-send"), &[("number", "not a number")], "body"),
        ("/compliance", &[("number", "12"), ("scope", "every"), ("reason", "tenant_list")], "number"),
        ("/compliance", &[("number", "07700 900123"), ("scope", "all"), ("reason", "erased")], "scope"),
        ("/compliance/why-not", &[("number", "")], "number"),
        ("/carriers/routes", &[("prefix", ""), ("trunk", "x"), ("priority", "high")], "prefix"),
        ("/carriers/senders", &[("value", "A name far too long"), ("evidence", "")], "value"),
        ("/carriers/trunks/new", &[("name", ""), ("port", "99999")], "port"),
        ("/carriers/trunks/new", &[("kind", "http"), ("name", "P"), ("settings", "{]"), ("rate_per_second", "1"), ("cost", "0"), ("currency", "GBP")], "settings"),
        ("/privacy", &[("typed", "")], "typed"),
        ("/privacy/erase", &[("typed", "07700 900123"), ("confirm", "yes")], "confirm"),
        ("/privacy/retention", &[("class", "nothing"), ("period_days", "soon")], "class"),
        ("/privacy/retention", &[("class", "audit_event"), ("period_days", "1")], "period_days"),
    ];
    for (path, fields, field) in cases {
        let answer = owner.post(path, fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", answer.text);
        answer.assert_problem(field, "There is a problem");
        assert!(answer.text.contains(&format!("id=\"{field}\"")), "{path}: the summary's link has its target {field}: {}", answer.text);
    }
    owner.post(&at("start"), &[]).await.assert_problem("start", "Say why these people");
}

#[tokio::test]
async fn a_file_is_received_and_an_empty_or_missing_one_is_not() {
    let world = World::new().await;
    let manager = world.browser(Role::Manager).await;
    let send = async |content: Option<&str>| {
        let file = content.map_or(String::new(), |content| format!("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\nContent-Type: text/csv\r\n\r\n{content}\r\n"));
        let body = format!("--B\r\nContent-Disposition: form-data; name=\"list\"\r\n\r\nSpring\r\n{file}--B--\r\n");
        let request = Request::post("/imports/new").header(header::COOKIE, &manager.cookie).header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "multipart/form-data; boundary=B");
        manager.send(request.body(Body::from(body)).expect("a request")).await
    };
    send(None).await.assert_problem("file", "Choose a file");
    send(Some("")).await.assert_problem("file", "The file is empty");
    let answer = send(Some("phone\r\n07700900001")).await;
    assert!(answer.location().starts_with("/imports/imp_"), "{}", answer.text);
    let page = manager.get(answer.location()).await;
    assert!(page.text.contains("people.csv") && page.text.contains("Spring") && page.text.contains("Reading"), "{}", page.text);
    assert_eq!(world.as_operator().await.imports(None, 10).await.expect("imports").rows.len(), 1, "nothing is left of the refused ones");
}

#[tokio::test]
async fn a_reveal_is_audited_and_an_unknown_address_is_a_page() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    for path in ["/contacts/con_0000000000001", "/contacts/nobody", "/campaigns/cam_0000000000001", "/imports/x", "/inbox/x", "/carriers/trunks/x", "/compliance/x/remove", "/team/x"] {
        assert_eq!(owner.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(owner.post("/contacts/con_0000000000001/reveal", &[]).await.status, StatusCode::NOT_FOUND);
}
