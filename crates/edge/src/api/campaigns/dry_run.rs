//! A dry run: asked for here, answered by a worker.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_domain::id;
use clarion_domain::time::Instant;
use clarion_store::campaigns::{CallForecast as StoredForecast, DryRunRecord, DryRunResult};
use clarion_store::compliance::RuleReason;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Id;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::{Bottleneck, CampaignId, DryRunId, Time};

/// A dry run.
#[derive(Serialize, ToSchema)]
pub struct DryRun {
    id: DryRunId,
    campaign: CampaignId,
    asked_by: String,
    asked_at: Time,
    /// Null while it runs.
    done_at: Option<Time>,
    /// Why it failed; null otherwise.
    error: Option<String>,
    /// Null while it runs, and when it failed.
    result: Option<Forecast>,
}

/// What a start now would lead to.
#[derive(Serialize, ToSchema)]
pub struct Forecast {
    /// The instant for which it was decided.
    at: Time,
    audience: u64,
    /// May be contacted now.
    eligible: u64,
    deferred: u64,
    refused: u64,
    /// Eligible or deferred, but the text cannot be filled for them: they would not be contacted.
    unrenderable: u64,
    deferred_until: Vec<Deferred>,
    /// By rule, the most frequent first. A person may be refused by several.
    refused_by: Vec<Refused>,
    /// The same of those who are deferred.
    deferred_by: Vec<Refused>,
    missing_fields: Vec<Missing>,
    /// Of a campaign of calls: then nothing tells of messages. Null for one of messages.
    calls: Option<CallForecast>,
    messages: u64,
    segments: u64,
    /// Messages that need UCS-2.
    messages_ucs2: u64,
    /// Messages or calls for which no route names a trunk.
    unrouted: u64,
    costs: Vec<Cost>,
    /// Time spent sending or calling, closed hours left out.
    sending_ms: u64,
    starts_at: Option<Time>,
    /// Null when some are never sent.
    finishes_at: Option<Time>,
    /// Messages or calls that closed hours, the campaign's end or missing trunks leave undone.
    left_unsent: u64,
    bottleneck: Option<Bottleneck>,
    /// The rule packs that decided.
    rule_packs: Vec<String>,
    /// The steps after the first, each for the whole audience as if it began at the same moment: at most so many come so far.
    #[schema(no_recursion)]
    steps: Vec<Forecast>,
}

/// The calls of a start now: one to each person who is eligible or deferred.
#[derive(Serialize, ToSchema)]
pub struct CallForecast {
    calls: u64,
    /// By the limits of the campaign, its trunks and its agents.
    calls_an_hour: u64,
    /// Lines of agents to whom the script puts people through.
    agents: u32,
    answered_percent: u8,
    ring_answered_ms: u32,
    ring_unanswered_ms: u32,
    talk_ms: u32,
    /// Your calls of the last 30 days from which these times are; 0 when they are assumed.
    learned_from: u64,
}

impl From<StoredForecast> for CallForecast {
    fn from(found: StoredForecast) -> Self {
        let StoredForecast { calls, calls_an_hour, agents, answered_percent, ring_answered_ms, ring_unanswered_ms, talk_ms, learned_from } = found;
        Self { calls, calls_an_hour, agents, answered_percent, ring_answered_ms, ring_unanswered_ms, talk_ms, learned_from }
    }
}

/// People who may be contacted from a time on.
#[derive(Serialize, ToSchema)]
pub struct Deferred {
    until: Time,
    people: u64,
}

/// People whom a rule refuses.
#[derive(Serialize, ToSchema)]
pub struct Refused {
    rule: String,
    sentence: String,
    people: u64,
}

/// People who lack a field of the text.
#[derive(Serialize, ToSchema)]
pub struct Missing {
    field: String,
    people: u64,
}

/// What it would cost.
#[derive(Serialize, ToSchema)]
pub struct Cost {
    /// ISO 4217.
    currency: String,
    /// In ten-thousandths of the currency's unit.
    amount: i64,
}

impl From<DryRunResult> for Forecast {
    fn from(result: DryRunResult) -> Self {
        let time = |ms: i64| Time(Instant(ms));
        let refused = |RuleReason { rule, sentence }, people| Refused { rule, sentence, people };
        Self {
            at: time(result.at_ms),
            audience: result.audience,
            eligible: result.eligible,
            deferred: result.deferred,
            refused: result.refused,
            unrenderable: result.unrenderable,
            deferred_until: result.deferred_until.into_iter().map(|group| Deferred { until: time(group.until_ms), people: group.people }).collect(),
            refused_by: result.refused_by.into_iter().map(|group| refused(group.reason, group.people)).collect(),
            deferred_by: result.deferred_by.into_iter().map(|group| refused(group.reason, group.people)).collect(),
            calls: result.calls.map(Into::into),
            missing_fields: result.missing_fields.into_iter().map(|missing| Missing { field: missing.field, people: missing.people }).collect(),
            messages: result.messages,
            segments: result.segments,
            messages_ucs2: result.messages_ucs2,
            unrouted: result.unrouted,
            costs: result.costs.into_iter().map(|cost| Cost { currency: cost.currency, amount: cost.amount }).collect(),
            sending_ms: result.sending_ms,
            starts_at: result.starts_at_ms.map(time),
            finishes_at: result.finishes_at_ms.map(time),
            left_unsent: result.left_unsent,
            bottleneck: result.bottleneck.map(Bottleneck),
            rule_packs: result.rule_packs,
            steps: result.steps.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<DryRunRecord> for DryRun {
    fn from(record: DryRunRecord) -> Self {
        let (result, error) = match record.result {
            Some(Ok(result)) => (Some(result.into()), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        Self {
            id: id::DryRunId(record.id).into(),
            campaign: record.campaign_id.into(),
            asked_by: record.asked_by,
            asked_at: record.asked_at.into(),
            done_at: record.done_at.map(Time),
            error,
            result,
        }
    }
}

/// Ask for a dry run
///
/// A worker answers it: read the dry run until it is done. One that waits already answers for both.
#[utoipa::path(post, path = "/campaigns/{campaign}/dry-runs", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 202, body = DryRun)))]
pub async fn ask(caller: Caller, Id(campaign): Id<CampaignId>) -> Result<Response, Problem> {
    let id = caller.tenant.ask_dry_run(campaign.0, caller.now).await?;
    let address = format!("/api/v1/dry-runs/{}", id::DryRunId(id));
    let run = DryRun::from(caller.tenant.dry_run(id).await?);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, address)], Json(run)).into_response())
}

/// One dry run
#[utoipa::path(get, path = "/dry-runs/{dry_run}", tag = "campaigns", params(("dry_run" = DryRunId, Path)), responses((status = 200, body = DryRun)))]
pub async fn get(caller: Caller, Id(id): Id<DryRunId>) -> Result<Json<DryRun>, Problem> {
    Ok(Json(caller.tenant.dry_run(id.0.0).await?.into()))
}
