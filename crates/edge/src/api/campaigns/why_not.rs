//! "Why not?": what the rules say about one number now, under a campaign's terms.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::preview::Decision;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::compliance::hold::Hold;
use crate::api::compliance::suppression::{self, Suppression};
use crate::api::problem::Problem;
use crate::api::wire::{CampaignId, ContactId};

/// Whom to ask about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"number": "07700 900123"}))]
pub struct NumberToExplain {
    #[schema(min_length = 1, max_length = 100)]
    number: String,
}

/// Everything that stands in the way.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    /// Null when you do not know this number: then only the suppression list can tell.
    contact: Option<ContactId>,
    suppressions: Vec<Suppression>,
    /// Those that stand.
    holds: Vec<Hold>,
    /// Attempts within the longest cap of the rules.
    recent_attempts: u64,
    /// For a known contact.
    decision: Option<Decision>,
}

/// Why a number is, or is not, contacted by a campaign now
///
/// Nothing is kept of the answer.
#[utoipa::path(post, path = "/campaigns/{campaign}/why-not", tag = "campaigns", params(("campaign" = CampaignId, Path)), request_body = NumberToExplain, responses((status = 200, body = Explanation)))]
pub async fn ask(caller: Caller, Id(id): Id<CampaignId>, Body(asked): Body<NumberToExplain>) -> Result<Json<Explanation>, Problem> {
    let campaign = caller.tenant.campaign(id.0).await?;
    let terms = caller.tenant.campaign_terms(&campaign).await?;
    let answer = caller.tenant.why_not(&asked.number, &terms, caller.now).await?;
    let shown = caller.shown(None, "campaign", id.0.0).await?;
    Ok(Json(Explanation {
        contact: answer.contact_id.map(ContactId),
        suppressions: answer.suppressions.into_iter().map(|entry| suppression::show(entry, shown)).collect(),
        holds: answer.holds.into_iter().map(Hold::from).collect(),
        recent_attempts: answer.recent_attempts as u64,
        decision: answer.decision.map(|words| Decision::of(words, answer.reasons)),
    }))
}
