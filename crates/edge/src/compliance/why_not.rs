//! "Why not?": what stands between one number and one campaign, in words.

use axum::response::Response;
use clarion_domain::id::CampaignId;
use clarion_store::StoreError;
use clarion_store::campaigns::CampaignQuery;
use clarion_store::compliance::WhyNot;
use maud::{Markup, html};

use super::tabs;
use crate::contacts::timeline::{scope_name, suppression_name};
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::form::{Fill, Input, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::COMPLIANCE;
use crate::page::when;
use crate::tenancy::guard::Session;

pub async fn page(session: Session) -> Result<Response, Fault> {
    show(&session, &Fields::new(), &Problems::new(), None).await
}

async fn show(session: &Session, fields: &Fields, problems: &Problems, answer: Option<&WhyNot>) -> Result<Response, Fault> {
    let campaigns = session.tenant.campaigns(&CampaignQuery { state: None, text: "", before: None, limit: 100 }).await?;
    let choices: Vec<(String, String)> = campaigns.rows.iter().map(|campaign| (campaign.id.to_string(), campaign.name.clone())).collect();
    let fill = Fill { fields, problems };
    let body = html! {
        (tabs("why-not"))
        @if choices.is_empty() { div.notice { p { "There is no campaign yet to ask about. " a href="/campaigns/new" { "Make one" } "." } } }
        form.card method="post" action="/compliance/why-not" { div.row {
            (Input::new("number", "Number").kind("tel").show(fill))
            (select("campaign", "Campaign", "", &choices, fill))
            button.button type="submit" { "Check" }
        } }
        @if let Some(answer) = answer { (told(session, answer)) }
    };
    Ok(Page::new(COMPLIANCE, "Why not?").lead(html! { p { "Whether a number may be contacted now, and what stands in the way. Nothing is kept of the question." } }).problems(problems).show(session, &body))
}

fn told(session: &Session, answer: &WhyNot) -> Markup {
    html! {
        section.card role="status" {
            header {
                h2 { "Now" }
                @match &answer.decision {
                    Some(words) if words.kind == "permitted" => (chip(Tone::Good, Icon::Check, "May be contacted")),
                    Some(words) if words.kind == "deferred" => (chip(Tone::Warn, Icon::Clock, "Put off")),
                    Some(_) => (chip(Tone::Bad, Icon::Stop, "May not be contacted")),
                    None => (chip(Tone::Calm, Icon::Question, "Not a contact of yours")),
                }
            }
            @if let Some(until) = answer.decision.as_ref().and_then(|words| words.until) { p { "Until " (when::time(until, &session.zone)) } }
            @if !answer.reasons.is_empty() { ul.stack.tight { @for reason in &answer.reasons { li { (reason.sentence) " " span.mono.soft.small { (reason.rule) } } } } }
            dl.facts {
                dt { "Suppressions" } dd { @if answer.suppressions.is_empty() { "None" } @for entry in &answer.suppressions { div { (scope_name(entry.scope)) ": " (suppression_name(entry.reason)) ", " (when::time(entry.created_at, &session.zone)) } } }
                dt { "Holds" } dd { @if answer.holds.is_empty() { "None" } @for hold in &answer.holds { div { (hold.reason.as_str().replace('_', " ")) } } }
                dt { "Recent attempts" } dd { (answer.recent_attempts) }
                @if let Some(contact) = answer.contact_id { dt { "Person" } dd { a href={ "/contacts/" (contact) } { "Open the timeline" } } }
                @if let Some(words) = &answer.decision { dt { "Rules" } dd.mono.small { (words.rule_pack) } }
            }
        }
    }
}

pub async fn check(session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    problems.need(&fields, "number", "Enter a number");
    let Some(id) = fields.word::<CampaignId>("campaign").filter(|_| problems.is_empty()) else {
        if !fields.is_set("campaign") {
            problems.add("campaign", "Choose a campaign");
        }
        return show(&session, &fields, &problems, None).await;
    };
    let terms = session.tenant.campaign_terms(&session.tenant.campaign(id).await?).await?;
    match session.tenant.why_not(fields.get("number"), &terms, session.now).await {
        Ok(answer) => show(&session, &fields, &problems, Some(&answer)).await,
        Err(StoreError::Invalid(text)) => show(&session, &fields, &Problems::one("number", capitalised(&text)), None).await,
        Err(error) => Err(error.into()),
    }
}
