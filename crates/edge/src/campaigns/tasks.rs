//! A draft or scheduled campaign as a task list: what is said, and what is still missing.

use axum::response::Response;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::tenancy::role::Right;
use clarion_store::FieldFault;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::{Markup, html};

use super::words::{basis_name, purpose_name, state_chip};
use super::{audience, schedule};
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::form::button;
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::when;
use crate::tenancy::guard::Session;

struct Task {
    path: &'static str,
    name: &'static str,
    told: String,
    fields: &'static [&'static str],
}

pub async fn show(session: &Session, campaign: &CampaignRecord, said: Option<&'static str>) -> Result<Response, Fault> {
    let faults = session.tenant.campaign_faults(&CampaignDraft::from(campaign), session.now).await?;
    let may = session.may(Right::RunCampaigns);
    let body = html! {
        @if !campaign.state_reason.is_empty() { div.notice.warn { p { (campaign.state_reason) } } }
        @if campaign.state == CampaignState::Scheduled {
            div.notice { h2 { "Scheduled" } @if let Some(at) = campaign.starts_at { p { "Starts " (when::time(at, &session.zone)) " (" (session.record.zone) "), in " (when::length(at.ms() - session.now.ms())) "." } }
                @if may { div.actions { (button(&format!("/campaigns/{}/unschedule", campaign.id), "quiet", "Unschedule")) } } }
        }
        section.card.flush { ol.steps {
            @for task in tasks(session, campaign).await? { (step(campaign, &task, &faults, may)) }
            li {
                div { @if may { a href={ "/campaigns/" (campaign.id) "/check" } { "Check answers and start" } } @else { "Check answers and start" } p.small.soft { "Who is eligible, put off or refused, what it costs and how long it takes." } }
                @if faults.is_empty() { (chip(Tone::Info, Icon::Play, "Ready to check")) } @else { (chip(Tone::Calm, Icon::Clock, "Not yet")) }
            }
        } }
        @if may { div.actions { (button(&format!("/campaigns/{}/cancel", campaign.id), "danger", "Cancel the campaign")) } }
    };
    Ok(Page::new(CAMPAIGNS, &campaign.name).under("/campaigns", "Campaigns").lead(state_chip(campaign.state)).said(said).show(session, &body))
}

async fn tasks(session: &Session, campaign: &CampaignRecord) -> Result<Vec<Task>, Fault> {
    let purpose = match (campaign.purpose, campaign.basis) {
        (Some(stated), Some(basis)) => format!("{}, on the ground of {}", purpose_name(stated.purpose), basis_name(basis).to_lowercase()),
        (Some(stated), None) => purpose_name(stated.purpose).to_owned(),
        _ => String::new(),
    };
    let text: String = campaign.body.chars().take(80).collect();
    Ok(vec![
        Task { path: "purpose", name: "Purpose and legal basis", told: purpose, fields: &["purpose", "underlying_purpose", "legal_basis", "assessment_reference"] },
        Task { path: "audience", name: "Audience", told: audience::told(session, campaign).await?, fields: &["list_id", "filter_id"] },
        Task { path: "message", name: "Message", told: text, fields: &["body", "sender"] },
        Task { path: "schedule", name: "Hours and limits", told: schedule::told(campaign), fields: &["schedule", "retry", "rate_per_second"] },
    ])
}

fn step(campaign: &CampaignRecord, task: &Task, faults: &[FieldFault], may: bool) -> Markup {
    let wrong = faults.iter().find(|fault| task.fields.contains(&fault.field));
    html! { li {
        div {
            @if may { a href={ "/campaigns/" (campaign.id) "/" (task.path) } { (task.name) } } @else { (task.name) }
            @if !task.told.is_empty() { p.small { (task.told) } }
            @if let Some(fault) = wrong { p.small.soft { (crate::page::fault::capitalised(&fault.message)) } }
        }
        @match wrong { Some(_) => (chip(Tone::Warn, Icon::Pencil, "To do")), None => (chip(Tone::Good, Icon::Check, "Done")) }
    } }
}
