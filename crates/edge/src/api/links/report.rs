//! What became of a campaign's links.

use axum::Json;
use clarion_store::links::{LinkClicks, LinkCount as Stored};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Id;
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{CampaignId, Time};

/// A short link of a campaign's text.
#[derive(Serialize, ToSchema)]
pub struct LinkCount {
    /// Its place among the text's links, from 0; in the second step's text from 100 on, in the third's from 200 on.
    link: u64,
    /// As the text has it.
    source: String,
    /// Every click.
    clicks: i64,
    /// Messages whose link was clicked at least once.
    clicked: i64,
}

impl From<Stored> for LinkCount {
    fn from(stored: Stored) -> Self {
        Self { link: stored.place as u64, source: stored.source, clicks: stored.clicks, clicked: stored.clicked }
    }
}

/// How often each short link of a campaign was opened
#[utoipa::path(get, path = "/campaigns/{campaign}/links", tag = "links", params(("campaign" = CampaignId, Path)), responses((status = 200, body = Listing<LinkCount>)))]
pub async fn of_campaign(caller: Caller, Id(id): Id<CampaignId>) -> Result<Json<Listing<LinkCount>>, Problem> {
    Ok(Listing::whole(caller.tenant.link_counts(id.0).await?, LinkCount::from))
}

/// What became of a message's short links.
#[derive(Serialize, ToSchema)]
pub struct Clicks {
    /// Short links in the message.
    links: i64,
    clicks: i64,
    first_at: Option<Time>,
    last_at: Option<Time>,
}

impl From<LinkClicks> for Clicks {
    fn from(clicks: LinkClicks) -> Self {
        Self { links: clicks.links, clicks: clicks.clicks, first_at: clicks.first_at.map(Time), last_at: clicks.last_at.map(Time) }
    }
}
