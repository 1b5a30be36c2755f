//! "Call me": the saved script, tried on a number of one's own, and what came of it.

use axum::extract::Path;
use axum::http::HeaderName;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::personal::Personal;
use clarion_store::attempts::{NoticeState, TestCallRecord};
use clarion_store::campaigns::CampaignRecord;
use maud::{Markup, html};

use super::{find, problems_of, say};
use crate::page::fault::Fault;
use crate::page::fields::Fields;
use crate::page::form::{Fill, Input, tick};
use crate::page::when;
use crate::tenancy::guard::Session;

/// The form, and the newest call's outcome.
pub async fn card(session: &Session, campaign: &CampaignRecord, fill: Fill<'_>) -> Result<Markup, Fault> {
    let latest = session.tenant.latest_test_call(campaign.id).await?;
    let path = format!("/campaigns/{}/call-me", campaign.id);
    Ok(html! {
        section.card {
            header { h2 { "Call me" } }
            @if campaign.sender.is_empty() || campaign.script.is_empty() {
                p.soft { "Save a script and choose a " a href={ "/campaigns/" (campaign.id) "/caller" } { "caller ID" } " to hear it on your own phone." }
            } @else {
                form.form method="post" action=(path) {
                    (Input::new("number", "Your own number").hint("Is called with the script as it was last saved. Nobody on the list is called, and nothing counts in a report.").kind("tel").class("medium").show(fill))
                    (tick("agents", "Ring an agent when the script puts me through", "Without it, you hear the information message in their place.", fill))
                    div { button.button.quiet type="submit" { "Call me" } }
                }
            }
            @if let Some(call) = &latest { (outcome(session, &path, call)) }
        }
    })
}

fn is_under_way(call: &TestCallRecord) -> bool {
    matches!(call.state, NoticeState::Waiting | NoticeState::Claimed)
}

fn outcome(session: &Session, path: &str, call: &TestCallRecord) -> Markup {
    html! {
        @if is_under_way(call) {
            div #call-me hx-get=(path) hx-trigger="every 2s" hx-swap="outerHTML" role="status" {
                p { "Your call of " (when::time(call.created_at, &session.zone)) " " (if call.state == NoticeState::Waiting { "is about to go out" } else { "is under way" }) ". " a href={ "?#call-me" } { "Look again" } }
            }
        } @else {
            div #call-me role="status" {
                p { strong { "Your call of " (when::time(call.created_at, &session.zone)) } }
                p { (told(call)) }
            }
        }
    }
}

fn told(call: &TestCallRecord) -> String {
    match (&call.outcome, call.state) {
        (Some(outcome), _) => outcome.told(),
        (None, NoticeState::Refused) => "Not called: this number is suppressed, held, or not one that may be called.".into(),
        (None, NoticeState::Unknown) => "The server stopped while it was under way: nobody knows how it went.".into(),
        (None, _) => match call.cause.as_str() {
            "no_route" => "Not called: no route leads to a trunk for this number.".into(),
            "script" => "Not called: what the script says could not be rendered. Check it, and the speech program of the server.".into(),
            "permit_lapsed" => "Not called: what the script says took more than a minute to render. Now it is ready: try again.".into(),
            _ => "Not called.".into(),
        },
    }
}

pub async fn ask(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let held = Fields::new().with("script", &campaign.script).with("number", fields.get("number")).with("agents", fields.get("agents"));
    let refused = |why: &str| crate::page::fields::Problems::one("number", why);
    let Some(number) = session.tenant.read_number(fields.get("number")).await? else {
        return say::show(&session, &campaign, &held, &refused("Enter your own number, as you would write it in a file"), None).await;
    };
    match session.tenant.queue_test_call(campaign.id, Personal::new(number), fields.has("agents", "yes"), session.now).await {
        Ok(_) => Ok(Redirect::to(&format!("/campaigns/{id}/say?said=test-call#call-me")).into_response()),
        Err(error) => say::show(&session, &campaign, &held, &problems_of(error, "number")?, None).await,
    }
}

/// Polled while the call is under way.
pub async fn progress(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let path = format!("/campaigns/{}/call-me", campaign.id);
    match session.tenant.latest_test_call(campaign.id).await? {
        Some(call) => Ok(outcome(&session, &path, &call).into_response()),
        None => Ok(([(HeaderName::from_static("hx-refresh"), "true")], "").into_response()),
    }
}
