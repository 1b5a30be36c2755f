//! The moves of a campaign: schedule, start, pause, resume, cancel; and its rate, also while it runs.

use axum::Json;
use axum::response::{IntoResponse, Response};
use clarion_store::tenancy::Carried;
use serde::Deserialize;
use utoipa::ToSchema;

use super::campaign::{Campaign, show};
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::tenancy::approval::{Approval, waits};
use crate::api::wire::{CampaignId, Time};

/// When a campaign starts by itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"starts_at": "2026-11-24T09:00:00Z"}))]
pub struct Start {
    starts_at: Time,
}

/// A campaign's rate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rate_per_second": 20}))]
pub struct Rate {
    /// Messages or calls a second; of calls no more than 500.
    #[schema(minimum = 1, maximum = 10000)]
    rate_per_second: u32,
}

async fn moved(caller: &Caller, id: clarion_domain::id::CampaignId, carried: Carried) -> Result<Response, Problem> {
    match carried {
        Carried::Done => Ok(show(caller, id).await?.into_response()),
        Carried::Waits(approval) => waits(caller, approval).await,
    }
}

/// Schedule a draft
///
/// All that a start needs must be there now; `errors` names what is not. Where your organisation asks for a second person, the answer is
/// 202 with the request that waits for one.
#[utoipa::path(post, path = "/campaigns/{campaign}/schedule", tag = "campaigns", params(("campaign" = CampaignId, Path)), request_body = Start, responses((status = 200, body = Campaign), (status = 202, body = Approval)))]
pub async fn schedule(caller: Caller, Id(id): Id<CampaignId>, Body(start): Body<Start>) -> Result<Response, Problem> {
    let carried = caller.tenant.schedule_campaign(id.0, start.starts_at.0, caller.now).await?;
    moved(&caller, id.0, carried).await
}

/// Make a scheduled campaign a draft again
#[utoipa::path(post, path = "/campaigns/{campaign}/unschedule", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 200, body = Campaign)))]
pub async fn unschedule(caller: Caller, Id(id): Id<CampaignId>) -> Result<Json<Campaign>, Problem> {
    caller.tenant.unschedule_campaign(id.0, caller.now).await?;
    show(&caller, id.0).await
}

/// Start a campaign now
///
/// The audience is frozen first, then messages go. While a file is being loaded into its list this is a conflict (409); one that takes people in
/// starts all the same, and who is loaded later comes in as they come. Where your organisation asks for a second person, the answer is 202 with the request
/// that waits for one.
#[utoipa::path(post, path = "/campaigns/{campaign}/start", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 200, body = Campaign), (status = 202, body = Approval)))]
pub async fn start(caller: Caller, Id(id): Id<CampaignId>) -> Result<Response, Problem> {
    let carried = caller.tenant.start_campaign(id.0, caller.now).await?;
    moved(&caller, id.0, carried).await
}

/// Pause a running campaign
///
/// What is on the wire stays on the wire.
#[utoipa::path(post, path = "/campaigns/{campaign}/pause", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 200, body = Campaign)))]
pub async fn pause(caller: Caller, Id(id): Id<CampaignId>) -> Result<Json<Campaign>, Problem> {
    caller.tenant.pause_campaign(id.0, caller.now).await?;
    show(&caller, id.0).await
}

/// Resume a paused campaign
#[utoipa::path(post, path = "/campaigns/{campaign}/resume", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 200, body = Campaign)))]
pub async fn resume(caller: Caller, Id(id): Id<CampaignId>) -> Result<Json<Campaign>, Problem> {
    caller.tenant.resume_campaign(id.0, caller.now).await?;
    show(&caller, id.0).await
}

/// Cancel a campaign that is not over
///
/// What is on the wire stays on the wire; nothing else will go.
#[utoipa::path(post, path = "/campaigns/{campaign}/cancel", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 200, body = Campaign)))]
pub async fn cancel(caller: Caller, Id(id): Id<CampaignId>) -> Result<Json<Campaign>, Problem> {
    caller.tenant.cancel_campaign(id.0, caller.now).await?;
    show(&caller, id.0).await
}

/// Change a campaign's rate, also while it runs
///
/// Messages a second of a campaign of texts, calls a second of one of calls; that takes a few seconds.
#[utoipa::path(put, path = "/campaigns/{campaign}/rate", tag = "campaigns", params(("campaign" = CampaignId, Path)), request_body = Rate, responses((status = 200, body = Campaign)))]
pub async fn rate(caller: Caller, Id(id): Id<CampaignId>, Body(rate): Body<Rate>) -> Result<Json<Campaign>, Problem> {
    caller.tenant.set_campaign_rate(id.0, rate.rate_per_second, caller.now).await?;
    show(&caller, id.0).await
}
