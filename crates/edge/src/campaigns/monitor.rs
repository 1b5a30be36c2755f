//! The monitor of a campaign that started: counts, rate, time left, why held, hours, and the controls.

use axum::extract::{Path, State};
use axum::response::Response;
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::tenancy::role::Right;
use clarion_store::campaigns::CampaignRecord;
use clarion_store::links::LinkCount;
use maud::{Markup, html};

use super::words::{purpose_name, state_chip};
use super::{act, fast, find, live, recording, script_check, steps_now, tasks};
use crate::page::chart::table;
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, Input, button, confirmed};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::page::when;
use crate::portal::Portal;
use crate::tenancy::guard::Session;

pub async fn page(State(portal): State<Portal>, session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    if matches!(campaign.state, CampaignState::Draft | CampaignState::Scheduled) {
        return tasks::show(&session, &campaign, said(&asked)).await;
    }
    let rate = if campaign.channel == Channel::Voice { campaign.call_pacing.calls_per_second_max.into() } else { campaign.rate_per_second };
    let fields = Fields::new().with("rate_per_second", rate.to_string());
    show(&portal, &session, &campaign, &fields, &Problems::new(), said(&asked)).await
}

pub async fn show(portal: &Portal, session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let snapshot = live::Snapshot::read(portal, session, campaign.id).await?;
    let stream = (!snapshot.is_settled()).then(|| format!("/campaigns/{}/live?shown={}", campaign.id, campaign.state));
    let links = session.tenant.link_counts(campaign.id).await?;
    let body = html! {
        div.stack hx-sse:connect=[stream.as_deref()] hx-swap="none" {
            div #live-state.stack.tight { (snapshot.state(session)) }
            div #live-moved hidden {}
            @if stream.is_some() { noscript { p.small.soft { "These are the figures of when you asked. " a href={ "/campaigns/" (campaign.id) } { "Look again" } } } }
        }
        // Before all that is only read: on a telephone everything stands below one another, and whoever must stop a campaign has no time to look for it.
        (controls(session, campaign, Fill { fields, problems }))
        dl.figures #live-figures { (snapshot.figures()) }
        div.columns.wide-first {
            div.stack {
                @if let Some(calls) = snapshot.calls().filter(|_| stream.is_some()) { section.card { header { h2 { "Calls now" } } div #live-calls.stack { (calls.show()) } } }
                @if stream.is_some() {
                    section.card { header { h2 { (snapshot.pace_series().name) } } div #live-pace { (snapshot.pace(session)) } (table(&format!("{}, the last five minutes", snapshot.pace_series().name), "Until", &[snapshot.pace_series()], "live-pace-rows", &snapshot.pace_rows(session))) }
                }
                section.card { header { h2 { "By hour" } } div #live-hours { (snapshot.hours(session)) } (table(&format!("{} by hour and how they ended", snapshot.noun()), "Hour", snapshot.series(), "live-hours-rows", &snapshot.hours_rows(session))) }
                section.card.flush { header { h2 { "How it ended" } a.small href={ "/campaigns/" (campaign.id) "/recipients" } { "Review each person" } } div #live-endings { (snapshot.endings()) } }
            }
            div.stack {
                @if !links.is_empty() { (opened(&links)) }
                (steps_now::card(session, campaign).await?)
                @if let Some(calls) = snapshot.calls() { section.card { header { h2 { "Abandoned calls" } } div #live-abandoned.stack.tight { (calls.rate()) } } }
                section.card { header { h2 { "Not contacted, and why" } } div #live-refusals { (snapshot.refusals()) } }
                (about(session, campaign).await?)
            }
        }
    };
    Ok(Page::new(CAMPAIGNS, &campaign.name).under("/campaigns", "Campaigns").actions(act::copying(session, campaign)).said(said).problems(problems).show(session, &body))
}

/// What became of the text's short links.
fn opened(links: &[LinkCount]) -> Markup {
    html! {
        section.card.flush {
            header { h2 { "Links" } }
            div.scroll { table.stacks {
                thead { tr { th scope="col" { "Leads to" } th.num scope="col" { "Opened by" } th.num scope="col" { "Clicks" } } }
                tbody { @for link in links { tr {
                    th.breaks scope="row" { @if link.source.is_empty() { "Link " (link.place + 1) } @else { (link.source) } }
                    td.num data-label="Opened by" { (count(link.clicked)) }
                    td.num data-label="Clicks" { (count(link.clicks)) }
                } } }
            } }
        }
    }
}

/// Outside the live regions, so that nothing is swapped under a finger.
fn controls(session: &Session, campaign: &CampaignRecord, fill: Fill) -> Markup {
    let path = format!("/campaigns/{}", campaign.id);
    let call = campaign.channel == Channel::Voice;
    html! {
        @if session.may(Right::RunCampaigns) && !campaign.state.is_over() && campaign.step == 1 {
            section.card {
                header { h2 { "Controls" } }
                div.actions {
                    @if campaign.state == CampaignState::Running { (button(&format!("{path}/pause"), "", if call { "Drain: no new call" } else { "Pause" })) }
                    @if campaign.state == CampaignState::Paused { (button(&format!("{path}/resume"), "", "Resume")) }
                }
                form.row.close method="post" action={ (path) "/rate" } {
                    (Input::new("rate_per_second", if call { "Calls a second, at most" } else { "Messages a second" }).kind("number").class("short").show(fill))
                    button.button.quiet type="submit" { "Set the rate" }
                }
                @if call {
                    p.small.soft { "Drained, nobody else is called and the calls that are up go on to their end." }
                    (confirmed("Stop now…", "Calls that ring are taken back at once, and calls in which something is played or a key is awaited end at once. People who talk with an agent, wait for one, or hear the information message (UK-7) are not cut off. Nobody else of this campaign is called, and it cannot be resumed.", &format!("{path}/cancel"), "Yes, stop now"))
                } @else {
                    (confirmed("Cancel for good…", "Nobody else of this campaign is contacted, and it cannot be resumed. Messages already with the carrier still arrive.", &format!("{path}/cancel"), "Yes, cancel the campaign"))
                }
            }
        }
    }
}

async fn about(session: &Session, campaign: &CampaignRecord) -> Result<Markup, Fault> {
    let team = session.team().await?;
    let tree = match campaign.channel {
        Channel::Voice => session.tenant.check_script(&campaign.script).await?.ok().map(|script| script_check::tree(&script.tree())),
        Channel::Sms => None,
    };
    Ok(html! {
        section.card {
            header { h2 { "About" } }
            dl.facts {
                @if let Some(stated) = campaign.purpose { dt { "Purpose" } dd { (purpose_name(stated.purpose)) } }
                dt { "From" } dd { (campaign.sender) }
                @if tree.is_some() { dt { "How fast" } dd { (fast::told(&campaign.call_pacing)) } dt { "What is recorded" } dd { (recording::told(&campaign.recording)) } } @else { dt { "Text" } dd { div.bubble { (campaign.body) } } }
                dt { "Started" } dd { (when::optional(campaign.started_at, &session.zone)) @if !campaign.started_by.is_empty() { " by " (team.name(&campaign.started_by)) } }
                @if let Some(at) = campaign.finished_at { dt { "Ended" } dd { (when::time(at, &session.zone)) } }
                dt { "Hours" } dd { (super::schedule::told(campaign)) }
            }
        }
        @if let Some(tree) = &tree { section.card { header { h2 { "What it says" } } (tree) } }
    })
}

pub fn heading(campaign: &CampaignRecord) -> Markup {
    html! { div.actions { (state_chip(campaign.state)) @if !campaign.state_reason.is_empty() { span { (campaign.state_reason) } } } }
}
