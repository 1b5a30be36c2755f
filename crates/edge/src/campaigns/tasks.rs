//! A draft or scheduled campaign as a task list: what is said, and what is still missing.

use axum::response::Response;
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::tenancy::role::Right;
use clarion_store::FieldFault;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::{Markup, html};

use super::words::{basis_name, purpose_name, state_chip, state_name};
use super::{act, audience, fast, recording, schedule, steps};
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::form::{button, confirmed};
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
        @if may { (confirmed("Cancel the campaign…", "The draft is closed and nobody is contacted. Its answers stay in sight, but it cannot be started.", &format!("/campaigns/{}/cancel", campaign.id), "Yes, cancel the campaign")) }
    };
    Ok(Page::new(CAMPAIGNS, &campaign.name).under("/campaigns", "Campaigns").lead(state_chip(campaign.state)).actions(act::copying(session, campaign)).said(said).show(session, &body))
}

/// The steps beside the form of one of them, so that nobody loses their way.
pub async fn aside(session: &Session, campaign: &CampaignRecord, here: &str) -> Result<Markup, Fault> {
    let faults = session.tenant.campaign_faults(&CampaignDraft::from(campaign), session.now).await?;
    let at = |path: &str| format!("/campaigns/{}/{path}", campaign.id);
    let mark = |wrong: bool| if wrong { chip(Tone::Warn, Icon::Pencil, "To do") } else { chip(Tone::Good, Icon::Check, "Done") };
    Ok(html! {
        nav.card.flush.aside aria-label="Steps" {
            header { h2 { "Steps" } }
            ol.steps {
                @for task in tasks(session, campaign).await? { li {
                    div { a href=(at(task.path)) aria-current=[(task.path == here).then_some("step")] { (task.name) } }
                    (mark(faults.iter().any(|fault| task.fields.contains(&fault.field))))
                } }
                li { div { a href=(at("check")) aria-current=[(here == "check").then_some("step")] { "Check answers and start" } } }
            }
        }
    })
}

/// In the place of a step's form once what it asks can no longer be saved.
pub(super) fn closed(session: &Session, campaign: &CampaignRecord, title: &str) -> Option<Response> {
    if matches!(campaign.state, CampaignState::Draft | CampaignState::Scheduled) {
        return None;
    }
    let path = format!("/campaigns/{}", campaign.id);
    let body = html! { section.card {
        p { "A campaign can be changed as long as it is a draft or scheduled, and this one is " (state_name(campaign.state).to_lowercase()) ". How it goes stands on its own page. To have it otherwise, copy it and change the copy." }
        div.actions { a.button href=(path) { "Back to the campaign" } }
    } };
    Some(Page::new(CAMPAIGNS, title).under(path, &campaign.name).show(session, &body))
}

async fn tasks(session: &Session, campaign: &CampaignRecord) -> Result<Vec<Task>, Fault> {
    let purpose = match (campaign.purpose, campaign.basis) {
        (Some(stated), Some(basis)) => format!("{}, on the ground of {}", purpose_name(stated.purpose), basis_name(basis).to_lowercase()),
        (Some(stated), None) => purpose_name(stated.purpose).to_owned(),
        _ => String::new(),
    };
    let mut all = vec![
        Task { path: "purpose", name: "Purpose and legal basis", told: purpose, fields: &["purpose", "underlying_purpose", "legal_basis", "assessment_reference"] },
        Task { path: "audience", name: "Audience", told: audience::told(session, campaign).await?, fields: &["list_id", "filter_id", "evergreen"] },
    ];
    match campaign.channel {
        Channel::Sms => all.push(Task { path: "message", name: "Message", told: campaign.body.chars().take(80).collect(), fields: &["body", "sender", "route"] }),
        Channel::Voice => all.extend([
            Task { path: "say", name: "What it says", told: say_told(session, campaign).await?, fields: &["script", "detector"] },
            Task { path: "fast", name: "How fast", told: fast::told(&campaign.call_pacing), fields: &["call_pacing"] },
            Task { path: "recording", name: "What is recorded", told: recording::told(&campaign.recording), fields: &["recording"] },
            Task { path: "caller", name: "Caller ID", told: campaign.sender.clone(), fields: &["sender", "route"] },
        ]),
    }
    all.push(Task { path: "steps", name: "Steps and stops", told: steps::told(campaign), fields: &["then", "stops"] });
    all.push(Task { path: "schedule", name: "Hours and limits", told: schedule::told(campaign), fields: &["schedule", "retry", "rate_per_second"] });
    Ok(all)
}

pub(super) async fn say_told(session: &Session, campaign: &CampaignRecord) -> Result<String, Fault> {
    if campaign.script.is_empty() {
        return Ok(String::new());
    }
    let checked = session.tenant.check_script(&campaign.script).await?;
    Ok(checked.map_or_else(|_| String::new(), |script| script.tree().into_iter().find(|line| line.way == "start").map_or(String::new(), |line| capitalised(&line.text))))
}

fn step(campaign: &CampaignRecord, task: &Task, faults: &[FieldFault], may: bool) -> Markup {
    let wrong = faults.iter().find(|fault| task.fields.contains(&fault.field));
    html! { li {
        div {
            @if may { a href={ "/campaigns/" (campaign.id) "/" (task.path) } { (task.name) } } @else { (task.name) }
            @if !task.told.is_empty() { p.small.soft { (task.told) } }
            @if let Some(fault) = wrong { p.small { (crate::page::fault::capitalised(&fault.message)) } }
        }
        @match wrong { Some(_) => (chip(Tone::Warn, Icon::Pencil, "To do")), None => (chip(Tone::Good, Icon::Check, "Done")) }
    } }
}
