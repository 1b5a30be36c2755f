//! Start, schedule, pause, resume, cancel, rate, copy: each one button, each audited by the store.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::tenancy::role::Right;
use clarion_store::StoreError;
use clarion_store::campaigns::CampaignRecord;
use maud::{Markup, html};

use super::{check, find, monitor, problems_of};
use crate::page::fault::Fault;
use crate::page::fields::{Fields, Problems};
use crate::page::form::button;
use crate::portal::Portal;
use crate::tenancy::approval::led;
use crate::tenancy::guard::Session;

pub async fn start(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    match session.tenant.start_campaign(campaign.id, session.now).await {
        Ok(carried) => Ok(led(carried, &format!("/campaigns/{id}"))),
        Err(error) => check::show(&session, &campaign, &at_start(error)?).await,
    }
}

pub async fn schedule(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let Some(at) = campaign.starts_at else { return Err(StoreError::Conflict("set when the campaign starts first".into()).into()) };
    match session.tenant.schedule_campaign(campaign.id, at, session.now).await {
        Ok(carried) => Ok(led(carried, &format!("/campaigns/{id}"))),
        Err(error) => check::show(&session, &campaign, &at_start(error)?).await,
    }
}

/// The fields at fault stand on other pages: here every problem leads to the start.
fn at_start(error: StoreError) -> Result<Problems, Fault> {
    let mut problems = Problems::new();
    problems_of(error, "start")?.all().iter().for_each(|(_, text)| problems.add("start", text.as_str()));
    Ok(problems)
}

async fn back(id: &str, moved: Result<(), StoreError>) -> Result<Response, Fault> {
    moved?;
    Ok(Redirect::to(&format!("/campaigns/{id}")).into_response())
}

pub async fn unschedule(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    back(&id, session.tenant.unschedule_campaign(campaign.id, session.now).await).await
}

pub async fn pause(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    back(&id, session.tenant.pause_campaign(campaign.id, session.now).await).await
}

pub async fn resume(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    back(&id, session.tenant.resume_campaign(campaign.id, session.now).await).await
}

pub async fn cancel(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    back(&id, session.tenant.cancel_campaign(campaign.id, session.now).await).await
}

pub async fn copy(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let copy = session.tenant.copy_campaign(campaign.id, session.now).await?;
    Ok(Redirect::to(&format!("/campaigns/{copy}?said=copied")).into_response())
}

/// Beside the heading, whatever state the campaign is in.
pub(super) fn copying(session: &Session, campaign: &CampaignRecord) -> Markup {
    html! { @if session.may(Right::RunCampaigns) && campaign.step == 1 { (button(&format!("/campaigns/{}/copy", campaign.id), "quiet", "Copy")) } }
}

pub async fn rate(State(portal): State<Portal>, session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let rate = fields.get("rate_per_second").parse().unwrap_or(0);
    match session.tenant.set_campaign_rate(campaign.id, rate, session.now).await {
        Ok(()) => Ok(Redirect::to(&format!("/campaigns/{id}?said=saved")).into_response()),
        Err(error) => monitor::show(&portal, &session, &campaign, &fields, &problems_of(error, "rate_per_second")?, None).await,
    }
}
