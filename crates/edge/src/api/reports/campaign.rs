//! How a campaign stands in numbers, live.

use std::collections::BTreeMap;

use axum::Json;
use clarion_domain::outcomes::disposition::Disposition as Word;
use clarion_domain::time::Instant;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Id;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::{CampaignId, CampaignState, Disposition, Time};

/// A campaign in numbers.
#[derive(Serialize, ToSchema)]
pub struct CampaignCounts {
    campaign: CampaignId,
    state: CampaignState,
    /// Recipients, frozen at the start.
    audience: i64,
    /// Recipients that were not asked about yet.
    not_asked: i64,
    /// Attempts by how they ended.
    attempts: Vec<AttemptCount>,
    /// Recipients that the rules refused.
    refused: Vec<RefusalCount>,
    /// Recipients that wait until a time: deferred by the rules, or due for another attempt.
    due: Vec<DueCount>,
}

/// Attempts that ended the same way.
#[derive(Serialize, ToSchema)]
pub struct AttemptCount {
    disposition: Disposition,
    n: i64,
    segments: i64,
    /// In ten-thousandths of the currency's unit.
    cost: i64,
}

/// Recipients refused by the same rules.
#[derive(Serialize, ToSchema)]
pub struct RefusalCount {
    rules: Vec<String>,
    n: i64,
}

/// Recipients that wait for the same reason.
#[derive(Serialize, ToSchema)]
pub struct DueCount {
    why: String,
    n: i64,
    first_at: Time,
}

/// How a campaign stands in numbers
#[utoipa::path(get, path = "/campaigns/{campaign}/counts", tag = "reports", params(("campaign" = CampaignId, Path)), responses((status = 200, body = CampaignCounts)))]
pub async fn counts(caller: Caller, Id(id): Id<CampaignId>) -> Result<Json<CampaignCounts>, Problem> {
    let campaign = caller.tenant.campaign(id.0).await?;
    let mut by_disposition: BTreeMap<Word, (i64, i64, i64)> = BTreeMap::new();
    for row in caller.tenant.measures(Some(id.0), Instant(0), Instant(i64::MAX)).await? {
        let sum = by_disposition.entry(row.disposition).or_default();
        *sum = (sum.0 + row.n, sum.1 + row.segments, sum.2 + row.cost);
    }
    let attempts = by_disposition.into_iter().map(|(disposition, (n, segments, cost))| AttemptCount { disposition: disposition.into(), n, segments, cost });
    let rules = |named: &str| named.split(',').filter(|rule| !rule.is_empty()).map(str::to_owned).collect();
    let refused = caller.tenant.refusal_counts(id.0).await?.into_iter().map(|(named, n)| RefusalCount { rules: rules(&named), n });
    let due = caller.tenant.due_counts(id.0).await?.into_iter().map(|(why, n, first_at)| DueCount { why, n, first_at: first_at.into() });
    Ok(Json(CampaignCounts {
        campaign: id,
        state: campaign.state.into(),
        audience: campaign.audience_size,
        not_asked: (campaign.audience_size - campaign.next_position).max(0),
        attempts: attempts.collect(),
        refused: refused.collect(),
        due: due.collect(),
    }))
}
