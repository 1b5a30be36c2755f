//! The first page: what runs, what today counts, and what needs somebody.

use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::id::CampaignId;
use clarion_domain::intake::import::ImportState;
use clarion_domain::tenancy::role::Right;
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_store::campaigns::{CampaignQuery, CampaignRecord};
use clarion_store::carriers::{TrunkRecord, TrunkStatus};
use clarion_store::reports::Span;
use maud::{Markup, html};

use crate::campaigns::abandoned;
use crate::campaigns::calls::percent;
use crate::campaigns::words::is_halted;
use crate::carriers::list::trunk_table;
use crate::page::chart::{self, Column, Series, area, table};
use crate::page::chip::Tone;
use crate::page::fault::Fault;
use crate::page::figure::{count, counted};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::{OVERVIEW, first_page};
use crate::page::table::empty;
use crate::page::when;
use crate::reports::totals::totals;
use crate::tenancy::guard::Session;

const IMPORTS_LOOKED_AT: i64 = 20;
const CAMPAIGNS_SHOWN: i64 = 20;

pub async fn page(session: Session) -> Result<Response, Fault> {
    if !session.may(Right::View) {
        return Ok(Redirect::to(first_page(session.user.role)).into_response());
    }
    let today = when::day_start(session.now, &session.zone);
    let endings = session.tenant.ending_sums(None, (today, Instant(i64::MAX))).await?;
    let hours: Vec<Span> = (today.ms()..=session.now.hour().ms()).step_by(HOUR_MS as usize).map(|hour| (Instant(hour), Instant(hour + HOUR_MS))).collect();
    let attempts = session.tenant.attempts_within(None, &hours).await?;
    let (trunks, statuses) = (session.tenant.trunks().await?, session.tenant.store().trunk_status().await?);
    let mut running = Vec::new();
    for state in [CampaignState::Running, CampaignState::Starting, CampaignState::Paused, CampaignState::Scheduled] {
        running.extend(session.tenant.campaigns(&CampaignQuery { state: Some(state), text: "", before: None, limit: CAMPAIGNS_SHOWN }).await?.rows);
    }
    let body = html! {
        (attention(&session, &trunks, &statuses, &running).await?)
        (totals(&endings))
        div.columns.wide-first {
            section.card { header { h2 { "Attempts today, by hour" } } (by_hour(&session, &hours, &attempts)) }
            section.card.flush { header { h2 { "Campaigns under way" } a.small href="/campaigns" { "All campaigns" } } (under_way(&session, &running)) }
        }
        section.card.flush { header { h2 { "Trunks" } a.small href="/carriers" { "Carriers" } }
            @if trunks.is_empty() { (empty(Icon::Signal, "No trunk yet", "Without an account with a carrier nothing can be sent.", session.may(Right::ManageTrunks).then_some(("/carriers/trunks/new", "Add a trunk")))) }
            @else { (trunk_table(&session, &trunks, &statuses)) } }
    };
    Ok(Page::new(OVERVIEW, "Overview").lead(html! { p { (when::text(session.now, &session.zone)) ", " (session.record.zone) } }).show(&session, &body))
}

/// What waits for a person, each with the page where it is done.
async fn attention(session: &Session, trunks: &[TrunkRecord], statuses: &[TrunkStatus], campaigns: &[CampaignRecord]) -> Result<Markup, Fault> {
    let mut items: Vec<(String, String)> = Vec::new();
    if session.open_replies > 0 {
        items.push(("/inbox".into(), format!("{} to look at", counted(session.open_replies, "reply", "replies"))));
    }
    let waiting = session.tenant.approvals_for(session.user.user_id, session.now).await?.len();
    if waiting > 0 {
        items.push(("/approvals".into(), format!("{} for you to approve or refuse", counted(waiting as i64, "request waits", "requests wait"))));
    }
    for import in session.tenant.imports(None, IMPORTS_LOOKED_AT).await?.rows {
        match import.state {
            ImportState::AwaitingMapping => items.push((format!("/imports/{}", import.id), format!("Confirm the columns of {}", import.file_name))),
            ImportState::AwaitingRepeat => items.push((format!("/imports/{}", import.id), format!("{} was loaded before: load it again?", import.file_name))),
            _ => {}
        }
    }
    for campaign in campaigns {
        let path = format!("/campaigns/{}", campaign.id);
        if campaign.state == CampaignState::Paused && !campaign.state_reason.is_empty() {
            items.push((path, format!("{} was paused: {}", campaign.name, campaign.state_reason)));
        } else if campaign.state == CampaignState::Running {
            for (step, why) in calls_amiss(session, campaign).await? {
                items.push((format!("/campaigns/{step}"), format!("{}: {why}", campaign.name)));
            }
        }
    }
    for trunk in trunks.iter().filter(|trunk| trunk.enabled) {
        if statuses.iter().any(|status| status.trunk == trunk.id && matches!(status.state, TrunkState::Refused | TrunkState::Waiting | TrunkState::Degraded)) {
            items.push((format!("/carriers/trunks/{}", trunk.id), format!("The trunk {} does not work as it should", trunk.name)));
        }
    }
    Ok(html! { @if !items.is_empty() { section.notice.warn aria-labelledby="attention" { h2 #attention { "Needs attention" } ul.stack.tight { @for (path, text) in &items { li { a href=(path) { (text) } } } } } } })
}

/// What is wrong today with the calls of a running campaign, at whichever step they are made, each with the step's own campaign.
async fn calls_amiss(session: &Session, campaign: &CampaignRecord) -> Result<Vec<(CampaignId, String)>, Fault> {
    let mut steps = vec![campaign.clone()];
    if campaign.sequence.then.iter().any(|step| step.channel == Channel::Voice) {
        for id in session.tenant.step_ids(campaign.id).await?.into_iter().skip(1) {
            steps.push(session.tenant.campaign(id).await?);
        }
    }
    let mut amiss = Vec::new();
    for step in steps.iter().filter(|step| step.channel == Channel::Voice) {
        let is_halted = is_halted(&step.state_reason);
        if is_halted {
            amiss.push((step.id, step.state_reason.clone()));
        }
        if !abandoned::counts_today(&session.tenant, step.id, session.now).await? {
            continue;
        }
        let found = abandoned::read(&session.tenant, step, session.now).await?;
        // Whoever calls nobody else has said so of the ceiling.
        if found.is_above_ceiling() && !is_halted {
            amiss.push((step.id, format!("{} of today's people were abandoned, above the ceiling of {}", percent(found.rate_today_bp()), percent(found.ceiling_bp.into()))));
        }
        if found.counted_today.silent > 0 {
            amiss.push((step.id, format!("{} today", counted(found.counted_today.silent.into(), "silent call", "silent calls"))));
        }
    }
    Ok(amiss)
}

fn by_hour(session: &Session, hours: &[Span], attempts: &[i64]) -> Markup {
    let label = |hour: Instant| hour.timestamp().to_zoned_datetime(session.zone.clone()).strftime("%H:%M").to_string();
    let columns: Vec<Column> = hours.iter().zip(attempts).map(|((hour, _), n)| Column { label: label(*hour), values: vec![*n] }).collect();
    let series = Series { name: "Attempts", tone: Tone::Info };
    html! { (area("Attempts today by hour", &series, &columns)) (table("Attempts today by hour", "Hour", &[series], "", &chart::rows(&columns))) }
}

fn under_way(session: &Session, campaigns: &[CampaignRecord]) -> Markup {
    html! {
        @if campaigns.is_empty() { (empty(Icon::Megaphone, "Nothing is running", "Start with a purpose and an audience.", session.may(Right::RunCampaigns).then_some(("/campaigns/new", "New campaign")))) }
        ul.steps { @for campaign in campaigns { li {
            div { a href={ "/campaigns/" (campaign.id) } { (campaign.name) }
                @if campaign.started_at.is_some() { progress max=(campaign.audience_size.max(1)) value=(campaign.next_position.min(campaign.audience_size)) aria-label={ "People asked about in " (campaign.name) } {} p.small.soft { (count(campaign.next_position)) " of " (count(campaign.audience_size)) } }
                @else if let Some(at) = campaign.starts_at { p.small.soft { "Starts " (when::time(at, &session.zone)) } }
            }
            (crate::campaigns::words::state_chip(campaign.state))
        } } }
    }
}
